/*
 * Reading a snapshot: structure, then the operators' signatures, and only then memory and the work
 * on each descriptor, so that a stranger's 4 MiB cost hashing and a few verifications. What the
 * nodes signed, the operators have verified; each proves its keys again where they are used
 * (dir/vouch.h).
 */
#include "dir/snapshot.h"

#include "base/limits.h"
#include "dir/body.h"
#include "dir/delta.h"
#include "dir/envelope.h"
#include "dir/equivocation.h"
#include "dir/internal.h"

/* ---- body ------------------------------------------------------------------------------------ */

static void get_field(qn_cbor_r *r, uint64_t key, qn_snapshot_body *b)
{
    switch (key) {
    case SNAP_VERSION:
        qn_body_get_version(r);
        break;
    case SNAP_AFTER:
        b->valid_after = qn_body_get_time(r);
        break;
    case SNAP_UNTIL:
        b->valid_until = qn_body_get_time(r);
        break;
    case SNAP_NETWORK:
        qn_cbor_get_fixed(r, b->network, sizeof b->network);
        break;
    case SNAP_ENTRIES: {
        qn_cbor_r at = *r;

        b->entries_n = qn_cbor_get_array(&at);
        b->entries = at;
        qn_cbor_skip(r);
        break;
    }
    case SNAP_PROOFS:
        b->proofs = qn_cbor_get_item(r);
        break;
    default:
        qn_body_unknown_key(r, key);
    }
}

qn_err qn_snapshot_body_read(qn_snapshot_body *out, qn_slice in)
{
    qn_snapshot_body got = {0};
    qn_body b;
    uint64_t key;
    qn_err err;

    qn_body_open(&b, in);
    while (qn_body_next(&b, &key))
        get_field(&b.r, key, &got);
    err = qn_body_end(&b, QN_BODY_KEYS(SNAP_KEYS));
    if (err != QN_OK)
        return err;
    if (got.valid_after >= got.valid_until)
        return QN_PROTO;
    if (got.valid_until - got.valid_after > QN_SNAPSHOT_LIFE_S || got.entries_n > QN_REGISTRY_MAX)
        return QN_LIMIT;
    *out = got;
    return QN_OK;
}

void qn_snapshot_message(uint8_t out[QN_SNAPSHOT_SIGNED], int64_t after, int64_t until,
                         const qn_hash *body)
{
    qn_put64(out, (uint64_t)after);
    qn_put64(out + 8, (uint64_t)until);
    memcpy(out + 16, body->b, sizeof body->b);
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* Operators are listed in ascending order, so nobody counts twice. */
static qn_err read_signatures(qn_cbor_r *r, const qn_network *net, qn_signed_list *o)
{
    uint64_t n = qn_cbor_get_array(r);
    int last = -1;

    if (r->err == QN_OK && n > net->operators_n)
        return QN_LIMIT;
    for (uint64_t i = 0; i < n && r->err == QN_OK; i++) {
        qn_snapshot_signature *s = &o->v[o->n++];

        if (qn_cbor_get_array(r) != 2 && r->err == QN_OK)
            return QN_PROTO;
        s->operator_index = (uint8_t)qn_body_get_below(r, net->operators_n);
        qn_cbor_get_fixed(r, s->signature.b, sizeof s->signature.b);
        if (r->err == QN_OK && s->operator_index <= last)
            return QN_CANON;
        last = s->operator_index;
    }
    return r->err == QN_OK ? qn_cbor_end(r) : r->err;
}

static qn_err verify_signatures(qn_signed_list *o, const qn_network *net)
{
    uint8_t message[QN_SNAPSHOT_SIGNED];

    qn_snapshot_message(message, o->valid_after, o->valid_until, &o->hash);
    for (uint8_t i = 0; i < o->n; i++) {
        uint8_t who = o->v[i].operator_index;
        qn_sign_public key;

        memcpy(key.b, net->operators[who].sign_key, sizeof key.b);
        if (qn_signed_verify(QN_TAG_SNAPSHOT, net->id, qn_slice_of(message, sizeof message), &key,
                             &o->v[i].signature) != QN_OK)
            return QN_AUTH;
        o->signers |= (uint16_t)(1u << who);
    }
    return QN_OK;
}

bool qn_snapshot_enough(const qn_network *net, uint16_t signers)
{
    unsigned count = 0;

    for (unsigned i = 0; i < net->operators_n; i++)
        count += (signers & ~net->distrusted) >> i & 1;
    return count >= net->threshold;
}

/* ---- entries --------------------------------------------------------------------------------- */

qn_err qn_snapshot_entry_read(qn_cbor_r *r, qn_snapshot_entry *e)
{
    *e = (qn_snapshot_entry){0};
    if (qn_cbor_get_array(r) != 3 && r->err == QN_OK)
        r->err = QN_PROTO;
    qn_cbor_get_fixed(r, e->identity.b, sizeof e->identity.b);
    e->body = qn_cbor_get_bytes(r);
    e->weight = (uint16_t)qn_body_get_below(r, QN_WEIGHT_MAX + 1);
    if (r->err != QN_OK)
        return r->err;
    return e->weight > 0 ? QN_OK : QN_PROTO;
}

static qn_err read_relay(qn_cbor_r *r, qn_env *env, const qn_network *net, qn_relay *relay)
{
    qn_snapshot_entry e;
    qn_err err = qn_snapshot_entry_read(r, &e);

    if (err != QN_OK)
        return err;
    relay->body = e.body;
    relay->weight = e.weight;
    return qn_descriptor_read(&relay->d, env, net, e.body, &e.identity);
}

static qn_err read_relays(qn_snapshot_body *b, qn_env *env, const qn_network *net, qn_relay *v)
{
    for (uint64_t i = 0; i < b->entries_n; i++) {
        qn_err err = read_relay(&b->entries, env, net, &v[i]);

        if (err != QN_OK)
            return err;
        if (i > 0 && memcmp(v[i - 1].d.id.b, v[i].d.id.b, sizeof v[i].d.id.b) >= 0)
            return QN_CANON;
    }
    return QN_OK;
}

/* ---- open ------------------------------------------------------------------------------------ */

/* [body, signatures]; on QN_OK the signatures are next in r. */
static qn_err read_outer(qn_cbor_r *r, qn_slice bytes, qn_slice *body)
{
    qn_cbor_r_init(r, bytes.p, bytes.n);
    if (qn_cbor_get_array(r) != 2 && r->err == QN_OK)
        return QN_PROTO;
    *body = qn_cbor_get_bytes(r);
    return r->err;
}

qn_err qn_signed_list_open(qn_signed_list *out, qn_env *env, const qn_network *net, qn_slice bytes)
{
    qn_signed_list got = {0};
    qn_snapshot_body b = {0};
    qn_cbor_r r;
    qn_err err = bytes.n > QN_SNAPSHOT_MAX ? QN_LIMIT : read_outer(&r, bytes, &got.body);

    if (err == QN_OK)
        err = qn_snapshot_body_read(&b, got.body);
    if (err != QN_OK)
        return err;
    if (memcmp(b.network, net->id, sizeof b.network) != 0)
        return QN_NETWORK;
    got.valid_after = b.valid_after;
    got.valid_until = b.valid_until;
    err = qn_sha256(env, &got.body, 1, &got.hash);
    if (err == QN_OK)
        err = read_signatures(&r, net, &got);
    if (err == QN_OK)
        err = verify_signatures(&got, net);
    if (err == QN_OK)
        *out = got;
    return err;
}

static qn_err read_proofs(qn_slice in, const qn_network *net, uint16_t *proven)
{
    qn_equivocations v = {0};
    qn_err err = qn_equivocations_read(&v, net, in);

    *proven = v.proven;
    return err;
}

/* The snapshot, its relays and its bytes are one allocation. The body is read again from the copy,
 * so that every slice points into it. */
static qn_err fill(qn_snapshot *s, qn_env *env, const qn_network *net, qn_slice bytes,
                   uint64_t entries_n)
{
    qn_relay *relays = (qn_relay *)(s + 1);
    uint8_t *copy = (uint8_t *)(relays + entries_n);
    qn_snapshot_body b;
    qn_slice body;
    qn_cbor_r r;
    qn_err err;

    memcpy(copy, bytes.p, bytes.n);
    s->bytes = qn_slice_of(copy, bytes.n);
    err = read_outer(&r, s->bytes, &body);
    if (err == QN_OK)
        err = qn_snapshot_body_read(&b, body);
    if (err == QN_OK)
        err = read_relays(&b, env, net, relays);
    if (err == QN_OK && b.proofs.n > 0)
        err = read_proofs(b.proofs, net, &s->proven);
    if (err != QN_OK)
        return err;
    s->proofs = b.proofs;
    s->body = body;
    s->relays = relays;
    s->relays_n = (uint32_t)entries_n;
    s->valid_after = b.valid_after;
    s->valid_until = b.valid_until;
    s->version = (uint64_t)b.valid_after;
    memcpy(s->network, net->id, sizeof s->network);
    s->root = net->root;
    return QN_OK;
}

/* Structure and signatures first, then memory, then the work on each descriptor. */
static qn_err verify(qn_snapshot **out, qn_env *env, const qn_network *net,
                     struct qn_intern *intern, qn_slice bytes, uint64_t *verified)
{
    qn_mem *mem = intern != NULL ? intern->mem : &env->mem;
    qn_snapshot_body b = {0};
    qn_snapshot *s;
    qn_signed_list o;
    size_t size;
    qn_err err = qn_signed_list_open(&o, env, net, bytes);

    if (err == QN_OK && !qn_snapshot_enough(net, o.signers))
        err = QN_AUTH;
    if (err == QN_OK)
        err = qn_snapshot_body_read(&b, o.body);
    if (err != QN_OK)
        return err;
    size = sizeof *s + (size_t)b.entries_n * sizeof(qn_relay) + bytes.n;
    s = intern != NULL ? qn_intern_get(intern, size) : qn_mem_get(mem, size);
    if (s == NULL)
        return QN_NOMEM;
    s->mem = mem;
    s->size = size;
    s->signers = o.signers;
    s->body_hash = o.hash;
    *verified += o.n;
    err = fill(s, env, net, bytes, b.entries_n);
    if (err != QN_OK) {
        qn_mem_put(mem, s, size);
        return err;
    }
    *out = s;
    return QN_OK;
}

/* From the table or by full verification; unreferenced yet. */
static qn_err obtain(qn_snapshot **out, qn_env *env, const qn_network *net,
                     struct qn_intern *intern, qn_slice bytes)
{
    uint64_t verified = 0;
    qn_snapshot *s;
    qn_hash hash;
    qn_err err = qn_sha256(env, &bytes, 1, &hash);

    if (err != QN_OK)
        return err;
    s = intern != NULL ? qn_intern_find(intern, net, &hash) : NULL;
    if (s != NULL) {
        intern->stats.hits++;
        intern->stats.saved += s->verifications;
        *out = s;
        return QN_OK;
    }
    err = verify(&s, env, net, intern, bytes, &verified);
    if (intern != NULL)
        intern->stats.verified += verified;
    if (err != QN_OK)
        return err;
    s->hash = hash;
    s->verifications = verified;
    if (intern != NULL) {
        intern->stats.opened++;
        qn_intern_add(intern, s);
    }
    *out = s;
    return QN_OK;
}

static qn_err open_at(qn_snapshot **out, qn_env *env, const qn_network *net,
                      struct qn_intern *intern, qn_slice bytes, uint64_t known, bool any_time)
{
    qn_snapshot *s;
    qn_err err;

    if (bytes.n > QN_SNAPSHOT_MAX)
        return QN_LIMIT;
    err = obtain(&s, env, net, intern, bytes);
    if (err != QN_OK)
        return err;
    s->refs++;
    if (!any_time)
        err = s->version <= known ? QN_STALE : qn_snapshot_valid(s, env->wall);
    if (err == QN_OK && !qn_snapshot_enough(net, s->signers & (uint16_t)~s->proven))
        err = QN_AUTH;
    if (err == QN_OK)
        *out = s;
    else
        qn_snapshot_drop(s);
    return err;
}

qn_err qn_snapshot_open(qn_snapshot **out, qn_env *env, const qn_network *net,
                        struct qn_intern *intern, qn_slice bytes, uint64_t known)
{
    return open_at(out, env, net, intern, bytes, known, false);
}

qn_err qn_snapshot_recall(qn_snapshot **out, qn_env *env, const qn_network *net,
                          struct qn_intern *intern, qn_slice bytes)
{
    return open_at(out, env, net, intern, bytes, 0, true);
}

qn_snapshot *qn_snapshot_ref(qn_snapshot *s)
{
    s->refs++;
    return s;
}

void qn_snapshot_drop(qn_snapshot *s)
{
    if (s == NULL)
        return;
    QN_ASSERT(s->refs > 0);
    if (--s->refs == 0 && s->intern == NULL)
        qn_snapshot_free(s);
}

void qn_snapshot_free(qn_snapshot *s)
{
    qn_outline_drop(s->outline);
    qn_blob_clear(&s->packed, s->mem);
    qn_mem_put(s->mem, s, s->size);
}

qn_err qn_snapshot_packed(qn_snapshot *s, qn_slice *out)
{
    qn_err err = s->packed.n > 0 ? QN_OK : qn_pack(&s->packed, s->mem, s->bytes);

    if (err == QN_OK)
        *out = qn_slice_of(s->packed.p, s->packed.n);
    return err;
}

/* ---- asking ---------------------------------------------------------------------------------- */

qn_err qn_snapshot_valid(const qn_snapshot *s, int64_t wall)
{
    return qn_body_valid(s->valid_after, s->valid_until, wall);
}

const qn_relay *qn_snapshot_find(const qn_snapshot *s, const qn_peerid *id)
{
    uint32_t low = 0, high = s->relays_n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = memcmp(s->relays[mid].d.id.b, id->b, sizeof id->b);

        if (order == 0)
            return &s->relays[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

bool qn_relay_usable(const qn_relay *r, int64_t wall)
{
    return qn_descriptor_valid(&r->d, wall) == QN_OK &&
           qn_dated_key_valid(&r->d.link, wall) == QN_OK &&
           qn_dated_key_valid(&r->d.onion[0], wall) == QN_OK;
}

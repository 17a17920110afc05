#include "dir/offer.h"

#include "base/limits.h"
#include "dir/envelope.h"
#include "dir/internal.h"

enum { EACH = sizeof(qn_signature) };

static bool find(const qn_registry *r, qn_env *env, const qn_snapshot_entry *entry,
                 qn_signature *out)
{
    const qn_registration *e;
    qn_envelope said;
    qn_peerid id;

    if (qn_peerid_of(env, entry->identity.b, &id) != QN_OK)
        return false;
    e = qn_registry_find(r, &id);
    if (e == NULL || qn_envelope_read(&said, e->bytes) != QN_OK || said.body.n != entry->body.n ||
        memcmp(said.body.p, entry->body.p, said.body.n) != 0)
        return false;
    *out = said.signature;
    return true;
}

qn_err qn_offer_signatures(qn_blob *out, const qn_registry *r, qn_slice body)
{
    qn_snapshot_body b;
    qn_blob got = {0};
    qn_err err = qn_snapshot_body_read(&b, body);

    if (err == QN_OK && b.entries_n > 0)
        err = qn_blob_new(&got, &r->env->mem, (size_t)b.entries_n * EACH);
    for (uint64_t i = 0; err == QN_OK && i < b.entries_n; i++) {
        qn_signature s = {0};
        qn_snapshot_entry entry;

        err = qn_snapshot_entry_read(&b.entries, &entry);
        if (err == QN_OK)
            (void)find(r, r->env, &entry, &s);
        memcpy(got.p + got.n, s.b, EACH);
        got.n += EACH;
    }
    if (err == QN_OK)
        *out = got;
    else
        qn_blob_clear(&got, &r->env->mem);
    return err;
}

qn_err qn_offer_write(qn_blob *out, qn_env *env, qn_slice list, qn_slice signatures)
{
    enum { HEADS = 1 + 5 + 5 };
    qn_cbor_w w;

    if (qn_blob_new(out, &env->mem, HEADS + list.n + signatures.n) != QN_OK)
        return QN_NOMEM;
    qn_cbor_w_init(&w, out->p, out->cap);
    qn_cbor_array(&w, 2);
    qn_cbor_bytes(&w, list.p, list.n);
    qn_cbor_bytes(&w, signatures.p, signatures.n);
    QN_ASSERT(w.err == QN_OK);
    out->n = w.n;
    return QN_OK;
}

qn_err qn_offer_read(qn_slice in, qn_slice *list, qn_slice *signatures)
{
    qn_slice got[2];
    qn_cbor_r r;

    qn_cbor_r_init(&r, in.p, in.n);
    if (qn_cbor_get_array(&r) != 2 && r.err == QN_OK)
        return QN_PROTO;
    got[0] = qn_cbor_get_bytes(&r);
    got[1] = qn_cbor_get_bytes(&r);
    if (qn_cbor_end(&r) != QN_OK)
        return qn_cbor_end(&r);
    if (got[1].n % EACH != 0 || got[1].n / EACH > QN_REGISTRY_MAX)
        return QN_PROTO;
    *list = got[0];
    *signatures = got[1];
    return QN_OK;
}

/* False: there is none. */
static bool at(qn_slice signatures, uint64_t i, qn_signature *out)
{
    static const qn_signature none;

    if (i >= signatures.n / EACH)
        return false;
    memcpy(out->b, signatures.p + i * EACH, EACH);
    return memcmp(out->b, none.b, EACH) != 0;
}

qn_err qn_offer_verify(qn_slice signatures, uint64_t i, const qn_network *net,
                       const qn_sign_public *identity, qn_slice body)
{
    qn_signature s;

    if (!at(signatures, i, &s))
        return QN_AUTH;
    return qn_signed_verify(QN_TAG_DESCRIPTOR, net->id, body, identity, &s);
}

qn_err qn_offer_seed(qn_registry *r, const qn_snapshot *s, qn_slice signatures)
{
    for (uint32_t i = 0; i < s->relays_n; i++) {
        const qn_relay *relay = &s->relays[i];
        qn_envelope e = {.body = relay->body, .key = relay->d.identity};
        uint8_t bytes[QN_DESCRIPTOR_MAX];
        size_t n;

        if (at(signatures, i, &e.signature) &&
            qn_envelope_write(&e, bytes, sizeof bytes, &n) == QN_OK &&
            qn_registry_seed(r, qn_slice_of(bytes, n)) == QN_NOMEM)
            return QN_NOMEM;
    }
    return QN_OK;
}

/* Writing a snapshot: what operators do. */
#include "base/limits.h"
#include "dir/body.h"
#include "dir/capacity.h"
#include "dir/envelope.h"
#include "dir/internal.h"
#include "dir/snapshot.h"

/* ---- body ------------------------------------------------------------------------------------ */

static const qn_registration *next_listed(const qn_registry *r, uint32_t *cursor)
{
    const qn_registration *e;

    do
        e = qn_registry_next(r, NULL, cursor);
    while (e != NULL && !qn_registry_listed(r, e));
    return e;
}

static size_t count_listed(const qn_registry *r, size_t *bytes)
{
    const qn_registration *e;
    uint32_t cursor = 0;
    size_t n = 0;

    for (*bytes = 0; (e = next_listed(r, &cursor)) != NULL; n++)
        *bytes += e->bytes.n + QN_SNAPSHOT_ENTRY_EXTRA;
    return n;
}

static void put_entry(qn_cbor_w *w, const qn_registry *r, const qn_registration *e)
{
    qn_envelope said = {0};
    qn_err err = qn_envelope_read(&said, e->bytes);

    QN_ASSERT(err == QN_OK); /* it was opened to be registered */
    qn_cbor_array(w, 3);
    qn_cbor_bytes(w, said.key.b, sizeof said.key.b);
    qn_cbor_bytes(w, said.body.p, said.body.n);
    qn_cbor_uint(w, qn_registry_weight(r, e));
}

qn_err qn_snapshot_build(qn_blob *body, const qn_registry *r, int64_t valid_after,
                         int64_t valid_until, qn_slice proofs)
{
    const qn_registration *e;
    uint32_t cursor = 0;
    size_t n, bytes;
    qn_cbor_w w;

    if (valid_after < 0 || valid_after >= valid_until || valid_until > QN_BODY_TIME_MAX ||
        valid_until - valid_after > QN_SNAPSHOT_LIFE_S)
        return QN_CONFIG;
    n = count_listed(r, &bytes);
    if (qn_blob_new(body, &r->env->mem, bytes + QN_SNAPSHOT_EXTRA + proofs.n) != QN_OK)
        return QN_NOMEM;
    qn_cbor_w_init(&w, body->p, body->cap);
    qn_cbor_map(&w, SNAP_KEYS + (proofs.n > 0));
    qn_cbor_uint(&w, SNAP_VERSION);
    qn_cbor_uint(&w, QN_BODY_VERSION);
    qn_cbor_uint(&w, SNAP_AFTER);
    qn_cbor_uint(&w, (uint64_t)valid_after);
    qn_cbor_uint(&w, SNAP_UNTIL);
    qn_cbor_uint(&w, (uint64_t)valid_until);
    qn_cbor_uint(&w, SNAP_NETWORK);
    qn_cbor_bytes(&w, r->net->id, sizeof r->net->id);
    qn_cbor_uint(&w, SNAP_ENTRIES);
    qn_cbor_array(&w, n);
    while ((e = next_listed(r, &cursor)) != NULL)
        put_entry(&w, r, e);
    if (proofs.n > 0) {
        qn_cbor_uint(&w, SNAP_PROOFS);
        qn_cbor_item(&w, proofs);
    }
    QN_ASSERT(w.err == QN_OK);
    body->n = w.n;
    return QN_OK;
}

/* ---- signatures ------------------------------------------------------------------------------ */

bool qn_operator_find(const qn_network *net, const qn_sign_public *key, uint8_t *index)
{
    for (uint8_t i = 0; i < net->operators_n; i++)
        if (memcmp(net->operators[i].sign_key, key->b, sizeof key->b) == 0) {
            *index = i;
            return true;
        }
    return false;
}

qn_err qn_snapshot_sign(qn_snapshot_signature *out, qn_env *env, const qn_network *net,
                        qn_slice body, const qn_secret32 *operator_seed)
{
    uint8_t message[QN_SNAPSHOT_SIGNED];
    qn_snapshot_signature got;
    qn_snapshot_body b;
    qn_hash hash;
    qn_sign_secret secret;
    qn_sign_public key;
    qn_err err = qn_snapshot_body_read(&b, body);

    if (err == QN_OK)
        err = qn_sha256(env, &body, 1, &hash);
    if (err != QN_OK)
        return err;
    qn_snapshot_message(message, b.valid_after, b.valid_until, &hash);
    if (memcmp(b.network, net->id, sizeof b.network) != 0)
        return QN_NETWORK;
    memcpy(secret.seed, operator_seed->b, sizeof secret.seed);
    qn_sign_derive(&secret, &key);
    if (qn_operator_find(net, &key, &got.operator_index))
        err = qn_signed_sign(QN_TAG_SNAPSHOT, net->id, qn_slice_of(message, sizeof message),
                             &secret, &got.signature);
    else
        err = QN_CONFIG;
    qn_wipe(&secret, sizeof secret);
    if (err == QN_OK)
        *out = got;
    return err;
}

/* The signature of the lowest operator from `at` on; NULL when there is none. */
static const qn_snapshot_signature *lowest(const qn_snapshot_signature *v, unsigned n, unsigned at)
{
    const qn_snapshot_signature *best = NULL;

    for (unsigned i = 0; i < n; i++)
        if (v[i].operator_index >= at &&
            (best == NULL || v[i].operator_index < best->operator_index))
            best = &v[i];
    return best;
}

qn_err qn_snapshot_join(qn_blob *out, qn_env *env, qn_slice body, const qn_snapshot_signature *v,
                        unsigned n)
{
    enum { HEADS = 16, EACH = 1 + 2 + 2 + 64 };
    unsigned at = 0;
    qn_cbor_w w;

    QN_ASSERT(n <= QN_OPERATORS_MAX);
    if (qn_blob_new(out, &env->mem, HEADS + body.n + (size_t)n * EACH) != QN_OK)
        return QN_NOMEM;
    qn_cbor_w_init(&w, out->p, out->cap);
    qn_cbor_array(&w, 2);
    qn_cbor_bytes(&w, body.p, body.n);
    qn_cbor_array(&w, n);
    for (unsigned i = 0; i < n; i++) {
        const qn_snapshot_signature *s = lowest(v, n, at);

        QN_ASSERT(s != NULL); /* distinct operators are the caller's promise */
        qn_cbor_array(&w, 2);
        qn_cbor_uint(&w, s->operator_index);
        qn_cbor_bytes(&w, s->signature.b, sizeof s->signature.b);
        at = s->operator_index + 1u;
    }
    QN_ASSERT(w.err == QN_OK);
    out->n = w.n;
    return QN_OK;
}

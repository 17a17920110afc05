#include "dir/equivocation.h"

#include "base/cbor.h"
#include "dir/body.h"
#include "dir/envelope.h"
#include "dir/internal.h"

bool qn_statements_clash(const qn_statement *a, const qn_statement *b)
{
    return a->operator_index == b->operator_index && a->version == b->version &&
           (a->until != b->until || memcmp(a->hash.b, b->hash.b, sizeof a->hash.b) != 0);
}

static bool ascend(const qn_statement *a, const qn_statement *b)
{
    if (a->until != b->until)
        return a->until < b->until;
    return memcmp(a->hash.b, b->hash.b, sizeof a->hash.b) < 0;
}

static void put_half(qn_cbor_w *w, const qn_statement *s)
{
    qn_cbor_array(w, 3);
    qn_cbor_uint(w, (uint64_t)s->until);
    qn_cbor_bytes(w, s->hash.b, sizeof s->hash.b);
    qn_cbor_bytes(w, s->signature.b, sizeof s->signature.b);
}

size_t qn_equivocation_write(const qn_network *net, const qn_statement *a, const qn_statement *b,
                             uint8_t out[QN_EQUIVOCATION_MAX])
{
    bool in_order = ascend(a, b);
    qn_cbor_w w;

    QN_ASSERT(qn_statements_clash(a, b) && a->operator_index < net->operators_n);
    qn_cbor_w_init(&w, out, QN_EQUIVOCATION_MAX);
    qn_cbor_array(&w, 4);
    qn_cbor_bytes(&w, net->operators[a->operator_index].sign_key, 32);
    qn_cbor_uint(&w, (uint64_t)a->version);
    put_half(&w, in_order ? a : b);
    put_half(&w, in_order ? b : a);
    QN_ASSERT(w.err == QN_OK);
    return w.n;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void get_half(qn_cbor_r *r, qn_statement *s)
{
    if (qn_cbor_get_array(r) != 3 && r->err == QN_OK)
        r->err = QN_PROTO;
    s->until = qn_body_get_time(r);
    qn_cbor_get_fixed(r, s->hash.b, sizeof s->hash.b);
    qn_cbor_get_fixed(r, s->signature.b, sizeof s->signature.b);
}

static qn_err get(qn_slice in, qn_sign_public *key, qn_statement half[2])
{
    qn_cbor_r r;
    qn_err err;

    qn_cbor_r_init(&r, in.p, in.n);
    if (qn_cbor_get_array(&r) != 4 && r.err == QN_OK)
        return QN_PROTO;
    qn_cbor_get_fixed(&r, key->b, sizeof key->b);
    half[0].version = half[1].version = qn_body_get_time(&r);
    get_half(&r, &half[0]);
    get_half(&r, &half[1]);
    err = qn_cbor_end(&r);
    return err == QN_OK && !ascend(&half[0], &half[1]) ? QN_CANON : err;
}

static bool signed_it(const qn_network *net, const qn_sign_public *key, const qn_statement *s)
{
    uint8_t message[QN_SNAPSHOT_SIGNED];

    qn_snapshot_message(message, s->version, s->until, &s->hash);
    return qn_signed_verify(QN_TAG_SNAPSHOT, net->id, qn_slice_of(message, sizeof message), key,
                            &s->signature) == QN_OK;
}

qn_err qn_statement_verify(const qn_network *net, const qn_statement *s)
{
    qn_sign_public key;

    QN_ASSERT(s->operator_index < net->operators_n);
    memcpy(key.b, net->operators[s->operator_index].sign_key, sizeof key.b);
    return signed_it(net, &key, s) ? QN_OK : QN_AUTH;
}

qn_err qn_equivocation_open(uint8_t *who, const qn_network *net, qn_slice proof)
{
    qn_statement half[2] = {0};
    qn_sign_public key;
    uint8_t index;
    qn_err err = get(proof, &key, half);

    if (err != QN_OK)
        return err;
    if (!qn_operator_find(net, &key, &index))
        return QN_UNKNOWN;
    if (!signed_it(net, &key, &half[0]) || !signed_it(net, &key, &half[1]))
        return QN_AUTH;
    *who = index;
    return QN_OK;
}

/* ---- many ------------------------------------------------------------------------------------ */

qn_err qn_equivocations_add(qn_equivocations *v, const qn_network *net, qn_slice proof)
{
    uint8_t who;
    qn_err err = qn_equivocation_open(&who, net, proof);

    if (err != QN_OK)
        return err;
    if (v->proven >> who & 1)
        return QN_STALE;
    QN_ASSERT(proof.n <= sizeof v->proof[who]); /* the form leaves no room for more */
    memcpy(v->proof[who], proof.p, proof.n);
    v->n[who] = (uint16_t)proof.n;
    v->proven |= (uint16_t)(1u << who);
    return QN_OK;
}

size_t qn_equivocations_write(const qn_equivocations *v, uint8_t out[QN_EQUIVOCATIONS_MAX])
{
    unsigned count = 0;
    qn_cbor_w w;

    for (unsigned i = 0; i < QN_OPERATORS_MAX; i++)
        count += v->proven >> i & 1;
    if (count == 0)
        return 0;
    qn_cbor_w_init(&w, out, QN_EQUIVOCATIONS_MAX);
    qn_cbor_array(&w, count);
    for (unsigned i = 0; i < QN_OPERATORS_MAX; i++)
        if (v->proven >> i & 1)
            qn_cbor_bytes(&w, v->proof[i], v->n[i]);
    QN_ASSERT(w.err == QN_OK);
    return w.n;
}

qn_err qn_equivocations_read(qn_equivocations *v, const qn_network *net, qn_slice in)
{
    uint64_t n;
    qn_cbor_r r;

    qn_cbor_r_init(&r, in.p, in.n);
    n = qn_cbor_get_array(&r);
    if (r.err == QN_OK && n > QN_OPERATORS_MAX)
        return QN_LIMIT;
    for (uint64_t i = 0; i < n && r.err == QN_OK; i++) {
        qn_slice proof = qn_cbor_get_bytes(&r);
        qn_err err = r.err == QN_OK ? qn_equivocations_add(v, net, proof) : r.err;

        if (err != QN_OK && err != QN_STALE && err != QN_UNKNOWN)
            return err;
    }
    return qn_cbor_end(&r);
}

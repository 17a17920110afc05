#include "dir/envelope.h"

/* The exact bytes under a signature, gathered because Ed25519 reads them twice. */
typedef struct gathered {
    uint8_t p[QN_SIGNED_MAX];
    size_t n;
} gathered;

static qn_err gather(gathered *g, const char *tag, const uint8_t network[32], qn_slice body)
{
    size_t tag_n = strlen(tag);

    if (body.n > sizeof g->p - tag_n - 32)
        return QN_LIMIT;
    memcpy(g->p, tag, tag_n);
    memcpy(g->p + tag_n, network, 32);
    memcpy(g->p + tag_n + 32, body.p, body.n);
    g->n = tag_n + 32 + body.n;
    return QN_OK;
}

qn_err qn_signed_sign(const char *tag, const uint8_t network[32], qn_slice body,
                      const qn_sign_secret *secret, qn_signature *out)
{
    gathered g;
    qn_err err = gather(&g, tag, network, body);

    if (err == QN_OK)
        qn_sign(secret, g.p, g.n, out);
    return err;
}

qn_err qn_signed_verify(const char *tag, const uint8_t network[32], qn_slice body,
                        const qn_sign_public *key, const qn_signature *signature)
{
    gathered g;
    qn_err err = gather(&g, tag, network, body);

    return err == QN_OK ? qn_verify(key, g.p, g.n, signature) : err;
}

qn_err qn_envelope_write(const qn_envelope *e, uint8_t *out, size_t cap, size_t *n)
{
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, cap);
    qn_cbor_array(&w, 3);
    qn_cbor_bytes(&w, e->body.p, e->body.n);
    qn_cbor_bytes(&w, e->key.b, sizeof e->key.b);
    qn_cbor_bytes(&w, e->signature.b, sizeof e->signature.b);
    if (w.err != QN_OK)
        return QN_CONFIG;
    *n = w.n;
    return QN_OK;
}

qn_err qn_envelope_seal(const char *tag, const uint8_t network[32], qn_slice body,
                        const qn_sign_secret *secret, uint8_t *out, size_t cap, size_t *n)
{
    qn_envelope e = {.body = body};

    if (qn_signed_sign(tag, network, body, secret, &e.signature) != QN_OK)
        return QN_CONFIG;
    qn_sign_derive(secret, &e.key);
    return qn_envelope_write(&e, out, cap, n);
}

qn_err qn_envelope_take(qn_envelope *e, qn_slice *in)
{
    qn_envelope got;
    qn_cbor_r r;

    qn_cbor_r_init(&r, in->p, in->n);
    if (qn_cbor_get_array(&r) != 3 && r.err == QN_OK)
        return QN_PROTO;
    got.body = qn_cbor_get_bytes(&r);
    qn_cbor_get_fixed(&r, got.key.b, sizeof got.key.b);
    qn_cbor_get_fixed(&r, got.signature.b, sizeof got.signature.b);
    if (r.err != QN_OK)
        return r.err;
    *e = got;
    *in = qn_slice_of(r.p, (size_t)(r.end - r.p));
    return QN_OK;
}

qn_err qn_envelope_read(qn_envelope *e, qn_slice in)
{
    qn_envelope got;
    qn_err err = qn_envelope_take(&got, &in);

    if (err == QN_OK && in.n > 0)
        err = QN_PROTO;
    if (err == QN_OK)
        *e = got;
    return err;
}

qn_err qn_envelope_open(qn_envelope *e, const char *tag, const uint8_t network[32], qn_slice in)
{
    qn_envelope got;
    qn_err err = qn_envelope_read(&got, in);

    if (err == QN_OK)
        err = qn_signed_verify(tag, network, got.body, &got.key, &got.signature);
    if (err == QN_OK)
        *e = got;
    return err;
}

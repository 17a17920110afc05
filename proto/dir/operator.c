/* An operator's entry in a network file, from the secrets only its node holds. */
#include "crypto/crypto.h"
#include "dir/body.h"
#include "dir/envelope.h"
#include "dir/internal.h"
#include "qnet/network.h"

qn_err qn_operator_of(qn_env *env, const qn_keys *keys, const qn_secret32 *operator_seed,
                      const qn_addr *addr, qn_operator *out)
{
    qn_operator got = {.addr = *addr};
    qn_sign_secret sign;
    qn_dh_secret link;
    qn_sign_public sign_key;
    qn_dh_public link_key;
    qn_err err = qn_keys_peerid(env, keys, &got.id);

    if (err != QN_OK)
        return err;
    memcpy(sign.seed, operator_seed->b, sizeof sign.seed);
    memcpy(link.b, keys->link.b, sizeof link.b);
    qn_sign_derive(&sign, &sign_key);
    qn_dh_derive(&link, &link_key);
    qn_wipe(&sign, sizeof sign);
    qn_wipe(&link, sizeof link);
    memcpy(got.sign_key, sign_key.b, sizeof got.sign_key);
    memcpy(got.link_key, link_key.b, sizeof got.link_key);
    *out = got;
    return QN_OK;
}

/* ---- as a file ------------------------------------------------------------------------------- */

enum { KEY_VERSION = 1, KEY_ENTRY, KEYS = KEY_ENTRY };

static const uint8_t no_network[32]; /* there is none yet */

void qn_operator_put(qn_cbor_w *w, const qn_operator *o)
{
    qn_cbor_array(w, 4);
    qn_cbor_bytes(w, o->id.b, sizeof o->id.b);
    qn_cbor_bytes(w, o->sign_key, sizeof o->sign_key);
    qn_cbor_bytes(w, o->link_key, sizeof o->link_key);
    qn_body_put_addr(w, &o->addr);
}

void qn_operator_get(qn_cbor_r *r, qn_operator *o)
{
    if (qn_cbor_get_array(r) != 4 && r->err == QN_OK)
        r->err = QN_PROTO;
    qn_cbor_get_fixed(r, o->id.b, sizeof o->id.b);
    qn_cbor_get_fixed(r, o->sign_key, sizeof o->sign_key);
    qn_cbor_get_fixed(r, o->link_key, sizeof o->link_key);
    qn_body_get_addr(r, &o->addr);
}

qn_err qn_operator_entry_write(const qn_operator *o, const qn_secret32 *operator_seed, uint8_t *out,
                               size_t cap, size_t *n)
{
    uint8_t body[QN_OPERATOR_ENTRY_MAX];
    qn_sign_secret secret;
    qn_cbor_w w;
    qn_err err;

    qn_cbor_w_init(&w, body, sizeof body);
    qn_cbor_map(&w, KEYS);
    qn_cbor_uint(&w, KEY_VERSION);
    qn_cbor_uint(&w, QN_BODY_VERSION);
    qn_cbor_uint(&w, KEY_ENTRY);
    qn_operator_put(&w, o);
    QN_ASSERT(w.err == QN_OK);
    memcpy(secret.seed, operator_seed->b, sizeof secret.seed);
    err =
        qn_envelope_seal(QN_TAG_OPERATOR, no_network, qn_slice_of(body, w.n), &secret, out, cap, n);
    qn_wipe(&secret, sizeof secret);
    return err;
}

qn_err qn_operator_entry_read(qn_operator *o, const uint8_t *p, size_t n)
{
    qn_operator got = {0};
    qn_envelope e;
    qn_body b;
    uint64_t key;
    qn_err err = qn_envelope_open(&e, QN_TAG_OPERATOR, no_network, qn_slice_of(p, n));

    if (err != QN_OK)
        return err;
    qn_body_open(&b, e.body);
    while (qn_body_next(&b, &key)) {
        if (key == KEY_VERSION)
            qn_body_get_version(&b.r);
        else if (key == KEY_ENTRY)
            qn_operator_get(&b.r, &got);
        else
            qn_body_unknown_key(&b.r, key);
    }
    err = qn_body_end(&b, QN_BODY_KEYS(KEYS));
    if (err == QN_OK && memcmp(got.sign_key, e.key.b, sizeof got.sign_key) != 0)
        err = QN_AUTH;
    if (err == QN_OK)
        *o = got;
    return err;
}

#include "dir/heartbeat.h"

#include "base/limits.h"
#include "dir/body.h"
#include "dir/envelope.h"

enum { KEY_VERSION = 1, DESCRIPTOR, TIME, LOAD, KEYS = LOAD };

qn_err qn_heartbeat_sign(qn_heartbeat *h, qn_env *env, const qn_network *net,
                         const qn_secret32 *identity, uint8_t out[QN_HEARTBEAT_MAX], size_t *n)
{
    uint8_t body[QN_HEARTBEAT_MAX];
    qn_sign_secret secret;
    qn_sign_public key;
    qn_cbor_w w;
    qn_err err;

    if (h->time < 0 || h->time > QN_BODY_TIME_MAX || h->load > QN_LOAD_MAX)
        return QN_CONFIG;
    qn_cbor_w_init(&w, body, sizeof body);
    qn_cbor_map(&w, KEYS);
    qn_cbor_uint(&w, KEY_VERSION);
    qn_cbor_uint(&w, QN_BODY_VERSION);
    qn_cbor_uint(&w, DESCRIPTOR);
    qn_cbor_uint(&w, h->descriptor);
    qn_cbor_uint(&w, TIME);
    qn_cbor_uint(&w, (uint64_t)h->time);
    qn_cbor_uint(&w, LOAD);
    qn_cbor_uint(&w, h->load);
    QN_ASSERT(w.err == QN_OK);
    memcpy(secret.seed, identity->b, sizeof secret.seed);
    qn_sign_derive(&secret, &key);
    err = qn_peerid_of(env, key.b, &h->id);
    if (err == QN_OK)
        err = qn_envelope_seal(QN_TAG_HEARTBEAT, net->id, qn_slice_of(body, w.n), &secret, out,
                               QN_HEARTBEAT_MAX, n);
    qn_wipe(&secret, sizeof secret);
    return err;
}

static void get_field(qn_cbor_r *r, uint64_t key, qn_heartbeat *h)
{
    switch (key) {
    case KEY_VERSION:
        qn_body_get_version(r);
        break;
    case DESCRIPTOR:
        h->descriptor = qn_cbor_get_uint(r);
        break;
    case TIME:
        h->time = qn_body_get_time(r);
        break;
    case LOAD:
        h->load = (uint16_t)qn_body_get_below(r, QN_LOAD_MAX + 1);
        break;
    default:
        qn_body_unknown_key(r, key);
    }
}

qn_err qn_heartbeat_open(qn_heartbeat *h, qn_env *env, const qn_network *net, qn_slice in)
{
    qn_heartbeat got = {0};
    qn_envelope e;
    qn_body b;
    uint64_t key;
    qn_err err;

    if (in.n > QN_HEARTBEAT_MAX)
        return QN_LIMIT;
    err = qn_envelope_open(&e, QN_TAG_HEARTBEAT, net->id, in);
    if (err != QN_OK)
        return err;
    qn_body_open(&b, e.body);
    while (qn_body_next(&b, &key))
        get_field(&b.r, key, &got);
    err = qn_body_end(&b, QN_BODY_KEYS(KEYS));
    if (err == QN_OK)
        err = qn_peerid_of(env, e.key.b, &got.id);
    if (err == QN_OK)
        *h = got;
    return err;
}

qn_err qn_heartbeat_fresh(const qn_heartbeat *h, int64_t wall)
{
    if (h->time > wall + QN_HEARTBEAT_SKEW_S)
        return QN_EARLY;
    return h->time < wall - QN_HEARTBEAT_SKEW_S ? QN_EXPIRED : QN_OK;
}

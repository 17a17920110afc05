#include "dir/vouch.h"

#include "dir/envelope.h"

static const char *tag_of(qn_vouched what)
{
    return what == QN_VOUCHED_LINK ? QN_TAG_LINK_KEY : QN_TAG_MIRROR_KEY;
}

void qn_vouch_sign(qn_vouch *out, const uint8_t network[32], const qn_secret32 *identity,
                   qn_vouched what, const qn_dh_public *key)
{
    qn_sign_secret secret;
    qn_err err;

    memcpy(secret.seed, identity->b, sizeof secret.seed);
    qn_sign_derive(&secret, &out->identity);
    err = qn_signed_sign(tag_of(what), network, qn_slice_of(key->b, sizeof key->b), &secret,
                         &out->signature);
    qn_wipe(&secret, sizeof secret);
    QN_ASSERT(err == QN_OK); /* a key is short */
}

qn_err qn_vouch_check(const qn_vouch *v, qn_env *env, const uint8_t network[32],
                      const qn_peerid *node, qn_vouched what, const qn_dh_public *key)
{
    qn_peerid id;
    qn_err err = qn_peerid_of(env, v->identity.b, &id);

    if (err != QN_OK)
        return err;
    if (!qn_peerid_equal(&id, node))
        return QN_AUTH;
    return qn_signed_verify(tag_of(what), network, qn_slice_of(key->b, sizeof key->b), &v->identity,
                            &v->signature);
}

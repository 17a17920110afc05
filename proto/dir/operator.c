/* An operator's entry in a network file, from the secrets only its node holds. */
#include "crypto/crypto.h"
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

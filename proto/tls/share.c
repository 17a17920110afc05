#include "tls/share.h"

#include "tls/numbers.h"

static bool curve_of(uint16_t group, qn_curve *curve)
{
    if (group < QN_TLS_P256 || group > QN_TLS_P521)
        return false;
    *curve = (qn_curve)(group - QN_TLS_P256); /* QN_P256, QN_P384, QN_P521: the same order */
    return true;
}

bool qn_tls_group_known(uint16_t group)
{
    qn_curve curve;

    return group == QN_TLS_X25519 || group == QN_TLS_HYBRID || curve_of(group, &curve);
}

void qn_tls_shares_draw(qn_tls_shares *s, qn_env *env, bool one_x25519)
{
    qn_rng_fill(env, s->mlkem.d, sizeof s->mlkem.d);
    qn_rng_fill(env, s->mlkem.z, sizeof s->mlkem.z);
    qn_dh_generate(env, &s->x25519, &s->x25519_pub);
    if (one_x25519)
        s->hybrid_x25519 = s->x25519;
    else
        qn_rng_fill(env, s->hybrid_x25519.b, sizeof s->hybrid_x25519.b);
}

static void put_hybrid_x25519(const qn_tls_shares *s, qn_tls_w *w)
{
    qn_dh_public pub = s->x25519_pub;

    if (!qn_equal(&s->hybrid_x25519, &s->x25519, sizeof s->x25519))
        qn_dh_derive(&s->hybrid_x25519, &pub);
    qn_tls_put(w, pub.b, sizeof pub.b);
}

static qn_err put_hybrid(qn_tls_shares *s, qn_env *env, qn_tls_w *w)
{
    qn_mlkem_ek ek;
    qn_err err = qn_mlkem_keygen(env, &s->mlkem, &ek, &s->dk);

    if (err != QN_OK)
        return err;
    qn_tls_put(w, ek.b, sizeof ek.b);
    put_hybrid_x25519(s, w);
    return QN_OK;
}

qn_err qn_tls_shares_put(qn_tls_shares *s, qn_env *env, uint16_t group, qn_tls_w *w)
{
    uint8_t pub[QN_CURVE_POINT_MAX];
    qn_curve curve;
    qn_err err;

    if (group == QN_TLS_HYBRID)
        return put_hybrid(s, env, w);
    if (curve_of(group, &curve)) {
        err = qn_curve_generate(env, curve, &s->curve, pub);
        if (err == QN_OK)
            qn_tls_put(w, pub, qn_curve_point(curve));
        return err;
    }
    QN_ASSERT(group == QN_TLS_X25519);
    qn_tls_put(w, s->x25519_pub.b, sizeof s->x25519_pub.b);
    return QN_OK;
}

static qn_err agree_x25519(const qn_dh_secret *secret, const uint8_t peer[32], uint8_t *out)
{
    qn_dh_public pub;
    qn_key shared;
    qn_err err;

    memcpy(pub.b, peer, sizeof pub.b);
    err = qn_dh(secret, &pub, &shared);
    if (err == QN_OK)
        memcpy(out, shared.b, sizeof shared.b);
    qn_wipe(&shared, sizeof shared);
    return err;
}

/* draft-ietf-tls-ecdhe-mlkem: the ML-KEM secret, then the X25519 secret. */
static qn_err agree_hybrid(const qn_tls_shares *s, qn_env *env, qn_slice server, uint8_t *out)
{
    qn_key shared;
    qn_err err;

    if (server.n != QN_MLKEM_CT + 32)
        return QN_AUTH;
    err = qn_mlkem_decaps(env, &s->dk, server.p, &shared);
    if (err == QN_OK) {
        memcpy(out, shared.b, sizeof shared.b);
        err = agree_x25519(&s->hybrid_x25519, server.p + QN_MLKEM_CT, out + sizeof shared.b);
    }
    qn_wipe(&shared, sizeof shared);
    return err;
}

qn_err qn_tls_shares_agree(const qn_tls_shares *s, qn_env *env, uint16_t group, qn_slice server,
                           uint8_t out[QN_TLS_SHARED_MAX], size_t *n)
{
    qn_curve curve;

    if (group == QN_TLS_HYBRID) {
        *n = 64;
        return agree_hybrid(s, env, server, out);
    }
    if (curve_of(group, &curve)) {
        *n = qn_curve_scalar(curve);
        return qn_curve_dh(curve, &s->curve, server, out);
    }
    QN_ASSERT(group == QN_TLS_X25519);
    *n = 32;
    return server.n == 32 ? agree_x25519(&s->x25519, server.p, out) : QN_AUTH;
}

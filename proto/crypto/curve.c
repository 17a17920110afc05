#include "crypto/curve.h"

#include "crypto/crypto.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

enum { DRAWS = 8 }; /* one is out of range with probability 2^-32 at most */

/* What one operation needs from OpenSSL; all of it is freed together. */
typedef struct work {
    EC_GROUP *group;
    BN_CTX *ctx;
    BIGNUM *scalar, *x;
    EC_POINT *point, *result;
} work;

static void end(work *w)
{
    EC_GROUP_free(w->group);
    BN_CTX_free(w->ctx);
    BN_clear_free(w->scalar);
    BN_clear_free(w->x);
    EC_POINT_free(w->point);
    EC_POINT_clear_free(w->result);
}

static bool begin(work *w, qn_curve curve)
{
    static const int nid[] = {NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1};

    w->group = EC_GROUP_new_by_curve_name(nid[curve]);
    w->ctx = BN_CTX_new();
    w->scalar = BN_new();
    w->x = BN_new();
    if (w->group == NULL || w->ctx == NULL || w->scalar == NULL || w->x == NULL)
        return false;
    BN_set_flags(w->scalar, BN_FLG_CONSTTIME);
    w->point = EC_POINT_new(w->group);
    w->result = EC_POINT_new(w->group);
    return w->point != NULL && w->result != NULL;
}

size_t qn_curve_scalar(qn_curve curve)
{
    static const uint8_t size[] = {32, 48, 66};

    return size[curve];
}

size_t qn_curve_point(qn_curve curve)
{
    return 1 + 2 * qn_curve_scalar(curve);
}

/* A uniform scalar by rejection. */
static bool draw(qn_env *env, qn_curve curve, work *w, qn_curve_secret *secret)
{
    size_t n = qn_curve_scalar(curve);

    for (unsigned i = 0; i < DRAWS; i++) {
        qn_rng_fill(env, secret->b, n);
        if (curve == QN_P521)
            secret->b[0] &= 1;
        if (BN_bin2bn(secret->b, (int)n, w->scalar) == NULL)
            return false;
        if (!BN_is_zero(w->scalar) && BN_cmp(w->scalar, EC_GROUP_get0_order(w->group)) < 0)
            return true;
    }
    return false;
}

qn_err qn_curve_generate(qn_env *env, qn_curve curve, qn_curve_secret *secret, uint8_t *pub)
{
    size_t n = qn_curve_point(curve);
    work w = {0};
    bool fine =
        begin(&w, curve) && draw(env, curve, &w, secret) &&
        EC_POINT_mul(w.group, w.result, w.scalar, NULL, NULL, w.ctx) == 1 &&
        EC_POINT_point2oct(w.group, w.result, POINT_CONVERSION_UNCOMPRESSED, pub, n, w.ctx) == n;

    end(&w);
    return fine ? QN_OK : QN_INTERNAL;
}

qn_err qn_curve_dh(qn_curve curve, const qn_curve_secret *secret, qn_slice peer, uint8_t *shared)
{
    size_t n = qn_curve_scalar(curve);
    work w = {0};
    qn_err err = QN_INTERNAL;

    if (peer.n != qn_curve_point(curve) || peer.p[0] != POINT_CONVERSION_UNCOMPRESSED)
        return QN_AUTH;
    if (begin(&w, curve) && BN_bin2bn(secret->b, (int)n, w.scalar) != NULL) {
        if (EC_POINT_oct2point(w.group, w.point, peer.p, peer.n, w.ctx) != 1)
            err = QN_AUTH; /* also checks that it is on the curve; the cofactor is 1 */
        else if (EC_POINT_mul(w.group, w.result, NULL, w.point, w.scalar, w.ctx) == 1 &&
                 EC_POINT_get_affine_coordinates(w.group, w.result, w.x, NULL, w.ctx) == 1 &&
                 BN_bn2binpad(w.x, shared, (int)n) == (int)n)
            err = QN_OK;
    }
    end(&w);
    return err;
}

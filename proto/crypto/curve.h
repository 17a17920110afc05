/*
 * Elliptic-curve Diffie-Hellman on the NIST curves that browsers offer in TLS (RFC 8446 4.2.8.2).
 * Public keys are uncompressed points; private scalars come from the env.
 */
#ifndef QN_CRYPTO_CURVE_H
#define QN_CRYPTO_CURVE_H

#include "base/env.h"

#define QN_CURVE_SCALAR_MAX 66 /* P-521 */
#define QN_CURVE_POINT_MAX (1 + 2 * QN_CURVE_SCALAR_MAX)

typedef enum qn_curve { QN_P256, QN_P384, QN_P521 } qn_curve;

typedef struct qn_curve_secret {
    uint8_t b[QN_CURVE_SCALAR_MAX]; /* big-endian, qn_curve_scalar bytes, in [1, order) */
} qn_curve_secret;

size_t qn_curve_scalar(qn_curve curve); /* 32, 48, 66; also the size of a shared secret */
size_t qn_curve_point(qn_curve curve);  /* 65, 97, 133 */
/* pub: qn_curve_point bytes. QN_INTERNAL: OpenSSL failed, or the env's draws were out of range 8
 * times.
 */
QN_MUST_CHECK qn_err qn_curve_generate(qn_env *env, qn_curve curve, qn_curve_secret *secret,
                                       uint8_t *pub);
/* shared: the x coordinate. QN_AUTH: the peer's point is not on the curve, not uncompressed, or has
 * another size. */
QN_MUST_CHECK qn_err qn_curve_dh(qn_curve curve, const qn_curve_secret *secret, qn_slice peer,
                                 uint8_t *shared);

#endif

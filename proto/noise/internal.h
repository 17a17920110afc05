/* The SymmetricState of Noise 5.2, on the fields k, n, ck and h of a handshake. */
#ifndef QN_NOISE_INTERNAL_H
#define QN_NOISE_INTERNAL_H

#include "noise/noise.h"

/* InitializeSymmetric(protocol_name). */
QN_MUST_CHECK qn_err qn__noise_begin(qn_noise *x, qn_env *env, const char *name);
QN_MUST_CHECK qn_err qn__noise_mix_key(qn_noise *x, qn_env *env, qn_slice ikm);
QN_MUST_CHECK qn_err qn__noise_mix_key_and_hash(qn_noise *x, qn_env *env, qn_slice ikm);
/* Bytes that encrypt_and_hash adds: a tag once there is a key. */
size_t qn__noise_tag(const qn_noise *x);
/* out gets in.n + qn__noise_tag(x) bytes. */
QN_MUST_CHECK qn_err qn__noise_encrypt_and_hash(qn_noise *x, qn_env *env, qn_slice in,
                                                uint8_t *out);
/* in.n >= qn__noise_tag(x); out gets the difference. */
QN_MUST_CHECK qn_err qn__noise_decrypt_and_hash(qn_noise *x, qn_env *env, qn_slice in,
                                                uint8_t *out);

#endif

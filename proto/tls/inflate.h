/* Certificates compressed with brotli (RFC 8879), inflated within bounds and in
 * counted memory. */
#ifndef QN_TLS_INFLATE_H
#define QN_TLS_INFLATE_H

#include "base/env.h"

#define QN_TLS_BROTLI 2

/* Exactly n bytes into out. QN_PROTO: the stream is malformed, or gives fewer
 * or more bytes; QN_NOMEM: also when the stream asks for more than
 * QN_TLS_INFLATE_MAX to be read at all. */
QN_MUST_CHECK qn_err qn_tls_inflate(qn_env *env, qn_slice in, uint8_t *out, size_t n);

#endif

/* Lowercase base32 (RFC 4648 alphabet, no padding): DNS-safe, survives a browser's lowercasing. */
#ifndef QN_BASE_BASE32_H
#define QN_BASE_BASE32_H

#include "base/env.h"

#define QN_BASE32_LEN(n) (((n)*8 + 4) / 5)

/* out holds QN_BASE32_LEN(n) + 1 bytes, NUL-terminated. */
void qn_base32_encode(char *out, const uint8_t *p, size_t n);
/* Exactly n bytes from exactly QN_BASE32_LEN(n) characters; unused bits must be zero. Upper case
 * is accepted. QN_PROTO names nothing was written. */
QN_MUST_CHECK qn_err qn_base32_decode(uint8_t *out, size_t n, const char *text, size_t len);

#endif

#include "crypto/siphash.h"

#include "base/bytes.h"

#include <sodium.h>

uint64_t qn_siphash(const uint8_t key[16], qn_slice s)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint64_t v = 0;

    (void)crypto_shorthash(out, s.p, s.n, key); /* never fails */
    for (unsigned i = sizeof out; i > 0; i--)   /* SipHash's own byte order is little-endian */
        v = v << 8 | out[i - 1];
    return v;
}

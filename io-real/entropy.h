/* Random bytes from the kernel, fetched a page at a time and wiped as they are handed out. */
#ifndef QN_REAL_ENTROPY_H
#define QN_REAL_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

#define QN_ENTROPY_POOL 4096 /* one getrandom() call serves some 60 handshakes */

typedef struct qn_entropy {
    uint8_t pool[QN_ENTROPY_POOL];
    size_t left; /* unused bytes, at the pool's end */
} qn_entropy;

void qn_entropy_open(qn_entropy *e);
/* Fits qn_rng.fill. The kernel's refusal to give random bytes ends the process: nothing sound can
 * be done without them. */
void qn_entropy_fill(void *e, void *out, size_t n);
void qn_entropy_close(qn_entropy *e); /* wipes */

#endif

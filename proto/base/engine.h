/*
 * What a thread's nodes share: scratch to read into, the block pool, and the crypto layer's
 * contexts (an OpenSSL context is 1 KiB; one pair per thread, not per link).
 */
#ifndef QN_BASE_ENGINE_H
#define QN_BASE_ENGINE_H

#include "base/block.h"
#include "base/limits.h"

struct qn_crypto;

struct qn_engine {
    qn_pool pool;
    struct qn_crypto *crypto;
    uint8_t gather[QN_RECORD_BODY_MAX]; /* a record's small frames are gathered here, then sealed */
    uint8_t scratch[QN_RECORD_BODY_MAX + QN_SCRATCH]; /* leftover of the last read, then the read */
};

#endif

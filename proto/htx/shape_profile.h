/*
 * A browser's traffic as data: the lengths its records take on page loads, and how often it gives
 * credit. Key 13 of a profile (tls/profile.h), recorded by tools/shape-record. docs/wire/shaping.md
 * has the keys.
 *
 * A length here is what a record's header says: content + 1 (inner type) + 16 (tag).
 */
#ifndef QN_HTX_SHAPE_PROFILE_H
#define QN_HTX_SHAPE_PROFILE_H

#include "base/bytes.h"
#include "base/limits.h"
#include "qnet/env.h"
#include "qnet/err.h"

/* The first records of one page load, each way. Shorter loads are not templates. */
typedef struct qn_shape_page {
    uint16_t up[QN_SHAPE_FIRST], down[QN_SHAPE_FIRST];
} qn_shape_page;

/* Lists are ascending. In `request` a length occurs as often as it was seen, to be drawn from. */
typedef struct qn_shape_profile {
    qn_shape_page page[QN_SHAPE_PAGES_MAX];
    uint8_t page_n; /* at least 1, like every count here */
    uint16_t request[QN_SHAPE_REQUESTS_MAX];
    uint8_t request_n;
    uint16_t post[QN_SHAPE_POSTS_MAX]; /* records of an upload's body; the last is its bulk */
    uint8_t post_n;
    uint32_t burst[QN_SHAPE_BURSTS_MAX]; /* bytes of one answer, headers of records included */
    uint8_t burst_n;
    uint32_t credit_bytes; /* of a download, for one WINDOW_UPDATE */
    qn_time credit_after;  /* and no later than so long after the first byte not credited */
} qn_shape_profile;

/* Reads and checks one item; nothing points into it afterwards. QN_CANON, QN_PROTO, QN_TRUNCATED as
 * base/cbor.h says; QN_PROTO also for lengths no record of ours can have, QN_LIMIT for too many. */
QN_MUST_CHECK qn_err qn_shape_profile_read(qn_shape_profile *out, qn_slice item);

#endif

/* Where TLS records begin and end in one direction of a stream, however it is cut. No bytes kept.
 */
#ifndef QN_HTX_BOUNDARY_H
#define QN_HTX_BOUNDARY_H

#include "base/bytes.h"
#include "base/limits.h"

typedef struct qn_htx_boundary {
    uint8_t head[QN_RECORD_HEADER];
    uint8_t head_n; /* header bytes seen; 0: between records */
    uint16_t left;  /* body bytes to come */
} qn_htx_boundary;

/* What one step has met. */
typedef struct qn_htx_part {
    bool head; /* the header is complete now: look at type and size before going on */
    bool end;  /* the record is complete now */
    qn_slice body;
} qn_htx_part;

static inline uint8_t qn_htx_boundary_type(const qn_htx_boundary *b)
{
    return b->head[0];
}

static inline uint16_t qn_htx_boundary_size(const qn_htx_boundary *b)
{
    return qn_get16(b->head + 3);
}

/* TLS 1.3 has records of this version and size. */
static inline bool qn_htx_boundary_sound(const qn_htx_boundary *b)
{
    uint16_t size = qn_htx_boundary_size(b);

    return b->head[1] == 3 && b->head[2] == 3 && size > 0 && size <= QN_RECORD_BODY_MAX;
}

/* Takes bytes up to the next thing worth knowing; n > 0, returns how many (> 0). A record of size
 * 0 has no end: refuse it at its header. */
size_t qn_htx_boundary_step(qn_htx_boundary *b, const uint8_t *p, size_t n, qn_htx_part *part);

#endif

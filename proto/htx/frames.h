/*
 * CARRIER frames: how the origin connection goes on inside the link, once both sides have switched.
 * docs/wire/htx.md, "Frames of the carrier". One qn_htx_carry is one side's both directions.
 *
 *     0 DATA   bytes        the next bytes of the origin connection
 *     1 LIMIT  u64          so many DATA bytes may have been sent in all
 *     2 END    u8, u16      nothing more: 0 FIN or 1 RST; seconds until the link ends too
 */
#ifndef QN_HTX_FRAMES_H
#define QN_HTX_FRAMES_H

#include "base/block.h"
#include "frame/frame.h"
#include "htx/boundary.h"

typedef enum qn_htx_note_kind { QN_HTX_DATA, QN_HTX_LIMIT, QN_HTX_END } qn_htx_note_kind;

typedef struct qn_htx_note {
    qn_htx_note_kind kind;
    qn_slice data;  /* DATA; never empty */
    uint64_t limit; /* LIMIT */
    bool reset;     /* END */
    uint16_t drain; /* END */
} qn_htx_note;

/* Reads a CARRIER frame's payload; QN_PROTO, *out is then untouched. */
QN_MUST_CHECK qn_err qn_htx_note_get(qn_htx_note *out, qn_slice payload);
/* Writes a whole frame, header included, of a LIMIT or an END; returns its length. */
size_t qn_htx_note_put(const qn_htx_note *note, uint8_t *out);

#define QN_HTX_LIMIT_SIZE (QN_FRAME_HEADER + 9)
#define QN_HTX_END_SIZE (QN_FRAME_HEADER + 4)
#define QN_HTX_DATA_HEADER (QN_FRAME_HEADER + 1)

typedef struct qn_htx_carry {
    qn_queue out;          /* what waits, from somewhere in a TLS record on */
    uint64_t ready;        /* of it: up to the end of the last whole record */
    size_t started;        /* of it: the rest of a record that has begun to leave */
    qn_htx_boundary in;    /* where `out` ends */
    uint64_t sent, may;    /* DATA bytes sealed; the other side's limit */
    uint64_t got, granted; /* DATA bytes arrived; our limit as the other side knows it */
    uint64_t held;         /* of what arrived: not passed on yet; its owner's to set */
    bool end_due, end_sent, reset, ended; /* ended: the other side said END */
    uint16_t drain;
    struct { /* what the record being built holds */
        size_t data;
        uint64_t limit;
        bool end;
    } claim;
} qn_htx_carry;

void qn_htx_carry_init(qn_htx_carry *c);
void qn_htx_carry_clear(qn_htx_carry *c, qn_mem *mem); /* drops what waits */

/* Queues bytes of the origin connection, copied; of a TLS record nothing leaves before it is whole.
 * QN_PROTO: they are no application records, QN_STATE: after carry_end, QN_NOMEM: the end of our
 * direction, each. */
QN_MUST_CHECK qn_err qn_htx_carry_send(qn_htx_carry *c, qn_env *env, qn_slice bytes);
/* Drops the record at the front, unless it has begun to leave. */
void qn_htx_carry_drop(qn_htx_carry *c, qn_mem *mem);
/* Our direction ends behind what is queued; the first end counts. */
void qn_htx_carry_end(qn_htx_carry *c, bool reset, uint16_t drain);
/* The carrier's own(): frames into at most room bytes; only carry_sealed makes them count. */
size_t qn_htx_carry_own(qn_htx_carry *c, uint8_t *out, size_t room);
/* The same of nothing but the record that has begun to leave, whatever the other side allows. */
size_t qn_htx_carry_rest(qn_htx_carry *c, uint8_t *out, size_t room);
void qn_htx_carry_sealed(qn_htx_carry *c, qn_mem *mem);
/* A frame arrived, body is its payload; limits and their order are checked here. DATA is the
 * caller's to handle at once. QN_PROTO, QN_CREDIT. */
QN_MUST_CHECK qn_err qn_htx_carry_got(qn_htx_carry *c, qn_slice body, qn_htx_note *out);

#endif

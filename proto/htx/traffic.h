/*
 * Records after the switch, alike for both ends: keys, what goes into a record and how long it is,
 * the origin connection inside. docs/wire/htx.md, "Frames of the carrier"; docs/wire/record.md.
 */
#ifndef QN_HTX_TRAFFIC_H
#define QN_HTX_TRAFFIC_H

#include "carrier/outflow.h"
#include "carrier/record.h"
#include "htx/frames.h"
#include "htx/shape.h"

typedef struct qn_htx_traffic {
    qn_env *env;
    qn_tally *tally; /* may be NULL */
    qn_record_keys tx, rx;
    qn_htx_carry carry;
    qn_shape shape;
    qn_outflow outflow;  /* the owner's to tell what the socket took */
    qn_piece part;       /* an incomplete TLS record out of CARRIER */
    uint16_t max_record; /* content of a record, either way */
    /* Lengths of the records in which these end, at least; 0: whatever they come to. */
    uint16_t farewell; /* the link's CLOSE */
    uint16_t end;      /* CARRIER's END */
    bool reticent;     /* nothing of the origin's is carried now; the owner's to set */
    bool rekeying;     /* the record being built ends with KEY_UPDATE */
    bool close_sent;   /* the link's CLOSE, in a record of its own */
    bool close_got;    /* the other side's */
} qn_htx_traffic;

void qn_htx_traffic_init(qn_htx_traffic *t, qn_env *env, qn_tally *tally);
/* Both sides have switched. cfg->max_record is t->max_record from then on. */
void qn_htx_traffic_begin(qn_htx_traffic *t, const qn_shape_cfg *cfg);
void qn_htx_traffic_clear(qn_htx_traffic *t); /* wipes and frees; may repeat */

/* ---- out: the carrier's verbs, `out` is the socket's queue ------------------------------------
 */

/* What the next record may hold now. */
size_t qn_htx_traffic_room(const qn_htx_traffic *t, const qn_queue *out);
/* QN_NOMEM: nothing happened. Any other error is the end. */
QN_MUST_CHECK qn_err qn_htx_traffic_seal(qn_htx_traffic *t, qn_slice a, qn_slice b, qn_queue *out);
/* `leaves`: the record holds something of the link's. */
size_t qn_htx_traffic_own(qn_htx_traffic *t, uint8_t *out, size_t room, bool leaves);
/* Records without content that shaping owes for what was opened. As seal, but QN_NOMEM is none:
 * what was not sent is not missed. */
QN_MUST_CHECK qn_err qn_htx_traffic_answer(qn_htx_traffic *t, qn_queue *out);
/* A record whose length field is `length`. */
QN_MUST_CHECK qn_err qn_htx_traffic_alert(qn_htx_traffic *t, uint8_t level, uint8_t description,
                                          size_t length, qn_queue *out);
/* Carries the rest of the origin's record that has begun to leave, whatever limits say. */
QN_MUST_CHECK qn_err qn_htx_traffic_finish(qn_htx_traffic *t, qn_queue *out);

/* ---- in ---------------------------------------------------------------------------------------
 */

/* One whole record. QN_OK: frames, content is the caller's. QN_GONE: an alert of these two bytes.
 * Otherwise as qn_record_open; QN_PROTO also for more content than was agreed on. */
QN_MUST_CHECK qn_err qn_htx_traffic_open(qn_htx_traffic *t, const uint8_t *record, size_t n,
                                         qn_piece *content, uint8_t alert[2]);
/* A frame of the carrier's arrived. *noted: it was a CARRIER frame, and is *note. QN_PROTO. */
QN_MUST_CHECK qn_err qn_htx_traffic_frame(qn_htx_traffic *t, const qn_frame *f, bool last,
                                          qn_htx_note *note, bool *noted);
/* Takes bytes of DATA, at most up to the end of a TLS record; then *whole is it, and the caller's.
 * QN_SHORT: it is not complete yet. QN_PROTO: no record; QN_NOMEM. */
QN_MUST_CHECK qn_err qn_htx_traffic_gather(qn_htx_traffic *t, qn_slice *data, qn_piece *whole);

#endif

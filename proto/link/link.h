/*
 * A link: one authenticated neighbour, as streams.
 *
 * A link numbers what it sends in retained units (frame/frame.h), keeps it until the peer
 * acknowledges, and so survives the carrier beneath it: attach a fresh one and everything
 * unacknowledged goes out again, whatever its record size. Streams are numbered odd by the link's
 * initiator and even by the other side, increasing; ids are never reused.
 *
 * In:   input() one opened record, then next() until false. A link is never left unread: whatever
 *       was credited is accepted and reported at once; keeping it is the consumer's business.
 * Out:  open/send/finish/close queue; fill() turns what is queued into records while the carrier
 *       has room. Call fill() when the conn can take bytes, before peeking at it, and after every
 *       batch of other calls: it is cheap when there is nothing to say.
 *
 * Every stream ends in exactly one CLOSED event (code QN_CLOSE_DONE: both directions ended by FIN),
 * except one that was ended here with qn_link_close(). docs/wire/link.md.
 */
#ifndef QN_LINK_LINK_H
#define QN_LINK_LINK_H

#include "base/map.h"
#include "carrier/carrier.h"
#include "frame/credit.h"
#include "frame/sched.h"
#include "link/delay.h"
#include "link/log.h"

struct qn_stream;

typedef struct qn_link_cfg {
    bool initiator;    /* of the link: its streams are odd */
    qn_budget *budget; /* the node's; outlives the link */
} qn_link_cfg;

typedef enum qn_link_event_type {
    QN_LINK_STREAM_NEW,    /* id, kind: the peer opened it; set_user now, or close it */
    QN_LINK_STREAM_DATA,   /* id, user, piece, fin, more */
    QN_LINK_STREAM_ROOM,   /* id, user: a whole large frame may be queued again */
    QN_LINK_STREAM_CLOSED, /* id, user, code: gone, both ways; what was queued is dropped */
    QN_LINK_PONG,          /* rtt: the answer to qn_link_ping */
    QN_LINK_LEFT,          /* the peer leaves this carrier, the link goes on: detach, close it */
    QN_LINK_CLOSED         /* err, code: the link is over; the last event. Every open stream got its
                              CLOSED before. Call fill() once more (it may say why to the peer) */
} qn_link_event_type;

typedef struct qn_link_event {
    qn_link_event_type type;
    uint32_t id;
    void *user;
    qn_stream_kind kind;
    /* DATA: borrowed until the next call on the link (qn_block_ref to keep). The QN_STREAM_HEADER
     * bytes in front of it are free: the piece may be sent on as it is. May be empty with fin. */
    qn_piece piece;
    bool fin;  /* the peer's direction ends with this piece */
    bool more; /* the message goes on in the next piece (message streams) */
    uint16_t code;
    qn_err err;
    qn_time rtt;
} qn_link_event;

/* Which lists a stream may be in. */
typedef enum qn_stream_list {
    QN_LIST_ALL,    /* open, in the order they were opened */
    QN_LIST_NOTIFY, /* owe an event */
    QN_LIST_CTRL,   /* owe a WINDOW or CLOSE frame */
    QN_LIST_HELD    /* the carrier would not take their next frame yet */
} qn_stream_list;
#define QN_STREAM_LISTS 4

#define QN_LINK_REFUSED                                                                            \
    8 /* streams refused at once for which we have no memory; then the link ends */

/* Fields are the link's own, except those marked "read". */
typedef struct qn_link {
    qn_env *env;
    qn_budget *budget;
    qn_carrier *carrier; /* read: NULL while suspended */
    uint32_t streams_n;  /* read: open streams */
    uint32_t closing_n;  /* closed here, CLOSE not yet numbered */
    uint64_t in, out;    /* read: content bytes of records taken and sealed */
    bool initiator;
    bool over, told, reported; /* the link ended; its peer knows; CLOSED was given */
    bool ack_due, ping_due, pong_due;
    bool spoken;   /* read: the peer has said something of the link's on this carrier */
    uint16_t code; /* with over: what CLOSE says, or said */
    qn_err err;
    uint32_t next_id, peer_id; /* ours to give next; the highest the peer gave */
    qn_map streams;
    struct {
        struct qn_stream *first, *last;
    } list[QN_STREAM_LISTS];
    qn_sched sched;
    qn_delay delay; /* read: how long frames wait for their turn */
    qn_link_log log;
    qn_credit_rx rx;   /* units; their memory is the streams' business, so it has no budget */
    uint64_t rx_acked; /* units the peer was told we have */
    qn_pace pace;      /* of what goes out only to give credit */
    uint32_t gentle;   /* content bytes still to go in small records */
    qn_time ack_at, retry_at;
    /* stall.c: what is awaited of the peer, on this carrier */
    qn_time unacked_at; /* what waits for acknowledgement was sealed, or some of it acknowledged */
    qn_time timed_at;   /* with timed: when the unit that is timed was sealed ... */
    uint64_t timed;     /* ... and its number; 0: none */
    qn_time srtt;       /* from sealed to acknowledged, smoothed; 0: not known */
    uint64_t ping_token, pong_token;
    qn_time ping_at;
    struct {
        uint32_t id;
        uint16_t code;
    } refused[QN_LINK_REFUSED];
    uint8_t refused_n;
    qn_piece input; /* the record being read */
    uint32_t input_off;
    qn_frame held; /* a first frame: its NEW was reported, its data not yet (held.stream != 0) */
} qn_link;

/* No memory is taken. A map seed is drawn from the env's rng. */
void qn_link_init(qn_link *l, qn_env *env, const qn_link_cfg *cfg);
/* In any state; frees everything and gives credit back, without events. The carrier stays the
 * caller's. May repeat. */
void qn_link_clear(qn_link *l);

/* ---- the carrier beneath --------------------------------------------------------------------- */

/* An ESTABLISHED carrier, which must outlive the attachment. peer_received: retained units the
 * peer has (0 on a fresh link); what it lacks is sent again. QN_PROTO, nothing changed: a number
 * we never sent or were already past. */
QN_MUST_CHECK qn_err qn_link_attach(qn_link *l, qn_carrier *carrier, uint64_t peer_received);
/* The carrier was lost. Streams live on, nothing moves until the next attach. */
void qn_link_detach(qn_link *l);
/* Somebody still waits for something: open streams, or what the peer has not acknowledged. */
bool qn_link_unfinished(const qn_link *l);
/* Retained units we have: what the peer's side of a resumption needs as peer_received. */
uint64_t qn_link_received(const qn_link *l);

/* ---- in -------------------------------------------------------------------------------------- */

/* One record's frames; the reference passes to the link. The one before must be drained. */
void qn_link_input(qn_link *l, qn_piece piece);
bool qn_link_next(qn_link *l, qn_link_event *ev);

/* ---- out ------------------------------------------------------------------------------------- */

/* QN_BUSY: QN_STREAMS_MAX open, or ids used up; QN_STATE: the link is over; QN_NOMEM. The peer
 * learns of the stream with its first frame, in the order of ids whatever is sent first. */
QN_MUST_CHECK qn_err qn_link_open(qn_link *l, qn_stream_kind kind, void *user, uint32_t *id);
void qn_link_set_user(qn_link *l, uint32_t id, void *user); /* an id that is gone is ignored */
/* Data bytes that send() would take now: credit, and QN_STREAM_QUEUE_MAX queued; 0 for an id that
 * is gone or finished. When a send leaves less than QN_FRAME_DATA_MAX, ROOM follows once that much
 * is free again and the queue is half empty. */
size_t qn_link_writable(const qn_link *l, uint32_t id);
/*
 * One frame of piece.len <= QN_FRAME_DATA_MAX data bytes, uncopied when large. piece.off must be at
 * least QN_STREAM_HEADER and those bytes the caller's to overwrite. fin ends our direction (an
 * empty piece with a NULL block then suffices). QN_OK takes the reference; on an error the caller
 * keeps it: QN_FULL (more than writable), QN_UNKNOWN, QN_STATE (after fin), QN_NOMEM. Small pieces
 * on byte streams (APP, DIRECTORY) share frames; on message streams a frame stays a frame.
 */
QN_MUST_CHECK qn_err qn_link_send(qn_link *l, uint32_t id, qn_piece piece, bool fin);
/* The same, copied; n <= QN_FRAME_DATA_MAX. */
QN_MUST_CHECK qn_err qn_link_send_bytes(qn_link *l, uint32_t id, const void *p, size_t n, bool fin);
/* n data bytes of this stream left our memory: the peer may send as many again. */
void qn_link_returned(qn_link *l, uint32_t id, size_t n);
/* Ends a stream both ways: purges what is queued, tells the peer, no event follows. */
void qn_link_close(qn_link *l, uint32_t id, uint16_t code);
/* Ends the link: every stream gets CLOSED, then CLOSED; the next fill() tells the peer and closes
 * the carrier. */
void qn_link_shut(qn_link *l, uint16_t code);
/* Asks for a PONG; a second ping before it replaces the first. */
void qn_link_ping(qn_link *l);
/* Seals what may leave now. True when at least one record was sealed: the conn has bytes. */
bool qn_link_fill(qn_link *l);

/* ---- whether the carrier still carries ------------------------------------------------------- */

/* When one would have heard of the peer if the carrier did, by what the link awaits: an
 * acknowledgement, or the answer to a ping; QN_NEVER: nothing. heard: when a byte last came;
 * something of the peer's is on its way in any case: `midway`. */
qn_time qn_link_stalls_at(const qn_link *l, qn_time heard, bool midway);

/* ---- time ------------------------------------------------------------------------------------ */

qn_time qn_link_due(const qn_link *l);
void qn_link_tick(qn_link *l); /* then fill() */

#endif

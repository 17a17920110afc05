/*
 * The carrier seam: conn, carrier and link are three things.
 *
 * A conn is a transport connection as the world sees it. A carrier turns one or two of them (its
 * *legs*) into an authenticated, ordered stream of records: it runs Noise and owns records, nonces
 * and ratchets. A link (link/link.h) owns streams, numbering and credit, and may outlive carriers.
 * A kind is a const table; everything above this line only ever sees the table.
 *
 * Leg 0 is the conn between the two nodes. A kind with two legs has on its responder's side also
 * leg 1, the origin's: it asks for it with DIAL. A responder's leg 0 is open from the start.
 *
 * The owner's law, per carrier:
 *   - after any verb of the wire side, drain next(). Between commit() and next() == false nobody
 * else may use the engine's scratch; afterwards an incomplete record is stowed in a pooled block,
 *     so a carrier waiting for bytes holds no read buffer;
 *   - on RECORD give the piece to the link and drain the link before the next next(): a KEY_UPDATE
 *     in this record changes how the following one opens;
 *   - when due() is now, write what peek offers on every leg before tick(): what a carrier does
 * then may take time that nobody outside is to see between two bytes;
 *   - LOST is the last event. Then room() is 0 for good; peek and consume still serve what was
 *     sealed before. destroy when the world is done with every leg.
 */
#ifndef QN_CARRIER_CARRIER_H
#define QN_CARRIER_CARRIER_H

#include "base/block.h"
#include "base/tally.h"
#include "crypto/crypto.h"
#include "frame/frame.h"
#include "qnet/id.h"
#include "qnet/node.h"

typedef struct qn_carrier {
    const qn_carrier_kind *kind; /* the first member of every kind's own struct */
} qn_carrier;

struct qn_htx_target; /* htx/target.h; a layer above knows what it is */
struct qn_htx_site;   /* htx/site.h */

/* An identity and its signature over a key of the node's: what it signs, dir/vouch.h says. */
typedef struct qn_vouch {
    qn_sign_public identity;
    qn_signature signature;
} qn_vouch;

#define QN_VOUCH_SIZE (32 + 64)

typedef struct qn_carrier_cfg {
    bool initiator;
    qn_tally *tally;                /* may be NULL */
    uint8_t network[32];            /* network id: in the prologue */
    qn_peerid responder;            /* the intended one (initiator), or ourselves (responder) */
    qn_dh_public responder_key;     /* initiator: the responder's link key */
    qn_dh_secret own_key;           /* our link key; initiators who stay anonymous: a fresh one */
    const qn_dh_public *own_public; /* of own_key; NULL: derived. A responder gives it, so that a
                                       stranger costs it one X25519 (P3) */
    bool claim;                     /* initiator: name ourselves to the responder */
    qn_peerid own_id;               /* when claim is set */
    qn_vouch vouch;                 /* for own_key: of a responder, and when claim is set. HTX's
                                       responder answers with another key: site->vouches */
    const qn_key *psk;              /* NULL: all zero */
    uint16_t max_record;            /* responder: largest record content on this carrier, both ways;
                                       0: QN_RECORD_CONTENT_MAX. Initiators take the responder's word */
    bool unheard;                   /* HTX's responder: no handshake is looked for, whoever comes is
                                       the origin's */
    qn_addr origin;                 /* responder of a two-leg kind: where leg 1 leads */
    qn_addr client,
        local; /* HTX's responder: leg 0's two ends; family 0 when they have no address */
    const struct qn_htx_target *htx; /* HTX's initiator */
    const struct qn_htx_site
        *site; /* HTX's responder; outlives the carrier, may change meanwhile */
} qn_carrier_cfg;

typedef enum qn_carrier_event_type {
    QN_CARRIER_DIAL,        /* leg, addr: connect it; answer opened(leg) or ended(leg, RESET) */
    QN_CARRIER_ESTABLISHED, /* est: create or resume a link */
    QN_CARRIER_RECORD,      /* piece: one record's frames; the reference passes to the receiver */
    QN_CARRIER_FINISH,      /* leg: FIN after what peek offers; reading goes on */
    QN_CARRIER_CLOSE,       /* leg: orderly close of both directions after what peek offers */
    QN_CARRIER_RESET,       /* leg: RST, now or (drain) after what peek offers */
    QN_CARRIER_RAW,         /* err: as LOST for the link, but the legs live on as if there had
                                       been none. LOST follows when they have ended */
    QN_CARRIER_LOST         /* err: no more records either way; QN_OK after close() */
} qn_carrier_event_type;

typedef struct qn_established {
    bool known;            /* the peer is named: always at the initiator */
    qn_peerid peer;        /* responder: only a claim until the descriptor's key equals peer_key */
    qn_dh_public peer_key; /* the peer's static key, proven: HTX's responder's is a mirror key */
    qn_vouch vouch;        /* with known: the peer's for that key, not looked at */
    qn_hash hash;          /* the handshake hash: names this carrier, equal at both ends */
    qn_key resume;         /* proves a later carrier's right to this link */
    uint16_t max_record;   /* largest record content either side sends */
    int64_t wall;          /* initiator: the responder's clock; responder: 0 */
    uint16_t features;     /* the responder's feature bits */
} qn_established;

typedef struct qn_carrier_event {
    qn_carrier_event_type type;
    uint8_t leg;
    bool drain;
    qn_err err;
    qn_addr addr;
    qn_piece piece;
    qn_established est;
} qn_carrier_event;

/* What a link would number next: the head of a stream's queue. */
typedef struct qn_offer {
    uint32_t stream;
    bool app;        /* of kind app; a frame of any other goes whole and at once */
    uint64_t offset; /* of data in the stream: so many bytes went before, the kind byte first */
    qn_slice data;
    size_t queued; /* data bytes on this stream, these included */
} qn_offer;

/* How often a receiver speaks only to give credit: for so many units, at most so long after. */
typedef struct qn_pace {
    uint64_t units;
    qn_time after;
} qn_pace;

struct qn_carrier_kind {
    const char *name;
    uint8_t legs;  /* of the responder's side; an initiator has one */
    bool lab_only; /* refused outside lab networks */

    /* Everything of cfg is copied. QN_NOMEM, QN_INTERNAL. The env must outlive the carrier. */
    qn_err (*create)(qn_carrier **out, qn_env *env, const qn_carrier_cfg *cfg);
    void (*destroy)(qn_carrier *c); /* in any state; wipes and frees */

    /* ---- wire side, per leg ------------------------------------------------------------------ */
    /* Where to read to (in the engine's scratch); n == 0: do not read now. */
    qn_span (*space)(qn_carrier *c, uint8_t leg);
    void (*commit)(qn_carrier *c, uint8_t leg, size_t n);
    unsigned (*peek)(const qn_carrier *c, uint8_t leg, qn_slice *v, unsigned max);
    void (*consume)(qn_carrier *c, uint8_t leg, size_t n);
    void (*opened)(qn_carrier *c, uint8_t leg); /* a dial succeeded; leg 0 for initiators */
    void (*ended)(qn_carrier *c, uint8_t leg, qn_ending how);
    bool (*next)(qn_carrier *c, qn_carrier_event *ev);
    qn_time (*due)(const qn_carrier *c); /* when to tick(); QN_NEVER */
    void (*tick)(qn_carrier *c);

    /* ---- link side, after ESTABLISHED -------------------------------------------------------- */
    /* The largest content seal() would take now; 0: not now (as much waits sealed as
     * the socket takes, or the carrier is lost). */
    size_t (*room)(const qn_carrier *c);
    /* One record of a || b (b.n <= QN_SEAL_TAIL_MAX, together at most room()). On any error nothing
     * was sent; an error of our own band other than QN_NOMEM ends the carrier. */
    qn_err (*seal)(qn_carrier *c, qn_slice a, qn_slice b);
    /* Frames the carrier itself wants at the end of the record being built, at most `room` bytes
     * written to out; returns their length. Only the next seal() makes them count: calling own()
     * again before replaces them. */
    size_t (*own)(qn_carrier *c, uint8_t *out, size_t room);
    /* A CARRIER, SHAPE, PATH_CONTROL or KEY_UPDATE frame arrived. QN_PROTO: not taken. */
    qn_err (*frame)(qn_carrier *c, const qn_frame *f, bool last_in_record);
    /* The link is over: say so to the peer's carrier, close the legs, LOST{QN_OK} follows. */
    void (*close)(qn_carrier *c, uint16_t code);
    /* A record has begun to arrive, and its end has not come. NULL: never told. */
    bool (*midway)(const qn_carrier *c);
    /* Whether the link has open streams; false until told. NULL: of no interest to this kind. */
    void (*busy)(qn_carrier *c, bool open);

    /* ---- a carrier that minds what its records look like; NULL elsewhere --------------------- */
    /* How many data bytes of this stream may go now: 0: it waits, others go; fewer than
     * data.n: they go as a frame of their own. The link asks again, in the order in which streams
     * began to wait, at each fill: after every record that came and after every tick(). */
    size_t (*offer)(qn_carrier *c, const qn_offer *offer);
    qn_pace (*pace)(const qn_carrier *c); /* the same for the carrier's whole life */
};

static inline qn_span qn_carrier_space(qn_carrier *c, uint8_t leg)
{
    return c->kind->space(c, leg);
}
static inline void qn_carrier_commit(qn_carrier *c, uint8_t leg, size_t n)
{
    c->kind->commit(c, leg, n);
}
static inline unsigned qn_carrier_peek(const qn_carrier *c, uint8_t leg, qn_slice *v, unsigned max)
{
    return c->kind->peek(c, leg, v, max);
}
static inline void qn_carrier_consume(qn_carrier *c, uint8_t leg, size_t n)
{
    c->kind->consume(c, leg, n);
}
static inline void qn_carrier_opened(qn_carrier *c, uint8_t leg)
{
    c->kind->opened(c, leg);
}
static inline void qn_carrier_ended(qn_carrier *c, uint8_t leg, qn_ending how)
{
    c->kind->ended(c, leg, how);
}
static inline bool qn_carrier_next(qn_carrier *c, qn_carrier_event *ev)
{
    return c->kind->next(c, ev);
}
static inline qn_time qn_carrier_due(const qn_carrier *c)
{
    return c->kind->due(c);
}
static inline void qn_carrier_tick(qn_carrier *c)
{
    c->kind->tick(c);
}
static inline void qn_carrier_busy(qn_carrier *c, bool open)
{
    if (c->kind->busy != NULL)
        c->kind->busy(c, open);
}
static inline bool qn_carrier_midway(const qn_carrier *c)
{
    return c->kind->midway != NULL && c->kind->midway(c);
}
/* NULL is fine. */
static inline void qn_carrier_destroy(qn_carrier *c)
{
    if (c != NULL)
        c->kind->destroy(c);
}

#endif

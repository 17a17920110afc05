/*
 * Shaping: which lengths the records of a switched HTX connection take, and which of a stream's
 * writes wait a moment, so that they resemble a browser's. docs/wire/shaping.md is the rule, word
 * for word; this is the machine, one for each side of a connection.
 *
 * It never holds a record back, only, at the client, a stream whose *opening* is remodelled: the
 * first four bursts of a stream that begins with a TLS hello. What it holds has a time from which
 * it goes whatever the peer does. It keeps numbers, never bytes, and takes no memory.
 *
 *     carrier's verb   calls
 *     room()           qn_shape_room
 *     offer()          qn_shape_offer
 *     seal()           qn_shape_zeros, then the record, then qn_shape_sealed
 *     a record opened  qn_shape_opened, then while qn_shape_answer > 0 an empty record so long
 *     due()            qn_shape_due; tick() needs nothing: the link asks again
 *     pace()           qn_shape_pace
 */
#ifndef QN_HTX_SHAPE_H
#define QN_HTX_SHAPE_H

#include "carrier/carrier.h"
#include "htx/shape_profile.h"

typedef struct qn_shape_cfg {
    const qn_shape_profile *profile; /* outlives the shape */
    bool client;                     /* the side that dialled */
    bool relays;                     /* both ends are named */
    uint16_t max_record;             /* of content, as negotiated */
    uint8_t pick;                    /* first byte of the handshake hash: equal at both ends */
} qn_shape_cfg;

typedef enum qn_shape_stage {
    QN_SHAPE_BEGUN,   /* client: the hello's first half is numbered. Peer: the hello came */
    QN_SHAPE_HALF,    /* client: and sealed; the second half waits for a record */
    QN_SHAPE_FLIGHT,  /* client: the hello is out; the server's flight is awaited */
    QN_SHAPE_HEARD,   /* client: it came; the next write is Finished */
    QN_SHAPE_JOIN,    /* client: which waits for the request */
    QN_SHAPE_REQUEST, /* client: both are out. Peer: they came */
    QN_SHAPE_REPLY    /* client: the answer came; the next write ends the opening */
} qn_shape_stage;

typedef struct qn_shape_opening {
    uint32_t stream; /* 0: none */
    uint8_t stage;
    bool answered;  /* peer: something of this burst left */
    uint16_t asked; /* peer: bytes that came since the flight, as far as they matter */
    uint32_t burst; /* peer: bytes of records of this downlink burst */
    qn_time until;  /* HALF, JOIN: no longer; any stage: then the place may be another's */
} qn_shape_opening;

/* Fields are the shape's own. */
typedef struct qn_shape {
    qn_env *env;
    const qn_shape_profile *profile;
    bool client, relays;
    bool uploading;      /* client: records of an upload */
    bool upload_seen;    /* a stream offered had more than QN_SHAPE_UPLOAD queued */
    bool waiting;        /* client: a stream found no place among the openings */
    uint8_t page, first; /* which page; records of the template that have left */
    uint8_t answers;     /* peer: hellos' first halves not yet answered */
    uint16_t max;
    uint16_t request; /* length the next request-like record wants */
    qn_shape_opening opening[QN_SHAPE_OPENINGS];
} qn_shape;

void qn_shape_init(qn_shape *s, qn_env *env, const qn_shape_cfg *cfg);

/* The largest content of the next record; never 0, never over max_record. */
size_t qn_shape_room(const qn_shape *s);
/* What carrier.h's offer() answers. */
size_t qn_shape_offer(qn_shape *s, const qn_offer *offer);
/* Zeros behind the inner type of a record with content a || b, at most qn_shape_room() long. */
size_t qn_shape_zeros(const qn_shape *s, qn_slice a, qn_slice b);
/* It was sealed with so many zeros. Draws from the env's rng. */
void qn_shape_sealed(qn_shape *s, qn_slice a, qn_slice b, size_t zeros);
/* A record with this content was opened; what is no frame is passed over: the link will see it. */
void qn_shape_opened(qn_shape *s, qn_slice content);
/* Zeros in a record without content that is to be sealed now; 0: none. Draws from the rng. */
size_t qn_shape_answer(qn_shape *s);
/* When a held stream may go at the latest; QN_NEVER. */
qn_time qn_shape_due(const qn_shape *s);
qn_pace qn_shape_pace(const qn_shape *s);

#endif

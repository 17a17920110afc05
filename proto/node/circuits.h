/*
 * Circuits: those we built (client.c, mute.c, trip.c) and those of others that go through us
 * (relay.c, births.c). Included by node/internal.h, which says what a chore, a tie and a timer are.
 */
#ifndef QN_NODE_CIRCUITS_H
#define QN_NODE_CIRCUITS_H

#include "base/timer.h"
#include "circuit/circuit.h"
#include "circuit/hop.h"
#include "node/edge.h"
#include "path/path.h"
#include "qnet/node.h"

typedef struct circuit {
    struct circuit *next, *prev;
    qn_node *n;
    tie tie;
    qn_circuit core;
    qn_cell_in in;
    qn_hop_key hops[QN_HOPS_MAX];
    qn_path path; /* why these; its indices are of a list that may be gone */
    uint64_t id;
    uint64_t last_given; /* order in which streams were given out: least recently first */
    qn_time first_given; /* when it got its first stream; 0: none yet */
    qn_time build_time;
    qn_time heard;      /* when its end last spoke of a stream; 0: it has not */
    qn_time trip;       /* there and back, of late */
    qn_time pinged;     /* a PING for it is out since then; 0: none is */
    qn_time ping_after; /* no other before */
    qn_time ping_due;   /* the first, if no stream comes sooner; 0: it has been */
    qn_time awaits;     /* since when something that was sent has no answer; 0: nothing has */
    uint8_t isolation[16];
    bool isolated;    /* isolation is set: streams of one key only */
    bool late;        /* it took too long to be built for those who wait */
    bool asked, mute; /* with awaits: its end was asked for a PONG; and did not give one */
    bool built, dead;
    bool owes_end; /* of a stream: it waits for a cell to go with */
    uint32_t streams;
    uint32_t ping_value; /* of all its PINGs while the trip's answer is out */
    uint64_t up, down;   /* application bytes */
    qn_timer timer;
    chore chore;
} circuit;

typedef struct relay {
    struct relay *next, *prev;
    qn_node *n;
    tie prev_tie, next_tie;
    qn_hop hop;
    qn_cell_in prev_in, next_in;
    qn_queue forward, backward;    /* cells the next and the previous stream have no room for */
    uint64_t owed_prev, owed_next; /* bytes that came and whose credit was not returned yet */
    qn_time moved;                 /* when a cell last came or left */
    uint64_t id;
    qn_peerid wanted; /* with waits: whom EXTEND named and no snapshot of ours lists yet */
    bool waits, dead;
    qn_timer timer;
    chore chore;
} relay;

/* client.c */
void client_start(qn_node *n);
void client_pool(qn_node *n); /* keeps enough circuits on their way */
circuit *client_pick(qn_node *n, const opening *o);
void client_event(circuit *c); /* drains the core */
void client_input(circuit *c, qn_piece piece, bool more);
void client_closed(circuit *c, uint16_t code);
void client_service(circuit *c);
void client_wake_waiting(qn_node *n);
/* Streams that have another way than this link, which is late, take it. */
void client_leave(neighbour *nb);

#include "node/trip.h"

/* mute.c */
void mute_watch(circuit *c); /* something was sent that wants an answer */
void mute_heard(circuit *c); /* anything came */
void mute_check(circuit *c);
qn_time mute_due(const circuit *c); /* when to check next */

/* relay.c */
void relay_new(neighbour *nb, uint32_t stream);
void relay_input(relay *r, bool forward, qn_piece piece, bool more);
void relay_room(relay *r, bool on_next);
void relay_closed(relay *r, uint16_t code);
void relay_events(relay *r);
void relays_listed(qn_node *n); /* the directory has answered: EXTENDs that wait are decided */
void relay_service(relay *r);

/* births.c */
/* Whether this neighbour may begin one more circuit now; it counts if so. */
bool births_allow(neighbour *nb);
void births_clear(qn_node *n);

#endif

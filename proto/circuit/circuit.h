/*
 * The client's end of a circuit of two or three hops. (One hop is link streams, not this.)
 *
 * Telescoping: EXTEND to the entry, unsealed inside the link, names the second hop; EXTEND sealed
 * to the second names the third; nothing else is sent before the answer. Then app streams run over
 * the innermost layer. The circuit never sees its link: cells come in by qn_circuit_input and are
 * pulled by qn_circuit_output, sealed as late as that. Drain qn_circuit_next after every other
 * call.
 *
 *     qn_circuit_init; open a circuit stream to hops[0]; then, whenever it can take a cell, output
 *     BUILT; qn_circuit_open ... ; ENDED: close the stream with qn_circuit_close_code(why), clear
 */
#ifndef QN_CIRCUIT_CIRCUIT_H
#define QN_CIRCUIT_CIRCUIT_H

#include "circuit/apps.h"
#include "circuit/create.h"
#include "circuit/hop.h"
#include "circuit/onion.h"

#define QN_HOP_NONE 0xff

typedef enum qn_circuit_state {
    QN_CIRCUIT_BUILDING,
    QN_CIRCUIT_OPEN,
    QN_CIRCUIT_ENDED
} qn_circuit_state;

typedef struct qn_circuit {
    qn_circuits *all;
    uint8_t state;  /* qn_circuit_state */
    uint8_t hops_n; /* 2 or 3 */
    uint8_t layers; /* hops behind the entry whose keys we have */
    bool asked;     /* EXTEND is out, no answer yet */
    bool news;      /* BUILT or ENDED is to be reported */
    uint8_t failed; /* hop index for ENDED */
    qn_err why;
    qn_hop_key hop[QN_HOPS_MAX];
    qn_onion layer[QN_HOPS_MAX - 1];
    qn_noise *noise; /* while an EXTEND is out */
    qn_apps apps;
    qn_time started, built, used; /* used: first app stream, 0: none yet */
    qn_time asked_at;             /* the last EXTEND left then ... */
    qn_time trip;                 /* ... and its answer took so long */
} qn_circuit;

typedef enum qn_circuit_event_type {
    QN_CIRCUIT_EV_BUILT, /* qn_circuit_open works now */
    QN_CIRCUIT_EV_APP,   /* app: an event of c->apps */
    QN_CIRCUIT_EV_ENDED  /* why, hop; last event. QN_OK: idle, old, or qn_circuit_end */
} qn_circuit_event_type;

typedef struct qn_circuit_event {
    qn_circuit_event_type type;
    qn_err why;
    uint8_t hop; /* index of the hop that was being reached; QN_HOP_NONE: it had been built */
    qn_app_event app;
} qn_circuit_event;

/* Starts building over hops[0 .. n); n is 2 or 3. */
void qn_circuit_init(qn_circuit *c, qn_circuits *all, const qn_hop_key *hops, unsigned n);
void qn_circuit_clear(qn_circuit *c); /* wipes and frees; no events; may repeat */

/* A whole cell (qn_cell_in_put) from the entry. Changed in place. */
void qn_circuit_input(qn_circuit *c, qn_piece cell);
/* Our stream to the entry is over; why from qn_circuit_close_err, or QN_GONE with the link. */
void qn_circuit_closed(qn_circuit *c, qn_err why);
/* We want it to end: app streams end with QN_APP_GONE, then ENDED{QN_OK}. */
void qn_circuit_end(qn_circuit *c);

bool qn_circuit_next(qn_circuit *c, qn_circuit_event *ev);

/* The next cell for the entry. QN_AGAIN, QN_NOMEM: as qn_apps_output; others: ENDED follows. */
bool qn_circuit_pending(const qn_circuit *c);
QN_MUST_CHECK qn_err qn_circuit_output(qn_circuit *c, qn_piece *out);

/* Whether new app streams may use it: open, not dirty (first used QN_CIRCUIT_DIRTY ago or longer),
 * below QN_CIRCUIT_APPS_MAX, those counted whose END has not left. */
bool qn_circuit_usable(const qn_circuit *c);
/* As qn_apps_open; QN_STATE: not usable. All else of a stream goes through qn_circuit_apps. */
QN_MUST_CHECK qn_err qn_circuit_open(qn_circuit *c, const qn_dest *dest, void *user, uint32_t *sid);
qn_apps *qn_circuit_apps(qn_circuit *c);

/* Building ends after QN_CIRCUIT_BUILD_TIMEOUT (QN_TIMEOUT); a circuit without an app stream after
 * QN_CIRCUIT_IDLE, any after QN_CIRCUIT_AGE_MAX (QN_OK both). */
qn_time qn_circuit_due(const qn_circuit *c);
void qn_circuit_tick(qn_circuit *c);

#endif

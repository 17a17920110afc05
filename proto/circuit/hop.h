/*
 * One circuit at a node that is a hop of it. By place: a *pipe* (the entry: passes cells, checks
 * their class), an *end* (opens and seals the innermost layer; carries app streams) or a *joint*
 * (an end that was extended: adds and removes one layer, reads nothing).
 *
 *     NEW -- EXTEND (unsealed) --> ENTRY_WAITS -- CREATED --> PIPE
 *      `---- CREATE (unsealed) --> END -- EXTEND (sealed) --> END_WAITS -- CREATED --> JOINT
 *
 * Cells in: qn_hop_forward from the previous stream, qn_hop_backward from the next. Cells out:
 * FORWARD and BACKWARD events, and for an end qn_hop_output, all to be sent in the order they are
 * obtained. Drain qn_hop_next after every other call. Nothing goes wrong silently: whatever ends
 * the circuit ends every app stream with QN_APP_GONE and then says DEAD.
 */
#ifndef QN_CIRCUIT_HOP_H
#define QN_CIRCUIT_HOP_H

#include "circuit/apps.h"
#include "circuit/create.h"
#include "circuit/onion.h"
#include "circuit/shared.h"

typedef enum qn_hop_state {
    QN_HOP_NEW,
    QN_HOP_ENTRY_WAITS,
    QN_HOP_PIPE,
    QN_HOP_END,
    QN_HOP_END_WAITS,
    QN_HOP_JOINT,
    QN_HOP_DEAD
} qn_hop_state;

typedef struct qn_hop {
    qn_circuits *all;
    qn_apps *apps; /* of an end that has been spoken to */
    uint8_t state; /* qn_hop_state */
    bool has_prev;
    bool asks;      /* EXTEND is to be reported */
    bool linked;    /* the next stream exists */
    bool onward;    /* piece goes forward */
    bool reported;  /* DEAD was */
    qn_err why;     /* of DEAD */
    qn_piece piece; /* the cell of the next FORWARD or BACKWARD event, or the CREATE that waits for
                       the next stream; block NULL: none */
    qn_piece shown; /* lent by the last event */
    qn_peerid prev, next;
    qn_onion onion;
    qn_time born, since; /* since: in this state */
} qn_hop;

_Static_assert(sizeof(qn_hop) <= 400, "what a joint costs a relay, besides its two streams");

typedef enum qn_hop_event_type {
    QN_HOP_EV_FORWARD,  /* piece: for the next stream */
    QN_HOP_EV_BACKWARD, /* piece: for the previous stream */
    QN_HOP_EV_EXTEND,   /* id: open a circuit stream to that node, then say qn_hop_extend_ok (its
                           first cell follows as FORWARD) or qn_hop_extend_failed */
    QN_HOP_EV_APP,      /* app: an event of qn_hop_apps */
    QN_HOP_EV_DEAD      /* why: close both streams with qn_circuit_close_code(why); last event */
} qn_hop_event_type;

typedef struct qn_hop_event {
    qn_hop_event_type type;
    qn_piece piece; /* borrowed: take a reference to keep it */
    qn_peerid id;
    qn_err why; /* QN_OK: closed in order */
    qn_app_event app;
} qn_hop_event;

/* prev: the previous node, NULL when it is an anonymous client. */
void qn_hop_init(qn_hop *h, qn_circuits *all, const qn_peerid *prev);
void qn_hop_clear(qn_hop *h); /* wipes and frees; no events; may repeat */

/* Whole cells (qn_cell_in_put). Changed in place. */
void qn_hop_forward(qn_hop *h, qn_piece cell);
void qn_hop_backward(qn_hop *h, qn_piece cell);
/* Answers to EXTEND. why: QN_UNKNOWN, QN_UNREACHABLE, QN_BUSY ... */
void qn_hop_extend_ok(qn_hop *h);
void qn_hop_extend_failed(qn_hop *h, qn_err why);
/* Either stream is over; why from qn_circuit_close_err, or QN_GONE with its link. */
void qn_hop_closed(qn_hop *h, qn_err why);

bool qn_hop_next(qn_hop *h, qn_hop_event *ev);

/* An end's own cells for the previous stream, sealed as they are taken. QN_AGAIN, QN_NOMEM: as
 * qn_apps_output; other errors: DEAD follows. */
bool qn_hop_pending(const qn_hop *h);
QN_MUST_CHECK qn_err qn_hop_output(qn_hop *h, qn_piece *out);
/* NULL while there are none: no OPEN has come. */
qn_apps *qn_hop_apps(qn_hop *h);

/* A hop that is not spoken to, or waits for CREATED, dies after QN_CIRCUIT_BUILD_TIMEOUT (with
 * QN_TIMEOUT); any after QN_CIRCUIT_AGE_MAX and a grace of the build timeout (the client closes
 * first). */
qn_time qn_hop_due(const qn_hop *h);
void qn_hop_tick(qn_hop *h);

/* ---- CLOSE, the link's frame, as circuits use it --------------------------------------------- */

/* DONE, REFUSED or GONE (frame/frame.h): all a neighbour learns of why. */
uint16_t qn_circuit_close_code(qn_err why);
qn_err
qn_circuit_close_err(uint16_t code); /* QN_OK, QN_REFUSED or QN_GONE; unknown ones are GONE */

#endif

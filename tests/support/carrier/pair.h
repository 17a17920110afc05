/*
 * Two neighbours over in-memory conns: carriers of any kind, and links above them. A step moves at
 * most `chunk` bytes per direction, so every way of cutting the byte streams can be played.
 */
#ifndef QT_PAIR_H
#define QT_PAIR_H

#include "carrier/carrier.h"
#include "support/qt.h"

/* What stands above a carrier: the link tests put a link here, the carrier tests a recorder. */
struct qt_end;
typedef struct qt_upper {
    void (*established)(struct qt_end *e, const qn_established *est);
    void (*record)(struct qt_end *e, qn_piece piece); /* takes the reference */
    void (*lost)(struct qt_end *e, qn_err err);
    void (*fill)(struct qt_end *e); /* before the conn is offered bytes */
} qt_upper;

typedef struct qt_end {
    qt_env t;
    qn_carrier *carrier; /* NULL after qt_pair_cut */
    const qt_upper *upper;
    void *ctx; /* the upper's */
    qn_tally tally;
    qn_carrier_cfg cfg;
    bool established, lost;
    qn_established est;
    qn_err err;                           /* with lost */
    unsigned finish, close, reset, dials; /* leg events seen */
    uint64_t wrote;                       /* bytes that left on leg 0 */
    uint8_t flip;                         /* xor-ed into the byte numbered flip_at */
    uint64_t flip_at;
    char trace[4096]; /* every carrier event, in a few letters */
    size_t trace_n;
} qt_end;

typedef struct qt_pair {
    const qn_carrier_kind *kind;
    size_t chunk;
    qt_end a, b;     /* a initiates */
    char origin[64]; /* what the origin (two-leg kinds) has heard, and how much */
    size_t origin_n, origin_echoed;
    bool origin_answered;
    size_t origin_extra; /* bytes the origin says behind its first line */
} qt_pair;

/* Opens envs (seeds 1 and 2) and fixed keys; creates nothing yet. */
void qt_pair_open(qt_pair *p, const qn_carrier_kind *kind, const qt_upper *upper);
/* Fresh carriers at both ends, opened. An end whose create failed has carrier NULL. */
qn_err qt_pair_connect(qt_pair *p);
/* One round: up to chunk bytes each way on every leg, events drained. False: nothing moved. */
bool qt_pair_step(qt_pair *p);
/* Steps until nothing moves; dies after a million. */
void qt_pair_run(qt_pair *p);
/* Both carriers vanish with whatever was in flight. */
void qt_pair_cut(qt_pair *p);
/* Both clocks; ticks carriers that are due. */
void qt_pair_wait(qt_pair *p, qn_time by);
/* Destroys carriers, closes the envs (which assert that nothing is left). */
void qt_pair_close(qt_pair *p);
/* Drains one end's events after a verb was called by hand. */
void qt_end_drain(qt_pair *p, qt_end *e);

#endif

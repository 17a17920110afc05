/* The proxy's censor asks the server itself: lab/censor/probe.c says what and when, this connects.
 */
#ifndef LAB_PROXY_PROBER_H
#define LAB_PROXY_PROBER_H

#include "censor/censor.h"

#include <poll.h>

enum { PROBES_MAX = 4 }; /* at once; further ones wait */

typedef struct probe_conn {
    int fd; /* -1: none */
    qn_time patience;
    size_t sent;
    censor_probe probe;
    censor_reaction reaction;
} probe_conn;

typedef struct prober {
    probe_conn conn[PROBES_MAX];
} prober;

void prober_begin(prober *p);
/* Starts what is due; says what to ask of the system, and when to look again at the latest. */
void prober_want(prober *p, censor *c, struct pollfd v[PROBES_MAX], qn_time now, qn_time *due);
void prober_serve(prober *p, censor *c, const struct pollfd v[PROBES_MAX], qn_time now);
void prober_end(prober *p);

#endif

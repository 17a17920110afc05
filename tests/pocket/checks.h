/*
 * The promises of DESIGN.md that can be looked at while a pocket mesh runs, after every step: P1 of
 * each fetch, P2 of everything sealed, P4, P5, P6 and P9 of each node. The first that is broken is
 * kept as a sentence, and the run can stop there.
 *
 * P2 is seen by --wrap of the two calls that seal (tests/pocket/CMakeLists.txt). One at a time in a
 * process.
 */
#ifndef POCKET_CHECKS_H
#define POCKET_CHECKS_H

#include "pocket/mesh.h"

#include <stdio.h>

enum { CHECKS_FETCHES = 32, CHECKS_NODES = 16 };

typedef struct checks {
    mesh *m;
    FILE *trace; /* every event of every node, a line each; NULL: none */
    pw_watcher watcher;
    pw_fetch *fetch[CHECKS_FETCHES];
    uint32_t fetches_n;
    struct {
        char name[16];
        const pw_node *life;
        uint64_t version, stored; /* of its list: in use, and as it last stored one */
    } node[CHECKS_NODES];
    uint32_t nodes_n;
    char broken[160]; /* "": nothing is */
} checks;

/* Watches the mesh from now on; outlives it. */
void checks_begin(checks *c, mesh *m, FILE *trace);
void checks_fetch(checks *c, pw_fetch *f);
/* Says what is broken, unless something was before. */
void checks_broken(checks *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool checks_over(void *c); /* something is broken */
/* A line in the trace. */
void checks_note(checks *c, const char *who, const char *text);
void checks_end(checks *c);

#endif

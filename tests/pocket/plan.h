/*
 * A plan of faults for a pocket mesh: drawn from a seed before anything runs, or read from a file,
 * so that a failure can be tried again with fewer of them (tools/shrink).
 *
 * As text it is one fault a line, AT KIND NODE VALUE, sorted by time:
 *
 *     312 isolate relay2 1450
 *
 * AT is in ms from where the plan begins; what VALUE is depends on the kind.
 */
#ifndef POCKET_PLAN_H
#define POCKET_PLAN_H

#include "pocket/mesh.h"

typedef enum plan_kind {
    PLAN_CUT,      /* one of its connections, by the world's draw; VALUE unused */
    PLAN_ISOLATE,  /* ms: nothing reaches it or leaves it */
    PLAN_CRASH,    /* ms until it is started again */
    PLAN_LOSE,     /* the same, and its disk is lost */
    PLAN_MEMORY,   /* its VALUEth allocation from now on fails */
    PLAN_POOR,     /* ms: it gets no memory beyond what it has */
    PLAN_DISK,     /* ms: it cannot store lists */
    PLAN_CLOCK,    /* its wall clock is so many seconds ahead */
    PLAN_SLOW,     /* what it sends leaves with so many bytes a second */
    PLAN_FREEZE,   /* connections it dials from now on freeze after so many bytes */
    PLAN_STRANGER, /* somebody connects and says VALUE bytes of noise */
    PLAN_KINDS
} plan_kind;

enum { PLAN_MAX = 64 };

typedef struct plan_fault {
    qn_time at; /* from the plan's beginning */
    plan_kind kind;
    char node[16];
    int64_t value;
} plan_fault;

typedef struct plan {
    plan_fault v[PLAN_MAX];
    uint32_t n;
} plan;

/* So many faults within this time, on these nodes; a client neither crashes nor has strangers. */
void plan_draw(plan *p, qn_drbg *rng, uint32_t n, qn_time within, const char *const *nodes,
               uint32_t nodes_n);
/* Dies with a message that names the line when the file is missing or wrong. */
void plan_read(plan *p, const char *path);
void plan_write(const plan *p, const char *path);
const char *plan_kind_name(plan_kind k);
void plan_line(const plan_fault *f, char out[64]);

/* What is under way: what must be undone, and when. */
typedef struct plan_run {
    mesh *m;
    const plan *p;
    qn_time began;
    void (*told)(void *ctx, const char *what); /* of each beginning and end; NULL: nobody */
    void *ctx;
    struct {
        qn_time until; /* QN_NEVER: heals with all else */
        const plan_fault *fault;
    } open[PLAN_MAX];
    uint32_t open_n;
    uint64_t stranger_bytes, stranger_dh; /* the most that one cost */
} plan_run;

/* Runs the mesh through the plan, then heals everything: each node is up, and nothing hinders it.
 * Stops early when over(ctx) says so. */
void plan_play(plan_run *r, bool (*over)(void *ctx), void *ctx);

#endif

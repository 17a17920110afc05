/*
 * Months of path choices without packets: how many users ever enter and leave the network through
 * one adversary's nodes, with guards and without. Users and networks are independent of each other,
 * so they may be shared out among processes; every draw has a stream of its own, named by the seed.
 */
#ifndef PATH_SIM_H
#define PATH_SIM_H

#include "path/path.h"

#define SIM_DAYS_MAX 730
#define SIM_RELAYS_MAX 10000
#define SIM_NETWORKS_MAX 64

typedef struct sim_options {
    uint32_t users, days, relays, networks;
    uint32_t circuits;  /* a user's, each day; each lives for ten minutes of use */
    uint32_t adversary; /* the adversary's part of all capacity, in thousandths */
    uint64_t seed;
    bool guards;
} sim_options;

/* Users of one network by the day (1 to days) on which the adversary first held both ends of a path
 * of theirs; [0]: never. */
typedef struct sim_result {
    uint32_t reached[SIM_DAYS_MAX + 1];
    uint64_t paths, entries; /* paths chosen; different entries all users had */
} sim_result;

/* Runs network number `network`. False: no memory. */
bool sim_run(const sim_options *o, uint32_t network, sim_result *out);

/* ---- the world of one network ---------------------------------------------------------------- */

typedef struct sim_world {
    uint32_t n;
    qn_candidate *v; /* the list of today */
    uint8_t *hostile;
    qn_candidate *kept; /* what each is when it is there */
    qn_drbg rng;
    uint32_t next_name;
} sim_world;

bool sim_world_make(sim_world *w, const sim_options *o, uint32_t network);
void sim_world_day(sim_world *w); /* relays leave, come, and are away for a day */
void sim_world_free(sim_world *w);

#endif

/*
 * Months of rationed entries (qnet/handout.h) without packets: what a censor's accounts learn of a
 * pool by asking, and how many honest people still have an entry that works when he blocks it all.
 */
#ifndef HANDOUT_SIM_H
#define HANDOUT_SIM_H

#include "qnet/handout.h"

#define SIM_DAYS_MAX 730
#define SIM_ENTRIES_MAX 10000
#define SIM_AGENTS_MAX 8 /* different numbers of agents in one table */
#define SIM_SEEDS_MAX 64

typedef enum sim_habit {
    SIM_ASK, /* a person whose entry is blocked says so whenever another may be given */
    SIM_WAIT /* or, while young, asks for nothing until grown old */
} sim_habit;

typedef struct sim_options {
    qn_handout_policy policy;
    uint32_t entries, people, days;
    bool block; /* what the censor learns stops working at once, for everybody */
    sim_habit habit;
} sim_options;

/* By day, 0 to days. */
typedef struct sim_result {
    double known[SIM_DAYS_MAX + 1];  /* part of the entries that the censor has seen */
    double served[SIM_DAYS_MAX + 1]; /* part of the people whose entry works */
} sim_result;

/* False: no memory. */
bool sim_run(const sim_options *o, uint32_t agents, uint64_t seed, sim_result *out);

#endif

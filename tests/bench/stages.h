/* The stages of core_rates: pieces of the core's work that one function call does once. */
#ifndef BENCH_STAGES_H
#define BENCH_STAGES_H

#include "support/qt.h"

#include <stdio.h>

typedef struct bench_stage {
    const char *name; /* NULL ends the table */
    void (*once)(void);
    unsigned batch; /* calls between two looks at the clock; 0: not for rates */
} bench_stage;

extern const bench_stage bench_stages[];

/* Makes keys, cells, records and candidates; ends the process when something fails. */
void bench_stages_open(void);

/* transfer.c: a download through a whole mesh of the pocket world. */
void bench_transfer_one_hop(void);
void bench_transfer_three_hops(void);

/* choice.c: one choice of a node's, its candidates included. */
void bench_choice_open(void);
void bench_choice(void);

#endif

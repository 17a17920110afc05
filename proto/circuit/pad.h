/*
 * Padding of a circuit, optional: a small machine at the client and one at the end add DROP cells,
 * so that the hops between learn less from how many cells pass. docs/wire/circuit.md.
 *
 * A machine is data. It watches the *bursts* of its own side: cells that are sent with no pause as
 * long as a gap, which is drawn from the state's histogram for each burst. When a burst is over, it
 * is filled up to whole units of each class; after so many bursts comes the next state. Nothing is
 * ever sent that no burst of real cells asked for, so what is idle stays silent. Each side keeps
 * within the machine's budgets: a part of what it has really sent, and cells a second.
 */
#ifndef QN_CIRCUIT_PAD_H
#define QN_CIRCUIT_PAD_H

#include "base/env.h"
#include "base/limits.h"

#define QN_PAD_NONE 0
#define QN_PAD_BURSTS 1

typedef struct qn_pad {
    uint8_t machine; /* that runs; QN_PAD_NONE: none */
    uint8_t asked;   /* client: asks for, end: was asked for */
    uint8_t said;    /* what PAD says when tell is set */
    bool tell, answered;
    bool client;
    uint8_t state, bursts;           /* of the machine; filled in this state */
    uint32_t small, large;           /* real cells of the burst, by class */
    uint32_t owed_small, owed_large; /* DROP cells to send */
    qn_time gap, due;                /* the burst is over at due; 0: there is none */
    uint64_t real, filled;           /* bytes */
    qn_time second;                  /* in which so many were owed: */
    uint32_t in_second;
} qn_pad;

void qn_pad_init(qn_pad *p, bool client);
/* Client: the next text asks for this machine. QN_PAD_NONE asks for nothing. */
void qn_pad_ask(qn_pad *p, uint8_t machine);
/* PAD came, with an answer's flag or without. `willing`: an end that agrees. QN_PROTO: nobody
 * asked, or twice. *refused: we did, or the end did. */
QN_MUST_CHECK qn_err qn_pad_heard(qn_pad *p, bool answer, uint8_t machine, bool willing,
                                  bool *refused);
/* A real cell of this size was made. */
void qn_pad_sent(qn_pad *p, qn_env *env, size_t size);
/* Size of the DROP cell to send next; 0: none. Say qn_pad_paid for each. */
size_t qn_pad_owed(const qn_pad *p);
void qn_pad_paid(qn_pad *p, size_t size);

qn_time qn_pad_due(const qn_pad *p); /* QN_NEVER: nothing to wait for */
void qn_pad_tick(qn_pad *p, qn_env *env);

#endif

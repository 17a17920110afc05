/*
 * Hops that lie: relays of a simulated network that change, lose, repeat, exchange or hold back
 * cells of circuits which go through them, once a circuit, after their own honest work, as a
 * relay's operator could. And witnesses: who noticed first, and whether an end ever opened a text
 * that its client had not said at that place.
 *
 * Works by --wrap (lab/CMakeLists.txt), so the core is the shipped one. One per process and thread.
 * All memory is malloc's; none left aborts.
 */
#ifndef LIAR_H
#define LIAR_H

#include "qnet/node.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum lie {
    LIE_FLIP,    /* bits of one byte */
    LIE_DROP,    /* one cell is lost */
    LIE_REPLAY,  /* one cell comes twice */
    LIE_REORDER, /* one cell comes after its successor */
    LIE_SWAP,    /* cells of two circuits change places */
    LIE_DELAY,   /* all cells wait; nothing else is done to them */
    LIES
} lie;

enum { LIAR_HOLD_MAX = 32 };                      /* cells that DELAY holds back */
#define LIAR_DELAY (UINT64_C(1500) * 1000 * 1000) /* ns */

const char *lie_name(lie l);

typedef struct liar_counts {
    uint64_t told[LIES]; /* lies; a swap is two */
    uint64_t caught;     /* failures to open a cell, where the next honest place is */
    uint64_t elsewhere;  /* failures anywhere else */
    uint64_t texts;      /* that ends opened */
    uint64_t marked;     /* of them: not what the client had said there */
} liar_counts;

typedef struct liars liars;

liars *liars_new(uint64_t seed);
void liars_free(liars *l);
/* Whom the wrapped calls tell; NULL: nobody. */
void liars_attach(liars *l);
/* A node of the network, by its env, which stays where it is, and its PeerID. */
void liars_know(liars *l, const qn_env *env, const qn_peerid *id);
/* From now on it tells these (bits by lie); 0: none any more. */
void liars_set(liars *l, const qn_env *env, uint32_t lies);
/* Sends what a node's DELAYs have held back for long enough. The world performs actions then. */
void liars_release(liars *l, qn_node *n);
const liar_counts *liars_counted(const liars *l);

#ifdef __cplusplus
}
#endif

#endif

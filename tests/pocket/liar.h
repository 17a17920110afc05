/*
 * A hop that lies: one relay of a pocket mesh whose cells of one circuit and direction the test
 * changes, loses, repeats or moves after the relay's own honest work, as a relay's operator could.
 * And witnesses: what every node made of the cells, and what the client and the end read.
 *
 * Works by --wrap (tests/pocket/CMakeLists.txt), so the core under test is the shipped one. One
 * liar per process; liar_reset between meshes.
 */
#ifndef POCKET_LIAR_H
#define POCKET_LIAR_H

#include "node/internal.h"
#include "pocket/world.h"

typedef enum deed {
    DEED_FLIP,    /* bits of one byte */
    DEED_INNER,   /* the same before its own seal (a joint's backward cells): it signs the damage */
    DEED_CUT,     /* the message is no cell any more */
    DEED_RESIZE,  /* a cell of the other class */
    DEED_DROP,    /* one cell is lost */
    DEED_REPEAT,  /* one cell comes twice */
    DEED_REORDER, /* one cell comes after its successor */
    DEED_INJECT,  /* random bytes of a class come in between */
    DEED_REFLECT, /* one cell goes back to where it came from, in place of that side's next */
    DEED_SWAP,    /* two circuits' cells change places */
    DEED_DELAY,   /* all cells wait; nothing else is done to them */
    DEEDS
} deed;

const char *deed_name(deed d);

typedef struct liar_plan {
    deed deed;
    bool forward;
    uint32_t after; /* cells of this lane that pass first */
    uint32_t where; /* FLIP, INNER: byte, modulo the cell; CUT: bytes fewer, at least 1 */
    uint8_t mask;   /* FLIP, INNER: bits, not 0 */
} liar_plan;

enum { LIAR_TEXTS = 2048, LIAR_VIEWS = 128, LIAR_KEYS = 256 };

/* Who first found that something is wrong. */
typedef struct liar_catch {
    qn_env *env; /* NULL: nobody has */
    qn_err err;
    qn_time at;
} liar_catch;

typedef struct liar_view { /* texts under one set of keys, in order, and when */
    const qn_onion *keys;
    qn_hash text[LIAR_TEXTS];
    qn_time at[LIAR_TEXTS];
    uint32_t n;
} liar_view;

typedef struct liar_state {
    relay *on, *other; /* other: of SWAP */
    liar_plan plan;
    uint32_t passed; /* cells of the lane that passed */
    bool done;       /* the deed is */
    uint32_t later;  /* cells of the lane that went out after it */
    bool filler;     /* FLIP hit only filler, which nobody reads */
    bool exchanged;  /* SWAP, REFLECT: another cell gave way to it */
    uint32_t size;   /* of the cell it was done to */
    liar_catch first;
} liar_state;

extern liar_state liar;

void liar_reset(void);
/* What a client said to the end of this circuit of its, and what an end opened under these keys of
 * its, until liar_reset. NULL: nothing. */
const liar_view *liar_said(const circuit *c);
const liar_view *liar_heard(const qn_onion *keys);
/* The hop of a node with which the client shares c's i-th layer (0: the joint's); NULL: unknown. */
relay *liar_hop(const circuit *c, unsigned i);
/* The entry's; NULL: it enters elsewhere. */
relay *liar_entry(const circuit *c, pw_node *entry);
/* From the next cell on. */
void liar_begin(relay *on, relay *other, const liar_plan *plan);
/* DELAY: sends what waits and has room; false: nothing waits any more. */
bool liar_release(pw_node *n);

#endif

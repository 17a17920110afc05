/*
 * The conn table and what the world still has to do about each conn.
 *
 * Every pending action is a bit on its conn, and conns with bits wait in one list: pending actions
 * cost no memory and cannot overflow, however many streams one event ends.
 */
#ifndef QN_NODE_CONNS_H
#define QN_NODE_CONNS_H

#include "base/env.h"
#include "base/limits.h"
#include "qnet/node.h"

typedef enum conn_kind {
    CONN_FREE,
    CONN_LEG,    /* owner: neighbour; a carrier's leg */
    CONN_SOCKS,  /* owner: edge, client side */
    CONN_TARGET, /* owner: edge, exit side */
    CONN_ORIGIN  /* owner: the node, which asks whether its origin answers */
} conn_kind;

/* In the order the world gets them. */
enum {
    TODO_RESOLVE = 1,
    TODO_DIAL = 2,
    TODO_LINGER = 4,
    TODO_SEND = 8,
    TODO_READ = 16,
    TODO_FINISH = 32,
    TODO_CLOSE = 64,
    TODO_RESET = 128,
    TODO_RESET_DRAIN = 256
};

typedef struct conn {
    void *owner;
    uint32_t next; /* slot of the next conn in the to-do list or the free list; 0 ends it */
    uint16_t todo;
    uint16_t generation;
    uint8_t kind;
    uint8_t leg;
    bool linger;    /* what LINGER_RESET says */
    bool releasing; /* CLOSE was asked for: only peek, consume and released remain */
    bool listed;    /* in the to-do list */
} conn;

typedef struct conns {
    conn *v; /* slot 0 is never used */
    uint32_t cap, used;
    uint32_t free_head, free_tail, todo_head, todo_tail;
} conns;

/* 0: the table is full or memory is short. */
qn_conn conns_add(conns *t, qn_mem *mem, conn_kind kind, void *owner, uint8_t leg);
/* NULL: never given out, or already forgotten. */
conn *conns_get(const conns *t, qn_conn c);
void conns_forget(conns *t, qn_conn c);
void conns_todo(conns *t, qn_conn c, uint16_t todo);
/* The next pending bit, lowest first, removed from the conn; false when nothing is pending. */
bool conns_next(conns *t, qn_conn *c, uint16_t *todo);
void conns_clear(conns *t, qn_mem *mem);

#endif

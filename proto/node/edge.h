/*
 * Sockets of applications and destinations, and how they open: edge.c, grant.c, open.c, early.c.
 * Included by node/internal.h, which says what a chore, a tie and a timer are.
 */
#ifndef QN_NODE_EDGE_H
#define QN_NODE_EDGE_H

#include "base/timer.h"
#include "circuit/apps.h"
#include "exit/slots.h"
#include "node/neighbour.h"
#include "qnet/node.h"
#include "socks/socks.h"

typedef enum edge_state {
    EDGE_SOCKS,   /* client: reading the request */
    EDGE_WAITING, /* client: for a circuit; exit: for the OPEN message of a one-hop stream */
    EDGE_OPENING, /* client: for OPENED; exit: resolving or connecting */
    EDGE_OPEN,
    EDGE_OVER /* bytes for the socket may still wait */
} edge_state;

/* Only while an edge opens, and until what came before has gone. */
typedef struct opening {
    qn_socks socks;
    qn_dest dest;
    qn_route route;
    uint8_t isolation[16];
    qn_addr addr; /* exit: the judged address */
    /* Bytes read and not yet understood; behind the request the stream's first, which stay here
     * until the stream is open and the bearer has taken them all. */
    uint8_t *in; /* first, or with `early` a block of its own */
    uint16_t in_n, in_cap, in_passed;
    uint8_t first[QN_SOCKS_AUTH_MAX + QN_DEST_WIRE_MAX];
    bool early;    /* client: the application was told that its stream is open */
    bool held;     /* client: the OPEN waits for the application's first bytes */
    uint8_t tries; /* client: paths that went away before they opened */
    uint16_t msg_n;
    uint8_t msg[QN_MSG_HEADER + QN_DEST_WIRE_MAX]; /* one hop: OPEN or OPENED, as it arrives */
} opening;

typedef struct edge {
    struct edge *next, *prev;
    qn_node *n;
    /* Bearer: one of the two is set while the edge can move bytes. */
    tie tie;       /* one hop: an app stream of a link */
    qn_apps *apps; /* more: an app stream of a circuit, `sid` */
    uint32_t sid;
    struct circuit *circuit; /* whose apps: ours (client) */
    struct relay *relay;     /* or another's (exit) */
    qn_conn conn;
    uint8_t state;
    bool exit_side;
    bool paused;   /* space gave nothing; READ is owed when there is room */
    bool read_end; /* the socket's EOF was passed on */
    bool peer_end; /* the bearer's end came */
    bool first;    /* the first byte from the destination was seen */
    bool dead;
    qn_queue out;       /* for the socket */
    uint32_t own_bytes; /* of out, at its front: ours (SOCKS), so no credit returns for them */
    opening *opening;
    uint64_t id, up, down;
    qn_slot slot;  /* exit: what it takes of what is granted */
    uint32_t owed; /* exit: bytes the socket took whose credit waits for the grant */
    qn_time began;
    qn_time moved; /* when a byte last passed, either way */
    qn_timer timer;
    chore chore;
} edge;

/* edge.c */
edge *edge_new(qn_node *n, bool exit_side);
void edge_data(edge *e, qn_piece piece);      /* from the bearer */
void edge_peer_end(edge *e);                  /* the bearer's clean end */
void edge_room(edge *e);                      /* the bearer can take bytes again */
void edge_fail(edge *e, qn_app_code code);    /* both ways, in error; tells the bearer */
void edge_unbound(edge *e, qn_app_code code); /* the bearer is gone already */
unsigned edge_space(edge *e, qn_span *v, unsigned max);
void edge_commit(edge *e, size_t bytes);
unsigned edge_peek(edge *e, qn_slice *v, unsigned max);
void edge_consume(edge *e, size_t bytes);
void edge_ended(edge *e, qn_ending how);
void edge_released(edge *e);
void edge_service(edge *e);
void edge_tick(edge *e);
void edge_ends_go(qn_node *n); /* ends that wait for company leave without it */
void edge_is_open(edge *e);
bool edge_send(edge *e, const void *p, size_t n); /* small, to the bearer; false: it failed */
/* Application bytes, at most QN_FRAME_DATA_MAX; how many the bearer has taken. When it is not all,
 * edge_room follows, once the edge is open. */
size_t edge_pass(edge *e, const void *p, size_t n);
bool edge_say(edge *e, qn_slice text);      /* small, to the socket; false: no memory */
void edge_close(edge *e, qn_err err);       /* the socket, after what waits: 200 ms at most */
void edge_reset(edge *e, qn_app_code code); /* both ways, at once */
void edge_linger(edge *e);                  /* the socket has been told of a stream */
void edge_touch(edge *e); /* something was asked of the bearer: let its owner look at it */

/* grant.c: what an exit grants its clients */
void grant_init(qn_node *n);
/* One-hop streams of nb, or of the circuit that came by nb. */
void grant_source(edge *e, const neighbour *nb, const struct relay *r);
void grant_forget_neighbour(neighbour *nb);
void grant_forget_relay(struct relay *r);
/* True: no bytes from the socket now; the edge's timer says when. */
bool grant_waits(edge *e);
void grant_spend(edge *e, size_t bytes);
/* Bytes the socket took: what part of their credit may return now. */
size_t grant_credit(edge *e, size_t bytes);
/* An open edge's timer. False: it was idle for too long. */
bool grant_tick(edge *e);

/* open.c */
void open_socks(edge *e);                     /* bytes of the request arrived in opening->in */
void open_bind(edge *e);                      /* client: find a bearer for the request */
void open_answer(edge *e, qn_app_code code);  /* client: OPENED came, or it failed */
void open_bytes(edge *e, qn_piece piece);     /* one hop: OPEN or OPENED not complete yet */
void open_request(edge *e, const qn_dest *d); /* exit: somebody wants this destination */
void open_resolved(edge *e, const qn_addr *v, unsigned count, qn_err why);
void open_connected(edge *e, qn_err why); /* exit: the target's socket */
void open_timeout(edge *e);
/* Client: the application's answer is queued; false: no memory. */
bool open_says(edge *e, qn_app_code code);
bool open_passed(edge *e); /* client: what was kept goes; true: all of it has gone */
/* Client: OPEN leaves, and behind it what was kept if the application has its answer. */
void open_leaves(edge *e);

/* early.c */
bool early_may(const edge *e);      /* its request is complete: may it be answered early? */
void early_bound(edge *e);          /* a held OPEN has a bearer, or has found none */
bool early_may_move(const edge *e); /* whether another path may carry what was said so far */
void early_goes(edge *e);           /* the application spoke, or has not for long enough */
void opening_free(edge *e);

#endif

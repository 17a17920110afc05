/*
 * Discovery's part of internal.h, which includes it where chores, ties and neighbours are known:
 * what nodes tell each other of nodes, and whether they can be reached. docs/wire/discovery.md.
 */
#ifndef QN_NODE_DISCOVERY_H
#define QN_NODE_DISCOVERY_H

#include "dir/heard.h"

enum { ASK_NEWS = 1, ASK_INTRODUCE = 2 };

typedef struct gossip_ask { /* our directory stream to a node that is asked for news */
    qn_node *n;
    tie tie;
    qn_dir_reader reader;
    qn_timer timer;
    uint8_t want, asking; /* of ASK_*: what is left to ask; whose answer is awaited, 0 none */
} gossip_ask;

/* A node that introduced itself, while we look whether it is where it says. */
typedef struct looking {
    struct looking *next, *prev;
    qn_node *n;
    neighbour *nb; /* the link to it; NULL: over */
    answer *to;    /* who awaits the outcome; NULL: gone */
    uint64_t nonce;
    tie tie;
    qn_dir_reader reader;
    qn_timer timer;
} looking;

enum { REFUSALS = 2 }; /* nodes that could not reach us, before we believe it */

typedef struct discovery {
    qn_heard heard;
    gossip_ask ask[QN_GOSSIP_FANOUT];
    looking *looks;
    uint32_t looks_n;
    qn_timer timer, dial_timer;
    qn_time born;
    qn_time dial_at;      /* no entry is looked at before */
    qn_time answered_tat; /* of all answers given: their cost reaches so far */
    uint64_t nonce;       /* of our introductions; 0: none */
    qn_time proven;       /* a link brought it; 0: never */
    uint8_t brought[8];   /* a follower's: the newest nonce that came, for whoever leads */
    bool store_brought;
    uint8_t refused_n;
    qn_peerid refused[REFUSALS];
} discovery;

/* gossip.c */
void gossip_start(qn_node *n);
void gossip_clear(qn_node *n);
void gossip_tick(qn_node *n);
void gossip_ask_tick(gossip_ask *g);
void gossip_data(gossip_ask *g, qn_piece piece, bool fin);
void gossip_closed(gossip_ask *g);
/* Asks the node at the other end, unless as many are being asked as may be, or it is. */
void gossip_ask_one(qn_node *n, neighbour *nb, uint8_t want);
/* Somebody asks us; the answer follows here. Other errors are the caller's to say. */
QN_MUST_CHECK qn_err gossip_tell(answer *a, qn_slice held);
/* Cost of a question, by link and by node. False: too much was asked already. */
bool gossip_paced(neighbour *nb, qn_time cost);

/* heard.c */
/* A descriptor that somebody told, opened from these bytes. QN_STALE: the list has it; QN_REFUSED:
 * it is none that we keep; else as qn_heard_add. */
QN_MUST_CHECK qn_err heard_take(qn_node *n, const qn_descriptor *d, qn_slice bytes,
                                const qn_peerid *from);
void heard_listed(qn_node *n); /* there is a new list */
void heard_dial(qn_node *n);
void heard_reached(neighbour *nb); /* it was dialled, and has proved its key */
void heard_failed(qn_node *n, const qn_peerid *id);
/* The listed descriptor of a node, or a newer one of its own that it may be dialled by. */
const qn_descriptor *heard_newest(const qn_node *n, const qn_descriptor *listed);
/* Of the newest that are reached and not among `held`, at most max; returns how many. */
unsigned heard_news(const qn_node *n, qn_slice held, qn_slice *out, unsigned max);
/* What we hold, as NEWS says it: 8 bytes of PeerID and the sequence of each. Returns its length. */
size_t heard_held(const qn_node *n, uint8_t out[QN_GOSSIP_HELD * 16]);
bool heard_lacks(const qn_node *n, qn_slice held); /* something in it is new to us */

/* reach.c */
bool reach_listed(const qn_node *n); /* the list has our descriptor */
qn_reach reach_state(const qn_node *n);
/* A node introduces itself. *later: the answer follows by itself. */
QN_MUST_CHECK qn_err reach_introduced(answer *a, const qn_dir_message *m, bool *later);
QN_MUST_CHECK qn_err reach_proven(const answer *a, uint64_t nonce);
/* A fresh link, of ours or of another node with our keys, brought this. QN_AUTH: it is not ours. */
QN_MUST_CHECK qn_err reach_brought(qn_node *n, uint64_t nonce);
bool reach_store(qn_node *n, qn_action *a);
void reach_refused(qn_node *n, const qn_peerid *by);
void reach_forget(qn_node *n, const answer *a);
void reach_dialled(neighbour *nb); /* one that was dialled back is up ... */
void reach_over(neighbour *nb);    /* ... or over */
void look_data(looking *l, qn_piece piece, bool fin);
void look_closed(looking *l);
void look_tick(looking *l);
void reach_clear(qn_node *n);

#endif

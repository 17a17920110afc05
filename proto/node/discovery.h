/*
 * Discovery's part of internal.h, which includes it where chores, ties and neighbours are known:
 * what nodes tell each other of nodes, and whether they can be reached. docs/wire/discovery.md.
 */
#ifndef QN_NODE_DISCOVERY_H
#define QN_NODE_DISCOVERY_H

#include "dir/heard.h"

enum { ASK_NEWS = 1, ASK_INTRODUCE = 2 };

/* The last is for asking back: whoever has us do so and does not answer delays no round of ours. */
enum { GOSSIP_ASKS = QN_GOSSIP_FANOUT + 1 };

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

/* A node that keeps a link to us, by which others reach it. */
typedef struct mooring {
    struct mooring *next, *prev;
    qn_peerid id;
    neighbour *nb;
    qn_time until;
} mooring;

/* Two streams, of which each brings what the other is sent: a link inside them, of two others. */
typedef struct crossing {
    struct crossing *next, *prev;
    qn_node *n;
    tie near, far;          /* who opened it; the moored node, once it is known which */
    qn_queue ahead, back;   /* for far, for near: what they have no room for */
    bool near_end, far_end; /* their direction ended, behind what waits */
    uint8_t wanted[32];     /* the PeerID that comes first */
    uint8_t wanted_n;
    bool dead;
    qn_time moved;
    qn_timer timer;
    chore chore;
} crossing;

/* A link's only leg that is a stream of another link. */
typedef struct passage {
    struct passage *next, *prev;
    qn_node *n;
    tie tie;
    neighbour *nb; /* whose leg it is; NULL: it has no use for it any more */
    qn_queue in;   /* what came and its carrier has not taken */
    bool ended;    /* nothing comes behind that */
    bool lost;     /* the stream is gone */
    chore chore;
} passage;

/* Our mooring at a rendezvous. */
typedef struct berth {
    qn_node *n;
    tie tie;
    qn_dir_reader reader;
    qn_timer timer;
    qn_peerid at;
    bool chosen; /* `at` is set */
    bool moored; /* it said OK, and not been away for long since */
    uint8_t failures;
} berth;

enum { REFUSALS = 2 }; /* nodes that could not reach us, before we believe it */

typedef struct discovery {
    qn_heard heard;
    gossip_ask ask[GOSSIP_ASKS];
    looking *looks;
    uint32_t looks_n;
    berth berth[QN_DESCRIPTOR_VIA];
    mooring *moorings;
    crossing *crossings;
    passage *passages;
    uint32_t moorings_n, crossings_n, passages_n;
    qn_timer timer, dial_timer;
    uint8_t dull;         /* rounds in a row that brought nothing, as far as they count */
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
void gossip_news(qn_node *n); /* something was heard that is new */
void gossip_ask_tick(gossip_ask *g);
void gossip_data(gossip_ask *g, qn_piece piece, bool fin);
void gossip_closed(gossip_ask *g);
/* Asks the node at the other end, unless as many are being asked as may be, or it is. */
void gossip_ask_one(qn_node *n, neighbour *nb, uint8_t want);
void gossip_ask_back(qn_node *n, neighbour *nb); /* it seems to have news */
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
/* A link to a node that was heard of and reached; NULL: it was not, or not now. */
neighbour *heard_get(qn_node *n, const qn_peerid *id);
neighbour *heard_anybody(qn_node *n); /* one of them */
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
bool reach_proven_lately(const qn_node *n); /* no need to ask again yet */
void reach_refused(qn_node *n, const qn_peerid *by);
void reach_forget(qn_node *n, const answer *a);
void reach_dialled(neighbour *nb); /* one that was dialled back is up ... */
void reach_over(neighbour *nb);    /* ... or over */
void look_data(looking *l, qn_piece piece, bool fin);
/* Whether the node at the other end of this link is the descriptor's. */
bool reach_speaks_for_itself(const neighbour *nb, const qn_descriptor *d);
/* Whether this link comes from, or leads to, the address that the descriptor says. */
bool reach_comes_from(const neighbour *nb, const qn_descriptor *d);
void look_closed(looking *l);
void look_tick(looking *l);
void reach_clear(qn_node *n);

/* berth.c: nothing happens in it until berths_seek */
void berths_seek(qn_node *n); /* nobody reaches us at our address; may repeat */
bool berth_at(const neighbour *nb);
uint8_t berths_via(const qn_node *n, qn_peerid via[QN_DESCRIPTOR_VIA]);
void berth_tick(berth *b);
void berth_data(berth *b, qn_piece piece, bool fin);
void berth_closed(berth *b);
void berths_over(neighbour *nb); /* a link ended */
void berths_clear(qn_node *n);

/* rendezvous.c */
QN_MUST_CHECK qn_err rendezvous_moor(const answer *a, qn_slice descriptor);
/* The link to a node that is moored here; NULL: it is not. */
neighbour *rendezvous_moored(const qn_node *n, const qn_peerid *id);
void rendezvous_over(neighbour *nb); /* a link ended */
void crossing_new(neighbour *nb, uint32_t stream);
void crossing_data(crossing *c, bool near, qn_piece piece, bool fin);
void crossing_room(crossing *c);
void crossing_closed(crossing *c, uint16_t code);
void crossing_service(crossing *c);
void crossing_tick(crossing *c);
void rendezvous_clear(qn_node *n);

/* passage.c */
/* A link to a node that is behind others; as neighbour_dial. */
neighbour *passage_dial(qn_node *n, const whom *to, bool named);
void passage_accept(neighbour *nb, uint32_t stream); /* at a rendezvous of ours somebody wants us */
void passage_perform(neighbour *inner, uint16_t todo); /* what the world would do with a conn */
void passage_moved(neighbour *holder);                 /* it has another carrier from now on */
void passage_left(neighbour *inner);                   /* it is freed */
void passage_data(passage *p, qn_piece piece, bool fin);
void passage_room(passage *p);
void passage_closed(passage *p);
void passage_service(passage *p);
void passages_clear(qn_node *n);

#endif

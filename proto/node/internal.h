/*
 * The node's insides: what the files of this folder share.
 *
 *     conns.c       names of conns, pending actions
 *     chores.c      what must be looked at again before the world gets control back
 *     neighbour.h   links: what its four files keep and offer
 *     neighbour.c   links, one per neighbouring node
 *     under.c       what is beneath them: carriers and their legs
 *     resume.c      links that go on upon another carrier
 *     streams.c     which stream of a link is whose
 *     named.c       which neighbour is whose node
 *     crowd.c       which neighbours come from where, and who gives way
 *     htx.h         HTX: what its two files, visit.c and site.c, keep and offer
 *     visit.c       HTX, who dials: what a visit plays, and what becomes of it
 *     site.c        HTX, who is dialled: the origin, mirror keys, tags answered, the door
 *     edge.h        edges: what its four files keep and offer
 *     edge.c        sockets of applications and destinations, moving bytes to and from bearers
 *     grant.c       what an exit grants its clients: rates and idle time of open edges
 *     open.c        how an edge opens: SOCKS request, route, exit policy, answers
 *     early.c       applications that are answered before their stream is open
 *     known.h       the destinations for which they are
 *     circuits.h    circuits, ours and others': what their five files keep and offer
 *     client.c      circuits we built, the pool, which one a stream gets
 *     mute.c        those of them that do not answer any more
 *     paths.c       which relays they go through, and our guards
 *     standing.c    what is remembered of each
 *     invited.c     nodes that invited us, and whom we invite
 *     relay.c       circuits of others that go through us
 *     births.c      how many of them somebody may begin
 *     asker.c       the directory's client side: register, heartbeat, list
 *     seek.c        asking for a list elsewhere while somebody does not answer
 *     list.c        the list itself: how it is asked for and taken up
 *     answer.c      the directory's server side: requests and their answers
 *     roots.c       who the operators are by now
 *     shelf.c       what earlier lists were, and deltas from them
 *     operator.c    an operator: its registry, its proposals and signatures
 *     signed.c      which versions it has signed
 *     fellow.c      the other operators: passing on, offering lists
 *     dialback.c    whether nodes that register are where they say
 *     measure.c     what listed relays carry
 *     listing.c     the directory for a door of the world's own, such as HTTP
 *     proofs.c      operators that signed two lists of one version
 *     follow.c      what other nodes with our keys learn, in this process
 *     gossip.c      discovery beside the directory: asking other nodes, and answering them
 *     heard.c       what was heard of other nodes, and whether they answer
 *     reach.c       whether we can be reached, and others that ask
 *     berth.c       behind a NAT: who reaches us through whom
 *     passage.c     a link whose conn is a stream of another link
 *     rendezvous.c  passing such streams on, for nodes behind a NAT
 *     probe.c       whether an exit is reachable, end to end
 *     relief.c      who gives way near the memory cap
 *     node.c        the public verbs
 *     life.c        a node's beginning and end
 *     status.c      looking in
 *
 * Calls go down into lower layers; what they report is pulled where the call was made. Work that a
 * report causes elsewhere (another link, another circuit) is left as a chore, so no function here
 * is ever entered twice for one object.
 */
#ifndef QN_NODE_INTERNAL_H
#define QN_NODE_INTERNAL_H

#include "base/timer.h"
#include "circuit/circuit.h"
#include "dir/agree.h"
#include "dir/capacity.h"
#include "dir/body.h"
#include "dir/equivocation.h"
#include "dir/heartbeat.h"
#include "dir/invitation.h"
#include "dir/message.h"
#include "dir/registry.h"
#include "dir/delta.h"
#include "dir/root.h"
#include "dir/snapshot.h"
#include "exit/policy.h"
#include "exit/rate.h"
#include "exit/slots.h"
#include "link/link.h"
#include "link/resume.h"
#include "node/conns.h"
#include "node/crowd.h"
#include "node/htx.h"
#include "node/known.h"
#include "node/signed.h"
#include "path/path.h"
#include "qnet/node.h"

/* Entries of circuits, and exits of one-hop routes, which see as much: both stored. Those who
 * invited us are in the order of our invitations. */
enum { GUARDS_ENTRY, GUARDS_EXIT, GUARDS_STORED, GUARDS_INVITED = GUARDS_STORED, GUARD_SETS };

/* ---- chores ---------------------------------------------------------------------------------- */

typedef enum chore_kind {
    CHORE_NEIGHBOUR,
    CHORE_CIRCUIT,
    CHORE_RELAY,
    CHORE_EDGE,
    CHORE_ANSWER,
    CHORE_PASSAGE,
    CHORE_CROSSING
} chore_kind;

typedef struct chore {
    struct chore *next;
    void *owner;
    uint8_t kind;
    bool queued;
} chore;

/* What a link's stream belongs to: the stream's user pointer. */
typedef enum tie_kind {
    TIE_EDGE,
    TIE_CIRCUIT,
    TIE_RELAY_PREV,
    TIE_RELAY_NEXT,
    TIE_ASKER,
    TIE_SEEKER,
    TIE_ANSWER,
    TIE_FELLOW,
    TIE_MEASURE,
    TIE_GOSSIP,
    TIE_LOOK,
    TIE_BERTH,
    TIE_PASSAGE,
    TIE_NEAR,
    TIE_FAR
} tie_kind;

typedef struct tie {
    struct neighbour *nb; /* NULL: not tied */
    void *owner;
    uint32_t stream;
    uint8_t kind;
} tie;

/* Timers of all owners live in one heap; kind says whose it is. */
typedef enum timer_kind {
    TIMER_NEIGHBOUR,
    TIMER_EDGE,
    TIMER_CIRCUIT,
    TIMER_RELAY,
    TIMER_POOL,
    TIMER_ASKER,
    TIMER_SEEKER,
    TIMER_ANSWER,
    TIMER_OPERATOR,
    TIMER_FELLOW,
    TIMER_DIALBACK,
    TIMER_MEASURE,
    TIMER_GOSSIP,
    TIMER_GOSSIP_ASK,
    TIMER_HEARD,
    TIMER_LOOK,
    TIMER_BERTH,
    TIMER_CROSSING,
    TIMER_PROBE,
    TIMER_ENDS,
    TIMER_SITE_TURN,
    TIMER_ORIGIN,
    TIMER_STORE,
    TIMER_STOP
} timer_kind;

/* ---- neighbours ------------------------------------------------------------------------------ */

#include "node/neighbour.h"

/* ---- edges, circuits, the directory ------------------------------------------------------- */

#include "node/edge.h"
#include "node/circuits.h"
#include "node/directory.h"
#include "node/discovery.h"

/* ---- invitations ----------------------------------------------------------------------------- */

typedef struct standing { /* what a node remembers of a relay (standing.c) */
    qn_peerid id;
    qn_time rest;  /* it failed us: until then others come first; 0: it did not */
    uint32_t used; /* how often paths went through it */
} standing;

typedef struct invited { /* one node that invited us: it is in no list */
    qn_relay relay;      /* points into kept */
    qn_key psk;
    uint8_t kept[QN_DESCRIPTOR_MAX]; /* its signed descriptor */
    uint16_t kept_n;
} invited;

/* ---- the node -------------------------------------------------------------------------------- */

enum { EVENTS_MAX = 1024 }; /* waiting for an observer; the oldest give way */

struct qn_node {
    qn_env *env;
    qn_node_cfg cfg;
    qn_network net; /* a copy: cfg.network points here */
    qn_peerid id;
    qn_dh_public link_public;
    qn_vouch vouch; /* for it */
    conns conns;
    qn_timers timers;
    chore *chore_first, *chore_last;
    qn_budget budget;
    qn_tally tally;
    qn_counters counters;
    qn_circuits circuits_shared;

    neighbour *neighbours;
    qn_map named;  /* first 8 bytes of a PeerID -> the neighbour that new streams to it use */
    qn_map rights; /* token of what was dialled -> its neighbour */
    edge *edges;
    circuit *circuits;
    relay *relays;
    answer *answers, *answers_last; /* the newest and the oldest */
    uint32_t neighbours_n, edges_n, circuits_n, relays_n, answers_n;
    uint32_t orphans_n; /* of neighbours: links without a carrier */
    uint64_t ids;

    qn_snapshot *snapshot;
    qn_snapshot
        *cached; /* one from disk that is too old, but says whom to ask; until there is one */
    bool store_snapshot;
    qn_timer store_timer;
    qn_time store_pause; /* until then only pledges are stored; 0: nothing has failed */
    qn_blob roots;       /* all after the first that we know */
    uint32_t root_held;  /* the last of them; an operator's n->net follows when it starts again */
    bool store_roots;
    bool list_whole; /* a delta was of no use: next time all of it */
    shelf shelf;
    standing *standings; /* of relays that paths went through, or that failed */
    uint32_t standings_n, standings_cap;
    qn_spot *spots; /* with an atlas: one per relay of the snapshot, same order */
    uint32_t spots_n;
    qn_guards *guards[GUARD_SETS]; /* NULL: nothing has been drawn from this set */
    uint8_t *guards_kept;          /* QN_GUARDS_BYTES that STORE was given, until the next call */

    visits *visits;     /* with HTX */
    site *site;         /* with HTX, in modes that are dialled */
    uint32_t strangers; /* neighbours that have proved nothing */
    crowd crowd;
    bool shut; /* nobody is let in */

    invited *invited; /* NULL: nobody invited us */
    uint8_t invited_n;
    bool store_invited;
    char *invited_text;    /* what STORE was given, until the next call */
    bool store_descriptor; /* an unlisted node's: invitations are made of it */

    asker asker;
    operators *op;         /* directory modes with an operator key */
    struct proofs *proofs; /* NULL: none known */
    discovery discovery;
    bool store_proofs;

    qn_policy policy;
    qn_slots slots;
    struct births *births; /* by address; NULL: no stranger has begun a circuit yet */

    qn_timer pool_timer;
    uint32_t pool_failures;
    knowns knowns;
    qn_time pool_wanted; /* a privacy stream was last asked for */
    uint64_t given;

    qn_timer probe_timer;
    qn_time wanted; /* a user last asked for a stream; 0: never */
    qn_time probe_ok;
    bool probe_failed;      /* something has, since */
    uint32_t probe_tries;   /* in a row */
    uint64_t probe_circuit; /* id the PING went into; 0: a link */
    qn_err last_error;

    qn_timer ends_timer; /* armed: some circuit owes an end */

    qn_timer stop_timer;
    bool stopping, stopped_due, stopped;

    qn_event *events;
    uint32_t events_cap, events_head, events_n;

    /* What space lent for a one-hop stream; taken back by commit or by the next space. */
    qn_block *lent[QN_APPS_LEND * 2];
    uint8_t lent_n;
};

#define node_owner(timer_ptr, type) ((type *)(void *)((char *)(timer_ptr)-offsetof(type, timer)))

/* X_free frees at once: for its own service, and for the end of the node. */
void edge_free(edge *e);
void client_free(circuit *c);
void relay_free(relay *r);
void answer_free(answer *a);

/* chores.c */
void chore_init(chore *c, chore_kind kind, void *owner);
void chore_add(qn_node *n, chore *c);
/* Does all chores; what is dead is freed. Every public verb ends with it. */
void node_settle(qn_node *n);
void node_event(qn_node *n, const qn_event *ev);
bool node_next_event(qn_node *n, qn_event *ev);

/* relief.c */
bool node_over_mark(const qn_node *n);
/* False: nobody holds anything. */
bool node_end_stalest(qn_node *n);

/* streams.c */
/* Opens a stream and ties it. The link may not be up yet. */
QN_MUST_CHECK qn_err tie_open(tie *t, tie_kind kind, void *owner, neighbour *nb,
                              qn_stream_kind stream_kind);
void tie_accept(tie *t, tie_kind kind, void *owner, neighbour *nb, uint32_t stream);
void tie_close(tie *t, uint16_t code); /* harmless when not tied */
/* A link's events of its streams. */
void stream_new(neighbour *nb, uint32_t id, qn_stream_kind kind);
void stream_data(const tie *t, const qn_link_event *ev);
void stream_room(const tie *t);
void stream_closed(tie *t, uint16_t code);

#include "node/paths.h"

/* probe.c */
/* What QN_CONNECTED says of a node that offers SOCKS. */
bool probe_works(const qn_node *n);
void probe_start(qn_node *n);
void probe_wanted(qn_node *n); /* a user wants something */
void probe_tick(qn_node *n);
void probe_good(qn_node *n);
void probe_bad(qn_node *n, qn_err why);

/* life.c */
/* QN_CONFIG, and the sentence. */
qn_err node_wrong(char why[160], const char *sentence);

/* node.c */
static inline bool mode_is(const qn_node *n, unsigned modes)
{
    return (1u << n->cfg.mode & modes) != 0;
}
#define IN_MODES(a) (1u << (a))
static inline bool node_relays(const qn_node *n)
{
    return mode_is(n, IN_MODES(QN_RELAY) | IN_MODES(QN_EXIT) | IN_MODES(QN_SUPER));
}
/* Whether what ends is to be replaced at once: for users only while they have something open. */
static inline bool node_in_use(const qn_node *n)
{
    return !n->cfg.socks || n->edges_n > 0;
}
/* Its descriptor is in the list, so it may say who it is. */
static inline bool node_listed(const qn_node *n)
{
    return node_relays(n) && !n->cfg.unlisted;
}
static inline bool node_registers(const qn_node *n)
{
    return node_listed(n) && !n->cfg.follower;
}
static inline bool node_exits(const qn_node *n)
{
    return mode_is(n, IN_MODES(QN_EXIT) | IN_MODES(QN_SUPER));
}
static inline bool node_serves_directory(const qn_node *n)
{
    return mode_is(n, IN_MODES(QN_BOOTSTRAP) | IN_MODES(QN_SUPER));
}
/* Conns there may be, and how many of them strangers may hold; each holds as many as legs. */
static inline uint64_t node_conns_max(const qn_node *n)
{
    return n->cfg.conns_max != 0 ? QN_MIN(n->cfg.conns_max, (uint32_t)QN_CONNS_MAX) : QN_CONNS_MAX;
}
static inline uint64_t node_strangers_max(const qn_node *n)
{
    return node_conns_max(n) * QN_STRANGERS_PERCENT / 100;
}
/* Arms. False: no memory for the heap, so the timer is lost, which the owner's next event repairs.
 * One that strangers can make many of is not made without its deadline. */
bool node_timer(qn_node *n, qn_timer *t, timer_kind kind, qn_time due);

#define LIST_ADD(head, item)                                                                       \
    do {                                                                                           \
        (item)->prev = NULL;                                                                       \
        (item)->next = (head);                                                                     \
        if ((head) != NULL)                                                                        \
            (head)->prev = (item);                                                                 \
        (head) = (item);                                                                           \
    } while (0)

#define LIST_DEL(head, item)                                                                       \
    do {                                                                                           \
        if ((item)->prev != NULL)                                                                  \
            (item)->prev->next = (item)->next;                                                     \
        else                                                                                       \
            (head) = (item)->next;                                                                 \
        if ((item)->next != NULL)                                                                  \
            (item)->next->prev = (item)->prev;                                                     \
    } while (0)

#endif

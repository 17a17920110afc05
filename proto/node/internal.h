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
 *     edge.c        sockets of applications and destinations, moving bytes to and from bearers
 *     grant.c       what an exit grants its clients: rates and idle time of open edges
 *     open.c        how an edge opens: SOCKS request, route, exit policy, answers
 *     early.c       applications that are answered before their stream is open
 *     known.h       the destinations for which they are
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
#include "circuit/hop.h"
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
#include "socks/socks.h"

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

/* ---- edges ----------------------------------------------------------------------------------- */

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

/* ---- circuits -------------------------------------------------------------------------------- */

typedef struct circuit {
    struct circuit *next, *prev;
    qn_node *n;
    tie tie;
    qn_circuit core;
    qn_cell_in in;
    qn_hop_key hops[QN_HOPS_MAX];
    qn_path path; /* why these; its indices are of a list that may be gone */
    uint64_t id;
    uint64_t last_given; /* order in which streams were given out: least recently first */
    qn_time first_given; /* when it got its first stream; 0: none yet */
    qn_time build_time;
    qn_time heard;      /* when its end last spoke of a stream; 0: it has not */
    qn_time trip;       /* there and back, of late */
    qn_time pinged;     /* a PING for it is out since then; 0: none is */
    qn_time ping_after; /* no other before */
    qn_time ping_due;   /* the first, if no stream comes sooner; 0: it has been */
    qn_time awaits;     /* since when something that was sent has no answer; 0: nothing has */
    uint8_t isolation[16];
    bool isolated;    /* isolation is set: streams of one key only */
    bool late;        /* it took too long to be built for those who wait */
    bool asked, mute; /* with awaits: its end was asked for a PONG; and did not give one */
    bool built, dead;
    bool owes_end; /* of a stream: it waits for a cell to go with */
    uint32_t streams;
    uint64_t up, down; /* application bytes */
    qn_timer timer;
    chore chore;
} circuit;

typedef struct relay {
    struct relay *next, *prev;
    qn_node *n;
    tie prev_tie, next_tie;
    qn_hop hop;
    qn_cell_in prev_in, next_in;
    qn_queue forward, backward;    /* cells the next and the previous stream have no room for */
    uint64_t owed_prev, owed_next; /* bytes that came and whose credit was not returned yet */
    qn_time moved;                 /* when a cell last came or left */
    uint64_t id;
    qn_peerid wanted; /* with waits: whom EXTEND named and no snapshot of ours lists yet */
    bool waits, dead;
    qn_timer timer;
    chore chore;
} relay;

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
    qn_guards guards[GUARD_SETS];
    uint8_t guards_kept[QN_GUARDS_BYTES]; /* what STORE was last given */

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
void edge_close(edge *e, qn_err err);       /* the socket, after what waits for it */
void edge_reset(edge *e, qn_app_code code); /* both ways, at once */
void edge_linger(edge *e);                  /* the socket has been told of a stream */
void edge_touch(edge *e); /* something was asked of the bearer: let its owner look at it */

/* grant.c: what an exit grants its clients */
void grant_init(qn_node *n);
/* One-hop streams of nb, or of the circuit that came by nb. */
void grant_source(edge *e, const neighbour *nb, const relay *r);
void grant_forget_neighbour(neighbour *nb);
void grant_forget_relay(relay *r);
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

/* client.c */
void client_start(qn_node *n);
void client_pool(qn_node *n); /* keeps enough circuits on their way */
circuit *client_pick(qn_node *n, const opening *o);
void client_event(circuit *c); /* drains the core */
void client_input(circuit *c, qn_piece piece, bool more);
void client_closed(circuit *c, uint16_t code);
void client_service(circuit *c);
void client_wake_waiting(qn_node *n);
/* Streams that have another way than this link, which is late, take it. */
void client_leave(neighbour *nb);

#include "node/trip.h"

/* mute.c */
void mute_watch(circuit *c); /* something was sent that wants an answer */
void mute_heard(circuit *c); /* anything came */
void mute_check(circuit *c);
qn_time mute_due(const circuit *c); /* when to check next */

#include "node/paths.h"

/* relay.c */
void relay_new(neighbour *nb, uint32_t stream);
void relay_input(relay *r, bool forward, qn_piece piece, bool more);
void relay_room(relay *r, bool on_next);
void relay_closed(relay *r, uint16_t code);
void relay_events(relay *r);
void relays_listed(qn_node *n); /* the directory has answered: EXTENDs that wait are decided */
void relay_service(relay *r);

/* births.c */
/* Whether this neighbour may begin one more circuit now; it counts if so. */
bool births_allow(neighbour *nb);
void births_clear(qn_node *n);

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

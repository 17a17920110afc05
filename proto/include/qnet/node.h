/*
 * A node, and all a world must do for one. This header is the whole contract between the core and
 * the outside: a world that performs the actions below and calls the verbs below is complete.
 *
 * The law every world follows, for each thing that happens:
 *
 *     stamp env->now and env->wall;
 *     do ONE thing (opened, accepted, commit, consume, ended, resolved, tick, a request ...);
 *     drain qn_node_next() until it returns false, performing each action;
 *     for a conn named by an action SEND: offer qn_node_peek() to the socket, qn_node_consume()
 *         what it took, until one of them is empty;
 *     arm one timer at qn_node_due().
 *
 * Nothing here blocks, nothing calls back. A pointer from space lives until the matching commit;
 * one from peek until the next call on the node.
 *
 * Conns are the node's names for transport connections (TCP or anything reliable and ordered); the
 * node hands them out. Reading: when a conn is readable and the node wants its bytes, the world
 * asks qn_node_space(), reads at most that many, and tells qn_node_commit(). Zero room means: stop
 * reading until the action READ names the conn. Writing: the action SEND names a conn that has
 * bytes to write (again); the world writes when the socket can take them.
 */
#ifndef QNET_NODE_H
#define QNET_NODE_H

#include <stdbool.h>

#include "qnet/addr.h"
#include "qnet/atlas.h"
#include "qnet/env.h"
#include "qnet/err.h"
#include "qnet/htx.h"
#include "qnet/id.h"
#include "qnet/invitation.h"
#include "qnet/network.h"
#include "qnet/rule.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t qn_conn; /* 0 is none */

typedef enum qn_mode { QN_CLIENT, QN_RELAY, QN_BOOTSTRAP, QN_EXIT, QN_SUPER } qn_mode;
typedef enum qn_route { QN_ROUTE_FAST, QN_ROUTE_PRIVACY } qn_route; /* 1 hop, 3 hops */

/* What a listener is for; also the `purpose` of accepted conns. */
typedef enum qn_listener { QN_LISTEN_LINK, QN_LISTEN_SOCKS } qn_listener;

/* ---- configuration: copied by qn_node_new ---------------------------------------------------- */

typedef struct qn_allow { /* exit.allow: an address or prefix with mandatory ports */
    qn_addr prefix;       /* port != 0: the first */
    uint8_t bits;         /* of the prefix: 0..32 or 0..128 */
    uint16_t port_last;   /* 0: prefix.port alone */
} qn_allow;

#define QN_EXIT_PORTS_MAX 16
#define QN_EXIT_ALLOW_MAX 16

/* What one client of an exit may take: a circuit, or a link whose streams are one-hop. 0: no limit.
 */
typedef struct qn_exit_limits {
    uint32_t connections;     /* open at once; without a limit still no more than its share */
    uint32_t per_destination; /* of these to one destination, as it was asked for */
    uint32_t requests;        /* a minute */
    uint64_t rate, rate_all;  /* bytes a second, both directions; of all clients together */
    uint32_t idle;            /* seconds without a byte, then the connection ends */
} qn_exit_limits;

/* When a client answers a SOCKS request before the exit has (docs/decisions/0033): never, or for
 * destinations that streams with the same credentials reached in the last ten minutes. */
typedef enum qn_early { QN_EARLY_NEVER, QN_EARLY_KNOWN } qn_early;

typedef struct qn_carrier_kind qn_carrier_kind; /* proto/carrier/carrier.h */
extern const qn_carrier_kind qn_carrier_htx;    /* makes carriers of two kinds, by side */
extern const qn_carrier_kind qn_carrier_bare;

typedef struct qn_node_cfg {
    qn_mode mode;
    qn_route route;                 /* default for SOCKS users who do not name one */
    bool lab;                       /* --lab was given; must equal the network file's flag */
    bool socks;                     /* the world offers a SOCKS listener */
    const qn_carrier_kind *carrier; /* &qn_carrier_htx; &qn_carrier_bare needs lab */
    const qn_htx_cfg *htx;          /* needed with &qn_carrier_htx, read during new only */
    const qn_network *network;      /* outlives the node */
    /* Verified snapshots and browser profiles, shared by a process's nodes; may be NULL. Outlives
     * the node. */
    struct qn_intern *intern;
    qn_keys keys; /* identity, link and onion secrets */
    /* Several nodes of one process may have these keys, each on a thread of its own, and be one to
     * everybody else (docs/decisions/0017). All but the first are followers: they do not register
     * and keep no list up to date; qn_node_told() tells them what the first one learns. */
    bool follower;
    bool has_operator; /* bootstrap and super: the operator key that signs snapshots */
    qn_secret32 operator_seed;
    qn_addr listen;            /* the address others reach us at (descriptor); family 0: none */
    char country[3];           /* operator's claim, "" unknown */
    const qn_atlas *atlas;     /* where others are; outlives the node. NULL: where they say */
    char contact[128];         /* abuse contact: exit and super refuse to start without */
    const qn_rule *exit_rules; /* of an exit, first match wins; they outlive the node */
    uint8_t exit_rules_n;
    uint16_t exit_ports[QN_EXIT_PORTS_MAX]; /* behind the rules, beside 80 and 443 */
    uint8_t exit_ports_n;
    qn_allow exit_allow[QN_EXIT_ALLOW_MAX]; /* lab only: non-global destinations */
    uint8_t exit_allow_n;
    bool unlisted; /* relay, exit and super, over HTX: no directory hears of it, and only who was
                      invited is let in: links prove one of these keys */
    qn_secret32 psk[QN_PSKS_MAX]; /* one for each batch of invitations; none zero */
    uint8_t psks_n;
    uint32_t exit_conns_max; /* 0: 1000 */
    qn_exit_limits exit_limits;
    qn_addr origin;     /* where the second leg of a carrier other than HTX leads */
    uint32_t conns_max; /* conns that this node may have, by the world's descriptors; 0: 65536 */
    uint32_t pool;      /* privacy circuits kept ready; 0: 4 */
    bool padding;       /* our circuits ask their ends to fill bursts up (docs/wire/circuit.md) */
    qn_early early;
    uint64_t credit_budget; /* 0: QN_CREDIT_BUDGET */
    char exit_country[3];   /* exits this client uses; "": any */
    /* What STORE once kept under these names; needed during qn_node_new only. */
    qn_slice stored_snapshot, stored_guards, stored_exits;
    qn_slice stored_equivocations, stored_signed; /* "equivocations", "signed" */
    qn_slice stored_roots;                        /* "roots" */
    /* A client's invitations as text (qnet/invitation.h), and what STORE "invited" made of it. */
    qn_slice invited;
} qn_node_cfg;

typedef struct qn_node qn_node;

/* QN_CONFIG with one sentence in `why` (at most 160 bytes) naming what is wrong; QN_NOMEM. The env
 * must be stamped and must outlive the node. */
QN_MUST_CHECK qn_err qn_node_new(qn_node **out, const qn_node_cfg *cfg, qn_env *env, char why[160]);
/* One more address the world listens on for this node (SOCKS, status): an exit never connects to
 * it, whatever its allow list says. QN_CONFIG: too many. */
QN_MUST_CHECK qn_err qn_node_own(qn_node *n, const qn_addr *listener);
/* Whether what one of several nodes with the same keys gives STORE under this name is for the
 * others: for the one that leads, or for its followers. */
bool qn_node_tells(const char *name, bool to_follower);
/* What another of them has given STORE; names that are not for this one are ignored. */
void qn_node_told(qn_node *n, const char *name, qn_slice bytes);
/* The batches of an unlisted node are these from now on; links that are up stay. QN_CONFIG: it is
 * none, they are too many, or one is zero. */
QN_MUST_CHECK qn_err qn_node_admit(qn_node *n, const qn_secret32 *psk, unsigned count);
void qn_node_free(qn_node *n); /* wipes; every conn is simply forgotten */

/* ---- bytes ----------------------------------------------------------------------------------- */

/* Windows to read into, in order; returns how many (0: do not read now). */
unsigned qn_node_space(qn_node *n, qn_conn c, qn_span *v, unsigned max);
void qn_node_commit(qn_node *n, qn_conn c, size_t bytes);
/* Bytes to write, in order; returns how many slices (0: nothing now). */
unsigned qn_node_peek(qn_node *n, qn_conn c, qn_slice *v, unsigned max);
void qn_node_consume(qn_node *n, qn_conn c, size_t bytes);

/* ---- what happened --------------------------------------------------------------------------- */

typedef enum qn_ending {
    QN_END_EOF,         /* the peer finished its direction; ours still works */
    QN_END_RESET,       /* the conn is gone, both ways */
    QN_END_WRITE_FAILED /* nothing more can be written; reading goes on */
} qn_ending;

/* 0: refused, close it at once. `local` is the address that was dialled: the socket's own. */
qn_conn qn_node_accepted(qn_node *n, qn_listener purpose, const qn_addr *from,
                         const qn_addr *local);
void qn_node_opened(qn_node *n, qn_conn c);                  /* a DIAL succeeded */
void qn_node_open_failed(qn_node *n, qn_conn c, qn_err why); /* REFUSED, UNREACHABLE, TIMEOUT */
void qn_node_ended(qn_node *n, qn_conn c, qn_ending how);
/* The answer to RESOLVE; count 0 with why = QN_RESOLVE. Every address has the query's port. */
void qn_node_resolved(qn_node *n, uint32_t query, const qn_addr *v, unsigned count, qn_err why);

/* The world came upon a node beside the directory, in the local network, where it is found at that
 * address: this is what it says of itself, signed. It is looked at as what other nodes tell, and
 * nothing else is done with it. QN_REFUSED: clients, unlisted nodes and those that are stopping
 * look at nobody, or it is ourselves; QN_POLICY: it says another address; QN_STALE: it is known;
 * QN_QUOTA, QN_BUSY: too many are; else the descriptor's error. */
QN_MUST_CHECK qn_err qn_node_hint(qn_node *n, qn_slice descriptor, const qn_addr *at);

qn_time qn_node_due(const qn_node *n); /* QN_NEVER: no timer */
void qn_node_tick(qn_node *n);

/* Stop gracefully: no new streams, CLOSE on every link; STOPPED follows at once or within 2 s. */
void qn_node_stop(qn_node *n);

/* ---- actions --------------------------------------------------------------------------------- */

typedef enum qn_action_type {
    QN_ACT_DIAL,         /* conn, addr: connect; answer opened or open_failed */
    QN_ACT_RESOLVE,      /* query, dest: answer resolved. visit: a site's name, asked for as this
                            machine's browser would ask; otherwise an exit's destination */
    QN_ACT_SEND,         /* conn: peek has bytes */
    QN_ACT_READ,         /* conn: space has room again */
    QN_ACT_FINISH,       /* conn: send FIN after the bytes queued now; reading goes on */
    QN_ACT_RESET,        /* conn: RST. Without drain at once, and the node has forgotten the conn:
                            never name it again. With drain: after what peek offers, 200 ms at
                            most; then qn_node_released(), as for CLOSE */
    QN_ACT_CLOSE,        /* conn: orderly close after what peek offers (200 ms at most): both
                            directions ended cleanly. peek and consume may still be called for it;
                            qn_node_released() tells the node the world is done with it */
    QN_ACT_LINGER_RESET, /* conn: on = an app stream lives on it: SO_LINGER {1,0}, so that even a
                            killed process ends it with RST, never with a clean FIN (promise P1) */
    QN_ACT_PAUSE_ACCEPT, /* purpose, on: nobody is let in any more: close the listener, so that
                            connects are refused as where nobody listens; or open it again */
    QN_ACT_STORE,        /* name, bytes: keep under the state directory, mode 0600. append: written
                            behind what is there, before the next action is performed; otherwise
                            it replaces that durably and atomically */
    QN_ACT_EVENT,        /* something an observer wants to know; ignore freely */
    QN_ACT_STOPPED       /* after qn_node_stop */
} qn_action_type;

/* What observers see. Numbers only: no destination, no user. */
typedef enum qn_event_type {
    QN_EV_LINK_UP,   /* peer */
    QN_EV_LINK_DOWN, /* peer, err */
    QN_EV_SNAPSHOT, /* id = version, value = relays, up = hash, down = its bytes from peer (or 0) */
    QN_EV_CIRCUIT_BUILT, /* id = circuit, hops, value = build time in ns */
    QN_EV_CIRCUIT_ENDED, /* id, hops, err, value = age in ns */
    QN_EV_STREAM_OPENED, /* id = stream, circuit, hops, value = ns from SOCKS request to OPENED */
    QN_EV_STREAM_FIRST,  /* id: first byte from the destination, value = ns since the request */
    QN_EV_STREAM_ENDED,  /* id, err (QN_OK = clean), up, down = application bytes */
    QN_EV_EXIT,          /* an exit's request came to its end: value = port, err (QN_OK = opened) */
    QN_EV_CLOCK /* peer: by its origin's Date our wall clock is wrong; value = seconds off */
} qn_event_type;

typedef struct qn_event {
    qn_event_type type;
    uint64_t id;      /* unique in this node's life */
    uint64_t circuit; /* for streams; 0 = one hop */
    qn_peerid peer;
    qn_err err;
    uint8_t hops;
    uint64_t value, up, down;
    qn_conn conn; /* the SOCKS conn of a stream event */
} qn_event;

typedef struct qn_action {
    qn_action_type type;
    qn_conn conn;
    qn_addr addr;
    uint32_t query;
    qn_dest dest;
    bool on, drain, visit, append;
    qn_listener purpose;
    const char *name; /* STORE: static storage: "snapshot", "mirror-keys", "replay", "guards",
                         "exits", "equivocations", "signed", "roots"; of a follower
                         also "reached", which is for the leader alone */
    qn_slice bytes;   /* STORE: lives until the next call */
    qn_event event;
} qn_action;

bool qn_node_next(qn_node *n, qn_action *a);
/* STORE of this name could not be done; said before the next action is asked for. It comes again
 * some seconds later; of "signed" the list's signing does, in its turn. */
void qn_node_store_failed(qn_node *n, const char *name);
/* The world has finished with a conn after CLOSE or RESET with drain. */
void qn_node_released(qn_node *n, qn_conn c);

/* ---- looking in ------------------------------------------------------------------------------ */

typedef struct qn_counters {
    uint64_t cells_forward, cells_backward; /* cells this node's circuits handled, by direction */
    uint64_t aead_bytes;                    /* bytes sealed or opened, records and cells */
    uint64_t dh;                            /* X25519 operations */
    uint64_t handshakes;                    /* link and hop handshakes completed */
    uint64_t app_up, app_down;              /* application bytes: client edges and exit edges */
    uint64_t relayed;                       /* cell bytes passed on by this node as pipe or joint */
    uint64_t links_opened, circuits_built, circuits_failed, streams_opened, streams_failed;
    uint64_t padding_cells,
        padding_refused;       /* sent as padding; circuits for which it was refused */
    uint64_t circuits_refused; /* others' that began beyond their beginner's budget */
    uint64_t links_resumed;    /* links that went on upon another carrier, each time */
    uint64_t impostors;        /* links ended because the identity did not sign the key */
    uint64_t exit_requests, exit_ok, exit_blocked, exit_bytes; /* the seeds' four */
} qn_counters;

typedef enum qn_state { QN_OFFLINE, QN_CALIBRATING, QN_CONNECTED } qn_state;

/* Whether others reach a node that registers: as far as the list and its neighbours have said. */
typedef enum qn_reach { QN_REACH_UNKNOWN, QN_REACH_DIRECT, QN_REACH_BEHIND } qn_reach;

typedef struct qn_status {
    qn_mode mode;
    qn_route route;
    /* CONNECTED: where SOCKS is offered, a probe or a stream reached an exit end to end at most 60
     * s before a user last asked for something, or later, and nothing has failed since: an unused
     * client asks nothing, so it is said of then. Where not, an operator acknowledged the heartbeat
     * within 120 s, or (bootstrap) there is a list to serve. */
    qn_state state;
    const char *phase;  /* "directory", "link", "circuit", "probe", "ready"; static storage */
    const char *advice; /* one sentence of what to do about it, or of what will soon be wrong;
                           static storage; "" when all is well */
    qn_err last_error;
    qn_peerid id;
    uint32_t peers_known;    /* relays in the snapshot */
    uint32_t measured;       /* operators: relays whose capacity this one has measured ... */
    qn_time measured_oldest; /* ... and how long ago the one of longest ago was; 0: none */
    uint32_t heard; /* nodes that other nodes told of, newer than the snapshot or not in it */
    qn_reach reach;
    uint32_t links, circuits, streams;
    uint64_t snapshot_version; /* 0: none yet */
    uint16_t distrusted; /* bit i: operator i of the network file is proven to have signed two lists
                            of one version, so its signature does not count */
    int64_t profile_until; /* HTX: the day the browser profile ends, Unix seconds; 0: none */
    int64_t clock_ahead;   /* by an origin's Date our wall clock is so many seconds behind */
    bool origin_down;      /* HTX: our origin does not answer, so we listen for no links */
    bool listed;           /* it registers, or tries to */
    uint8_t invited_by;    /* nodes whose invitations it enters by; 0: by listed ones */
    qn_time last_probe;    /* when a probe or a stream last reached an exit; 0 never */
    qn_counters counters;
    uint64_t mem_used, mem_peak;
} qn_status;

void qn_node_status(const qn_node *n, qn_status *out);
void qn_node_counters(const qn_node *n, qn_counters *out); /* these alone, for who asks often */
/* The network with its operators of now, by whose places `distrusted` counts. Lives as long as n.
 */
const qn_network *qn_node_network(const qn_node *n);

/* Ways in which two nodes may be one hand's, or see one another's wires. */
enum {
    QN_APART_FAMILY = 1,  /* nodes that name each other */
    QN_APART_PREFIX = 2,  /* the same IPv4 /16 or IPv6 /32 */
    QN_APART_AS = 4,      /* the same autonomous system */
    QN_APART_COUNTRY = 8, /* the same country */
    QN_APART_ALL = 15
};

/* Why a hop is where it is; all 0 for one-hop routes. */
typedef struct qn_hop_info {
    const char *reason;  /* static storage */
    char country[3];     /* "" unknown */
    uint32_t fitting;    /* nodes that could have stood here */
    uint32_t share;      /* its part of their weight, in millionths */
    uint32_t effective;  /* in tenths: as many of equal weight would be as hard to guess */
    uint32_t others;     /* other circuits of ours, alive now, that have it too */
    int64_t guard_since; /* Unix seconds, to within ten days; 0: it is no guard of ours */
} qn_hop_info;

typedef struct qn_circuit_info {
    uint64_t id;
    uint8_t hops_len;
    qn_peerid hop[3];
    qn_hop_info why[3];
    uint8_t alike; /* bits of QN_APART: what two of its hops have in common */
    bool tired;    /* nodes that had failed shortly before were taken */
    bool built;
    uint32_t streams;
    qn_time age, used; /* since it was begun; since its first stream, 0: none yet */
    qn_time trip;      /* there and back, by which streams choose among the built; 0: one hop */
    uint64_t up, down; /* application bytes */
} qn_circuit_info;
/* The i-th circuit, oldest first, then the one-hop routes in use, one for each stream; false when
 * there is none. */
bool qn_node_circuit(const qn_node *n, uint32_t i, qn_circuit_info *out);
/* Only who the hops of one of our circuits are, from the entry on, and how many; 0: no such. */
uint8_t qn_node_hops(const qn_node *n, uint64_t circuit, qn_peerid hop[3]);

typedef struct qn_peer_info {
    qn_peerid id;
    bool known; /* false: an anonymous client, id is zero */
    bool outbound, up;
    uint32_t streams;
    uint64_t in, out; /* record bytes */
    qn_time age;
    qn_time queue_mean; /* what we send waits so long for its turn, of late ... */
    qn_time queue_high; /* ... and about one frame in a hundred longer than this */
    uint32_t resumes;   /* times the link went on upon another carrier */
} qn_peer_info;
bool qn_node_peer(const qn_node *n, uint32_t i, qn_peer_info *out);

/* Nodes that other nodes told of, oldest news first; false when there is no i-th. */
typedef struct qn_heard_info {
    qn_peerid id;
    uint64_t sequence; /* of its descriptor */
    bool listed;       /* the snapshot names it, with an older descriptor */
    bool reached;      /* a link of our own has proved it; only then is it passed on */
} qn_heard_info;
bool qn_node_heard(const qn_node *n, uint32_t i, qn_heard_info *out);
/* What this node tells others of itself: its signed descriptor, until the next call that may change
 * the node. Empty: it registers nowhere, or is not reached at its address. */
qn_slice qn_node_descriptor(const qn_node *n);

#ifdef __cplusplus
}
#endif
#endif

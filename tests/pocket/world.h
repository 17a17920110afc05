/*
 * The pocket world: whole small meshes in plain C, in virtual time, in one process, without ns-3.
 *
 * Nodes are real ones, driven by the law of qnet/node.h. Between them run pipes: reliable, ordered,
 * with a seeded delay per delivery, a window (so a slow reader pushes back), seeded cuts of every
 * read and write, and faults: cut, stall, kill. Ties are ordered by (time, sequence); each node has
 * its own random stream, so adding one disturbs no other. Everything a node writes goes into one
 * running digest: the same seed gives the same digest, on every machine.
 */
#ifndef POCKET_WORLD_H
#define POCKET_WORLD_H

#include "crypto/crypto.h"
#include "qnet/node.h"

typedef struct pw_world pw_world;
typedef struct pw_node pw_node;
typedef struct pw_pipe pw_pipe;
typedef struct pw_fetch pw_fetch;
typedef struct pw_server pw_server;

#define PW_MEMORY_CAP (UINT64_C(256) << 20) /* of a node, bytes */

typedef struct pw_cfg {
    uint64_t seed;
    qn_time delay_min, delay_max; /* one way, drawn per delivery, order kept */
    uint32_t window;              /* bytes a pipe direction holds; 0: 65536 */
    uint32_t cut_max;             /* reads and writes are cut at 1..cut_max; 0: never cut */
} pw_cfg;

pw_world *pw_new(const pw_cfg *cfg);
void pw_free(pw_world *w);   /* asserts that every node gave all its memory back */
qn_env *pw_env(pw_world *w); /* for making keys and network files */
qn_time pw_now(const pw_world *w);
/* Hash of every byte every node wrote, in order. */
qn_hash pw_digest(const pw_world *w);

/* ---- nodes ----------------------------------------------------------------------------------- */

/* Starts a node; cfg->listen names where it accepts links. Asserts that the config is good. */
pw_node *pw_add(pw_world *w, const char *name, const qn_node_cfg *cfg);
void pw_kill(pw_world *w, pw_node *n); /* as SIGKILL: its conns reset at their other ends */
void pw_stop(pw_world *w, pw_node *n); /* gracefully */
bool pw_stopped(const pw_node *n);
qn_node *pw_core(pw_node *n);
qn_env *pw_node_env(pw_node *n);
qn_slice pw_stored(const pw_node *n, const char *name); /* what STORE kept; until the next step */
/* Connects to it are refused, from now on; its own go out. */
void pw_shut(pw_node *n, bool shut);
/* It stands behind a NAT: as shut, and its own connects come from this address. */
void pw_masquerade(pw_node *n, const qn_addr *as);
/* Its disk fails for this file, which must be a name STORE uses; NULL: for none. */
void pw_fail_store(pw_node *n, const char *name);
/* Whether it ever dialled this address. */
bool pw_dialled(const pw_node *n, const qn_addr *addr);
void pw_set_clock(pw_node *n, int64_t off); /* its wall clock is so far ahead, s */
/* All it writes, to whomever, leaves at this rate together (bytes a second; 0: at once). */
void pw_set_uplink(pw_node *n, uint64_t rate);
/* The nth allocation from now on fails, once; 0: never. */
void pw_fail_alloc(pw_node *n, uint64_t nth);
/* The last event of a type seen from this node, and how many there were. */
uint32_t pw_events(const pw_node *n, qn_event_type type, qn_event *last);

/* ---- the outside: web servers and users ------------------------------------------------------ */

typedef enum pw_manner {
    PW_SERVE,      /* answers, then FIN */
    PW_RESET_MID,  /* RST after half the answer */
    PW_NEVER_READ, /* accepts and stalls */
    PW_REFUSE,     /* does not accept */
    PW_ORIGIN,     /* a site: repeats the first line it hears, then speaks once unasked */
    PW_SITE,       /* a web site, as its table says: pw_site */
    PW_NAME        /* nobody: pw_name */
} pw_manner;

/* A site's connections. One that ended is freed at once. */
typedef struct pw_site {
    void *site;
    void *(*open)(void *site);
    void (*hear)(void *visit, const uint8_t *p, size_t n);
    qn_slice (*peek)(const void *visit);
    void (*consume)(void *visit, size_t n);
    bool (*over)(const void *visit); /* hangs up after what peek offers */
    void (*end)(void *visit);        /* it restarts: says farewell, and is over */
    void (*free)(void *visit);
} pw_site;

/* Bytes that arrived at all conns of this server. */
uint64_t pw_heard(const pw_server *s);
/* Requests of users that arrived whole, and whether any byte behind one was wrong or too many. */
uint32_t pw_requests(const pw_server *s);
bool pw_heard_wrong(const pw_server *s);
pw_server *pw_serve_site(pw_world *w, const qn_addr *addr, const pw_site *site);
/* The name leads there, beside wherever else it leads; a node serves it. */
void pw_name(pw_world *w, const char *name, const qn_addr *addr);
void pw_refuse(pw_server *s, bool refuse); /* connects, from now on */
/* As a restart: what its connections have to say is said, then they are hung up. */
void pw_hang_up(pw_world *w, pw_server *s);
/* A server behind a name and an address; port 80. */
pw_server *pw_serve(pw_world *w, const char *name, const qn_addr *addr, pw_manner manner);

typedef enum pw_result { PW_RUNNING, PW_DONE, PW_FAILED } pw_result;

/* A user of `n`'s SOCKS listener: CONNECT to name, send `up` bytes, expect exactly `down` back and
 * a clean end. user NULL: no authentication. */
pw_fetch *pw_get(pw_world *w, pw_node *n, const char *name, uint16_t port, uint64_t up,
                 uint64_t down, const char *user);
pw_result pw_outcome(const pw_fetch *f);
uint64_t pw_received(const pw_fetch *f); /* verified bytes */
bool pw_clean_end(const pw_fetch *f);    /* ended by FIN, not RST: short + clean breaks P1 */
bool pw_corrupt(const pw_fetch *f);      /* a wrong byte arrived: never */
int pw_socks_reply(const pw_fetch *f);   /* -1: none yet */
/* It says all it has to say right behind its request: for a fetch that has only begun. */
void pw_hurry(pw_fetch *f);
void pw_hush(pw_fetch *f); /* it says nothing once it has the reply */
void pw_pause_reading(pw_world *w, pw_fetch *f, bool paused);
void pw_said_all(pw_world *w, pw_fetch *f); /* FIN of the user's side */
qn_time pw_took(const pw_fetch *f);         /* from start to end */

/* ---- time and faults ------------------------------------------------------------------------- */

/* Who looks on. What it sees stays as it is while it looks. */
typedef struct pw_watcher {
    void (*step)(void *ctx);                                         /* after each happening */
    void (*action)(void *ctx, const pw_node *n, const qn_action *a); /* before it is done */
    void *ctx;
} pw_watcher;

void pw_watch(pw_world *w, const pw_watcher *watcher); /* outlives the world; NULL: nobody */
const char *pw_name_of(const pw_node *n);
/* The newest node of that name, which may be dead; NULL: none. */
pw_node *pw_find(const pw_world *w, const char *name);
bool pw_dead(const pw_node *n);
/* Where it accepts links. */
qn_addr pw_listen_of(const pw_node *n);
/* Runs until done(ctx) or the deadline; true when done. done may be NULL (run to the deadline). */
bool pw_run(pw_world *w, qn_time deadline, bool (*done)(void *ctx), void *ctx);
/* From now on connections that n (NULL: anybody) dials to nodes freeze for good, both ways and
 * without a word, after so many bytes to n; 0: they do not. */
void pw_freeze(pw_world *w, pw_node *n, uint64_t bytes);
/* Cuts one live pipe between two nodes (or any two when NULL), chosen by the seed; false: none. */
bool pw_cut(pw_world *w, pw_node *a, pw_node *b);
/* Nothing leaves its pipes any more, for good. */
void pw_stall(pw_node *n);
/* Somebody connects, says so many bytes of noise and nothing else. */
void pw_say_noise(pw_world *w, pw_node *n, const qn_addr *from, uint32_t bytes);
/* No pipe can be opened to this node, and its pipes are cut, until healed. */
void pw_isolate(pw_world *w, pw_node *n, bool isolated);

#endif

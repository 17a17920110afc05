/*
 * Censors as code: verdict = censor(flow, direction, time, bytes).
 *
 * A censor stands somewhere on the path of TCP flows and sees their bytes in order, each direction
 * by itself. It has no clock, no socket and no list of flows: whoever runs it (the simulator on a
 * region's border, a test, a proxy) owns one censor_flow per flow and does what the verdict says.
 * The same code so judges simulated flows and real ones.
 *
 * Each kind is one file, with a paragraph that says what is modelled and after which source. They
 * are models: a middlebox in a real network is worse at some things (it loses packets, it does not
 * see both directions) and better at others.
 */
#ifndef LAB_CENSOR_H
#define LAB_CENSOR_H

#include "qnet/addr.h"
#include "qnet/env.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CENSOR_FIRST_MAX 4096   /* of what a client says first; browsers' hellos have 2 KiB */
#define CENSOR_RESIDUAL_MAX 256 /* penalties at a time; the oldest gives way */
#define CENSOR_RECORDS_MAX 16   /* of a server's first flight; nginx and OpenSSL send 3 to 6 */
#define CENSOR_DELAYS_MAX 16    /* times that a server is probed */
#define CENSOR_PROBE_PATIENCE (10 * QN_SEC) /* for an answer; who is silent longer is silent */

typedef enum censor_direction {
    CENSOR_UP, /* from who opened the flow */
    CENSOR_DOWN
} censor_direction;

typedef enum censor_act {
    CENSOR_PASS,
    CENSOR_LOSE, /* this packet is lost, as if a queue were full; TCP sends its bytes again */
    CENSOR_DROP, /* these bytes do not pass, nor do any later ones, and nobody is told */
    CENSOR_RESET /* these do not; both ends are sent a RST */
} censor_act;

typedef struct censor_verdict {
    censor_act act;
    qn_time wait; /* with LOSE: after which they would pass, for callers who have no packets */
} censor_verdict;

typedef struct censor_kind censor_kind;

/* How a server answers, as far as it is in the clear: the TLS records, or that there are none. */
typedef struct censor_shape {
    uint64_t bytes;
    uint8_t head[5]; /* the first bytes, then the record header being read */
    uint8_t head_n;
    uint16_t rest; /* of the record being read */
    bool opaque;   /* not TLS */
    bool http;     /* not TLS, and begins "HTTP/" */
    uint8_t n;     /* records, those beyond CENSOR_RECORDS_MAX not counted */
    struct {
        uint8_t type;
        uint16_t length;
    } record[CENSOR_RECORDS_MAX];
} censor_shape;

/* A server that is to be probed, or was. */
typedef struct censor_suspect {
    qn_addr server;
    qn_time seen;       /* the flow that drew attention */
    censor_shape shape; /* of the server's first flight in it */
    uint8_t next;       /* of cfg.delays */
    bool random;        /* that one's replay was sent, its random bytes were not */
    bool found;         /* it answered distinguishably: it is blocked */
    uint16_t first_n;
    uint8_t first[CENSOR_FIRST_MAX];
} censor_suspect;

/* Lists outlive the censor. What a kind does not mention it does not read. */
typedef struct censor_cfg {
    const censor_kind *kind;
    const qn_addr *addresses; /* ip: what is blocked; freeze: servers it is for, none: all */
    const qn_time *since; /* ip: when each of them appeared, after the censor began; NULL: then */
    size_t addresses_n;   /* ports are not compared */
    const char *const *names; /* sni, throttle: these and what is beneath them (none, for throttle:
                                 every flow); keyword: the words; ja4: fingerprints */
    size_t names_n;
    const uint16_t *ports; /* ports: of servers that may be reached */
    size_t ports_n;
    const qn_time *delays; /* prober, duplicator: after a server was seen, ascending */
    size_t delays_n;
    censor_suspect *suspects; /* prober, duplicator: room of the caller's; more are not probed */
    size_t suspects_max;
    qn_time from;    /* after the censor began, it starts to work */
    qn_time until;   /* and stops; 0: never */
    qn_time delay;   /* ip: after an address appeared, it is on the list */
    qn_time penalty; /* sni, keyword, encrypted, ja4: client and server address and port are kept
                        apart for so long after a catch; 0: not */
    uint64_t rate;   /* throttle: bit/s each way, at least 1 */
    uint64_t burst;  /* throttle: bytes at once, at least 1,500 */
    uint64_t limit;  /* freeze: bytes a server gets through */
    uint16_t share;  /* encrypted: permille of matching flows that are blocked */
    bool strict;     /* encrypted: only a handshake record begins like TLS */
    bool reset;      /* sni, ja4: RESET, not DROP */
} censor_cfg;

/* What it did, and what that cost. */
typedef struct censor_stats {
    uint64_t flows;       /* seen opening */
    uint64_t caught;      /* by their own bytes or address */
    uint64_t penalised;   /* by an earlier flow's */
    uint64_t slowed;      /* under the throttle */
    uint64_t lost;        /* packets, to the throttle */
    uint64_t inspections; /* flows looked into */
    uint64_t inspected;   /* bytes looked into */
    uint64_t probes;      /* of servers */
    uint64_t probe_bytes; /* sent in them */
    uint64_t found;       /* servers that answered one distinguishably */
    uint64_t seen;        /* bytes that came by */
    uint64_t states_max;  /* flows open at once, at most: times sizeof(censor_flow) is its memory */
    uint64_t states;
} censor_stats;

typedef struct censor_penalty {
    qn_addr client, server;
    qn_time until;
} censor_penalty;

typedef struct censor {
    censor_cfg cfg;
    qn_env *env; /* for randomness and SHA-256; time is what a call says */
    qn_time began;
    censor_stats stats;
    censor_penalty penalty[CENSOR_RESIDUAL_MAX];
    size_t penalty_next;
    size_t suspects_n;
} censor;

typedef struct censor_flow {
    qn_addr client, server;
    uint64_t bytes[2]; /* that came by, each way */
    qn_time filled[2]; /* throttle: when the bucket was last looked at */
    int64_t tokens[2]; /* throttle: bits */
    bool judged;       /* nothing more is looked into */
    bool inspected;    /* something was */
    bool blocked;
    bool slow;
    bool tls;           /* freeze */
    censor_shape shape; /* prober, duplicator: of what the server says before the client goes on */
    uint16_t first_n;
    uint8_t first[CENSOR_FIRST_MAX]; /* what the client said before anything else */
} censor_flow;

extern const censor_kind censor_ip, censor_sni, censor_keyword, censor_throttle, censor_freeze,
    censor_encrypted, censor_ja4, censor_ports, censor_shutdown, censor_prober, censor_duplicator;

const censor_kind *censor_kind_of(const char *name); /* NULL: there is none of this name */
const char *censor_kind_name(const censor_kind *kind);

/* `env` outlives the censor. False: the kind needs a list and cfg has none, or a number is out of
 * range. */
QN_MUST_CHECK bool censor_init(censor *c, const censor_cfg *cfg, qn_env *env, qn_time now);

/* A SYN. With DROP the flow never opens; it is to be closed all the same. */
censor_verdict censor_open(censor *c, censor_flow *f, const qn_addr *client, const qn_addr *server,
                           qn_time now);
/* Bytes in order; those of one TCP segment at a time where the caller knows segments. Once a flow
 * is blocked everything is dropped. */
censor_verdict censor_see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes);
/* Bytes in order that have passed before those ahead of them, as segments do: only looked into. */
censor_verdict censor_look(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                           qn_slice bytes);
/* So many bytes that are out of order, or come again because they were lost: not looked into. */
censor_verdict censor_again(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                            size_t n);
void censor_close(censor *c, censor_flow *f);

/* ---- probes: whoever runs the censor opens a conn of the censor's own for each ----------------
 */

typedef struct censor_probe {
    qn_addr server;
    size_t suspect; /* number of it */
    bool random;    /* random bytes; otherwise what the client said first, again */
    size_t n;
    uint8_t bytes[CENSOR_FIRST_MAX];
} censor_probe;

/* What became of one within CENSOR_PROBE_PATIENCE. */
typedef struct censor_reaction {
    bool opened;
    bool ended; /* the server closed or reset the conn */
    censor_shape answer;
} censor_reaction;

qn_time censor_probe_due(const censor *c); /* when to ask for the next; QN_NEVER: for none yet */
/* The next one that is due now. False: none. */
bool censor_probe_next(censor *c, qn_time now, censor_probe *out);
/* Whether the server answered distinguishably; it is blocked from now on then. */
bool censor_probe_done(censor *c, const censor_probe *p, const censor_reaction *r);
void censor_shape_add(censor_shape *s, qn_slice bytes);

#ifdef __cplusplus
}
#endif

#endif

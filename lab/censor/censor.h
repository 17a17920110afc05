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

typedef enum censor_direction {
    CENSOR_UP, /* from who opened the flow */
    CENSOR_DOWN
} censor_direction;

typedef enum censor_act {
    CENSOR_PASS, /* these bytes go on after `wait` */
    CENSOR_DROP, /* these do not, nor do any later ones, and nobody is told */
    CENSOR_RESET /* these do not; both ends are sent a RST */
} censor_act;

typedef struct censor_verdict {
    censor_act act;
    qn_time wait; /* with PASS; in the order of the bytes, so a flow stays in order */
} censor_verdict;

typedef struct censor_kind censor_kind;

/* Lists outlive the censor. What a kind does not mention it does not read. */
typedef struct censor_cfg {
    const censor_kind *kind;
    const qn_addr *addresses; /* ip: what is blocked; freeze: servers it is for, none: all */
    size_t addresses_n;       /* ports are not compared */
    const char *const *names; /* sni, throttle: these and what is beneath them (none, for throttle:
                                 every flow); keyword: the words; ja4: fingerprints */
    size_t names_n;
    qn_time delay;   /* ip: after the censor began, the list takes effect */
    qn_time penalty; /* sni, keyword, encrypted, ja4: client and server address and port are kept
                        apart for so long after a catch; 0: not */
    uint64_t rate;   /* throttle: bit/s each way, at least 1 */
    uint64_t limit;  /* freeze: bytes a server gets through */
    uint16_t share;  /* encrypted: permille of matching flows that are blocked */
    bool strict;     /* encrypted: only a handshake record begins like TLS */
    bool reset;      /* sni, ja4: RESET, not DROP */
} censor_cfg;

/* What it did, and what that cost. */
typedef struct censor_stats {
    uint64_t flows;      /* seen opening */
    uint64_t caught;     /* by their own bytes or address */
    uint64_t penalised;  /* by an earlier flow's */
    uint64_t slowed;     /* under the throttle */
    uint64_t inspected;  /* bytes looked into */
    uint64_t seen;       /* bytes that came by */
    uint64_t states_max; /* flows open at once, at most: times sizeof(censor_flow) is its memory */
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
} censor;

typedef struct censor_flow {
    qn_addr client, server;
    uint64_t bytes[2];  /* that came by, each way */
    qn_time free_at[2]; /* throttle: when what is queued is through */
    bool judged;        /* nothing more is looked into */
    bool blocked;
    bool slow;
    bool tls; /* freeze */
    uint16_t first_n;
    uint8_t first[CENSOR_FIRST_MAX]; /* what the client said before anything else */
} censor_flow;

extern const censor_kind censor_ip, censor_sni, censor_keyword, censor_throttle, censor_freeze,
    censor_encrypted, censor_ja4;

const censor_kind *censor_kind_of(const char *name); /* NULL: there is none of this name */
const char *censor_kind_name(const censor_kind *kind);

/* `env` outlives the censor. False: the kind needs a list and cfg has none, or a number is out of
 * range. */
QN_MUST_CHECK bool censor_init(censor *c, const censor_cfg *cfg, qn_env *env, qn_time now);

/* A SYN. With DROP the flow never opens; it is to be closed all the same. */
censor_verdict censor_open(censor *c, censor_flow *f, const qn_addr *client, const qn_addr *server,
                           qn_time now);
/* Bytes as they come; those of one TCP segment at a time where the caller knows segments. Once a
 * flow is blocked everything is dropped. */
censor_verdict censor_see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes);
void censor_close(censor *c, censor_flow *f);

#ifdef __cplusplus
}
#endif

#endif

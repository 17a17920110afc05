/*
 * The libevent world: real sockets, and one node, or one for each of several loops that are one to
 * everybody else (docs/decisions/0017).
 *
 * qn_world_open() binds the listeners, makes the node and its status surface; qn_world_run() obeys
 * the law of qnet/node.h until SIGTERM or SIGINT has been answered by a graceful stop (two seconds
 * at most; a second signal ends it at once).
 */
#ifndef QN_REAL_WORLD_H
#define QN_REAL_WORLD_H

#include "io-real/atlas.h"
#include "io-real/env.h"
#include "io-real/hosts.h"
#include "io-real/store.h"
#include "qnet/node.h"

typedef struct qn_world qn_world;

/* The address by which a node is told of an origin on a Unix socket. No exit connects there. */
#define QN_ORIGIN_ON_PATH ((qn_addr){.family = 4, .ip = {0, 0, 0, 0}, .port = 1})

#define QN_LOOPS_MAX 16 /* more would find the accepting one busy */

typedef struct qn_world_cfg {
    /* 0, 1: one. Of a relay, exit, super or bootstrap that signs no list. Each has a thread, but
     * the first: it runs on the caller's. */
    unsigned loops;
    qn_node_cfg node; /* listen.port 0: any free one, filled in before the node sees it */
    qn_real_env *env; /* open; outlives the world. Of several loops each has as much memory */
    const qn_store *store;
    const char *carrier_name;    /* for the status surface; static storage */
    bool socks;                  /* a listener on 127.0.0.1 */
    uint16_t socks_port;         /* 0: any free one */
    const qn_atlas_files *atlas; /* what node.atlas reads, for the status surface; NULL: none */
    bool status; /* the HTTP surface on 127.0.0.1; the Unix socket is always there */
    uint16_t status_port;
    bool lan;          /* announce the node in its local network, and look there for others */
    qn_addr directory; /* the directory over HTTP; family 0: not offered, port 0: any free one */
    uint32_t directory_rate; /* requests a second of one address; 0: any number */
    bool has_directory_token;
    qn_secret32 directory_token; /* of who may prune */
    qn_addr dns;                 /* the nameserver an exit asks; family 0: the authoritative ones */
    unsigned exit_log_days;      /* what an exit counted is kept so long; 0: not at all */
    const char *exit_notice;     /* URL of its legal notice, ""; shown in /status */
    const char *dns_anchor;      /* of an exit: where DNSSEC begins */
    const qn_hosts *hosts;   /* sites' names, in place of the system's resolver; NULL: that one */
    const char *origin_path; /* the Unix socket that QN_ORIGIN_ON_PATH means; may be NULL */

    /* The web site behind us, for the status surface and its checkup. All outlive the world. */
    const char *origin_name;   /* NULL: there is none */
    int64_t origin_measured;   /* Unix seconds */
    const char *origin_advice; /* what is known to be wrong with it from the start; "" nothing */
    const char *const *origin_check; /* a command that measures it; NULL: none */
    unsigned origin_check_in;        /* seconds until it is first run; then daily */
    /* Reads what it printed, and writes one sentence into advice; "" when all is well. */
    void (*origin_checked)(void *ctx, int status, const char *output, size_t n, qn_why advice);
    void *origin_ctx;

    /* SIGHUP: reads again whom an unlisted node invites, and returns how many keys; -1: nothing
     * changes, for it could not. NULL: nothing is read again. */
    int (*hangup)(void *ctx, qn_secret32 psk[QN_PSKS_MAX]);
    void *hangup_ctx;

    const char *profile;        /* the browser we look like; NULL: none */
    const char *profile_advice; /* that it will be, or is, too old; "" */
} qn_world_cfg;

typedef enum qn_opened {
    QN_OPENED,
    QN_OPEN_PORT,   /* an address or port cannot be had */
    QN_OPEN_CONFIG, /* the node refused its configuration */
    QN_OPEN_FAILED  /* memory, descriptors, libevent */
} qn_opened;

/* What the listeners got; family 0: there is none. */
typedef struct qn_world_addrs {
    qn_addr link, socks, status, directory;
} qn_world_addrs;

/* On anything but QN_OPENED, why is one sentence and *out is NULL. */
qn_opened qn_world_open(qn_world **out, const qn_world_cfg *cfg, qn_why why);
qn_world_addrs qn_world_where(const qn_world *w);
void qn_world_status(const qn_world *w, qn_status *out);
void qn_world_run(qn_world *w);
void qn_world_close(qn_world *w);

#endif

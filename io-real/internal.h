/*
 * What the parts of the world share.
 *
 *     world.c   the law: stamp, one thing, drain the actions, arm the timer
 *     start.c   a world's beginning and end, signals
 *     conn.c    reading, writing and dialling one conn
 *     backlog.c how much a socket holds that is not sent yet
 *     leave.c   the three ways a conn ends: reset, drained reset, orderly close
 *     door.c    accepting, and when not to
 *     checkup.c measuring our origin while we run
 *     table.c   conns by name
 *     loops.h   several worlds in one process: loops.c, steer.c, news.c, whole.c
 *
 * Beside it, on doors of their own: surface.c (status), directory_http.c (the directory); and
 * lan.c, which looks around in the local network.
 */
#ifndef QN_REAL_INTERNAL_H
#define QN_REAL_INTERNAL_H

#include "io-real/directory_http.h"
#include "io-real/errand.h"
#include "io-real/exit_log.h"
#include "io-real/lan.h"
#include "io-real/lookup.h"
#include "io-real/resolver.h"
#include "io-real/surface.h"
#include "io-real/world.h"

#include <event2/event.h>
#include <event2/event_struct.h>

enum {
    QN_READ_BUDGET = 512 << 10, /* bytes one conn may bring in before others get their turn */
    QN_WRITE_BUDGET = 1 << 20,  /* the same outwards: a fast reader may not keep the loop */
    QN_BACKLOG_MIN = 16 << 10,  /* unsent bytes a socket holds (backlog.c): one record, ... */
    QN_BACKLOG_MAX = 1 << 20,   /* ... and what the fastest need between two wake-ups */
    QN_BACKLOG_MS = 10,         /* what leaves more slowly than this is bounded more tightly */
    QN_READ_SPANS = 16,         /* iovecs of one readv */
    QN_WRITE_SLICES = 64,       /* iovecs of one writev */
    QN_ACCEPT_BATCH = 64,       /* conns taken from one listener before others get their turn */
    QN_DIAL_SECONDS = 20,       /* the kernel alone would wait two minutes */
    QN_LEAVE_MS = 200,          /* what the contract grants a farewell */
    QN_LEAVE_TICK_MS = 10,
    QN_STOP_SECONDS = 2,
    QN_RETRY_ACCEPT_MS = 250,
    QN_CHECKUP_SECONDS = 86400,
    QN_FD_RESERVE = 40 /* descriptors no conn may take: status clients, files, listeners */
};

typedef enum leaving {
    STAYING,
    RESETTING,    /* the node may still have bytes; RST after them */
    AWAITING_ACK, /* the node has been told; RST when the peer's kernel has every byte */
    CLOSING,      /* the node may still have bytes; FIN after them */
    LINGERING     /* the node has been told, FIN sent; reading away what the peer still sends */
} leaving;

typedef struct conn {
    struct qn_world *world;
    qn_conn id; /* 0: the node has forgotten it */
    int fd;     /* -1: dead, waits in the graveyard */
    struct event read_ev, write_ev, leave_ev;
    struct conn *hash_next, *queue_next;
    qn_time leave_by;
    uint32_t backlog;   /* unsent bytes the kernel may hold */
    qn_time blocked_at; /* with blocked: since when */
    leaving leaving;
    bool dialling, reading, blocked, queued, finish;
    bool lingers; /* closing it sends RST */
    bool application;
    bool eof;       /* the peer's direction ended cleanly */
    bool broken;    /* nothing can be written any more */
    bool was_reset; /* learned while writing: a later read of 0 is no clean end */
} conn;

typedef struct table {
    conn **bucket;
    uint32_t buckets, used;
} table;

typedef struct door {
    struct qn_world *world;
    struct event ev;
    qn_listener purpose;
    int fd; /* -1: closed */
    bool shut_by_node, paused_by_fds;
    bool complained; /* that its port could not be had again */
    qn_addr at;      /* family 0: there is no such door */
} door;

enum { DOOR_LINK, DOOR_SOCKS, DOORS, SIGNALS = 3 };

typedef struct qn_loops qn_loops; /* loops.h */

struct qn_world {
    struct event_base *base;
    qn_real_env *env;
    qn_node *node;
    qn_resolver *resolver; /* of an exit's destinations; else NULL */
    qn_exit_log *exit_log; /* of an exit that keeps one; else NULL */
    qn_lookup *visits;     /* made by the first RESOLVE of a site's name */
    qn_surface *surface;
    qn_directory_http *directory; /* NULL: not offered */
    qn_lan *lan;                  /* NULL: not asked for */
    bool disguised;               /* links must look like somebody else's */
    table conns;
    conn *send_head, *send_tail; /* named by SEND, not yet offered to the socket */
    conn *graves; /* freed at an entry with nothing to send: callers, or that queue, may still hold
                     them */
    door doors[DOORS];
    struct event timer, flush, retry_accept, stop_timer, checkup;
    struct event *signals[SIGNALS];
    qn_time armed;
    short reads;        /* EV_READ, and EV_CLOSED where the kernel tells of a FIN */
    uint32_t conns_max; /* what the descriptor limit allows */
    bool stopping, stopped;
    qn_errand *errand;    /* the origin's checkup under way; or NULL */
    qn_why origin_advice; /* what it found, or what was known before */
    qn_view view;         /* what the status surface shows */
    qn_loops *loops;      /* NULL: this is the only one */
    unsigned place;       /* among them; 0 leads */
    qn_world_cfg cfg;     /* but its node */
};

/* world.c */
void qn__enter(qn_world *w);  /* first in every libevent callback: buries the dead, stamps */
void qn__settle(qn_world *w); /* last: actions, timer; a flush if there is something to send */
void qn__flush(qn_world *w);  /* writes what waits, and settles */
void qn__bury(qn_world *w);   /* frees the conns destroyed since; none may wait to send */
void qn__on_flush(evutil_socket_t fd, short what, void *world);
void qn__on_timer(evutil_socket_t fd, short what, void *world);
void qn__resolved(void *world, uint32_t query, const qn_addr *v, unsigned n, qn_err why);
const qn_log *qn__log(const qn_world *w);

/* start.c */
void qn__stop(qn_world *w);
/* leader NULL: it leads, or is the only one. *out is set, and to be unmade, whatever is returned;
 * NULL: out of memory. */
qn_opened qn__world_make(qn_world **out, const qn_world_cfg *cfg, unsigned place,
                         const qn_world *leader, qn_why why);
void qn__world_unmake(qn_world *w);

/* checkup.c */
void qn__checkup(evutil_socket_t fd, short what, void *world);
void qn__checkup_start(qn_world *w);

/* table.c */
conn *qn__table_find(const table *t, qn_conn id);
bool qn__table_add(table *t, conn *c);
void qn__table_remove(table *t, conn *c);

/* conn.c */
/* Accepted; an application because its first bytes are here, as a rule. false: out of memory. */
bool qn__conn_adopt(qn_world *w, qn_conn id, int fd, bool application);
void qn__conn_dial(qn_world *w, qn_conn id, const qn_addr *to);
void qn__conn_want_read(conn *c, bool on);
void qn__conn_send(conn *c); /* as much as the socket takes now */
void qn__conn_wait_writable(conn *c);
void qn__conn_queue(conn *c); /* offer its bytes when the actions are drained */
void qn__conn_destroy(conn *c);

/* backlog.c */
void qn__backlog_begin(conn *c);
void qn__backlog_review(conn *c); /* the socket that was full has room again */
/* The bound from now on, when so many bytes were left after so long. */
uint32_t qn__backlog_next(uint32_t bound, size_t left, qn_time waited);

/* leave.c */
void qn__leave_reset(conn *c, bool drain);
void qn__leave_close(conn *c);
void qn__leave_sent(conn *c); /* the node has nothing more for a leaving conn, or it cannot go */
void qn__leave_readable(conn *c); /* LINGERING */

/* door.c */
int qn__listen(qn_addr *at, qn_why why); /* -1, and why, when the address cannot be had */
bool qn__door_open(door *d, qn_listener purpose, qn_addr at, qn_why why);
void qn__doors_start(qn_world *w);
/* A conn that was accepted is this world's from now on. */
void qn__door_take(qn_world *w, qn_listener purpose, int fd, const qn_addr *from,
                   const qn_addr *local);
/* The node of the loop in that place lets nobody in, or somebody again. */
void qn__door_shut(qn_world *w, unsigned place, bool on);
void qn__door_pause(qn_world *w, qn_listener purpose, bool on);
void qn__doors_reconsider(qn_world *w); /* a descriptor came free */
void qn__doors_close(qn_world *w);
void qn__door_retry(evutil_socket_t fd, short what, void *world);

#endif

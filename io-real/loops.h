/*
 * A process of several loops (docs/decisions/0017): each is a world with a node, an event base, an
 * env and a thread of its own, and shares nothing with the others that changes but the answered
 * tags. The first one leads: it has the listeners, the signals, the status surface, the log of an
 * exit, the state directory, and registers. The others follow. They tell each other things by mail.
 */
#ifndef QN_REAL_LOOPS_H
#define QN_REAL_LOOPS_H

#include "io-real/answered.h"
#include "io-real/internal.h"
#include "io-real/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct loop {
    qn_world *world;
    qn_mailbox *mail;
    qn_real_env env; /* of a follower */
    pthread_t thread;
    bool running;
    atomic_uint used;    /* conns at the end of its last turn */
    atomic_uint arrived; /* of those given */
    uint32_t given;      /* the leader's */
} loop;

typedef struct question { /* a document that every loop has its share of */
    struct question *next;
    uint64_t ticket;
    const char *path;
    unsigned missing;
    json_t *share[QN_LOOPS_MAX];
} question;

struct qn_loops {
    unsigned n;
    qn_answered_set *answered; /* NULL: not HTX */
    uint32_t seed;             /* of homes */
    uint32_t shut;             /* a bit for each loop whose node lets nobody in; the leader's */
    question *questions;       /* the leader's */
    loop v[QN_LOOPS_MAX];
};

/* loops.c; w leads, or is the only one */
qn_opened qn__loops_open(qn_world **out, const qn_world_cfg *cfg, qn_why why);
void qn__loops_start(qn_world *w);
void qn__loops_end(qn_world *w); /* waits for the followers, two seconds at most */
void qn__loops_close(qn_loops *l);
bool qn__loops_post(qn_world *to, qn_mail *m);
void qn__loops_post_all(const qn_world *w, qn_mail_kind kind);

/* steer.c */
/* Who takes a link's conn from there; NULL: nobody can now. */
qn_world *qn__loops_pick(qn_world *w, const qn_addr *from);
bool qn__loops_full(const qn_world *w);
void qn__loops_hand(qn_world *to, int fd, const qn_addr *from, const qn_addr *local);
/* The node of the loop in that place lets nobody in, or somebody again; true: nor does any other.
 */
bool qn__loops_shut(qn_world *w, unsigned place, bool on);

/* news.c: what loops tell each other */
void qn__loops_read(void *world, qn_mail *m);
void qn__loops_told(qn_world *w, const char *name, qn_slice bytes); /* w's node gave STORE this */
void qn__loops_admit(qn_world *w, const qn_secret32 *psk, unsigned n);
void qn__loops_exit(qn_world *w, const qn_event *ev);

/* whole.c */
/* Fits qn_whole: asks every loop for its share of a document. */
bool qn__whole_ask(void *leader, uint64_t ticket, const char *path);
void qn__whole_asked(qn_world *w, const qn_mail *m);
void qn__whole_answered(qn_world *w, qn_mail *m);
void qn__whole_forget(qn_loops *l);

#endif

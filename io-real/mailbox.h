/*
 * Messages from one loop of a process to another: a bounded queue under a lock, and an eventfd that
 * wakes the reader's loop. It is for conns that were accepted, for news and for questions, never
 * for the bytes of a stream.
 */
#ifndef QN_REAL_MAILBOX_H
#define QN_REAL_MAILBOX_H

#include "qnet/addr.h"
#include "qnet/env.h"
#include "qnet/err.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>

/* Unread: more than any loop leaves while it serves one turn of conns. */
#define QN_MAILS_MAX 4096
/* And so many more, if no stranger causes them: conns and what exits count keep out neither lists
 * nor the end. */
#define QN_MAILS_OWN 256

typedef enum qn_mail_kind {
    QN_MAIL_CONN,   /* fd, from, local: a link's conn that the leader accepted */
    QN_MAIL_TOLD,   /* name, bytes: what a node gave STORE */
    QN_MAIL_ADMIT,  /* bytes: keys of invitations, 32 each */
    QN_MAIL_SHUT,   /* on: the sender's node lets nobody in */
    QN_MAIL_EXIT,   /* port, err: an exit's request came to its end */
    QN_MAIL_ASK,    /* ticket, name: a document of the status surface */
    QN_MAIL_ANSWER, /* ticket, document */
    QN_MAIL_STOP,   /* as SIGTERM */
    QN_MAIL_HALT    /* at once */
} qn_mail_kind;

typedef struct qn_mail {
    struct qn_mail *next;
    qn_mail_kind kind;
    unsigned sender; /* its loop's place */
    int fd;
    qn_addr from, local;
    const char *name; /* static storage */
    qn_span bytes;    /* from malloc; wiped when it is freed */
    uint64_t ticket;
    json_t *document;
    uint16_t port;
    qn_err err;
    bool on;
} qn_mail;

typedef struct qn_mailbox qn_mailbox;
/* On the reader's thread. What it keeps of the mail's fd, bytes and document it takes out: -1 and
 * NULL stand for nothing. */
typedef void qn_mail_reader(void *ctx, qn_mail *m);

/* NULL: out of memory or descriptors. */
qn_mailbox *qn_mailbox_new(struct event_base *base, qn_mail_reader *read, void *ctx);
/* From any thread. *m is copied; fd, bytes and document are the mailbox's from now on, also when it
 * is full or memory is, which is false: then they are gone. */
bool qn_mailbox_post(qn_mailbox *box, const qn_mail *m);
void qn_mailbox_free(qn_mailbox *box); /* NULL: nothing. No other thread posts any more. */

#endif

#include "io-real/mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct qn_mailbox {
    pthread_mutex_t lock; /* over first, last and n */
    qn_mail *first, *last;
    unsigned n;
    int fd;
    struct event *ev;
    qn_mail_reader *read;
    void *ctx;
};

static void drop_content(const qn_mail *m)
{
    if (m->fd >= 0)
        (void)close(m->fd);
    if (m->bytes.p != NULL)
        explicit_bzero(m->bytes.p, m->bytes.n);
    free(m->bytes.p);
    json_decref(m->document);
}

static void drop(qn_mail *m)
{
    drop_content(m);
    free(m);
}

static qn_mail *take_all(qn_mailbox *box)
{
    qn_mail *m;

    (void)pthread_mutex_lock(&box->lock);
    m = box->first;
    box->first = box->last = NULL;
    box->n = 0;
    (void)pthread_mutex_unlock(&box->lock);
    return m;
}

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
    qn_mailbox *box = arg;
    eventfd_t rung;

    (void)what;
    (void)eventfd_read(fd, &rung);
    for (qn_mail *m = take_all(box), *next; m != NULL; m = next) {
        next = m->next;
        box->read(box->ctx, m);
        drop(m);
    }
}

qn_mailbox *qn_mailbox_new(struct event_base *base, qn_mail_reader *read, void *ctx)
{
    qn_mailbox *box = calloc(1, sizeof *box);

    if (box == NULL)
        return NULL;
    (void)pthread_mutex_init(&box->lock, NULL);
    box->read = read;
    box->ctx = ctx;
    box->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (box->fd >= 0)
        box->ev = event_new(base, box->fd, EV_READ | EV_PERSIST, on_mail, box);
    if (box->ev != NULL && event_add(box->ev, NULL) == 0)
        return box;
    qn_mailbox_free(box);
    return NULL;
}

static unsigned bound(qn_mail_kind kind)
{
    bool by_strangers = kind == QN_MAIL_CONN || kind == QN_MAIL_EXIT;

    return by_strangers ? QN_MAILS_MAX : QN_MAILS_MAX + QN_MAILS_OWN;
}

/* True: the first of them, so the reader must be woken. */
static bool put(qn_mailbox *box, qn_mail *m, bool *full)
{
    bool first;

    (void)pthread_mutex_lock(&box->lock);
    first = box->first == NULL;
    *full = box->n >= bound(m->kind);
    if (!*full) {
        if (first)
            box->first = m;
        else
            box->last->next = m;
        box->last = m;
        box->n++;
    }
    (void)pthread_mutex_unlock(&box->lock);
    return first;
}

bool qn_mailbox_post(qn_mailbox *box, const qn_mail *m)
{
    qn_mail *copy = malloc(sizeof *copy);
    bool full;

    if (copy == NULL) {
        drop_content(m);
        return false;
    }
    *copy = *m;
    copy->next = NULL;
    if (put(box, copy, &full))
        (void)eventfd_write(box->fd, 1);
    if (full)
        drop(copy);
    return !full;
}

void qn_mailbox_free(qn_mailbox *box)
{
    if (box == NULL)
        return;
    for (qn_mail *m = box->first, *next; m != NULL; m = next) {
        next = m->next;
        drop(m);
    }
    if (box->ev != NULL)
        event_free(box->ev);
    if (box->fd >= 0)
        (void)close(box->fd);
    (void)pthread_mutex_destroy(&box->lock);
    free(box);
}

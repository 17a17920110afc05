/* What loops tell each other, and what they do about it. */
#include "io-real/log.h"
#include "io-real/loops.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A copy for each reader: lists are rare, and blobs that are counted across threads are not worth
 * it. */
static void post_bytes(qn_world *to, qn_mail_kind kind, const char *name, qn_slice bytes)
{
    qn_mail m = {.kind = kind, .name = name, .fd = -1, .bytes = {.n = bytes.n}};

    m.bytes.p = malloc(bytes.n != 0 ? bytes.n : 1);
    if (m.bytes.p != NULL)
        memcpy(m.bytes.p, bytes.p, bytes.n);
    if (m.bytes.p == NULL || !qn__loops_post(to, &m))
        qn_log_say(qn__log(to->loops->v[0].world), QN_LOG_ERROR, "world",
                   "loop %u could not be told of news: out of memory", to->place);
}

/* ---- telling --------------------------------------------------------------------------------- */

void qn__loops_told(qn_world *w, const char *name, qn_slice bytes)
{
    qn_loops *l = w->loops;

    if (l == NULL || !qn_node_tells(name, w->place == 0))
        return;
    if (w->place == 0)
        for (unsigned i = 1; i < l->n; i++)
            post_bytes(l->v[i].world, QN_MAIL_TOLD, name, bytes);
    else
        post_bytes(l->v[0].world, QN_MAIL_TOLD, name, bytes);
}

void qn__loops_admit(qn_world *w, const qn_secret32 *psk, unsigned n)
{
    for (unsigned i = 1; w->loops != NULL && i < w->loops->n; i++)
        post_bytes(w->loops->v[i].world, QN_MAIL_ADMIT, "", (qn_slice){psk[0].b, n * sizeof *psk});
}

void qn__loops_exit(qn_world *w, const qn_event *ev)
{
    qn_world *to = w->loops != NULL ? w->loops->v[0].world : w;
    qn_mail m = {.kind = QN_MAIL_EXIT, .fd = -1, .port = (uint16_t)ev->value, .err = ev->err};

    if (to->exit_log == NULL)
        return;
    if (to == w)
        qn_exit_log_count(w->exit_log, m.port, m.err);
    else
        (void)qn__loops_post(to, &m);
}

/* ---- being told ------------------------------------------------------------------------------ */

static void take_conn(qn_world *w, qn_mail *m)
{
    int fd = m->fd;

    m->fd = -1;
    (void)atomic_fetch_add_explicit(&w->loops->v[w->place].arrived, 1, memory_order_relaxed);
    if (w->stopping || w->conns.used >= w->conns_max)
        (void)close(fd);
    else
        qn__door_take(w, QN_LISTEN_LINK, fd, &m->from, &m->local);
}

static void admit(qn_world *w, const qn_mail *m)
{
    qn_secret32 psk[QN_PSKS_MAX];
    unsigned n = (unsigned)(m->bytes.n / sizeof psk[0]);

    memcpy(psk, m->bytes.p, n * sizeof psk[0]);
    if (qn_node_admit(w->node, psk, n) != QN_OK)
        qn_log_say(qn__log(w), QN_LOG_WARN, "world", "the invitations are as they were");
    explicit_bzero(psk, sizeof psk);
}

void qn__loops_read(void *world, qn_mail *m)
{
    qn_world *w = world;

    qn__enter(w);
    switch (m->kind) {
    case QN_MAIL_CONN:
        take_conn(w, m);
        break;
    case QN_MAIL_TOLD:
        qn_node_told(w->node, m->name, (qn_slice){m->bytes.p, m->bytes.n});
        break;
    case QN_MAIL_ADMIT:
        admit(w, m);
        break;
    case QN_MAIL_SHUT:
        qn__door_shut(w, m->sender, m->on);
        break;
    case QN_MAIL_EXIT:
        qn_exit_log_count(w->exit_log, m->port, m->err);
        break;
    case QN_MAIL_ASK:
        qn__whole_asked(w, m);
        break;
    case QN_MAIL_ANSWER:
        qn__whole_answered(w, m);
        break;
    case QN_MAIL_STOP:
        qn__stop(w);
        break;
    case QN_MAIL_HALT:
        (void)event_base_loopbreak(w->base);
        return;
    }
    qn__settle(w);
}

#include "frame/sched.h"

enum { IDLE, WOKEN, FAVOURED, BUSY }; /* qn_flow.list; the first is in no list */

/* At least a whole record, so that one added quantum always lifts a deficit above zero and a flow
 * moves at most once per pick. */
#define QN_SCHED_QUANTUM QN_RECORD_CONTENT_MAX

static void unlink_flow(qn_sched *s, qn_flow *f)
{
    if (f->prev != NULL)
        f->prev->next = f->next;
    else
        s->list[f->list - 1].head = f->next;
    if (f->next != NULL)
        f->next->prev = f->prev;
    else
        s->list[f->list - 1].tail = f->prev;
    f->next = f->prev = NULL;
    f->list = IDLE;
}

static void append_flow(qn_sched *s, qn_flow *f, uint8_t list)
{
    f->list = list;
    f->next = NULL;
    f->prev = s->list[list - 1].tail;
    if (f->prev != NULL)
        f->prev->next = f;
    else
        s->list[list - 1].head = f;
    s->list[list - 1].tail = f;
}

/* What it has spent comes back with the time it had nothing to send. */
static void rested(qn_flow *f, qn_time now)
{
    qn_time idle = QN_MIN(now - f->idle, (qn_time)QN_SCHED_REST);
    uint32_t back = (uint32_t)(idle * QN_SCHED_FAVOUR / QN_SCHED_REST);

    f->spent -= QN_MIN(back, f->spent);
    f->bulk = f->bulk && f->spent > QN_SCHED_FAVOUR / 2;
}

void qn_sched_wake(qn_sched *s, qn_flow *f, qn_time now)
{
    if (!f->active && f->spent > 0)
        rested(f, now);
    f->active = true;
    if (f->list != IDLE) /* it emptied moments ago and kept its place: no second head start */
        return;
    f->deficit = QN_SCHED_QUANTUM;
    append_flow(s, f, WOKEN);
}

/* Whose turn it may be: the first list's that has one, unless busy flows have waited enough. */
static qn_flow *front(const qn_sched *s)
{
    bool owed = s->ahead >= QN_SCHED_AHEAD * QN_SCHED_QUANTUM && s->list[BUSY - 1].head != NULL;

    for (unsigned i = owed ? BUSY - 1 : 0; i < QN_LEN(s->list); i++)
        if (s->list[i].head != NULL)
            return s->list[i].head;
    return NULL;
}

/* The turn of the first of a list is over. */
static void move_on(qn_sched *s, qn_flow *f)
{
    uint8_t to = f->bulk ? BUSY : FAVOURED;
    /* A woken flow that emptied passes through another list once (RFC 8290 4.1.3), or it could keep
     * all others waiting by emptying and waking in turn. */
    bool stays = f->active || (f->list == WOKEN && s->list[to - 1].head != NULL);

    if (f->active)
        f->deficit += QN_SCHED_QUANTUM;
    unlink_flow(s, f);
    if (stays)
        append_flow(s, f, to);
}

qn_flow *qn_sched_pick(qn_sched *s)
{
    for (;;) {
        qn_flow *f = front(s);

        if (f == NULL || (f->active && f->deficit > 0))
            return f;
        move_on(s, f);
    }
}

void qn_sched_charge(qn_sched *s, qn_flow *f, uint32_t n, bool more, qn_time now)
{
    QN_ASSERT(n <= QN_RECORD_CONTENT_MAX);
    f->deficit -= (int32_t)n;
    f->active = more;
    f->spent = QN_MIN(f->spent + n, (uint32_t)QN_SCHED_FAVOUR);
    f->bulk |= f->spent == QN_SCHED_FAVOUR;
    if (!more)
        f->idle = now;
    if (f->list == BUSY)
        s->ahead -= QN_MIN(s->ahead, n * QN_SCHED_AHEAD);
    else if (s->list[BUSY - 1].head != NULL)
        s->ahead += n;
}

void qn_sched_remove(qn_sched *s, qn_flow *f)
{
    if (f->list != IDLE)
        unlink_flow(s, f);
    f->active = false;
}

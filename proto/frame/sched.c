#include "frame/sched.h"

enum { IDLE = 0, WOKEN = 1, BUSY = 2 }; /* qn_flow.list; the first is in no list */

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

void qn_sched_wake(qn_sched *s, qn_flow *f)
{
    f->active = true;
    if (f->list != IDLE) /* it emptied moments ago and kept its place: no second head start */
        return;
    f->deficit = QN_SCHED_QUANTUM;
    append_flow(s, f, WOKEN);
}

qn_flow *qn_sched_pick(qn_sched *s)
{
    for (;;) {
        qn_flow *f = s->list[0].head != NULL ? s->list[0].head : s->list[1].head;

        if (f == NULL)
            return NULL;
        if (f->active && f->deficit > 0)
            return f;
        /* A woken flow that emptied passes through the busy list once (RFC 8290 4.1.3), or it
         * could keep all others waiting by emptying and waking in turn. */
        if (f->active || (f->list == WOKEN && s->list[1].head != NULL)) {
            if (f->active)
                f->deficit += QN_SCHED_QUANTUM;
            unlink_flow(s, f);
            append_flow(s, f, BUSY);
        } else {
            unlink_flow(s, f);
        }
    }
}

void qn_sched_charge(qn_sched *s, qn_flow *f, uint32_t n, bool more)
{
    (void)s;
    QN_ASSERT(n <= QN_RECORD_CONTENT_MAX);
    f->deficit -= (int32_t)n;
    f->active = more;
}

void qn_sched_remove(qn_sched *s, qn_flow *f)
{
    if (f->list != IDLE)
        unlink_flow(s, f);
    f->active = false;
}

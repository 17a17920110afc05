#include "base/timer.h"

static bool before(const qn_timer *a, const qn_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void place(qn_timers *t, uint32_t i, qn_timer *timer)
{
    t->v[i] = timer;
    timer->pos = i + 1;
}

static void sift_up(qn_timers *t, uint32_t i)
{
    qn_timer *timer = t->v[i];

    while (i > 0 && before(timer, t->v[(i - 1) / 2])) {
        place(t, i, t->v[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(t, i, timer);
}

static void sift_down(qn_timers *t, uint32_t i)
{
    qn_timer *timer = t->v[i];

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= t->n)
            break;
        if (child + 1 < t->n && before(t->v[child + 1], t->v[child]))
            child++;
        if (!before(t->v[child], timer))
            break;
        place(t, i, t->v[child]);
        i = child;
    }
    place(t, i, timer);
}

static qn_err grow(qn_timers *t, qn_mem *mem)
{
    uint32_t cap = t->cap ? t->cap * 2 : 8;
    qn_timer **v;

    if (t->n < t->cap)
        return QN_OK;
    v = qn_mem_get(mem, cap * sizeof(qn_timer *));
    if (v == NULL)
        return QN_NOMEM;
    if (t->n > 0)
        memcpy(v, t->v, t->n * sizeof(qn_timer *));
    qn_mem_put(mem, t->v, t->cap * sizeof(qn_timer *));
    t->v = v;
    t->cap = cap;
    return QN_OK;
}

qn_err qn_timers_set(qn_timers *t, qn_mem *mem, qn_timer *timer, qn_time due)
{
    if (due == QN_NEVER) {
        qn_timers_cancel(t, timer);
        return QN_OK;
    }
    if (timer->pos == 0) {
        qn_err err = grow(t, mem);

        if (err != QN_OK)
            return err;
        place(t, t->n++, timer);
    }
    timer->due = due;
    timer->order = ++t->order;
    sift_up(t, timer->pos - 1);
    sift_down(t, timer->pos - 1);
    return QN_OK;
}

void qn_timers_cancel(qn_timers *t, qn_timer *timer)
{
    uint32_t i = timer->pos;

    if (i == 0)
        return;
    timer->pos = 0;
    t->n--;
    if (--i == t->n)
        return;
    place(t, i, t->v[t->n]);
    sift_up(t, i);
    sift_down(t, t->v[i]->pos - 1);
}

qn_time qn_timers_due(const qn_timers *t)
{
    return t->n ? t->v[0]->due : QN_NEVER;
}

qn_timer *qn_timers_pop(qn_timers *t, qn_time now)
{
    qn_timer *timer;

    if (t->n == 0 || t->v[0]->due > now)
        return NULL;
    timer = t->v[0];
    qn_timers_cancel(t, timer);
    return timer;
}

void qn_timers_clear(qn_timers *t, qn_mem *mem)
{
    for (uint32_t i = 0; i < t->n; i++)
        t->v[i]->pos = 0;
    qn_mem_put(mem, t->v, t->cap * sizeof(qn_timer *));
    *t = (qn_timers){0};
}

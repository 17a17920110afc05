#include "htx/plan.h"

#include "h2/h2.h"
#include "htx/tag.h"

enum { FLIGHT_MIN = 3, FLIGHT_MAX = 8, LENGTHS_MAX = 16 };

/* C's application records of one visit. */
typedef struct rehearsal {
    qn_h2 *h;
    uint16_t length[LENGTHS_MAX];
    unsigned n;
} rehearsal;

/* Finished's record: the hash of the suite O will choose is not known yet. */
static bool finished(uint16_t length)
{
    return length == QN_HTX_SEALED(4 + 32) || length == QN_HTX_SEALED(4 + 48);
}

static qn_err take_writes(rehearsal *r)
{
    qn_slice w;

    while ((w = qn_h2_peek(r->h)).n > 0) {
        if (r->n == LENGTHS_MAX || w.n > QN_RECORD_CONTENT_MAX)
            return QN_CONFIG;
        r->length[r->n++] = (uint16_t)QN_HTX_SEALED(w.n);
        qn_h2_consume(r->h, w.n);
    }
    return QN_OK;
}

static qn_err settle(rehearsal *r)
{
    qn_h2_event ev;

    while (qn_h2_next(r->h, &ev))
        if (ev.type == QN_H2_FAILED)
            return ev.err;
    return take_writes(r);
}

/* These frames are good, so that only memory can be in their way, whatever it is called. */
static qn_err hear(rehearsal *r, const uint8_t *frame, size_t n)
{
    qn_err err = qn_h2_push(r->h, qn_slice_of(frame, n));

    if (err == QN_OK)
        err = settle(r);
    return err == QN_OK || err == QN_CONFIG ? err : QN_NOMEM;
}

static qn_err ask(rehearsal *r, const qn_htx_plan *plan, unsigned i)
{
    uint32_t id;
    qn_err err = qn_h2_request(r->h, i == 0 ? QN_H2_DOCUMENT : qn_htx_plan_kind(plan),
                               qn_slice_of(plan->path[i], plan->path_n[i]), plan->largest[i], &id);

    return err == QN_OK ? settle(r) : err;
}

/* SETTINGS that change nothing; an answer of status 200 without a body on the first stream. */
static qn_err play(rehearsal *r, const qn_htx_target *target, qn_htx_plan *plan, bool waits)
{
    static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    uint8_t answer[] = {0, 0, 1, 1, 5, 0, 0, 0, 0, 0x88};
    unsigned before;
    qn_err err = ask(r, plan, 0);

    if (err == QN_OK && waits)
        err = hear(r, settings, sizeof settings);
    if (err != QN_OK)
        return err;
    plan->requests = (uint8_t)(1 + r->n); /* Finished came before them */
    plan->first = r->length[r->n - 1];
    if (!waits)
        err = hear(r, settings, sizeof settings);
    qn_put32(answer + 5, (uint32_t)target->h2->first_stream);
    if (err == QN_OK)
        err = hear(r, answer, sizeof answer);
    before = r->n;
    if (err == QN_OK)
        err = ask(r, plan, 1);
    if (err == QN_OK && r->n == before)
        err = QN_CONFIG;
    if (err == QN_OK)
        plan->second = r->length[before];
    for (unsigned i = 0; i < before && err == QN_OK; i++)
        if (r->length[i] == plan->second)
            err = QN_CONFIG;
    return err;
}

static qn_err rehearse(qn_htx_plan *plan, qn_env *env, const qn_htx_target *target, bool resumed)
{
    qn_h2_cfg cfg = {.profile = target->h2, .authority = target->name, .resumed = resumed};
    rehearsal r = {0};
    qn_err err = qn_h2_new(&r.h, env, &cfg);

    if (err != QN_OK)
        return err;
    err = take_writes(&r);
    if (err == QN_OK)
        err = play(&r, target, plan, target->h2->waits && !resumed);
    qn_h2_free(r.h);
    if (err == QN_OK && (plan->second < QN_HTX_SECOND_MIN || finished(plan->second) ||
                         plan->requests < FLIGHT_MIN || plan->requests > FLIGHT_MAX))
        return QN_CONFIG;
    return err;
}

static qn_err take_page(qn_htx_plan *plan, unsigned which, const qn_htx_page *page)
{
    if (page->path.n == 0 || page->path.n > QN_H2_PATH_MAX)
        return QN_CONFIG;
    plan->path_n[which] = (uint8_t)page->path.n;
    memcpy(plan->path[which], page->path.p, page->path.n);
    plan->largest[which] = page->largest;
    return QN_OK;
}

/* A first page is drawn; of the second ones the drawn one, or the next whose length will do. */
qn_err qn_htx_plan_make(qn_htx_plan *plan, qn_env *env, const qn_htx_target *target, bool resumed)
{
    uint32_t first, second;
    qn_err err = QN_CONFIG;

    if (target->first_n == 0 || target->first_n > QN_HTX_PAGES_MAX || target->second_n == 0 ||
        target->second_n > QN_HTX_PAGES_MAX)
        return QN_CONFIG;
    first = qn_rng_below(env, target->first_n);
    second = qn_rng_below(env, target->second_n);
    for (unsigned i = 0; i < target->second_n && err != QN_OK && err != QN_NOMEM; i++) {
        *plan = (qn_htx_plan){0};
        err = take_page(plan, 0, &target->first[first]);
        if (err == QN_OK)
            err = take_page(plan, 1, &target->second[(second + i) % target->second_n]);
        if (err == QN_OK)
            err = rehearse(plan, env, target, resumed);
    }
    return err == QN_OK || err == QN_NOMEM ? err : QN_CONFIG;
}

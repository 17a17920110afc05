#include "htx/warm.h"

/* Of the limit, in thousandths: what a user's bursts leave between them must fit behind it. */
enum { PART_MIN = 400, PART_MAX = 600 };

static const qn_htx_page *cheapest(const qn_htx_page *v, unsigned n, const qn_htx_page *best)
{
    for (unsigned i = 0; i < n; i++)
        if (v[i].path.n > 0 && v[i].path.n <= QN_H2_PATH_MAX &&
            (best == NULL || v[i].largest < best->largest))
            best = &v[i];
    return best;
}

qn_err qn_htx_warm_init(qn_htx_warm *w, const qn_htx_target *target)
{
    const qn_htx_page *second = cheapest(target->second, target->second_n, NULL);
    const qn_htx_page *page = cheapest(target->first, target->first_n, second);

    if (page == NULL)
        return QN_CONFIG;
    *w = (qn_htx_warm){.path_n = (uint8_t)page->path.n,
                       .largest = page->largest,
                       .document = page != second,
                       .idle = target->site_idle != 0 ? target->site_idle : QN_NEVER,
                       .at = QN_NEVER,
                       .most = target->site_requests};
    memcpy(w->path, page->path.p, page->path.n);
    return QN_OK;
}

void qn_htx_warm_asked(qn_htx_warm *w, qn_env *env, uint32_t id)
{
    uint64_t part = PART_MIN + qn_rng_below(env, PART_MAX - PART_MIN + 1);

    w->asked++;
    w->waits_for = id;
    w->at = w->idle != QN_NEVER ? env->now + w->idle / 1000 * part : QN_NEVER;
}

void qn_htx_warm_answered(qn_htx_warm *w, uint32_t id)
{
    if (w->waits_for == id)
        w->waits_for = 0;
}

qn_time qn_htx_warm_due(const qn_htx_warm *w)
{
    bool allowed = w->most == 0 || w->asked < w->most;

    return w->waits_for == 0 && allowed ? w->at : QN_NEVER;
}

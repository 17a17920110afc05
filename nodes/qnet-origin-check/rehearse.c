/* The proof of all measuring: a client's visit, looked on by the automaton that a peer runs. */
#include "check.h"

#include "htx/plan.h"

#include <stdio.h>
#include <string.h>

#define PAGE_PATIENCE (10 * QN_SEC)

static qn_htx_page page_of(const candidate *p)
{
    return (qn_htx_page){.path = qn_slice_of(p->path, strlen(p->path)),
                         .largest = (uint32_t)p->largest};
}

static bool plan(check *k, const profile *browser, const candidate *second, qn_htx_plan *out)
{
    qn_htx_page first[QN_HTX_PAGES_MAX], other = page_of(second);
    qn_htx_target target = {.tls = &browser->tls,
                            .h2 = &browser->h2,
                            .roots = k->site.roots,
                            .name = qn_slice_of(k->name[0], strlen(k->name[0])),
                            .first = first,
                            .second = &other,
                            .second_n = 1};

    for (unsigned i = 0; i < k->path_n && target.first_n < QN_HTX_PAGES_MAX; i++)
        if (k->path[i].fit_first == k->profile_n)
            first[target.first_n++] = page_of(&k->path[i]);
    return qn_htx_plan_make(out, &k->site.real.env, &target, false) == QN_OK;
}

static bool ask(visit *v, const qn_htx_plan *p, unsigned which)
{
    char path[QN_H2_PATH_MAX + 1];

    (void)snprintf(path, sizeof path, "%.*s", (int)p->path_n[which], (const char *)p->path[which]);
    return visit_ask(v, which == 0 ? QN_H2_DOCUMENT : QN_H2_FETCH, path, p->largest[which],
                     PAGE_PATIENCE);
}

/* Whether a peer that knows what was measured would speak instead of the second answer. */
static bool moment_comes(check *k, const profile *browser, const qn_htx_plan *p)
{
    qn_htx_watch watch = {.cfg = {.requests = p->requests,
                                  .second = p->second,
                                  .flight = (uint32_t)full_flight(k),
                                  .flight_r = (uint32_t)resumed_flight(k),
                                  .alert = (uint16_t)k->alert}};
    visit_cfg cfg = {.tls = &browser->tls, .h2 = &browser->h2, .name = k->name[0], .watch = &watch};
    bool comes = false;
    visit v;

    if (visit_open(&v, &k->site, &cfg) && v.up && ask(&v, p, 0) && !v.proved && ask(&v, p, 1))
        comes = v.proved;
    visit_close(&v);
    return comes;
}

static void rehearse(check *k, candidate *c)
{
    qn_htx_plan p;

    for (unsigned i = 0; i < k->profile_n && c->fit_second == k->profile_n; i++) {
        const profile *browser = &k->profile[i];

        if (plan(k, browser, c, &p) && moment_comes(k, browser, &p))
            continue;
        c->fit_second = 0;
        find(k, WARNING, "rehearsal",
             "%s is no second page for %s: its request is as long as another, or the site's "
             "records left a peer no moment to speak",
             c->path, browser->name);
    }
}

void check_moments(check *k)
{
    bool left = false;

    progress("rehearsals");
    for (unsigned i = 0; i < k->path_n; i++)
        if (k->path[i].fit_second == k->profile_n) {
            rehearse(k, &k->path[i]);
            left |= k->path[i].fit_second == k->profile_n;
        }
    if (!left)
        find(k, UNFIT, "no-moment",
             "a peer that knows what was measured would find no moment to speak, on any page: name "
             "other pages with --page");
}

/*
 * Relays of a made-up network. Capacities fall as 1/(1 + rank/20), which puts half of it on about a
 * sixth of a thousand relays; addresses, countries and families are drawn. The adversary's nodes
 * are alike, are always there, and are of no family, as a careful adversary's would be. The larger
 * third of the relays is in data centres: it lives for two years and is away on one day in a
 * hundred; the rest lives for half a year and is away on one in twenty.
 */
#include "sim.h"

#include <stdlib.h>

enum {
    CAPACITY_TOP = 20000,
    COUNTRIES = 30,
    FAMILY_SIZE = 4,
    FAMILIES_IN = 10, /* a tenth of the relays are in families */
    EXITS_IN = 3,     /* a third of them exit */
    PREFIXES = 4000,  /* hosting companies' */
    LARGE_IN = 3
};

static const struct {
    uint32_t life_days, away_in; /* a relay's life in the mean; one in so many is away on a day */
} kind[] = {{180, 20}, {720, 100}};

static uint32_t below(sim_world *w, uint32_t n)
{
    qn_env env = {.rng = {.fill = qn_drbg_fill, .ctx = &w->rng}};

    return qn_rng_below(&env, n);
}

static void name_it(sim_world *w, qn_candidate *c)
{
    qn_put32(c->id.b, w->next_name++);
}

static void make_relay(sim_world *w, uint32_t rank)
{
    qn_candidate *c = &w->kept[rank];
    uint32_t country = below(w, COUNTRIES), other = below(w, COUNTRIES);
    uint32_t family = below(w, w->n / (FAMILIES_IN * FAMILY_SIZE) + 1) + 1;

    *c = (qn_candidate){.flags = QN_CANDIDATE_RELAY,
                        .weight = (uint16_t)(CAPACITY_TOP * UINT64_C(20) / (20 + rank)),
                        .addr = {.family = 4, .port = 443}};
    name_it(w, c);
    qn_put16(c->addr.ip, (uint16_t)below(w, PREFIXES));
    country = QN_MIN(country, other); /* some countries have many more than others */
    c->country[0] = (char)('A' + country / 26);
    c->country[1] = (char)('A' + country % 26);
    c->as = 1 + below(w, PREFIXES / 4);
    if (below(w, EXITS_IN) == 0)
        c->flags |= QN_CANDIDATE_EXIT;
    if (below(w, FAMILIES_IN) == 0)
        c->family = family;
}

/* Takes relays at random until the adversary has its part of the capacity, half of it exits. */
static void corrupt(sim_world *w, uint32_t thousandths)
{
    uint64_t all = 0, got = 0;

    for (uint32_t i = 0; i < w->n; i++)
        all += w->kept[i].weight;
    while (got * 1000 < all * thousandths) {
        uint32_t i = below(w, w->n);

        if (w->hostile[i])
            continue;
        w->hostile[i] = 1;
        w->kept[i].family = 0;
        got += w->kept[i].weight;
    }
}

bool sim_world_make(sim_world *w, const sim_options *o, uint32_t network)
{
    *w = (sim_world){.n = o->relays};
    qn_drbg_init(&w->rng, "path-sim network", o->seed, network);
    w->v = calloc(w->n, sizeof *w->v);
    w->kept = calloc(w->n, sizeof *w->kept);
    w->hostile = calloc(w->n, 1);
    if (w->v == NULL || w->kept == NULL || w->hostile == NULL)
        return false;
    for (uint32_t i = 0; i < w->n; i++)
        make_relay(w, i);
    corrupt(w, o->adversary);
    sim_world_day(w);
    return true;
}

void sim_world_day(sim_world *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        unsigned large = i < w->n / LARGE_IN;

        if (!w->hostile[i] && below(w, kind[large].life_days) == 0)
            name_it(w, &w->kept[i]); /* it left; one like it came */
        w->v[i] = w->kept[i];
        if (!w->hostile[i] && below(w, kind[large].away_in) == 0)
            w->v[i].weight = 0;
    }
}

void sim_world_free(sim_world *w)
{
    free(w->v);
    free(w->kept);
    free(w->hostile);
}

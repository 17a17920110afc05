/*
 * People came to the pool over the half year before day 0, the censor's accounts all on day 0. An
 * agent is patient: it keeps what it has until it is old and has seen an entry of the large shelf,
 * says that this is lost as soon as it may, and begins again. (One that says so earlier sees the
 * small shelf only: tests/unit/dir/handout_test.c.)
 */
#include "sim.h"

#include "base/bytes.h"
#include "base/env.h"

#include <stdlib.h>

enum { DAY = 86400, EPOCH_DAY = 20000, CAME_WITHIN = 180, NOTHING = -1 };

typedef struct account {
    qn_handout_account a;
    uint32_t name;
    int32_t has; /* the entry's place; NOTHING: it has not come yet */
    int32_t comes;
} account;

typedef struct pool {
    const sim_options *o;
    qn_secret32 key;
    qn_peerid *entries;
    bool *known;
    uint32_t known_n;
} pool;

static void ask(pool *p, account *c, bool lost, int32_t day)
{
    uint8_t name[4];
    uint32_t place;

    qn_put32(name, c->name);
    if (qn_handout_pick(&p->key, &p->o->policy, &c->a, qn_slice_of(name, sizeof name), lost,
                        (int64_t)(EPOCH_DAY + day) * DAY, p->entries, p->o->entries,
                        &place) == QN_OK)
        c->has = (int32_t)place;
}

static bool grows_old(const pool *p, const account *c, int32_t day)
{
    int64_t age = (int64_t)(EPOCH_DAY + day) * DAY - c->a.since;

    return !c->a.old && age >= (int64_t)p->o->policy.young_days * DAY;
}

static void agent_day(pool *p, account *c, int32_t day)
{
    if (day == 0 || grows_old(p, c, day))
        ask(p, c, false, day);
    else if (c->a.old)
        ask(p, c, true, day); /* refused while it is too early */
    if (!p->known[c->has]) {
        p->known[c->has] = true;
        p->known_n++;
    }
}

static bool works(const pool *p, const account *c)
{
    return !p->o->block || !p->known[c->has];
}

static void person_day(pool *p, account *c, int32_t day)
{
    if (day < c->comes)
        return;
    if (c->has == NOTHING || grows_old(p, c, day))
        ask(p, c, false, day);
    if (!works(p, c) && (c->a.old || p->o->habit == SIM_ASK))
        ask(p, c, true, day);
}

static void people_before(pool *p, account *people, qn_env *env)
{
    for (uint32_t i = 0; i < p->o->people; i++) {
        people[i] =
            (account){.name = i, .has = NOTHING, .comes = -(int32_t)qn_rng_below(env, CAME_WITHIN)};
        for (int32_t day = people[i].comes; day < 0; day++)
            person_day(p, &people[i], day);
    }
}

static void days(pool *p, account *people, account *agents, uint32_t agents_n, sim_result *out)
{
    for (uint32_t day = 0; day <= p->o->days; day++) {
        uint32_t served = 0;

        for (uint32_t i = 0; i < agents_n; i++)
            agent_day(p, &agents[i], (int32_t)day);
        for (uint32_t i = 0; i < p->o->people; i++) {
            person_day(p, &people[i], (int32_t)day);
            served += works(p, &people[i]);
        }
        out->known[day] = (double)p->known_n / p->o->entries;
        out->served[day] = (double)served / p->o->people;
    }
}

bool sim_run(const sim_options *o, uint32_t agents_n, uint64_t seed, sim_result *out)
{
    qn_drbg rng;
    qn_env env = {.rng = {.fill = qn_drbg_fill, .ctx = &rng}};
    pool p = {.o = o};
    account *people = calloc(o->people, sizeof *people);
    account *agents = calloc(agents_n, sizeof *agents);
    bool ok;

    p.entries = calloc(o->entries, sizeof *p.entries);
    p.known = calloc(o->entries, sizeof *p.known);
    ok = people != NULL && agents != NULL && p.entries != NULL && p.known != NULL;
    if (ok) {
        qn_drbg_init(&rng, "handout-sim", seed, agents_n);
        qn_drbg_fill(&rng, p.key.b, sizeof p.key.b);
        for (uint32_t i = 0; i < o->entries; i++)
            qn_put32(p.entries[i].b, i);
        qn_handout_arrange(&p.key, p.entries, o->entries);
        people_before(&p, people, &env);
        for (uint32_t i = 0; i < agents_n; i++)
            agents[i].name = o->people + i;
        days(&p, people, agents, agents_n, out);
    }
    free(people);
    free(agents);
    free(p.entries);
    free(p.known);
    return ok;
}

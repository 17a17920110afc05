/* Users of one network, day by day: who of them is reached, and when. */
#include "sim.h"

#include <stdlib.h>

#define DAY_S INT64_C(86400)
#define BEGIN (INT64_C(20000) * DAY_S)

/* One connection in so many fails though the relay is listed. */
enum { FAILS_IN = 200, TRIES = 8 };

typedef struct user {
    qn_drbg rng;
    qn_guards guards;
    qn_peerid last_entry;
    bool reached;
} user;

typedef struct run {
    const sim_options *o;
    const sim_world *w;
    sim_result *out;
    qn_env env;
} run;

/* Whether the entry answers. Away relays are on the list that a client still holds: weight 0 here
 * only says so to draws, so that a guard which is away is tried, fails and is passed over. */
static bool answers(run *r, user *u, const qn_path *p)
{
    const qn_candidate *entry = &r->w->v[p->hop[0].at];
    bool up = r->w->hostile[p->hop[0].at] || qn_rng_below(&r->env, FAILS_IN) != 0;

    if (up)
        qn_guards_worked(&u->guards, &entry->id);
    else
        qn_guards_failed(&u->guards, &r->env, &entry->id);
    return up;
}

static void one_circuit(run *r, user *u, uint32_t day)
{
    qn_path_wish wish = {
        .hops = QN_HOPS_MAX, .apart = QN_APART_ALL, .guards = r->o->guards ? &u->guards : NULL};
    const char *lacks;
    qn_path p;

    for (unsigned i = 0; i < TRIES; i++) {
        if (qn_path_choose(&p, &r->env, r->w->v, r->w->n, &wish, &lacks) != QN_OK)
            return;
        r->out->paths++;
        if (!qn_peerid_equal(&r->w->v[p.hop[0].at].id, &u->last_entry)) {
            u->last_entry = r->w->v[p.hop[0].at].id;
            r->out->entries++;
        }
        if (answers(r, u, &p))
            break;
        if (i == TRIES - 1)
            return;
    }
    if (r->w->hostile[p.hop[0].at] && r->w->hostile[p.hop[QN_HOPS_MAX - 1].at]) {
        u->reached = true;
        r->out->reached[day]++;
    }
}

static void one_day(run *r, user *u, uint32_t day)
{
    r->env.rng = (qn_rng){.fill = qn_drbg_fill, .ctx = &u->rng};
    r->env.wall = BEGIN + day * DAY_S;
    r->env.now = (qn_time)day * (qn_time)DAY_S * QN_SEC;
    qn_guards_review(&u->guards, &r->env, r->w->v, r->w->n);
    for (uint32_t i = 0; i < r->o->circuits && !u->reached; i++) {
        one_circuit(r, u, day);
        r->env.now += 600 * QN_SEC;
    }
}

bool sim_run(const sim_options *o, uint32_t network, sim_result *out)
{
    run r = {.o = o, .out = out};
    user *users = calloc(o->users, sizeof *users);
    sim_world w = {0};
    bool made = users != NULL && sim_world_make(&w, o, network);

    *out = (sim_result){0};
    r.w = &w;
    for (uint32_t i = 0; made && i < o->users; i++) {
        qn_drbg_init(&users[i].rng, "path-sim user", o->seed, (uint64_t)network << 32 | i);
        qn_guards_init(&users[i].guards, QN_CANDIDATE_RELAY);
    }
    for (uint32_t day = 1; made && day <= o->days; day++) {
        for (uint32_t i = 0; i < o->users; i++)
            if (!users[i].reached)
                one_day(&r, &users[i], day);
        sim_world_day(&w);
    }
    for (uint32_t i = 0; made && i < o->users; i++)
        out->reached[0] += !users[i].reached;
    sim_world_free(&w);
    free(users);
    return made;
}

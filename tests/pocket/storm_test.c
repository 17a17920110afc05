/*
 * Storms: faults drawn from a seed, on whole meshes. Safety on every step (checks.h), whatever is
 * cut, killed, starved or slowed; then the faults end, and the mesh must work again.
 *
 * A failure says which command replays it, leaves out what it does not need, and writes down what
 * happened. POCKET_SEED=17 runs one seed, POCKET_SEEDS=500 as many. POCKET_PLAN=FILE plays the
 * faults of a file instead of the seed's own, POCKET_PLAN_OUT=FILE writes those that were drawn,
 * POCKET_TRACE=FILE the events of all nodes.
 */
#include "pocket/checks.h"
#include "pocket/plan.h"
#include "support/qt.h"

#include <stdlib.h>

enum { SEEDS = 60, FETCHES = 8, FAULTS = 12, RELAYS = 3 };

typedef struct storm {
    uint64_t seed;
    mesh m;
    checks checks;
    plan plan;
    plan_run run;
    qn_drbg rng;
} storm;

static uint32_t draw(storm *s, uint32_t n)
{
    uint8_t b[4];

    qn_drbg_fill(&s->rng, b, sizeof b);
    return qn_get32(b) % n;
}

static void make_plan(storm *s)
{
    static const char *const nodes[] = {"relay1", "relay2", "relay3", "exit1", "super1", "client1"};
    const char *from = getenv("POCKET_PLAN"), *to = getenv("POCKET_PLAN_OUT");
    qn_drbg rng;

    qn_drbg_init(&rng, "plan", s->seed, 0);
    if (from != NULL)
        plan_read(&s->plan, from);
    else
        plan_draw(&s->plan, &rng, FAULTS, 4 * QN_SEC, nodes, QN_LEN(nodes));
    if (to != NULL)
        plan_write(&s->plan, to);
}

static void told(void *ctx, const char *what)
{
    checks_note(ctx, "-", what);
}

static void start(storm *s, FILE *trace)
{
    static const uint32_t cuts[] = {0, 3001, 6001};
    static const qn_addr inside = {.family = 4, .ip = {10, 0, 0, 1}, .port = 80};
    mesh_cfg cfg = {.world = {.seed = s->seed,
                              .delay_min = QN_MS,
                              .delay_max = 40 * QN_MS,
                              .cut_max = cuts[s->seed % QN_LEN(cuts)]},
                    .relays = RELAYS,
                    .exits = 1,
                    .route = s->seed % 2 ? QN_ROUTE_PRIVACY : QN_ROUTE_FAST};

    qn_drbg_init(&s->rng, "storm", s->seed, 0);
    make_plan(s);
    mesh_new(&s->m, &cfg);
    (void)pw_serve(s->m.w, "inside.example", &inside, PW_SERVE);
    checks_begin(&s->checks, &s->m, trace);
    s->run = (plan_run){.m = &s->m, .p = &s->plan, .told = told, .ctx = &s->checks};
    if (!mesh_ready(&s->m, 60 * QN_SEC))
        checks_broken(&s->checks, "liveness: never ready");
}

/* So slow that they are under way while the faults come. The last one asks for what no exit may
 * dial. */
static void begin_fetches(storm *s)
{
    static const char *const users[] = {"fast", "privacy", "privacy+a", NULL};

    pw_set_uplink(s->m.exit[0], 150000);
    pw_set_uplink(s->m.super, 150000);
    for (unsigned i = 0; i < FETCHES; i++) {
        uint32_t up = draw(s, 50000), down = 1 + draw(s, 200000), user = draw(s, 4);
        const char *name = i + 1 < FETCHES ? MESH_WEB : "inside.example";

        checks_fetch(&s->checks, pw_get(s->m.w, s->m.client, name, 80, up, down, users[user]));
    }
}

static void check_strangers(storm *s)
{
    if (s->run.stranger_bytes > 4096 || s->run.stranger_dh > 1)
        checks_broken(&s->checks, "P3: a stranger cost %llu bytes and %llu X25519",
                      (unsigned long long)s->run.stranger_bytes,
                      (unsigned long long)s->run.stranger_dh);
}

/* Healed: whoever asks now, by either route, is served, and nothing of before still hangs. */
static void check_healed(storm *s)
{
    static const char *const users[] = {"fast", "privacy+healed"};

    (void)pw_run(s->m.w, pw_now(s->m.w) + 45 * QN_SEC, checks_over, &s->checks);
    for (unsigned i = 0; i < QN_LEN(users) && !checks_over(&s->checks); i++) {
        pw_fetch *f = pw_get(s->m.w, s->m.client, MESH_WEB, 80, 100, 20000, users[i]);

        if (mesh_await(&s->m, f, 60 * QN_SEC) != PW_DONE)
            checks_broken(&s->checks, "liveness: nobody is served after the faults, %s", users[i]);
    }
}

/* Leaves the first broken promise in s->checks.broken. */
static qn_hash storm_run(storm *s, uint64_t seed)
{
    const char *path = getenv("POCKET_TRACE");
    FILE *trace = path != NULL ? fopen(path, "w") : NULL;
    qn_hash digest;

    *s = (storm){.seed = seed};
    start(s, trace);
    begin_fetches(s);
    plan_play(&s->run, checks_over, &s->checks);
    check_strangers(s);
    if (!checks_over(&s->checks))
        check_healed(s);
    digest = pw_digest(s->m.w);
    checks_end(&s->checks);
    mesh_free(&s->m);
    if (trace != NULL)
        (void)fclose(trace);
    return digest;
}

START_TEST(no_seed_breaks_a_promise_and_every_mesh_recovers)
{
    static storm s;

    (void)storm_run(&s, mesh_seed(_i));
    ck_assert_msg(s.checks.broken[0] == 0, "seed %llu: %s; tools/shrink pocket %llu",
                  (unsigned long long)s.seed, s.checks.broken, (unsigned long long)s.seed);
}
END_TEST

START_TEST(same_seed_writes_the_same_bytes)
{
    static storm s;
    qn_hash a = storm_run(&s, (uint64_t)_i + 1), b = storm_run(&s, (uint64_t)_i + 1);
    qn_hash c = storm_run(&s, (uint64_t)_i + 1001);

    ck_assert_mem_eq(a.b, b.b, sizeof a.b);
    ck_assert_mem_ne(a.b, c.b, sizeof a.b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket storm");
    TCase *t = tcase_create("seeds");

    tcase_set_timeout(t, 3600);
    tcase_add_loop_test(t, no_seed_breaks_a_promise_and_every_mesh_recovers, 0, mesh_seeds(SEEDS));
    if (getenv("POCKET_SEED") == NULL)
        tcase_add_test(t, same_seed_writes_the_same_bytes);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

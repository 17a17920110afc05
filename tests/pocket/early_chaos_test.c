/*
 * Chaos around early answers: users come and go, circuits, links, nodes and memory end at any
 * moment, drawn from a seed. Whatever happens, no byte is wrong at either end, nothing that a user
 * said arrives twice, what is cut never ends clean, and every node gives all its memory back.
 */
#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

#include <stdlib.h>

enum { USERS = 120, SITES = 3, SEEDS = 20 }; /* POCKET_SEEDS=2000 for a long run */

typedef struct chaos {
    mesh m;
    qn_drbg rng;
    pw_server *site[SITES];
    uint32_t asked[SITES], early;
    pw_fetch *f[USERS];
    bool rude[USERS]; /* has ended its own direction before it had said all */
    uint32_t n;
} chaos;

static uint32_t draw(chaos *c, uint32_t n)
{
    uint8_t b[4];

    qn_drbg_fill(&c->rng, b, sizeof b);
    return qn_get32(b) % n;
}

static void begin(chaos *c, uint64_t seed)
{
    mesh_cfg cfg = {.world = {.seed = seed,
                              .delay_min = QN_MS,
                              .delay_max = 20 * QN_MS,
                              .cut_max = seed & 2 ? 700 : 0},
                    .relays = 3,
                    .exits = 2,
                    .route = QN_ROUTE_PRIVACY};
    char name[] = "site0.example";

    *c = (chaos){.n = 0};
    qn_drbg_init(&c->rng, "early chaos", seed, 0);
    mesh_new(&c->m, &cfg);
    for (uint8_t i = 0; i < SITES; i++) {
        const qn_addr addr = {.family = 4, .ip = {93, 184, 217, i}, .port = 80};

        name[4] = (char)('0' + i);
        c->site[i] = pw_serve(c->m.w, name, &addr, PW_SERVE);
    }
    pw_core(c->m.client)->cfg.early = QN_EARLY_KNOWN;
    ck_assert(mesh_ready(&c->m, 60 * QN_SEC));
}

static void ask(chaos *c)
{
    static const char *const users[] = {"fast", "privacy", "privacy+a", NULL};
    static const uint32_t sizes[] = {1, 40, 3000, 5000, 30000};
    uint32_t at = draw(c, SITES), up = draw(c, sizes[draw(c, 5)]),
             down = draw(c, sizes[draw(c, 5)]);
    char name[] = "site0.example";
    pw_fetch *f;

    if (c->n == USERS)
        return;
    name[4] = (char)('0' + at);
    f = pw_get(c->m.w, c->m.client, name, 80, up, down, users[draw(c, 4)]);
    if (draw(c, 4) == 0)
        pw_hurry(f);
    c->asked[at]++;
    c->f[c->n++] = f;
}

static pw_pipe *any_user(chaos *c, uint32_t *i)
{
    *i = draw(c, c->n > 0 ? c->n : 1);
    for (pw_pipe *p = c->m.w->pipes; p != NULL; p = p->next)
        if (!p->dead && p->end[0].kind == HOLD_FETCH && p->end[0].person == c->f[*i])
            return p;
    return NULL;
}

static void end_circuit(chaos *c)
{
    qn_node *n = pw_core(c->m.client);
    uint32_t i = draw(c, n->circuits_n > 0 ? n->circuits_n : 1);
    circuit *k = n->circuits;

    while (k != NULL && i-- > 0)
        k = k->next;
    if (k == NULL)
        return;
    pw__stamp(c->m.client);
    qn_circuit_end(&k->core);
    client_event(k);
    node_settle(n);
    pw__drain(c->m.client);
}

static void trick(chaos *c)
{
    pw_node *const hops[] = {c->m.relay[0], c->m.relay[1], c->m.relay[2],
                             c->m.exit[0],  c->m.exit[1],  c->m.super};
    pw_node *n = hops[draw(c, QN_LEN(hops))];
    uint32_t i;
    pw_pipe *p = any_user(c, &i);

    switch (draw(c, 12)) {
    case 0:
        if (p != NULL) {
            c->rude[i] = true;
            pw__write(c->m.w, p, 0, NULL, 0, true);
        }
        break;
    case 1:
        if (p != NULL)
            pw__forget(c->m.w, p);
        break;
    case 2:
        if (p != NULL)
            pw_pause_reading(c->m.w, c->f[i], draw(c, 2) == 0);
        break;
    case 3:
    case 4:
    case 5:
        end_circuit(c);
        break;
    case 6:
        (void)pw_cut(c->m.w, c->m.client, NULL);
        break;
    case 7:
        pw_fail_alloc(draw(c, 2) == 0 || n->dead ? c->m.client : n, 1 + draw(c, 60));
        break;
    case 8:
        if (!n->dead && draw(c, 4) == 0)
            pw_stall(n);
        break;
    case 9:
        if (!n->dead && n != c->m.super && draw(c, 10) == 0)
            pw_kill(c->m.w, n);
        break;
    case 10:
        pw_refuse(c->site[draw(c, SITES)], draw(c, 3) == 0);
        break;
    default:
        if (!n->dead && n != c->m.super && draw(c, 10) == 0)
            pw_stop(c->m.w, n);
    }
}

static void check(chaos *c)
{
    for (uint32_t i = 0; i < c->n; i++) {
        const pw_fetch *f = c->f[i];

        ck_assert_msg(!pw_corrupt(f), "user %u got a wrong byte", i);
        ck_assert_msg(c->rude[i] || pw_outcome(f) != PW_FAILED || pw_socks_reply(f) != 0 ||
                          !pw_clean_end(f),
                      "user %u was cut and ended clean", i);
    }
    for (uint32_t i = 0; i < SITES; i++) {
        ck_assert_msg(!pw_heard_wrong(c->site[i]), "site %u got a wrong byte", i);
        ck_assert_msg(pw_requests(c->site[i]) <= c->asked[i], "site %u heard a request twice", i);
    }
    for (const edge *e = pw_core(c->m.client)->edges; e != NULL; e = e->next)
        c->early += e->opening != NULL && e->opening->early;
}

START_TEST(no_order_of_deaths_confuses_who_was_answered_early)
{
    static chaos c;
    uint32_t done = 0;

    begin(&c, mesh_seed(_i));
    for (unsigned i = 0; i < 400; i++) {
        if (draw(&c, 3) == 0)
            ask(&c);
        if (draw(&c, 4) == 0)
            trick(&c);
        (void)pw_run(c.m.w, pw_now(c.m.w) + draw(&c, 40) * QN_MS, NULL, NULL);
        check(&c);
    }
    (void)pw_run(c.m.w, pw_now(c.m.w) + 60 * QN_SEC, NULL, NULL);
    check(&c);
    for (uint32_t i = 0; i < c.n; i++)
        done += pw_outcome(c.f[i]) == PW_DONE;
    ck_assert_uint_gt(c.early, 0); /* else nothing was tried */
    ck_assert_uint_gt(done, 0);
    mesh_free(&c.m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket early chaos");
    TCase *t = tcase_create("seeds");

    tcase_set_timeout(t, 3600);
    tcase_add_loop_test(t, no_order_of_deaths_confuses_who_was_answered_early, 0,
                        mesh_seeds(SEEDS));
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

/*
 * Chaos: users, links and nodes end in any order, drawn from a seed. Nothing is promised to these
 * users but what the sanitizers and P1's first half say: no byte is wrong, and every node gives all
 * its memory back.
 */
#include "pocket/internal.h"
#include "pocket/mesh.h"
#include "support/qt.h"

#include <stdlib.h>

enum { USERS = 12, TRICKS = 40, SEEDS = 20 }; /* POCKET_SEEDS=200 for a long run */

static void run_for(mesh *m, qn_time span)
{
    (void)pw_run(m->w, pw_now(m->w) + span, NULL, NULL);
}

static pw_pipe *any_user_pipe(pw_world *w, uint32_t pick)
{
    pw_pipe *found = NULL;

    for (pw_pipe *p = w->pipes; p != NULL; p = p->next)
        if (!p->dead && p->end[0].kind == HOLD_FETCH && (found == NULL || pick-- == 0))
            found = p;
    return found;
}

static void trick(mesh *m, qn_drbg *rng)
{
    pw_node *const victims[] = {m->relay[0], m->relay[1], m->relay[2], m->exit[0],
                                m->super,    m->client,   m->client};
    uint8_t d[4];
    pw_node *n;
    pw_pipe *p;

    qn_drbg_fill(rng, d, sizeof d);
    n = victims[d[1] % QN_LEN(victims)];
    p = any_user_pipe(m->w, d[2] % USERS);
    switch (d[0] % 8) {
    case 0: /* half-close */
        if (p != NULL)
            pw__write(m->w, p, 0, NULL, 0, true);
        break;
    case 1: /* a user who is gone */
        if (p != NULL)
            pw__forget(m->w, p);
        break;
    case 2: /* one who stops reading, or goes on */
        if (p != NULL)
            pw_pause_reading(m->w, p->end[0].person, d[3] & 1);
        break;
    case 3:
        (void)pw_cut(m->w, n->dead ? NULL : n, NULL);
        break;
    case 4:
        if (!n->dead)
            pw_fail_alloc(n, 1u + d[3]);
        break;
    case 5: /* its links stop moving */
        if (!n->dead && d[3] < 40)
            pw_stall(n);
        break;
    case 6:
        if (n != m->client && !n->dead && d[3] < 60)
            pw_kill(m->w, n);
        break;
    default:
        if (n != m->client && !n->dead && d[3] < 60)
            pw_stop(m->w, n);
    }
}

START_TEST(no_order_of_deaths_confuses_a_node)
{
    static const char *const users[] = {"fast", "privacy", "privacy+a", NULL};
    pw_fetch *f[USERS];
    uint64_t seed = mesh_seed(_i);
    qn_drbg rng;
    mesh m;

    qn_drbg_init(&rng, "chaos", seed, 0);
    mesh_new(&m, &(mesh_cfg){.world = {.seed = seed,
                                       .delay_min = QN_MS,
                                       .delay_max = 20 * QN_MS,
                                       .window = seed & 1 ? 3000 : 0,
                                       .cut_max = seed & 2 ? 2000 : 0},
                             .relays = 3,
                             .exits = 1,
                             .route = seed & 4 ? QN_ROUTE_PRIVACY : QN_ROUTE_FAST});
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    for (unsigned i = 0; i < USERS; i++)
        f[i] = pw_get(m.w, m.client, MESH_WEB, 80, i * 9000, i * 17000, users[i % 4]);
    for (unsigned i = 0; i < TRICKS; i++) {
        uint8_t wait[1];

        qn_drbg_fill(&rng, wait, 1);
        run_for(&m, wait[0] * QN_MS);
        trick(&m, &rng);
    }
    for (unsigned i = 0; i < USERS; i++)
        ck_assert(!pw_corrupt(f[i]));
    if (seed % 3 == 0)
        run_for(&m, 60 * QN_SEC);
    mesh_free(&m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pocket chaos");
    TCase *t = tcase_create("seeds");

    tcase_set_timeout(t, 3600);
    tcase_add_loop_test(t, no_order_of_deaths_confuses_a_node, 0, mesh_seeds(SEEDS));
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

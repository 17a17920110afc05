/* What a client costs that nobody uses: its list, its links and the circuit it keeps ready. Counted
 * by its allocator, so the figure is the same everywhere. */
#include "pocket/htx_site.h"

#include <stdio.h>
#include <stdlib.h>

/* The goal for a simulated client, and all but its list of a real one. */
enum { IDLE_MAX = 64 << 10 };

static bool settled(void *client)
{
    qn_status s = mesh_status(client);

    return s.links > 0 && s.circuits > 0;
}

START_TEST(an_idle_client_is_small)
{
    mesh_cfg cfg = {.world = {.seed = 1, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                    .relays = 3,
                    .exits = 1,
                    .route = QN_ROUTE_PRIVACY,
                    .htx = &htx};
    qn_status s;

    set_out((unsigned)_i);
    mesh_new(&m, &cfg);
    ck_assert(pw_run(m.w, pw_now(m.w) + 60 * QN_SEC, settled, m.client));
    (void)pw_run(m.w, pw_now(m.w) + 20 * QN_SEC, NULL, NULL);
    s = mesh_status(m.client);
    ck_assert_uint_ge(s.links, 1);
    ck_assert_uint_ge(s.circuits, 1);
    if (getenv("QT_PRINT") != NULL)
        (void)printf("%s: %u links, %u circuits, %llu bytes\n", profiles[_i], s.links, s.circuits,
                     (unsigned long long)s.mem_used);
    ck_assert_uint_le(s.mem_used, IDLE_MAX);
    mesh_free(&m);
    qt_origin_free(origin);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("idle over HTX");
    TCase *t = tcase_create("idle");

    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, an_idle_client_is_small, 0, QN_LEN(profiles));
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

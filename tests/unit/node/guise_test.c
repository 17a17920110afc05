/* What a client that dials over HTX costs while it does nothing, and what a process's clients share
 * of it. */
#include "solo.h"

#include "dir/snapshot.h"
#include "node/guise.h"

#include <stdlib.h>

enum { IDLE_MAX = 32 << 10, GUISE_MAX = 16 << 10 };

/* A self-signed P-256 certificate, "CN=root" (openssl req -x509 -newkey ec). */
static const char *const root =
    "308201753082011ba00302010202143700d78e94dbc15b7466f6dec78a3b8c338c7f3e300a06082a8648ce3d"
    "040302300f310d300b06035504030c04726f6f743020170d3236313132303131343331375a180f3231323631"
    "3032373131343331375a300f310d300b06035504030c04726f6f743059301306072a8648ce3d020106082a86"
    "48ce3d03010703420004d0a855a3da4b8ea0324e5ba7e9519e1fccb205abdbac35b087909ad1a3b0f15cd2d3"
    "9c726b5f50291869aeb3ad92bebe1878672eced4ecf2cc6cb6fea4595b57a3533051301d0603551d0e041604"
    "14f3ce36f22a73d8eacecbddb7cf021fd5a6604f27301f0603551d23041830168014f3ce36f22a73d8eacecb"
    "ddb7cf021fd5a6604f27300f0603551d130101ff040530030101ff300a06082a8648ce3d0403020348003045"
    "0220243bd2d79830015fff66bbeaf94c566918602ac099756acaf68883c356fa5fed022100de7898f7a85533"
    "557d01fe3d88e94dfc3504303f2e5fb9713e413e7a59ba6515";

static qn_mem world; /* the intern's */
static struct qn_intern *table;
static qn_htx_cfg htx;
static qn_node_cfg cfg;

static void *world_get(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void world_put(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

static void setup(void)
{
    solo_open();
    world = (qn_mem){.get = world_get, .put = world_put, .limit = UINT64_MAX};
    table = qn_intern_new(&world);
    htx = (qn_htx_cfg){.profile = qt_vector_file("../../profiles/chromium-156.cbor"),
                       .roots = qt_hex(root)};
    cfg = solo_cfg(QN_CLIENT);
    cfg.carrier = &qn_carrier_htx;
    cfg.htx = &htx;
    cfg.intern = table;
    cfg.stored_snapshot = qn_slice_of("old", 3); /* of no use, but then no contact is asked for */
}

static void teardown(void)
{
    solo_close();
    qn_intern_free(table);
    ck_assert_uint_eq(world.used, 0);
}

static uint32_t shared(void)
{
    qn_intern_stats s;

    qn_intern_stats_get(table, &s);
    return s.shared;
}

static qn_node *another(void)
{
    char why[160];
    qn_node *n;

    qt_assert_err(qn_node_new(&n, &cfg, &t.env, why), QN_OK);
    return n;
}

/* Beside its links, that is, and the list. */
START_TEST(a_client_without_links_costs_half_of_what_it_may)
{
    uint64_t before = t.env.mem.used;

    solo_start(&cfg);
    ck_assert_uint_le(t.env.mem.used - before, IDLE_MAX);
}
END_TEST

START_TEST(the_next_one_reads_nothing_again)
{
    uint64_t empty = world.used, one;
    qn_node *second;

    solo_start(&cfg);
    one = world.used;
    ck_assert_uint_gt(one, empty);
    ck_assert_uint_le(one - empty, GUISE_MAX);
    second = another();
    ck_assert_uint_eq(world.used, one);
    ck_assert_uint_eq(shared(), 1);
    qn_node_free(node); /* the first goes, and the second still has it */
    node = NULL;
    ck_assert_uint_eq(world.used, one);
    qn_node_free(second);
    ck_assert_uint_eq(world.used, empty);
    ck_assert_uint_eq(shared(), 0);
}
END_TEST

START_TEST(who_was_given_another_browser_shares_nothing)
{
    qn_node *second;

    solo_start(&cfg);
    htx.profile = qt_vector_file("../../profiles/firefox-esr-153.cbor");
    second = another();
    ck_assert_uint_eq(shared(), 2);
    qn_node_free(second);
    ck_assert_uint_eq(shared(), 1);
}
END_TEST

/* What a node was given may be gone once it runs: the next one is given a copy elsewhere. */
START_TEST(the_first_ones_bytes_need_not_stay)
{
    qn_slice given = htx.profile;
    uint8_t *copy = malloc(given.n);
    const guise *g;
    char why[160];

    memcpy(copy, given.p, given.n);
    htx.profile = qn_slice_of(copy, given.n);
    solo_start(&cfg);
    memset(copy, 0, given.n);
    free(copy);
    htx.profile = given;
    qt_assert_err(guise_open(&g, &t.env, table, &htx, why), QN_OK);
    ck_assert_uint_eq(shared(), 1);
    ck_assert_mem_eq(g->tls.name.p, "chromium-156", g->tls.name.n);
    guise_close(g);
}
END_TEST

START_TEST(a_failure_leaves_nothing_in_the_table)
{
    char why[160] = "";
    qn_node *n = NULL;

    htx.roots = qn_slice_of("no certificate", 14);
    qt_assert_err(qn_node_new(&n, &cfg, &t.env, why), QN_CONFIG);
    ck_assert_ptr_nonnull(strstr(why, "trusted certificates"));
    ck_assert_uint_eq(shared(), 0);
    htx.roots = qt_hex(root);
    world.limit = world.used;
    qt_assert_err(qn_node_new(&n, &cfg, &t.env, why), QN_NOMEM);
    ck_assert_uint_eq(shared(), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("node guise");
    TCase *c = tcase_create("guise");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_client_without_links_costs_half_of_what_it_may);
    tcase_add_test(c, the_next_one_reads_nothing_again);
    tcase_add_test(c, who_was_given_another_browser_shares_nothing);
    tcase_add_test(c, the_first_ones_bytes_need_not_stay);
    tcase_add_test(c, a_failure_leaves_nothing_in_the_table);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)

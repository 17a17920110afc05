/* Mirror keys through weeks: who holds a list, old or new, reaches its nodes by the keys it names.
 */
#include "pocket/htx_site.h"

static void begin(void)
{
    set_out(0);
    mesh_new(&m, &(mesh_cfg){.world = {.seed = 2, .delay_min = 5 * QN_MS, .delay_max = 30 * QN_MS},
                             .relays = 3,
                             .exits = 1,
                             .htx = &htx});
}

static void go_home(void)
{
    mesh_free(&m);
    qt_origin_free(origin);
}

static void still_fetches(void)
{
    pw_fetch *f = pw_get(m.w, m.client, MESH_WEB, 80, 400, 20000, NULL);

    ck_assert_int_eq(mesh_await(&m, f, 120 * QN_SEC), PW_DONE);
}

static void everybodys_clock(int64_t off)
{
    pw_node *v[] = {m.super, m.client, m.relay[0], m.relay[1], m.relay[2], m.exit[0]};

    for (unsigned i = 0; i < QN_LEN(v); i++)
        pw_set_clock(v[i], off);
}

/* A jump is the hard case of weeks that pass: all epochs in between are missed. */
START_TEST(weeks_later_the_keys_are_others_and_all_goes_on)
{
    enum { WEEK = 604800 };
    uint8_t before[4096];
    qn_slice keys;

    begin();
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    for (int64_t week = 1; week <= 3; week++) {
        keys = pw_stored(m.relay[0], "mirror-keys");
        ck_assert_uint_lt(keys.n, sizeof before);
        memcpy(before, keys.p, keys.n);
        everybodys_clock(week * WEEK);
        qt_origin_date(origin, EPOCH + week * WEEK);
        (void)pw_run(m.w, pw_now(m.w) + 8000 * QN_SEC, NULL, NULL);
        keys = pw_stored(m.relay[0], "mirror-keys");
        ck_assert_mem_ne(before, keys.p, keys.n);
        ck_assert(mesh_ready(&m, 60 * QN_SEC));
        still_fetches();
        qt_origin_date(origin, EPOCH + week * WEEK + 8000 * week);
    }
    go_home();
}
END_TEST

/* So many days later; returns how many of the relays have made another key since. */
static unsigned days_pass(int64_t days)
{
    uint8_t before[3][256];
    unsigned turned = 0;

    for (unsigned i = 0; i < 3; i++) {
        qn_slice keys = pw_stored(m.relay[i], "mirror-keys");

        ck_assert_uint_lt(keys.n, sizeof before[i]);
        memcpy(before[i], keys.p, keys.n);
    }
    everybodys_clock(days * 86400);
    qt_origin_date(origin, EPOCH + days * 86400);
    (void)pw_run(m.w, pw_now(m.w) + 8000 * QN_SEC, NULL, NULL);
    for (unsigned i = 0; i < 3; i++) {
        qn_slice keys = pw_stored(m.relay[i], "mirror-keys");

        turned += memcmp(before[i], keys.p, keys.n) != 0;
    }
    return turned;
}

/* The operator is gone. A list from disk names one key of each node, and leads to it through the
 * week after that key's own; not when it is three weeks old. */
START_TEST(an_old_list_leads_to_nodes_that_have_other_keys_by_now)
{
    static uint8_t old[1 << 14];
    int64_t days = _i == 0 ? 6 : 21;
    qn_node_cfg cfg;
    uint64_t version;
    qn_slice kept;
    pw_node *late;

    begin();
    ck_assert(mesh_ready(&m, 60 * QN_SEC));
    kept = pw_stored(m.client, "snapshot");
    ck_assert_uint_le(kept.n, sizeof old);
    memcpy(old, kept.p, kept.n);
    version = mesh_status(m.client).snapshot_version;
    ck_assert_uint_gt(days_pass(days), 0);
    pw_kill(m.w, m.super);
    cfg = mesh_cfg_for(&m, QN_CLIENT);
    cfg.socks = true;
    cfg.stored_snapshot = qn_slice_of(old, kept.n);
    late = pw_add(m.w, "late", &cfg);
    pw_set_clock(late, days * 86400);
    (void)pw_run(m.w, pw_now(m.w) + 120 * QN_SEC, NULL, NULL);
    ck_assert((mesh_status(late).snapshot_version > version) == (_i == 0));
    go_home();
}
END_TEST

static Suite *weeks_suite(void)
{
    Suite *s = suite_create("pocket/htx weeks");
    TCase *tc = tcase_create("weeks");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, weeks_later_the_keys_are_others_and_all_goes_on);
    tcase_add_loop_test(tc, an_old_list_leads_to_nodes_that_have_other_keys_by_now, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(weeks_suite)

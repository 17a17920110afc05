/* Who is registered, who is alive, and whose clock says so. */
#include "unit/dir/fixture.h"

#include <stdio.h>

static qn_registry r;

static void setup(void)
{
    fx_open(1, 1, false);
    qn_registry_init(&r, &t.env, &net);
}

static void teardown(void)
{
    qn_registry_clear(&r);
    fx_close();
}

static uint32_t live(const char *country)
{
    uint32_t cursor = 0, n = 0;

    while (qn_registry_next(&r, country, &cursor) != NULL)
        n++;
    return n;
}

static void join(uint16_t i)
{
    qt_assert_err(qn_registry_register(&r, fx_descriptor(i), NULL), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(i, 7, t.env.wall, 0)), QN_OK);
}

static qn_slice with_sequence(uint16_t i, uint64_t sequence, const char *country)
{
    qn_descriptor d = fx_relay(i);

    d.sequence = sequence;
    memcpy(d.country, country, 3);
    return fx_signed(&d, i);
}

/* ---- registering ----------------------------------------------------------------------------- */

START_TEST(lists_nobody_before_the_first_heartbeat)
{
    qn_slice bytes = fx_descriptor(1);
    qn_peerid id;

    qt_assert_err(qn_registry_register(&r, bytes, &id), QN_OK);
    ck_assert_uint_eq(live(NULL), 0);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 7, t.env.wall, 30)), QN_OK);
    ck_assert_uint_eq(live(NULL), 1);
    qt_assert_bytes(qn_registry_find(&r, &id)->bytes.p, qn_registry_find(&r, &id)->bytes.n, bytes);
    ck_assert_uint_eq(qn_registry_find(&r, &id)->load, 30);
}
END_TEST

START_TEST(the_same_bytes_again_change_nothing)
{
    join(1);
    for (unsigned i = 0; i < 3; i++)
        qt_assert_err(qn_registry_register(&r, fx_descriptor(1), NULL), QN_OK);
    ck_assert_uint_eq(r.n, 1);
    ck_assert_uint_eq(live(NULL), 1);
}
END_TEST

START_TEST(a_sequence_never_goes_back)
{
    join(1);
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 6, "CH"), NULL), QN_STALE);
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 8, "CH"), NULL), QN_OK);
    qt_assert_err(qn_registry_register(&r, fx_descriptor(1), NULL), QN_STALE); /* 7 again */
    ck_assert_uint_eq(r.n, 1);
    ck_assert_uint_eq(r.v[0]->d.sequence, 8);
}
END_TEST

START_TEST(one_sequence_means_one_content)
{
    join(1);
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 7, "FR"), NULL), QN_REFUSED);
    ck_assert_str_eq(r.v[0]->d.country, "IS");
}
END_TEST

START_TEST(a_newer_descriptor_keeps_its_node_alive)
{
    qn_time first = t.env.now;

    join(1);
    qt_env_step(&t, 100 * QN_SEC);
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 8, "FR"), NULL), QN_OK);
    ck_assert_uint_eq(live("FR"), 1);
    ck_assert_uint_eq(r.v[0]->first_seen, first);
    qt_env_step(&t, 21 * QN_SEC); /* registering was no heartbeat */
    ck_assert_uint_eq(live("FR"), 0);
}
END_TEST

START_TEST(refuses_what_is_forged_expired_early_or_from_elsewhere)
{
    qn_descriptor d = fx_relay(1);
    qn_slice good = fx_descriptor(1);
    uint8_t *p = fx_copy(good), other[32] = {9};

    p[50] ^= 1;
    qt_assert_err(qn_registry_register(&r, qn_slice_of(p, good.n), NULL), QN_AUTH);
    qt_assert_err(
        qn_registry_register(&r, fx_seal(QN_TAG_DESCRIPTOR, other, fx_body(good), 1), NULL),
        QN_AUTH);
    d.valid_until = t.env.wall;
    qt_assert_err(qn_registry_register(&r, fx_signed(&d, 1), NULL), QN_EXPIRED);
    d.valid_after = t.env.wall + QN_CLOCK_SKEW_S + 1;
    d.valid_until = d.valid_after + 100;
    qt_assert_err(qn_registry_register(&r, fx_signed(&d, 1), NULL), QN_EARLY);
    ck_assert_uint_eq(r.n, 0);
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

/* ---- heartbeats ------------------------------------------------------------------------------ */

START_TEST(heartbeats_of_strangers_are_unknown)
{
    join(1);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(2, 7, t.env.wall, 0)), QN_UNKNOWN);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 8, t.env.wall + 1, 0)), QN_UNKNOWN);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 6, t.env.wall + 1, 0)), QN_STALE);
}
END_TEST

START_TEST(a_replayed_heartbeat_is_stale)
{
    qn_slice beat = fx_beat(1, 7, t.env.wall + 1, 0);

    join(1);
    qt_assert_err(qn_registry_heartbeat(&r, beat), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&r, beat), QN_STALE);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 7, t.env.wall, 0)), QN_STALE);
}
END_TEST

START_TEST(a_replayed_registration_and_heartbeat_revive_nobody)
{
    qn_slice descriptor = fx_descriptor(1), beat = fx_beat(1, 7, t.env.wall, 0);

    join(1);
    qt_env_step(&t, (QN_HEARTBEAT_SKEW_S + 1) * QN_SEC);
    qn_registry_tick(&r);
    ck_assert_uint_eq(r.n, 0);
    qt_assert_err(qn_registry_register(&r, descriptor, NULL), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&r, beat), QN_EXPIRED);
    ck_assert_uint_eq(live(NULL), 0);
}
END_TEST

START_TEST(heartbeats_from_the_future_are_early)
{
    join(1);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 7, t.env.wall + QN_HEARTBEAT_SKEW_S + 1, 0)),
                  QN_EARLY);
}
END_TEST

START_TEST(heartbeats_update_and_never_duplicate)
{
    join(1);
    for (unsigned i = 0; i < 50; i++) {
        qt_env_step(&t, QN_HEARTBEAT_EVERY);
        qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 7, t.env.wall, 0)), QN_OK);
        qn_registry_tick(&r);
        ck_assert_uint_eq(live(NULL), 1);
        ck_assert_uint_eq(r.n, 1);
    }
}
END_TEST

/* ---- clocks ---------------------------------------------------------------------------------- */

START_TEST(a_node_is_live_for_120_s_and_gone_at_the_next_prune)
{
    qn_time start = t.env.now;

    join(1);
    ck_assert_uint_eq(qn_registry_due(&r), start + QN_PRUNE_EVERY);
    qt_env_step(&t, QN_PRUNE_EVERY);
    qn_registry_tick(&r);
    ck_assert_uint_eq(qn_registry_due(&r), start + 2 * QN_PRUNE_EVERY);
    qt_env_step(&t, QN_LIVE_FOR - QN_PRUNE_EVERY);
    qn_registry_tick(&r); /* exactly 120 s: still there */
    ck_assert_uint_eq(live(NULL), 1);
    qt_env_step(&t, 1);
    ck_assert_uint_eq(live(NULL), 0); /* hidden at once */
    qn_registry_tick(&r);
    ck_assert_uint_eq(r.n, 1); /* removed at the prune */
    t.env.now = start + 3 * QN_PRUNE_EVERY;
    qn_registry_tick(&r);
    ck_assert_uint_eq(r.n, 0);
    ck_assert(qn_registry_due(&r) == QN_NEVER);
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

START_TEST(a_registration_without_heartbeat_leaves_too)
{
    qt_assert_err(qn_registry_register(&r, fx_descriptor(1), NULL), QN_OK);
    qt_env_step(&t, QN_LIVE_FOR + 1);
    ck_assert_uint_eq(qn_registry_prune(&r), 1);
}
END_TEST

START_TEST(setting_the_wall_clock_ages_nobody)
{
    static const int64_t jumps[] = {86400 * 365, -86400 * 365, INT64_MAX - QT_EPOCH, -QT_EPOCH};

    join(1);
    t.env.wall += jumps[_i];
    ck_assert_uint_eq(live(NULL), 1);
    ck_assert_uint_eq(qn_registry_prune(&r), 0);
    t.env.now += QN_LIVE_FOR;
    ck_assert_uint_eq(live(NULL), 1);
    t.env.now += 1;
    ck_assert_uint_eq(live(NULL), 0);
    ck_assert_uint_eq(qn_registry_prune(&r), 1);
}
END_TEST

START_TEST(prune_removes_the_dead_and_only_them)
{
    for (uint16_t i = 0; i < 20; i++)
        join(i);
    qt_env_step(&t, QN_LIVE_FOR);
    for (uint16_t i = 0; i < 20; i += 2)
        qt_assert_err(qn_registry_heartbeat(&r, fx_beat(i, 7, t.env.wall, 0)), QN_OK);
    qt_env_step(&t, 1);
    ck_assert_uint_eq(qn_registry_prune(&r), 10);
    ck_assert_uint_eq(live(NULL), 10);
    ck_assert_uint_eq(live("CH"), 10); /* the even ones */
}
END_TEST

/* ---- listing and bounds ---------------------------------------------------------------------- */

START_TEST(lists_in_peerid_order_whatever_came_first)
{
    const qn_registration *last = NULL, *e;
    uint32_t cursor = 0, n = 0;

    for (uint16_t i = 0; i < 40; i++)
        join((uint16_t)(i * 17 % 40));
    for (; (e = qn_registry_next(&r, NULL, &cursor)) != NULL; n++, last = e) {
        if (last != NULL)
            ck_assert_int_lt(memcmp(last->d.id.b, e->d.id.b, 32), 0);
        ck_assert_ptr_eq(qn_registry_find(&r, &e->d.id), e);
    }
    ck_assert_uint_eq(n, 40);
}
END_TEST

START_TEST(lists_one_country)
{
    for (uint16_t i = 0; i < 7; i++)
        join(i);
    ck_assert_uint_eq(live("CH"), 4);
    ck_assert_uint_eq(live("IS"), 3);
    ck_assert_uint_eq(live("US"), 0);
}
END_TEST

START_TEST(refuses_the_newest_when_full)
{
    qn_slice extra = fx_descriptor(QN_REGISTRY_MAX);

    for (uint16_t i = 0; i < QN_REGISTRY_MAX; i++)
        qt_assert_err(qn_registry_register(&r, fx_descriptor(i), NULL), QN_OK);
    qt_assert_err(qn_registry_register(&r, extra, NULL), QN_BUSY);
    qt_assert_err(qn_registry_register(&r, with_sequence(5, 8, "CH"), NULL), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(6, 7, t.env.wall, 0)), QN_OK);
    ck_assert_uint_eq(r.n, QN_REGISTRY_MAX);
    qt_env_step(&t, QN_LIVE_FOR);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(6, 7, t.env.wall, 0)), QN_OK);
    qt_env_step(&t, 1);
    qn_registry_tick(&r);
    ck_assert_uint_eq(r.n, 1);
    qt_assert_err(qn_registry_register(&r, extra, NULL), QN_OK);
}
END_TEST

START_TEST(survives_every_failed_allocation)
{
    uint64_t total;

    join(0);
    qt_alloc_fail_at(0);
    for (uint16_t i = 1; i < 20; i++)
        qt_assert_err(qn_registry_register(&r, fx_descriptor(i), NULL), QN_OK);
    total = qt_alloc_requests();
    qn_registry_clear(&r);
    for (uint64_t fail = 1; fail <= total; fail++) {
        unsigned refused = 0;

        join(0);
        qt_alloc_fail_at(fail);
        for (uint16_t i = 1; i < 20; i++) {
            qn_err err = qn_registry_register(&r, fx_descriptor(i), NULL);

            ck_assert(err == QN_OK || err == QN_NOMEM);
            refused += err != QN_OK;
        }
        ck_assert_uint_eq(refused, 1);
        ck_assert_uint_eq(r.n, 19);
        ck_assert_uint_eq(live(NULL), 1);
        qn_registry_clear(&r);
        ck_assert_uint_eq(t.env.mem.used, 0);
    }
    qt_alloc_fail_at(0);
}
END_TEST

START_TEST(a_replacement_without_memory_keeps_the_old)
{
    join(1);
    t.env.mem.limit = t.env.mem.used;
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 8, "FR"), NULL), QN_NOMEM);
    ck_assert_uint_eq(r.v[0]->d.sequence, 7);
    ck_assert_uint_eq(live("IS"), 1);
}
END_TEST

/* ---- quotas ---------------------------------------------------------------------------------- */

static qn_slice at(uint16_t i, const char *addr, uint64_t sequence)
{
    qn_descriptor d = fx_relay(i);

    d.sequence = sequence;
    d.addrs[0] = fx_addr(addr);
    return fx_signed(&d, i);
}

static qn_err join_at(uint16_t i, const char *addr)
{
    qn_err err = qn_registry_register(&r, at(i, addr, 7), NULL);

    return err == QN_OK ? qn_registry_heartbeat(&r, fx_beat(i, 7, t.env.wall, 0)) : err;
}

/* The i-th address of one /24, or /48. */
static void name_host(char out[32], int v6, unsigned i)
{
    if (v6)
        (void)snprintf(out, 32, "[2606:4700:1::%x]:443", i);
    else
        (void)snprintf(out, 32, "9.9.9.%u:443", i);
}

START_TEST(a_prefix_has_a_quota)
{
    static const char *const next[2] = {"9.9.10.1:443", "[2606:4700:2::1]:443"};
    char addr[32];

    for (uint16_t i = 1; i <= QN_QUOTA_PREFIX + 3; i++) {
        name_host(addr, _i, i);
        qt_assert_err(join_at(i, addr), i <= QN_QUOTA_PREFIX ? QN_OK : QN_QUOTA);
    }
    qt_assert_err(join_at(50, next[_i]), QN_OK);
    ck_assert_uint_eq(live(NULL), QN_QUOTA_PREFIX + 1);
    /* Nor by moving there. */
    qt_env_step(&t, 2 * QN_SEC);
    name_host(addr, _i, 99);
    qt_assert_err(qn_registry_register(&r, at(50, addr, 8), NULL), QN_QUOTA);
    qt_assert_err(qn_registry_register(&r, at(1, addr, 8), NULL), QN_OK);
}
END_TEST

/* A fifth of all identities, from three prefixes. */
START_TEST(sybils_gain_the_quotas_share_at_most)
{
    enum { HONEST = 80, SYBILS = 20, PREFIXES = 3 };
    unsigned taken = 0;
    char addr[32];

    for (uint16_t i = 0; i < HONEST; i++)
        join(i);
    for (uint16_t i = 0; i < SYBILS; i++) {
        (void)snprintf(addr, sizeof addr, "9.9.%u.%u:443", i % PREFIXES, i + 1);
        taken += join_at((uint16_t)(1000 + i), addr) == QN_OK;
    }
    ck_assert_uint_eq(taken, PREFIXES * QN_QUOTA_PREFIX);
    ck_assert_uint_eq(live(NULL), HONEST + PREFIXES * QN_QUOTA_PREFIX);
}
END_TEST

/* Each filled the prefix with others: what they tell each other leaves both with the same. */
START_TEST(operators_end_with_the_same_of_a_full_prefix)
{
    qn_registry other;
    char addr[32];

    qn_registry_init(&other, &t.env, &net);
    for (uint16_t i = 1; i <= 2 * QN_QUOTA_PREFIX; i++) {
        (void)snprintf(addr, sizeof addr, "9.9.9.%u:443", i);
        qt_assert_err(qn_registry_register(i % 2 ? &r : &other, at(i, addr, 7), NULL), QN_OK);
    }
    for (uint16_t i = 1; i <= 2 * QN_QUOTA_PREFIX; i++) {
        qn_err err;

        (void)snprintf(addr, sizeof addr, "9.9.9.%u:443", i);
        err = qn_registry_share(i % 2 ? &other : &r, at(i, addr, 7), (qn_slice){0});
        ck_assert(err == QN_OK || err == QN_QUOTA);
    }
    ck_assert_uint_eq(r.n, QN_QUOTA_PREFIX);
    ck_assert_uint_eq(other.n, QN_QUOTA_PREFIX);
    for (uint32_t i = 0; i < r.n; i++)
        ck_assert_mem_eq(r.v[i]->d.id.b, other.v[i]->d.id.b, 32);
    qn_registry_clear(&other);
}
END_TEST

/* With PeerIDs searched for and hosts in the right prefix, after the others were listed. */
START_TEST(who_is_listed_is_not_crowded_out)
{
    qn_snapshot *s = NULL;
    qn_blob b;
    char addr[32];

    for (uint16_t i = 1; i <= QN_QUOTA_PREFIX; i++) {
        (void)snprintf(addr, sizeof addr, "9.9.9.%u:443", i);
        qt_assert_err(join_at(i, addr), QN_OK);
    }
    b = fx_snapshot(&r, t.env.wall, t.env.wall + 3600, 1);
    qt_assert_err(qn_snapshot_open(&s, &t.env, &net, NULL, qn_slice_of(b.p, b.n), 0), QN_OK);
    qn_blob_clear(&b, &t.env.mem);
    r.list = s;
    for (uint16_t i = 100; i < 150; i++)
        qt_assert_err(qn_registry_share(&r, at(i, "9.9.9.99:443", 7), (qn_slice){0}), QN_QUOTA);
    /* One of them that an operator has lost comes back, whoever took its place meanwhile. */
    qn_registry_clear(&r);
    for (uint16_t i = 200; i < 200 + QN_QUOTA_PREFIX; i++)
        qt_assert_err(join_at(i, "9.9.9.99:443"), QN_OK);
    qt_assert_err(qn_registry_share(&r, at(1, "9.9.9.1:443", 7), (qn_slice){0}), QN_OK);
    qt_assert_err(qn_registry_register(&r, at(2, "9.9.9.2:443", 7), NULL), QN_OK);
    ck_assert_uint_eq(r.n, QN_QUOTA_PREFIX);
    r.list = NULL;
    qn_snapshot_drop(s);
}
END_TEST

/* A heartbeat that somebody kept for 100 s, as a node's last one: it counts from when it was sent.
 */
START_TEST(a_heartbeat_kept_back_lengthens_no_life)
{
    join(1);
    for (int i = 0; i < 3; i++) {
        qt_env_step(&t, 30 * QN_SEC);
        qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 7, t.env.wall, 0)), QN_OK);
    }
    qt_env_step(&t, 110 * QN_SEC);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 7, t.env.wall - 105, 0)), QN_OK);
    ck_assert_uint_eq(live(NULL), 1);
    qt_env_step(&t, 16 * QN_SEC);
    ck_assert_uint_eq(live(NULL), 0);
}
END_TEST

START_TEST(the_next_death_is_of_who_was_silent_longest)
{
    qn_time first;

    ck_assert(qn_registry_next_death(&r) == QN_NEVER);
    join(1);
    first = t.env.now;
    qt_env_step(&t, 10 * QN_SEC);
    join(2);
    ck_assert(qn_registry_next_death(&r) == first + QN_LIVE_FOR + 1);
    qt_env_step(&t, 115 * QN_SEC);
    ck_assert(qn_registry_next_death(&r) == first + 10 * QN_SEC + QN_LIVE_FOR + 1);
    qt_env_step(&t, 10 * QN_SEC);
    ck_assert(qn_registry_next_death(&r) == QN_NEVER);
}
END_TEST

START_TEST(a_descriptor_is_replaced_once_a_second)
{
    join(1);
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 8, "CH"), NULL), QN_OK);
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 9, "CH"), NULL), QN_QUOTA);
    qt_env_step(&t, QN_DESCRIBE_EVERY);
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 9, "CH"), NULL), QN_OK);
}
END_TEST

START_TEST(who_was_not_reached_is_not_live)
{
    r.must_reach = true;
    join(1);
    ck_assert_uint_eq(live(NULL), 0);
    qn_registry_reached(&r, &r.v[0]->d.id);
    ck_assert_uint_eq(live(NULL), 1);
    /* The same address and key need no second look, others do. */
    qt_assert_err(qn_registry_register(&r, with_sequence(1, 8, "CH"), NULL), QN_OK);
    ck_assert_uint_eq(live(NULL), 1);
    qt_env_step(&t, QN_DESCRIBE_EVERY);
    qt_assert_err(qn_registry_register(&r, at(1, "9.9.9.9:443", 9), NULL), QN_OK);
    ck_assert_uint_eq(live(NULL), 0);
}
END_TEST

/* Who answered through a rendezvous has not shown that anybody answers at his address. */
START_TEST(reached_through_another_is_not_reached_at_the_address)
{
    qn_descriptor d = fx_relay(1);

    r.must_reach = true;
    d.via[0] = fx_relay(2).id;
    d.via[0].b[0] ^= 1;
    d.via_n = 1;
    qt_assert_err(qn_registry_register(&r, fx_signed(&d, 1), NULL), QN_OK);
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(1, 7, t.env.wall, 0)), QN_OK);
    qn_registry_reached(&r, &r.v[0]->d.id);
    ck_assert_uint_eq(live(NULL), 1);
    d.via_n = 0;
    d.sequence = 8;
    qt_assert_err(qn_registry_register(&r, fx_signed(&d, 1), NULL), QN_OK);
    ck_assert_uint_eq(live(NULL), 0);
}
END_TEST

static Suite *registry_suite(void)
{
    Suite *s = suite_create("dir/registry");
    TCase *tc = tcase_create("registry");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, lists_nobody_before_the_first_heartbeat);
    tcase_add_test(tc, the_same_bytes_again_change_nothing);
    tcase_add_test(tc, a_sequence_never_goes_back);
    tcase_add_test(tc, one_sequence_means_one_content);
    tcase_add_test(tc, a_newer_descriptor_keeps_its_node_alive);
    tcase_add_test(tc, refuses_what_is_forged_expired_early_or_from_elsewhere);
    tcase_add_test(tc, heartbeats_of_strangers_are_unknown);
    tcase_add_test(tc, a_replayed_heartbeat_is_stale);
    tcase_add_test(tc, a_replayed_registration_and_heartbeat_revive_nobody);
    tcase_add_test(tc, heartbeats_from_the_future_are_early);
    tcase_add_test(tc, heartbeats_update_and_never_duplicate);
    tcase_add_test(tc, a_node_is_live_for_120_s_and_gone_at_the_next_prune);
    tcase_add_test(tc, a_registration_without_heartbeat_leaves_too);
    tcase_add_loop_test(tc, setting_the_wall_clock_ages_nobody, 0, 4);
    tcase_add_test(tc, prune_removes_the_dead_and_only_them);
    tcase_add_test(tc, lists_in_peerid_order_whatever_came_first);
    tcase_add_test(tc, lists_one_country);
    tcase_add_test(tc, refuses_the_newest_when_full);
    tcase_add_test(tc, survives_every_failed_allocation);
    tcase_add_test(tc, a_replacement_without_memory_keeps_the_old);
    tcase_add_loop_test(tc, a_prefix_has_a_quota, 0, 2);
    tcase_add_test(tc, sybils_gain_the_quotas_share_at_most);
    tcase_add_test(tc, operators_end_with_the_same_of_a_full_prefix);
    tcase_add_test(tc, who_is_listed_is_not_crowded_out);
    tcase_add_test(tc, a_heartbeat_kept_back_lengthens_no_life);
    tcase_add_test(tc, the_next_death_is_of_who_was_silent_longest);
    tcase_add_test(tc, a_descriptor_is_replaced_once_a_second);
    tcase_add_test(tc, who_was_not_reached_is_not_live);
    tcase_add_test(tc, reached_through_another_is_not_reached_at_the_address);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(registry_suite)

/* Who holds a place in an operator's registry, and who only waits for one. */
#include "unit/dir/fixture.h"

#include <stdio.h>

enum { FAKE = 1000 }; /* identities from here on are of nodes that nobody reaches */

static qn_registry r;

static void setup(void)
{
    fx_open(1, 1, false);
    qn_registry_init(&r, &t.env, &net);
    r.must_reach = true;
}

static void teardown(void)
{
    qn_registry_clear(&r);
    fx_close();
}

static qn_slice at(uint16_t i, const char *addr, uint64_t sequence)
{
    qn_descriptor d = fx_relay(i);

    d.sequence = sequence;
    d.addrs[0] = fx_addr(addr);
    return fx_signed(&d, i);
}

static qn_err come(uint16_t i, const char *addr)
{
    qn_err err = qn_registry_register(&r, at(i, addr, 7), NULL);

    return err == QN_OK ? qn_registry_heartbeat(&r, fx_beat(i, 7, t.env.wall, 0)) : err;
}

static qn_peerid id_of(uint16_t i)
{
    qn_descriptor d;

    qt_assert_err(qn_descriptor_open(&d, &t.env, &net, at(i, "9.9.9.1:443", 7)), QN_OK);
    return d.id;
}

static const qn_registration *entry(uint16_t i)
{
    qn_peerid id = id_of(i);

    return qn_registry_find(&r, &id);
}

static void reach(uint16_t i)
{
    qn_peerid id = id_of(i);

    qn_registry_reached(&r, &id);
}

static uint32_t live(void)
{
    uint32_t cursor = 0, n = 0;

    while (qn_registry_next(&r, NULL, &cursor) != NULL)
        n++;
    return n;
}

START_TEST(made_up_nodes_keep_nobody_out_of_a_prefix)
{
    char addr[32];

    for (uint16_t i = 0; i < 3 * QN_QUOTA_PREFIX; i++) {
        (void)snprintf(addr, sizeof addr, "9.9.9.%u:443", i + 1u);
        qt_assert_err(come((uint16_t)(FAKE + i), addr), QN_OK);
    }
    ck_assert_uint_eq(r.n, QN_QUOTA_PREFIX); /* and they do not pile up */
    for (uint16_t i = 0; i < QN_QUOTA_PREFIX; i++) {
        qt_assert_err(come(i, "9.9.9.200:443"), QN_OK);
        reach(i);
    }
    ck_assert_uint_eq(live(), QN_QUOTA_PREFIX);
    qt_assert_err(come(99, "9.9.9.201:443"), QN_QUOTA);
}
END_TEST

START_TEST(made_up_nodes_of_another_operator_put_out_nobody_who_was_reached)
{
    char addr[32];

    for (uint16_t i = 0; i < QN_QUOTA_PREFIX; i++) {
        qt_assert_err(come(i, "9.9.9.200:443"), QN_OK);
        reach(i);
    }
    for (uint16_t i = 0; i < 200; i++) {
        qn_err err;

        (void)snprintf(addr, sizeof addr, "9.9.9.%u:443", i + 1u);
        err = qn_registry_share(&r, at((uint16_t)(FAKE + i), addr, 7), (qn_slice){0});
        ck_assert(err == QN_OK || err == QN_QUOTA);
    }
    ck_assert_uint_eq(live(), QN_QUOTA_PREFIX);
    ck_assert_uint_le(r.n, 2 * QN_QUOTA_PREFIX);
}
END_TEST

/* All operators dial whom one of them lists, and the lowest PeerIDs stay. */
START_TEST(who_was_reached_by_all_is_chosen_by_peerid)
{
    uint32_t higher = 0;

    for (uint16_t i = 0; i < 2 * QN_QUOTA_PREFIX; i++) {
        qn_err err = qn_registry_share(&r, at(i, "9.9.9.200:443", 7), fx_beat(i, 7, t.env.wall, 0));

        ck_assert(err == QN_OK || err == QN_QUOTA);
        reach(i);
    }
    ck_assert_uint_eq(live(), QN_QUOTA_PREFIX);
    for (uint16_t i = 0; i < 2 * QN_QUOTA_PREFIX; i++) {
        qn_peerid id = id_of(i);

        if (qn_registry_find(&r, &id) == NULL) {
            ck_assert_int_gt(memcmp(id.b, r.v[r.n - 1]->d.id.b, sizeof id.b), 0);
            higher++;
        }
    }
    ck_assert_uint_eq(higher, QN_QUOTA_PREFIX);
}
END_TEST

/* Each operator was told of other nodes that moved into the prefix. */
START_TEST(nodes_that_move_stay_within_the_quota_whoever_tells_of_it)
{
    char addr[32];

    for (uint16_t i = 0; i < 3 * QN_QUOTA_PREFIX; i++) {
        (void)snprintf(addr, sizeof addr, "9.9.%u.1:443", 10u + i);
        qt_assert_err(come(i, addr), QN_OK);
        reach(i);
    }
    qt_env_step(&t, 2 * QN_SEC);
    for (uint16_t i = 0; i < 3 * QN_QUOTA_PREFIX; i++) {
        qn_err err = qn_registry_share(&r, at(i, "9.9.9.1:443", 8), (qn_slice){0});

        ck_assert(err == QN_OK || err == QN_QUOTA);
        if (err == QN_OK)
            reach(i);
    }
    {
        qn_addr prefix = fx_addr("9.9.9.0:443");
        unsigned there = 0;

        for (uint32_t i = 0; i < r.n; i++)
            there += memcmp(r.v[i]->d.addrs[0].ip, prefix.ip, 3) == 0 && r.v[i]->reached;
        ck_assert_uint_eq(there, QN_QUOTA_PREFIX);
    }
}
END_TEST

START_TEST(a_registry_full_of_made_up_nodes_takes_newcomers)
{
    char addr[32];

    qt_assert_err(come(0, "8.8.8.8:443"), QN_OK);
    reach(0);
    for (uint16_t i = 0; i < QN_REGISTRY_MAX + 10; i++) {
        (void)snprintf(addr, sizeof addr, "9.%u.%u.1:443", i / 256u, i % 256u);
        qt_assert_err(qn_registry_register(&r, at((uint16_t)(FAKE + i), addr, 7), NULL), QN_OK);
        if (i == 0)
            qt_env_step(&t, QN_SEC); /* the first has waited longest */
    }
    ck_assert_uint_eq(r.n, QN_REGISTRY_MAX);
    qt_assert_err(come(1, "8.8.9.8:443"), QN_OK);
    ck_assert_uint_eq(r.n, QN_REGISTRY_MAX);
    ck_assert_ptr_nonnull(entry(0)); /* who was reached stays, however old */
    ck_assert_ptr_nonnull(entry(1));
    ck_assert_ptr_null(entry(FAKE));
}
END_TEST

/* One IPv4 address is a whole /48 of 6to4, and all of them share one of mapped ones. */
START_TEST(forms_of_ipv4_addresses_are_no_prefixes_of_their_own)
{
    static const qn_addr form[] = {
        {.family = 6, .port = 443, .ip = {0x26, 0x06, 0x47, [15] = 1}}, /* none: it is taken */
        {.family = 6, .port = 443, .ip = {0x20, 0x02, 9, 9, 9, 9, [15] = 1}},
        {.family = 6, .port = 443, .ip = {[10] = 0xff, 0xff, 9, 9, 9, 9}},
        {.family = 6, .port = 443, .ip = {0, 0x64, 0xff, 0x9b, [12] = 9, 9, 9, 9}},
        {.family = 6,
         .port = 443,
         .ip = {0x20, 1, 0, 0, 9, 9, 9, 9, [12] = 0xf6, 0xf6, 0xf6, 0xf6}},
    };
    qn_secret32 identity = fx_secret('i', 1);
    qn_descriptor d = fx_relay(1);
    uint8_t out[QN_DESCRIPTOR_MAX];
    size_t n;

    d.addrs[0] = form[_i];
    qt_assert_err(qn_descriptor_sign(&d, &t.env, &net, &identity, out, &n),
                  _i == 0 ? QN_OK : QN_CONFIG);
}
END_TEST

static Suite *quota_suite(void)
{
    Suite *s = suite_create("dir/quota");
    TCase *tc = tcase_create("quota");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, made_up_nodes_keep_nobody_out_of_a_prefix);
    tcase_add_test(tc, made_up_nodes_of_another_operator_put_out_nobody_who_was_reached);
    tcase_add_test(tc, who_was_reached_by_all_is_chosen_by_peerid);
    tcase_add_test(tc, nodes_that_move_stay_within_the_quota_whoever_tells_of_it);
    tcase_add_test(tc, a_registry_full_of_made_up_nodes_takes_newcomers);
    tcase_add_loop_test(tc, forms_of_ipv4_addresses_are_no_prefixes_of_their_own, 0, 5);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(quota_suite)

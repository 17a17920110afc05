/* What many identities of one hand gain in an operator's registry: what its prefixes allow. */
#include "unit/dir/fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { HONEST = 800, SYBILS = 200 }; /* 20 % of all identities */

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

/* Registers, says that it lives, and is dialled back with success. True: it has a place. */
static bool join(uint16_t i, const char *addr)
{
    qn_descriptor d = fx_relay(i);
    qn_peerid id;
    qn_err err;

    d.addrs[0] = fx_addr(addr);
    err = qn_registry_register(&r, fx_signed(&d, i), &id);
    if (err != QN_OK) {
        qt_assert_err(err, QN_QUOTA);
        return false;
    }
    qt_assert_err(qn_registry_heartbeat(&r, fx_beat(i, 7, t.env.wall, 0)), QN_OK);
    qn_registry_reached(&r, &id);
    return true;
}

static uint32_t listed(void)
{
    uint32_t cursor = 0, n = 0;

    while (qn_registry_next(&r, NULL, &cursor) != NULL)
        n++;
    return n;
}

static void sybils_join(unsigned prefixes)
{
    char addr[48];

    for (unsigned i = 0; i < SYBILS; i++) {
        (void)snprintf(addr, sizeof addr, "9.9.%u.%u:443", i % prefixes, 1 + i / prefixes);
        (void)join((uint16_t)(HONEST + i), addr);
    }
}

/* Sybils come first, which is their best case. */
static void a_fifth_of_the_identities(unsigned prefixes)
{
    char addr[48];
    uint32_t sybils, all;

    sybils_join(prefixes);
    sybils = listed();
    for (unsigned i = 0; i < HONEST; i++) {
        (void)snprintf(addr, sizeof addr, "%u.%u.7.1:443", 60 + i / 200, 1 + i % 200);
        ck_assert(join((uint16_t)i, addr));
    }
    all = listed();
    ck_assert_uint_eq(all, HONEST + sybils);
    ck_assert_uint_eq(sybils, QN_MIN((unsigned)SYBILS, prefixes * QN_QUOTA_PREFIX));
    if (getenv("QT_PRINT") != NULL)
        printf("%u identities of %u, from %u prefixes: %u of %u listed, %.1f %%\n", SYBILS,
               SYBILS + HONEST, prefixes, sybils, all, 100.0 * sybils / all);
}

START_TEST(sybils_gain_what_their_prefixes_allow)
{
    static const unsigned prefixes[] = {1, 5, 10, 25, 50};

    a_fifth_of_the_identities(prefixes[_i]);
}
END_TEST

static Suite *sybil_suite(void)
{
    Suite *s = suite_create("dir/sybil");
    TCase *tc = tcase_create("sybil");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, sybils_gain_what_their_prefixes_allow, 0, 5);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(sybil_suite)

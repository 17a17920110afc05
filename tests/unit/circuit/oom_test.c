/* Every allocation of a circuit's whole life fails once: the circuit goes on or ends with an error,
 * what arrives is right, and everything is given back. */
#include "support/qt.h"

#include "chain.h"

static chain x;
static unsigned completed, ended;

static void life(void)
{
    uint32_t sid = 0;
    qn_dest dest = {.type = 3, .name_len = 11, .port = 443, .name = "example.com"};

    for (unsigned i = 0; i < 2; i++) /* what had no memory the first time is asked again */
        chain_run(&x);
    if (x.ended || qn_circuit_open(&x.circuit, &dest, &x.client.s[1], &sid) != QN_OK)
        return;
    for (unsigned i = 0; i < 3; i++) {
        (void)side_send(&x.client, sid, 30000);
        chain_run(&x);
        if (x.exit.s[sid].opens > 0)
            (void)side_send(&x.exit, sid, 30000);
        chain_run(&x);
    }
    qn_apps_end(x.client.apps, sid, QN_APP_DONE);
    if (x.exit.s[sid].opens > 0)
        qn_apps_end(x.exit.apps, sid, QN_APP_DONE);
    for (unsigned i = 0; i < 2; i++)
        chain_run(&x);
    if (x.client.s[sid].ends > 0 && x.client.s[sid].end == QN_APP_DONE)
        ck_assert_uint_eq(x.client.s[sid].got, x.exit.s[sid].sent);
    if (x.exit.s[sid].ends > 0 && x.exit.s[sid].end == QN_APP_DONE)
        ck_assert_uint_eq(x.exit.s[sid].got, x.client.s[sid].sent);
    completed += x.client.s[sid].end == QN_APP_DONE && x.client.s[sid].ends == 1;
}

START_TEST(each_allocation_may_fail)
{
    uint64_t requests;

    chain_open(&x, 3);
    life();
    ck_assert_uint_eq(completed, 1);
    requests = qt_alloc_requests();
    chain_close(&x);
    ck_assert_uint_gt(requests, 40);
    for (uint64_t n = 1; n <= requests; n++) {
        chain_open(&x, 3);
        qt_alloc_fail_at(n);
        life();
        ended += x.ended;
        if (x.ended)
            qt_assert_err(x.why == QN_GONE ? QN_NOMEM : x.why, QN_NOMEM);
        chain_close(&x);
    }
    ck_assert_uint_gt(completed, requests / 2); /* most failures only delay */
    ck_assert_uint_gt(ended, 0);
}
END_TEST

START_TEST(at_the_memory_cap_a_stream_waits_and_goes_on)
{
    uint32_t sid;

    chain_open(&x, 3);
    chain_run(&x);
    sid = chain_stream(&x);
    chain_run(&x);
    x.t.env.mem.limit = x.t.env.mem.used;
    ck_assert_uint_gt(qn_apps_room(x.client.apps, sid), 0);
    ck_assert_uint_eq(side_send(&x.client, sid, 100), 0);
    ck_assert_uint_eq(x.t.env.mem.used, x.t.env.mem.limit);
    x.t.env.mem.limit = UINT64_MAX;
    ck_assert_uint_eq(side_send(&x.client, sid, 100), 100);
    chain_run(&x);
    ck_assert_uint_eq(x.exit.s[sid].got, 100);
    chain_close(&x);
}
END_TEST

static Suite *oom_suite(void)
{
    Suite *s = suite_create("circuit/oom");
    TCase *tc = tcase_create("oom");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, each_allocation_may_fail);
    tcase_add_test(tc, at_the_memory_cap_a_stream_waits_and_goes_on);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(oom_suite)

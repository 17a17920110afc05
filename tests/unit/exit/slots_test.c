/* How many sockets, in all and for one. */
#include "support/qt.h"

#include "exit/slots.h"
#include "qnet/err.h"

static qt_env t;
static qn_slots s;
static qn_slots_limits limits;
static qn_slot held[100];
static unsigned held_n;

static void use(qn_slots_limits l)
{
    limits = l;
    qn_slots_clear(&s, &t.env.mem);
    qn_slots_init(&s, &limits, 7);
    held_n = 0;
}

static void setup(void)
{
    qt_env_open(&t, 1);
    use((qn_slots_limits){.all = 10, .per_source = 4});
}

static void teardown(void)
{
    qn_slots_clear(&s, &t.env.mem);
    qn_slots_clear(&s, &t.env.mem);
    ck_assert_uint_eq(s.n, 0);
    qt_env_close(&t);
}

static qn_err ask(uint64_t source, uint64_t entry, const char *host, uint16_t port)
{
    qn_slot slot = {.source = source, .entry = entry};
    qn_dest d = {.type = 3, .port = port, .name_len = (uint8_t)strlen(host)};
    qn_err err;

    memcpy(d.name, host, d.name_len);
    err = qn_slots_take(&s, &t.env.mem, t.env.now, &slot, &d);
    ck_assert(slot.held == (err == QN_OK));
    if (err == QN_OK)
        held[held_n++] = slot;
    return err;
}

static qn_err take(uint64_t source)
{
    return ask(source, source, "example.org", 80);
}

static void give(uint64_t source)
{
    for (unsigned i = 0; i < held_n; i++)
        if (held[i].held && held[i].source == source) {
            qn_slots_give(&s, &t.env.mem, &held[i]);
            ck_assert(!held[i].held);
            return;
        }
    ck_abort_msg("nothing to give");
}

/* ---- sockets --------------------------------------------------------------------------------- */

START_TEST(one_source_takes_its_share_and_no_more)
{
    for (unsigned i = 0; i < 4; i++)
        qt_assert_err(take(1), QN_OK);
    qt_assert_err(take(1), QN_LIMIT);
    qt_assert_err(take(0), QN_OK);
    give(1);
    qt_assert_err(take(1), QN_OK);
    ck_assert_uint_eq(s.n, 5);
}
END_TEST

START_TEST(all_together_take_what_there_is)
{
    for (uint64_t id = 0; id < 10; id++)
        qt_assert_err(take(id), QN_OK);
    qt_assert_err(take(10), QN_BUSY);
    give(5);
    qt_assert_err(take(10), QN_OK);
    qt_assert_err(take(11), QN_BUSY);
}
END_TEST

/* Each of the circuits stays within its own share; their link does not get everything. */
START_TEST(four_circuits_of_one_link_leave_room_for_others)
{
    unsigned got = 0;

    use((qn_slots_limits){.all = 12, .per_source = 4, .per_entry = 9});
    for (unsigned i = 0; i < 16; i++)
        got += ask(i / 4, 77, "example.org", 80) == QN_OK;
    ck_assert_uint_eq(got, 9);
    qt_assert_err(ask(3, 77, "example.org", 80), QN_BUSY);
    for (unsigned i = 0; i < 3; i++)
        qt_assert_err(ask(10 + i, 78, "example.org", 80), QN_OK);
    qt_assert_err(ask(20, 78, "example.org", 80), QN_BUSY);
}
END_TEST

START_TEST(one_destination_gets_so_many_from_each_source)
{
    use((qn_slots_limits){.all = 100, .per_source = 50, .per_dest = 2});
    qt_assert_err(ask(1, 1, "example.org", 80), QN_OK);
    qt_assert_err(ask(1, 1, "EXAMPLE.org.", 80), QN_OK);
    qt_assert_err(ask(1, 1, "example.org", 80), QN_LIMIT);
    qt_assert_err(ask(1, 1, "example.org", 443), QN_OK);
    qt_assert_err(ask(1, 1, "example.net", 80), QN_OK);
    qt_assert_err(ask(2, 1, "example.org", 80), QN_OK);
    give(1);
    qt_assert_err(ask(1, 1, "example.org", 80), QN_OK);
}
END_TEST

START_TEST(sources_that_are_gone_cost_nothing)
{
    for (uint64_t id = 0; id < 100; id++) {
        held_n = 0;
        qt_assert_err(take(id), QN_OK);
        if (id % 2)
            give(id);
        qn_slots_forget(&s, &t.env.mem, id);
        if (id % 2 == 0)
            give(id);
        ck_assert_uint_eq(t.env.mem.used, 0);
    }
    qn_slots_forget(&s, &t.env.mem, 5); /* that never asked */
}
END_TEST

START_TEST(sources_may_leave_in_any_order)
{
    static const uint64_t order[] = {2, 0, 4, 1, 3};

    for (uint64_t id = 0; id < 5; id++) {
        qt_assert_err(take(id), QN_OK);
        qt_assert_err(take(id), QN_OK);
    }
    for (size_t i = 0; i < 5; i++) {
        give(order[i]);
        give(order[i]);
        qn_slots_forget(&s, &t.env.mem, order[i]);
        ck_assert_uint_eq(s.n, 8 - 2 * i);
    }
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

START_TEST(survives_every_failed_allocation)
{
    uint64_t total;

    use((qn_slots_limits){.all = 100, .per_source = 4});
    qt_alloc_fail_at(0);
    for (uint64_t id = 0; id < 20; id++)
        qt_assert_err(take(id), QN_OK);
    total = qt_alloc_requests();
    for (uint64_t fail = 1; fail <= total; fail++) {
        unsigned refused = 0;

        qn_slots_clear(&s, &t.env.mem);
        held_n = 0;
        ck_assert_uint_eq(t.env.mem.used, 0);
        qt_alloc_fail_at(fail);
        for (uint64_t id = 0; id < 20; id++) {
            qn_err err = take(id);

            ck_assert(err == QN_OK || err == QN_NOMEM);
            refused += err != QN_OK;
        }
        ck_assert_uint_eq(refused, 1);
        ck_assert_uint_eq(s.n, 19);
    }
    qt_alloc_fail_at(0);
}
END_TEST

/* ---- rates ----------------------------------------------------------------------------------- */

START_TEST(requests_are_granted_by_the_minute)
{
    unsigned got = 0;

    use((qn_slots_limits){.all = 100, .requests = {6, 60 * QN_SEC}});
    for (unsigned i = 0; i < 6; i++)
        qt_assert_err(take(1), QN_OK);
    qt_assert_err(take(1), QN_LIMIT);
    qt_assert_err(take(2), QN_OK);
    t.env.now += 10 * QN_SEC - 1;
    qt_assert_err(take(1), QN_LIMIT);
    t.env.now += 1;
    qt_assert_err(take(1), QN_OK);
    qt_assert_err(take(1), QN_LIMIT);
    t.env.now += 3600 * QN_SEC; /* saves up one minute's and no more */
    while (take(1) == QN_OK)
        got++;
    ck_assert_uint_eq(got, 6);
}
END_TEST

START_TEST(bytes_are_granted_by_the_second)
{
    qn_slot *slot = &held[0];
    qn_time when;

    use((qn_slots_limits){.all = 100, .bytes = {1000, QN_SEC}, .bytes_together = {1500, QN_SEC}});
    qt_assert_err(take(1), QN_OK);
    qt_assert_err(take(2), QN_OK);
    ck_assert_uint_eq(qn_slots_wait(&s, slot, t.env.now), 0);
    qn_slots_moved(&s, slot, 999);
    ck_assert_uint_eq(qn_slots_wait(&s, slot, t.env.now), 0);
    qn_slots_moved(&s, slot, 101); /* 100 in debt */
    when = qn_slots_wait(&s, slot, t.env.now);
    ck_assert_uint_eq(when, t.env.now + 101 * QN_MS);
    ck_assert_uint_eq(qn_slots_wait(&s, &held[1], t.env.now), 0);
    qn_slots_moved(&s, &held[1], 500); /* all together have moved 1,600 */
    ck_assert_uint_ne(qn_slots_wait(&s, &held[1], t.env.now), 0);
    t.env.now = when;
    ck_assert_uint_eq(qn_slots_wait(&s, slot, t.env.now), 0);
}
END_TEST

/* However often it is asked, rounding neither gives nor takes. */
START_TEST(a_rate_is_kept_over_time)
{
    static const qn_grant g = {7, QN_SEC};
    qn_time from = 5 * QN_SEC, now = from;
    qn_rate r = {0};
    unsigned spent = 0;

    for (; now < from + 100 * QN_SEC; now += 999331)
        if (qn_rate_wait(&r, &g, now) == 0) {
            qn_rate_spend(&r, &g, 1);
            spent++;
        }
    ck_assert_uint_ge(spent, 706);
    ck_assert_uint_le(spent, 707);
}
END_TEST

START_TEST(without_a_limit_nothing_waits)
{
    for (unsigned i = 0; i < 4; i++)
        qt_assert_err(take(1), QN_OK);
    qn_slots_moved(&s, &held[0], UINT32_MAX);
    ck_assert_uint_eq(qn_slots_wait(&s, &held[0], t.env.now), 0);
}
END_TEST

static Suite *slots_suite(void)
{
    Suite *suite = suite_create("exit/slots");
    TCase *tc = tcase_create("slots");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_source_takes_its_share_and_no_more);
    tcase_add_test(tc, all_together_take_what_there_is);
    tcase_add_test(tc, four_circuits_of_one_link_leave_room_for_others);
    tcase_add_test(tc, one_destination_gets_so_many_from_each_source);
    tcase_add_test(tc, sources_that_are_gone_cost_nothing);
    tcase_add_test(tc, requests_are_granted_by_the_minute);
    tcase_add_test(tc, bytes_are_granted_by_the_second);
    tcase_add_test(tc, a_rate_is_kept_over_time);
    tcase_add_test(tc, without_a_limit_nothing_waits);
    tcase_add_test(tc, sources_may_leave_in_any_order);
    tcase_add_test(tc, survives_every_failed_allocation);
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(slots_suite)

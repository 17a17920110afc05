/* Tickets between connections: single use, newest first, two of a place, bounded, mortal. */
#include "fixture.h"

#include "tls/tickets.h"

static qt_env t;
static qn_tls_profile p;
static qn_tls_tickets *s;

static void setup(void)
{
    qt_env_open(&t, 1);
    p = tls_profile(&t, tls_profiles[0]);
    qt_assert_err(qn_tls_tickets_new(&s, &t.env), QN_OK);
}

static void teardown(void)
{
    qn_tls_tickets_free(s, &t.env);
    s = NULL;
    qt_env_close(&t);
}

static qn_hash place(const char *peer, const char *name)
{
    qn_hash key;

    qt_assert_err(qn_tls_tickets_key(&t.env, qn_slice_of(peer, strlen(peer)), &p,
                                     qn_slice_of(name, strlen(name)), &key),
                  QN_OK);
    return key;
}

/* A ticket that can be told by its age_add. */
static void put(const char *peer, uint32_t mark)
{
    qn_hash key = place(peer, DECOY);
    qn_tls_ticket ticket = tls_ticket(&t);

    ticket.age_add = mark;
    qn_tls_tickets_put(s, &key, &ticket);
}

/* Its mark; 0: none. */
static uint32_t take(const char *peer)
{
    qn_hash key = place(peer, DECOY);
    qn_tls_ticket ticket;

    return qn_tls_tickets_take(s, &key, &p, t.env.now, &ticket) ? ticket.age_add : 0;
}

START_TEST(each_is_used_once_the_newest_first)
{
    put("a", 1);
    put("a", 2);
    ck_assert_uint_eq(take("a"), 2);
    ck_assert_uint_eq(take("a"), 1);
    ck_assert_uint_eq(take("a"), 0);
    ck_assert_uint_eq(qn_tls_tickets_count(s), 0);
}
END_TEST

START_TEST(of_one_place_the_two_newest_stay)
{
    put("b", 9);
    for (uint32_t i = 1; i <= 5; i++)
        put("a", i);
    ck_assert_uint_eq(qn_tls_tickets_count(s), 3);
    ck_assert_uint_eq(take("a"), 5);
    ck_assert_uint_eq(take("a"), 4);
    ck_assert_uint_eq(take("a"), 0);
    ck_assert_uint_eq(take("b"), 9);
}
END_TEST

START_TEST(no_place_gets_another_s)
{
    qn_hash a = place("ab", "c"), b = place("a", "bc"), other;

    ck_assert_mem_ne(a.b, b.b, sizeof a.b);
    p = tls_profile(&t, tls_profiles[1]);
    other = place("ab", "c");
    ck_assert_mem_ne(a.b, other.b, sizeof a.b);
    put("a", 1);
    ck_assert_uint_eq(take("b"), 0);
    ck_assert_uint_eq(take("a"), 1);
}
END_TEST

START_TEST(the_oldest_of_all_gives_way)
{
    char name[16];

    for (uint32_t i = 0; i < QN_TLS_CACHE_MAX + 3; i++) {
        (void)snprintf(name, sizeof name, "%u", i);
        put(name, i + 1);
    }
    ck_assert_uint_eq(qn_tls_tickets_count(s), QN_TLS_CACHE_MAX);
    ck_assert_uint_eq(take("2"), 0);
    ck_assert_uint_eq(take("3"), 4);
}
END_TEST

START_TEST(memory_comes_and_goes_with_the_tickets)
{
    uint64_t empty = t.env.mem.used, one;

    ck_assert_uint_lt(empty, 2048);
    put("a", 1);
    one = t.env.mem.used;
    ck_assert_uint_lt(one, empty + 1024);
    put("a", 2);
    ck_assert_uint_eq(take("a"), 2);
    ck_assert_uint_eq(t.env.mem.used, one);
    t.env.mem.limit = one;
    put("a", 3); /* no memory: not kept, nothing else lost */
    t.env.mem.limit = UINT64_MAX;
    ck_assert_uint_eq(qn_tls_tickets_count(s), 1);
    ck_assert_uint_eq(take("a"), 1);
    ck_assert_uint_eq(t.env.mem.used, empty);
}
END_TEST

START_TEST(none_outlives_its_time)
{
    put("a", 1);
    put("a", 2);
    t.env.now += 7200 * QN_SEC;
    ck_assert_uint_eq(take("a"), 0);
    ck_assert_uint_eq(qn_tls_tickets_count(s), 0); /* nor stays */
}
END_TEST

/* Firefox's ECH grows with the ticket; by how much is captured for some sizes only. */
START_TEST(one_whose_size_no_capture_has_is_passed_over)
{
    qn_hash key;
    qn_tls_ticket ticket = tls_ticket(&t), got;

    p = tls_profile(&t, tls_profiles[1]);
    key = place("a", DECOY);
    qn_tls_tickets_put(s, &key, &ticket);
    ticket.id_n = 219; /* 278 bytes: 22 over a step */
    qn_tls_tickets_put(s, &key, &ticket);
    ticket.id_n = 230; /* 289 bytes: 1 over, and no capture has fewer than 11 */
    qn_tls_tickets_put(s, &key, &ticket);
    ck_assert(qn_tls_tickets_take(s, &key, &p, t.env.now, &got));
    ck_assert_uint_eq(got.id_n, 219);
    ck_assert_uint_eq(qn_tls_tickets_count(s), 0); /* the first gave way, the last was dropped */
}
END_TEST

START_TEST(a_new_network_finds_none)
{
    put("a", 1);
    qn_tls_tickets_clear(s);
    ck_assert_uint_eq(take("a"), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("tls/tickets");
    TCase *tc = tcase_create("tickets");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_is_used_once_the_newest_first);
    tcase_add_test(tc, of_one_place_the_two_newest_stay);
    tcase_add_test(tc, no_place_gets_another_s);
    tcase_add_test(tc, the_oldest_of_all_gives_way);
    tcase_add_test(tc, memory_comes_and_goes_with_the_tickets);
    tcase_add_test(tc, none_outlives_its_time);
    tcase_add_test(tc, one_whose_size_no_capture_has_is_passed_over);
    tcase_add_test(tc, a_new_network_finds_none);
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(suite)

/* The peer takes an id below the highest it has seen for an old one: so streams are introduced in
 * the order they were opened, whichever is used first. */
#include "fixture.h"

static void setup(void)
{
    open_sides(&qn_carrier_bare);
    connect_sides();
}

START_TEST(a_stream_opened_first_and_used_last_arrives)
{
    uint32_t early = open_stream(&a, QN_KIND_CIRCUIT), late = open_stream(&a, QN_KIND_APP);

    send_all(&a, late, 0, 100, 100, false);
    send_all(&a, early, 0, 1056, 1056, false);
    ck_assert_uint_eq(b.s[late].bytes, 100);
    ck_assert_uint_eq(b.s[early].bytes, 1056);
    ck_assert_int_eq(b.s[early].kind, QN_KIND_CIRCUIT);
}
END_TEST

/* One that nothing was sent on, because it was given up first, leaves no gap that matters. */
START_TEST(a_stream_closed_before_its_first_frame_is_never_heard_of)
{
    uint32_t gone = open_stream(&a, QN_KIND_APP), next = open_stream(&a, QN_KIND_APP);

    qn_link_close(&a.link, gone, QN_CLOSE_GONE);
    send_all(&a, next, 0, 100, 100, true);
    pass(QN_SEC);
    ck_assert_uint_eq(b.s[gone].news, 0);
    ck_assert_uint_eq(b.s[next].bytes, 100);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("link order");
    TCase *t = tcase_create("order");

    tcase_add_checked_fixture(t, setup, close_sides);
    tcase_add_test(t, a_stream_opened_first_and_used_last_arrives);
    tcase_add_test(t, a_stream_closed_before_its_first_frame_is_never_heard_of);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

/* The scheduler: short flows first, long ones alike, nobody starves. */
#include "support/qt.h"

#include "frame/sched.h"

enum { FRAME = 16000 };

typedef struct flow {
    qn_flow node; /* first */
    uint32_t left, frame;
    uint64_t done_at; /* bytes served to all when this one finished */
    uint64_t served;
} flow;

static qn_sched sched;
static uint64_t clock_bytes;
static qn_time now;

static void setup(void)
{
    sched = (qn_sched){0};
    clock_bytes = 0;
    now = QN_SEC;
}

static void give(flow *f, uint32_t n)
{
    f->left += n;
    qn_sched_wake(&sched, &f->node, now);
}

static flow *serve(void)
{
    flow *f = (flow *)qn_sched_pick(&sched);
    uint32_t n;

    if (f == NULL)
        return NULL;
    ck_assert_uint_gt(f->left, 0);
    n = QN_MIN(f->left, f->frame);
    f->left -= n;
    f->served += n;
    clock_bytes += n;
    if (f->left == 0)
        f->done_at = clock_bytes;
    qn_sched_charge(&sched, &f->node, n, f->left > 0, now);
    return f;
}

START_TEST(nothing_active_is_nothing_to_serve)
{
    flow f = {.frame = FRAME};

    ck_assert_ptr_null(qn_sched_pick(&sched));
    give(&f, 10);
    ck_assert_ptr_eq(serve(), &f);
    ck_assert_ptr_null(serve());
    ck_assert_ptr_null(sched.list[0].head);
    ck_assert_ptr_null(sched.list[1].head);
    ck_assert_ptr_null(sched.list[2].head);
}
END_TEST

START_TEST(a_small_stream_beats_a_large_one_that_began_before)
{
    flow large = {.frame = FRAME}, small = {.frame = FRAME};

    give(&large, 512 * 1024);
    for (unsigned i = 0; i < 3; i++)
        serve();
    give(&small, 8 * 1024);
    while (serve() != NULL)
        ;
    ck_assert_uint_eq(small.done_at, 3 * FRAME + 8 * 1024);
    ck_assert_uint_eq(large.done_at, (512 + 8) * 1024);
}
END_TEST

START_TEST(busy_flows_share_bytes_whatever_their_frames)
{
    flow f[3] = {{.frame = 16384}, {.frame = 1064}, {.frame = 5000}};

    for (unsigned i = 0; i < 3; i++)
        give(&f[i], 100u << 20);
    while (clock_bytes < (30u << 20))
        serve();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_gt(f[i].served, (10u << 20) - 2 * QN_RECORD_CONTENT_MAX);
        ck_assert_uint_lt(f[i].served, (10u << 20) + 2 * QN_RECORD_CONTENT_MAX);
    }
}
END_TEST

START_TEST(of_a_hundred_flows_none_starves)
{
    static flow f[100];
    uint64_t least = UINT64_MAX, most = 0;

    memset(f, 0, sizeof f);
    for (unsigned i = 0; i < 100; i++) {
        f[i].frame = 700 + 150 * i;
        give(&f[i], 10u << 20);
    }
    while (clock_bytes < (200u << 20))
        serve();
    for (unsigned i = 0; i < 100; i++) {
        least = QN_MIN(least, f[i].served);
        most = QN_MAX(most, f[i].served);
    }
    ck_assert_uint_lt(most - least, 3 * QN_RECORD_CONTENT_MAX);
}
END_TEST

/* A flow that empties and wakes between two turns would be "new" for ever. */
START_TEST(waking_over_and_over_does_not_starve_busy_flows)
{
    flow cheat = {.frame = FRAME}, busy = {.frame = FRAME};

    give(&busy, 100u << 20);
    while (clock_bytes < (10u << 20)) {
        if (cheat.left == 0)
            give(&cheat, FRAME);
        serve();
    }
    ck_assert_uint_gt(busy.served, (4u << 20));
}
END_TEST

START_TEST(neither_do_many_that_take_turns_at_it)
{
    flow cheat[10] = {0}, busy = {.frame = FRAME};

    give(&busy, 100u << 20);
    while (clock_bytes < (22u << 20)) {
        for (unsigned i = 0; i < QN_LEN(cheat); i++) {
            cheat[i].frame = FRAME;
            if (cheat[i].left == 0 && cheat[i].node.list == 0)
                give(&cheat[i], FRAME);
        }
        serve();
    }
    ck_assert_uint_gt(busy.served, (1u << 20));
}
END_TEST

/* Fifty downloads have had their fill when a page comes. */
START_TEST(a_page_of_a_mebibyte_beats_fifty_downloads)
{
    static flow bulk[50];
    flow page = {.frame = FRAME};
    uint64_t began;

    memset(bulk, 0, sizeof bulk);
    for (unsigned i = 0; i < QN_LEN(bulk); i++) {
        bulk[i].frame = FRAME;
        give(&bulk[i], 100u << 20);
    }
    while (clock_bytes < (200u << 20))
        serve();
    began = clock_bytes;
    give(&page, 1u << 20);
    while (page.left > 0)
        serve();
    ck_assert_uint_le(page.done_at - began, (5u << 20) / 4);
}
END_TEST

/* And whoever always has a fresh one does not stop them. */
START_TEST(fresh_flows_leave_bulk_a_ninth)
{
    flow fresh = {.frame = FRAME}, bulk = {.frame = FRAME};
    uint64_t began;

    give(&bulk, 1000u << 20);
    while (clock_bytes < (10u << 20))
        serve();
    began = bulk.served;
    while (clock_bytes < (100u << 20)) {
        if (fresh.left == 0) {
            qn_sched_remove(&sched, &fresh.node);
            fresh.node = (qn_flow){0};
            give(&fresh, 1u << 20);
        }
        serve();
    }
    ck_assert_uint_ge(bulk.served - began, (90u << 20) / 9 - (1u << 20));
    ck_assert_uint_le(bulk.served - began, (90u << 20) / 8);
}
END_TEST

START_TEST(bulk_that_rests_is_no_longer_bulk)
{
    flow one = {.frame = FRAME}, other = {.frame = FRAME};

    give(&other, 1000u << 20);
    give(&one, 4u << 20);
    while (one.left > 0)
        serve();
    ck_assert(one.node.bulk);
    now += QN_SCHED_REST / 4; /* half of it must come back */
    give(&one, FRAME);
    while (one.left > 0)
        serve();
    ck_assert(one.node.bulk);
    now += QN_SCHED_REST / 2;
    give(&one, FRAME);
    ck_assert(!one.node.bulk);
    now += 100 * QN_SCHED_REST;
    while (one.left > 0)
        serve();
    now += 100 * QN_SCHED_REST;
    give(&one, FRAME);
    ck_assert_uint_eq(one.node.spent, 0);
}
END_TEST

/* One that always has something to send does not rest, however slowly it is served. */
START_TEST(waiting_is_not_resting)
{
    flow one = {.frame = FRAME};

    give(&one, 10u << 20);
    while (one.left > (8u << 20))
        serve();
    now += 100 * QN_SCHED_REST;
    give(&one, FRAME);
    serve();
    ck_assert(one.node.bulk);
}
END_TEST

START_TEST(a_removed_flow_is_gone_from_anywhere)
{
    flow f[3] = {{.frame = FRAME}, {.frame = FRAME}, {.frame = FRAME}};

    for (unsigned i = 0; i < 3; i++)
        give(&f[i], 1u << 20);
    for (unsigned i = 0; i < 4; i++) /* f[0] and f[1] are busy now, f[2] is still woken */
        serve();
    qn_sched_remove(&sched, &f[2].node);
    qn_sched_remove(&sched, &f[0].node);
    qn_sched_remove(&sched, &f[0].node);
    for (unsigned i = 0; i < 10; i++)
        ck_assert_ptr_eq(serve(), &f[1]);
    qn_sched_remove(&sched, &f[1].node);
    ck_assert_ptr_null(qn_sched_pick(&sched));
}
END_TEST

static Suite *sched_suite(void)
{
    Suite *s = suite_create("frame/sched");
    TCase *tc = tcase_create("sched");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, nothing_active_is_nothing_to_serve);
    tcase_add_test(tc, a_small_stream_beats_a_large_one_that_began_before);
    tcase_add_test(tc, busy_flows_share_bytes_whatever_their_frames);
    tcase_add_test(tc, of_a_hundred_flows_none_starves);
    tcase_add_test(tc, waking_over_and_over_does_not_starve_busy_flows);
    tcase_add_test(tc, neither_do_many_that_take_turns_at_it);
    tcase_add_test(tc, a_page_of_a_mebibyte_beats_fifty_downloads);
    tcase_add_test(tc, fresh_flows_leave_bulk_a_ninth);
    tcase_add_test(tc, bulk_that_rests_is_no_longer_bulk);
    tcase_add_test(tc, waiting_is_not_resting);
    tcase_add_test(tc, a_removed_flow_is_gone_from_anywhere);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(sched_suite)

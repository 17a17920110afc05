/* How much a socket holds that is not sent yet. */
#include "io-real/internal.h"
#include "io-real/sockets.h"
#include "support/qt.h"

#include <poll.h>
#include <unistd.h>

START_TEST(who_ran_dry_is_given_more_up_to_a_bound)
{
    uint32_t bound = QN_BACKLOG_MIN;

    for (unsigned i = 0; i < 40; i++)
        bound = qn__backlog_next(bound, 0, i % 2 == 0 ? 0 : QN_SEC);
    ck_assert_uint_eq(bound, QN_BACKLOG_MAX);
}
END_TEST

START_TEST(what_leaves_slowly_is_bounded_more_tightly)
{
    uint32_t bound = QN_BACKLOG_MAX;

    for (unsigned i = 0; i < 40; i++)
        bound = qn__backlog_next(bound, bound / 2, 50 * QN_MS);
    ck_assert_uint_eq(bound, QN_BACKLOG_MIN);
}
END_TEST

START_TEST(what_leaves_in_time_stays_as_it_is)
{
    ck_assert_uint_eq(qn__backlog_next(64 << 10, 30 << 10, 5 * QN_MS), 64 << 10);
}
END_TEST

/* Both ends of a conn on loopback. */
static void join(int fd[2])
{
    qn_addr at = {.family = 4, .ip = {127, 0, 0, 1}}, from, local;
    int listener = qn_socket_listen(&at);
    struct pollfd knock = {.fd = listener, .events = POLLIN};
    bool open;

    fd[0] = qn_socket_dial(&at, &open);
    ck_assert(listener >= 0 && fd[0] >= 0);
    ck_assert_int_eq(poll(&knock, 1, 10000), 1);
    fd[1] = qn_socket_accept(listener, &from, &local);
    ck_assert(fd[1] >= 0);
    (void)close(listener);
}

/* Writes to who does not read until the kernel wants no more. */
static size_t fill(int fd)
{
    static const uint8_t some[4096];
    size_t all = 0;
    ssize_t n;

    while ((n = write(fd, some, sizeof some)) > 0)
        all += (size_t)n;
    return all;
}

START_TEST(a_reader_that_stalls_leaves_little_unsent)
{
    int small[2], large[2];

    join(small);
    qn_socket_bound_backlog(small[0], QN_BACKLOG_MIN);
    ck_assert_uint_gt(fill(small[0]), 0);
    /* the kernel counts whole buffers, of 64 KiB at most, before it says no */
    ck_assert_uint_le(qn_socket_backlog(small[0]), QN_BACKLOG_MIN + 65536);
    join(large);
    ck_assert_uint_gt(fill(large[0]), 0);
    ck_assert_uint_gt(qn_socket_backlog(large[0]), qn_socket_backlog(small[0]));
    for (unsigned i = 0; i < 2; i++) {
        (void)close(small[i]);
        (void)close(large[i]);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("real backlog");
    TCase *t = tcase_create("bound");

    tcase_add_test(t, who_ran_dry_is_given_more_up_to_a_bound);
    tcase_add_test(t, what_leaves_slowly_is_bounded_more_tightly);
    tcase_add_test(t, what_leaves_in_time_stays_as_it_is);
    tcase_add_test(t, a_reader_that_stalls_leaves_little_unsent);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

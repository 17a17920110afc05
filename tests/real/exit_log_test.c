/* What an exit keeps: counts by hour and port, for so many days, and nothing else. */
#include "io-real/exit_log.h"
#include "support/qt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct event_base *base;
static qn_store store;
static qn_log quiet;
static int64_t wall;
static qn_exit_log *l;
static char dir[32];

static void setup(void)
{
    qn_why why;

    (void)snprintf(dir, sizeof dir, "/tmp/qnet-log.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert(qn_store_open(&store, dir, why));
    base = event_base_new();
    wall = 1700000000; /* 2023-11-14T22:13:20Z */
    l = qn_exit_log_new(base, &store, &wall, &quiet, 7);
    ck_assert_ptr_nonnull(l);
}

static void teardown(void)
{
    event_base_free(base);
    qn_store_remove(&store, "exit-log");
    qn_store_remove(&store, "lock");
    qn_store_close(&store);
    ck_assert_int_eq(rmdir(dir), 0);
}

static const char *text(void)
{
    static char out[1 << 16];
    qn_span bytes;
    qn_why why;

    out[0] = '\0';
    if (qn_store_read(&store, "exit-log", &bytes, why) == QN_FOUND) {
        ck_assert_uint_lt(bytes.n, sizeof out);
        memcpy(out, bytes.p, bytes.n);
        out[bytes.n] = '\0';
        free(bytes.p);
    }
    return out;
}

START_TEST(counts_ends_by_hour_and_port)
{
    qn_exit_log_count(l, 443, QN_OK);
    qn_exit_log_count(l, 25, QN_POLICY);
    qn_exit_log_count(l, 443, QN_OK);
    qn_exit_log_count(l, 443, QN_FORGED);
    ck_assert_str_eq(text(), ""); /* the hour is not over */
    wall += 3600;
    qn_exit_log_count(l, 80, QN_TIMEOUT);
    qn_exit_log_free(l);
    ck_assert_str_eq(text(),
                     "2023-11-14T22Z port=443 opened=2 forbidden=0 limited=0 unresolved=0 forged=1 "
                     "refused=0 late=0 failed=0\n"
                     "2023-11-14T22Z port=25 opened=0 forbidden=1 limited=0 unresolved=0 forged=0 "
                     "refused=0 late=0 failed=0\n"
                     "2023-11-14T23Z port=80 opened=0 forbidden=0 limited=0 unresolved=0 forged=0 "
                     "refused=0 late=1 failed=0\n");
}
END_TEST

START_TEST(keeps_nothing_longer_than_it_may)
{
    qn_why why;
    const char *before =
        "rubbish\n2023-11-07T21Z port=1 old\n2023-11-07T23Z port=2 young\ncut short";

    ck_assert(qn_store_write(&store, "exit-log", qn_slice_of(before, strlen(before)), why));
    wall += 3600;
    qn_exit_log_count(l, 80, QN_OK); /* a new hour: the cut is at 2023-11-07T23Z */
    ck_assert_str_eq(text(), "2023-11-07T23Z port=2 young\n");
    wall += 7 * 86400;
    qn_exit_log_free(l);
    ck_assert_ptr_null(strstr(text(), "young"));
    ck_assert_ptr_nonnull(strstr(text(), "2023-11-14T23Z port=80 opened=1"));
}
END_TEST

START_TEST(ports_told_apart_are_bounded)
{
    for (uint16_t port = 1; port <= 1000; port++)
        qn_exit_log_count(l, port, QN_OK);
    qn_exit_log_free(l);
    ck_assert_ptr_nonnull(strstr(text(), "port=32 opened=1"));
    ck_assert_ptr_null(strstr(text(), "port=33 "));
    ck_assert_ptr_nonnull(strstr(text(), "port=0 opened=968"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("real exit log");
    TCase *t = tcase_create("log");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, counts_ends_by_hour_and_port);
    tcase_add_test(t, keeps_nothing_longer_than_it_may);
    tcase_add_test(t, ports_told_apart_are_bounded);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

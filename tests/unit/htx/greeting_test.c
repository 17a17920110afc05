/* First bytes: the same answer for any cuts, and never more memory than one hello. */
#include "../tls/fixture.h"

#include "htx/greeting.h"

static qt_env t;
static qn_htx_greeting g;

static const char *const captures[] = {"chromium-156/fresh-01", "firefox-esr-153/resumed-01"};

static void setup(void)
{
    qt_env_open(&t, 21);
    g = (qn_htx_greeting){0};
}

static void teardown(void)
{
    qn_htx_greeting_clear(&g, &t.env);
    qt_env_close(&t);
}

/* In reads of `cut` bytes; how many of the bytes given were needed. */
static qn_err feed(qn_slice bytes, size_t cut, qn_slice *record, size_t *needed)
{
    qn_err err = QN_SHORT;
    size_t at = 0, behind = 0;

    while (err == QN_SHORT && at < bytes.n) {
        size_t n = QN_MIN(cut, bytes.n - at);

        err = qn_htx_greeting_feed(&g, &t.env, bytes.p + at, n, record, &behind);
        ck_assert_uint_le(t.env.mem.used, bytes.n < 5 ? 0 : 5u + qn_get16(bytes.p + 3));
        at += n;
    }
    *needed = at - behind;
    return err;
}

static const size_t cuts[] = {1, 2, 5, 6, 1000, 1448, 1920, 5000};

START_TEST(a_hello_is_found_however_it_comes)
{
    qn_slice hello = tls_capture(captures[_i % 2]), record = {0};
    uint8_t more[4000];
    size_t needed;

    memcpy(more, hello.p, hello.n);
    memset(more + hello.n, 0x17, sizeof more - hello.n);
    qt_assert_err(feed(qn_slice_of(more, sizeof more), cuts[_i / 2], &record, &needed), QN_OK);
    qt_assert_bytes(record.p, record.n, hello);
    ck_assert_uint_eq(needed, hello.n);
}
END_TEST

START_TEST(a_hello_in_one_read_costs_nothing)
{
    qn_slice hello = tls_capture(captures[_i]), record;
    size_t needed;

    qt_assert_err(feed(hello, hello.n, &record, &needed), QN_OK);
    ck_assert_ptr_eq(record.p, hello.p);
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

static const struct {
    const char *bytes;
    qn_err want;
    size_t at; /* bytes after which it is known */
} others[] = {
    {"474554202f20485454502f312e310d0a", QN_PROTO, 1}, /* GET / HTTP/1.1 */
    {"1503010002022800", QN_PROTO, 1},                 /* an alert */
    {"160301000302000000", QN_PROTO, 5},               /* too short for a message */
    {"16030100500b00004c", QN_PROTO, 6},               /* a certificate */
    {"1603010c0101000bfd", QN_LIMIT, 5},               /* longer than any browser's */
};

START_TEST(anything_else_is_known_at_its_first_wrong_byte)
{
    qn_slice bytes = qt_hex(others[_i].bytes), record;
    size_t needed;

    qt_assert_err(feed(bytes, 1, &record, &needed), others[_i].want);
    ck_assert_uint_eq(needed, others[_i].at);
    qn_htx_greeting_clear(&g, &t.env);
    qt_assert_err(feed(bytes, bytes.n, &record, &needed), others[_i].want);
}
END_TEST

START_TEST(the_longest_hello_fits)
{
    uint8_t bytes[QN_RECORD_HEADER + QN_TLS_HELLO_MAX + 10] = {22, 3, 1, 12, 0, 1, 0, 11, 252};
    qn_slice record;
    size_t needed;

    qt_assert_err(feed(qn_slice_of(bytes, sizeof bytes), cuts[_i], &record, &needed), QN_OK);
    ck_assert_uint_eq(record.n, QN_RECORD_HEADER + QN_TLS_HELLO_MAX);
    ck_assert_uint_eq(needed, record.n);
}
END_TEST

START_TEST(without_memory_there_is_no_hello)
{
    qn_slice hello = tls_capture(captures[0]), record;
    size_t needed;

    t.env.mem.limit = 100;
    qt_assert_err(feed(hello, 100, &record, &needed), QN_NOMEM);
}
END_TEST

static Suite *greeting_suite(void)
{
    Suite *s = suite_create("htx/greeting");
    TCase *tc = tcase_create("greeting");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_hello_is_found_however_it_comes, 0, 2 * QN_LEN(cuts));
    tcase_add_loop_test(tc, a_hello_in_one_read_costs_nothing, 0, 2);
    tcase_add_loop_test(tc, anything_else_is_known_at_its_first_wrong_byte, 0, QN_LEN(others));
    tcase_add_loop_test(tc, the_longest_hello_fits, 0, QN_LEN(cuts));
    tcase_add_test(tc, without_memory_there_is_no_hello);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(greeting_suite)

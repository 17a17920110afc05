/* Memory with a cap, unbiased draws, log lines: the small helpers every machine uses. */
#include "support/qt.h"

#include "base/env.h"

static qt_env t;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

START_TEST(counts_what_it_gives_and_takes_back)
{
    uint8_t *p = qn_mem_get(&t.env.mem, 100);

    ck_assert_ptr_nonnull(p);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_uint_eq(p[i], 0);
    ck_assert_uint_eq(t.env.mem.used, 100);
    qn_mem_put(&t.env.mem, p, 100);
    ck_assert_uint_eq(t.env.mem.used, 0);
    ck_assert_uint_eq(t.env.mem.peak, 100);
}
END_TEST

START_TEST(refuses_the_byte_beyond_the_cap)
{
    void *p;

    t.env.mem.limit = 100;
    ck_assert_ptr_null(qn_mem_get(&t.env.mem, 101));
    p = qn_mem_get(&t.env.mem, 100);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_null(qn_mem_get(&t.env.mem, 1));
    ck_assert(!qn_mem_charge(&t.env.mem, SIZE_MAX));
    ck_assert_uint_eq(t.env.mem.used, 100);
    qn_mem_put(&t.env.mem, p, 100);
}
END_TEST

START_TEST(a_failed_request_charges_nothing)
{
    qt_alloc_fail_at(1);
    ck_assert_ptr_null(qn_mem_get(&t.env.mem, 10));
    ck_assert_uint_eq(t.env.mem.used, 0);
    ck_assert_uint_eq(qt_alloc_requests(), 1);
}
END_TEST

START_TEST(nothing_of_zero_bytes_is_given)
{
    ck_assert_ptr_null(qn_mem_get(&t.env.mem, 0));
    qn_mem_put(&t.env.mem, NULL, 5);
    ck_assert_uint_eq(t.env.mem.used, 0);
}
END_TEST

START_TEST(draws_below_a_bound_reach_every_value_about_equally)
{
    unsigned seen[10] = {0};

    for (unsigned i = 0; i < 10000; i++)
        seen[qn_rng_below(&t.env, 10)]++;
    for (unsigned i = 0; i < 10; i++) /* mean 1000, sigma 30: six sigma either way */
        ck_assert(seen[i] > 820 && seen[i] < 1180);
    ck_assert_uint_eq(qn_rng_below(&t.env, 1), 0);
}
END_TEST

static uint32_t scripted[2];
static unsigned scripted_next;

static void fill_from_script(void *ctx, void *out, size_t n)
{
    (void)ctx;
    ck_assert_uint_eq(n, 4);
    qn_put32(out, scripted[scripted_next++]);
}

START_TEST(draws_that_would_bias_the_result_are_thrown_away)
{
    uint32_t n = UINT32_C(3) << 30; /* 2^32 mod n = 2^30: a quarter of all draws is refused */

    scripted[0] = (UINT32_C(1) << 30) - 1;
    scripted[1] = UINT32_C(1) << 30;
    scripted_next = 0;
    t.env.rng.fill = fill_from_script;
    ck_assert_uint_eq(qn_rng_below(&t.env, n), UINT32_C(1) << 30);
    ck_assert_uint_eq(scripted_next, 2);
}
END_TEST

START_TEST(lines_above_the_level_are_not_written)
{
    t.env.log.level = QN_LOG_WARN;
    qn_log_line(&t.env, QN_LOG_INFO, "base", "hidden");
    ck_assert_uint_eq(t.log_lines, 0);
    qn_log_line(&t.env, QN_LOG_WARN, "base", "seen %d", 7);
    ck_assert_str_eq(t.log_last, "base: seen 7");
    t.env.log.line = NULL;
    qn_log_line(&t.env, QN_LOG_WARN, "base", "nobody listens");
    ck_assert_uint_eq(t.log_lines, 1);
}
END_TEST

/* What a peer said, an operator's reason or a descriptor's text, may be printed. */
START_TEST(a_line_stays_one_line_whatever_others_said)
{
    qn_log_line(&t.env, QN_LOG_WARN, "base", "it said: %s",
                "\x1b[2J\r\n2026 error: all\x7f is lost");
    ck_assert_str_eq(t.log_last, "base: it said: ?[2J??2026 error: all? is lost");
}
END_TEST

static size_t longest;

static void measure_line(void *ctx, qn_level level, const char *area, const char *text)
{
    (void)ctx;
    (void)level;
    (void)area;
    longest = strlen(text);
}

START_TEST(long_lines_are_cut_at_240_bytes)
{
    t.env.log.line = measure_line;
    qn_log_line(&t.env, QN_LOG_ERROR, "base", "%0300d", 1);
    ck_assert_uint_eq(longest, 240);
}
END_TEST

START_TEST(equal_seeds_draw_equal_bytes)
{
    qn_drbg a, b, c;
    uint8_t x[100], y[100], z[100];

    qn_drbg_init(&a, "label", 7, 0);
    qn_drbg_init(&b, "label", 7, 0);
    qn_drbg_init(&c, "label", 7, 1);
    qn_drbg_fill(&a, x, sizeof x);
    for (unsigned i = 0; i < sizeof y; i++) /* any chunking gives the same stream */
        qn_drbg_fill(&b, y + i, 1);
    qn_drbg_fill(&c, z, sizeof z);
    ck_assert_mem_eq(x, y, sizeof x);
    ck_assert_mem_ne(x, z, sizeof x);
}
END_TEST

static Suite *env_suite(void)
{
    Suite *s = suite_create("base/env");
    TCase *tc = tcase_create("env");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, counts_what_it_gives_and_takes_back);
    tcase_add_test(tc, refuses_the_byte_beyond_the_cap);
    tcase_add_test(tc, a_failed_request_charges_nothing);
    tcase_add_test(tc, nothing_of_zero_bytes_is_given);
    tcase_add_test(tc, draws_below_a_bound_reach_every_value_about_equally);
    tcase_add_test(tc, draws_that_would_bias_the_result_are_thrown_away);
    tcase_add_test(tc, lines_above_the_level_are_not_written);
    tcase_add_test(tc, a_line_stays_one_line_whatever_others_said);
    tcase_add_test(tc, long_lines_are_cut_at_240_bytes);
    tcase_add_test(tc, equal_seeds_draw_equal_bytes);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(env_suite)

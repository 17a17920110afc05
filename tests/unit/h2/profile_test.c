/* The HTTP/2 part of a profile: the shipped ones are read, and nothing unsound is. */
#include "fixture.h"

static qt_env t;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static qn_slice item(unsigned browser)
{
    static char path[128];
    qn_tls_profile tls;

    (void)snprintf(path, sizeof path, "../../profiles/%s.cbor", h2_browsers[browser]);
    qt_assert_err(qn_tls_profile_read(&tls, &t.env, qt_vector_file(path)), QN_OK);
    return tls.http2;
}

START_TEST(the_shipped_ones_say_what_was_captured)
{
    qn_h2_profile c = h2_profile(&t, H2_CHROMIUM), f = h2_profile(&t, H2_FIREFOX);

    ck_assert(c.exclusive && !c.joined && !c.waits && !c.plain_hpack);
    ck_assert(!f.exclusive && f.joined && f.waits && f.plain_hpack);
    ck_assert_uint_eq(c.kind[QN_H2_DOCUMENT].weight, 256);
    ck_assert_uint_eq(f.kind[QN_H2_DOCUMENT].weight, 42);
    ck_assert_uint_eq(f.stream_window, 12451840);
}
END_TEST

START_TEST(no_user_s_browser_is_headless)
{
    qn_slice s = item((unsigned)_i);

    for (size_t i = 0; i + 8 <= s.n; i++)
        ck_assert_int_ne(memcmp(s.p + i, "Headless", 8), 0);
}
END_TEST

START_TEST(cut_anywhere_it_is_refused)
{
    qn_slice s = item((unsigned)_i);
    qn_h2_profile p;

    for (size_t n = 0; n < s.n; n++)
        ck_assert_int_ne(qn_h2_profile_read(&p, qn_slice_of(s.p, n)), QN_OK);
}
END_TEST

/* Whatever is still accepted makes a connection that asks. */
START_TEST(any_changed_byte_is_refused_or_harmless)
{
    qn_slice s = item((unsigned)_i);
    unsigned accepted = 0;
    uint8_t copy[4096];

    ck_assert_uint_le(s.n, sizeof copy);
    for (size_t i = 0; i < s.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            qn_h2_profile p;
            qn_h2 *h;

            memcpy(copy, s.p, s.n);
            copy[i] ^= (uint8_t)(1u << bit);
            if (qn_h2_profile_read(&p, qn_slice_of(copy, s.n)) != QN_OK)
                continue;
            accepted++;
            h = h2_open(&t, &p, "www.example", true);
            for (unsigned kind = 0; kind < QN_H2_KINDS; kind++)
                (void)h2_ask(h, (qn_h2_kind)kind, "/");
            h2_silent(h);
            qn_h2_free(h);
        }
    ck_assert_uint_gt(accepted, 0);
}
END_TEST

static const struct {
    const char *what, *from, *to;
} wrong[] = {
    {"push allowed", "8202 00", "8202 01"},
    {"an even first stream", "0301 04", "0302 04"},
    {"a table larger than ours", "8201 1a00010000", "8201 1a00010001"},
    {"another method", "63474554", "63505554"},
    {"another scheme", "656874747073", "656874747072"},
    {"a name in capitals", "66616363657074", "66416363657074"},
    {"a pseudo-header twice", "653a70617468", "673a736368656d65"},
    {"a weight of 0", "82 190100", "82 190000"},
};

START_TEST(what_no_browser_sends_is_refused)
{
    qn_slice s = item(H2_CHROMIUM), from = qt_hex(wrong[_i].from), to = qt_hex(wrong[_i].to);
    uint8_t copy[4096];
    qn_h2_profile p;
    size_t at = 0;

    while (at + from.n <= s.n && memcmp(s.p + at, from.p, from.n) != 0)
        at++;
    ck_assert_msg(at + from.n <= s.n, "%s: not there", wrong[_i].what);
    memcpy(copy, s.p, at);
    memcpy(copy + at, to.p, to.n);
    memcpy(copy + at + to.n, s.p + at + from.n, s.n - at - from.n);
    ck_assert_msg(qn_h2_profile_read(&p, qn_slice_of(copy, s.n - from.n + to.n)) != QN_OK, "%s",
                  wrong[_i].what);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("h2 profile");
    TCase *c = tcase_create("profile");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, the_shipped_ones_say_what_was_captured);
    tcase_add_loop_test(c, no_user_s_browser_is_headless, 0, QN_LEN(h2_browsers));
    tcase_add_loop_test(c, cut_anywhere_it_is_refused, 0, QN_LEN(h2_browsers));
    tcase_add_loop_test(c, any_changed_byte_is_refused_or_harmless, 0, QN_LEN(h2_browsers));
    tcase_add_loop_test(c, what_no_browser_sends_is_refused, 0, QN_LEN(wrong));
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)

/* The connection: its writes, what is told of answers, and what it costs. */
#include "scene.h"

#include <stdlib.h>

/* ---- writes -------------------------------------------------------------------------------------
 */

START_TEST(firefox_asks_behind_its_acknowledgement)
{
    open_as(H2_FIREFOX, false);
    (void)h2_ask(h, QN_H2_DOCUMENT, "/");
    ck_assert_uint_eq(h2_drain(h), 1); /* the preface alone */
    h2_push_hex(h, H2_SETTINGS);
    ck_assert_uint_eq(qn_h2_peek(h).n, 9);
    ck_assert_uint_eq(h2_drain(h), 2);
    (void)h2_ask(h, QN_H2_IMAGE, "/a.png"); /* HEADERS and its credit are one write */
    ck_assert_uint_eq(h2_drain(h), 1);
}
END_TEST

START_TEST(firefox_resumed_asks_at_once)
{
    open_as(H2_FIREFOX, true);
    (void)h2_ask(h, QN_H2_DOCUMENT, "/");
    ck_assert_uint_eq(h2_drain(h), 2);
    h2_push_hex(h, H2_SETTINGS);
    ck_assert_uint_eq(h2_drain(h), 1);
}
END_TEST

START_TEST(requests_held_back_keep_their_order)
{
    uint32_t a, b;

    open_as(H2_FIREFOX, false);
    a = h2_ask(h, QN_H2_DOCUMENT, "/");
    b = h2_ask(h, QN_H2_IMAGE, "/a.png");
    h2_push_hex(h, H2_SETTINGS);
    h2_answer(h, first + 2, "404", NULL, true);
    ck_assert_uint_eq(h2_event(h, QN_H2_RESPONSE).id, b);
    ck_assert_uint_eq(h2_event(h, QN_H2_DONE).id, b);
    h2_answer(h, first, "200", NULL, true);
    ck_assert_uint_eq(h2_event(h, QN_H2_RESPONSE).id, a);
}
END_TEST

START_TEST(pings_and_settings_are_answered_one_write_each)
{
    static const uint8_t ping[] = "12345678";
    uint8_t sent[64];
    size_t n;

    (void)h2_drain(h);
    h2_push_hex(h, H2_SETTINGS);
    h2_push_frame(h, 6, 0, 0, ping, 8);
    ck_assert_uint_eq(h2_taken(h, sent, sizeof sent, &n), 2);
    qt_assert_bytes(sent, n,
                    qt_hex("000000 04 01 00000000 000008 06 01 00000000 3132333435363738"));
}
END_TEST

START_TEST(a_smaller_table_is_announced_in_the_next_block)
{
    uint8_t sent[1024];
    size_t n;

    (void)h2_ask(h, QN_H2_DOCUMENT, "/");
    (void)h2_drain(h);
    h2_push_hex(h, "000006 04 00 00000000 0001 00000000"); /* HEADER_TABLE_SIZE 0 */
    (void)h2_drain(h);
    (void)h2_ask(h, QN_H2_IMAGE, "/a.png");
    ck_assert_uint_eq(h2_taken(h, sent, sizeof sent, &n), 1);
    ck_assert_uint_eq(sent[14], 0x20);
}
END_TEST

START_TEST(a_server_s_limit_on_streams_is_kept)
{
    h2_push_hex(h, "000006 04 00 00000000 0003 00000001"); /* MAX_CONCURRENT_STREAMS 1 */
    (void)h2_drain(h);
    (void)h2_ask(h, QN_H2_DOCUMENT, "/");
    (void)h2_ask(h, QN_H2_IMAGE, "/a.png");
    ck_assert_uint_eq(h2_drain(h), 1);
    h2_answer(h, 1, "200", NULL, true);
    ck_assert_uint_eq(h2_drain(h), 1);
}
END_TEST

/* Firefox, told to go, says this to the byte: the captures have it. */
START_TEST(the_farewell_blames_nobody_and_is_the_last_word)
{
    uint8_t sent[256];
    size_t n;
    uint32_t id;

    (void)h2_drain(h);
    qn_h2_leave(h);
    ck_assert_uint_eq(h2_taken(h, sent, sizeof sent, &n), 1);
    qt_assert_bytes(sent, n, qt_hex("000008 07 00 00000000 00000000 00000000"));
    h2_silent(h);
    qt_assert_err(qn_h2_request(h, QN_H2_DOCUMENT, h2_text("/"), 1, &id), QN_GONE);
}
END_TEST

START_TEST(a_page_asks_for_what_the_path_looks_like)
{
    ck_assert_int_eq(qn_h2_kind_of(h2_text("/site.css")), QN_H2_STYLE);
    ck_assert_int_eq(qn_h2_kind_of(h2_text("/a/b.js")), QN_H2_SCRIPT);
    ck_assert_int_eq(qn_h2_kind_of(h2_text("/i.png")), QN_H2_IMAGE);
    ck_assert_int_eq(qn_h2_kind_of(h2_text("/favicon.ico")), QN_H2_ICON);
    ck_assert_int_eq(qn_h2_kind_of(h2_text("/")), QN_H2_FETCH);
    ck_assert_int_eq(qn_h2_kind_of(h2_text("/css")), QN_H2_FETCH);
}
END_TEST

/* ---- answers ------------------------------------------------------------------------------------
 */

/* Three frames of 16,384 bytes make a step of 40,000; Firefox's own step is 4 MiB. */
START_TEST(credit_goes_back_in_the_profile_s_steps)
{
    uint8_t sent[256];
    size_t n;

    profile = h2_profile(&t, H2_FIREFOX);
    ck_assert_uint_eq(profile.credit, 4 << 20);
    profile.credit = 40000;
    qn_h2_free(h);
    h = h2_open(&t, &profile, "www.example", true);
    (void)h2_ask(h, QN_H2_DOCUMENT, "/");
    h2_push_hex(h, H2_SETTINGS);
    (void)h2_drain(h);
    h2_answer(h, 3, "200", NULL, false);
    for (unsigned i = 0; i < 2; i++)
        h2_body(h, 3, 16384, false);
    ck_assert_uint_eq(h2_drain(h), 0);
    h2_body(h, 3, 16384, false);
    ck_assert_uint_eq(h2_taken(h, sent, sizeof sent, &n), 1); /* joined */
    qt_assert_bytes(sent, n,
                    qt_hex("000004 08 00 00000000 0000c000 000004 08 00 00000003 0000c000"));
    for (unsigned i = 0; i < 3; i++)
        h2_body(h, 3, 16384, i == 2);
    ck_assert_uint_eq(h2_taken(h, sent, sizeof sent, &n), 1); /* nothing for what has ended */
    qt_assert_bytes(sent, n, qt_hex("000004 08 00 00000000 0000c000"));
}
END_TEST

START_TEST(chromium_credits_half_of_each_window)
{
    uint8_t sent[256];
    size_t n;

    ck_assert_uint_eq(profile.credit, 0);
    for (unsigned i = 0; i < profile.setting_n; i++)
        if (profile.setting[i].id == 4)
            profile.setting[i].value = 64000;
    qn_h2_free(h);
    h = h2_open(&t, &profile, "www.example", false);
    (void)h2_ask(h, QN_H2_DOCUMENT, "/");
    h2_push_hex(h, H2_SETTINGS);
    (void)h2_drain(h);
    h2_answer(h, 1, "200", NULL, false);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(h2_drain(h), 0);
        h2_body(h, 1, 16384, false);
    }
    (void)h2_taken(h, sent, sizeof sent, &n);
    qt_assert_bytes(sent, n, qt_hex("000004 08 00 00000001 00008000"));
}
END_TEST

START_TEST(an_answer_is_told_and_thrown_away)
{
    qn_h2_event ev;

    h2_answer(h, first, "103", H2_DATE, false); /* early hints: not the answer */
    h2_silent(h);
    h2_answer(h, first, "200", H2_DATE, false);
    h2_body(h, first, 5000, false);
    ev = h2_event(h, QN_H2_RESPONSE);
    ck_assert_uint_eq(ev.status, 200);
    ck_assert_int_eq(ev.date, H2_DATE_UNIX);
    ck_assert(qn_h2_healthy(ev.status));
    ck_assert_uint_eq(h2_event(h, QN_H2_BODY).n, 5000);
    h2_body(h, first, 10, false);
    h2_body(h, first, 7, true);
    ck_assert_uint_eq(h2_event(h, QN_H2_BODY).n, 17);
    qt_assert_err(h2_event(h, QN_H2_DONE).err, QN_OK);
    h2_silent(h);
}
END_TEST

START_TEST(a_date_of_early_hints_is_not_the_answer_s)
{
    h2_answer(h, first, "103", H2_DATE, false);
    h2_answer(h, first, "302", NULL, true);
    ck_assert_int_eq(h2_event(h, QN_H2_RESPONSE).date, 0);
    ck_assert(!qn_h2_healthy(302) && !qn_h2_healthy(199) && qn_h2_healthy(204));
}
END_TEST

/* A cache says when it was told, and how long ago: what its clock shows now is both together. */
START_TEST(a_date_out_of_a_cache_is_as_much_older_as_it_says)
{
    static const struct {
        const char *age;
        int64_t later;
    } cases[] = {{"3600", 3600}, {"0", 0}, {"", 0}, {"-5", 0}, {"1h", 0}, {"9999999999", 0}};
    const char *age = cases[_i].age;
    uint8_t block[64] = {0x88, 0x0f, 21 - 15};
    size_t n = 3;

    block[n++] = (uint8_t)strlen(age);
    memcpy(block + n, age, strlen(age));
    n += strlen(age);
    block[n++] = 0x0f;
    block[n++] = 33 - 15;
    block[n++] = sizeof H2_DATE - 1;
    memcpy(block + n, H2_DATE, sizeof H2_DATE - 1);
    n += sizeof H2_DATE - 1;
    h2_push_frame(h, 1, 0x05, first, block, n);
    ck_assert_int_eq(h2_event(h, QN_H2_RESPONSE).date, H2_DATE_UNIX + cases[_i].later);
}
END_TEST

START_TEST(an_answer_that_names_another_place_says_so)
{
    static const char *const v[] = {"h3=\":443\"; ma=86400", "clear"};
    uint8_t block[64] = {0x08, 3, '2', '0', '0', 0x00, 7, 'a', 'l', 't', '-', 's', 'v', 'c'};
    size_t n = strlen(v[_i]);

    block[14] = (uint8_t)n;
    memcpy(block + 15, v[_i], n);
    h2_push_frame(h, 1, 0x05, first, block, 15 + n);
    ck_assert_int_eq(h2_event(h, QN_H2_RESPONSE).elsewhere, _i == 0);
}
END_TEST

START_TEST(a_reset_stream_is_cut_short_even_without_an_error_code)
{
    h2_answer(h, first, "200", NULL, false);
    (void)h2_event(h, QN_H2_RESPONSE);
    h2_push_frame(h, 3, 0, first, _i == 0 ? "\0\0\0\0" : "\0\0\0\7", 4);
    qt_assert_err(h2_event(h, QN_H2_DONE).err, _i == 0 ? QN_GONE : QN_REFUSED);
    (void)h2_ask(h, QN_H2_DOCUMENT, "/"); /* the connection goes on */
}
END_TEST

START_TEST(goaway_ends_asking_but_not_the_answer)
{
    uint32_t id;

    h2_push_frame(h, 7, 0, 0, "\0\0\0\1\0\0\0\0", 8);
    (void)h2_event(h, QN_H2_GOAWAY);
    qt_assert_err(qn_h2_request(h, QN_H2_DOCUMENT, h2_text("/"), 1, &id), QN_GONE);
    h2_answer(h, first, "200", NULL, true);
    (void)h2_event(h, QN_H2_RESPONSE);
    qt_assert_err(h2_event(h, QN_H2_DONE).err, QN_OK);
    h2_silent(h);
}
END_TEST

START_TEST(goaway_refuses_what_it_does_not_cover)
{
    h2_push_frame(h, 7, 0, 0, "\0\0\0\0\0\0\0\0", 8);
    qt_assert_err(h2_event(h, QN_H2_DONE).err, QN_REFUSED);
    (void)h2_event(h, QN_H2_GOAWAY);
}
END_TEST

/* ---- bounds -----------------------------------------------------------------------------------
 */

START_TEST(a_body_over_its_bound_fails_the_connection)
{
    uint32_t id;

    qt_assert_err(qn_h2_request(h, QN_H2_IMAGE, h2_text("/a"), 100, &id), QN_OK);
    h2_answer(h, first + 2, "200", NULL, false);
    h2_body(h, first + 2, 100, false);
    (void)h2_event(h, QN_H2_RESPONSE);
    ck_assert_uint_eq(h2_event(h, QN_H2_BODY).n, 100);
    h2_body(h, first + 2, 1, false);
    ck_assert_uint_eq(h2_event(h, QN_H2_BODY).n, 1);
    assert_failed(QN_LIMIT);
}
END_TEST

START_TEST(requests_are_bounded)
{
    uint32_t id;

    for (unsigned i = 0; i < QN_H2_REQUESTS_MAX; i++)
        (void)h2_ask(h, QN_H2_FETCH, "/x");
    qt_assert_err(qn_h2_request(h, QN_H2_FETCH, h2_text("/x"), 1, &id), QN_BUSY);
}
END_TEST

START_TEST(paths_and_authorities_are_checked)
{
    static char longer[QN_H2_PATH_MAX + 2];
    static const char *const bad[] = {"", "x", "/a b", "/\x7f", "/\n", "/\xc3\xa4"};
    qn_h2_cfg cfg = {.profile = &profile};
    qn_h2 *other;
    uint32_t id;

    memset(longer, '/', sizeof longer - 1);
    for (unsigned i = 0; i < QN_LEN(bad); i++)
        qt_assert_err(qn_h2_request(h, QN_H2_FETCH, h2_text(bad[i]), 1, &id), QN_PROTO);
    qt_assert_err(qn_h2_request(h, QN_H2_FETCH, h2_text(longer), 1, &id), QN_LIMIT);
    longer[QN_H2_PATH_MAX] = '\0';
    qt_assert_err(qn_h2_request(h, QN_H2_FETCH, h2_text(longer), 1, &id), QN_OK);
    qt_assert_err(qn_h2_new(&other, &t.env, &cfg), QN_PROTO);
    cfg.authority = h2_text("a b");
    qt_assert_err(qn_h2_new(&other, &t.env, &cfg), QN_PROTO);
    cfg.authority = qt_noise(1, QN_H2_NAME_MAX + 1);
    qt_assert_err(qn_h2_new(&other, &t.env, &cfg), QN_LIMIT);
}
END_TEST

/* What an idle connection costs: it lives as long as a link does. */
START_TEST(an_idle_connection_is_small)
{
    h2_answer(h, first, "200", H2_DATE, true);
    (void)h2_event(h, QN_H2_RESPONSE);
    (void)h2_event(h, QN_H2_DONE);
    ck_assert_uint_le(t.env.mem.used, 3600);
    if (getenv("QT_PRINT") != NULL)
        (void)printf("an idle connection: %zu bytes\n", t.env.mem.used);
}
END_TEST

/* ---- memory -------------------------------------------------------------------------------------
 */

static bool visit_site(unsigned browser)
{
    qn_h2_cfg cfg = {.profile = &profile, .authority = h2_text("www.example")};
    qn_h2_event ev = {0};
    uint32_t id;
    bool ok = true;

    profile = h2_profile(&t, browser);
    if (qn_h2_new(&h, &t.env, &cfg) != QN_OK)
        return false;
    ok = ok && qn_h2_request(h, QN_H2_DOCUMENT, h2_text("/"), 100, &id) == QN_OK;
    ok = ok && qn_h2_push(h, qt_hex(H2_SETTINGS)) == QN_OK;
    ok = ok && qn_h2_push(h, qt_hex("000001 01 05 0000000188")) == QN_OK;
    ok = ok && qn_h2_request(h, QN_H2_IMAGE, h2_text("/a"), 100, &id) == QN_OK;
    while (qn_h2_next(h, &ev))
        ok = ok && ev.type != QN_H2_FAILED;
    qn_h2_free(h);
    return ok;
}

START_TEST(every_allocation_may_fail)
{
    unsigned browser = (unsigned)_i, failed = 0;
    uint64_t all;

    qt_env_open(&t, 1);
    profile = h2_profile(&t, browser);
    qt_alloc_fail_at(0);
    (void)visit_site(browser);
    all = qt_alloc_requests();
    ck_assert_uint_gt(all, 6);
    for (uint64_t n = 1; n <= all; n++) {
        qt_alloc_fail_at(n);
        failed += !visit_site(browser);
        ck_assert_uint_eq(t.env.mem.used, 0);
    }
    qt_alloc_fail_at(0);
    ck_assert_uint_eq(failed, all);
    qt_env_close(&t);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("h2");
    TCase *fresh = tcase_create("fresh"), *own = tcase_create("own"),
          *asked = tcase_create("asked");
    TCase *memory = tcase_create("memory");

    tcase_add_checked_fixture(fresh, setup, teardown);
    tcase_add_test(fresh, pings_and_settings_are_answered_one_write_each);
    tcase_add_test(fresh, a_smaller_table_is_announced_in_the_next_block);
    tcase_add_test(fresh, a_server_s_limit_on_streams_is_kept);
    tcase_add_test(fresh, the_farewell_blames_nobody_and_is_the_last_word);
    tcase_add_test(fresh, a_page_asks_for_what_the_path_looks_like);
    tcase_add_test(fresh, credit_goes_back_in_the_profile_s_steps);
    tcase_add_test(fresh, chromium_credits_half_of_each_window);
    tcase_add_test(fresh, requests_are_bounded);
    tcase_add_test(fresh, paths_and_authorities_are_checked);
    tcase_add_checked_fixture(own, NULL, teardown);
    tcase_add_test(own, firefox_asks_behind_its_acknowledgement);
    tcase_add_test(own, firefox_resumed_asks_at_once);
    tcase_add_test(own, requests_held_back_keep_their_order);
    tcase_add_checked_fixture(asked, setup_asked, teardown);
    tcase_add_test(asked, an_answer_is_told_and_thrown_away);
    tcase_add_test(asked, a_date_of_early_hints_is_not_the_answer_s);
    tcase_add_loop_test(asked, a_date_out_of_a_cache_is_as_much_older_as_it_says, 0, 6);
    tcase_add_loop_test(asked, an_answer_that_names_another_place_says_so, 0, 2);
    tcase_add_loop_test(asked, a_reset_stream_is_cut_short_even_without_an_error_code, 0, 2);
    tcase_add_test(asked, goaway_ends_asking_but_not_the_answer);
    tcase_add_test(asked, goaway_refuses_what_it_does_not_cover);
    tcase_add_test(asked, a_body_over_its_bound_fails_the_connection);
    tcase_add_test(asked, an_idle_connection_is_small);
    tcase_add_loop_test(memory, every_allocation_may_fail, 0, QN_LEN(h2_browsers));
    suite_add_tcase(s, fresh);
    suite_add_tcase(s, own);
    suite_add_tcase(s, asked);
    suite_add_tcase(s, memory);
    return s;
}

QT_MAIN(suite)

/* Each censor against what it must catch, and against browsers, which it must let pass. */
#include "captures.h"

#include "censor/internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const browsers[] = {"chromium-156", "firefox-esr-153"};
static const qn_addr client = {.family = 4, .ip = {20, 1, 0, 1}, .port = 40000};
static const qn_addr server = {.family = 4, .ip = {20, 2, 0, 1}, .port = 443};
static const qn_addr elsewhere = {.family = 4, .ip = {20, 3, 0, 1}, .port = 443};

static qt_env t;
static censor c;
static censor_flow f;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void begin(const censor_cfg *cfg)
{
    ck_assert(censor_init(&c, cfg, &t.env, t.env.now));
}

static censor_act dial(const qn_addr *to)
{
    return censor_open(&c, &f, &client, to, t.env.now).act;
}

static censor_act up(qn_slice bytes)
{
    return censor_see(&c, &f, CENSOR_UP, t.env.now, bytes).act;
}

static censor_act down(qn_slice bytes)
{
    return censor_see(&c, &f, CENSOR_DOWN, t.env.now, bytes).act;
}

/* What becomes of a flow of its own whose client says this first. */
static censor_act first(qn_slice bytes)
{
    censor_act act;

    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    act = up(bytes);
    censor_close(&c, &f);
    return act;
}

/* How many of the recorded first payloads of a browser are caught. */
static size_t caught_of(const char *browser, size_t *all)
{
    capture *v;
    size_t n = lab_browser(&v, browser), caught = 0;

    *all = 0;
    for (size_t i = 0; i < n; i++)
        if (!v[i].retry) {
            ++*all;
            caught += first(v[i].bytes) != CENSOR_PASS;
        }
    lab_forget(v, n);
    return caught;
}

static void no_browser_is_caught(void)
{
    size_t all;

    for (size_t i = 0; i < QN_LEN(browsers); i++) {
        ck_assert_uint_eq(caught_of(browsers[i], &all), 0);
        ck_assert_uint_ge(all, 50);
    }
}

static qn_slice hello_of(const char *browser)
{
    char path[64];

    (void)snprintf(path, sizeof path, "fingerprints/%s/fresh-01.hex", browser);
    return qt_hex((const char *)qt_vector_file(path).p);
}

/* ---- fully encrypted traffic ----------------------------------------------------------------- */

static const censor_cfg encrypted = {.kind = &censor_encrypted, .share = 1000};

START_TEST(encrypted_catches_recorded_shadowsocks)
{
    capture *v;
    size_t n = lab_shadowsocks(&v), caught = 0;

    begin(&encrypted);
    for (size_t i = 0; i < n; i++)
        caught += first(v[i].bytes) == CENSOR_DROP;
    ck_assert_uint_ge(n, 50);
    ck_assert_uint_ge(caught * 10, n * 9);
    lab_forget(v, n);
}
END_TEST

START_TEST(encrypted_lets_browsers_pass)
{
    begin(&encrypted);
    no_browser_is_caught();
}
END_TEST

static bool exempt(const char *hex)
{
    return first(qt_hex(hex)) == CENSOR_PASS;
}

/* 0x0f and its like have four bits set. */
START_TEST(encrypted_has_the_papers_five_exemptions)
{
    begin(&encrypted);
    ck_assert(!exempt("0f f0 0f f0 0f f0 0f f0"));
    ck_assert(exempt("0f 01 01 01 01 01 01 01"));                   /* few bits */
    ck_assert(exempt("ff ff ff ff 0f ff ff ff"));                   /* many */
    ck_assert(exempt("41 42 43 44 45 67 f0 0f ff ff f0 ff ff ff")); /* six printable */
    ck_assert(!exempt("41 42 43 44 45 ff f0 0f f7 f0 f0 0f"));
    ck_assert(exempt("f0 33 33 33 33"));          /* more than half */
    ck_assert(!exempt("f0 f0 f0 33 33 33"));      /* half is not more */
    ck_assert(exempt("16 03 01 f0 0f f0 0f f0")); /* TLS */
    ck_assert(!exempt("16 03 0a f0 0f f0 0f f0 ff"));
    ck_assert(exempt("47 45 54 20 f0 0f f0 0f f0")); /* "GET " */
}
END_TEST

/* The bare carrier's first message: 48 random bytes in a record shell of application data. */
START_TEST(only_strict_rules_catch_records_before_a_handshake)
{
    qn_slice bare = qt_hex("17 03 03 00 30 0f f0 0f f0 0f f0 0f f0 0f f0 0f f0 0f f0 0f f0");
    censor_cfg strict = encrypted;

    begin(&encrypted);
    ck_assert_int_eq(first(bare), CENSOR_PASS);
    strict.strict = true;
    begin(&strict);
    ck_assert_int_eq(first(bare), CENSOR_DROP);
    no_browser_is_caught();
}
END_TEST

START_TEST(encrypted_takes_a_share_and_keeps_the_pair_apart)
{
    censor_cfg some = encrypted;
    unsigned caught = 0;

    some.share = 263;
    begin(&some);
    for (unsigned i = 0; i < 1000; i++)
        caught += first(qt_hex("0f f0 0f f0 0f f0 0f f0")) == CENSOR_DROP;
    ck_assert_uint_ge(caught, 200);
    ck_assert_uint_le(caught, 330);
    some = encrypted;
    some.penalty = 180 * QN_SEC;
    begin(&some);
    ck_assert_int_eq(first(qt_hex("0f f0 0f f0 0f f0 0f f0")), CENSOR_DROP);
    ck_assert_int_eq(dial(&server), CENSOR_DROP);
    ck_assert_int_eq(dial(&elsewhere), CENSOR_PASS);
    qt_env_step(&t, 180 * QN_SEC);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
}
END_TEST

START_TEST(encrypted_judges_the_first_payload_of_clients_only)
{
    begin(&encrypted);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_int_eq(up(hello_of(browsers[0])), CENSOR_PASS);
    ck_assert_int_eq(up(qt_hex("0f f0 0f f0 0f f0 0f f0")), CENSOR_PASS);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_int_eq(down(qt_hex("0f f0 0f f0 0f f0 0f f0")), CENSOR_PASS);
    ck_assert_int_eq(up(qt_hex("0f f0 0f f0 0f f0 0f f0")), CENSOR_PASS);
}
END_TEST

/* ---- names ----------------------------------------------------------------------------------- */

static const char *const decoy[] = {"decoy.example"}; /* the name in the captures */
static const char *const other[] = {"other.example", "coy.example"};

START_TEST(sni_catches_the_name_and_what_is_beneath_it)
{
    static const char *const above[] = {"EXAMPLE"};

    begin(&(censor_cfg){.kind = &censor_sni, .names = decoy, .names_n = 1});
    ck_assert_int_eq(first(hello_of(browsers[0])), CENSOR_DROP);
    ck_assert_int_eq(first(hello_of(browsers[1])), CENSOR_DROP);
    begin(&(censor_cfg){.kind = &censor_sni, .names = above, .names_n = 1, .reset = true});
    ck_assert_int_eq(first(hello_of(browsers[0])), CENSOR_RESET);
}
END_TEST

START_TEST(sni_of_an_unrelated_name_lets_browsers_pass)
{
    begin(&(censor_cfg){.kind = &censor_sni, .names = other, .names_n = 2});
    no_browser_is_caught();
}
END_TEST

START_TEST(sni_waits_for_a_hello_in_pieces)
{
    qn_slice hello = hello_of(browsers[0]);

    begin(&(censor_cfg){.kind = &censor_sni, .names = decoy, .names_n = 1});
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    for (size_t i = 0; i + 1 < hello.n; i++)
        ck_assert_int_eq(up(qn_slice_of(hello.p + i, 1)), CENSOR_PASS);
    ck_assert_int_eq(up(qn_slice_of(hello.p + hello.n - 1, 1)), CENSOR_DROP);
    ck_assert_int_eq(down(qt_hex("00")), CENSOR_DROP); /* and so it stays */
}
END_TEST

/* Damaged hellos, cut anywhere and with any length wrong, are read within their bounds. */
START_TEST(sni_survives_damaged_hellos)
{
    qn_slice hello = hello_of(browsers[0]);
    uint8_t *copy = malloc(hello.n);

    begin(&(censor_cfg){.kind = &censor_sni, .names = decoy, .names_n = 1});
    for (size_t i = 0; i < 300; i++) {
        memcpy(copy, hello.p, hello.n);
        copy[i] ^= 0xff;
        (void)first(qn_slice_of(copy, hello.n));
    }
    free(copy);
}
END_TEST

START_TEST(keyword_resets_cleartext_only)
{
    static const char *const words[] = {"forbidden"};
    static const char text[] = "GET /forbidden HTTP/1.1\r\n", fine[] = "GET / HTTP/1.1\r\n";

    begin(&(censor_cfg){
        .kind = &censor_keyword, .names = words, .names_n = 1, .penalty = 90 * QN_SEC});
    no_browser_is_caught();
    ck_assert_int_eq(first(qn_slice_of(fine, sizeof fine - 1)), CENSOR_PASS);
    ck_assert_int_eq(first(qn_slice_of(text, sizeof text - 1)), CENSOR_RESET);
    ck_assert_int_eq(dial(&server), CENSOR_DROP);
    ck_assert_uint_eq(c.stats.caught, 1);
    ck_assert_uint_eq(c.stats.penalised, 1);
}
END_TEST

/* ---- JA4 ------------------------------------------------------------------------------------- */

START_TEST(ja4_is_what_the_captures_say)
{
    size_t checked = 0;

    for (size_t b = 0; b < QN_LEN(browsers); b++) {
        capture *v;
        size_t n = lab_browser(&v, browsers[b]);

        for (size_t i = 0; i < n; i++) {
            char ja4[CENSOR_JA4 + 1];
            censor_hello h;

            if (v[i].ja4[0] == '\0')
                continue;
            ck_assert_int_eq(censor_hello_read(&h, v[i].bytes), CENSOR_HELLO);
            ck_assert(censor_ja4_of(&t.env, &h, ja4));
            ck_assert_str_eq(ja4, v[i].ja4);
            checked++;
        }
        lab_forget(v, n);
    }
    ck_assert_uint_ge(checked, 20);
}
END_TEST

START_TEST(ja4_catches_the_listed_and_no_browser_by_anothers)
{
    static const char *const chromium[] = {"t13d1517h2_8daaf6152771_cb7bf5808d99"};
    static const char *const curl[] = {"t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"};
    size_t all;

    begin(&(censor_cfg){.kind = &censor_ja4, .names = chromium, .names_n = 1});
    ck_assert_int_eq(first(hello_of(browsers[0])), CENSOR_DROP);
    ck_assert_uint_gt(caught_of(browsers[0], &all), 0);
    ck_assert_uint_eq(caught_of(browsers[1], &all), 0);
    begin(&(censor_cfg){.kind = &censor_ja4, .names = curl, .names_n = 1});
    no_browser_is_caught();
}
END_TEST

/* ---- addresses, volumes, rates --------------------------------------------------------------- */

START_TEST(ip_takes_effect_late_and_on_open_flows_too)
{
    begin(&(censor_cfg){
        .kind = &censor_ip, .addresses = &server, .addresses_n = 1, .delay = 60 * QN_SEC});
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_int_eq(up(hello_of(browsers[0])), CENSOR_PASS);
    qt_env_step(&t, 60 * QN_SEC);
    ck_assert_int_eq(down(hello_of(browsers[0])), CENSOR_DROP);
    ck_assert_int_eq(dial(&server), CENSOR_DROP);
    ck_assert_int_eq(dial(&elsewhere), CENSOR_PASS);
}
END_TEST

START_TEST(freeze_stops_tls_at_the_limit_and_nothing_else)
{
    qn_slice some = qt_noise(1, 1000);

    begin(&(censor_cfg){
        .kind = &censor_freeze, .limit = 16384, .addresses = &server, .addresses_n = 1});
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_int_eq(up(hello_of(browsers[0])), CENSOR_PASS);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_int_eq(down(some), CENSOR_PASS);
    ck_assert_int_eq(down(some), CENSOR_DROP);
    ck_assert_int_eq(up(some), CENSOR_DROP);
    ck_assert_int_eq(dial(&elsewhere), CENSOR_PASS);
    ck_assert_int_eq(up(hello_of(browsers[0])), CENSOR_PASS);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_int_eq(down(some), CENSOR_PASS);
}
END_TEST

/* Bytes that a policed flow gets through in a second, from segments sent as often as `sends` says.
 */
static uint64_t through(qn_time every, size_t n)
{
    qn_slice some = qt_noise(1, n);
    uint64_t passed = 0;

    for (qn_time at = 0; at < 10 * QN_SEC; at += every) {
        passed += censor_see(&c, &f, CENSOR_DOWN, t.env.now, some).act == CENSOR_PASS ? n : 0;
        qt_env_step(&t, every);
    }
    return passed / 10;
}

START_TEST(throttle_loses_what_is_over_the_rate_of_listed_names)
{
    censor_cfg cfg = {
        .kind = &censor_throttle, .rate = 140000, .burst = 16384, .names = decoy, .names_n = 1};
    uint64_t passed;

    begin(&cfg);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_int_eq(up(hello_of(browsers[0])), CENSOR_PASS);
    passed = through(5 * QN_MS, 1448); /* 2.3 Mbit/s come */
    ck_assert_uint_ge(passed, 130000 / 8);
    ck_assert_uint_le(passed, 150000 / 8 + 16384 / 10);
    ck_assert_uint_gt(c.stats.lost, 1000);
    ck_assert_uint_eq(c.stats.slowed, 1);
    cfg.names = other;
    begin(&cfg);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_int_eq(up(hello_of(browsers[0])), CENSOR_PASS);
    ck_assert_uint_eq(through(5 * QN_MS, 1448), 200 * 1448);
    cfg.names_n = 0; /* everybody's */
    begin(&cfg);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_uint_le(through(5 * QN_MS, 1448), 150000 / 8 + 16384 / 10);
}
END_TEST

/* Who has no packets to lose waits as long as he is told, and then passes: the same rate. */
START_TEST(throttle_says_when_lost_bytes_would_pass)
{
    censor_cfg cfg = {.kind = &censor_throttle, .rate = 140000, .burst = 16384};
    qn_time ahead = 0;

    begin(&cfg);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    for (unsigned i = 0; i < 20; i++) { /* messages all sent at one moment, paid for in turn */
        censor_verdict v = censor_see(&c, &f, CENSOR_DOWN, t.env.now, qt_noise(1, 14000));

        if (v.act == CENSOR_LOSE) {
            ck_assert_uint_gt(v.wait, ahead);
            ahead = v.wait;
            v = censor_again(&c, &f, CENSOR_DOWN, t.env.now + ahead, 14000);
        }
        ck_assert_int_eq(v.act, CENSOR_PASS);
    }
    ck_assert_uint_ge(ahead, 14 * QN_SEC); /* 280,000 bytes less the bucket are 15.1 s */
    ck_assert_uint_le(ahead, 16 * QN_SEC);
}
END_TEST

/* ---- what it costs --------------------------------------------------------------------------- */

START_TEST(its_costs_are_counted)
{
    censor_flow many[3];
    qn_slice hello = hello_of(browsers[0]), more = qt_noise(1, 5000);

    begin(&(censor_cfg){.kind = &censor_sni, .names = other, .names_n = 1});
    for (size_t i = 0; i < QN_LEN(many); i++)
        (void)censor_open(&c, &many[i], &client, &server, t.env.now);
    (void)censor_see(&c, &many[0], CENSOR_UP, t.env.now, hello);
    (void)censor_see(&c, &many[0], CENSOR_UP, t.env.now, more);
    (void)censor_see(&c, &many[0], CENSOR_DOWN, t.env.now, more);
    for (size_t i = 0; i < QN_LEN(many); i++)
        censor_close(&c, &many[i]);
    ck_assert_uint_eq(c.stats.flows, 3);
    ck_assert_uint_eq(c.stats.states_max, 3);
    ck_assert_uint_eq(c.stats.states, 0);
    ck_assert_uint_eq(c.stats.inspected, hello.n);
    ck_assert_uint_eq(c.stats.inspections, 1);
    ck_assert_uint_eq(c.stats.seen, hello.n + 10000);
}
END_TEST

START_TEST(what_it_cannot_work_with_is_refused)
{
    static const char *const empty[] = {""};
    const censor_cfg bad[] = {{.kind = &censor_ip},
                              {.kind = &censor_sni},
                              {.kind = &censor_ja4},
                              {.kind = &censor_keyword},
                              {.kind = &censor_keyword, .names = empty, .names_n = 1},
                              {.kind = &censor_throttle, .burst = 16384},
                              {.kind = &censor_throttle, .rate = 1000, .burst = 1499},
                              {.kind = &censor_ports},
                              {.kind = &censor_prober},
                              {.kind = &censor_shutdown, .from = 2, .until = 1},
                              {.kind = &censor_freeze},
                              {.kind = &censor_encrypted},
                              {.kind = &censor_encrypted, .share = 1001}};

    for (size_t i = 0; i < QN_LEN(bad); i++) {
        ck_assert(!censor_init(&c, &bad[i], &t.env, 0));
        ck_assert_ptr_eq(censor_kind_of(censor_kind_name(bad[i].kind)), bad[i].kind);
    }
    ck_assert_ptr_null(censor_kind_of("magic"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("lab censor");
    TCase *tc = tcase_create("censors");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, encrypted_catches_recorded_shadowsocks);
    tcase_add_test(tc, encrypted_lets_browsers_pass);
    tcase_add_test(tc, encrypted_has_the_papers_five_exemptions);
    tcase_add_test(tc, only_strict_rules_catch_records_before_a_handshake);
    tcase_add_test(tc, encrypted_takes_a_share_and_keeps_the_pair_apart);
    tcase_add_test(tc, encrypted_judges_the_first_payload_of_clients_only);
    tcase_add_test(tc, sni_catches_the_name_and_what_is_beneath_it);
    tcase_add_test(tc, sni_of_an_unrelated_name_lets_browsers_pass);
    tcase_add_test(tc, sni_waits_for_a_hello_in_pieces);
    tcase_add_test(tc, sni_survives_damaged_hellos);
    tcase_add_test(tc, keyword_resets_cleartext_only);
    tcase_add_test(tc, ja4_is_what_the_captures_say);
    tcase_add_test(tc, ja4_catches_the_listed_and_no_browser_by_anothers);
    tcase_add_test(tc, ip_takes_effect_late_and_on_open_flows_too);
    tcase_add_test(tc, freeze_stops_tls_at_the_limit_and_nothing_else);
    tcase_add_test(tc, throttle_loses_what_is_over_the_rate_of_listed_names);
    tcase_add_test(tc, throttle_says_when_lost_bytes_would_pass);
    tcase_add_test(tc, its_costs_are_counted);
    tcase_add_test(tc, what_it_cannot_work_with_is_refused);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)

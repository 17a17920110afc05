/* Probes, ports and shutdowns: what they catch, and that sites and browsers are let be. */
#include "captures.h"

#include "censor/internal.h"

#include <stdlib.h>

static const qn_addr client = {.family = 4, .ip = {20, 1, 0, 1}, .port = 40000};
static const qn_addr server = {.family = 4, .ip = {20, 2, 0, 1}, .port = 443};
static const qn_addr elsewhere = {.family = 4, .ip = {20, 3, 0, 1}, .port = 443};

static qt_env t;
static censor c;
static censor_flow f;
static censor_suspect suspects[2];

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void begin(const censor_kind *kind, const qn_time *delays, size_t n)
{
    const censor_cfg cfg = {
        .kind = kind, .delays = delays, .delays_n = n, .suspects = suspects, .suspects_max = 2};

    ck_assert(censor_init(&c, &cfg, &t.env, t.env.now));
}

static censor_act dial(const qn_addr *to)
{
    return censor_open(&c, &f, &client, to, t.env.now).act;
}

/* A flow in which both say this, and the client goes on. */
static void talk(const qn_addr *to, qn_slice first, qn_slice flight)
{
    ck_assert_int_eq(dial(to), CENSOR_PASS);
    ck_assert_int_eq(censor_see(&c, &f, CENSOR_UP, t.env.now, first).act, CENSOR_PASS);
    for (size_t at = 0; at < flight.n; at += 300) { /* as segments, which cut records anywhere */
        qn_slice piece = qn_slice_of(flight.p + at, QN_MIN(flight.n - at, (size_t)300));

        ck_assert_int_eq(censor_see(&c, &f, CENSOR_DOWN, t.env.now, piece).act, CENSOR_PASS);
    }
    ck_assert_int_eq(censor_see(&c, &f, CENSOR_UP, t.env.now, qt_hex("14 03 03")).act, CENSOR_PASS);
    censor_close(&c, &f);
}

static censor_reaction reaction(qn_slice answer, bool ended)
{
    censor_reaction r = {.opened = true, .ended = ended};

    censor_shape_add(&r.answer, answer);
    return r;
}

static bool told(const censor_probe *p, qn_slice answer, bool ended)
{
    const censor_reaction r = reaction(answer, ended);

    return censor_probe_done(&c, p, &r);
}

static const qn_slice nothing;

START_TEST(prober_finds_shadowsocks_by_its_silence)
{
    static const qn_time delays[] = {QN_SEC, 48 * 3600 * QN_SEC};
    capture *v;
    size_t n = lab_shadowsocks(&v);
    censor_probe p;

    begin(&censor_prober, delays, 2);
    talk(&server, v[0].bytes, qt_noise(1, 700));
    ck_assert_uint_eq(censor_probe_due(&c), t.env.now + QN_SEC);
    ck_assert(!censor_probe_next(&c, t.env.now, &p));
    qt_env_step(&t, QN_SEC);
    ck_assert(censor_probe_next(&c, t.env.now, &p));
    ck_assert(!p.random);
    ck_assert_uint_eq(p.n, v[0].bytes.n);
    ck_assert_mem_eq(p.bytes, v[0].bytes.p, p.n);
    ck_assert(told(&p, nothing, false)); /* its replay filter drains what it has seen */
    ck_assert_int_eq(dial(&server), CENSOR_DROP);
    ck_assert_int_eq(dial(&elsewhere), CENSOR_PASS);
    ck_assert(!censor_probe_next(&c, t.env.now + delays[1], &p)); /* it is known now */
    ck_assert_uint_eq(c.stats.found, 1);
    ck_assert_uint_ge(n, 50);
    lab_forget(v, n);
}
END_TEST

START_TEST(prober_finds_who_swallows_random_bytes)
{
    static const qn_time delays[] = {0};
    qn_slice first = qt_noise(1, 200), same = qt_noise(2, 300);
    censor_probe p;

    begin(&censor_prober, delays, 1);
    talk(&server, first, same);
    ck_assert(censor_probe_next(&c, t.env.now, &p));
    ck_assert(!told(&p, same, false)); /* no filter against replays */
    ck_assert(censor_probe_next(&c, t.env.now, &p));
    ck_assert(p.random);
    ck_assert_uint_eq(p.n, 221);
    ck_assert(told(&p, nothing, false));
    ck_assert_int_eq(dial(&server), CENSOR_DROP);
}
END_TEST

/* Seed 3 of censor-probe: bytes that began 0b 03 15 2e 02, of which OpenSSL awaits 11,778 more. */
START_TEST(random_bytes_are_no_record_that_a_site_waits_for)
{
    static const qn_time delays[] = {0};
    censor_probe p;

    for (size_t i = 0; i < 2000; i++) { /* one in 256 began like a record of a version 3 */
        begin(&censor_prober, delays, 1);
        talk(&server, qt_noise(1, 200), qt_noise(2, 300));
        ck_assert(censor_probe_next(&c, t.env.now, &p));
        ck_assert(censor_probe_next(&c, t.env.now, &p));
        ck_assert(p.random);
        ck_assert_uint_ne(p.bytes[1], 3);
    }
}
END_TEST

/* A site's flight as recorded (of a relay of Tor, which is OpenSSL's): alike again, but for a
 * signature of another length. */
START_TEST(prober_lets_sites_be)
{
    static const qn_time delays[] = {0, 60 * QN_SEC, 48 * 3600 * QN_SEC};
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    capture *hellos, *flights;
    size_t n = lab_tor(&hellos, &flights), probes = 0;
    censor_probe p;

    begin(&censor_prober, delays, 3);
    talk(&server, hellos[0].bytes, flights[0].bytes);
    for (size_t i = 0; i < 3; i++) {
        while (censor_probe_next(&c, t.env.now + delays[i], &p)) {
            if (!p.random)
                ck_assert(!told(&p, flights[1].bytes, false));
            else if (i == 0)
                ck_assert(!told(&p, qt_hex("15 03 01 00 02 02 46"), true));
            else
                ck_assert(!told(&p, i == 1 ? nothing : qn_slice_of(http, sizeof http - 1), true));
            probes++;
        }
    }
    ck_assert_uint_eq(probes, 6);
    ck_assert_uint_eq(c.stats.probes, 6);
    ck_assert_uint_eq(c.stats.found, 0);
    ck_assert_uint_eq(censor_probe_due(&c), QN_NEVER);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    lab_forget(hellos, n);
    lab_forget(flights, n);
}
END_TEST

START_TEST(duplicator_compares_records)
{
    static const qn_time delays[] = {0};
    static const char *const other[] = {
        "16 03 03 00 02 aa bb 17 03 03 00 07 01 02 03 04 05 06 07", /* five bytes longer */
        "16 03 03 00 02 aa bb 15 03 03 00 02 01 02", /* an alert in the record's place */
        "16 03 03 00 02 aa bb",                      /* one record less */
        "41 42 43 44 45 46",                         /* none at all */
        ""};
    qn_slice site = qt_hex("16 03 03 00 02 aa bb 17 03 03 00 02 01 02");
    qn_slice near = qt_hex("16 03 03 00 02 aa bb 17 03 03 00 04 01 02 03 04");
    censor_probe p;

    for (size_t i = 0; i < QN_LEN(other); i++) {
        begin(&censor_duplicator, delays, 1);
        talk(&server, qt_noise(1, 300), site);
        ck_assert(censor_probe_next(&c, t.env.now, &p));
        ck_assert(!p.random);
        ck_assert(told(&p, qt_hex(other[i]), true));
        ck_assert_int_eq(dial(&server), CENSOR_DROP);
    }
    begin(&censor_duplicator, delays, 1);
    talk(&server, qt_noise(1, 300), site);
    ck_assert(censor_probe_next(&c, t.env.now, &p));
    ck_assert(!told(&p, near, false));
    ck_assert(!censor_probe_next(&c, t.env.now, &p)); /* no random bytes */
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
}
END_TEST

START_TEST(who_cannot_be_reached_is_not_found)
{
    static const qn_time delays[] = {0};
    const censor_reaction unreachable = {.ended = true};
    censor_probe p;

    begin(&censor_prober, delays, 1);
    talk(&server, qt_noise(1, 300), qt_noise(2, 300));
    ck_assert(censor_probe_next(&c, t.env.now, &p));
    ck_assert(!censor_probe_done(&c, &p, &unreachable));
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
}
END_TEST

START_TEST(suspects_are_bounded)
{
    static const qn_time delays[] = {0};
    qn_addr many = server;
    censor_probe p;

    begin(&censor_duplicator, delays, 1);
    for (uint16_t i = 0; i < 10; i++) {
        many.port = (uint16_t)(1000 + i);
        talk(&many, qt_noise(1, 300), qt_noise(2, 300));
        talk(&many, qt_noise(1, 300), qt_noise(2, 300)); /* each once */
    }
    for (unsigned i = 0; i < 2; i++)
        ck_assert(censor_probe_next(&c, t.env.now, &p));
    ck_assert(!censor_probe_next(&c, t.env.now, &p));
}
END_TEST

START_TEST(shapes_are_read_from_any_pieces)
{
    capture *hellos, *flights;
    size_t n = lab_tor(&hellos, &flights);
    static const uint16_t lengths[] = {155, 1, 23, 609, 281, 69};

    for (size_t size = 1; size < 40; size++) {
        censor_shape s = {0};

        for (size_t at = 0; at < flights[0].bytes.n; at += size)
            censor_shape_add(
                &s, qn_slice_of(flights[0].bytes.p + at, QN_MIN(size, flights[0].bytes.n - at)));
        ck_assert_uint_eq(s.n, QN_LEN(lengths));
        ck_assert(!s.opaque);
        for (size_t i = 0; i < QN_LEN(lengths); i++)
            ck_assert_uint_eq(s.record[i].length, lengths[i]);
    }
    ck_assert_uint_ge(n, 20);
    lab_forget(hellos, n);
    lab_forget(flights, n);
}
END_TEST

/* ---- the other controls ---------------------------------------------------------------------- */

START_TEST(tor_is_caught_by_its_ja4_and_passes_the_rules_for_encrypted_traffic)
{
    static const char *const ja4[] = {"t13d181100_796efca44d18_d41ae481755e"};
    capture *hellos, *flights;
    size_t n = lab_tor(&hellos, &flights), caught = 0, mistaken = 0;

    ck_assert(
        censor_init(&c, &(censor_cfg){.kind = &censor_ja4, .names = ja4, .names_n = 1}, &t.env, 0));
    for (size_t i = 0; i < n; i++) {
        (void)dial(&server);
        caught += censor_see(&c, &f, CENSOR_UP, 0, hellos[i].bytes).act == CENSOR_DROP;
    }
    ck_assert(censor_init(&c, &(censor_cfg){.kind = &censor_encrypted, .share = 1000}, &t.env, 0));
    for (size_t i = 0; i < n; i++) {
        (void)dial(&server);
        mistaken += censor_see(&c, &f, CENSOR_UP, 0, hellos[i].bytes).act == CENSOR_DROP;
    }
    ck_assert_uint_eq(caught, n);
    ck_assert_uint_eq(mistaken, 0);
    lab_forget(hellos, n);
    lab_forget(flights, n);
}
END_TEST

START_TEST(ports_open_to_listed_ones_only)
{
    static const uint16_t ports[] = {80, 443};
    qn_addr odd = server;

    odd.port = 8388;
    ck_assert(censor_init(&c, &(censor_cfg){.kind = &censor_ports, .ports = ports, .ports_n = 2},
                          &t.env, 0));
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_int_eq(dial(&odd), CENSOR_DROP);
}
END_TEST

START_TEST(shutdown_lasts_from_then_until_then)
{
    const censor_cfg cfg = {.kind = &censor_shutdown, .from = 10 * QN_SEC, .until = 20 * QN_SEC};

    ck_assert(censor_init(&c, &cfg, &t.env, t.env.now));
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
    ck_assert_int_eq(censor_see(&c, &f, CENSOR_UP, t.env.now, qt_noise(1, 10)).act, CENSOR_PASS);
    qt_env_step(&t, 10 * QN_SEC);
    ck_assert_int_eq(censor_see(&c, &f, CENSOR_UP, t.env.now, qt_noise(1, 10)).act, CENSOR_DROP);
    ck_assert_int_eq(dial(&server), CENSOR_DROP);
    qt_env_step(&t, 10 * QN_SEC);
    ck_assert_int_eq(dial(&server), CENSOR_PASS);
}
END_TEST

START_TEST(addresses_are_listed_so_long_after_they_appear)
{
    const qn_addr two[] = {server, elsewhere};
    const qn_time since[] = {0, 5 * QN_SEC};
    const censor_cfg cfg = {.kind = &censor_ip,
                            .addresses = two,
                            .since = since,
                            .addresses_n = 2,
                            .delay = 10 * QN_SEC};

    ck_assert(censor_init(&c, &cfg, &t.env, t.env.now));
    qt_env_step(&t, 10 * QN_SEC);
    ck_assert_int_eq(dial(&server), CENSOR_DROP);
    ck_assert_int_eq(dial(&elsewhere), CENSOR_PASS);
    qt_env_step(&t, 5 * QN_SEC);
    ck_assert_int_eq(dial(&elsewhere), CENSOR_DROP);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("lab probe");
    TCase *tc = tcase_create("probes");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, prober_finds_shadowsocks_by_its_silence);
    tcase_add_test(tc, prober_finds_who_swallows_random_bytes);
    tcase_add_test(tc, random_bytes_are_no_record_that_a_site_waits_for);
    tcase_add_test(tc, prober_lets_sites_be);
    tcase_add_test(tc, duplicator_compares_records);
    tcase_add_test(tc, who_cannot_be_reached_is_not_found);
    tcase_add_test(tc, suspects_are_bounded);
    tcase_add_test(tc, shapes_are_read_from_any_pieces);
    tcase_add_test(tc, tor_is_caught_by_its_ja4_and_passes_the_rules_for_encrypted_traffic);
    tcase_add_test(tc, ports_open_to_listed_ones_only);
    tcase_add_test(tc, shutdown_lasts_from_then_until_then);
    tcase_add_test(tc, addresses_are_listed_so_long_after_they_appear);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)

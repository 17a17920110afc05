/*
 * Two legs joined: whoever is not ours gets the origin, byte for byte and ending for ending.
 *
 * The test is the world: each leg is a socket with bytes to say, a place for what it is told, and a
 * will of its own about how much it takes at a time.
 */
#include "support/qt.h"

#include "base/engine.h"
#include "htx/proxy.h"
#include "htx/splice.h"

enum { SAYS = 200000 };

static qt_env t;
static qn_htx_splice s;
static const qn_addr origin = {.family = 4, .ip = {127, 0, 0, 1}, .port = 8443};

static struct leg {
    qn_slice says; /* left of it */
    uint8_t got[SAYS + 100];
    size_t got_n;
    bool finish, close, reset, drain; /* ordered for it */
} leg[2];

static unsigned dials, lost;
static qn_err lost_err;

static void drain_events(void)
{
    qn_carrier_event ev;

    while (qn_htx_splice_next(&s, &ev)) {
        struct leg *l = &leg[ev.leg];

        ck_assert_uint_eq(lost, 0); /* nothing follows LOST */
        switch (ev.type) {
        case QN_CARRIER_DIAL:
            ck_assert(ev.leg == 1 && qn_addr_equal(&ev.addr, &origin));
            dials++;
            break;
        case QN_CARRIER_FINISH:
            ck_assert(!l->finish);
            l->finish = true;
            break;
        case QN_CARRIER_CLOSE:
            l->close = true;
            break;
        case QN_CARRIER_RESET:
            l->reset = true;
            l->drain = ev.drain;
            break;
        case QN_CARRIER_LOST:
            lost++;
            lost_err = ev.err;
            break;
        default:
            ck_abort_msg("event %d", (int)ev.type);
        }
    }
}

static void begin(bool proxy)
{
    const qn_htx_splice_cfg cfg = {.origin = origin,
                                   .proxy = proxy,
                                   .client = {.family = 4, .ip = {192, 0, 2, 7}, .port = 50000},
                                   .local = {.family = 4, .ip = {198, 51, 100, 1}, .port = 443}};

    memset(leg, 0, sizeof leg);
    dials = lost = 0;
    qn_htx_splice_init(&s, &t.env, &cfg);
    drain_events();
    ck_assert_uint_eq(dials, 1);
}

static void opened(void)
{
    qn_htx_splice_opened(&s, 1);
    drain_events();
}

static void setup(void)
{
    qt_env_open(&t, 14);
    begin(false);
}

static void teardown(void)
{
    qn_htx_splice_clear(&s);
    qt_env_close(&t);
}

/* One readiness to read: at most `most` bytes of what the leg says. */
static size_t read_leg(uint8_t i, size_t most)
{
    qn_span space = qn_htx_splice_space(&s, i);
    size_t n = QN_MIN(QN_MIN(space.n, most), leg[i].says.n);

    if (n == 0)
        return 0;
    memcpy(space.p, leg[i].says.p, n);
    leg[i].says.p += n;
    leg[i].says.n -= n;
    qn_htx_splice_commit(&s, i, n);
    memset(space.p, 0xee, n); /* the scratch is everybody's */
    drain_events();
    return n;
}

static size_t write_leg(uint8_t i, size_t most)
{
    qn_slice v[4];
    unsigned count = qn_htx_splice_peek(&s, i, v, QN_LEN(v));
    size_t total = 0;

    for (unsigned k = 0; k < count && most > 0; k++) {
        size_t n = QN_MIN(v[k].n, most);

        ck_assert_uint_le(leg[i].got_n + n, sizeof leg[i].got);
        memcpy(leg[i].got + leg[i].got_n, v[k].p, n);
        leg[i].got_n += n;
        most -= n;
        total += n;
    }
    qn_htx_splice_consume(&s, i, total);
    drain_events();
    return total;
}

static void flush(void)
{
    while (write_leg(0, SIZE_MAX) + write_leg(1, SIZE_MAX) > 0)
        continue;
}

static void ended(uint8_t i, qn_ending how)
{
    qn_htx_splice_ended(&s, i, how);
    drain_events();
}

static void say(uint8_t i, const char *text)
{
    leg[i].says = qn_slice_of(text, strlen(text));
    ck_assert_uint_eq(read_leg(i, SIZE_MAX), strlen(text));
}

#define assert_got(i, text)                                                                        \
    qt_assert_bytes(leg[i].got, leg[i].got_n, qn_slice_of(text, strlen(text)))

/* ---- bytes ------------------------------------------------------------------------------------
 */

/* The property: for any streams, any cutting and any slowness, what goes in comes out. */
START_TEST(each_leg_hears_what_the_other_says)
{
    qn_slice whole[2];
    bool eof[2] = {false, false};

    opened();
    for (uint8_t i = 0; i < 2; i++)
        leg[i].says = whole[i] =
            qt_noise((uint64_t)_i * 2 + i, qn_rng_below(&t.env, _i % 3 == 0 ? 3000 : SAYS));
    while (lost == 0) {
        uint8_t i = (uint8_t)qn_rng_below(&t.env, 2);
        size_t most = 1 + qn_rng_below(&t.env, qn_rng_below(&t.env, 2) == 0 ? 100 : 70000);

        if (qn_rng_below(&t.env, 2) == 0)
            (void)read_leg(i, most);
        else
            (void)write_leg(i, most);
        if (leg[i].says.n == 0 && !eof[i]) {
            eof[i] = true;
            ended(i, QN_END_EOF);
            ck_assert(leg[!i].finish);
        }
        ck_assert_uint_le(s.leg[0].out.bytes, QN_HTX_SPLICE_MAX);
        ck_assert_uint_le(s.leg[1].out.bytes, QN_HTX_SPLICE_MAX);
    }
    for (uint8_t i = 0; i < 2; i++) {
        qt_assert_bytes(leg[i].got, leg[i].got_n, whole[!i]);
        ck_assert(leg[i].finish && leg[i].close && !leg[i].reset);
    }
    qt_assert_err(lost_err, QN_OK);
}
END_TEST

START_TEST(one_read_is_offered_as_one_write)
{
    qn_slice v[4];

    opened();
    leg[1].says = qt_noise(1, QN_HTX_SPLICE_MAX);
    ck_assert_uint_eq(read_leg(1, SIZE_MAX), QN_HTX_SPLICE_MAX);
    ck_assert_uint_eq(qn_htx_splice_peek(&s, 0, v, QN_LEN(v)), 1);
    ck_assert_uint_eq(v[0].n, QN_HTX_SPLICE_MAX);
}
END_TEST

START_TEST(a_slow_reader_stops_the_other_side)
{
    opened();
    leg[1].says = qt_noise(1, 100000);
    while (read_leg(1, 5000) > 0)
        continue;
    ck_assert_uint_eq(leg[1].says.n, 100000 - QN_HTX_SPLICE_MAX);
    ck_assert_uint_eq(qn_htx_splice_space(&s, 1).n, 0);
    ck_assert_uint_eq(qn_htx_splice_space(&s, 0).n, QN_HTX_SPLICE_MAX); /* the other way is free */
    (void)write_leg(0, 1);
    ck_assert_uint_eq(read_leg(1, 5000), 1);
}
END_TEST

START_TEST(nothing_is_written_to_an_origin_that_is_not_there_yet)
{
    qn_slice v[4];

    say(0, "hello");
    ck_assert_uint_eq(qn_htx_splice_peek(&s, 1, v, QN_LEN(v)), 0);
    opened();
    flush();
    assert_got(1, "hello");
}
END_TEST

/* P3: the machine itself is small, and without waiting bytes it holds no block. */
START_TEST(a_stranger_who_waits_costs_little)
{
    opened();
    say(0, "GET / HTTP/1.1\r\n\r\n");
    say(1, "HTTP/1.1 200 OK\r\n\r\n");
    flush();
    ck_assert_uint_le(t.env.mem.used + sizeof s, 1024);
}
END_TEST

/* ---- endings ----------------------------------------------------------------------------------
 */

START_TEST(a_fin_goes_on_and_the_other_way_lives)
{
    uint8_t i = (uint8_t)_i;

    opened();
    say(i, "last words");
    ended(i, QN_END_EOF);
    ck_assert(leg[!i].finish && !leg[i].finish);
    flush();
    say(!i, "an answer");
    flush();
    assert_got(i, "an answer");
    ck_assert_uint_eq(lost, 0);
    ended(!i, QN_END_EOF);
    ck_assert(leg[i].finish && leg[0].close && leg[1].close);
    ck_assert_uint_eq(lost, 1);
}
END_TEST

/* An orderly close may only be ordered when nothing waits: worlds give it 200 ms. */
START_TEST(both_ends_wait_for_the_last_byte)
{
    opened();
    leg[1].says = qt_noise(1, 10000);
    (void)read_leg(1, SIZE_MAX);
    ended(1, QN_END_EOF);
    ended(0, QN_END_EOF);
    ck_assert(!leg[0].close && lost == 0);
    (void)write_leg(0, 9999);
    ck_assert(!leg[0].close && lost == 0);
    (void)write_leg(0, 1);
    ck_assert(leg[0].close && leg[1].close);
    ck_assert_uint_eq(lost, 1);
}
END_TEST

START_TEST(a_reset_goes_on_behind_the_bytes)
{
    uint8_t i = (uint8_t)_i;

    opened();
    say(i, "last words");
    say(!i, "too late");
    ended(i, QN_END_RESET);
    ck_assert(leg[!i].reset && leg[!i].drain && !leg[i].reset);
    ck_assert_uint_eq(lost, 1);
    flush();
    assert_got(!i, "last words");
    ck_assert_uint_eq(leg[i].got_n, 0);
    ck_assert_uint_eq(qn_htx_splice_space(&s, 0).n, 0);
    ck_assert_uint_eq(qn_htx_splice_space(&s, 1).n, 0);
}
END_TEST

START_TEST(a_failed_write_loses_nothing_of_what_that_side_says)
{
    uint8_t i = (uint8_t)_i;

    opened();
    say(!i, "into the void");
    ended(i, QN_END_WRITE_FAILED);
    ck_assert(!leg[!i].reset && lost == 0);
    say(!i, "and more");
    say(i, "an alert");
    flush();
    assert_got(!i, "an alert");
    ck_assert_uint_eq(leg[i].got_n, 0);
    ended(i, QN_END_EOF); /* the kernel gave its error to the write */
    ck_assert(leg[!i].reset && leg[!i].drain && !leg[!i].finish);
    ck_assert_uint_eq(lost, 1);
}
END_TEST

START_TEST(no_fin_is_asked_of_a_side_that_takes_nothing)
{
    uint8_t i = (uint8_t)_i;

    opened();
    ended(i, QN_END_WRITE_FAILED);
    ended(!i, QN_END_EOF);
    ck_assert(!leg[i].finish && lost == 0);
    ended(i, QN_END_RESET);
    ck_assert(leg[!i].reset);
}
END_TEST

START_TEST(bytes_to_a_side_that_has_finished_and_gone_bring_its_reset)
{
    uint8_t i = (uint8_t)_i;

    opened();
    say(i, "goodbye");
    ended(i, QN_END_EOF);
    say(!i, "wait");
    ended(i, QN_END_WRITE_FAILED);
    ck_assert(leg[!i].finish && leg[!i].reset && leg[!i].drain);
    flush();
    assert_got(!i, "goodbye");
}
END_TEST

START_TEST(an_origin_that_cannot_be_reached_resets_the_visitor)
{
    say(0, "hello");
    ended(1, QN_END_RESET);
    ck_assert(leg[0].reset && !leg[0].drain && !leg[1].reset);
    ck_assert_uint_eq(lost, 1);
    qt_assert_err(lost_err, QN_GONE);
}
END_TEST

START_TEST(a_visitor_that_leaves_before_the_origin_is_there_ends_the_dial)
{
    ended(0, QN_END_RESET);
    ck_assert(leg[1].reset && !leg[1].drain);
    ck_assert_uint_eq(lost, 1);
}
END_TEST

START_TEST(a_fin_before_the_origin_is_there_waits_for_it)
{
    say(0, "hello");
    ended(0, QN_END_EOF);
    ck_assert(!leg[1].finish);
    opened();
    ck_assert(leg[1].finish);
    flush();
    assert_got(1, "hello");
}
END_TEST

START_TEST(without_memory_both_sides_are_reset)
{
    opened();
    t.env.mem.limit = t.env.mem.used + 100;
    leg[0].says = qn_slice_of("hello", 5);
    (void)read_leg(0, SIZE_MAX);
    ck_assert(leg[0].reset && leg[1].reset);
    ck_assert_uint_eq(lost, 1);
    qt_assert_err(lost_err, QN_NOMEM);
}
END_TEST

/* ---- PROXY protocol ---------------------------------------------------------------------------
 */

static const char introduction[] =
    "0d0a0d0a000d0a515549540a 21 11 000c c0000207 c6336401 c350 01bb";

START_TEST(the_visitor_is_introduced_with_its_first_bytes)
{
    qn_slice v[4];

    begin(true);
    opened();
    ck_assert_uint_eq(qn_htx_splice_peek(&s, 1, v, QN_LEN(v)), 0); /* not before */
    say(1, "220 ready");
    flush();
    ck_assert_uint_eq(leg[1].got_n, 0);
    say(0, "hello");
    ck_assert_uint_eq(qn_htx_splice_peek(&s, 1, v, QN_LEN(v)), 1); /* in one write */
    ck_assert_uint_eq(v[0].n, 28 + 5);
    say(0, ", again");
    flush();
    qt_assert_bytes(leg[1].got, (size_t)28, qt_hex(introduction));
    qt_assert_bytes(leg[1].got + 28, leg[1].got_n - 28, qn_slice_of("hello, again", 12));
}
END_TEST

START_TEST(or_with_its_bare_fin)
{
    begin(true);
    opened();
    ended(0, QN_END_EOF);
    ck_assert(leg[1].finish);
    flush();
    qt_assert_bytes(leg[1].got, leg[1].got_n, qt_hex(introduction));
}
END_TEST

START_TEST(or_never_when_it_resets)
{
    begin(true);
    opened();
    ended(0, QN_END_RESET);
    flush();
    ck_assert_uint_eq(leg[1].got_n, 0);
}
END_TEST

START_TEST(an_introduction_stays_within_the_bound)
{
    begin(true);
    leg[0].says = qt_noise(1, 2 * QN_HTX_SPLICE_MAX);
    while (read_leg(0, SIZE_MAX) > 0)
        continue;
    ck_assert_uint_le(s.leg[1].out.bytes, QN_HTX_SPLICE_MAX);
}
END_TEST

static const struct {
    const char *src, *dst, *want;
} proxies[] = {
    {"[2001:db8::7]:1", "[2001:db8::1]:443",
     "0d0a0d0a000d0a515549540a 21 21 0024 20010db8000000000000000000000007"
     "20010db8000000000000000000000001 0001 01bb"},
    {"[::ffff:c000:207]:50000", "[::ffff:c633:6401]:443",
     "0d0a0d0a000d0a515549540a 21 11 000c c0000207 c6336401 c350 01bb"},
    {"192.0.2.7:50000", "[2001:db8::1]:443",
     "0d0a0d0a000d0a515549540a 21 21 0024 00000000000000000000ffffc0000207"
     "20010db8000000000000000000000001 c350 01bb"},
};

START_TEST(proxy_headers_are_the_protocols)
{
    uint8_t out[QN_HTX_PROXY_MAX];
    qn_addr src, dst;

    qt_assert_err(qn_addr_parse(&src, proxies[_i].src), QN_OK);
    qt_assert_err(qn_addr_parse(&dst, proxies[_i].dst), QN_OK);
    qt_assert_bytes(out, qn_htx_proxy_put(&src, &dst, out), qt_hex(proxies[_i].want));
}
END_TEST

static Suite *splice_suite(void)
{
    Suite *suite = suite_create("htx/splice");
    TCase *tc = tcase_create("splice");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, each_leg_hears_what_the_other_says, 0, 30);
    tcase_add_test(tc, one_read_is_offered_as_one_write);
    tcase_add_test(tc, a_slow_reader_stops_the_other_side);
    tcase_add_test(tc, nothing_is_written_to_an_origin_that_is_not_there_yet);
    tcase_add_test(tc, a_stranger_who_waits_costs_little);
    tcase_add_loop_test(tc, a_fin_goes_on_and_the_other_way_lives, 0, 2);
    tcase_add_test(tc, both_ends_wait_for_the_last_byte);
    tcase_add_loop_test(tc, a_reset_goes_on_behind_the_bytes, 0, 2);
    tcase_add_loop_test(tc, a_failed_write_loses_nothing_of_what_that_side_says, 0, 2);
    tcase_add_loop_test(tc, no_fin_is_asked_of_a_side_that_takes_nothing, 0, 2);
    tcase_add_loop_test(tc, bytes_to_a_side_that_has_finished_and_gone_bring_its_reset, 0, 2);
    tcase_add_test(tc, an_origin_that_cannot_be_reached_resets_the_visitor);
    tcase_add_test(tc, a_visitor_that_leaves_before_the_origin_is_there_ends_the_dial);
    tcase_add_test(tc, a_fin_before_the_origin_is_there_waits_for_it);
    tcase_add_test(tc, without_memory_both_sides_are_reset);
    tcase_add_test(tc, the_visitor_is_introduced_with_its_first_bytes);
    tcase_add_test(tc, or_with_its_bare_fin);
    tcase_add_test(tc, or_never_when_it_resets);
    tcase_add_test(tc, an_introduction_stays_within_the_bound);
    tcase_add_loop_test(tc, proxy_headers_are_the_protocols, 0, QN_LEN(proxies));
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(splice_suite)

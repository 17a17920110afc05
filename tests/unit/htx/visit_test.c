/*
 * A connection at P: tagged ones come to their proof, all others are the origin's to the last byte.
 *
 * Chromium's hello from the shipped profile, a scripted origin, and a world that cuts every stream.
 */
#include "../tls/fixture.h"

#include "base/engine.h"
#include "htx/visit.h"

enum { FLIGHT = 600, ALERT = 19, SECOND = 100, R = 1500, BEHIND = 40 };

static qt_env t;
static qn_htx_mirror_key key;
static qn_htx_replay replay;
static qn_key psk;
static const qn_slice name = {(const uint8_t *)DECOY, sizeof DECOY - 1};
static qn_htx_site site;
static qn_htx_visit v;

/* What each side says in all, and what each has heard. */
static struct stream {
    uint8_t p[40000];
    size_t n;
} says[2], hears[2];
static size_t given[2]; /* of says, to the visit */
static bool reset[2], lost;
static qn_tally *unheard; /* nobody looks for its tag; counts what is done all the same */

/* ---- the script -------------------------------------------------------------------------------
 */

static void put(unsigned who, const void *p, size_t n)
{
    ck_assert_uint_le(says[who].n + n, sizeof says[who].p);
    memcpy(says[who].p + says[who].n, p, n);
    says[who].n += n;
}

static void put_record(unsigned who, uint8_t type, const uint8_t *body, size_t n)
{
    uint8_t head[QN_RECORD_HEADER] = {type, 3, 3};

    qn_put16(head + 3, (uint16_t)n);
    put(who, head, sizeof head);
    put(who, body, n);
}

static void put_data(unsigned who, size_t n)
{
    put_record(who, QN_TLS_DATA, qt_noise(n, n).p, n);
}

static tls_made hello;

static void make_hello(bool tagged)
{
    qn_tls_profile profile = tls_profile(&t, tls_profiles[0]);
    qn_htx_tag tag = {.requests = 3, .second = SECOND, .time = (uint32_t)t.env.wall};
    qn_htx_tag_cfg cfg = {.mirror = key.pub, .psk = psk, .own = {.b = {8}}};
    uint8_t head[QN_RECORD_HEADER] = {QN_TLS_HANDSHAKE, 3, 1};
    qn_noise x;

    tls_make(&hello, &t, &profile, NULL);
    cfg.e = hello.shares.x25519;
    if (tagged) {
        qt_assert_err(qn_htx_tag_seal(&x, &t.env, &cfg, &tag, hello.p, hello.cut), QN_OK);
        qn_noise_clear(&x);
    }
    qn_put16(head + 3, (uint16_t)hello.n);
    put(0, head, sizeof head);
    put(0, hello.p, hello.n);
}

static void put_server_hello(void)
{
    uint8_t p[86] = {QN_TLS_SERVER_HELLO, 0, 0, 82, 3, 3};

    p[38] = 32;
    memcpy(p + 39, hello.p + QN_TLS_HELLO_SESSION_ID, 32);
    qn_put16(p + 71, 0x1301);
    qn_put16(p + 74, 10);
    qn_put16(p + 76, QN_TLS_X_VERSIONS);
    qn_put16(p + 78, 2);
    qn_put16(p + 80, 0x0304);
    qn_put16(p + 82, QN_TLS_X_SHARES);
    put_record(1, QN_TLS_HANDSHAKE, p, sizeof p);
}

/* The script stops where the other side must speak: up to here, per turn. */
static struct {
    unsigned who;
    size_t until;
} turn[8];
static unsigned turns;

static void end_turn(unsigned who)
{
    turn[turns].who = who;
    turn[turns++].until = says[who].n;
}

static void write_script(bool tagged)
{
    memset(says, 0, sizeof says);
    turns = 0;
    make_hello(tagged);
    end_turn(0);
    put_server_hello();
    put_record(1, QN_TLS_CCS, (const uint8_t[]){1}, 1);
    put_data(1, 515);
    put_data(1, 85);
    end_turn(1);
    put_record(0, QN_TLS_CCS, (const uint8_t[]){1}, 1);
    put_data(0, 53);
    put_data(0, 87);
    put_data(0, 462);
    end_turn(0);
    put_data(1, 234);
    put_data(1, 4000);
    end_turn(1);
    put_data(0, 26);
    put_data(0, SECOND);
    end_turn(0);
    put_data(1, 300);
    put_data(1, R);
    put_data(1, BEHIND);
    end_turn(1);
}

/* ---- the world --------------------------------------------------------------------------------
 */

static void drain(void)
{
    qn_carrier_event ev;

    while (qn_htx_visit_next(&v, &ev)) {
        if (ev.type == QN_CARRIER_RESET)
            reset[ev.leg] = true;
        lost |= ev.type == QN_CARRIER_LOST;
    }
}

static void begin(void)
{
    const qn_htx_splice_cfg cfg = {.origin = {.family = 4, .port = 1}};

    memset(hears, 0, sizeof hears);
    memset(given, 0, sizeof given);
    memset(reset, 0, sizeof reset);
    lost = false;
    qn_htx_visit_init(&v, &t.env, unheard, &site, &cfg);
    if (unheard != NULL)
        qn_htx_visit_leave(&v);
    drain();
    qn_htx_visit_opened(&v, 1);
}

static void write_all(void)
{
    for (unsigned leg = 0; leg < 2; leg++) {
        qn_slice s[8];
        unsigned n;

        while ((n = qn_htx_visit_peek(&v, (uint8_t)leg, s, QN_LEN(s))) > 0) {
            size_t total = 0;

            for (unsigned i = 0; i < n; i++) {
                memcpy(hears[leg].p + hears[leg].n, s[i].p, s[i].n);
                hears[leg].n += s[i].n;
                total += s[i].n;
            }
            qn_htx_visit_consume(&v, (uint8_t)leg, total);
        }
    }
}

/* One read of at most `most` bytes. */
static bool read_some(unsigned who, size_t until, size_t most)
{
    qn_span space = qn_htx_visit_space(&v, (uint8_t)who);
    size_t n = QN_MIN(QN_MIN(space.n, most), until - given[who]);

    if (n == 0)
        return false;
    memcpy(space.p, says[who].p + given[who], n);
    given[who] += n;
    qn_htx_visit_commit(&v, (uint8_t)who, n);
    drain();
    memset(t.env.engine->scratch, 0xee, n); /* it is everybody's */
    write_all();
    return true;
}

/* cut 0: draws. late: no tick before the origin speaks. */
static void play(unsigned n, size_t cut, bool late)
{
    begin();
    for (unsigned i = 0; i < n; i++) {
        while (read_some(turn[i].who, turn[i].until, cut ? cut : 1 + qn_rng_below(&t.env, 900)))
            continue;
        if (!late && qn_htx_visit_due(&v) <= t.env.now)
            qn_htx_visit_tick(&v);
        write_all();
    }
}

static void setup(void)
{
    qt_env_open(&t, 23);
    qn_dh_generate(&t.env, &key.secret, &key.pub);
    qn_htx_replay_init(&replay, &t.env, true);
    site = (qn_htx_site){
        .judge =
            {.keys = &key, .keys_n = 1, .psks = &psk, .psks_n = 1, .names = &name, .names_n = 1},
        .replay = &replay,
        .flight = FLIGHT,
        .flight_r = FLIGHT,
        .alert = ALERT,
        .proven = true};
    write_script(true);
}

static void teardown(void)
{
    qn_htx_visit_clear(&v);
    qn_htx_replay_clear(&replay);
    qt_env_close(&t);
}

static void assert_spliced(void)
{
    ck_assert_int_eq(v.state, QN_HTX_VISIT_SPLICE);
    ck_assert(v.tied == NULL && v.held.block == NULL && v.hello == NULL);
    for (unsigned leg = 0; leg < 2; leg++)
        qt_assert_bytes(hears[leg].p, hears[leg].n, qn_slice_of(says[!leg].p, given[!leg]));
}

/* ---- ours -------------------------------------------------------------------------------------
 */

static const size_t cuts[] = {1, 3, 700, 1448, 20000, 0, 0, 0};

/* Of the application records among n bytes. */
static void assert_hash(const qn_htx_transcript *of, const uint8_t *p, size_t n)
{
    qn_slice part[16];
    unsigned parts = 0;
    qn_hash got, want;

    for (size_t at = 0, size; at < n; at += size) {
        size = QN_RECORD_HEADER + (size_t)qn_get16(p + at + 3);
        if (p[at] == QN_TLS_DATA)
            part[parts++] = qn_slice_of(p + at, size);
    }
    ck_assert_uint_gt(parts, 2);
    qt_assert_err(qn_htx_transcript_hash(of, &t.env, &got), QN_OK);
    qt_assert_err(qn_sha256(&t.env, part, parts, &want), QN_OK);
    ck_assert_mem_eq(got.b, want.b, 32);
}

START_TEST(a_tagged_visit_comes_to_its_proof)
{
    size_t before = says[1].n - (QN_RECORD_HEADER + BEHIND) - (QN_RECORD_HEADER + R);
    static uint8_t proof[QN_RECORD_HEADER + R];

    play(turns, cuts[_i / 2], _i % 2);
    ck_assert_int_eq(v.state, QN_HTX_VISIT_PROVE);
    ck_assert_uint_eq(v.record, sizeof proof);
    qt_assert_bytes(hears[0].p, hears[0].n, qn_slice_of(says[1].p, before));
    qt_assert_bytes(hears[1].p, hears[1].n, qn_slice_of(says[0].p, says[0].n));
    ck_assert(v.tied->kem.offered);
    assert_hash(&v.tied->to_c, says[1].p, before);
    assert_hash(&v.tied->to_o, says[0].p, says[0].n);
    ck_assert_mem_eq(qn_piece_data(&v.held), says[1].p + before, v.held.len);
    ck_assert_uint_ge(v.held.len, v.record);

    memset(proof, 0xab, sizeof proof);
    qn_htx_visit_answer(&v, proof);
    write_all();
    ck_assert_int_eq(v.state, QN_HTX_VISIT_ANSWERED);
    qt_assert_bytes(hears[0].p + before, hears[0].n - before, qn_slice_of(proof, sizeof proof));
    ck_assert_ptr_null(v.held.block);
    ck_assert_uint_eq(qn_htx_visit_space(&v, 0).n + qn_htx_visit_space(&v, 1).n, 0);
}
END_TEST

/* ---- everybody else ---------------------------------------------------------------------------
 */

START_TEST(without_a_tag_it_is_the_origins)
{
    write_script(false);
    play(turns, cuts[_i / 2], _i % 2);
    assert_spliced();
    ck_assert_uint_eq(given[1], says[1].n);
}
END_TEST

/* Its prefix has asked too often: a right tag meets the origin, without one X25519, and is not used
 * up by that. */
START_TEST(who_is_not_heard_is_the_origins_visitor)
{
    qn_tally none = {0}, tally = {0};

    unheard = &tally;
    play(turns, cuts[_i / 2], _i % 2);
    assert_spliced();
    ck_assert_uint_eq(given[1], says[1].n);
    ck_assert_mem_eq(&tally, &none, sizeof tally);
    unheard = NULL;
    qn_htx_visit_clear(&v);
    play(turns, 1448, false);
    ck_assert_int_eq(v.state, QN_HTX_VISIT_PROVE);
}
END_TEST

START_TEST(a_tag_is_answered_once)
{
    play(turns, 1448, false);
    ck_assert_int_eq(v.state, QN_HTX_VISIT_PROVE);
    qn_htx_visit_clear(&v);
    play(turns, cuts[_i / 2], false);
    assert_spliced();
    ck_assert_uint_eq(given[1], says[1].n);
}
END_TEST

/* A set that several sites share, and how often it was asked. */
static qn_htx_replay shared;
static unsigned asked;

static int64_t shared_floor(void *ctx)
{
    return qn_htx_replay_floor(ctx);
}

static qn_err shared_enter(void *ctx, int64_t time, const uint8_t random[32], const uint8_t id[32])
{
    asked++;
    return qn_htx_replay_enter(ctx, time, random, id);
}

static const qn_htx_answered verbs = {shared_floor, shared_enter, &shared};

START_TEST(a_tag_that_another_site_has_answered_is_not_ours)
{
    asked = 0;
    qn_htx_replay_init(&shared, &t.env, true);
    site.answered = &verbs;
    play(turns, 1448, false);
    ck_assert_int_eq(v.state, QN_HTX_VISIT_PROVE);
    qn_htx_visit_clear(&v);
    qn_htx_replay_clear(&replay); /* another site's own set knows nothing of it */
    qn_htx_replay_init(&replay, &t.env, true);
    play(turns, 1448, false);
    assert_spliced();
    ck_assert_uint_eq(asked, 2);
    ck_assert_uint_eq(replay.n, 0);
    qn_htx_replay_clear(&shared);
}
END_TEST

/* A copy shown first takes nothing from the one it was copied from. */
START_TEST(a_copied_hello_uses_nothing_up)
{
    play(2, 1448, false);
    ck_assert_int_eq(v.state, QN_HTX_VISIT_TIED);
    qn_htx_visit_ended(&v, 0, QN_END_RESET);
    qn_htx_visit_clear(&v);
    play(turns, 1448, false);
    ck_assert_int_eq(v.state, QN_HTX_VISIT_PROVE);
}
END_TEST

START_TEST(a_thief_with_garbage_meets_the_origin)
{
    put_data(0, 500);
    turn[0].until = says[0].n; /* all of C at once */
    play(2, _i == 0 ? 20000 : 0, false);
    assert_spliced();
    ck_assert_uint_eq(given[0], says[0].n);
}
END_TEST

START_TEST(an_origin_that_speaks_first_is_heard)
{
    put(1, "hi", 2);
    begin();
    given[1] = says[1].n - 2;
    ck_assert(read_some(1, says[1].n, 2));
    ck_assert_int_eq(v.state, QN_HTX_VISIT_SPLICE);
    qt_assert_bytes(hears[0].p, hears[0].n, qn_slice_of("hi", 2));
}
END_TEST

START_TEST(after_a_restart_no_tag_of_before_is_ours)
{
    qn_htx_replay_clear(&replay);
    qn_htx_replay_init(&replay, &t.env, false);
    play(1, 1448, false);
    assert_spliced();
}
END_TEST

START_TEST(who_speaks_on_before_the_hello_was_judged_is_not_ours)
{
    begin();
    while (read_some(0, turn[0].until, 1448))
        continue;
    ck_assert_int_eq(v.state, QN_HTX_VISIT_JUDGING);
    ck_assert(qn_htx_visit_due(&v) == t.env.now);
    ck_assert(read_some(0, turn[2].until, 6));
    assert_spliced();
    ck_assert(qn_htx_visit_due(&v) == QN_NEVER);
}
END_TEST

/* What the origin's socket took says nothing about what C has seen. */
START_TEST(only_what_c_was_sent_counts)
{
    qn_span space;

    begin();
    space = qn_htx_visit_space(&v, 0);
    memcpy(space.p, says[0].p, turn[0].until);
    qn_htx_visit_commit(&v, 0, turn[0].until);
    qn_htx_visit_tick(&v);
    space = qn_htx_visit_space(&v, 1);
    memcpy(space.p, says[1].p, turn[1].until);
    qn_htx_visit_commit(&v, 1, turn[1].until);
    qn_htx_visit_consume(&v, 1, turn[0].until);
    ck_assert_int_eq(v.tied->watch.state, QN_HTX_FLIGHT);
    qn_htx_visit_consume(&v, 0, turn[1].until);
    ck_assert_int_eq(v.tied->watch.state, QN_HTX_REQUEST);
}
END_TEST

START_TEST(what_is_held_goes_on_when_either_side_ends)
{
    uint8_t leg = (uint8_t)(_i % 2);

    turn[turns - 1].until -= QN_RECORD_HEADER + BEHIND + 1; /* R lacks a byte */
    play(turns, 20000, false);
    ck_assert_int_eq(v.state, QN_HTX_VISIT_TIED);
    ck_assert_uint_eq(v.held.len, QN_RECORD_HEADER + R - 1);
    ck_assert_uint_eq(qn_htx_visit_space(&v, 1).n, QN_HTX_SPLICE_MAX - v.held.len);
    qn_htx_visit_ended(&v, leg, QN_END_EOF);
    drain();
    write_all();
    assert_spliced();
}
END_TEST

START_TEST(what_is_held_goes_on_when_c_strays)
{
    turn[turns - 1].until -= QN_RECORD_HEADER + BEHIND + 1;
    play(turns, 20000, false);
    put(0, "\x17\x03\x01", 3);
    put(0, "\0\x20", 2);
    while (read_some(0, says[0].n, 1))
        continue;
    assert_spliced();
}
END_TEST

/* ---- cost -------------------------------------------------------------------------------------
 */

START_TEST(a_stranger_costs_less_than_four_kibibytes)
{
    begin();
    for (size_t n = 0; n < turn[0].until; n++) {
        ck_assert(read_some(0, turn[0].until, 1));
        ck_assert_uint_le(t.env.mem.used + sizeof v, 4096);
    }
    qn_htx_visit_clear(&v);
    write_script(false);
    play(turns, 1448, false);
    assert_spliced();
    ck_assert_uint_le(t.env.mem.used + sizeof v, 1024); /* the queues' tables */
}
END_TEST

/* Whatever allocation fails, what each side hears is what the other said, so far as it goes. */
START_TEST(without_memory_a_visit_is_a_splice_or_reset)
{
    uint64_t requests;

    qt_alloc_fail_at(0);
    play(turns, 1448, false);
    requests = qt_alloc_requests();
    qn_htx_visit_clear(&v);
    for (uint64_t i = 1; i <= requests; i++) {
        write_script(true);
        qt_alloc_fail_at(i);
        play(turns, 1448, false);
        qt_alloc_fail_at(0);
        for (unsigned leg = 0; leg < 2; leg++)
            ck_assert(hears[leg].n == 0 || memcmp(hears[leg].p, says[!leg].p, hears[leg].n) == 0);
        ck_assert(lost ? reset[0] && reset[1] : hears[1].n == says[0].n);
        ck_assert(lost || v.state == QN_HTX_VISIT_PROVE || hears[0].n == says[1].n);
        qn_htx_visit_clear(&v);
    }
}
END_TEST

static Suite *visit_suite(void)
{
    Suite *s = suite_create("htx/visit");
    TCase *tc = tcase_create("visit");
    int all = 2 * (int)QN_LEN(cuts);

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_tagged_visit_comes_to_its_proof, 0, all);
    tcase_add_loop_test(tc, without_a_tag_it_is_the_origins, 0, all);
    tcase_add_loop_test(tc, who_is_not_heard_is_the_origins_visitor, 0, all);
    tcase_add_loop_test(tc, a_tag_is_answered_once, 0, all);
    tcase_add_test(tc, a_tag_that_another_site_has_answered_is_not_ours);
    tcase_add_test(tc, a_copied_hello_uses_nothing_up);
    tcase_add_loop_test(tc, a_thief_with_garbage_meets_the_origin, 0, 2);
    tcase_add_test(tc, an_origin_that_speaks_first_is_heard);
    tcase_add_test(tc, after_a_restart_no_tag_of_before_is_ours);
    tcase_add_test(tc, who_speaks_on_before_the_hello_was_judged_is_not_ours);
    tcase_add_test(tc, only_what_c_was_sent_counts);
    tcase_add_loop_test(tc, what_is_held_goes_on_when_either_side_ends, 0, 2);
    tcase_add_test(tc, what_is_held_goes_on_when_c_strays);
    tcase_add_test(tc, a_stranger_costs_less_than_four_kibibytes);
    tcase_add_test(tc, without_memory_a_visit_is_a_splice_or_reset);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(visit_suite)

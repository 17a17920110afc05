/*
 * A thousand hellos of each profile: what the browser draws is drawn as it draws it, and what it
 * does not is constant. hello_gate_test.py holds the same hellos against the captures by their JA4
 * and field by field, with code that shares nothing with the writer.
 */
#include "fixture.h"

enum { HELLOS = 1000, EXTS = 17 };

static qt_env t;
static qn_tls_profile p;

static void setup(void)
{
    qt_env_open(&t, 1);
    p = tls_profile(&t, tls_profiles[0]);
}

static void teardown(void)
{
    qt_env_close(&t);
}

/* ---- order --------------------------------------------------------------------------------- */

typedef struct order {
    uint16_t type[QN_TLS_EXTENSIONS_MAX];
    unsigned n;
} order;

static void note(uint16_t type, qn_slice body, void *arg)
{
    order *o = arg;

    (void)body;
    o->type[o->n++] = type;
}

static order order_of(const tls_made *m)
{
    order o = {.n = 0};

    tls_each_extension(qn_slice_of(m->p, m->n), note, &o);
    return o;
}

/*
 * Pearson's statistic over the 17 x 17 table of extension and place. Sums of permutation matrices
 * have covariance 17/16 of independent cells', so 16/17 of it follows chi-square with 16 x 16 = 256
 * degrees; its 99th percentile is 311.6. In integers: sum (17 c - N)^2 * 16 <= 311.6 * 17 * 17 * N.
 */
static bool uniform(const unsigned count[EXTS][EXTS])
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < EXTS; i++)
        for (unsigned j = 0; j < EXTS; j++) {
            int64_t d = (int64_t)EXTS * count[i][j] - HELLOS;

            sum += (uint64_t)(d * d);
        }
    return sum * 16 * 10 <= UINT64_C(3116) * 17 * 17 * HELLOS;
}

START_TEST(chromium_extensions_stand_anywhere_equally_often)
{
    qn_tls_ticket ticket = tls_ticket(&t);
    unsigned count[EXTS][EXTS] = {{0}}, resumed = (unsigned)_i;
    tls_made m;

    for (unsigned i = 0; i < HELLOS; i++) {
        order o;

        tls_make(&m, &t, &p, resumed == 1 ? &ticket : NULL);
        o = order_of(&m);
        ck_assert_uint_eq(o.n, EXTS + 2 + resumed);
        for (unsigned place = 0; place < EXTS; place++)
            for (unsigned e = 0; e < EXTS; e++)
                count[e][place] += p.ext[e + 1].type == o.type[place + 1];
    }
    ck_assert(uniform((const unsigned(*)[EXTS])count));
}
END_TEST

/* The commonest wrong shuffle, swapping each place with any place, must be noticed. */
START_TEST(a_biased_shuffle_would_be_noticed)
{
    unsigned count[EXTS][EXTS] = {{0}};

    for (unsigned i = 0; i < HELLOS; i++) {
        unsigned v[EXTS];

        for (unsigned j = 0; j < EXTS; j++)
            v[j] = j;
        for (unsigned j = 0; j < EXTS; j++) {
            unsigned other = qn_rng_below(&t.env, EXTS), moved = v[j];

            v[j] = v[other];
            v[other] = moved;
        }
        for (unsigned j = 0; j < EXTS; j++)
            count[v[j]][j]++;
    }
    ck_assert(!uniform((const unsigned(*)[EXTS])count));
}
END_TEST

START_TEST(firefox_extensions_stand_where_they_stood)
{
    qn_slice record = tls_capture("firefox-esr-153/fresh-01");
    order want = {.n = 0};
    tls_made m;

    p = tls_profile(&t, tls_profiles[1]);
    tls_each_extension(qn_slice_of(record.p + 5, record.n - 5), note, &want);
    for (unsigned i = 0; i < HELLOS; i++) {
        order o;

        tls_make(&m, &t, &p, NULL);
        o = order_of(&m);
        ck_assert_uint_eq(o.n, want.n);
        ck_assert_mem_eq(o.type, want.type, want.n * sizeof want.type[0]);
    }
}
END_TEST

/* ---- GREASE -------------------------------------------------------------------------------- */

typedef struct greases {
    uint16_t cipher, group, share, ext[2], version, sigalg;
    unsigned ext_n;
} greases;

static void find_grease(uint16_t type, qn_slice body, void *arg)
{
    greases *g = arg;

    if (tls_is_grease(type)) {
        ck_assert_uint_eq(body.n, g->ext_n); /* the first is empty, the second one zero byte */
        ck_assert(body.n == 0 || body.p[0] == 0);
        g->ext[g->ext_n++] = type;
    } else if (type == QN_TLS_X_GROUPS) {
        g->group = qn_get16(body.p + 2);
    } else if (type == QN_TLS_X_SIGALGS) {
        g->sigalg = qn_get16(body.p + 2);
    } else if (type == QN_TLS_X_VERSIONS) {
        g->version = qn_get16(body.p + 1);
    } else if (type == QN_TLS_X_SHARES) {
        g->share = qn_get16(body.p + 2);
        ck_assert_mem_eq(body.p + 4, "\x00\x01\x00", 3);
    }
}

/* Sixteen values: 15 degrees of freedom, 99.9th percentile 37.7. */
static bool even(const unsigned count[16])
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 16; i++) {
        int64_t d = 16 * (int64_t)count[i] - HELLOS;

        sum += (uint64_t)(d * d);
    }
    return sum * 10 <= UINT64_C(377) * 16 * HELLOS;
}

START_TEST(chromium_grease_follows_its_rules)
{
    unsigned count[6][16] = {{0}}, all_equal = 0;
    tls_made m;

    for (unsigned i = 0; i < HELLOS; i++) {
        greases g = {.ext_n = 0};

        tls_make(&m, &t, &p, NULL);
        g.cipher = qn_get16(m.p + QN_TLS_HELLO_SESSION_ID + 32 + 2);
        tls_each_extension(qn_slice_of(m.p, m.n), find_grease, &g);
        ck_assert_uint_eq(g.ext_n, 2);
        ck_assert_uint_ne(g.ext[0], g.ext[1]);
        ck_assert_uint_eq(g.group, g.share);
        {
            const uint16_t v[6] = {g.cipher, g.group, g.ext[0], g.ext[1], g.version, g.sigalg};

            for (unsigned j = 0; j < 6; j++) {
                ck_assert(tls_is_grease(v[j]));
                count[j][v[j] >> 12]++;
            }
            all_equal += v[0] == v[1] && v[1] == v[4] && v[4] == v[5];
        }
    }
    for (unsigned j = 0; j < 6; j++)
        ck_assert(even(count[j]));
    ck_assert_uint_lt(all_equal, 5); /* separate draws: expected 0.24 */
}
END_TEST

/* A draw that leaves one value of sixteen out, or takes another twice as often. */
START_TEST(uneven_draws_would_be_noticed)
{
    unsigned missing[16] = {0}, twice[16] = {0}, fair[16] = {0};

    for (unsigned i = 0; i < HELLOS; i++) {
        fair[qn_rng_below(&t.env, 16)]++;
        missing[qn_rng_below(&t.env, 15)]++;
        twice[qn_rng_below(&t.env, 17) % 16]++;
    }
    ck_assert(even(fair));
    ck_assert(!even(missing));
    ck_assert(!even(twice));
}
END_TEST

START_TEST(firefox_sends_no_grease_values)
{
    tls_made m;

    p = tls_profile(&t, tls_profiles[1]);
    for (unsigned i = 0; i < 50; i++) {
        order o;

        tls_make(&m, &t, &p, NULL);
        o = order_of(&m);
        for (unsigned j = 0; j < o.n; j++)
            ck_assert(!tls_is_grease(o.type[j]));
    }
}
END_TEST

/* ---- ECH and shares ------------------------------------------------------------------------ */

static void find_ech(uint16_t type, qn_slice body, void *arg)
{
    if (type == QN_TLS_X_ECH)
        *(qn_slice *)arg = body;
}

/* Four values: 3 degrees of freedom, 99th percentile 11.34. */
static bool even_of_four(const unsigned count[4])
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 4; i++) {
        int64_t d = 4 * (int64_t)count[i] - HELLOS;

        sum += (uint64_t)(d * d);
    }
    return sum * 100 <= UINT64_C(1134) * 4 * HELLOS;
}

/* The commonest wrong draw of one of four: of five, the last folded onto the first. */
START_TEST(uneven_ech_sizes_would_be_noticed)
{
    unsigned fair[4] = {0}, folded[4] = {0};

    for (unsigned i = 0; i < HELLOS; i++) {
        fair[qn_rng_below(&t.env, 4)]++;
        folded[qn_rng_below(&t.env, 5) % 4]++;
    }
    ck_assert(even_of_four(fair));
    ck_assert(!even_of_four(folded));
}
END_TEST

START_TEST(ech_sizes_and_ciphers_are_the_captured_ones)
{
    qn_tls_ticket ticket = tls_ticket(&t);
    unsigned sizes[4] = {0}, chacha = 0;
    tls_made m;

    p = tls_profile(&t, tls_profiles[_i]);
    for (unsigned i = 0; i < HELLOS; i++) {
        bool resumed = i % 2 == 1;
        qn_slice ech = {0};
        uint16_t payload;

        tls_make(&m, &t, &p, resumed ? &ticket : NULL);
        tls_each_extension(qn_slice_of(m.p, m.n), find_ech, &ech);
        payload = qn_get16(ech.p + 40);
        ck_assert_uint_eq(ech.n, 42u + payload);
        ck_assert_mem_eq(ech.p, "\x00\x00\x01\x00", 4);
        chacha += ech.p[4] == 3;
        ck_assert(ech.p[4] == 1 || ech.p[4] == 3);
        if (_i == 1)
            ck_assert_uint_eq(payload, resumed ? 527 : 239); /* 239 and 267 rounded up to 288 */
        else if (payload == 144 || payload == 176 || payload == 208 || payload == 240)
            sizes[(payload - 144) / 32]++;
        else
            ck_abort_msg("a payload of %u bytes", payload);
    }
    if (_i == 0) {
        ck_assert(even_of_four(sizes));
        ck_assert_uint_eq(chacha, 0);
    } else {
        ck_assert(chacha > 420 && chacha < 580);
    }
}
END_TEST

START_TEST(shares_are_real_keys_reused_as_the_browser_reuses_them)
{
    tls_made m;
    uint8_t before[32] = {0};

    p = tls_profile(&t, tls_profiles[_i]);
    for (unsigned i = 0; i < HELLOS; i++) {
        qn_tls_hello h;
        qn_mlkem_ek ek;
        bool same;

        tls_make(&m, &t, &p, NULL);
        qt_assert_err(qn_tls_hello_read(qn_slice_of(m.p, m.n), &h), QN_OK);
        memcpy(ek.b, h.mlkem.p, sizeof ek.b);
        qt_assert_err(qn_mlkem_check(&ek), QN_OK);
        same = memcmp(h.mlkem.p + QN_MLKEM_EK, h.x25519.p, 32) == 0;
        ck_assert_int_eq(same, _i == 1);
        ck_assert_mem_ne(before, h.x25519.p, 32);
        memcpy(before, h.x25519.p, 32);
    }
}
END_TEST

/* ---- resumption and retry ------------------------------------------------------------------ */

START_TEST(a_resumed_hello_offers_its_ticket_last)
{
    qn_tls_ticket ticket = tls_ticket(&t);
    qn_tls_hello h;
    tls_made m;
    order o;

    p = tls_profile(&t, tls_profiles[_i]);
    tls_make(&m, &t, &p, &ticket);
    o = order_of(&m);
    ck_assert_uint_eq(o.type[o.n - 1], QN_TLS_X_PSK);
    for (unsigned i = 0; i < o.n; i++)
        ck_assert(_i == 0 || o.type[i] != 35);
    qt_assert_err(qn_tls_hello_read(qn_slice_of(m.p, m.n), &h), QN_OK);
    ck_assert(h.psk);
    ck_assert_uint_eq(h.cut, m.cut);
    ck_assert_uint_eq(m.n - m.cut, 51);
}
END_TEST

START_TEST(tickets_are_offered_while_they_live_and_where_their_size_was_captured)
{
    qn_tls_ticket ticket = tls_ticket(&t);

    p = tls_profile(&t, tls_profiles[_i]);
    ck_assert(qn_tls_ticket_fits(&p, &ticket, 48, t.env.now));
    ck_assert(qn_tls_ticket_fits(&p, &ticket, 48, t.env.now + 7200 * QN_SEC - 1));
    ck_assert(!qn_tls_ticket_fits(&p, &ticket, 48, t.env.now + 7200 * QN_SEC));
    for (ticket.id_n = 1; ticket.id_n <= QN_TLS_TICKET_MAX; ticket.id_n++) {
        size_t psk = qn_tls_psk_size(&ticket, 48), rest = psk % 32;
        bool known =
            rest >= 11 && rest <= 27 && psk <= 384; /* more would be over our ECH's bound */

        ck_assert_int_eq(qn_tls_ticket_fits(&p, &ticket, 48, t.env.now), _i == 0 || known);
    }
}
END_TEST

/* Chromium's second hello is the first with one share instead of three (852 bytes after 2,012). */
START_TEST(a_retried_hello_keeps_its_draws_and_has_one_share)
{
    qn_slice cookie = qn_slice_of("0123456789", 10);
    uint8_t again[QN_TLS_HELLO_MAX];
    size_t n, cut;
    tls_made m;
    order before, after = {.n = 0};
    qn_tls_hello h;

    p = tls_profile(&t, tls_profiles[_i]);
    for (unsigned with = 0; with < 2; with++) {
        qn_tls_hello_spec spec = {.profile = &p,
                                  .name = qn_slice_of(DECOY, strlen(DECOY)),
                                  .retry_group = QN_TLS_P384,
                                  .cookie = qn_slice_of(cookie.p, with * cookie.n)};
        size_t shares = _i == 0 ? 1263 : 1327;

        tls_make(&m, &t, &p, NULL);
        qt_assert_err(qn_tls_hello_write(&spec, &m.draw, &m.shares, &t.env, again, &n, &cut),
                      QN_OK);
        ck_assert_uint_eq(n, m.n - shares + 103 + with * 16);
        ck_assert_mem_eq(again + 4, m.p + 4, 67); /* version, random, session id */
        qt_assert_err(qn_tls_hello_read(qn_slice_of(again, n), &h), QN_OK);
        before = order_of(&m);
        after.n = 0;
        tls_each_extension(qn_slice_of(again, n), note, &after);
        ck_assert_uint_eq(after.n, before.n + with);
        for (unsigned i = 0, j = 0; i < before.n; i++, j++) {
            if (after.type[j] == QN_TLS_X_COOKIE)
                j++;
            ck_assert_uint_eq(before.type[i], after.type[j]);
        }
    }
}
END_TEST

static Suite *gate_suite(void)
{
    Suite *s = suite_create("tls/gate");
    TCase *tc = tcase_create("gate");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, chromium_extensions_stand_anywhere_equally_often, 0, 2);
    tcase_add_test(tc, a_biased_shuffle_would_be_noticed);
    tcase_add_test(tc, firefox_extensions_stand_where_they_stood);
    tcase_add_test(tc, chromium_grease_follows_its_rules);
    tcase_add_test(tc, uneven_draws_would_be_noticed);
    tcase_add_test(tc, firefox_sends_no_grease_values);
    tcase_add_test(tc, uneven_ech_sizes_would_be_noticed);
    tcase_add_loop_test(tc, ech_sizes_and_ciphers_are_the_captured_ones, 0, 2);
    tcase_add_loop_test(tc, shares_are_real_keys_reused_as_the_browser_reuses_them, 0, 2);
    tcase_add_loop_test(tc, a_resumed_hello_offers_its_ticket_last, 0, 2);
    tcase_add_loop_test(tc, tickets_are_offered_while_they_live_and_where_their_size_was_captured,
                        0, 2);
    tcase_add_loop_test(tc, a_retried_hello_keeps_its_draws_and_has_one_share, 0, 2);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(gate_suite)

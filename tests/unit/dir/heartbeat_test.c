/* "I am still here", and who may say so. */
#include "unit/dir/fixture.h"

static void setup(void)
{
    fx_open(1, 1, false);
}

static qn_err open_bytes(qn_slice in)
{
    qn_heartbeat h;

    return qn_heartbeat_open(&h, &t.env, &net, in);
}

START_TEST(says_what_was_signed)
{
    qn_slice bytes = fx_beat(5, UINT64_MAX, QN_BODY_TIME_MAX, QN_LOAD_MAX);
    qn_descriptor d = fx_relay(5);
    qn_heartbeat h;

    (void)fx_signed(&d, 5);
    qt_assert_err(qn_heartbeat_open(&h, &t.env, &net, bytes), QN_OK);
    ck_assert(h.descriptor == UINT64_MAX);
    ck_assert_int_eq(h.time, QN_BODY_TIME_MAX);
    ck_assert_uint_eq(h.load, QN_LOAD_MAX);
    ck_assert(qn_peerid_equal(&h.id, &d.id));
    ck_assert_uint_lt(bytes.n, 140);
}
END_TEST

START_TEST(refuses_damage_and_truncation)
{
    qn_slice good = fx_beat(1, 7, QT_EPOCH, 0);
    uint8_t *p = fx_copy(good);

    for (size_t i = 0; i < good.n; i++) {
        p[i] ^= 4;
        ck_assert(open_bytes(qn_slice_of(p, good.n)) != QN_OK);
        p[i] ^= 4;
        qt_assert_err(open_bytes(qn_slice_of(p, i)), QN_TRUNCATED);
    }
    qt_assert_err(open_bytes(fx_splice(good, good.n, 0, "", 1)), QN_PROTO);
}
END_TEST

START_TEST(is_no_descriptor_and_of_one_network)
{
    qn_slice body = fx_body(fx_beat(1, 7, QT_EPOCH, 0));
    uint8_t other[32] = {1};

    qt_assert_err(open_bytes(fx_seal(QN_TAG_HEARTBEAT, net.id, body, 1)), QN_OK);
    qt_assert_err(open_bytes(fx_seal(QN_TAG_DESCRIPTOR, net.id, body, 1)), QN_AUTH);
    qt_assert_err(open_bytes(fx_seal(QN_TAG_HEARTBEAT, other, body, 1)), QN_AUTH);
}
END_TEST

static const struct {
    const char *body;
    qn_err err;
} bodies[] = {
    {"a4 0101 0207 031a6553f100 0400", QN_OK},
    {"a3 0101 0207 031a6553f100", QN_PROTO}, /* no load */
    {"a3 0101 0207 0400", QN_PROTO},         /* no time */
    {"a3 0207 031a6553f100 0400", QN_PROTO}, /* no version */
    {"a4 0102 0207 031a6553f100 0400", QN_VERSION},
    {"a4 0101 0207 031a6553f100 041903e9", QN_PROTO},    /* a load of 1001 */
    {"a4 0101 0207 1803 1a6553f100 0400", QN_CANON},     /* key 3 in two bytes */
    {"a5 0101 0207 031a6553f100 0400 0500", QN_VERSION}, /* a critical key */
    {"a5 0101 0207 031a6553f100 0400 188000", QN_OK},    /* one that may be ignored */
    {"a4 0101 0207 0400 031a6553f100", QN_CANON},
    {"84 01 07 1a6553f100 00", QN_PROTO},
};

START_TEST(reads_one_encoding_only)
{
    qt_assert_err(open_bytes(fx_seal(QN_TAG_HEARTBEAT, net.id, qt_hex(bodies[_i].body), 1)),
                  bodies[_i].err);
}
END_TEST

START_TEST(signs_nothing_out_of_range)
{
    qn_heartbeat h[3] = {{.time = -1}, {.time = QN_BODY_TIME_MAX + 1}, {.load = QN_LOAD_MAX + 1}};
    qn_secret32 identity = fx_secret('i', 1);
    uint8_t out[QN_HEARTBEAT_MAX];
    size_t n;

    qt_assert_err(qn_heartbeat_sign(&h[_i], &t.env, &net, &identity, out, &n), QN_CONFIG);
}
END_TEST

START_TEST(is_fresh_within_the_clock_skew_either_way)
{
    qn_heartbeat h = {.time = QT_EPOCH};

    qt_assert_err(qn_heartbeat_fresh(&h, QT_EPOCH - QN_HEARTBEAT_SKEW_S - 1), QN_EARLY);
    qt_assert_err(qn_heartbeat_fresh(&h, QT_EPOCH - QN_HEARTBEAT_SKEW_S), QN_OK);
    qt_assert_err(qn_heartbeat_fresh(&h, QT_EPOCH + QN_HEARTBEAT_SKEW_S), QN_OK);
    qt_assert_err(qn_heartbeat_fresh(&h, QT_EPOCH + QN_HEARTBEAT_SKEW_S + 1), QN_EXPIRED);
}
END_TEST

static Suite *heartbeat_suite(void)
{
    Suite *s = suite_create("dir/heartbeat");
    TCase *tc = tcase_create("heartbeat");

    tcase_add_checked_fixture(tc, setup, fx_close);
    tcase_add_test(tc, says_what_was_signed);
    tcase_add_test(tc, refuses_damage_and_truncation);
    tcase_add_test(tc, is_no_descriptor_and_of_one_network);
    tcase_add_loop_test(tc, reads_one_encoding_only, 0, QN_LEN(bodies));
    tcase_add_loop_test(tc, signs_nothing_out_of_range, 0, 3);
    tcase_add_test(tc, is_fresh_within_the_clock_skew_either_way);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(heartbeat_suite)

/* Directory messages on a stream, in any pieces, from anybody. */
#include "unit/dir/fixture.h"

static qn_dir_reader reader;

static void setup(void)
{
    fx_open(1, 1, false);
    qn_dir_reader_init(&reader, QN_DIR_MESSAGE_MAX);
}

static void teardown(void)
{
    qn_dir_reader_clear(&reader, &t.env);
    fx_close();
}

/* The whole message as it goes over the wire. */
static qn_slice wire(const qn_dir_message *m)
{
    static uint8_t out[1 << 17];
    size_t n = qn_dir_message_head(m, out);

    ck_assert_uint_le(n, QN_DIR_HEAD_MAX);
    if (m->bytes.n > 0)
        memcpy(out + n, m->bytes.p, m->bytes.n);
    return qn_slice_of(out, n + m->bytes.n);
}

static qn_dir_message sample(int i)
{
    static const char text[] = "this node is not a directory";
    qn_dir_message v[] = {
        {.type = QN_DIR_REGISTER, .bytes = fx_descriptor(1)},
        {.type = QN_DIR_HEARTBEAT, .bytes = fx_beat(1, 7, QT_EPOCH, 5)},
        {.type = QN_DIR_LIST, .version = 0, .root = 1},
        {.type = QN_DIR_LIST, .version = UINT64_MAX, .root = UINT32_MAX, .bytes = qt_noise(2, 32)},
        {.type = QN_DIR_OK},
        {.type = QN_DIR_ERROR, .code = 405, .bytes = qn_slice_of(text, sizeof text - 1)},
        {.type = QN_DIR_ERROR, .code = 599, .bytes = qn_slice_of(text, 0)},
        {.type = QN_DIR_SNAPSHOT, .bytes = qt_noise(1, 70000)},
        {.type = QN_DIR_UNCHANGED},
        {.type = QN_DIR_OFFER, .bytes = qt_noise(3, 500)},
        {.type = QN_DIR_SHARE, .bytes = qt_noise(4, 300)},
        {.type = QN_DIR_PROOF, .bytes = qt_noise(5, 200)},
        {.type = QN_DIR_SIGNED, .bytes = qt_noise(6, 64)},
        {.type = QN_DIR_DESCRIBE},
        {.type = QN_DIR_DESCRIPTOR, .bytes = qt_noise(7, 900)},
        {.type = QN_DIR_PACKED, .bytes = qt_noise(8, 70000)},
        {.type = QN_DIR_DELTA, .bytes = qt_noise(9, 900)},
        {.type = QN_DIR_INTRODUCE, .version = UINT64_MAX, .bytes = fx_descriptor(1)},
        {.type = QN_DIR_NEWS, .bytes = qt_noise(8, 160)},
        {.type = QN_DIR_HEARD, .bytes = qt_noise(9, 20000)},
        {.type = QN_DIR_PROVEN, .version = 77},
        {.type = QN_DIR_MOOR, .bytes = fx_descriptor(2)},
        {.type = QN_DIR_ROOTS, .bytes = qt_noise(10, 900)},
        {.type = QN_DIR_MEASURED, .bytes = qt_noise(11, 370)},
    };

    return v[i];
}
enum { SAMPLES = 24 };

static void same(const qn_dir_message *a, const qn_dir_message *b)
{
    ck_assert_int_eq((int)a->type, (int)b->type);
    ck_assert_uint_eq(a->version, b->version);
    ck_assert_uint_eq(a->root, b->root);
    ck_assert_uint_eq(a->code, b->code);
    qt_assert_bytes(a->bytes.p, a->bytes.n, b->bytes);
}

/* Pushes everything in pieces of `step` bytes; the number of messages that came out. */
static unsigned feed(qn_slice in, size_t step, const qn_dir_message *want)
{
    unsigned n = 0;

    while (in.n > 0) {
        size_t used, piece = QN_MIN(step, in.n);
        qn_dir_message m;
        qn_err err = qn_dir_reader_push(&reader, &t.env, qn_slice_of(in.p, piece), &used, &m);

        ck_assert(err == QN_OK || err == QN_SHORT);
        ck_assert(used > 0 && (err == QN_OK || used == piece));
        in = qn_slice_of(in.p + used, in.n - used);
        if (err == QN_OK) {
            same(&m, want);
            n++;
        }
    }
    return n;
}

START_TEST(says_what_was_sent_in_pieces_of_any_size)
{
    static const size_t steps[] = {1, 2, 3, 5, 7, 64, 1000, SIZE_MAX};
    qn_dir_message m = sample(_i);

    for (size_t i = 0; i < QN_LEN(steps); i++) {
        ck_assert_uint_eq(feed(wire(&m), steps[i], &m), 1);
        ck_assert(qn_dir_reader_idle(&reader));
    }
}
END_TEST

START_TEST(takes_one_message_at_a_time)
{
    qn_dir_message ok = {.type = QN_DIR_OK}, m;
    qn_slice one = wire(&ok);
    uint8_t two[32];
    size_t used;

    memcpy(two, one.p, one.n);
    memcpy(two + one.n, one.p, one.n);
    qt_assert_err(qn_dir_reader_push(&reader, &t.env, qn_slice_of(two, 2 * one.n), &used, &m),
                  QN_OK);
    ck_assert_uint_eq(used, one.n);
    ck_assert_uint_eq(feed(qn_slice_of(two, 2 * one.n), SIZE_MAX, &ok), 2);
}
END_TEST

START_TEST(an_end_is_clean_between_messages_only)
{
    qn_dir_message beat = sample(1), m;
    qn_slice in = wire(&beat);
    size_t used;

    ck_assert(qn_dir_reader_idle(&reader));
    for (size_t i = 0; i < in.n; i++) {
        qn_err err = qn_dir_reader_push(&reader, &t.env, qn_slice_of(in.p + i, 1), &used, &m);

        qt_assert_err(err, i + 1 < in.n ? QN_SHORT : QN_OK);
        ck_assert(qn_dir_reader_idle(&reader) == (i + 1 == in.n));
    }
}
END_TEST

START_TEST(an_announcement_costs_nothing)
{
    uint8_t head[4];
    qn_dir_message m;
    size_t used;

    qn_put32(head, QN_DIR_MESSAGE_MAX);
    qt_assert_err(qn_dir_reader_push(&reader, &t.env, qn_slice_of(head, 4), &used, &m), QN_SHORT);
    ck_assert_uint_eq(t.env.mem.used, 0);
    qt_assert_err(qn_dir_reader_push(&reader, &t.env, qt_noise(1, 1), &used, &m), QN_SHORT);
    ck_assert_uint_le(t.env.mem.used, 1024);
    for (unsigned i = 0; i < 500; i++) {
        qt_assert_err(qn_dir_reader_push(&reader, &t.env, qt_noise(1, 100), &used, &m), QN_SHORT);
        ck_assert_uint_le(t.env.mem.used, QN_MAX(1024u, 2 * (i + 1) * 100 + 2));
    }
}
END_TEST

START_TEST(refuses_one_byte_over_its_limit)
{
    uint8_t head[4];
    qn_dir_message m;
    size_t used;

    qn_dir_reader_init(&reader, QN_DIR_REQUEST_MAX);
    qn_put32(head, QN_DIR_REQUEST_MAX + 1);
    qt_assert_err(qn_dir_reader_push(&reader, &t.env, qn_slice_of(head, 4), &used, &m), QN_LIMIT);
    qn_dir_reader_clear(&reader, &t.env);
    qn_put32(head, QN_DIR_REQUEST_MAX);
    qt_assert_err(qn_dir_reader_push(&reader, &t.env, qn_slice_of(head, 4), &used, &m), QN_SHORT);
    qn_dir_reader_clear(&reader, &t.env);
    qn_put32(head, UINT32_MAX);
    qt_assert_err(qn_dir_reader_push(&reader, &t.env, qn_slice_of(head, 4), &used, &m), QN_LIMIT);
    qn_dir_reader_clear(&reader, &t.env);
    qn_put32(head, 0);
    qt_assert_err(qn_dir_reader_push(&reader, &t.env, qn_slice_of(head, 4), &used, &m), QN_PROTO);
}
END_TEST

START_TEST(a_request_of_the_largest_descriptor_fits_its_limit)
{
    qn_dir_message m = {.type = QN_DIR_REGISTER, .bytes = qt_noise(1, QN_DESCRIPTOR_MAX)};

    qn_dir_reader_init(&reader, QN_DIR_REQUEST_MAX);
    ck_assert_uint_eq(feed(wire(&m), 100, &m), 1);
}
END_TEST

static const struct {
    const char *message;
    qn_err err;
} bad[] = {
    {"80", QN_TRUNCATED},        {"8104", QN_PROTO},
    {"8100", QN_PROTO},          {"8101", QN_PROTO},
    {"820160", QN_PROTO},        {"820320", QN_PROTO},
    {"8403", QN_TRUNCATED},      {"8403180000", QN_CANON},
    {"811010", QN_PROTO},        {"8110", QN_OK},
    {"821000", QN_PROTO},        {"8311190190 60", QN_OK},
    {"831119018f 60", QN_PROTO}, {"8311190258 60", QN_PROTO},
    {"831119019040", QN_PROTO},  {"83111901906180", QN_PROTO},
    {"9f10ff", QN_CANON},        {"a1100a", QN_PROTO},
    {"8118 10", QN_CANON},       {"81 1b0000000100000010", QN_PROTO},
};

START_TEST(reads_one_encoding_only)
{
    qn_slice in = qt_hex(bad[_i].message);
    qn_dir_message m;

    qt_assert_err(qn_dir_message_decode(&m, in), bad[_i].err);
}
END_TEST

START_TEST(refuses_texts_over_120_bytes)
{
    uint8_t in[7 + QN_DIR_TEXT_MAX + 1] = {0x83, 0x11, 0x19, 0x01, 0x90, 0x78, QN_DIR_TEXT_MAX};
    qn_dir_message m;

    memset(in + 7, 'x', QN_DIR_TEXT_MAX + 1);
    qt_assert_err(qn_dir_message_decode(&m, qn_slice_of(in, sizeof in - 1)), QN_OK);
    in[6]++;
    qt_assert_err(qn_dir_message_decode(&m, qn_slice_of(in, sizeof in)), QN_PROTO);
}
END_TEST

START_TEST(codes_and_errors_go_back_and_forth)
{
    static const struct {
        qn_err err;
        uint16_t code;
        qn_err back;
    } v[] = {
        {QN_PROTO, 400, QN_PROTO},  {QN_CANON, 400, QN_PROTO}, {QN_AUTH, 403, QN_AUTH},
        {QN_REFUSED, 403, QN_AUTH}, {QN_POLICY, 403, QN_AUTH}, {QN_UNKNOWN, 404, QN_UNKNOWN},
        {QN_STATE, 405, QN_STATE},  {QN_STALE, 409, QN_STALE}, {QN_EXPIRED, 410, QN_EXPIRED},
        {QN_LIMIT, 413, QN_LIMIT},  {QN_EARLY, 425, QN_EARLY}, {QN_INTERNAL, 500, QN_INTERNAL},
        {QN_BUSY, 503, QN_BUSY},    {QN_NOMEM, 503, QN_BUSY},  {QN_QUOTA, 429, QN_QUOTA},
    };

    for (size_t i = 0; i < QN_LEN(v); i++) {
        ck_assert_uint_eq(qn_dir_code_of(v[i].err), v[i].code);
        qt_assert_err(qn_dir_err_of(v[i].code), v[i].back);
    }
    qt_assert_err(qn_dir_err_of(418), QN_REFUSED);
}
END_TEST

START_TEST(survives_every_failed_allocation)
{
    qn_dir_message want = sample(7), m;
    qn_slice in = wire(&want);
    uint64_t total;

    qt_alloc_fail_at(0);
    ck_assert_uint_eq(feed(in, 1000, &want), 1);
    total = qt_alloc_requests();
    ck_assert_uint_gt(total, 3);
    for (uint64_t fail = 1; fail <= total; fail++) {
        qn_err err = QN_SHORT;
        size_t used;

        qn_dir_reader_clear(&reader, &t.env);
        qt_alloc_fail_at(fail);
        for (size_t at = 0; at < in.n && err == QN_SHORT; at += used)
            err = qn_dir_reader_push(&reader, &t.env,
                                     qn_slice_of(in.p + at, QN_MIN((size_t)1000, in.n - at)), &used,
                                     &m);
        qt_assert_err(err, QN_NOMEM);
    }
    qt_alloc_fail_at(0);
}
END_TEST

static Suite *message_suite(void)
{
    Suite *s = suite_create("dir/message");
    TCase *tc = tcase_create("message");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, says_what_was_sent_in_pieces_of_any_size, 0, SAMPLES);
    tcase_add_test(tc, takes_one_message_at_a_time);
    tcase_add_test(tc, an_end_is_clean_between_messages_only);
    tcase_add_test(tc, an_announcement_costs_nothing);
    tcase_add_test(tc, refuses_one_byte_over_its_limit);
    tcase_add_test(tc, a_request_of_the_largest_descriptor_fits_its_limit);
    tcase_add_loop_test(tc, reads_one_encoding_only, 0, QN_LEN(bad));
    tcase_add_test(tc, refuses_texts_over_120_bytes);
    tcase_add_test(tc, codes_and_errors_go_back_and_forth);
    tcase_add_test(tc, survives_every_failed_allocation);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(message_suite)

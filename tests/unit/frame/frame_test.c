/* The frame codec: docs/wire/frame.md byte by byte, and everything it refuses. */
#include "support/qt.h"

#include "frame/frame.h"

static qn_frame must_get(const char *id)
{
    qn_slice hex = qt_doc_hex("frame.md", id);
    qn_frame f;
    size_t used;

    qt_assert_err(qn_frame_get(&f, hex.p, hex.n, &used), QN_OK);
    ck_assert_uint_eq(used, hex.n);
    return f;
}

static void must_be(const char *id, const uint8_t *p, size_t n)
{
    qt_assert_bytes(p, n, qt_doc_hex("frame.md", id));
}

START_TEST(document_examples_are_what_the_writers_write)
{
    uint8_t out[64];
    size_t n = qn_frame_put_stream(out, 3, 5, QN_FRAME_FIN);

    memcpy(out + n, "\x01hell", 5);
    must_be("stream", out, n + 5);
    must_be("window", out, qn_frame_put_window(out, 3, 131072));
    must_be("link-window", out, qn_frame_put_link_window(out, 0x1234, 0x41234));
    must_be("ping", out, qn_frame_put_ping(out, 2));
    must_be("pong", out, qn_frame_put_ping(out, 3));
    must_be("key-update", out, qn_frame_put_header(out, QN_FRAME_KEY_UPDATE, 0));
    must_be("close", out, qn_frame_put_close(out, 5, QN_CLOSE_GONE));
}
END_TEST

START_TEST(document_examples_are_read_field_by_field)
{
    qn_frame f = must_get("stream");

    ck_assert(f.type == QN_FRAME_STREAM && f.stream == 3 && f.fin && !f.more);
    qt_assert_bytes(f.body.p, f.body.n, qn_slice_of("\x01hell", 5));
    f = must_get("window");
    ck_assert(f.type == QN_FRAME_WINDOW && f.stream == 3 && f.limit == 131072);
    f = must_get("link-window");
    ck_assert(f.stream == 0 && f.received == 0x1234 && f.limit == 0x41234);
    ck_assert_uint_eq(must_get("ping").token, 2);
    ck_assert_uint_eq(must_get("key-update").type, QN_FRAME_KEY_UPDATE);
    f = must_get("close");
    ck_assert(f.type == QN_FRAME_CLOSE && f.stream == 5 && f.code == QN_CLOSE_GONE);
}
END_TEST

START_TEST(retained_units_count_data_and_ends)
{
    qn_frame f = must_get("stream");

    ck_assert_uint_eq(qn_frame_units(&f), 6);
    f.fin = false;
    f.more = true;
    ck_assert_uint_eq(qn_frame_units(&f), 5);
    f = must_get("window");
    ck_assert_uint_eq(qn_frame_units(&f), 1);
    f = must_get("close");
    ck_assert_uint_eq(qn_frame_units(&f), 1);
    f.stream = 0;
    ck_assert_uint_eq(qn_frame_units(&f), 0);
    f = must_get("link-window");
    ck_assert_uint_eq(qn_frame_units(&f), 0);
    f = must_get("ping");
    ck_assert_uint_eq(qn_frame_units(&f), 0);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    static const char *const ids[] = {"stream", "window", "link-window", "ping", "close", "resume"};
    qn_frame f;
    size_t used;

    for (size_t i = 0; i < QN_LEN(ids); i++) {
        qn_slice hex = qt_doc_hex("frame.md", ids[i]);

        for (size_t n = 0; n < hex.n; n++)
            qt_assert_err(qn_frame_get(&f, hex.p, n, &used), QN_PROTO);
    }
}
END_TEST

START_TEST(what_follows_a_frame_is_left_alone)
{
    qn_slice two = qt_hex("000000 1c ff ff ff");
    qn_frame f;
    size_t used;

    qt_assert_err(qn_frame_get(&f, two.p, two.n, &used), QN_OK);
    ck_assert_uint_eq(used, 4);
}
END_TEST

static const char *const malformed[] = {
    "000008 10 00000000 01020304",                          /* STREAM of stream 0 */
    "000003 10 000000",                                     /* no stream id */
    "000004 10 00000001",                                   /* no data, no FIN */
    "000004 12 00000001",                                   /* no data, MORE */
    "000005 13 00000001 aa",                                /* FIN and MORE */
    "00000b 14 00000003 00000000000200",                    /* WINDOW one short */
    "000014 14 00000003 0000000000001234 0000000000041234", /* link form, stream 3 */
    "00000c 14 00000000 0000000000020000",                  /* stream form, stream 0 */
    "00000c 15 00000003 0000000000020000",                  /* flags where there are none */
    "000007 18 00000000000000",                             /* PING of 7 */
    "000009 18 000000000000000000",                         /* PING of 9 */
    "000001 1c 00",                                         /* KEY_UPDATE with payload */
    "000000 1d",                                            /* KEY_UPDATE with FIN */
    "000005 20 00000005 80",                                /* CLOSE one short */
    "000007 20 00000005 800100",                            /* CLOSE one long */
    "000010 30 0000000000000001 0000000000000002",          /* RESUME without its proof */
    "000001 30 00",                                         /* neither that nor empty */
    "000000 31",                                            /* RESUME with FIN */
    "000000 01",                                            /* PAD with FIN */
    "000000 04",                                            /* unknown types */
    "000000 34",
    "000000 fc",
    "ffffff 00", /* longer than any record */
};

START_TEST(refuses_malformed_frame)
{
    qn_slice p = qt_hex(malformed[_i]);
    qn_frame f = {.type = QN_FRAME_PING, .token = 77};
    size_t used = 99;

    qt_assert_err(qn_frame_get(&f, p.p, p.n, &used), QN_PROTO);
    ck_assert_msg(f.token == 77 && used == 99, "outputs of a refused frame changed");
}
END_TEST

START_TEST(pad_carrier_and_reserved_types_take_any_payload)
{
    static const char *const ok[] = {"000000 00", "000003 00 010203", "000001 24 aa",
                                     "000002 28 aabb", "000000 2c"};
    qn_frame f;
    size_t used;

    for (size_t i = 0; i < QN_LEN(ok); i++) {
        qn_slice p = qt_hex(ok[i]);

        qt_assert_err(qn_frame_get(&f, p.p, p.n, &used), QN_OK);
        ck_assert_uint_eq(used, p.n);
    }
}
END_TEST

START_TEST(close_codes_and_errors_translate_both_ways)
{
    static const qn_err both[] = {QN_OK,     QN_VERSION, QN_AUTH, QN_CREDIT, QN_PROTO,  QN_INTERNAL,
                                  QN_POLICY, QN_REFUSED, QN_GONE, QN_LIMIT,  QN_TIMEOUT};

    for (size_t i = 0; i < QN_LEN(both); i++)
        qt_assert_err(qn_close_err(qn_close_of(both[i])), both[i]);
    qt_assert_err(qn_close_err(0x7777), QN_REFUSED);
    ck_assert_uint_eq(qn_close_of(QN_NOMEM), QN_CLOSE_LIMIT);
    ck_assert_uint_eq(qn_close_of(QN_TRUNCATED), QN_CLOSE_MALFORMED);
    ck_assert_uint_eq(qn_close_of(QN_CONFIG), QN_CLOSE_INTERNAL);
}
END_TEST

static Suite *frame_suite(void)
{
    Suite *s = suite_create("frame/frame");
    TCase *tc = tcase_create("frame");

    tcase_add_test(tc, document_examples_are_what_the_writers_write);
    tcase_add_test(tc, document_examples_are_read_field_by_field);
    tcase_add_test(tc, retained_units_count_data_and_ends);
    tcase_add_test(tc, every_truncation_is_refused);
    tcase_add_test(tc, what_follows_a_frame_is_left_alone);
    tcase_add_loop_test(tc, refuses_malformed_frame, 0, QN_LEN(malformed));
    tcase_add_test(tc, pad_carrier_and_reserved_types_take_any_payload);
    tcase_add_test(tc, close_codes_and_errors_translate_both_ways);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(frame_suite)

/* What a server can not do to the connection, and that it may cut its bytes as it likes. */
#include "scene.h"

static const char *const hostile[] = {
    "000000 00 00 00000000",                            /* DATA before SETTINGS */
    "474554202f20485454502f312e310d0a",                 /* another protocol */
    H2_SETTINGS "000000 00 01 00000001",                /* DATA on a stream nobody opened */
    H2_SETTINGS "000001 01 05 00000002 88",             /* an answer on a stream of the server's */
    H2_SETTINGS "000005 05 04 00000001 00000002 82",    /* PUSH_PROMISE: we said no */
    H2_SETTINGS "000007 06 00 00000000 31323334353637", /* PING of seven bytes */
    H2_SETTINGS "004001 00 00 00000001",                /* larger than the largest frame */
    "000006 04 00 00000000 0002 00000001",              /* ENABLE_PUSH from a server */
    "000006 04 00 00000000 0004 80000000",              /* a window of 2^31 */
    H2_SETTINGS "000004 08 00 00000000 7fffffff",       /* a window beyond 2^31 - 1 */
    "000000 04 01 00000000",                            /* an acknowledgement in front of all */
    "000005 04 00 00000000 0000000000",                 /* SETTINGS of five bytes */
    "000006 04 00 00000001 0003 00000001",              /* SETTINGS on a stream */
    "000006 04 00 00000000 0005 00003fff",              /* frames of less than 16,384 bytes */
    H2_SETTINGS "000006 04 01 00000000 0003 00000001",  /* an acknowledgement with content */
    H2_SETTINGS "000008 06 00 00000001 3132333435363738", /* PING on a stream */
    H2_SETTINGS "000007 07 00 00000000 00000001000000",   /* GOAWAY of seven bytes */
    H2_SETTINGS "000004 08 00 00000000 00000000",         /* credit of nothing */
    H2_SETTINGS "000004 03 00 00000000 00000008",         /* RST_STREAM of no stream */
    H2_SETTINGS "000001 09 04 00000001 88",               /* CONTINUATION of nothing */
};

/* As above, with a request on stream 1 under way. */
static const char *const hostile_answers[] = {
    "000001 01 00 00000001 88 000000 00 01 00000001", /* DATA within a header block */
    "000001 01 00 00000001 88 000000 09 04 00000003", /* a block that goes on elsewhere */
    "000001 01 04 00000001 80",                       /* index 0 */
    "000002 01 04 00000001 ffff",                     /* a block that ends in a number */
    "000002 01 0c 00000001 0288",                     /* more padding than payload */
    "000004 01 24 00000001 00000000",                 /* a priority cut short */
    "000000 00 08 00000001",                          /* DATA whose padding is not said */
    ("000008 07 00 00000000 00000001 00000000"
     "000008 07 00 00000000 00000003 00000000"), /* GOAWAY that takes back */
};

/* What ends the stream and not the connection. */
static const char *const hostile_streams[] = {
    "000003 00 00 00000001 616263",                      /* a body without an answer */
    "000000 00 01 00000001",                             /* and its end */
    "000001 01 04 00000001 84",                          /* :path in an answer */
    "000002 01 04 00000001 8888",                        /* two answers in one */
    "000004 01 04 00000001 0f12 00 88",                  /* :status behind a field */
    "000005 01 04 00000001 0803 3230 78",                /* a status that is none */
    "000005 01 05 00000001 0803 313033",                 /* early hints, and the end */
    "000005 01 04 00000001 0803 313031",                 /* 101 */
    "000005 01 04 00000001 0001 58 01 61",               /* a name in capitals, and no status */
    "000001 01 04 00000001 88 000001 01 04 00000001 88", /* another answer behind the answer */
    "000004 08 00 00000001 00000000",                    /* credit of nothing */
};

START_TEST(broken_servers_fail_the_connection)
{
    h2_push_hex(h, hostile[_i]);
    (void)h2_drain(h);
    assert_failed(QN_PROTO);
}
END_TEST

START_TEST(broken_answers_fail_the_connection)
{
    h2_push_hex(h, hostile_answers[_i]);
    while (qn_h2_next(h, &(qn_h2_event){0}))
        ;
    assert_failed_before();
}
END_TEST

/* DONE says that it was cut short, and another request is answered as ever. */
START_TEST(broken_answers_end_their_stream_alone)
{
    uint8_t sent[64];
    qn_h2_event ev;
    size_t n;

    h2_push_hex(h, hostile_streams[_i]);
    (void)h2_taken(h, sent, sizeof sent, &n);
    qt_assert_bytes(sent, n, qt_hex("000004 03 00 00000001 00000001"));
    do
        ck_assert(qn_h2_next(h, &ev));
    while (ev.type != QN_H2_DONE);
    qt_assert_err(ev.err, QN_GONE);
    (void)h2_ask(h, QN_H2_IMAGE, "/a.png");
    h2_answer(h, 3, "200", NULL, true);
    (void)h2_event(h, QN_H2_RESPONSE);
    qt_assert_err(h2_event(h, QN_H2_DONE).err, QN_OK);
}
END_TEST

/* The same bytes in pieces of every size say the same: padding, a priority, a block in three
 * frames, a frame nobody knows, trailers. */
START_TEST(frames_may_come_in_any_pieces)
{
    qn_slice all = qt_hex("000008 01 28 00000001 01 00000000 10 08 00" /* padded, priority */
                          "000003 09 00 00000001 03 3230"              /* :status 2 0 */
                          "000001 09 04 00000001 30"                   /* 0 */
                          "000003 fa 00 00000001 616263"               /* unknown */
                          "000005 02 00 00000003 0000000010"           /* PRIORITY */
                          "000006 00 08 00000001 02 616263 0000"       /* three bytes of body */
                          "000005 01 05 00000001 00 01 78 01 79"       /* trailers */
                          "000009 07 00 00000000 7fffffff 00000000 78");
    size_t piece = (size_t)_i;

    while (all.n > 0) {
        size_t n = QN_MIN(piece, all.n);

        qt_assert_err(qn_h2_push(h, qn_slice_of(all.p, n)), QN_OK);
        all = qn_slice_of(all.p + n, all.n - n);
    }
    ck_assert_uint_eq(h2_event(h, QN_H2_RESPONSE).status, 200);
    ck_assert_uint_eq(h2_event(h, QN_H2_BODY).n, 3);
    qt_assert_err(h2_event(h, QN_H2_DONE).err, QN_OK);
    (void)h2_event(h, QN_H2_GOAWAY);
    h2_silent(h);
    ck_assert_uint_eq(h2_drain(h), 0);
}
END_TEST

START_TEST(a_window_holds)
{
    profile.credit = 64000; /* so late that the window ends first */
    for (unsigned i = 0; i < profile.setting_n; i++)
        if (profile.setting[i].id == 4)
            profile.setting[i].value = 40000;
    h2_answer(h, first, "200", NULL, false);
    for (unsigned i = 0; i < 2; i++)
        h2_body(h, first, 16384, false);
    ck_assert_uint_eq(h2_drain(h), 0);
    h2_push_hex(h, "001c41 00 00 00000001"); /* 7,232 are left, here are 7,233 */
    while (qn_h2_next(h, &(qn_h2_event){0}))
        ;
    assert_failed_before();
    ck_assert_uint_eq(h2_drain(h), 1); /* GOAWAY */
}
END_TEST

START_TEST(a_flood_of_pings_without_reading_is_bounded)
{
    static const uint8_t ping[] = "12345678";
    qn_h2_event ev;
    unsigned n = 0;

    h2_push_hex(h, H2_SETTINGS);
    for (; n < 1000 && !qn_h2_next(h, &ev); n++)
        h2_push_frame(h, 6, 0, 0, ping, 8);
    ck_assert_uint_lt(n, QN_H2_WRITES_MAX);
    ck_assert_int_eq(ev.type, QN_H2_FAILED);
    ck_assert_int_eq(ev.err, QN_LIMIT);
}
END_TEST

/* The most a server can make us hold: its header table, and headers that never end. */
START_TEST(memory_stays_bounded)
{
    uint8_t block[16384];
    qn_h2_event ev;

    memset(block, 'a', sizeof block);
    for (unsigned i = 0; i < 2; i++) {
        memcpy(block + 8192 * i, "\x40\x01x\x7f\xf8\x3e", 6); /* indexed, value of 8183 bytes */
        block[8192 * i + 2] = (uint8_t)('x' + i);
    }
    h2_push_frame(h, 1, 0, first, block, sizeof block);
    for (unsigned i = 0; i < 200 && !qn_h2_next(h, &ev); i++)
        h2_push_frame(h, 9, 0, first, block, sizeof block);
    ck_assert_uint_lt(t.env.mem.peak, 256 << 10);
}
END_TEST

/* An entry of the table's size, and then a byte each to say it again: 4,032 each time as RFC 9113
 * 6.5.2 counts, of the 262,144 that we take. */
START_TEST(a_block_is_as_long_as_what_it_unfolds_to)
{
    uint8_t block[5 + 4000 + 64], again = 0xbe; /* the newest entry */
    size_t n = 0;

    block[n++] = 0x40; /* indexed, a name of its own */
    memcpy(block + n, "\x7f\xa1\x1e", 3);
    memset(block + n + 3, 'a', 4000);
    n += 3 + 4000;
    block[n++] = 0; /* no value */
    memset(block + n, again, 64);
    h2_push_frame(h, 1, 0, first, block, n + 64);
    h2_silent(h);
    h2_push_frame(h, 9, 0, first, &again, 1);
    ck_assert_int_eq(h2_event(h, QN_H2_FAILED).err, QN_LIMIT);
    assert_failed_before();
}
END_TEST

/* What a byte can repeat is to cost little more than a byte. */
START_TEST(of_a_long_name_only_the_beginning_is_read)
{
    uint8_t block[3 + 100 + 1] = {0x88, 0x40, 100}; /* :status 200; indexed, a name of its own */

    memset(block + 3, 'a', 100);
    block[3 + _i] = 'A';
    h2_push_frame(h, 1, 0x05, first, block, sizeof block);
    if (_i < 64)
        ck_assert_uint_eq(h2_drain(h), 1); /* RST_STREAM */
    else
        (void)h2_event(h, QN_H2_RESPONSE);
    ck_assert_int_eq(h2_event(h, QN_H2_DONE).err, _i < 64 ? QN_GONE : QN_OK);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("h2 hostile");
    TCase *fresh = tcase_create("fresh"), *asked = tcase_create("asked");

    tcase_add_checked_fixture(fresh, setup, teardown);
    tcase_add_loop_test(fresh, broken_servers_fail_the_connection, 0, QN_LEN(hostile));
    tcase_add_test(fresh, a_flood_of_pings_without_reading_is_bounded);
    tcase_add_checked_fixture(asked, setup_asked, teardown);
    tcase_add_loop_test(asked, broken_answers_fail_the_connection, 0, QN_LEN(hostile_answers));
    tcase_add_loop_test(asked, broken_answers_end_their_stream_alone, 0, QN_LEN(hostile_streams));
    tcase_add_loop_test(asked, frames_may_come_in_any_pieces, 1, 100);
    tcase_add_test(asked, a_window_holds);
    tcase_add_test(asked, memory_stays_bounded);
    tcase_add_test(asked, a_block_is_as_long_as_what_it_unfolds_to);
    tcase_add_loop_test(asked, of_a_long_name_only_the_beginning_is_read, 60, 68);
    suite_add_tcase(s, fresh);
    suite_add_tcase(s, asked);
    return s;
}

QT_MAIN(suite)

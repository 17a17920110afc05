/* Hellos read: every capture is understood, and nothing malformed is. */
#include "fixture.h"

static qt_env t;

static const char *const captures[] = {
    "chromium-156/fresh-01",    "chromium-156/fresh-02",      "chromium-156/window-01",
    "chromium-156/resumed-01",  "chromium-156/resumed-08",    "firefox-esr-153/fresh-01",
    "firefox-esr-153/fresh-06", "firefox-esr-153/resumed-01", "firefox-esr-153/resumed-04",
};

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static qn_slice message_of(qn_slice record)
{
    qn_slice message;

    qt_assert_err(qn_tls_hello_find(record.p, record.n, &message), QN_OK);
    ck_assert_uint_eq(message.n, record.n - QN_RECORD_HEADER);
    return message;
}

/* ---- captures ------------------------------------------------------------------------------ */

START_TEST(captures_are_understood)
{
    qn_slice message = message_of(tls_capture(captures[_i]));
    bool resumed = strstr(captures[_i], "resumed") != NULL;
    qn_mlkem_ek ek;
    qn_tls_hello h;

    qt_assert_err(qn_tls_hello_read(message, &h), QN_OK);
    ck_assert_ptr_eq(h.random.p, message.p + QN_TLS_HELLO_RANDOM);
    ck_assert_ptr_eq(h.session_id.p, message.p + QN_TLS_HELLO_SESSION_ID);
    ck_assert_uint_eq(h.session_id.n, 32);
    qt_assert_bytes(h.name.p, h.name.n, qn_slice_of(DECOY, strlen(DECOY)));
    ck_assert_uint_eq(h.x25519.n, 32);
    ck_assert_uint_eq(h.mlkem.n, QN_MLKEM_EK);
    memcpy(ek.b, h.mlkem.p, sizeof ek.b);
    qt_assert_err(qn_mlkem_check(&ek), QN_OK);
    ck_assert(h.psk == resumed && !h.early_data);
    /* One binder of SHA-384 behind the cut, with its two lengths. */
    ck_assert_uint_eq(h.cut, resumed ? message.n - 51 : message.n);
}
END_TEST

START_TEST(a_record_is_found_from_its_first_bytes_on)
{
    qn_slice record = tls_capture(captures[_i]), message;

    for (size_t n = 0; n < record.n; n++)
        qt_assert_err(qn_tls_hello_find(record.p, n, &message), QN_SHORT);
    qt_assert_err(qn_tls_hello_find(record.p, record.n, &message), QN_OK);
}
END_TEST

START_TEST(cut_anywhere_a_hello_is_refused)
{
    qn_slice message = message_of(tls_capture(captures[_i]));
    uint8_t copy[QN_TLS_HELLO_MAX];
    qn_tls_hello h;

    memcpy(copy, message.p, message.n);
    for (size_t n = 0; n < message.n; n++) {
        qt_assert_err(qn_tls_hello_read(qn_slice_of(message.p, n), &h), QN_PROTO);
        if (n >= 4) /* and with a length that agrees */
            qn_put24(copy + 1, (uint32_t)(n - 4));
        qt_assert_err(qn_tls_hello_read(qn_slice_of(copy, n), &h), QN_PROTO);
    }
}
END_TEST

/* Whatever a changed byte makes of it: what is found lies inside, and the cut too. */
START_TEST(any_changed_byte_is_refused_or_read_within_bounds)
{
    qn_slice message = message_of(tls_capture(captures[_i]));
    uint8_t copy[QN_TLS_HELLO_MAX];

    for (size_t i = 0; i < message.n; i++)
        for (unsigned change = 0; change < 3; change++) {
            static const uint8_t with[] = {0xff, 0x80, 0x01};
            qn_tls_hello h;

            memcpy(copy, message.p, message.n);
            copy[i] ^= with[change];
            if (qn_tls_hello_read(qn_slice_of(copy, message.n), &h) != QN_OK)
                continue;
            ck_assert_uint_le(h.cut, message.n);
            ck_assert(h.name.n == 0 ||
                      (h.name.p >= copy && h.name.p + h.name.n <= copy + message.n));
            ck_assert(h.mlkem.n == 0 || h.mlkem.p + h.mlkem.n <= copy + message.n);
        }
}
END_TEST

/* ---- made by hand -------------------------------------------------------------------------- */

/* A hello of these extensions. */
static qn_slice hello_of(const char *extensions)
{
    static uint8_t p[2048];
    qn_slice ext = qt_hex(extensions);
    qn_tls_w w = {.p = p, .cap = sizeof p};
    size_t message;

    qn_tls_put_uint(&w, 1, 1);
    message = qn_tls_open(&w, 3);
    qn_tls_put_uint(&w, 0x0303, 2);
    qn_tls_put(&w, qt_noise(1, 32).p, 32);
    qn_tls_put_uint(&w, 0, 1);
    qn_tls_put_uint(&w, 2, 2);
    qn_tls_put_uint(&w, 0x1301, 2);
    qn_tls_put_uint(&w, 0x0100, 2);
    qn_tls_put_uint(&w, (uint32_t)ext.n, 2);
    qn_tls_put(&w, ext.p, ext.n);
    qn_tls_shut(&w, message, 3);
    ck_assert(!w.bad);
    return qn_slice_of(p, w.n);
}

#define BINDER "20 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

START_TEST(malformed_extensions_are_refused)
{
    static const struct {
        const char *hex;
        qn_err err;
    } v[] = {
        {"", QN_OK},
        {"0000 0006 0004 00 0001 61", QN_OK},
        {"0000 0005 0003 00 0000", QN_PROTO},               /* an empty name */
        {"0000 0006 0004 01 0001 61", QN_PROTO},            /* not a host name */
        {"0000 000a 0008 00 0001 61 00 0001 62", QN_PROTO}, /* two names */
        {"0000 0007 0004 00 0001 61 00", QN_PROTO},         /* a byte too many */
        {"0000 0000", QN_PROTO},
        {"ffff 0000 ffff 0000", QN_PROTO}, /* twice */
        {"ffff 0000 fffe 0001 00", QN_OK},
        {"ffff 0001", QN_PROTO},
        {"0033 0002 0000", QN_OK},                 /* asks for a retry */
        {"0033 0006 0004 001d 0000", QN_PROTO},    /* an empty share */
        {"0033 0007 0005 001d 0001 00", QN_PROTO}, /* a short one */
        {"0033 0007 0005 11ec 0001 00", QN_PROTO},
        {"0033 0007 0005 0017 0001 00", QN_OK}, /* not ours to judge */
        {"0033 0008 0005 0017 0001 00 00", QN_PROTO},
        {"002a 0000", QN_OK},
        {"002a 0001 00", QN_PROTO},
        {"0029 002c 0007 0001 aa 00000000 0021 " BINDER, QN_OK},
        {"0029 002c 0007 0001 aa 00000000 0021 " BINDER "ffff 0000", QN_PROTO}, /* not last */
        {"0029 002b 0006 0000 00000000 0021 " BINDER, QN_PROTO},                /* no identity */
        {"0029 000b 0007 0001 aa 00000000 0000", QN_PROTO},                     /* no binder */
        {"0029 004d 0007 0001 aa 00000000 0042 " BINDER BINDER, QN_PROTO},      /* one too many */
        {"0029 000d 0007 0001 aa 00000000 0002 01 00", QN_PROTO},               /* no hash's size */
        {"0029 0004 0000 0000", QN_PROTO},
    };

    for (size_t i = 0; i < QN_LEN(v); i++) {
        qn_tls_hello h;

        ck_assert_msg(qn_tls_hello_read(hello_of(v[i].hex), &h) == v[i].err, "%s", v[i].hex);
    }
}
END_TEST

START_TEST(too_many_extensions_are_refused)
{
    char text[70 * 10 + 1];
    qn_tls_hello h;

    for (unsigned n = 64; n <= 65; n++) {
        for (unsigned i = 0; i < n; i++)
            (void)snprintf(text + 9 * i, 10, "%04x0000 ", 0x100 + i);
        qt_assert_err(qn_tls_hello_read(hello_of(text), &h), n == 64 ? QN_OK : QN_PROTO);
    }
}
END_TEST

START_TEST(a_stream_that_is_no_hello_is_told_at_once)
{
    static const struct {
        const char *hex;
        qn_err err;
    } v[] = {
        {"", QN_SHORT},
        {"16", QN_SHORT},
        {"1603", QN_SHORT},
        {"160301", QN_SHORT},
        {"474554", QN_PROTO}, /* GET */
        {"17", QN_PROTO},
        {"1602", QN_PROTO},
        {"160300", QN_PROTO},
        {"160304", QN_PROTO},
        {"1603010003", QN_PROTO},
        {"1603010c01", QN_LIMIT}, /* 3,073 bytes */
        {"1603010c00", QN_SHORT},
        {"1603014001", QN_PROTO},
        {"160301000402", QN_PROTO},       /* not a hello */
        {"160301000401000001", QN_LIMIT}, /* goes on in another record */
        {"16030100050100000000", QN_PROTO},
    };

    for (size_t i = 0; i < QN_LEN(v); i++) {
        qn_slice p = qt_hex(v[i].hex), message;

        ck_assert_msg(qn_tls_hello_find(p.p, p.n, &message) == v[i].err, "%s", v[i].hex);
    }
}
END_TEST

static Suite *hello_suite(void)
{
    Suite *s = suite_create("tls/hello");
    TCase *tc = tcase_create("hello");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, captures_are_understood, 0, QN_LEN(captures));
    tcase_add_loop_test(tc, a_record_is_found_from_its_first_bytes_on, 0, QN_LEN(captures));
    tcase_add_loop_test(tc, cut_anywhere_a_hello_is_refused, 0, QN_LEN(captures));
    tcase_add_loop_test(tc, any_changed_byte_is_refused_or_read_within_bounds, 0, QN_LEN(captures));
    tcase_add_test(tc, malformed_extensions_are_refused);
    tcase_add_test(tc, too_many_extensions_are_refused);
    tcase_add_test(tc, a_stream_that_is_no_hello_is_told_at_once);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(hello_suite)

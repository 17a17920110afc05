/* base32 against RFC 4648 section 10 and against itself. */
#include "support/qt.h"

#include "base/base32.h"

static const struct {
    const char *plain, *text;
} rfc4648[] = {{"", ""},
               {"f", "my"},
               {"fo", "mzxq"},
               {"foo", "mzxw6"},
               {"foob", "mzxw6yq"},
               {"fooba", "mzxw6ytb"},
               {"foobar", "mzxw6ytboi"}};

START_TEST(rfc4648_rows_without_padding)
{
    const char *plain = rfc4648[_i].plain, *text = rfc4648[_i].text;
    size_t n = strlen(plain);
    char out[16];
    uint8_t back[16];

    ck_assert_uint_eq(QN_BASE32_LEN(n), strlen(text));
    qn_base32_encode(out, (const uint8_t *)plain, n);
    ck_assert_str_eq(out, text);
    qt_assert_err(qn_base32_decode(back, n, text, strlen(text)), QN_OK);
    qt_assert_bytes(back, n, qn_slice_of(plain, n));
}
END_TEST

START_TEST(every_length_comes_back)
{
    for (size_t n = 0; n <= 64; n++) {
        qn_slice in = qt_noise(n, n);
        char text[QN_BASE32_LEN(64) + 1];
        uint8_t out[64];

        qn_base32_encode(text, in.p, n);
        ck_assert_uint_eq(strlen(text), QN_BASE32_LEN(n));
        qt_assert_err(qn_base32_decode(out, n, text, strlen(text)), QN_OK);
        qt_assert_bytes(out, n, in);
    }
}
END_TEST

START_TEST(a_value_has_one_text_only)
{
    uint8_t out[2] = {7, 7};

    qt_assert_err(qn_base32_decode(out, 1, "mz", 2), QN_PROTO); /* "my" with an unused bit set */
    qt_assert_err(qn_base32_decode(out, 1, "m7", 2), QN_PROTO);
    qt_assert_err(qn_base32_decode(out, 1, "m", 1), QN_PROTO);
    qt_assert_err(qn_base32_decode(out, 1, "mya", 3), QN_PROTO);
    qt_assert_err(qn_base32_decode(out, 1, "m1", 2), QN_PROTO);
    qt_assert_err(qn_base32_decode(out, 1, "m=", 2), QN_PROTO);
    qt_assert_err(qn_base32_decode(out, 1, "m\xff", 2), QN_PROTO);
    ck_assert(out[0] == 7 && out[1] == 7); /* nothing was written */
    qt_assert_err(qn_base32_decode(out, 1, "MY", 2), QN_OK);
    ck_assert_uint_eq(out[0], 'f');
}
END_TEST

static Suite *base32_suite(void)
{
    Suite *s = suite_create("base/base32");
    TCase *tc = tcase_create("base32");

    tcase_add_loop_test(tc, rfc4648_rows_without_padding, 0, (int)QN_LEN(rfc4648));
    tcase_add_test(tc, every_length_comes_back);
    tcase_add_test(tc, a_value_has_one_text_only);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(base32_suite)

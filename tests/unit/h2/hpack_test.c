/* HPACK encoders: what Firefox's writes, nghttp2 reads back, and Chromium's writes what nghttp2
 * does. And the Date header. */
#include "fixture.h"

#include "h2/date.h"
#include "h2/hpack.h"

#include <nghttp2/nghttp2.h>

static qt_env t;
static nghttp2_hd_inflater *inflater;

static void setup(void)
{
    qt_env_open(&t, 1);
    ck_assert_int_eq(nghttp2_hd_inflate_new(&inflater), 0);
}

static void teardown(void)
{
    nghttp2_hd_inflate_del(inflater);
    qt_env_close(&t);
}

static bool same(const uint8_t *p, size_t n, qn_slice s)
{
    return n == s.n && memcmp(p, s.p, n) == 0;
}

/* nghttp2 reads exactly these fields out of the block. */
static void assert_reads(qn_slice block, const qn_h2_field *v, unsigned n)
{
    unsigned got = 0;

    while (block.n > 0) {
        int flags = 0;
        nghttp2_nv nv;
        ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.p, block.n, 1);

        ck_assert_int_ge(used, 0);
        block = (qn_slice){block.p + used, block.n - (size_t)used};
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            continue;
        ck_assert_uint_lt(got, n);
        ck_assert(same(nv.name, nv.namelen, v[got].name));
        ck_assert(same(nv.value, nv.valuelen, v[got].value));
        got++;
    }
    ck_assert_uint_eq(got, n);
    ck_assert_int_eq(nghttp2_hd_inflate_end_headers(inflater), 0);
}

static size_t encode(qn_h2_hpack *h, const qn_h2_field *v, unsigned n, uint8_t *out, size_t cap)
{
    size_t out_n;

    qt_assert_err(qn_h2_hpack_block(h, v, n, out, cap, &out_n), QN_OK);
    assert_reads(qn_slice_of(out, out_n), v, n);
    return out_n;
}

START_TEST(every_character_survives_huffman_coding)
{
    char text[] = "x-?: ?";
    uint8_t out[64];
    qn_h2_hpack h;

    qn_h2_hpack_init(&h, true, &t.env.mem);
    for (char c = ' '; c <= '~'; c++) {
        qn_h2_field f = {h2_text(":path"), {(const uint8_t *)text, sizeof text - 1}};

        text[0] = text[5] = c;
        (void)encode(&h, &f, 1, out, sizeof out);
    }
    qn_h2_hpack_clear(&h);
}
END_TEST

/* Random fields of a few names and values, and a server that changes the table's size now and then:
 * indices, evictions and announcements all stay what the other side thinks they are. */
START_TEST(blocks_stay_in_step_with_the_reader)
{
    static const char *const names[] = {":method", ":path", "accept", "te", "x-long-name", "date"};
    static const uint32_t sizes[] = {0, 100, 127, 128, 256, 4096, 65536};
    static char values[12][200];
    uint8_t out[4096];
    qn_h2_hpack h;

    for (unsigned i = 0; i < 12; i++)
        memset(values[i], 'a' + (int)i, 1 + i * 17);
    qn_h2_hpack_init(&h, true, &t.env.mem);
    for (unsigned round = 0; round < 3000; round++) {
        qn_h2_field f[8];
        unsigned n = 1 + qn_rng_below(&t.env, 8);

        for (unsigned resize = qn_rng_below(&t.env, 8); resize >= 6; resize--) {
            uint32_t size = sizes[qn_rng_below(&t.env, QN_LEN(sizes))];

            qn_h2_hpack_resize(&h, size);
            ck_assert_int_eq(nghttp2_hd_inflate_change_table_size(inflater, size), 0);
        }
        for (unsigned i = 0; i < n; i++) {
            f[i].name = h2_text(names[qn_rng_below(&t.env, QN_LEN(names))]);
            f[i].value = h2_text(values[qn_rng_below(&t.env, 12)]);
        }
        (void)encode(&h, f, n, out, sizeof out);
    }
    qn_h2_hpack_clear(&h);
}
END_TEST

/* Random fields and table sizes: byte for byte nghttp2's own encoder, which is Chromium's. */
START_TEST(chromium_s_blocks_are_nghttp2_s)
{
    static const char *const names[] = {":method", ":path",         ":authority", "accept",
                                        "te",      "if-none-match", "priority",   "x-\x7e_Q"};
    static const uint32_t sizes[] = {0, 60, 128, 256, 4096, 65536};
    static const char *const odd[] = {"GET", "/", "", "gzip, deflate", "\\\\"};
    static char values[12][200];
    nghttp2_hd_deflater *theirs;
    uint8_t ours[4096], out[4096];
    qn_h2_hpack h;

    for (unsigned i = 0; i < 12; i++)
        memset(values[i], i % 2 == 0 ? 'a' + (int)i : '!' + (int)i, 1 + i * 17);
    ck_assert_int_eq(nghttp2_hd_deflate_new(&theirs, UINT32_MAX), 0);
    qn_h2_hpack_init(&h, false, &t.env.mem);
    for (unsigned round = 0, size = 4096; round < 3000; round++) {
        uint32_t next = sizes[qn_rng_below(&t.env, QN_LEN(sizes))];
        unsigned n = 1 + qn_rng_below(&t.env, 8);
        nghttp2_nv nv[8];
        qn_h2_field f[8];
        size_t got;

        if (qn_rng_below(&t.env, 8) == 0) {
            qn_h2_hpack_resize(&h, next);
            if (next != size)
                ck_assert_int_eq(nghttp2_hd_deflate_change_table_size(theirs, next), 0);
            size = next;
        }
        for (unsigned i = 0; i < n; i++) {
            unsigned which = qn_rng_below(&t.env, 17);

            f[i].name = h2_text(names[qn_rng_below(&t.env, QN_LEN(names))]);
            f[i].value = h2_text(which < 12 ? values[which] : odd[which - 12]);
            nv[i] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)f[i].name.p,
                                 .namelen = f[i].name.n,
                                 .value = (uint8_t *)(uintptr_t)f[i].value.p,
                                 .valuelen = f[i].value.n};
        }
        qt_assert_err(qn_h2_hpack_block(&h, f, n, ours, sizeof ours, &got), QN_OK);
        ck_assert_int_eq(nghttp2_hd_deflate_hd(theirs, out, sizeof out, nv, n), (ssize_t)got);
        qt_assert_bytes(ours, got, qn_slice_of(out, got));
    }
    qn_h2_hpack_clear(&h);
    nghttp2_hd_deflate_del(theirs);
}
END_TEST

START_TEST(what_is_known_is_one_byte_and_a_path_never_is)
{
    qn_h2_field te = {h2_text("te"), h2_text("trailers")};
    qn_h2_field path = {h2_text(":path"), h2_text("/")};
    uint8_t out[64];
    qn_h2_hpack h;

    qn_h2_hpack_init(&h, true, &t.env.mem);
    ck_assert_uint_gt(encode(&h, &te, 1, out, sizeof out), 1);
    ck_assert_uint_eq(encode(&h, &te, 1, out, sizeof out), 1);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_eq(encode(&h, &path, 1, out, sizeof out), 3);
        ck_assert_uint_eq(out[0], 4);
    }
    qn_h2_hpack_clear(&h);
}
END_TEST

START_TEST(a_block_that_does_not_fit_is_an_error)
{
    qn_h2_field f[] = {{h2_text("te"), h2_text("trailers")}, {h2_text(":path"), h2_text("/abc")}};
    uint8_t out[64];
    size_t need, n;
    qn_h2_hpack h;

    qn_h2_hpack_init(&h, _i, &t.env.mem);
    qt_assert_err(qn_h2_hpack_block(&h, f, 2, out, sizeof out, &need), QN_OK);
    qn_h2_hpack_clear(&h);
    for (size_t cap = 0; cap < need; cap++) {
        qn_h2_hpack_init(&h, _i, &t.env.mem);
        qt_assert_err(qn_h2_hpack_block(&h, f, 2, out, cap, &n), QN_LIMIT);
        qn_h2_hpack_clear(&h);
    }
}
END_TEST

/* ---- dates --------------------------------------------------------------------------------------
 */

static const struct {
    const char *text;
    int64_t unix_s;
} dates[] = {
    {H2_DATE, H2_DATE_UNIX},
    {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777}, /* RFC 9110's */
    {"Thu, 01 Jan 1970 00:00:01 GMT", 1},
    {"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
    {"Mon, 01 Mar 2100 00:00:00 GMT", 4107542400},
    {"Mon, 29 Feb 2100 00:00:00 GMT", 0},
    {"Sun, 31 Apr 2023 00:00:00 GMT", 0},
    {"Sun, 00 Nov 1994 08:49:37 GMT", 0},
    {"Sun, 06 nov 1994 08:49:37 GMT", 0},
    {"Sun, 06 Nov 1969 08:49:37 GMT", 0},
    {"Sun, 06 Nov 1994 24:49:37 GMT", 0},
    {"Sun, 06 Nov 1994 08:60:37 GMT", 0},
    {"Sun, 06 Nov 1994 08:49:61 GMT", 0},
    {"Sun, 6 Nov 1994 08:49:37 GMT", 0},
    {"Sun, 06 Nov 1994 08:49:37 UTC", 0},
    {"Sun, 06 Nov 1994 08:49:37 GMT ", 0},
    {"Sunday, 06-Nov-94 08:49:37 GMT", 0},
    {"Sun Nov  6 08:49:37 1994", 0},
    {"Sun, +6 Nov 1994 08:49:37 GMT", 0},
    {"", 0},
};

START_TEST(dates_are_read_in_one_form)
{
    ck_assert_int_eq(qn_h2_date(h2_text(dates[_i].text)), dates[_i].unix_s);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("h2 hpack");
    TCase *c = tcase_create("blocks");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, every_character_survives_huffman_coding);
    tcase_add_test(c, blocks_stay_in_step_with_the_reader);
    tcase_add_test(c, chromium_s_blocks_are_nghttp2_s);
    tcase_add_test(c, what_is_known_is_one_byte_and_a_path_never_is);
    tcase_add_loop_test(c, a_block_that_does_not_fit_is_an_error, 0, 2);
    tcase_add_loop_test(c, dates_are_read_in_one_form, 0, QN_LEN(dates));
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)

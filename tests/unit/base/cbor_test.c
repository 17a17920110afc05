/* The CBOR profile: published and own tables, both directions, and a second library's opinion. */
#include "support/qt.h"

#include "base/cbor.h"

#include <cbor.h>
#include <stdio.h>

static qt_records appendix_a, dcbor, profile;

/* ---- tables ---------------------------------------------------------------------------------- */

typedef struct text {
    char p[1024];
    size_t n;
} text;

static void say(text *t, const char *s)
{
    t->n += (size_t)snprintf(t->p + t->n, sizeof t->p - t->n, "%s", s);
    ck_assert_uint_lt(t->n, sizeof t->p);
}

static void copy_item(qn_cbor_r *r, qn_cbor_w *w, text *t);

static void copy_int(qn_cbor_r *r, qn_cbor_w *w, text *t)
{
    qn_cbor_r again = *r;
    char number[32] = "below int64";
    int64_t v = qn_cbor_get_int(&again);

    if (again.err == QN_OK) {
        (void)snprintf(number, sizeof number, "%lld", (long long)v);
        qn_cbor_int(w, v);
        *r = again;
    } else { /* no verb of ours reads or writes it, so its bytes go over as they are */
        const uint8_t *from = r->p;

        qt_assert_err(again.err, QN_PROTO);
        qn_cbor_skip(r);
        memcpy(w->p + w->n, from, (size_t)(r->p - from));
        w->n += (size_t)(r->p - from);
    }
    say(t, number);
}

static void copy_uint(qn_cbor_r *r, qn_cbor_w *w, text *t)
{
    char number[32];
    uint64_t v = qn_cbor_get_uint(r);

    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)v);
    say(t, number);
    qn_cbor_uint(w, v);
}

static void copy_string(qn_cbor_r *r, qn_cbor_w *w, text *t, bool is_text)
{
    qn_slice s = is_text ? qn_cbor_get_text(r) : qn_cbor_get_bytes(r);

    say(t, is_text ? "t'" : "h'");
    say(t, qt_unhex(s.p, s.n));
    say(t, "'");
    if (is_text)
        qn_cbor_text(w, (const char *)s.p, s.n);
    else
        qn_cbor_bytes(w, s.p, s.n);
}

static void copy_array(qn_cbor_r *r, qn_cbor_w *w, text *t)
{
    uint64_t n = qn_cbor_get_array(r);

    qn_cbor_array(w, n);
    say(t, "[");
    for (uint64_t i = 0; i < n; i++) {
        say(t, i > 0 ? " " : "");
        copy_item(r, w, t);
    }
    say(t, "]");
}

static void copy_map(qn_cbor_r *r, qn_cbor_w *w, text *t)
{
    uint64_t n = qn_cbor_get_map(r);

    qn_cbor_map(w, n);
    say(t, "{");
    for (uint64_t i = 0; i < n; i++) {
        say(t, i > 0 ? " " : "");
        copy_item(r, w, t);
        say(t, ">");
        copy_item(r, w, t);
    }
    say(t, "}");
}

/* Reads an item with the typed verbs, writes it again, and says what it was. */
static void copy_item(qn_cbor_r *r, qn_cbor_w *w, text *t)
{
    bool truth;

    switch (qn_cbor_peek(r)) {
    case QN_CBOR_UINT:
        copy_uint(r, w, t);
        break;
    case QN_CBOR_NINT:
        copy_int(r, w, t);
        break;
    case QN_CBOR_BYTES:
        copy_string(r, w, t, false);
        break;
    case QN_CBOR_TEXT:
        copy_string(r, w, t, true);
        break;
    case QN_CBOR_ARRAY:
        copy_array(r, w, t);
        break;
    case QN_CBOR_MAP:
        copy_map(r, w, t);
        break;
    case QN_CBOR_BOOL:
        truth = qn_cbor_get_bool(r);
        qn_cbor_bool(w, truth);
        say(t, truth ? "true" : "false");
        break;
    case QN_CBOR_NONE:
        ck_abort_msg("nothing to read");
    }
}

static void check_row(const qt_record *row)
{
    qn_slice in = qt_field_hex(row, "HEX");
    const char *is = qt_field(row, "IS");
    qn_err err = qn_cbor_check(in.p, in.n);
    uint8_t out[512];
    text said = {.n = 0};
    qn_cbor_r r;
    qn_cbor_w w;

    ck_assert_msg(strcmp(qn_err_name(err), is) == 0, "%s is %s, not %s", qt_field(row, "HEX"),
                  qn_err_name(err), is);
    if (err != QN_OK)
        return;
    qn_cbor_r_init(&r, in.p, in.n);
    qn_cbor_w_init(&w, out, sizeof out);
    copy_item(&r, &w, &said);
    qt_assert_err(qn_cbor_end(&r), QN_OK);
    ck_assert_str_eq(said.p, qt_field(row, "SAYS"));
    qt_assert_err(w.err, QN_OK);
    qt_assert_bytes(out, w.n, in);
}

START_TEST(rfc8949_appendix_a_rows)
{
    check_row(&appendix_a.v[_i]);
}
END_TEST

START_TEST(dcbor_rows)
{
    check_row(&dcbor.v[_i]);
}
END_TEST

START_TEST(profile_rows)
{
    check_row(&profile.v[_i]);
}
END_TEST

static unsigned accepted(const qt_records *rows)
{
    unsigned n = 0;

    for (size_t i = 0; i < rows->n; i++)
        n += strcmp(qt_field(&rows->v[i], "IS"), "OK") == 0;
    return n;
}

START_TEST(no_row_is_missing)
{
    ck_assert_uint_eq(appendix_a.n, 82);
    ck_assert_uint_eq(accepted(&appendix_a), 36);
    ck_assert_uint_eq(dcbor.n, 40);
    ck_assert_uint_eq(accepted(&dcbor), 24);
    ck_assert_uint_eq(profile.n, 164);
}
END_TEST

/* ---- against libcbor ------------------------------------------------------------------------- */

/* What libcbor makes of a whole buffer: the bytes it would write for what it read, 0 if refused. */
static size_t libcbor_again(const uint8_t *p, size_t n, uint8_t *out, size_t cap)
{
    struct cbor_load_result result;
    cbor_item_t *item = cbor_load(p, n, &result);
    size_t used = 0;

    if (item == NULL)
        return 0;
    if (result.read == n)
        used = cbor_serialize(item, out, cap);
    cbor_decref(&item);
    return used;
}

/* Small heads are likely, so that random bytes often mean something. */
static size_t random_bytes(qn_env *env, uint8_t *out, size_t cap)
{
    static const uint8_t heads[] = {0x00, 0x17, 0x18, 0x19, 0x20, 0x38, 0x40, 0x41, 0x58,
                                    0x60, 0x61, 0x78, 0x80, 0x81, 0x82, 0x98, 0xa0, 0xa1,
                                    0xa2, 0xb8, 0xc3, 0xbc, 0xf4, 0xf5, 0xf6, 0xff};
    size_t n = 1 + qn_rng_below(env, (uint32_t)cap - 1);

    for (size_t i = 0; i < n; i++) {
        uint32_t byte = qn_rng_below(env, 256);
        uint32_t head = qn_rng_below(env, QN_LEN(heads));

        out[i] = byte % 4 == 0 ? (uint8_t)byte : heads[head];
    }
    return n;
}

START_TEST(whatever_it_accepts_libcbor_reads_and_writes_alike)
{
    qt_env t;
    unsigned agreed = 0;

    qt_env_open(&t, (uint64_t)_i);
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t in[12], out[64];
        size_t n = random_bytes(&t.env, in, sizeof in), used;

        if (qn_cbor_check(in, n) != QN_OK)
            continue;
        used = libcbor_again(in, n, out, sizeof out);
        ck_assert_msg(used == n && memcmp(in, out, n) == 0, "libcbor disagrees on %s",
                      qt_unhex(in, n));
        agreed++;
    }
    ck_assert_uint_gt(agreed, 500); /* else the bytes were too random to show anything */
    qt_env_close(&t);
}
END_TEST

START_TEST(every_prefix_and_every_flipped_bit_of_a_good_object_is_judged_without_harm)
{
    static const char object[] = "a3 00 18ff 01 8262c3bc42abcd 02 a2 20 f4 6161 80";
    qn_slice good = qt_hex(object);

    qt_assert_err(qn_cbor_check(good.p, good.n), QN_OK);
    for (size_t n = 0; n < good.n; n++) {
        qn_slice cut = qt_hex_n(qt_unhex(good.p, n), 2 * n); /* its own allocation: ASan watches */

        qt_assert_err(qn_cbor_check(cut.p, cut.n), QN_TRUNCATED);
    }
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        uint8_t bad[64];

        memcpy(bad, good.p, good.n);
        bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (qn_cbor_check(bad, good.n) == QN_OK) { /* another object, then, with one encoding too */
            uint8_t out[64];

            ck_assert_uint_eq(libcbor_again(bad, good.n, out, sizeof out), good.n);
            ck_assert_mem_eq(bad, out, good.n);
        }
    }
}
END_TEST

/* ---- verbs ----------------------------------------------------------------------------------- */

START_TEST(a_full_buffer_is_an_error_that_stays)
{
    uint8_t out[5] = {0};
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, 4);
    qn_cbor_uint(&w, 1);
    qn_cbor_bytes(&w, "abcd", 4);
    qt_assert_err(w.err, QN_FULL);
    ck_assert_uint_eq(w.n, 1);
    qn_cbor_uint(&w, 2); /* would fit */
    ck_assert_uint_eq(w.n, 1);
    qt_assert_bytes(out, 5, qt_hex("01 00000000"));
    qn_cbor_w_init(&w, out, 4);
    qn_cbor_bytes(&w, "abc", 3);
    qt_assert_err(w.err, QN_OK);
    ck_assert_uint_eq(w.n, 4);
    qn_cbor_bool(&w, true);
    qt_assert_err(w.err, QN_FULL);
    qn_cbor_w_init(&w, out, 4);
    qn_cbor_bytes(&w, "abcd", 4); /* would fit without its head */
    qt_assert_err(w.err, QN_FULL);
    ck_assert_uint_eq(w.n, 0);
    qn_cbor_w_init(&w, NULL, 0);
    qn_cbor_array(&w, 0);
    qt_assert_err(w.err, QN_FULL);
}
END_TEST

START_TEST(text_that_is_not_utf8_is_not_written)
{
    uint8_t out[8];
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_text(&w, "\xed\xa0\x80", 3);
    qt_assert_err(w.err, QN_PROTO);
    ck_assert_uint_eq(w.n, 0);
}
END_TEST

START_TEST(empty_strings_need_no_pointer)
{
    uint8_t out[2];
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_bytes(&w, NULL, 0);
    qn_cbor_text(&w, NULL, 0);
    qt_assert_bytes(out, w.n, qt_hex("4060"));
}
END_TEST

START_TEST(another_type_than_asked_is_an_error_that_stays)
{
    static const uint8_t in[] = {0x81, 0x05};
    uint8_t fixed[2] = {1, 1};
    qn_cbor_r r;

    qn_cbor_r_init(&r, in, sizeof in);
    ck_assert_uint_eq(qn_cbor_get_uint(&r), 0);
    qt_assert_err(r.err, QN_PROTO);
    ck_assert_uint_eq(qn_cbor_get_array(&r), 0); /* would be right, but it is too late */
    ck_assert_int_eq(qn_cbor_peek(&r), QN_CBOR_NONE);
    ck_assert(!qn_cbor_get_bool(&r));
    ck_assert_int_eq(qn_cbor_get_int(&r), 0);
    ck_assert_uint_eq(qn_cbor_get_map(&r), 0);
    ck_assert_uint_eq(qn_cbor_get_text(&r).n, 0);
    qn_cbor_get_fixed(&r, fixed, sizeof fixed);
    ck_assert_uint_eq(fixed[0] + fixed[1], 0);
    qn_cbor_skip(&r);
    qt_assert_err(qn_cbor_end(&r), QN_PROTO);
}
END_TEST

START_TEST(fixed_strings_have_exactly_their_length)
{
    static const uint8_t in[] = {0x42, 0xaa, 0xbb};
    uint8_t out[3] = {9, 9, 9};
    qn_cbor_r r;

    qn_cbor_r_init(&r, in, sizeof in);
    qn_cbor_get_fixed(&r, out, 2);
    qt_assert_err(qn_cbor_end(&r), QN_OK);
    qt_assert_bytes(out, 3, qt_hex("aabb09"));
    qn_cbor_r_init(&r, in, sizeof in);
    qn_cbor_get_fixed(&r, out, 3);
    qt_assert_err(qn_cbor_end(&r), QN_PROTO);
    qt_assert_bytes(out, 3, qt_hex("000000"));
}
END_TEST

START_TEST(peek_at_the_end_is_no_error)
{
    qn_cbor_r r;

    qn_cbor_r_init(&r, NULL, 0);
    ck_assert_int_eq(qn_cbor_peek(&r), QN_CBOR_NONE);
    qt_assert_err(qn_cbor_end(&r), QN_OK);
    (void)qn_cbor_get_uint(&r);
    qt_assert_err(qn_cbor_end(&r), QN_TRUNCATED);
}
END_TEST

START_TEST(a_count_beyond_the_input_is_refused_at_its_head)
{
    static const char *const heads[] = {
        "82 01", "9bffffffffffffffff 01", "a2 01 02 03",
        "a1 01", "bb8000000000000000 01", "bbffffffffffffffff 01 02"};

    for (size_t i = 0; i < QN_LEN(heads); i++) {
        qn_slice in = qt_hex(heads[i]);
        bool is_map = in.p[0] >= 0xa0;
        qn_cbor_r r;

        qn_cbor_r_init(&r, in.p, in.n);
        ck_assert_uint_eq(is_map ? qn_cbor_get_map(&r) : qn_cbor_get_array(&r), 0);
        qt_assert_err(r.err, QN_TRUNCATED);
        ck_assert_ptr_eq(r.p, in.p);
    }
}
END_TEST

START_TEST(integers_keep_their_sign_and_their_range)
{
    static const int64_t v[] = {0,    -1,   23,        24,        -24,       -25,      255,
                                -256, -257, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};

    for (size_t i = 0; i < QN_LEN(v); i++) {
        uint8_t out[9];
        qn_cbor_w w;
        qn_cbor_r r;

        qn_cbor_w_init(&w, out, sizeof out);
        qn_cbor_int(&w, v[i]);
        qt_assert_err(w.err, QN_OK);
        qn_cbor_r_init(&r, out, w.n);
        ck_assert_int_eq(qn_cbor_get_int(&r), v[i]);
        qt_assert_err(qn_cbor_end(&r), QN_OK);
    }
}
END_TEST

START_TEST(an_unsigned_beyond_int64_is_not_given_as_int)
{
    qn_slice in = qt_hex("1b8000000000000000");
    qn_cbor_r r;

    qn_cbor_r_init(&r, in.p, in.n);
    ck_assert_int_eq(qn_cbor_get_int(&r), 0);
    qt_assert_err(r.err, QN_PROTO);
}
END_TEST

/* Reads a map the way every message of ours is read. */
static qn_err read_keys(const char *hex, uint64_t *sum)
{
    qn_slice in = qt_hex(hex);
    int64_t last = -1;
    qn_cbor_r r;
    uint64_t pairs;

    qn_cbor_r_init(&r, in.p, in.n);
    pairs = qn_cbor_get_map(&r);
    *sum = 0;
    for (uint64_t i = 0; i < pairs && r.err == QN_OK; i++) {
        *sum += qn_cbor_key(&r, &last);
        qn_cbor_skip(&r);
    }
    return qn_cbor_end(&r);
}

START_TEST(keys_ascend)
{
    uint64_t sum;

    qt_assert_err(read_keys("a3 00 00 05 80 18c8 6161", &sum), QN_OK);
    ck_assert_uint_eq(sum, 205);
    qt_assert_err(read_keys("a2 05 00 05 00", &sum), QN_CANON);
    qt_assert_err(read_keys("a2 05 00 04 00", &sum), QN_CANON);
    qt_assert_err(read_keys("a1 20 00", &sum), QN_PROTO);
    qt_assert_err(read_keys("a1 6161 00", &sum), QN_PROTO);
    qt_assert_err(read_keys("a1 1b8000000000000000 00", &sum), QN_PROTO);
    qt_assert_err(read_keys("a2 00 00", &sum), QN_TRUNCATED);
}
END_TEST

START_TEST(the_documented_example_is_what_it_says)
{
    qn_slice doc = qt_doc_hex("cbor.md", "example");
    uint8_t out[128], key[32];
    qn_cbor_w w;

    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_map(&w, 4);
    qn_cbor_uint(&w, 0);
    qn_cbor_uint(&w, 1);
    qn_cbor_uint(&w, 1);
    qn_cbor_bytes(&w, key, sizeof key);
    qn_cbor_uint(&w, 2);
    qn_cbor_array(&w, 2);
    qn_cbor_text(&w, "exit", 4);
    qn_cbor_text(&w, "relay", 5);
    qn_cbor_uint(&w, 24);
    qn_cbor_int(&w, -500);
    qt_assert_err(w.err, QN_OK);
    qt_assert_bytes(out, w.n, doc);
    qt_assert_err(qn_cbor_check(doc.p, doc.n), QN_OK);
}
END_TEST

static Suite *cbor_suite(void)
{
    Suite *s = suite_create("base/cbor");
    TCase *tc = tcase_create("cbor");

    appendix_a = qt_vector_records("cbor/rfc8949-appendix-a.txt", "HEX");
    dcbor = qt_vector_records("cbor/dcbor-numbers.txt", "HEX");
    profile = qt_vector_records("cbor/profile.txt", "HEX");
    tcase_add_loop_test(tc, rfc8949_appendix_a_rows, 0, (int)appendix_a.n);
    tcase_add_loop_test(tc, dcbor_rows, 0, (int)dcbor.n);
    tcase_add_loop_test(tc, profile_rows, 0, (int)profile.n);
    tcase_add_test(tc, no_row_is_missing);
    tcase_add_loop_test(tc, whatever_it_accepts_libcbor_reads_and_writes_alike, 0, 8);
    tcase_add_test(tc, every_prefix_and_every_flipped_bit_of_a_good_object_is_judged_without_harm);
    tcase_add_test(tc, a_full_buffer_is_an_error_that_stays);
    tcase_add_test(tc, text_that_is_not_utf8_is_not_written);
    tcase_add_test(tc, empty_strings_need_no_pointer);
    tcase_add_test(tc, another_type_than_asked_is_an_error_that_stays);
    tcase_add_test(tc, fixed_strings_have_exactly_their_length);
    tcase_add_test(tc, peek_at_the_end_is_no_error);
    tcase_add_test(tc, a_count_beyond_the_input_is_refused_at_its_head);
    tcase_add_test(tc, integers_keep_their_sign_and_their_range);
    tcase_add_test(tc, an_unsigned_beyond_int64_is_not_given_as_int);
    tcase_add_test(tc, keys_ascend);
    tcase_add_test(tc, the_documented_example_is_what_it_says);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(cbor_suite)

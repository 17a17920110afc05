/* The shaping item of a profile: what is written is read, and nothing unsound is. */
#include "support/qt.h"

#include "base/cbor.h"
#include "shape_item.h"
#include "tls/profile.h"

typedef struct parts { /* of an item to be written: shape_item's own, and what a test bends */
    qn_shape_profile v;
    unsigned keys, first_n;
} parts;

static uint8_t bytes[4096];

static void put_lengths(qn_cbor_w *w, const uint16_t *v, unsigned n)
{
    qn_cbor_array(w, n);
    for (unsigned i = 0; i < n; i++)
        qn_cbor_uint(w, v[i]);
}

static qn_slice item_of(const parts *p)
{
    qn_cbor_w w;

    qn_cbor_w_init(&w, bytes, sizeof bytes);
    qn_cbor_map(&w, p->keys);
    qn_cbor_uint(&w, 0);
    qn_cbor_array(&w, p->v.page_n);
    for (unsigned i = 0; i < p->v.page_n; i++) {
        qn_cbor_array(&w, 2);
        put_lengths(&w, p->v.page[i].up, p->first_n);
        put_lengths(&w, p->v.page[i].down, QN_SHAPE_FIRST);
    }
    qn_cbor_uint(&w, 1);
    put_lengths(&w, p->v.request, p->v.request_n);
    qn_cbor_uint(&w, 2);
    put_lengths(&w, p->v.post, p->v.post_n);
    qn_cbor_uint(&w, 3);
    qn_cbor_array(&w, p->v.burst_n);
    for (unsigned i = 0; i < p->v.burst_n; i++)
        qn_cbor_uint(&w, p->v.burst[i]);
    if (p->keys == 5) {
        qn_cbor_uint(&w, 4);
        qn_cbor_array(&w, 2);
        qn_cbor_uint(&w, p->v.credit_bytes);
        qn_cbor_uint(&w, p->v.credit_after / QN_MS);
    }
    qt_assert_err(w.err, QN_OK);
    return qn_slice_of(bytes, w.n);
}

static parts good(void)
{
    return (parts){.v = shape_item, .keys = 5, .first_n = QN_SHAPE_FIRST};
}

START_TEST(an_item_is_read_as_it_was_written)
{
    parts p = good();
    qn_shape_profile got;

    qt_assert_err(qn_shape_profile_read(&got, item_of(&p)), QN_OK);
    ck_assert_mem_eq(got.page, shape_item.page, sizeof got.page);
    ck_assert_mem_eq(got.request, shape_item.request, sizeof got.request);
    ck_assert_mem_eq(got.post, shape_item.post, sizeof got.post);
    ck_assert_mem_eq(got.burst, shape_item.burst, sizeof got.burst);
    ck_assert_uint_eq(got.credit_bytes, shape_item.credit_bytes);
    ck_assert_uint_eq(got.credit_after, shape_item.credit_after);
}
END_TEST

START_TEST(the_shipped_profiles_have_one)
{
    static const char *const files[] = {"../../profiles/chromium-156.cbor",
                                        "../../profiles/firefox-esr-153.cbor"};
    qn_tls_profile tls;
    qn_shape_profile got;
    qt_env t;

    qt_env_open(&t, 1);
    qt_assert_err(qn_tls_profile_read(&tls, &t.env, qt_vector_file(files[_i])), QN_OK);
    qt_assert_err(qn_shape_profile_read(&got, tls.shaping), QN_OK);
    qt_env_close(&t);
}
END_TEST

START_TEST(no_part_of_an_item_is_one)
{
    parts p = good();
    qn_slice whole = item_of(&p);
    qn_shape_profile got;

    for (size_t n = 0; n < whole.n; n++)
        ck_assert_int_ne(qn_shape_profile_read(&got, qn_slice_of(whole.p, n)), QN_OK);
}
END_TEST

static void missing_key(parts *p)
{
    p->keys = 4;
}
static void eleven_lengths(parts *p)
{
    p->first_n = 11;
}
static void a_first_record_too_short(parts *p)
{
    p->v.page[1].up[3] = 48;
}
static void a_record_too_long(parts *p)
{
    p->v.page[0].down[3] = 16402;
}
static void no_page(parts *p)
{
    p->v.page_n = 0;
}
static void no_request(parts *p)
{
    p->v.request_n = 0;
}
static void requests_out_of_order(parts *p)
{
    p->v.request[2] = 70;
}
static void only_tiny_requests(parts *p)
{
    p->v.request_n = 1;
    p->v.request[0] = 48;
}
static void posts_shorter_than_requests(parts *p)
{
    p->v.post_n = 1;
    p->v.post[0] = 300;
}
static void a_burst_twice(parts *p)
{
    p->v.burst[2] = p->v.burst[1];
}
static void a_burst_like_a_download(parts *p)
{
    p->v.burst[3] = 1 << 21;
}
static void credit_never(parts *p)
{
    p->v.credit_bytes = 0;
}
static void credit_after_an_hour(parts *p)
{
    p->v.credit_after = 3600 * QN_SEC;
}

static void (*const bends[])(parts *) = {missing_key,
                                         eleven_lengths,
                                         a_first_record_too_short,
                                         a_record_too_long,
                                         no_page,
                                         no_request,
                                         requests_out_of_order,
                                         only_tiny_requests,
                                         a_burst_twice,
                                         posts_shorter_than_requests,
                                         a_burst_like_a_download,
                                         credit_never,
                                         credit_after_an_hour};
enum { BENDS = sizeof bends / sizeof bends[0] };

START_TEST(an_unsound_item_is_refused_and_nothing_is_written)
{
    parts p = good();
    qn_shape_profile got, before;

    memset(&before, 0x77, sizeof before);
    got = before;
    bends[_i](&p);
    qt_assert_err(qn_shape_profile_read(&got, item_of(&p)), QN_PROTO);
    ck_assert_mem_eq(&got, &before, sizeof got);
}
END_TEST

START_TEST(too_many_entries_are_refused)
{
    static const uint8_t many[] = {0xa5, 0x00, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    qn_shape_profile got;

    qt_assert_err(qn_shape_profile_read(&got, qn_slice_of(many, sizeof many)), QN_LIMIT);
}
END_TEST

static Suite *profile_suite(void)
{
    Suite *s = suite_create("htx/shape_profile");
    TCase *k = tcase_create("item");

    tcase_add_test(k, an_item_is_read_as_it_was_written);
    tcase_add_loop_test(k, the_shipped_profiles_have_one, 0, 2);
    tcase_add_test(k, no_part_of_an_item_is_one);
    tcase_add_loop_test(k, an_unsound_item_is_refused_and_nothing_is_written, 0, BENDS);
    tcase_add_test(k, too_many_entries_are_refused);
    suite_add_tcase(s, k);
    return s;
}

QT_MAIN(profile_suite)

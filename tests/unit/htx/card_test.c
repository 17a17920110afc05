/* Cards: what they say comes back, and nothing else is one. */
#include "support/qt.h"

#include "base/limits.h"
#include "htx/card.h"

enum { EPOCH = (uint32_t)(QT_EPOCH / QN_HTX_EPOCH_S) };

static qn_htx_origin origin;
static uint8_t out[QN_HTX_CONTACT_CARD_MAX];

static qn_slice text(const char *s)
{
    return qn_slice_of(s, strlen(s));
}

static void setup(void)
{
    origin = (qn_htx_origin){.name = {text("site.example"), text("www.site.example")},
                             .names_n = 2,
                             .largest_record = 16384,
                             .requests = 1000,
                             .seconds = 3600,
                             .idle = 75,
                             .first = {{text("/"), 40000}},
                             .second = {{text("/news/latest.json"), 9000}, {text("/a%20b?c=d"), 1}},
                             .first_n = 1,
                             .second_n = 2};
}

static qn_htx_card card_with(unsigned keys)
{
    qn_htx_card c;

    qt_assert_err(qn_htx_card_of(&c, &origin), QN_OK);
    c.keys_n = (uint8_t)keys;
    for (unsigned i = 0; i < keys; i++) {
        memset(c.key[i].key.b, (int)(i + 1), sizeof c.key[i].key.b);
        c.key[i].epoch = EPOCH + i;
    }
    return c;
}

static qn_slice put(const qn_htx_card *c)
{
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, sizeof out);
    qn_htx_card_put(&w, c);
    qt_assert_err(w.err, QN_OK);
    return qn_slice_of(out, w.n);
}

static bool same_text(qn_slice a, qn_slice b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

START_TEST(says_what_was_put_on_it)
{
    qn_htx_card c = card_with(3), got;

    qt_assert_err(qn_htx_card_read(&got, put(&c), 3), QN_OK);
    ck_assert_uint_eq(got.keys_n, 3);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(got.key[i].epoch, EPOCH + i);
        ck_assert_mem_eq(got.key[i].key.b, c.key[i].key.b, 32);
    }
    ck_assert_uint_eq(got.names_n, 2);
    ck_assert(same_text(got.name[0], text("site.example")));
    ck_assert(same_text(got.name[1], text("www.site.example")));
    ck_assert(!got.mirror);
    ck_assert_uint_eq(got.first_n, 1);
    ck_assert_uint_eq(got.second_n, 2);
    ck_assert(same_text(got.second[1].path, text("/a%20b?c=d")));
    ck_assert_uint_eq(got.first[0].largest, 40000);
    ck_assert_uint_eq(got.largest_record, 16384);
    ck_assert_uint_eq(got.requests, 1000);
    ck_assert_uint_eq(got.seconds, 3600);
    ck_assert_uint_eq(got.idle, 75);
}
END_TEST

START_TEST(the_key_is_the_newest_whose_time_has_come)
{
    static const qn_peerid id = {{0x10, 0, 0, 1}};
    qn_htx_card c = card_with(2);
    int64_t start = qn_htx_epoch_start(&id, EPOCH), week = QN_HTX_EPOCH_S;

    ck_assert_ptr_null(qn_htx_card_at(&c, &id, start - 1));
    ck_assert_ptr_eq(qn_htx_card_at(&c, &id, start), &c.key[0].key);
    ck_assert_ptr_eq(qn_htx_card_at(&c, &id, start + week - 1), &c.key[0].key);
    ck_assert_ptr_eq(qn_htx_card_at(&c, &id, start + week), &c.key[1].key);
    ck_assert_ptr_eq(qn_htx_card_at(&c, &id, start + 3 * week - 1), &c.key[1].key);
    ck_assert_ptr_null(qn_htx_card_at(&c, &id, start + 3 * week));
    ck_assert_int_eq(qn_htx_card_until(&c, &id), start + 3 * week);
    ck_assert_ptr_null(qn_htx_card_at(&c, &id, -1));
    ck_assert_ptr_null(qn_htx_card_at(&c, &id, INT64_MAX));
    ck_assert_uint_eq(qn_htx_epoch(&id, start), EPOCH);
    ck_assert_uint_eq(qn_htx_epoch(&id, start - 1), EPOCH - 1);
}
END_TEST

START_TEST(a_contact_holds_a_year_of_keys_and_a_descriptor_two)
{
    qn_htx_card c = card_with(QN_HTX_EPOCHS_MAX), got;
    qn_slice item = put(&c);

    qt_assert_err(qn_htx_card_read(&got, item, QN_HTX_EPOCHS_MAX), QN_OK);
    ck_assert_uint_eq(got.key[52].epoch, EPOCH + 52);
    qt_assert_err(qn_htx_card_read(&got, item, QN_HTX_DESCRIPTOR_KEYS), QN_PROTO);
}
END_TEST

/* What no reader would take is not written either. */
static const char *const bad_names[] = {
    "",    "Site.example",    "a..b", ".a", "a.", "-a.example", "a-.b", "a b", "a/b",
    "a:1", "\xc3\xa4.example"};

START_TEST(names_are_dns_names_in_lower_case)
{
    qn_htx_card c;

    origin.name[0] = text(bad_names[_i]);
    qt_assert_err(qn_htx_card_of(&c, &origin), QN_CONFIG);
}
END_TEST

static const char *const bad_paths[] = {"", "news", "/a b", "/a\n", "/\x7f", "/\xc3\xa4"};

START_TEST(paths_go_into_a_request_as_they_are)
{
    qn_htx_card c;

    origin.second[0].path = text(bad_paths[_i]);
    qt_assert_err(qn_htx_card_of(&c, &origin), QN_CONFIG);
}
END_TEST

START_TEST(facts_have_their_ranges)
{
    qn_htx_origin good = origin;
    qn_htx_card c;

    origin.names_n = 0;
    qt_assert_err(qn_htx_card_of(&c, &origin), QN_CONFIG);
    origin = good;
    origin.name[1] = origin.name[0];
    qt_assert_err(qn_htx_card_of(&c, &origin), QN_CONFIG);
    origin = good;
    origin.first_n = 0;
    qt_assert_err(qn_htx_card_of(&c, &origin), QN_CONFIG);
    origin = good;
    origin.second_n = QN_HTX_PAGES_MAX + 1;
    qt_assert_err(qn_htx_card_of(&c, &origin), QN_CONFIG);
    origin = good;
    origin.largest_record = QN_RECORD_CONTENT_MIN - 1;
    qt_assert_err(qn_htx_card_of(&c, &origin), QN_CONFIG);
    origin = good;
    origin.first[0].largest = 0;
    qt_assert_err(qn_htx_card_of(&c, &origin), QN_CONFIG);
}
END_TEST

/* Reading judges by itself what writing refused. */
START_TEST(no_key_is_put_twice_or_out_of_order)
{
    qn_htx_card c = card_with(2), got = {0};
    qn_slice item = put(&c);
    uint8_t *p = (uint8_t *)(uintptr_t)item.p;
    qn_cbor_w w;

    c.key[1].epoch = c.key[0].epoch;
    qn_cbor_w_init(&w, p + item.n, sizeof out - item.n);
    qn_htx_card_put(&w, &c);
    qt_assert_err(w.err, QN_CONFIG);
    /* a1 key array head: the second key's epoch becomes the first's */
    memcpy(p + 3 + 38 + 35, p + 3 + 35, 3);
    qt_assert_err(qn_htx_card_read(&got, item, 3), QN_PROTO);
    ck_assert_uint_eq(got.keys_n, 0);
}
END_TEST

START_TEST(a_key_has_one_epoch)
{
    qn_htx_card c = card_with(1), got;
    qn_slice item = put(&c);
    uint8_t *p = (uint8_t *)(uintptr_t)item.p;

    ck_assert_uint_eq(p[3], 0x82);
    p[3] = 0x83;
    qt_assert_err(qn_htx_card_read(&got, item, 3), QN_PROTO);
    p[3] = 0x81;
    ck_assert_int_ne(qn_htx_card_read(&got, item, 3), QN_OK);
}
END_TEST

START_TEST(no_byte_can_be_changed_unseen_or_harmfully)
{
    qn_htx_card c = card_with(3), got;
    qn_slice item = put(&c);
    uint8_t *p = (uint8_t *)(uintptr_t)item.p, again[sizeof out];

    for (size_t i = 0; i < item.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            p[i] ^= (uint8_t)(1u << bit);
            if (qn_htx_card_read(&got, item, 3) == QN_OK) { /* another card, then: to the byte */
                qn_cbor_w w;

                qn_cbor_w_init(&w, again, sizeof again);
                qn_htx_card_put(&w, &got);
                qt_assert_err(w.err, QN_OK);
                ck_assert_uint_eq(w.n, item.n);
                ck_assert_mem_eq(again, item.p, item.n);
            }
            p[i] ^= (uint8_t)(1u << bit);
        }
    for (size_t n = 0; n < item.n; n++)
        ck_assert_int_ne(qn_htx_card_read(&got, qn_slice_of(item.p, n), 3), QN_OK);
}
END_TEST

/* a8, keys 1 to 7 as they are, then another. */
START_TEST(later_versions_may_add_from_128_on)
{
    qn_htx_card c = card_with(1), got;
    qn_slice item = put(&c);
    uint8_t *p = (uint8_t *)(uintptr_t)item.p;

    p[0]++;
    memcpy(p + item.n, "\x18\x80\xf5", 3);
    qt_assert_err(qn_htx_card_read(&got, qn_slice_of(p, item.n + 3), 3), QN_OK);
    memcpy(p + item.n, "\x18\x7f\xf5", 3);
    qt_assert_err(qn_htx_card_read(&got, qn_slice_of(p, item.n + 3), 3), QN_VERSION);
}
END_TEST

static Suite *card_suite(void)
{
    Suite *s = suite_create("htx/card");
    TCase *tc = tcase_create("card");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, says_what_was_put_on_it);
    tcase_add_test(tc, the_key_is_the_newest_whose_time_has_come);
    tcase_add_test(tc, a_contact_holds_a_year_of_keys_and_a_descriptor_two);
    tcase_add_loop_test(tc, names_are_dns_names_in_lower_case, 0, QN_LEN(bad_names));
    tcase_add_loop_test(tc, paths_go_into_a_request_as_they_are, 0, QN_LEN(bad_paths));
    tcase_add_test(tc, facts_have_their_ranges);
    tcase_add_test(tc, no_key_is_put_twice_or_out_of_order);
    tcase_add_test(tc, a_key_has_one_epoch);
    tcase_add_test(tc, no_byte_can_be_changed_unseen_or_harmfully);
    tcase_add_test(tc, later_versions_may_add_from_128_on);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(card_suite)

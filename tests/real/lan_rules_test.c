/* What strangers in the local network write, and how much of it is listened to. */
#include "io-real/lan_rules.h"

#include "support/qt.h"

#include <stdlib.h>

static const char tag[] = "0123456789abcdef";
static uint8_t descriptor[QN_LAN_DESCRIPTOR_MAX + 1];
static qn_lan_string v[QN_LAN_STRINGS];
static qn_lan_record r;

static void setup(void)
{
    for (size_t i = 0; i < sizeof descriptor; i++)
        descriptor[i] = (uint8_t)(i * 31 >> 3);
    r = (qn_lan_record){0};
}

/* In a block of its own, so that a byte too far is found. */
static bool read_exactly(const void *p, size_t n)
{
    uint8_t *copy = malloc(n > 0 ? n : 1);
    bool ok;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, p, n);
    ok = qn_lan_read(&r, tag, copy, n);
    free(copy);
    return ok;
}

static bool read_all(unsigned n)
{
    r = (qn_lan_record){0};
    for (unsigned i = 0; i < n; i++)
        if (!read_exactly(v[i].b, v[i].len))
            return false;
    return qn_lan_whole(&r);
}

START_TEST(what_is_written_is_read)
{
    static const size_t sizes[] = {1, 252, 253, 254, 506, 600, 1012, QN_LAN_DESCRIPTOR_MAX};
    unsigned n = qn_lan_write(qn_slice_of(descriptor, sizes[_i]), tag, v);

    ck_assert_uint_eq(n, 2 + (sizes[_i] + 252) / 253);
    ck_assert(read_all(n));
    ck_assert_uint_eq(r.n, sizes[_i]);
    ck_assert_mem_eq(r.bytes, descriptor, sizes[_i]);
}
END_TEST

START_TEST(nothing_and_too_much_are_not_written)
{
    ck_assert_uint_eq(qn_lan_write((qn_slice){0}, tag, v), 0);
    ck_assert_uint_eq(qn_lan_write(qn_slice_of(descriptor, sizeof descriptor), tag, v), 0);
}
END_TEST

START_TEST(an_incomplete_announcement_is_none)
{
    unsigned n = qn_lan_write(qn_slice_of(descriptor, 600), tag, v);

    ck_assert_uint_eq(n, 5);
    for (unsigned without = 0; without < 2; without++) {
        qn_lan_string kept = v[without];

        v[without] = (qn_lan_string){.len = 3, .b = "x=1"};
        ck_assert(!read_all(n));
        v[without] = kept;
    }
    ck_assert(!read_all(2));
    ck_assert(!qn_lan_whole(&(qn_lan_record){0}));
}
END_TEST

static const struct {
    const char *text[4];
} hostile[] = {
    {{"v=1", "v=1"}},
    {{"v=2"}},
    {{"v="}},
    {{"v=11"}},
    {{"n=0123456789abcdee"}},
    {{"n=0123456789abcde"}},
    {{"n=0123456789abcdef0"}},
    {{"n=0123456789abcdef", "n=0123456789abcdef"}},
    {{"a="}},
    {{"a=x", "a=x"}},
    {{"c=x", "a=x", "c=x"}},
};

START_TEST(hostile_strings_end_it)
{
    bool ok = true;

    for (unsigned i = 0; i < 4 && hostile[_i].text[i] != NULL; i++) {
        ck_assert_msg(ok, "string %u came too late", i);
        ok = read_exactly(hostile[_i].text[i], strlen(hostile[_i].text[i]));
    }
    ck_assert(!ok);
}
END_TEST

START_TEST(the_order_is_anybodys)
{
    unsigned n = qn_lan_write(qn_slice_of(descriptor, 1000), tag, v);

    ck_assert_uint_eq(n, 6);
    for (unsigned i = n; i-- > 0;)
        ck_assert(read_exactly(v[i].b, v[i].len));
    ck_assert(qn_lan_whole(&r));
    ck_assert_uint_eq(r.n, 1000);
    ck_assert_mem_eq(r.bytes, descriptor, 1000);
}
END_TEST

START_TEST(a_missing_or_short_piece_is_noticed)
{
    unsigned n = qn_lan_write(qn_slice_of(descriptor, 1000), tag, v);

    for (unsigned without = 2; without + 1 < n; without++) {
        qn_lan_string kept = v[without];

        v[without] = (qn_lan_string){.len = 3, .b = "x=1"};
        ck_assert(!read_all(n));
        v[without] = kept;
        v[without].len--;
        ck_assert(!read_all(n));
        v[without] = kept;
    }
    ck_assert(read_all(n));
}
END_TEST

START_TEST(unknown_and_odd_strings_are_passed_over)
{
    ck_assert(read_exactly("", 0));
    ck_assert(read_exactly("v", 1));
    ck_assert(read_exactly("org.freedesktop.Avahi.cookie=1", 30));
    ck_assert(read_exactly("z=1", 3));
    ck_assert(read_exactly("\377=1", 3));
    ck_assert(read_exactly("=", 1));
    ck_assert(!r.version && !r.network && r.n == 0);
}
END_TEST

START_TEST(no_more_is_kept_than_there_is_room_for)
{
    char piece[QN_LAN_STRING] = "a=";
    unsigned n = 0;

    for (; piece[0] <= 'z'; piece[0]++)
        if (piece[0] != 'n' && piece[0] != 'v')
            n += read_exactly(piece, sizeof piece) && r.n == (size_t)(n + 1) * 253;
    ck_assert_uint_eq(n, QN_LAN_DESCRIPTOR_MAX / 253);
    ck_assert_uint_le(r.n, QN_LAN_DESCRIPTOR_MAX);
    ck_assert(!qn_lan_read(&r, tag, descriptor, QN_LAN_STRING + 1));
}
END_TEST

START_TEST(arbitrary_bytes_stay_within_bounds)
{
    uint32_t x = (uint32_t)_i + 1;
    uint8_t b[QN_LAN_STRING];

    for (unsigned round = 0; round < 20000; round++) {
        size_t n;

        for (size_t i = 0; i < sizeof b; i += 5)
            b[i] = (uint8_t)((x = x * UINT32_C(1664525) + UINT32_C(1013904223)) >> 24);
        b[0] = (uint8_t)('a' + b[0] % 26);
        b[1] = '=';
        n = (x >> 8) % (sizeof b + 1);
        if (!read_exactly(b, n) || x >> 27 == 0)
            r = (qn_lan_record){0};
        ck_assert_uint_le(r.n, sizeof r.bytes);
    }
}
END_TEST

START_TEST(only_the_own_network_is_near)
{
    qn_lan_prefix four = {.of = {.family = 4, .ip = {192, 0, 2, 130}},
                          .mask = {255, 255, 255, 128}};
    qn_lan_prefix six = {.of = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8}},
                         .mask = {255, 255, 255, 255}};
    qn_addr in = {.family = 4, .ip = {192, 0, 2, 200}}, out = {.family = 4, .ip = {192, 0, 2, 1}};
    qn_addr in6 = {.family = 6, .ip = {0x20, 1, 0xd, 0xb8, 9}},
            out6 = {.family = 6, .ip = {0x20, 2}};

    ck_assert(qn_lan_near(&four, &in) && !qn_lan_near(&four, &out));
    ck_assert(qn_lan_near(&six, &in6) && !qn_lan_near(&six, &out6));
    ck_assert(!qn_lan_near(&four, &in6) && !qn_lan_near(&six, &in));
    ck_assert(!qn_lan_near(&(qn_lan_prefix){0}, &(qn_addr){0}));
}
END_TEST

START_TEST(a_burst_and_then_one_a_second)
{
    qn_time paid = 0, now = 5 * QN_SEC;
    unsigned n = 0;

    for (unsigned i = 0; i < 1000; i++)
        n += qn_lan_may(&paid, now);
    ck_assert_uint_eq(n, QN_LAN_BURST);
    for (unsigned i = 0; i < 1000; i++)
        n += qn_lan_may(&paid, now + 3 * QN_LAN_EVERY);
    ck_assert_uint_eq(n, QN_LAN_BURST + 3);
}
END_TEST

START_TEST(the_discovery_page_shows_an_announcement)
{
    qn_slice want = qt_doc_hex("discovery.md", "announcement");
    qn_slice page = qt_doc_hex("directory.md", "descriptor");
    char of_page[QN_LAN_TAG + 1];
    uint8_t out[512];
    size_t at = 0;
    unsigned n;

    qn_lan_tag(qt_doc_hex("network.md", "network-id").p, of_page);
    n = qn_lan_write(page, of_page, v);
    ck_assert_uint_eq(n, 3);
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_le(at + 1 + v[i].len, sizeof out);
        out[at++] = v[i].len;
        memcpy(out + at, v[i].b, v[i].len);
        at += v[i].len;
    }
    qt_assert_bytes(out, at, want);
}
END_TEST

START_TEST(the_tag_is_of_the_network)
{
    uint8_t id[32] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff};
    char out[QN_LAN_TAG + 1];

    qn_lan_tag(id, out);
    ck_assert_str_eq(out, tag);
}
END_TEST

static Suite *lan_suite(void)
{
    Suite *s = suite_create("real/lan_rules");
    TCase *tc = tcase_create("rules");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, what_is_written_is_read, 0, 8);
    tcase_add_test(tc, nothing_and_too_much_are_not_written);
    tcase_add_test(tc, an_incomplete_announcement_is_none);
    tcase_add_loop_test(tc, hostile_strings_end_it, 0, sizeof hostile / sizeof hostile[0]);
    tcase_add_test(tc, the_order_is_anybodys);
    tcase_add_test(tc, a_missing_or_short_piece_is_noticed);
    tcase_add_test(tc, unknown_and_odd_strings_are_passed_over);
    tcase_add_test(tc, no_more_is_kept_than_there_is_room_for);
    tcase_add_loop_test(tc, arbitrary_bytes_stay_within_bounds, 0, 4);
    tcase_add_test(tc, only_the_own_network_is_near);
    tcase_add_test(tc, a_burst_and_then_one_a_second);
    tcase_add_test(tc, the_discovery_page_shows_an_announcement);
    tcase_add_test(tc, the_tag_is_of_the_network);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(lan_suite)

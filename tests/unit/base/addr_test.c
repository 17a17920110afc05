/* Addresses as people write them and destinations as SOCKS carries them. */
#include "support/qt.h"

#include "base/addr.h"

/* ---- text ------------------------------------------------------------------------------------ */

static const struct {
    const char *text, *ip, *again; /* again: what it is printed as, NULL when the same */
    uint16_t port;
} good[] = {
    {"127.0.0.1:80", "7f000001", NULL, 80},
    {"0.0.0.0:1", "00000000", NULL, 1},
    {"255.255.255.255:65535", "ffffffff", NULL, 65535},
    {"[::]:9", "00000000000000000000000000000000", NULL, 9},
    {"[::1]:9", "00000000000000000000000000000001", NULL, 9},
    {"[1::]:9", "00010000000000000000000000000000", NULL, 9},
    {"[2001:db8::1]:443", "20010db8000000000000000000000001", NULL, 443},
    {"[2001:DB8:0:0:0:0:0:1]:443", "20010db8000000000000000000000001", "[2001:db8::1]:443", 443},
    /* RFC 5952 4.2: one group is not shortened, the longest run is, the first of equals is */
    {"[2001:db8:0:1:1:1:1:1]:9", "20010db8000000010001000100010001", NULL, 9},
    {"[2001:0:0:1:0:0:0:1]:9", "20010000000000010000000000000001", "[2001:0:0:1::1]:9", 9},
    {"[2001:db8:0:0:1:0:0:1]:9", "20010db8000000000001000000000001", "[2001:db8::1:0:0:1]:9", 9},
    {"[1:2:3:4:5:6:7::]:9", "00010002000300040005000600070000", "[1:2:3:4:5:6:7:0]:9", 9},
    {"[::2:3:4:5:6:7:8]:9", "00000002000300040005000600070008", "[0:2:3:4:5:6:7:8]:9", 9},
    {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", "ffffffffffffffffffffffffffffffff", NULL,
     65535},
    {"[0001:02:003:4::]:9", "00010002000300040000000000000000", "[1:2:3:4::]:9", 9},
};

START_TEST(reads_and_prints_addresses)
{
    qn_slice ip = qt_hex(good[_i].ip);
    char text[QN_ADDR_TEXT];
    qn_addr a, b;

    qt_assert_err(qn_addr_parse(&a, good[_i].text), QN_OK);
    ck_assert_uint_eq(a.family, ip.n == 4 ? 4 : 6);
    ck_assert_mem_eq(a.ip, ip.p, ip.n);
    ck_assert_uint_eq(a.port, good[_i].port);
    qn_addr_text(&a, text);
    ck_assert_str_eq(text, good[_i].again != NULL ? good[_i].again : good[_i].text);
    qt_assert_err(qn_addr_parse(&b, text), QN_OK);
    ck_assert(qn_addr_equal(&a, &b));
}
END_TEST

static const char *const bad[] = {
    "",
    ":",
    "1",
    "1.2.3.4",
    "1.2.3.4:",
    "1.2.3.4:0",
    "1.2.3.4:65536",
    "1.2.3.4:80 ",
    " 1.2.3.4:80",
    "1.2.3:80",
    "1.2.3.4.5:80",
    "1.2.3.256:80",
    "1.2.3.-4:80",
    "1.2.3.04:80",
    "1.2.3.4:080",
    "1.2.3.4:+80",
    "0x7f.0.0.1:80",
    "127.1:80",
    "2130706433:80",
    "1..2.3:80",
    ".1.2.3:80",
    "1.2.3.4:99999999999999999999",
    "localhost:80",
    "::1:80",
    "[::1]",
    "[::1]80",
    "[::1]:",
    "[]:80",
    "[:]:80",
    "[:::]:80",
    "[1]:80",
    "[1:2:3:4:5:6:7]:80",
    "[1:2:3:4:5:6:7:8:9]:80",
    "[1:2:3:4:5:6:7:8::]:80",
    "[::1:2:3:4:5:6:7:8]:80",
    "[1::2::3]:80",
    "[12345::]:80",
    "[g::]:80",
    "[1:]:80",
    "[:1]:80",
    "[::1%eth0]:80",
    "[::1.2.3.4]:80",
    "[::1:80",
    "[1:2:3:4:5:6:7:]:80",
};

START_TEST(refuses_what_is_not_an_address)
{
    qn_addr a = {.family = 4, .port = 7}, before = a;

    ck_assert_msg(qn_addr_parse(&a, bad[_i]) == QN_PROTO, "accepted: %s", bad[_i]);
    ck_assert_mem_eq(&a, &before, sizeof a);
}
END_TEST

START_TEST(equal_means_family_address_and_port)
{
    qn_addr a = {.family = 4, .ip = {1, 2, 3, 4}, .port = 5}, b = a;

    b.ip[9] = 1; /* behind the four bytes of IPv4 */
    ck_assert(qn_addr_equal(&a, &b));
    a.family = b.family = 6;
    ck_assert(!qn_addr_equal(&a, &b));
    b = a;
    b.port++;
    ck_assert(!qn_addr_equal(&a, &b));
    b = a;
    b.family = 4;
    ck_assert(!qn_addr_equal(&a, &b));
}
END_TEST

/* ---- wire ------------------------------------------------------------------------------------ */

static const struct {
    const char *wire, *text;
} dests[] = {
    {"01 7f000001 0050", "127.0.0.1:80"},
    {"04 20010db8000000000000000000000001 01bb", "[2001:db8::1]:443"},
    {"03 0b 6578616d706c652e636f6d 01bb", "example.com:443"},
    {"03 01 61 0000", "a:0"},
};

START_TEST(destinations_come_back_and_wait_for_their_last_byte)
{
    qn_slice wire = qt_hex(dests[_i].wire);
    uint8_t out[QN_DEST_WIRE_MAX], more[QN_DEST_WIRE_MAX + 1] = {0};
    char text[QN_DEST_TEXT];
    size_t used = 99;
    qn_dest d;

    for (size_t n = 0; n < wire.n; n++)
        qt_assert_err(qn_dest_get(&d, wire.p, n, &used), QN_SHORT);
    ck_assert_uint_eq(used, 99);
    memcpy(more, wire.p, wire.n);
    qt_assert_err(qn_dest_get(&d, more, wire.n + 1, &used), QN_OK); /* what follows is not ours */
    ck_assert_uint_eq(used, wire.n);
    qt_assert_bytes(out, qn_dest_put(&d, out), wire);
    qn_dest_text(&d, text);
    ck_assert_str_eq(text, dests[_i].text);
}
END_TEST

START_TEST(the_longest_name_fits_everywhere)
{
    uint8_t wire[QN_DEST_WIRE_MAX], out[QN_DEST_WIRE_MAX];
    char text[QN_DEST_TEXT];
    size_t used;
    qn_dest d;

    memset(wire, 'x', sizeof wire);
    wire[0] = 3;
    wire[1] = 255;
    qn_put16(wire + 257, 65535);
    qt_assert_err(qn_dest_get(&d, wire, sizeof wire, &used), QN_OK);
    qt_assert_bytes(out, qn_dest_put(&d, out), qn_slice_of(wire, sizeof wire));
    qn_dest_text(&d, text);
    ck_assert_uint_eq(strlen(text), 255 + 6);
}
END_TEST

static const char *const bad_dests[] = {
    "00",
    "02",
    "05",
    "ff",
    "03 00 0050",        /* no name */
    "03 03 610062 0050", /* NUL */
    "03 03 612062 0050", /* space */
    "03 03 610a62 0050", /* line break, that would forge a log line */
    "03 03 617f62 0050", /* DEL */
};

START_TEST(refuses_what_is_not_a_destination)
{
    qn_slice wire = qt_hex(bad_dests[_i]);
    size_t used = 99;
    qn_dest d = {.type = 1, .port = 7}, before = d;

    qt_assert_err(qn_dest_get(&d, wire.p, wire.n, &used), QN_PROTO);
    ck_assert_uint_eq(used, 99);
    ck_assert_mem_eq(&d, &before, sizeof d);
}
END_TEST

static Suite *addr_suite(void)
{
    Suite *s = suite_create("base/addr");
    TCase *tc = tcase_create("addr");

    tcase_add_loop_test(tc, reads_and_prints_addresses, 0, (int)QN_LEN(good));
    tcase_add_loop_test(tc, refuses_what_is_not_an_address, 0, (int)QN_LEN(bad));
    tcase_add_test(tc, equal_means_family_address_and_port);
    tcase_add_loop_test(tc, destinations_come_back_and_wait_for_their_last_byte, 0,
                        (int)QN_LEN(dests));
    tcase_add_test(tc, the_longest_name_fits_everywhere);
    tcase_add_loop_test(tc, refuses_what_is_not_a_destination, 0, (int)QN_LEN(bad_dests));
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(addr_suite)

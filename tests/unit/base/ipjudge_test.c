/* What counts as a global address, held against every row of IANA's own tables. */
#include "support/qt.h"

#include "base/ipjudge.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the registries as published ------------------------------------------------------------- */

typedef struct row {
    uint8_t family, bits;
    uint8_t ip[16];
    char name[64];
    bool global;
} row;

static row rows[128];
static unsigned rows_n;

/* The next CSV cell; quotes may hold commas, line breaks and doubled quotes (RFC 4180). *last says
 * that the line ended with it. NULL at the end of the file. */
static const char *cell(const char *p, char *out, size_t cap, bool *last)
{
    bool quoted = *p == '"';
    size_t n = 0;

    if (*p == '\0')
        return NULL;
    for (p += quoted; *p != '\0'; p++) {
        if (quoted && p[0] == '"' && p[1] == '"')
            p++;
        else if (quoted && *p == '"') {
            quoted = false;
            continue;
        } else if (!quoted && (*p == ',' || *p == '\n'))
            break;
        if (n + 1 < cap && *p != '\r')
            out[n++] = *p;
    }
    out[n] = '\0';
    *last = *p != ',';
    return *p == '\0' ? p : p + 1;
}

static void add_row(uint8_t family, const char *block, const char *name, bool global)
{
    row *r = &rows[rows_n++];
    char ip[64];
    unsigned bits;

    ck_assert_uint_lt(rows_n, 128);
    *r = (row){.family = family, .global = global};
    ck_assert_int_eq(sscanf(block, "%63[^/]/%u", ip, &bits), 2);
    ck_assert_int_eq(inet_pton(family == 4 ? AF_INET : AF_INET6, ip, r->ip), 1);
    r->bits = (uint8_t)bits;
    (void)snprintf(r->name, sizeof r->name, "%.63s", name);
}

static void read_registry(uint8_t family, const char *file)
{
    enum { BLOCK, NAME, REACHABLE = 8, CELLS = 10 };
    const char *p = (const char *)qt_vector_file(file).p;
    bool header = true;

    while (*p != '\0') {
        char v[CELLS][256];
        unsigned n = 0;

        for (bool last = false; !last; n++) {
            ck_assert_uint_lt(n, CELLS);
            p = cell(p, v[n], sizeof v[n], &last);
            ck_assert_ptr_nonnull(p);
        }
        ck_assert_uint_eq(n, CELLS);
        for (char *block = v[BLOCK]; !header && block != NULL;) {
            char *next = strstr(block, ", ");

            add_row(family, block, v[NAME], strncmp(v[REACHABLE], "True", 4) == 0);
            block = next != NULL ? next + 2 : NULL;
        }
        header = false;
    }
}

static void setup(void)
{
    rows_n = 0;
    read_registry(4, "ssrf-url/iana-ipv4-special-registry-1.csv");
    read_registry(6, "ssrf-url/iana-ipv6-special-registry-1.csv");
    ck_assert_uint_eq(rows_n, 26 + 25);
}

/* ---- what the registries say, worked out another way ----------------------------------------- */

static bool bit(const uint8_t *ip, unsigned i)
{
    return ip[i / 8] >> (7 - i % 8) & 1;
}

static const row *best_row(uint8_t family, const uint8_t *ip)
{
    const row *best = NULL;

    for (unsigned i = 0; i < rows_n; i++) {
        unsigned same = 0;

        while (rows[i].family == family && same < rows[i].bits &&
               bit(ip, same) == bit(rows[i].ip, same))
            same++;
        if (rows[i].family == family && same == rows[i].bits &&
            (best == NULL || rows[i].bits >= best->bits))
            best = &rows[i];
    }
    return best;
}

static bool expect4(const uint8_t *ip)
{
    const row *r = best_row(4, ip);

    if (ip[0] >= 224)
        return false;
    return r == NULL || r->global;
}

static bool expect6(const uint8_t *ip)
{
    const row *r = best_row(6, ip);
    uint8_t client[4];

    if (r == NULL)
        return ip[0] >> 5 == 1;
    if (strcmp(r->name, "IPv4-mapped Address") == 0 ||
        (strcmp(r->name, "IPv4-IPv6 Translat.") == 0 && r->bits == 96))
        return expect4(ip + 12);
    if (strcmp(r->name, "6to4") == 0)
        return expect4(ip + 2);
    if (strcmp(r->name, "TEREDO") == 0) {
        for (unsigned i = 0; i < 4; i++)
            client[i] = (uint8_t)~ip[12 + i];
        return expect4(ip + 4) && expect4(client);
    }
    return r->global;
}

static void ask(uint8_t family, const uint8_t *ip)
{
    qn_addr a = {.family = family, .port = 443};
    char text[QN_ADDR_TEXT];
    bool want = family == 4 ? expect4(ip) : expect6(ip);

    memcpy(a.ip, ip, family == 4 ? 4 : 16);
    qn_addr_text(&a, text);
    ck_assert_msg(qn_ip_global(&a) == want, "%s should be %sglobal", text, want ? "" : "not ");
}

/* ip + 1 or ip - 1 as one big number. */
static void add(uint8_t *ip, unsigned n, int by)
{
    int carry = by;

    for (unsigned i = n; i-- > 0 && carry != 0;) {
        int v = ip[i] + carry;

        ip[i] = (uint8_t)v;
        carry = v < 0 ? -1 : v > 255 ? 1 : 0;
    }
}

/* 0 first, 1 middle, 2 last, 3 just before, 4 just behind. */
static void point_of(const row *r, unsigned which, uint8_t ip[16])
{
    unsigned all = r->family == 4 ? 32 : 128;

    memcpy(ip, r->ip, 16);
    for (unsigned i = r->bits; i < all; i++)
        if (which == 2 || which == 4 || (which == 1 && i % 2 == 0))
            ip[i / 8] |= (uint8_t)(0x80 >> i % 8);
    if (which >= 3)
        add(ip, all / 8, which == 3 ? -1 : 1);
}

START_TEST(agrees_with_every_registry_row_at_its_edges_and_just_outside)
{
    const row *r = &rows[_i / 5];
    uint8_t ip[16];

    point_of(r, (unsigned)_i % 5, ip);
    ask(r->family, ip);
}
END_TEST

START_TEST(judges_embedded_ipv4_addresses_by_the_address_inside)
{
    const row *r = &rows[_i / 5];
    uint8_t v4[16], mapped[16] = {[10] = 0xff, 0xff}, nat64[16] = {0, 0x64, 0xff, 0x9b};
    uint8_t sixtofour[16] = {0x20, 0x02}, server[16] = {0x20, 0x01}, client[16] = {0x20, 0x01};

    if (r->family != 4)
        return;
    point_of(r, (unsigned)_i % 5, v4);
    memcpy(mapped + 12, v4, 4);
    memcpy(nat64 + 12, v4, 4);
    memcpy(sixtofour + 2, v4, 4);
    memcpy(server + 4, v4, 4);
    memset(server + 12, (uint8_t)~8, 4); /* the client is 8.8.8.8 */
    memset(client + 4, 8, 4);            /* the server is */
    for (unsigned i = 0; i < 4; i++)
        client[12 + i] = (uint8_t)~v4[i];
    ask(6, mapped);
    ask(6, nat64);
    ask(6, sixtofour);
    ask(6, server);
    ask(6, client);
}
END_TEST

static const struct {
    const char *text;
    bool global;
} known[] = {
    {"8.8.8.8:1", true},
    {"127.0.0.1:1", false},
    {"127.0.0.2:1", false},
    {"169.254.169.254:1", false},
    {"100.100.100.200:1", false},
    {"224.0.0.1:1", false},
    {"239.255.255.255:1", false},
    {"223.255.255.255:1", true},
    {"[::]:1", false},
    {"[::1]:1", false},
    {"[::808:808]:1", false},
    {"[::ffff:808:808]:1", true},
    {"[::ffff:7f00:1]:1", false},
    {"[::ffff:a9fe:a9fe]:1", false},
    {"[64:ff9b::808:808]:1", true},
    {"[64:ff9b::a00:1]:1", false},
    {"[64:ff9b:1::808:808]:1", false},
    {"[2002:808:808::1]:1", true},
    {"[2002:c0a8:101::1]:1", false},
    {"[2001:0:808:808::f7f7:f7f7]:1", true},
    {"[2001:0:808:808::80ff:fffe]:1", false},
    {"[2001:0:7f00:1::f7f7:f7f7]:1", false},
    {"[2606:4700::1111]:1", true},
    {"[fe80::1]:1", false},
    {"[fec0::1]:1", false},
    {"[fd00::1]:1", false},
    {"[ff02::1]:1", false},
    {"[4000::1]:1", false},
    {"[1fff:ffff::1]:1", false},
    {"[3ffe:ffff::1]:1", true},
};

START_TEST(knows_well_known_addresses)
{
    qn_addr a;

    qt_assert_err(qn_addr_parse(&a, known[_i].text), QN_OK);
    ck_assert_msg(qn_ip_global(&a) == known[_i].global, "%s", known[_i].text);
}
END_TEST

START_TEST(no_address_is_not_global)
{
    qn_addr a = {.family = 0, .port = 80};

    ck_assert(!qn_ip_global(&a));
}
END_TEST

START_TEST(mapped_and_nat64_forms_become_the_ipv4_endpoint)
{
    static const char *const same[][2] = {
        {"[::ffff:102:304]:80", "1.2.3.4:80"}, {"[64:ff9b::102:304]:80", "1.2.3.4:80"},
        {"1.2.3.4:80", "1.2.3.4:80"},          {"[2002:102:304::]:80", "[2002:102:304::]:80"},
        {"[::102:304]:80", "[::102:304]:80"},
    };
    qn_addr from, to, plain;

    qt_assert_err(qn_addr_parse(&from, same[_i][0]), QN_OK);
    qt_assert_err(qn_addr_parse(&to, same[_i][1]), QN_OK);
    plain = qn_ip_plain(&from);
    ck_assert(qn_addr_equal(&plain, &to));
}
END_TEST

START_TEST(prefixes_hold_exactly_their_addresses)
{
    qn_addr net, in, out, v6;

    qt_assert_err(qn_addr_parse(&net, "10.32.0.0:1"), QN_OK);
    qt_assert_err(qn_addr_parse(&in, "10.47.255.255:2"), QN_OK);
    qt_assert_err(qn_addr_parse(&out, "10.48.0.0:1"), QN_OK);
    qt_assert_err(qn_addr_parse(&v6, "[a20::]:1"), QN_OK);
    ck_assert(qn_ip_within(&in, &net, 12));
    ck_assert(!qn_ip_within(&out, &net, 12));
    ck_assert(qn_ip_within(&net, &net, 32));
    ck_assert(!qn_ip_within(&in, &net, 32));
    ck_assert(qn_ip_within(&out, &net, 0));
    ck_assert(!qn_ip_within(&v6, &net, 0));
    ck_assert(!qn_ip_within(&net, &net, 33));
}
END_TEST

static Suite *ipjudge_suite(void)
{
    Suite *s = suite_create("base/ipjudge");
    TCase *tc = tcase_create("ipjudge");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, agrees_with_every_registry_row_at_its_edges_and_just_outside, 0,
                        51 * 5);
    tcase_add_loop_test(tc, judges_embedded_ipv4_addresses_by_the_address_inside, 0, 51 * 5);
    tcase_add_loop_test(tc, knows_well_known_addresses, 0, QN_LEN(known));
    tcase_add_test(tc, no_address_is_not_global);
    tcase_add_loop_test(tc, mapped_and_nat64_forms_become_the_ipv4_endpoint, 0, 5);
    tcase_add_test(tc, prefixes_hold_exactly_their_addresses);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(ipjudge_suite)

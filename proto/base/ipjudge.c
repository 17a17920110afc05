/*
 * The tables are IANA's special-purpose registries, row for row (tests/vectors/ssrf-url has the
 * CSV files, and a test asks this code about every row's edges). Rows whose answer is what would
 * be said without them are kept: a reader can hold table against registry.
 */
#include "base/ipjudge.h"

#include "base/bytes.h"

typedef struct row4 {
    uint32_t prefix;
    uint8_t bits;
    bool global;
} row4;

static const row4 rows4[] = {
    {0x00000000, 8, false},  /* 0.0.0.0/8 this network, RFC 791 */
    {0x00000000, 32, false}, /* 0.0.0.0/32 this host, RFC 1122 */
    {0x0a000000, 8, false},  /* 10.0.0.0/8 private use, RFC 1918 */
    {0x64400000, 10, false}, /* 100.64.0.0/10 shared address space, RFC 6598 */
    {0x7f000000, 8, false},  /* 127.0.0.0/8 loopback, RFC 1122 */
    {0xa9fe0000, 16, false}, /* 169.254.0.0/16 link local, RFC 3927; cloud metadata lives here */
    {0xac100000, 12, false}, /* 172.16.0.0/12 private use, RFC 1918 */
    {0xc0000000, 24, false}, /* 192.0.0.0/24 IETF protocol assignments, RFC 6890 */
    {0xc0000000, 29, false}, /* 192.0.0.0/29 service continuity, RFC 7335 */
    {0xc0000008, 32, false}, /* 192.0.0.8/32 dummy address, RFC 7600 */
    {0xc0000009, 32, true},  /* 192.0.0.9/32 PCP anycast, RFC 7723 */
    {0xc000000a, 32, true},  /* 192.0.0.10/32 TURN anycast, RFC 8155 */
    {0xc00000aa, 32, false}, /* 192.0.0.170/32 NAT64 discovery, RFC 8880 */
    {0xc00000ab, 32, false}, /* 192.0.0.171/32 the same */
    {0xc0000200, 24, false}, /* 192.0.2.0/24 documentation, RFC 5737 */
    {0xc01fc400, 24, true},  /* 192.31.196.0/24 AS112, RFC 7535 */
    {0xc034c100, 24, true},  /* 192.52.193.0/24 AMT, RFC 7450 */
    {0xc0586300, 24, false}, /* 192.88.99.0/24 former 6to4 relays, RFC 7526 */
    {0xc0586302, 32, false}, /* 192.88.99.2/32 6a44 relay, RFC 6751 */
    {0xc0a80000, 16, false}, /* 192.168.0.0/16 private use, RFC 1918 */
    {0xc0af3000, 24, true},  /* 192.175.48.0/24 AS112, RFC 7534 */
    {0xc6120000, 15, false}, /* 198.18.0.0/15 benchmarking, RFC 2544 */
    {0xc6336400, 24, false}, /* 198.51.100.0/24 documentation, RFC 5737 */
    {0xcb007100, 24, false}, /* 203.0.113.0/24 documentation, RFC 5737 */
    {0xe0000000, 4, false},  /* 224.0.0.0/4 multicast, RFC 5771 (not in the registry) */
    {0xf0000000, 4, false},  /* 240.0.0.0/4 reserved, RFC 1112 */
    {0xffffffff, 32, false}, /* 255.255.255.255/32 limited broadcast, RFC 919 */
};

/* What a row of the IPv6 table says about an address inside it. */
typedef enum verdict { NO, YES, INNER_MAPPED, INNER_6TO4, INNER_TEREDO } verdict;

typedef struct row6 {
    uint8_t prefix[16];
    uint8_t bits;
    verdict verdict;
} row6;

static const row6 rows6[] = {
    {{[15] = 1}, 128, NO},                        /* ::1 loopback, RFC 4291 */
    {{0}, 128, NO},                               /* :: unspecified, RFC 4291 */
    {{[10] = 0xff, 0xff}, 96, INNER_MAPPED},      /* ::ffff:0:0/96 mapped, RFC 4291 */
    {{0, 0x64, 0xff, 0x9b}, 96, INNER_MAPPED},    /* 64:ff9b::/96 NAT64, RFC 6052 */
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, NO},        /* 64:ff9b:1::/48 local NAT64, RFC 8215 */
    {{1}, 64, NO},                                /* 100::/64 discard only, RFC 6666 */
    {{1, [7] = 1}, 64, NO},                       /* 100:0:0:1::/64 dummy, RFC 9780 */
    {{0x20, 0x01}, 23, NO},                       /* 2001::/23 IETF assignments, RFC 2928 */
    {{0x20, 0x01}, 32, INNER_TEREDO},             /* 2001::/32 Teredo, RFC 4380 */
    {{0x20, 0x01, 0, 1, [15] = 1}, 128, YES},     /* 2001:1::1 PCP anycast, RFC 7723 */
    {{0x20, 0x01, 0, 1, [15] = 2}, 128, YES},     /* 2001:1::2 TURN anycast, RFC 8155 */
    {{0x20, 0x01, 0, 1, [15] = 3}, 128, YES},     /* 2001:1::3 DNS-SD anycast, RFC 9665 */
    {{0x20, 0x01, 0, 2}, 48, NO},                 /* 2001:2::/48 benchmarking, RFC 5180 */
    {{0x20, 0x01, 0, 3}, 32, YES},                /* 2001:3::/32 AMT, RFC 7450 */
    {{0x20, 0x01, 0, 4, 0x01, 0x12}, 48, YES},    /* 2001:4:112::/48 AS112, RFC 7535 */
    {{0x20, 0x01, 0, 0x10}, 28, NO},              /* 2001:10::/28 former ORCHID, RFC 4843 */
    {{0x20, 0x01, 0, 0x20}, 28, YES},             /* 2001:20::/28 ORCHIDv2, RFC 7343 */
    {{0x20, 0x01, 0, 0x30}, 28, YES},             /* 2001:30::/28 drone ids, RFC 9374 */
    {{0x20, 0x01, 0x0d, 0xb8}, 32, NO},           /* 2001:db8::/32 documentation, RFC 3849 */
    {{0x20, 0x02}, 16, INNER_6TO4},               /* 2002::/16 6to4, RFC 3056 */
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0}, 48, YES}, /* 2620:4f:8000::/48 AS112, RFC 7534 */
    {{0x3f, 0xff}, 20, NO},                       /* 3fff::/20 documentation, RFC 9637 */
    {{0x5f, 0x00}, 16, NO},                       /* 5f00::/16 SRv6, RFC 9602 */
    {{0xfc}, 7, NO},                              /* fc00::/7 unique local, RFC 4193 */
    {{0xfe, 0x80}, 10, NO},                       /* fe80::/10 link local, RFC 4291 */
    {{0x20}, 3, YES},                             /* 2000::/3 global unicast, RFC 4291 2.4 */
};

static bool bits_agree(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);

    return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static bool global4(const uint8_t ip[4])
{
    const row4 *best = NULL;

    for (size_t i = 0; i < QN_LEN(rows4); i++) {
        uint8_t prefix[4];

        qn_put32(prefix, rows4[i].prefix);
        if (bits_agree(ip, prefix, rows4[i].bits) && (best == NULL || rows4[i].bits > best->bits))
            best = &rows4[i];
    }
    return best == NULL || best->global;
}

/* The client's IPv4 address is stored inverted behind the server's, flags and port (RFC 4380 4). */
static bool global_teredo(const uint8_t ip[16])
{
    uint8_t client[4];

    for (unsigned i = 0; i < 4; i++)
        client[i] = ip[12 + i] ^ 0xff;
    return global4(ip + 4) && global4(client);
}

static verdict verdict6(const uint8_t ip[16])
{
    const row6 *best = NULL;

    for (size_t i = 0; i < QN_LEN(rows6); i++)
        if (bits_agree(ip, rows6[i].prefix, rows6[i].bits) &&
            (best == NULL || rows6[i].bits > best->bits))
            best = &rows6[i];
    return best == NULL ? NO : best->verdict;
}

static bool global6(const uint8_t ip[16])
{
    switch (verdict6(ip)) {
    case YES:
        return true;
    case INNER_MAPPED:
        return global4(ip + 12);
    case INNER_6TO4:
        return global4(ip + 2);
    case INNER_TEREDO:
        return global_teredo(ip);
    case NO:
    default:
        return false;
    }
}

bool qn_ip_global(const qn_addr *a)
{
    if (a->family == 4)
        return global4(a->ip);
    return a->family == 6 && global6(a->ip);
}

bool qn_ip_carries_v4(const qn_addr *a)
{
    verdict v = a->family == 6 ? verdict6(a->ip) : NO;

    return v == INNER_MAPPED || v == INNER_6TO4 || v == INNER_TEREDO;
}

qn_addr qn_ip_plain(const qn_addr *a)
{
    qn_addr v4 = {.family = 4, .port = a->port};
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

    if (a->family != 6 || (memcmp(a->ip, mapped, 12) != 0 && memcmp(a->ip, nat64, 12) != 0))
        return *a;
    memcpy(v4.ip, a->ip + 12, 4);
    return v4;
}

bool qn_ip_within(const qn_addr *a, const qn_addr *prefix, unsigned bits)
{
    unsigned all = prefix->family == 4 ? 32 : 128;

    return a->family == prefix->family && bits <= all && bits_agree(a->ip, prefix->ip, bits);
}

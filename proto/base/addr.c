#include "base/addr.h"

#include <stdio.h>

enum { V4 = 1, NAME = 3, V6 = 4 };

size_t qn_dest_put(const qn_dest *d, uint8_t *out)
{
    size_t n = 1;

    out[0] = d->type;
    if (d->type == NAME) {
        out[n++] = d->name_len;
        memcpy(out + n, d->name, d->name_len);
        n += d->name_len;
    } else {
        size_t ip = d->type == V4 ? 4 : 16;

        memcpy(out + n, d->ip, ip);
        n += ip;
    }
    qn_put16(out + n, d->port);
    return n + 2;
}

static bool name_ok(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] <= ' ' || p[i] == 0x7f)
            return false;
    return n > 0;
}

qn_err qn_dest_get(qn_dest *d, const uint8_t *p, size_t n, size_t *used)
{
    qn_dest got = {0};
    size_t head = 1, body;

    if (n < 1)
        return QN_SHORT;
    got.type = p[0];
    switch (got.type) {
    case V4:
        body = 4;
        break;
    case V6:
        body = 16;
        break;
    case NAME:
        if (n < 2)
            return QN_SHORT;
        head = 2;
        body = p[1];
        break;
    default:
        return QN_PROTO;
    }
    if (n < head + body + 2)
        return QN_SHORT;
    if (got.type == NAME) {
        if (!name_ok(p + head, body))
            return QN_PROTO;
        memcpy(got.name, p + head, body);
        got.name_len = (uint8_t)body;
    } else {
        memcpy(got.ip, p + head, body);
    }
    got.port = qn_get16(p + head + body);
    *d = got;
    *used = head + body + 2;
    return QN_OK;
}

bool qn_addr_equal(const qn_addr *a, const qn_addr *b)
{
    return a->family == b->family && a->port == b->port &&
           memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

/* The longest run of zero groups, at least two long (RFC 5952 4.2); *len = 0 when there is none. */
static unsigned zero_run(const uint8_t ip[16], unsigned *len)
{
    unsigned best = 0;

    *len = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;

        while (i + n < 8 && ip[2 * (i + n)] == 0 && ip[2 * (i + n) + 1] == 0)
            n++;
        if (n > *len && n > 1) {
            best = i;
            *len = n;
        }
    }
    return best;
}

static int v6_text(const uint8_t ip[16], char *out, size_t cap)
{
    unsigned run, at = zero_run(ip, &run);
    int n = 0;

    for (unsigned i = 0; i < 8; i++) {
        if (run > 0 && i == at) {
            n += snprintf(out + n, cap - (size_t)n, "::");
            i += run - 1;
            continue;
        }
        if (i > 0 && !(run > 0 && i == at + run))
            n += snprintf(out + n, cap - (size_t)n, ":");
        n += snprintf(out + n, cap - (size_t)n, "%x", qn_get16(ip + 2 * i));
    }
    return n;
}

static void ip_text(uint8_t family, const uint8_t *ip, uint16_t port, char *out, size_t cap)
{
    if (family == 4) {
        (void)snprintf(out, cap, "%u.%u.%u.%u:%u", ip[0], ip[1], ip[2], ip[3], port);
    } else if (family == 6) {
        char v6[48];

        (void)v6_text(ip, v6, sizeof v6);
        (void)snprintf(out, cap, "[%s]:%u", v6, port);
    } else {
        (void)snprintf(out, cap, "none");
    }
}

void qn_addr_text(const qn_addr *a, char out[QN_ADDR_TEXT])
{
    ip_text(a->family, a->ip, a->port, out, QN_ADDR_TEXT);
}

void qn_dest_text(const qn_dest *d, char out[QN_DEST_TEXT])
{
    if (d->type == NAME)
        (void)snprintf(out, QN_DEST_TEXT, "%.255s:%u", d->name, d->port);
    else
        ip_text(d->type == V4 ? 4 : 6, d->ip, d->port, out, QN_DEST_TEXT);
}

/* Decimal without sign or leading zeros, at most max; returns the character after it or NULL. */
static const char *decimal(const char *p, uint32_t max, uint32_t *out)
{
    uint32_t v = 0;

    if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
        return NULL;
    for (; *p >= '0' && *p <= '9'; p++) {
        v = v * 10 + (uint32_t)(*p - '0');
        if (v > max)
            return NULL;
    }
    *out = v;
    return p;
}

static const char *parse_v4(uint8_t ip[4], const char *p)
{
    for (unsigned i = 0; i < 4 && p != NULL; i++) {
        uint32_t v = 0;

        if (i > 0 && *p++ != '.')
            return NULL;
        p = decimal(p, 255, &v);
        ip[i] = (uint8_t)v;
    }
    return p;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 4291 2.2 forms 1 and 2 (no embedded dotted quad); returns the character after it. */
static const char *parse_v6(uint8_t ip[16], const char *p)
{
    enum { NO_GAP = 9 };
    uint16_t group[8] = {0};
    unsigned n = 0, gap = NO_GAP; /* "::" stands behind so many groups */

    if (p[0] == ':' && p[1] == ':') {
        gap = 0;
        p += 2;
    }
    while (hex_value(*p) >= 0) {
        unsigned v = 0, digits = 0;

        for (; hex_value(*p) >= 0; p++, digits++)
            v = v << 4 | (unsigned)hex_value(*p);
        if (digits > 4 || n == 8)
            return NULL;
        group[n++] = (uint16_t)v;
        if (p[0] == ':' && p[1] == ':' && gap == NO_GAP) {
            gap = n;
            p += 2;
        } else if (p[0] == ':' && hex_value(p[1]) >= 0) {
            p++;
        } else {
            break;
        }
    }
    if (gap == NO_GAP ? n != 8 : n > 7)
        return NULL;
    for (unsigned i = 0; i < n; i++)
        qn_put16(ip + 2 * (i < gap ? i : 8 - n + i), group[i]);
    return p;
}

qn_err qn_addr_parse(qn_addr *a, const char *text)
{
    qn_addr got = {0};
    uint32_t port = 0;
    const char *p;

    if (text[0] == '[') {
        got.family = 6;
        p = parse_v6(got.ip, text + 1);
        p = p != NULL && *p == ']' ? p + 1 : NULL;
    } else {
        got.family = 4;
        p = parse_v4(got.ip, text);
    }
    if (p == NULL || *p != ':')
        return QN_PROTO;
    p = decimal(p + 1, 65535, &port);
    if (p == NULL || *p != '\0' || port == 0)
        return QN_PROTO;
    got.port = (uint16_t)port;
    *a = got;
    return QN_OK;
}

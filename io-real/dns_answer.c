#include "io-real/dns_answer.h"

#include <string.h>

enum { HEADER = 12, RECORD = 10, CLASS_IN = 1, TYPE_A = 1, TYPE_AAAA = 28 };

typedef struct cursor {
    const uint8_t *p;
    size_t n, at;
} cursor;

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* A name is passed over, never followed: a pointer ends it (RFC 1035 4.1.4). */
static bool skip_name(cursor *c)
{
    while (c->at < c->n) {
        uint8_t label = c->p[c->at];

        if (label >= 0xc0) {
            c->at += 2;
            return c->at <= c->n;
        }
        c->at += 1u + label;
        if (label == 0)
            return true;
    }
    return false;
}

static bool skip_questions(cursor *c, unsigned count)
{
    for (; count > 0; count--) {
        if (!skip_name(c) || c->n - c->at < 4)
            return false;
        c->at += 4;
    }
    return true;
}

/* family 0: a record of another kind. */
static bool next_record(cursor *c, qn_addr *out)
{
    const uint8_t *head, *data;
    unsigned type, bytes;

    *out = (qn_addr){0};
    if (!skip_name(c) || c->n - c->at < RECORD)
        return false;
    head = c->p + c->at;
    type = get16(head);
    bytes = get16(head + 8);
    data = head + RECORD;
    c->at += RECORD;
    if (c->n - c->at < bytes)
        return false;
    c->at += bytes;
    if (get16(head + 2) == CLASS_IN && type == TYPE_A && bytes == 4)
        out->family = 4;
    else if (get16(head + 2) == CLASS_IN && type == TYPE_AAAA && bytes == 16)
        out->family = 6;
    if (out->family != 0)
        memcpy(out->ip, data, bytes);
    return true;
}

int qn_dns_addresses(const uint8_t *p, size_t n, uint16_t port, qn_addr *v, unsigned max)
{
    cursor c = {.p = p, .n = n, .at = HEADER};
    unsigned found = 0;

    if (n < HEADER || (p[2] & 0x80) == 0 || !skip_questions(&c, get16(p + 4)))
        return -1;
    for (unsigned left = get16(p + 6); left > 0; left--) {
        qn_addr a;

        if (!next_record(&c, &a))
            return -1;
        if (a.family == 0 || found == max)
            continue;
        a.port = port;
        v[found++] = a;
    }
    return (int)found;
}

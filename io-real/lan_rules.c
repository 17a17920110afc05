#include "io-real/lan_rules.h"

#include <stdio.h>
#include <string.h>

enum { KEY = 2, PIECE = QN_LAN_STRING - KEY }; /* "a=" */

_Static_assert((QN_LAN_STRINGS - 2) * PIECE >= QN_LAN_DESCRIPTOR_MAX, "any descriptor has room");

void qn_lan_tag(const uint8_t network_id[32], char out[QN_LAN_TAG + 1])
{
    for (unsigned i = 0; i < QN_LAN_TAG / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", network_id[i]);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put(qn_lan_string *s, char key, const void *value, size_t n)
{
    s->b[0] = (uint8_t)key;
    s->b[1] = '=';
    memcpy(s->b + KEY, value, n);
    s->len = (uint8_t)(KEY + n);
}

unsigned qn_lan_write(qn_slice descriptor, const char *tag, qn_lan_string out[QN_LAN_STRINGS])
{
    unsigned count = 2;

    if (descriptor.n == 0 || descriptor.n > QN_LAN_DESCRIPTOR_MAX)
        return 0;
    put(&out[0], 'v', "1", 1);
    put(&out[1], 'n', tag, QN_LAN_TAG);
    for (size_t at = 0; at < descriptor.n; at += PIECE) {
        size_t left = descriptor.n - at;

        put(&out[count], (char)('a' + count - 2), descriptor.p + at, left < PIECE ? left : PIECE);
        count++;
    }
    return count;
}

/* ---- reading --------------------------------------------------------------------------------- */

static bool once(bool *seen, bool right)
{
    bool first = !*seen;

    *seen = true;
    return first && right;
}

static bool take_piece(qn_lan_record *r, unsigned i, const uint8_t *value, size_t n)
{
    size_t at = (size_t)i * PIECE;

    if ((r->pieces >> i & 1) != 0 || n == 0 || n > sizeof r->bytes - at)
        return false;
    memcpy(r->bytes + at, value, n);
    r->pieces |= (uint16_t)(1u << i);
    if (n < PIECE)
        r->shorts++;
    if (at + n > r->n)
        r->n = at + n;
    return true;
}

bool qn_lan_read(qn_lan_record *r, const char *tag, const uint8_t *string, size_t n)
{
    const uint8_t *value;

    if (n > QN_LAN_STRING)
        return false;
    if (n < KEY || string[1] != '=')
        return true;
    value = string + KEY;
    n -= KEY;
    if (string[0] == 'v')
        return once(&r->version, n == 1 && value[0] == '1');
    if (string[0] == 'n')
        return once(&r->network, n == QN_LAN_TAG && memcmp(value, tag, n) == 0);
    if (string[0] >= 'a' && string[0] < 'a' + QN_LAN_STRINGS - 2)
        return take_piece(r, string[0] - 'a', value, n);
    return true;
}

bool qn_lan_whole(const qn_lan_record *r)
{
    size_t count = (r->n + PIECE - 1) / PIECE;

    /* None is missing, and if one is short it is the last. */
    return r->version && r->network && count > 0 && r->pieces == (1u << count) - 1 &&
           r->shorts == (r->n % PIECE != 0);
}

/* ---- how far, and how often ------------------------------------------------------------------ */

bool qn_lan_near(const qn_lan_prefix *p, const qn_addr *a)
{
    size_t n = a->family == 4 ? 4 : 16;

    if (p->of.family == 0 || a->family != p->of.family)
        return false;
    for (size_t i = 0; i < n; i++)
        if (((p->of.ip[i] ^ a->ip[i]) & p->mask[i]) != 0)
            return false;
    return true;
}

bool qn_lan_may(qn_time *until, qn_time now)
{
    qn_time from = *until > now ? *until : now;

    if (from + QN_LAN_EVERY > now + QN_LAN_BURST * QN_LAN_EVERY)
        return false;
    *until = from + QN_LAN_EVERY;
    return true;
}

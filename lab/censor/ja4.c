/*
 * JA4 blocklist. A flow whose ClientHello has a listed JA4 is dropped, or reset. Source: FoxIO's
 * description of JA4 (BSD 3-clause for JA4 itself), which commercial inspection products ship;
 * blocking by it was reported with the freeze of freeze.c, net4people/bbs issue 546.
 *
 * JA4 sorts ciphers and extensions and leaves GREASE out, so all connections of one browser build
 * have one or a few values: whoever lists a browser's own blocks that browser. Cost: the first
 * payload of every flow is reassembled, and two SHA-256.
 */
#include "censor/internal.h"

#include "crypto/crypto.h"

#include <stdio.h>

enum { LIST_MAX = 128, TEXT_MAX = LIST_MAX * 10 };

static bool fits(const censor_cfg *cfg)
{
    return cfg->names_n > 0;
}

/* RFC 8701 */
static bool is_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

typedef struct list {
    uint16_t v[LIST_MAX];
    size_t n;
    bool over;
} list;

static void add(list *l, uint16_t v)
{
    if (is_grease(v))
        return;
    if (l->n == LIST_MAX)
        l->over = true;
    else
        l->v[l->n++] = v;
}

static void add_all(list *l, qn_slice s)
{
    for (size_t i = 0; i + 2 <= s.n; i += 2)
        add(l, qn_get16(s.p + i));
}

static void add_types(list *l, qn_slice extensions)
{
    size_t at = 0;

    while (at + 4 <= extensions.n) {
        add(l, qn_get16(extensions.p + at));
        at += 4u + qn_get16(extensions.p + at + 2);
    }
}

static void sort(list *l)
{
    for (size_t i = 1; i < l->n; i++)
        for (size_t j = i; j > 0 && l->v[j - 1] > l->v[j]; j--) {
            uint16_t v = l->v[j];

            l->v[j] = l->v[j - 1];
            l->v[j - 1] = v;
        }
}

/* "1301,1302" behind what is there. */
static size_t write_list(char *out, size_t at, const list *l, bool all)
{
    size_t from = at;

    for (size_t i = 0; i < l->n; i++)
        if (all || (l->v[i] != 0 && l->v[i] != 16)) /* not server_name, not ALPN */
            at += (size_t)snprintf(out + at, 6, "%s%04x", at > from ? "," : "", l->v[i]);
    return at;
}

static bool hash12(qn_env *env, const char *text, size_t n, char out[13])
{
    qn_slice part = qn_slice_of(text, n);
    qn_hash h;

    memcpy(out, "000000000000", 13);
    if (n == 0)
        return true;
    if (qn_sha256(env, &part, 1, &h) != QN_OK)
        return false;
    for (size_t i = 0; i < 6; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", h.b[i]);
    return true;
}

static const char *version_of(const censor_hello *h)
{
    uint16_t best = h->versions.n == 0 ? h->version : 0;

    for (size_t i = 0; i + 2 <= h->versions.n; i += 2) {
        uint16_t v = qn_get16(h->versions.p + i);

        best = is_grease(v) ? best : QN_MAX(best, v);
    }
    switch (best) {
    case 0x0304:
        return "13";
    case 0x0303:
        return "12";
    case 0x0302:
        return "11";
    case 0x0301:
        return "10";
    default:
        return "00";
    }
}

static bool alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* First and last character of the first protocol; of its hex digits if one is no letter or digit.
 */
static void write_alpn(char out[3], qn_slice alpn)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t first, last;

    memcpy(out, "00", 3);
    if (alpn.n == 0)
        return;
    first = alpn.p[0];
    last = alpn.p[alpn.n - 1];
    out[0] = (char)first;
    out[1] = (char)last;
    if (!alphanumeric(first) || !alphanumeric(last)) {
        out[0] = hex[first >> 4];
        out[1] = hex[last & 15];
    }
}

bool censor_ja4_of(qn_env *env, const censor_hello *h, char out[CENSOR_JA4 + 1])
{
    list ciphers = {0}, types = {0}, signatures = {0};
    char text[TEXT_MAX + 16], one[13], other[13], alpn[3];
    size_t n;

    add_all(&ciphers, h->ciphers);
    add_types(&types, h->extensions);
    add_all(&signatures, h->signatures);
    if (ciphers.over || types.over || signatures.over)
        return false;
    sort(&ciphers);
    sort(&types);
    n = write_list(text, 0, &ciphers, true);
    if (!hash12(env, text, n, one))
        return false;
    n = write_list(text, 0, &types, false);
    if (n > 0 && signatures.n > 0) {
        text[n++] = '_';
        n = write_list(text, n, &signatures, true);
    }
    if (!hash12(env, text, n, other))
        return false;
    write_alpn(alpn, h->alpn);
    (void)snprintf(out, CENSOR_JA4 + 1, "t%s%c%02u%02u%s_%s_%s", version_of(h),
                   h->name.n > 0 ? 'd' : 'i', (unsigned)QN_MIN(ciphers.n, (size_t)99),
                   (unsigned)QN_MIN(types.n, (size_t)99), alpn, one, other);
    return true;
}

static bool listed(const censor_cfg *cfg, const char *ja4)
{
    for (size_t i = 0; i < cfg->names_n; i++)
        if (strcmp(cfg->names[i], ja4) == 0)
            return true;
    return false;
}

static censor_verdict see(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes)
{
    char ja4[CENSOR_JA4 + 1];
    censor_hello h;
    censor_read read;

    if (f->judged || !censor_first(c, f, direction, bytes))
        return pass();
    read = censor_hello_read(&h, qn_slice_of(f->first, f->first_n));
    if (read == CENSOR_MORE)
        return pass();
    if (read == CENSOR_HELLO && censor_ja4_of(c->env, &h, ja4) && listed(&c->cfg, ja4))
        return censor_catch(c, f, c->cfg.reset ? CENSOR_RESET : CENSOR_DROP, now);
    f->judged = true;
    return pass();
}

const censor_kind censor_ja4 = {.name = "ja4", .fits = fits, .see = see};

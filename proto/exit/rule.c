#include "exit/rule.h"

#include "base/bytes.h"
#include "base/ipjudge.h"

enum { NAME = 3 }; /* qn_dest.type */

/* ---- reading --------------------------------------------------------------------------------- */

/* Digits to a number of 0 to max; what stands behind them, or NULL. */
static const char *number(const char *p, unsigned max, unsigned *out)
{
    unsigned v = 0;

    if (*p < '0' || *p > '9')
        return NULL;
    for (; *p >= '0' && *p <= '9'; p++) {
        v = v * 10 + (unsigned)(*p - '0');
        if (v > max)
            return NULL;
    }
    *out = v;
    return p;
}

static const char *read_ports(qn_ports *out, const char *p)
{
    static const char form[] = "ports are *, a number from 1 to 65535, or FIRST-LAST";
    unsigned first = 1, last = UINT16_MAX;

    if (strcmp(p, "*") != 0) {
        p = number(p, UINT16_MAX, &first);
        if (p == NULL || first == 0)
            return form;
        last = first;
        if (*p == '-')
            p = number(p + 1, UINT16_MAX, &last);
        if (p == NULL || *p != '\0')
            return form;
        if (last < first)
            return "its range of ports ends before it begins";
    }
    *out = (qn_ports){(uint16_t)first, (uint16_t)last};
    return NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1 to 63 characters. A last label of digits makes it an address in the eyes of
 * everything that reads host names (https://url.spec.whatwg.org/#ends-in-a-number-checker). */
static bool is_name(const char *p)
{
    unsigned label = 0;
    bool digits = true;

    for (; *p != '\0'; p++) {
        if (*p == '.') {
            if (label == 0)
                return false;
            label = 0;
            digits = true;
        } else {
            if (!name_char(*p) || ++label > 63)
                return false;
            digits &= *p >= '0' && *p <= '9';
        }
    }
    return label > 0 && !digits;
}

static const char *read_name(qn_rule *r, const char *p, size_t n)
{
    r->target = QN_RULE_NAME;
    if (n > 2 && p[0] == '*' && p[1] == '.') {
        r->target = QN_RULE_BELOW;
        p += 2;
        n -= 2;
    }
    if (n > QN_RULE_NAME_MAX)
        return "its name is longer than 253 characters";
    for (size_t i = 0; i < n; i++)
        r->name[i] = lower(p[i]);
    if (!is_name(r->name))
        return "its target is not *, an address, a prefix, a name, or *. and a name (IPv6 stands "
               "in brackets)";
    return NULL;
}

/* Bits behind the prefix would say that the operator meant something else than he wrote. */
static bool bits_behind(const qn_addr *a, unsigned bits)
{
    for (unsigned bit = bits; bit < (a->family == 4 ? 32u : 128u); bit++)
        if (a->ip[bit / 8] >> (7 - bit % 8) & 1)
            return true;
    return false;
}

/* The n bytes at p are an address; false: they are not. */
static bool read_addr(qn_rule *r, const char *p, size_t n)
{
    char text[QN_ADDR_TEXT];

    if (n + 3 > sizeof text)
        return false;
    memcpy(text, p, n);
    memcpy(text + n, ":1", 3); /* qn_addr_parse wants a port */
    if (qn_addr_parse(&r->prefix, text) != QN_OK)
        return false;
    r->prefix.port = 0;
    r->target = QN_RULE_PREFIX;
    r->bits = r->prefix.family == 4 ? 32 : 128;
    return true;
}

static const char *read_target(qn_rule *r, const char *p, size_t n)
{
    const char *slash = memchr(p, '/', n), *end;
    unsigned bits;

    if (n == 1 && *p == '*') {
        r->target = QN_RULE_ANY;
        return NULL;
    }
    if (!read_addr(r, p, slash != NULL ? (size_t)(slash - p) : n))
        return slash != NULL ? "its prefix is not an address and a length (IPv6 stands in brackets)"
                             : read_name(r, p, n);
    if (slash == NULL)
        return NULL;
    end = number(slash + 1, r->bits, &bits);
    if (end != p + n)
        return "the length of its prefix is at most 32, or 128 for IPv6";
    if (bits_behind(&r->prefix, bits))
        return "its prefix has bits set behind its length";
    r->bits = (uint8_t)bits;
    return NULL;
}

qn_err qn_rule_parse(qn_rule *out, const char *text, const char **what)
{
    qn_rule r = {.accept = strncmp(text, "accept ", 7) == 0};
    const char *target, *colon;

    *what = NULL;
    if (!r.accept && strncmp(text, "reject ", 7) != 0) {
        *what = "it does not begin with 'accept ' or 'reject '";
        return QN_CONFIG;
    }
    target = text + 7 + strspn(text + 7, " ");
    colon = strrchr(target, ':');
    if (colon == NULL || colon == target)
        *what = "it has no ports: write TARGET:PORTS";
    else
        *what = read_ports(&r.ports, colon + 1);
    if (*what == NULL)
        *what = read_target(&r, target, (size_t)(colon - target));
    if (*what != NULL)
        return QN_CONFIG;
    *out = r;
    return QN_OK;
}

/* ---- matching -------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *low, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(a[i]) != low[i])
            return false;
    return true;
}

bool qn_rule_names(const qn_rule *r, const qn_dest *asked)
{
    size_t want = strlen(r->name), n = asked->name_len;

    if (asked->type != NAME || (r->target != QN_RULE_NAME && r->target != QN_RULE_BELOW))
        return false;
    n -= n > 0 && asked->name[n - 1] == '.';
    if (r->target == QN_RULE_NAME)
        return n == want && same_text(asked->name, r->name, n);
    return n > want + 1 && asked->name[n - want - 1] == '.' &&
           same_text(asked->name + n - want, r->name, want);
}

bool qn_rule_holds(const qn_rule *r, const qn_addr *plain)
{
    return r->target == QN_RULE_PREFIX && qn_ip_within(plain, &r->prefix, r->bits);
}

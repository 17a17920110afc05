#include "exit/policy.h"

#include "base/bytes.h"
#include "base/ipjudge.h"
#include "exit/rule.h"

enum { V4 = 1, NAME = 3, V6 = 4 }; /* qn_dest.type */

/* ---- configuration --------------------------------------------------------------------------- */

/* Adds to an ascending list of distinct ports; the caller made room. */
static unsigned insert_port(uint16_t *v, unsigned n, uint16_t port)
{
    unsigned at = 0;

    while (at < n && v[at] < port)
        at++;
    if (at < n && v[at] == port)
        return n;
    memmove(v + at + 1, v + at, (n - at) * sizeof *v);
    v[at] = port;
    return n + 1;
}

/* Bits behind the prefix would say that the operator meant something else than he wrote. */
static bool allow_ok(const qn_allow *a)
{
    unsigned all = a->prefix.family == 4 ? 32 : 128;

    if ((a->prefix.family != 4 && a->prefix.family != 6) || a->prefix.port == 0 || a->bits > all ||
        (a->port_last != 0 && a->port_last < a->prefix.port))
        return false;
    for (unsigned bit = a->bits; bit < all; bit++)
        if (a->prefix.ip[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    return true;
}

qn_err qn_policy_init(qn_policy *p, const uint16_t *ports, unsigned ports_n, const qn_allow *allow,
                      unsigned allow_n)
{
    qn_policy got = {.ports = {80, 443}, .ports_n = 2};

    if (ports_n > QN_EXIT_PORTS_MAX || allow_n > QN_EXIT_ALLOW_MAX)
        return QN_CONFIG;
    for (unsigned i = 0; i < ports_n; i++) {
        if (ports[i] == 0)
            return QN_CONFIG;
        got.ports_n = (uint8_t)insert_port(got.ports, got.ports_n, ports[i]);
    }
    for (unsigned i = 0; i < allow_n; i++) {
        if (!allow_ok(&allow[i]))
            return QN_CONFIG;
        got.allow[got.allow_n++] = allow[i];
    }
    *p = got;
    return QN_OK;
}

qn_err qn_policy_own(qn_policy *p, const qn_addr *listener)
{
    if (p->own_n == QN_POLICY_OWN)
        return QN_CONFIG;
    p->own[p->own_n++] = qn_ip_plain(listener);
    return QN_OK;
}

static bool allows_port(const qn_allow *a, uint16_t port)
{
    return a->port_last == 0 ? port == a->prefix.port
                             : port >= a->prefix.port && port <= a->port_last;
}

qn_err qn_policy_rules(qn_policy *p, const qn_rule *rules, unsigned n)
{
    qn_policy with = *p;
    qn_policy_said said;

    if (n > QN_RULES_MAX)
        return QN_CONFIG;
    with.rules = rules;
    with.rules_n = (uint8_t)n;
    if (qn_policy_say(&with, &said) != QN_OK)
        return QN_CONFIG;
    *p = with;
    return QN_OK;
}

/* ---- what is said of it ---------------------------------------------------------------------- */

typedef struct port_set {
    uint8_t bit[8192];
} port_set;

static bool has_port(const port_set *s, unsigned port)
{
    return s->bit[port / 8] >> (port % 8) & 1;
}

static void mark_ports(port_set *s, unsigned first, unsigned last, bool on)
{
    for (unsigned port = first; port <= last; port++)
        if (on)
            s->bit[port / 8] |= (uint8_t)(1u << (port % 8));
        else
            s->bit[port / 8] &= (uint8_t) ~(1u << (port % 8));
}

/* From the last word to the first, so that the first match has it. */
static void open_ports(const qn_policy *p, port_set *s)
{
    for (unsigned i = 0; i < p->ports_n; i++)
        mark_ports(s, p->ports[i], p->ports[i], true);
    for (unsigned i = 0; i < p->allow_n; i++)
        mark_ports(s, p->allow[i].prefix.port,
                   QN_MAX(p->allow[i].prefix.port, p->allow[i].port_last), true);
    for (unsigned i = p->rules_n; i-- > 0;)
        if (p->rules[i].target == QN_RULE_ANY)
            mark_ports(s, p->rules[i].ports.first, p->rules[i].ports.last, p->rules[i].accept);
}

static qn_err say_part(qn_policy_said *s, unsigned first, unsigned last)
{
    if (first < last) {
        if (s->ranges_n == QN_POLICY_RANGES)
            return QN_CONFIG;
        s->ranges[s->ranges_n++] = (qn_ports){(uint16_t)first, (uint16_t)last};
        return QN_OK;
    }
    if (s->singles_n == QN_POLICY_SINGLES)
        return QN_CONFIG;
    s->singles[s->singles_n++] = (uint16_t)first;
    return QN_OK;
}

/* Readers that know no ranges want a port of their own: the first range gives one. */
static qn_err first_single(qn_policy_said *s)
{
    qn_ports *r = &s->ranges[0];

    if (s->singles_n > 0)
        return QN_OK;
    if (s->ranges_n == 0)
        return QN_CONFIG;
    s->singles[s->singles_n++] = r->first++;
    if (r->first == r->last) {
        s->singles[s->singles_n++] = r->first;
        memmove(r, r + 1, --s->ranges_n * sizeof *r);
    }
    return QN_OK;
}

qn_err qn_policy_say(const qn_policy *p, qn_policy_said *out)
{
    port_set s = {{0}};
    qn_policy_said got = {0};
    qn_err err = QN_OK;

    open_ports(p, &s);
    for (unsigned port = 1; err == QN_OK && port <= UINT16_MAX; port++) {
        unsigned last = port;

        if (!has_port(&s, port))
            continue;
        while (last < UINT16_MAX && has_port(&s, last + 1))
            last++;
        err = say_part(&got, port, last);
        port = last;
    }
    if (err == QN_OK)
        err = first_single(&got);
    if (err == QN_OK)
        *out = got;
    return err;
}

/* ---- judgement ------------------------------------------------------------------------------- */

static bool unspecified(const qn_addr *a)
{
    static const uint8_t zero[16];

    return memcmp(a->ip, zero, a->family == 4 ? 4 : 16) == 0;
}

/* A wildcard listener answers on every address of the host. Which global ones those are is the
 * operator's to say; every other address might be the host itself. */
static bool is_own(const qn_policy *p, const qn_addr *a)
{
    for (unsigned i = 0; i < p->own_n; i++) {
        const qn_addr *own = &p->own[i];

        if (own->port == a->port &&
            (qn_addr_equal(own, a) || (unspecified(own) && !qn_ip_global(a))))
            return true;
    }
    return false;
}

static bool is_allowed(const qn_policy *p, const qn_addr *a)
{
    for (unsigned i = 0; i < p->allow_n; i++)
        if (allows_port(&p->allow[i], a->port) &&
            qn_ip_within(a, &p->allow[i].prefix, p->allow[i].bits))
            return true;
    return false;
}

static bool port_listed(const qn_policy *p, uint16_t port)
{
    for (unsigned i = 0; i < p->ports_n; i++)
        if (p->ports[i] == port)
            return true;
    return false;
}

static bool port_allowed(const qn_policy *p, uint16_t port)
{
    for (unsigned i = 0; i < p->allow_n; i++)
        if (allows_port(&p->allow[i], port))
            return true;
    return false;
}

typedef enum word { SILENT, ACCEPT, REJECT } word;

/* The first rule about this; `plain` NULL: the address is not known yet, so rules for addresses are
 * passed over, and *maybe says whether one of them, before the one that matched, accepts. */
static word rules_say(const qn_policy *p, const qn_dest *asked, const qn_addr *plain, bool *maybe)
{
    for (unsigned i = 0; i < p->rules_n; i++) {
        const qn_rule *r = &p->rules[i];

        if (!qn_ports_hold(&r->ports, asked->port))
            continue;
        if (r->target == QN_RULE_ANY || qn_rule_names(r, asked) ||
            (plain != NULL && qn_rule_holds(r, plain)))
            return r->accept ? ACCEPT : REJECT;
        *maybe |= plain == NULL && r->target == QN_RULE_PREFIX && r->accept;
    }
    return SILENT;
}

/* Mapped and NAT64 forms end at an IPv4 address: it is that one that must not be ours, and that
 * the operator meant in his rules. */
qn_err qn_policy_judge(const qn_policy *p, const qn_dest *asked, const qn_addr *a)
{
    qn_addr plain = qn_ip_plain(a);
    bool maybe = false;
    word said = rules_say(p, asked, &plain, &maybe);

    if (is_own(p, &plain) || said == REJECT)
        return QN_POLICY;
    if (is_allowed(p, &plain))
        return QN_OK;
    if (said == SILENT && !port_listed(p, plain.port))
        return QN_POLICY;
    return qn_ip_global(&plain) ? QN_OK : QN_POLICY;
}

/* Whether any address could pass for this name. */
static bool name_possible(const qn_policy *p, const qn_dest *d)
{
    bool maybe = false;
    word said = rules_say(p, d, NULL, &maybe);

    if (maybe || said != SILENT)
        return maybe || said == ACCEPT;
    return port_listed(p, d->port) || port_allowed(p, d->port);
}

/* Dotted quads, and IPv6 addresses with or without brackets, in the one form that qn_addr_parse
 * knows. No resolver of ours reads any other text as a number. */
static bool is_literal(const qn_dest *d, qn_addr *out)
{
    char text[QN_ADDR_TEXT];
    bool bare6 = d->name[0] != '[' && memchr(d->name, ':', d->name_len) != NULL;
    size_t n = 0;

    if (d->name_len + 5u > sizeof text)
        return false;
    if (bare6)
        text[n++] = '[';
    memcpy(text + n, d->name, d->name_len);
    n += d->name_len;
    if (bare6)
        text[n++] = ']';
    memcpy(text + n, ":1", 3);
    if (qn_addr_parse(out, text) != QN_OK)
        return false;
    out->port = d->port;
    return true;
}

qn_err qn_policy_dest(const qn_policy *p, const qn_dest *d, bool *resolve, qn_addr *addr)
{
    qn_addr literal = {.family = d->type == V4 ? 4 : 6, .port = d->port};

    QN_ASSERT(d->type == V4 || d->type == V6 || d->type == NAME);
    if (d->type == NAME && !is_literal(d, &literal)) {
        if (!name_possible(p, d))
            return QN_POLICY;
        *resolve = true;
        return QN_OK;
    }
    if (d->type != NAME)
        memcpy(literal.ip, d->ip, d->type == V4 ? 4 : 16);
    if (qn_policy_judge(p, d, &literal) != QN_OK)
        return QN_POLICY;
    *resolve = false;
    *addr = literal;
    return QN_OK;
}

qn_err qn_policy_pick(const qn_policy *p, const qn_dest *asked, const qn_addr *v, unsigned n,
                      qn_addr *out)
{
    if (n == 0)
        return QN_RESOLVE;
    for (unsigned i = 0; i < n; i++)
        if (qn_policy_judge(p, asked, &v[i]) == QN_OK) {
            *out = v[i];
            return QN_OK;
        }
    return QN_POLICY;
}

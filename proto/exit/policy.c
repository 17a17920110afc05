#include "exit/policy.h"

#include "base/bytes.h"
#include "base/ipjudge.h"

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

unsigned qn_policy_ports(const qn_policy *p, uint16_t out[QN_POLICY_PORTS + QN_EXIT_ALLOW_MAX])
{
    unsigned n = p->ports_n;

    memcpy(out, p->ports, n * sizeof *out);
    for (unsigned i = 0; i < p->allow_n; i++)
        if (p->allow[i].port_last == 0)
            n = insert_port(out, n, p->allow[i].prefix.port);
    return n;
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

/* Whether any address could pass with this port. */
static bool port_possible(const qn_policy *p, uint16_t port)
{
    for (unsigned i = 0; i < p->allow_n; i++)
        if (allows_port(&p->allow[i], port))
            return true;
    return port_listed(p, port);
}

/* Mapped and NAT64 forms end at an IPv4 address: it is that one that must not be ours, and that
 * the operator meant in his list. */
qn_err qn_policy_judge(const qn_policy *p, const qn_addr *a)
{
    qn_addr plain = qn_ip_plain(a);

    if (is_own(p, &plain))
        return QN_POLICY;
    if (is_allowed(p, &plain))
        return QN_OK;
    return port_listed(p, plain.port) && qn_ip_global(&plain) ? QN_OK : QN_POLICY;
}

qn_err qn_policy_dest(const qn_policy *p, const qn_dest *d, bool *resolve, qn_addr *addr)
{
    qn_addr literal = {.family = d->type == V4 ? 4 : 6, .port = d->port};

    if (!port_possible(p, d->port))
        return QN_POLICY;
    if (d->type == NAME) {
        *resolve = true;
        return QN_OK;
    }
    QN_ASSERT(d->type == V4 || d->type == V6);
    memcpy(literal.ip, d->ip, d->type == V4 ? 4 : 16);
    if (qn_policy_judge(p, &literal) != QN_OK)
        return QN_POLICY;
    *resolve = false;
    *addr = literal;
    return QN_OK;
}

qn_err qn_policy_pick(const qn_policy *p, const qn_addr *v, unsigned n, qn_addr *out)
{
    if (n == 0)
        return QN_RESOLVE;
    for (unsigned i = 0; i < n; i++)
        if (qn_policy_judge(p, &v[i]) == QN_OK) {
            *out = v[i];
            return QN_OK;
        }
    return QN_POLICY;
}

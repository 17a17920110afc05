#include "path/candidate.h"

#include "base/bytes.h"
#include "base/ipjudge.h"

/* An address block of this size is commonly one hosting company's, or one network's. */
static bool same_prefix(const qn_candidate *a, const qn_candidate *b)
{
    return a->addr.family != 0 && qn_ip_within(&a->addr, &b->addr, a->addr.family == 4 ? 16 : 32);
}

/* Whoever carries all links of another sees as much of it as its family would. */
static bool carries(const qn_candidate *a, const qn_candidate *b)
{
    uint64_t id;

    if (b->via[0] == 0 && b->via[1] == 0) /* as of nearly all: a choice asks this often */
        return false;
    id = qn_get64(a->id.b);
    for (unsigned i = 0; i < QN_LEN(b->via); i++)
        if (b->via[i] != 0 && (b->via[i] == id || b->via[i] == a->via[0] || b->via[i] == a->via[1]))
            return true;
    return false;
}

unsigned qn_candidates_share(const qn_candidate *a, const qn_candidate *b)
{
    unsigned share = 0;

    if (qn_peerid_equal(&a->id, &b->id))
        return QN_APART_ALL;
    if ((a->family != 0 && a->family == b->family) || carries(a, b) || carries(b, a))
        share |= QN_APART_FAMILY;
    if (same_prefix(a, b))
        share |= QN_APART_PREFIX;
    if (a->as != 0 && a->as == b->as)
        share |= QN_APART_AS;
    if (a->country[0] != '\0' && memcmp(a->country, b->country, 2) == 0)
        share |= QN_APART_COUNTRY;
    return share;
}

bool qn_candidate_exits_to(const qn_candidate *c, uint16_t port)
{
    if ((c->flags & QN_CANDIDATE_EXIT) == 0)
        return false;
    if (port == 0 || c->ports_n == 0)
        return true;
    for (unsigned i = 0; i < c->ports_n; i++)
        if (c->ports[i] == port)
            return true;
    for (unsigned i = 0; i < c->ranges_n; i++)
        if (port >= c->ranges[i].first && port <= c->ranges[i].last)
            return true;
    return false;
}

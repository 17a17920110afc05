#include "path/path.h"

#include <stdio.h>

/* A new guard is drawn among those with at least the mean weight, if that leaves so many. */
enum { GUARD_CHOICE_MIN = 20 };

typedef struct choice {
    qn_env *env;
    const qn_candidate *v;
    size_t n;
    const qn_path_wish *wish;
    uint8_t apart;
    bool tired;
    bool first;     /* the hop being chosen is the entry */
    bool last;      /* it exits */
    uint32_t least; /* with turns: how often those it is drawn from were used */
    uint32_t floor; /* lighter ones are not drawn */
    uint32_t taken[QN_HOPS_MAX];
    unsigned taken_n;
} choice;

static bool in_place(const choice *c, const qn_candidate *x)
{
    if (c->first
            ? (x->flags & c->wish->entry) != c->wish->entry || (x->flags & QN_CANDIDATE_BEHIND) != 0
            : (x->flags & QN_CANDIDATE_INVITED) != 0)
        return false;
    if (!c->last)
        return (x->flags & QN_CANDIDATE_RELAY) != 0;
    return qn_candidate_exits_to(x, c->wish->port) &&
           (c->wish->country[0] == '\0' || memcmp(x->country, c->wish->country, 2) == 0);
}

static bool fits(const void *ctx, size_t i)
{
    const choice *c = ctx;
    const qn_candidate *x = &c->v[i];

    if (x->weight == 0 || (x->rest > c->env->now && !c->tired) || !in_place(c, x) ||
        qn_peerid_equal(&x->id, &c->wish->self))
        return false;
    for (unsigned k = 0; k < c->taken_n; k++) {
        const qn_candidate *other = &c->v[c->taken[k]];

        if (qn_peerid_equal(&x->id, &other->id) || (qn_candidates_share(x, other) & c->apart) != 0)
            return false;
    }
    return true;
}

static bool has_turn(const choice *c, size_t i)
{
    return c->v[i].weight >= c->floor && fits(c, i) &&
           (!c->wish->turns || c->v[i].used == c->least);
}

/* Everybody who may be drawn, and the weight of all of them: at most 2^16 of less than 2^16 each.
 */
static uint32_t survey(choice *c, struct qn_path_hop *hop)
{
    uint32_t sum = 0;
    uint64_t squares = 0;

    c->least = UINT32_MAX;
    for (size_t i = 0; c->wish->turns && i < c->n; i++)
        if (fits(c, i))
            c->least = QN_MIN(c->least, c->v[i].used);
    hop->fitting = 0;
    for (size_t i = 0; i < c->n; i++)
        if (has_turn(c, i)) {
            sum += c->v[i].weight;
            squares += (uint64_t)c->v[i].weight * c->v[i].weight;
            hop->fitting++;
        }
    if (hop->fitting > 0)
        hop->effective = (uint32_t)((uint64_t)sum * sum / QN_MAX(squares / 10, 1u));
    return sum;
}

/* sum is the survey's, and not 0. */
static size_t draw(const choice *c, uint32_t sum)
{
    uint32_t at = qn_rng_below(c->env, sum);
    size_t i = 0;

    for (;; i++) {
        if (!has_turn(c, i))
            continue;
        if (at < c->v[i].weight)
            return i;
        at -= c->v[i].weight;
    }
}

/*
 * Large relays are there for longer and away for less, so a guard among them is the only one for
 * longer (Tor gives its flag Guard by capacity and uptime for the same reason). The mean of what
 * fits is the bound: the equal stay together, and nobody needs a number that ages.
 */
static uint32_t survey_guards(choice *c, struct qn_path_hop *hop, uint32_t sum)
{
    c->floor = sum / hop->fitting;
    sum = survey(c, hop);
    if (hop->fitting < GUARD_CHOICE_MIN) {
        c->floor = 0;
        sum = survey(c, hop);
    }
    return sum;
}

static size_t entry(choice *c, struct qn_path_hop *hop, uint32_t *sum)
{
    const qn_guards *g = c->wish->guards;
    bool invited = (c->wish->entry & QN_CANDIDATE_INVITED) != 0;
    size_t at = g == NULL ? c->n : qn_guards_pick(g, c->env, c->v, c->n, fits, c);

    hop->reason = invited ? QN_HOP_INVITED : QN_HOP_GUARD;
    if (at < c->n)
        return at;
    if (g != NULL && !invited)
        *sum = survey_guards(c, hop, *sum);
    at = draw(c, *sum);
    c->floor = 0;
    if (invited)
        return at;
    if (g == NULL || (qn_guards_full(g) && !qn_guards_has(g, &c->v[at].id)))
        hop->reason = QN_HOP_DRAWN;
    else if (!qn_guards_has(g, &c->v[at].id))
        hop->reason = QN_HOP_NEW_GUARD;
    return at;
}

static bool choose_hop(choice *c, struct qn_path_hop *hop, bool first)
{
    uint32_t sum = survey(c, hop);
    size_t at;

    if (hop->fitting == 0)
        return false;
    hop->reason = QN_HOP_DRAWN;
    at = first ? entry(c, hop, &sum) : draw(c, sum);
    hop->at = (uint32_t)at;
    hop->share = (uint32_t)((uint64_t)c->v[at].weight * 1000000 / sum);
    c->taken[c->taken_n++] = hop->at;
    return true;
}

/* The place in the path of the k-th hop to be chosen: one end, the other, then what lies between.
 */
static unsigned place(unsigned k, unsigned hops, bool exit_first)
{
    if (k >= 2)
        return k - 1;
    return (k == 0) == exit_first ? hops - 1 : 0;
}

static bool attempt(qn_path *out, choice *c, bool exit_first)
{
    unsigned hops = c->wish->hops;

    c->taken_n = 0;
    for (unsigned k = 0; k < hops; k++) {
        unsigned i = hops == 1 ? 0 : place(k, hops, exit_first);

        c->first = i == 0;
        c->last = i == hops - 1;
        if (!choose_hop(c, &out->hop[i], i == 0))
            return false;
    }
    out->n = (uint8_t)hops;
    out->apart = c->apart;
    out->tired = c->tired;
    return true;
}

/* What the list lacks even with every rule given up. */
static const char *lacking(const choice *c)
{
    bool exits = false, here = false;

    for (size_t i = 0; i < c->n; i++) {
        const qn_candidate *x = &c->v[i];

        exits |= x->weight != 0 && (x->flags & QN_CANDIDATE_EXIT) != 0;
        here |= x->weight != 0 && qn_candidate_exits_to(x, c->wish->port) &&
                (c->wish->country[0] == '\0' || memcmp(x->country, c->wish->country, 2) == 0);
    }
    if (!exits)
        return "no exit is listed";
    if (!here)
        return "no exit is listed for that port and country";
    return "too few relays are listed besides the exits, or all are of one family";
}

qn_err qn_path_choose(qn_path *out, qn_env *env, const qn_candidate *v, size_t n,
                      const qn_path_wish *wish, const char **lacks)
{
    /* what is kept apart, from everything to what is never given up */
    static const uint8_t rules[] = {QN_APART_ALL, QN_APART_ALL & ~QN_APART_COUNTRY,
                                    QN_APART_FAMILY | QN_APART_PREFIX, QN_APART_FAMILY};
    choice c = {.env = env, .v = v, .n = n, .wish = wish};
    qn_path got;

    QN_ASSERT(wish->hops >= 1 && wish->hops <= QN_HOPS_MAX && n <= 65536);
    for (unsigned i = 0; i < 2 * QN_LEN(rules); i++) {
        c.tired = i >= QN_LEN(rules);
        c.apart = wish->apart & rules[i % QN_LEN(rules)];
        if (attempt(&got, &c, false) || (wish->hops > 1 && attempt(&got, &c, true))) {
            if (got.hop[0].reason == QN_HOP_NEW_GUARD)
                qn_guards_keep(wish->guards, env, &v[got.hop[0].at].id);
            *out = got;
            return QN_OK;
        }
    }
    *lacks = lacking(&c);
    return QN_NOPATH;
}

const char *qn_hop_reason_text(qn_hop_reason reason)
{
    switch (reason) {
    case QN_HOP_GUARD:
        return "our guard";
    case QN_HOP_NEW_GUARD:
        return "drawn by weight, and our guard from now on";
    case QN_HOP_INVITED:
        return "it invited us";
    case QN_HOP_DRAWN:
        break;
    }
    return "drawn by weight";
}

void qn_path_explain(const qn_path *p, const qn_candidate *v, unsigned i, char *out, size_t cap)
{
    const struct qn_path_hop *hop = &p->hop[i];
    const qn_candidate *x = &v[hop->at];

    (void)snprintf(out, cap, "%s: one of %u that fitted, with %u.%u %% of their weight%s%s",
                   qn_hop_reason_text(hop->reason), hop->fitting, hop->share / 10000,
                   hop->share / 1000 % 10, x->country[0] != '\0' ? ", in " : "", x->country);
}

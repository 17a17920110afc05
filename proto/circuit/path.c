#include "circuit/path.h"

typedef struct choice {
    qn_env *env;
    const qn_candidate *v;
    size_t n;
    const qn_peerid *self;
    const uint32_t *taken; /* indices chosen so far */
    unsigned taken_n;
} choice;

static bool fits(const choice *c, size_t i, uint8_t flag)
{
    const qn_candidate *x = &c->v[i];

    if ((x->flags & flag) == 0 || x->weight == 0 || qn_peerid_equal(&x->id, c->self))
        return false;
    for (unsigned k = 0; k < c->taken_n; k++)
        if (qn_peerid_equal(&x->id, &c->v[c->taken[k]].id))
            return false;
    return true;
}

/* One draw by weight among those that fit and are used least. */
static bool draw(const choice *c, uint8_t flag, uint32_t *out)
{
    uint32_t least = UINT32_MAX, sum = 0, at;
    bool any = false;

    for (size_t i = 0; i < c->n; i++)
        if (fits(c, i, flag)) {
            any = true;
            least = QN_MIN(least, c->v[i].used);
        }
    if (!any)
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (fits(c, i, flag) && c->v[i].used == least)
            sum += c->v[i].weight; /* at most 2^16 of less than 2^16 each */
    at = qn_rng_below(c->env, sum);
    for (size_t i = 0; i < c->n; i++) {
        if (!fits(c, i, flag) || c->v[i].used != least)
            continue;
        if (at < c->v[i].weight) {
            *out = (uint32_t)i;
            return true;
        }
        at -= c->v[i].weight;
    }
    return false;
}

qn_err qn_path_choose(qn_env *env, const qn_candidate *v, size_t n, const qn_peerid *self,
                      unsigned hops, uint32_t out[QN_HOPS_MAX], const char **lacks)
{
    static const char *const relays[] = {"an exit and a relay are listed, but no second relay",
                                         "an exit is listed, but no relay besides it"};
    uint32_t taken[QN_HOPS_MAX];
    choice c = {.env = env, .v = v, .n = n, .self = self, .taken = taken};

    QN_ASSERT(hops >= 1 && hops <= QN_HOPS_MAX && n <= 65536);
    if (!draw(&c, QN_CANDIDATE_EXIT, &taken[0])) {
        *lacks = "no exit is listed";
        return QN_NOPATH;
    }
    out[hops - 1] = taken[0];
    for (c.taken_n = 1; c.taken_n < hops; c.taken_n++) {
        if (!draw(&c, QN_CANDIDATE_RELAY, &taken[c.taken_n])) {
            *lacks = relays[c.taken_n == 1];
            return QN_NOPATH;
        }
        out[c.taken_n - 1] = taken[c.taken_n];
    }
    return QN_OK;
}

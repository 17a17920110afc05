#include "path/guard.h"

#include "base/cbor.h"

#define GUARD_DAY 86400
/* A guard is kept for 270 to 450 days: a year in the mean, and nobody's ends on a known day. */
enum { GUARD_DAYS_MIN = 270, GUARD_DAYS_SPREAD = 180, GUARD_BLUR_DAYS = 10 };
#define GUARD_UNLISTED_S (20 * GUARD_DAY)
enum { GUARD_VERSION = 1, GUARD_FIELDS = 5 };

/* How long one that failed is left alone; the last value stands for all further ones. */
static const uint32_t patience_s[] = {0, 10, 60, 600, 3600, 6 * 3600};
enum { GUARDS_AT_ONCE = 4, GUARD_HOPELESS = 3 };

void qn_guards_init(qn_guards *g, uint8_t flag)
{
    *g = (qn_guards){.flag = flag};
}

static qn_guard *find(qn_guards *g, const qn_peerid *id)
{
    for (unsigned i = 0; i < g->n; i++)
        if (qn_peerid_equal(&g->v[i].id, id))
            return &g->v[i];
    return NULL;
}

bool qn_guards_has(const qn_guards *g, const qn_peerid *id)
{
    for (unsigned i = 0; i < g->n; i++)
        if (qn_peerid_equal(&g->v[i].id, id))
            return true;
    return false;
}

bool qn_guards_full(const qn_guards *g)
{
    return g->n == QN_GUARDS_MAX;
}

static size_t listed_at(const qn_candidate *v, size_t n, const qn_peerid *id)
{
    for (size_t i = 0; i < n; i++)
        if (qn_peerid_equal(&v[i].id, id))
            return i;
    return n;
}

static bool is_over(const qn_guard *x, int64_t wall)
{
    return wall >= x->until || (x->unlisted != 0 && wall - x->unlisted >= GUARD_UNLISTED_S);
}

void qn_guards_review(qn_guards *g, const qn_env *env, const qn_candidate *v, size_t n)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < g->n; i++) {
        qn_guard x = g->v[i];
        int64_t was = x.unlisted;

        if (listed_at(v, n, &x.id) < n)
            x.unlisted = 0;
        else if (x.unlisted == 0)
            x.unlisted = env->wall;
        g->changed |= was != x.unlisted || is_over(&x, env->wall);
        if (!is_over(&x, env->wall))
            g->v[kept++] = x;
    }
    g->n = (uint8_t)kept;
}

/* Confirmed ones keep their order; this one follows the last of them. */
static void confirm(qn_guards *g, qn_guard *x)
{
    qn_guard moved = *x;
    qn_guard *to = g->v;

    while (to < x && to->confirmed)
        to++;
    memmove(to + 1, to, (size_t)(x - to) * sizeof *to);
    moved.confirmed = true;
    *to = moved;
    g->changed = true;
}

void qn_guards_worked(qn_guards *g, const qn_peerid *id)
{
    qn_guard *x = find(g, id);

    if (x == NULL)
        return;
    x->failures = 0;
    x->retry = 0;
    if (!x->confirmed)
        confirm(g, x);
}

void qn_guards_failed(qn_guards *g, const qn_env *env, const qn_peerid *id)
{
    qn_guard *x = find(g, id);

    if (x == NULL || env->now < x->retry)
        return; /* tried for want of a better one: its failing again so soon says nothing new */
    x->retry = env->now + patience_s[x->failures] * QN_SEC;
    if (x->failures < QN_LEN(patience_s) - 1)
        x->failures++;
}

/* When so many fail, it is more likely our own network that is down, or a censor who wants to see
 * whom we try next: only guards that have failed for a while make room for new ones. */
static bool is_outage(const qn_guards *g)
{
    unsigned failing = 0;

    for (unsigned i = 0; i < g->n; i++)
        failing += g->v[i].failures > 0 && g->v[i].failures < GUARD_HOPELESS;
    return failing >= GUARDS_AT_ONCE;
}

size_t qn_guards_pick(const qn_guards *g, const qn_env *env, const qn_candidate *v, size_t n,
                      qn_guard_fits *fits, const void *ctx)
{
    qn_time soonest = QN_NEVER;
    size_t next = n;

    for (unsigned i = 0; i < g->n; i++) {
        const qn_guard *x = &g->v[i];
        size_t at = x->unlisted != 0 ? n : listed_at(v, n, &x->id);

        if (at == n || (v[at].flags & g->flag) == 0 || !fits(ctx, at))
            continue;
        if (x->retry <= env->now)
            return at;
        if (x->retry < soonest) {
            soonest = x->retry;
            next = at;
        }
    }
    return is_outage(g) ? next : n;
}

void qn_guards_keep(qn_guards *g, qn_env *env, const qn_peerid *id)
{
    int64_t blur = (int64_t)qn_rng_below(env, GUARD_BLUR_DAYS * GUARD_DAY);
    int64_t days = GUARD_DAYS_MIN + (int64_t)qn_rng_below(env, GUARD_DAYS_SPREAD);

    QN_ASSERT(!qn_guards_full(g) && !qn_guards_has(g, id));
    g->v[g->n++] = (qn_guard){.id = *id,
                              .since = env->wall > blur ? env->wall - blur : 0,
                              .until = env->wall + days * GUARD_DAY};
    g->changed = true;
}

/* ---- across restarts --------------------------------------------------------------------------
 */

size_t qn_guards_write(const qn_guards *g, uint8_t out[QN_GUARDS_BYTES])
{
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, QN_GUARDS_BYTES);
    qn_cbor_array(&w, 3);
    qn_cbor_uint(&w, GUARD_VERSION);
    qn_cbor_uint(&w, g->flag);
    qn_cbor_array(&w, g->n);
    for (unsigned i = 0; i < g->n; i++) {
        const qn_guard *x = &g->v[i];

        qn_cbor_array(&w, GUARD_FIELDS);
        qn_cbor_bytes(&w, x->id.b, sizeof x->id.b);
        qn_cbor_uint(&w, (uint64_t)x->since);
        qn_cbor_uint(&w, (uint64_t)x->until);
        qn_cbor_uint(&w, (uint64_t)x->unlisted);
        qn_cbor_bool(&w, x->confirmed);
    }
    QN_ASSERT(w.err == QN_OK);
    return w.n;
}

static int64_t get_time(qn_cbor_r *r)
{
    uint64_t t = qn_cbor_get_uint(r);

    if (t > (uint64_t)1 << 40 && r->err == QN_OK)
        r->err = QN_PROTO;
    return (int64_t)t;
}

static void get_guard(qn_cbor_r *r, qn_guards *g)
{
    qn_guard x = {0};

    if (qn_cbor_get_array(r) != GUARD_FIELDS && r->err == QN_OK)
        r->err = QN_PROTO;
    qn_cbor_get_fixed(r, x.id.b, sizeof x.id.b);
    x.since = get_time(r);
    x.until = get_time(r);
    x.unlisted = get_time(r);
    x.confirmed = qn_cbor_get_bool(r);
    if (r->err == QN_OK && qn_guards_has(g, &x.id))
        r->err = QN_PROTO;
    if (r->err == QN_OK)
        g->v[g->n++] = x;
}

qn_err qn_guards_read(qn_guards *g, uint8_t flag, qn_slice in)
{
    qn_guards got = {.flag = flag};
    qn_cbor_r r;
    uint64_t n;
    qn_err err;

    qn_cbor_r_init(&r, in.p, in.n);
    if (qn_cbor_get_array(&r) != 3 && r.err == QN_OK)
        r.err = QN_PROTO;
    if (qn_cbor_get_uint(&r) != GUARD_VERSION && r.err == QN_OK)
        r.err = QN_VERSION;
    if (qn_cbor_get_uint(&r) != flag && r.err == QN_OK)
        r.err = QN_PROTO;
    n = qn_cbor_get_array(&r);
    if (n > QN_GUARDS_MAX && r.err == QN_OK)
        r.err = QN_LIMIT;
    for (uint64_t i = 0; i < n && r.err == QN_OK; i++)
        get_guard(&r, &got);
    err = qn_cbor_end(&r);
    if (err == QN_OK)
        *g = got;
    return err;
}

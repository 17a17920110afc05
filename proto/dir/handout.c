#include "qnet/handout.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/siphash.h"

enum { DAY = 86400 };

/* ---- the shelves ----------------------------------------------------------------------------- */

/* The key's second half orders the shelves, its first chooses. */
static uint64_t rank(const qn_secret32 *key, const qn_peerid *e)
{
    return qn_siphash(key->b + 16, qn_slice_of(e->b, sizeof e->b));
}

static bool before(const qn_secret32 *key, const qn_peerid *x, const qn_peerid *y)
{
    uint64_t a = rank(key, x), b = rank(key, y);

    return a != b ? a < b : memcmp(x->b, y->b, sizeof x->b) < 0;
}

static void swap(qn_peerid *x, qn_peerid *y)
{
    qn_peerid was = *x;

    *x = *y;
    *y = was;
}

/* Of a heap with its last at the top, the i-th moves down to its place. */
static void sink(const qn_secret32 *key, qn_peerid *v, uint32_t i, uint32_t n)
{
    for (uint32_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && before(key, &v[child], &v[child + 1]))
            child++;
        if (!before(key, &v[i], &v[child]))
            return;
        swap(&v[i], &v[child]);
        i = child;
    }
}

/* Heapsort: libc's qsort may allocate, and a pool may be in an order somebody chose. */
void qn_handout_arrange(const qn_secret32 *key, qn_peerid *entries, uint32_t n)
{
    for (uint32_t i = n / 2; i-- > 0;)
        sink(key, entries, i, n);
    for (uint32_t end = n; end > 1;) {
        swap(&entries[0], &entries[--end]);
        sink(key, entries, 0, end);
    }
}

uint32_t qn_handout_young(const qn_handout_policy *p, uint32_t n)
{
    uint32_t share = (uint32_t)((uint64_t)n * QN_MIN(p->young_percent, 100u) / 100);

    return n > 0 ? QN_MAX(share, 1u) : 0;
}

/* ---- choosing -------------------------------------------------------------------------------- */

static uint64_t score(const qn_secret32 *key, uint64_t account, uint32_t turn, const qn_peerid *e)
{
    uint8_t text[8 + 4 + sizeof e->b];

    qn_put64(text, account);
    qn_put32(text + 8, turn);
    memcpy(text + 12, e->b, sizeof e->b);
    return qn_siphash(key->b, qn_slice_of(text, sizeof text));
}

#define NONE UINT32_MAX

static uint32_t best(const qn_secret32 *key, uint64_t account, uint32_t turn,
                     const qn_peerid *entries, uint32_t from, uint32_t to, uint32_t but)
{
    uint64_t highest = 0;
    uint32_t at = NONE;

    for (uint32_t i = from; i < to; i++) {
        uint64_t s = score(key, account, turn, &entries[i]);

        if (i != but && (at == NONE || s > highest)) {
            highest = s;
            at = i;
        }
    }
    return at;
}

/* Each turn's is another than the last turn's, as far as this shelf has another: what was just
 * lost does not come back. */
static uint32_t choose(const qn_secret32 *key, uint64_t account, uint32_t turn,
                       const qn_peerid *entries, uint32_t from, uint32_t to)
{
    uint32_t at = best(key, account, 0, entries, from, to, NONE);

    for (uint32_t t = 1; t <= turn && to - from > 1; t++)
        at = best(key, account, t, entries, from, to, at);
    return at;
}

/* What the account is from now on. */
static qn_err judge(const qn_handout_policy *p, qn_handout_account *a, bool lost, int64_t wall)
{
    bool fresh = a->since == 0;

    if (fresh)
        *a = (qn_handout_account){.since = wall, .given = wall};
    if (fresh || !lost) {
        bool old = wall - a->since >= (int64_t)p->young_days * DAY;

        if (old && !a->old)
            a->given = wall;
        a->old = old || a->old;
        return QN_OK;
    }
    if (wall - a->given < (int64_t)p->every_days * DAY)
        return QN_QUOTA;
    *a = (qn_handout_account){.since = wall, .given = wall, .turn = a->turn + 1};
    return QN_OK;
}

qn_err qn_handout_pick(const qn_secret32 *key, const qn_handout_policy *p, qn_handout_account *a,
                       qn_slice name, bool lost, int64_t wall, const qn_peerid *entries, uint32_t n,
                       uint32_t *place)
{
    qn_handout_account then = *a;
    uint32_t young = qn_handout_young(p, n);
    qn_err err;

    if (n == 0)
        return QN_GONE;
    err = judge(p, &then, lost, wall);
    if (err != QN_OK)
        return err;
    /* Where all entries are in the small shelf it is everybody's. */
    *place = choose(key, qn_siphash(key->b, name), then.turn, entries,
                    then.old && young < n ? young : 0, then.old ? n : young);
    *a = then;
    return QN_OK;
}

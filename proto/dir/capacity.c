#include "dir/capacity.h"

#include "base/limits.h"
#include "dir/body.h"
#include "dir/internal.h"

uint16_t qn_capacity_of(uint64_t bytes, qn_time took)
{
    /* in milliseconds, so that no product leaves 64 bits below 2^54 bytes */
    uint64_t ms = QN_MAX(took / QN_MS, (qn_time)1);
    uint64_t share = bytes * 1000 / ms / QN_CAPACITY_STEP;

    return (uint16_t)QN_MAX(QN_MIN(share, (uint64_t)QN_WEIGHT_MAX), (uint64_t)1);
}

uint16_t qn_capacity_unmeasured(const qn_network *net)
{
    return net->lab ? QN_WEIGHT_MAX : QN_CAPACITY_UNMEASURED;
}

/* ---- what all of them say -------------------------------------------------------------------- */

static void insert(uint16_t *v, unsigned n, uint16_t x)
{
    for (; n > 0 && v[n - 1] > x; n--)
        v[n] = v[n - 1];
    v[n] = x;
}

/* Those that were caught signing two lists have no say. */
static uint16_t lower_median(const qn_registry *r, const qn_registration *e)
{
    const uint16_t silence = qn_capacity_unmeasured(r->net);
    uint16_t v[QN_OPERATORS_MAX];
    unsigned n = 0;

    for (unsigned i = 0; i < r->net->operators_n; i++) {
        if ((r->net->distrusted >> i & 1) != 0)
            continue;
        insert(v, n++, e->told[i] != 0 ? e->told[i] : silence);
    }
    return n > 0 ? v[(n - 1) / 2] : silence;
}

void qn_registry_measured(qn_registry *r, const qn_peerid *id, uint8_t operator_index,
                          uint16_t capacity)
{
    qn_registration *e = qn_registry_entry(r, id);
    uint16_t now;

    QN_ASSERT(operator_index < QN_OPERATORS_MAX && capacity >= 1 && capacity <= QN_WEIGHT_MAX);
    if (e == NULL)
        return;
    e->told[operator_index] = capacity;
    if (operator_index == r->me)
        e->measured = ++r->measured;
    now = lower_median(r, e);
    if (now == e->capacity)
        return;
    e->capacity_before = e->capacity;
    e->capacity = now;
    e->capacity_at = r->env->now;
}

/* ---- weights --------------------------------------------------------------------------------- */

/* The busier, the rarer; never nothing. A node can only make itself smaller. */
static uint16_t weight_of(uint16_t capacity, uint16_t load)
{
    uint32_t idle = QN_WEIGHT_MAX - QN_MIN(load, (uint16_t)(QN_WEIGHT_MAX - 1));

    return (uint16_t)QN_MAX(capacity * idle / QN_WEIGHT_MAX, UINT32_C(1));
}

/* Others may not have heard of the last change yet. */
static bool changed_within(const qn_registry *r, const qn_registration *e, qn_time span)
{
    return e->capacity_at != 0 && r->env->now - e->capacity_at < span;
}

uint16_t qn_registry_weight(const qn_registry *r, const qn_registration *e)
{
    uint16_t capacity = changed_within(r, e, r->settle) ? e->capacity_before : e->capacity;

    return weight_of(r->measures ? capacity : QN_WEIGHT_MAX, e->load);
}

typedef struct range {
    uint32_t low, high;
} range;

static void widen(range *x, uint32_t weight)
{
    x->low = QN_MIN(x->low, weight);
    x->high = QN_MAX(x->high, weight);
}

/* A node's last two loads stand for two weights, and operators may be a heartbeat apart. */
static void widen_by_loads(range *x, const qn_registration *e, uint16_t capacity)
{
    widen(x, weight_of(capacity, e->load));
    widen(x, weight_of(capacity, e->load_before));
}

/* What a majority has signed stands for as long as they do not agree on another: an operator that
 * has lost what it was told must not stop the others. */
static void widen_by_list(range *x, const qn_registry *r, const qn_registration *e)
{
    const qn_relay *listed = r->list != NULL ? qn_snapshot_find(r->list, &e->d.id) : NULL;

    if (listed != NULL)
        widen(x, listed->weight);
}

bool qn_registry_weight_fair(const qn_registry *r, const qn_registration *e, uint16_t weight)
{
    range x = {UINT32_MAX, 0};

    widen_by_loads(&x, e, r->measures ? e->capacity : QN_WEIGHT_MAX);
    if (r->measures) {
        if (changed_within(r, e, QN_AGREE_GRACE))
            widen_by_loads(&x, e, e->capacity_before);
        x.low = (x.low + 1) / 2;
        x.high *= 2;
        widen_by_list(&x, r, e);
    }
    return weight >= x.low && weight <= x.high;
}

/* ---- what operators tell each other -----------------------------------------------------------
 */

enum { PAIR_MAX = 1 + 2 + 32 + 3, HEAD_MAX = 5 };

static bool is_news(const qn_registry *r, const qn_registration *e, uint64_t serial)
{
    return e->measured > serial && e->told[r->me] != 0;
}

qn_err qn_measures_write(qn_blob *out, const qn_registry *r, uint64_t serial)
{
    uint32_t count = 0;
    qn_cbor_w w;

    for (uint32_t i = 0; i < r->n; i++)
        count += is_news(r, r->v[i], serial);
    if (count == 0)
        return QN_OK;
    if (qn_blob_new(out, &r->env->mem, HEAD_MAX + (size_t)count * PAIR_MAX) != QN_OK)
        return QN_NOMEM;
    qn_cbor_w_init(&w, out->p, out->cap);
    qn_cbor_array(&w, count);
    for (uint32_t i = 0; i < r->n; i++) {
        const qn_registration *e = r->v[i];

        if (!is_news(r, e, serial))
            continue;
        qn_cbor_array(&w, 2);
        qn_cbor_bytes(&w, e->d.id.b, sizeof e->d.id.b);
        qn_cbor_uint(&w, e->told[r->me]);
    }
    QN_ASSERT(w.err == QN_OK);
    out->n = w.n;
    return QN_OK;
}

static uint16_t get_pair(qn_cbor_r *r, qn_peerid *id)
{
    uint16_t capacity;

    if (qn_cbor_get_array(r) != 2 && r->err == QN_OK)
        r->err = QN_PROTO;
    qn_cbor_get_fixed(r, id->b, sizeof id->b);
    capacity = (uint16_t)qn_body_get_below(r, QN_WEIGHT_MAX + 1);
    if (r->err == QN_OK && capacity == 0)
        r->err = QN_PROTO;
    return capacity;
}

static qn_err check(qn_slice in, uint64_t *count)
{
    qn_peerid last = {0}, id;
    qn_cbor_r r;

    qn_cbor_r_init(&r, in.p, in.n);
    *count = qn_cbor_get_array(&r);
    if (r.err == QN_OK && *count > QN_REGISTRY_MAX)
        return QN_LIMIT;
    for (uint64_t i = 0; i < *count && r.err == QN_OK; i++) {
        (void)get_pair(&r, &id);
        if (r.err == QN_OK && i > 0 && memcmp(last.b, id.b, sizeof last.b) >= 0)
            return QN_CANON;
        last = id;
    }
    return r.err == QN_OK ? qn_cbor_end(&r) : r.err;
}

qn_err qn_measures_take(qn_registry *r, uint8_t operator_index, qn_slice in)
{
    uint64_t count;
    qn_cbor_r at;
    qn_err err = operator_index == r->me ? QN_REFUSED : check(in, &count);

    if (err != QN_OK)
        return err;
    qn_cbor_r_init(&at, in.p, in.n);
    (void)qn_cbor_get_array(&at);
    for (uint64_t i = 0; i < count; i++) {
        qn_peerid id;
        uint16_t capacity = get_pair(&at, &id);

        qn_registry_measured(r, &id, operator_index, capacity);
    }
    return QN_OK;
}

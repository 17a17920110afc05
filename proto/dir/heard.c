#include "dir/heard.h"

#include "base/ipjudge.h"

void qn_heard_init(qn_heard *h, qn_env *env)
{
    *h = (qn_heard){.env = env};
}

static void free_entry(qn_heard *h, qn_heard_entry *e)
{
    qn_mem_put(&h->env->mem, (void *)(uintptr_t)e->bytes.p, e->bytes.n);
    qn_mem_put(&h->env->mem, e, sizeof *e);
}

void qn_heard_clear(qn_heard *h)
{
    for (uint32_t i = 0; i < h->n; i++)
        free_entry(h, h->v[i]);
    qn_mem_put(&h->env->mem, h->v, h->cap * sizeof(qn_heard_entry *));
    qn_heard_init(h, h->env);
}

static uint32_t place_of(const qn_heard *h, const qn_peerid *id)
{
    uint32_t i = 0;

    while (i < h->n && !qn_peerid_equal(&h->v[i]->d.id, id))
        i++;
    return i;
}

qn_heard_entry *qn_heard_find(const qn_heard *h, const qn_peerid *id)
{
    uint32_t i = place_of(h, id);

    return i < h->n ? h->v[i] : NULL;
}

void qn_heard_remove(qn_heard *h, uint32_t i)
{
    free_entry(h, h->v[i]);
    memmove(h->v + i, h->v + i + 1, (h->n - i - 1) * sizeof(qn_heard_entry *));
    if (--h->n == 0)
        qn_heard_clear(h);
}

bool qn_heard_reached(const qn_heard *h, const qn_heard_entry *e)
{
    return e->reached != 0 && h->env->now - e->reached < QN_HEARD_LIFE;
}

/* ---- who may be in it ------------------------------------------------------------------------ */

static bool of_prefix(const qn_addr *a, const qn_addr *b)
{
    return qn_ip_within(a, b, a->family == 4 ? 24 : 48);
}

/* Addresses that are not global are a lab's, where all nodes may share one. */
static bool within_quotas(const qn_heard *h, const qn_descriptor *d, const qn_peerid *from)
{
    uint32_t prefix = 0, told = 0;

    for (uint32_t i = 0; i < h->n; i++) {
        const qn_heard_entry *e = h->v[i];

        if (e->listed)
            continue;
        prefix += of_prefix(&d->addrs[0], &e->d.addrs[0]);
        told += qn_peerid_equal(&e->from, from) && !qn_heard_reached(h, e);
    }
    return told < QN_HEARD_PER_TELLER && (prefix < QN_QUOTA_PREFIX || !qn_ip_global(&d->addrs[0]));
}

/* The oldest that no list names and nobody has reached gives way; then nobody does. */
static bool make_way(qn_heard *h)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (!h->v[i]->listed && !qn_heard_reached(h, h->v[i])) {
            qn_heard_remove(h, i);
            return true;
        }
    return false;
}

static qn_err grow(qn_heard *h)
{
    uint32_t cap = QN_MAX(h->cap * 2, 8u);
    qn_heard_entry **v;

    if (h->n < h->cap)
        return QN_OK;
    v = qn_mem_get(&h->env->mem, cap * sizeof *v);
    if (v == NULL)
        return QN_NOMEM;
    if (h->n > 0)
        memcpy(v, h->v, h->n * sizeof *v);
    qn_mem_put(&h->env->mem, h->v, h->cap * sizeof *v);
    h->v = v;
    h->cap = cap;
    return QN_OK;
}

/* ---- adding ---------------------------------------------------------------------------------- */

/* The card lies in the bytes: as we keep them. */
static qn_heard_entry *new_entry(qn_heard *h, const qn_descriptor *d, qn_slice bytes)
{
    qn_heard_entry *e = qn_mem_get(&h->env->mem, sizeof *e);
    uint8_t *copy = e != NULL ? qn_mem_get(&h->env->mem, bytes.n) : NULL;

    if (copy == NULL) {
        qn_mem_put(&h->env->mem, e, sizeof *e);
        return NULL;
    }
    memcpy(copy, bytes.p, bytes.n);
    e->d = *d;
    e->bytes = qn_slice_of(copy, bytes.n);
    if (d->card.n > 0)
        e->d.card.p = copy + (d->card.p - bytes.p);
    return e;
}

static qn_err compare(const qn_heard_entry *old, const qn_descriptor *d, qn_slice bytes)
{
    if (d->sequence < old->d.sequence)
        return QN_STALE;
    if (d->sequence > old->d.sequence)
        return QN_SHORT;
    return old->bytes.n == bytes.n && memcmp(old->bytes.p, bytes.p, bytes.n) == 0 ? QN_OK
                                                                                  : QN_REFUSED;
}

qn_err qn_heard_add(qn_heard *h, const qn_descriptor *d, qn_slice bytes, const qn_peerid *from,
                    bool listed)
{
    uint32_t at = place_of(h, &d->id);
    qn_heard_entry *old = at < h->n ? h->v[at] : NULL, *e;
    qn_err err = qn_descriptor_valid(d, h->env->wall);

    if (err == QN_OK && old != NULL) {
        err = compare(old, d, bytes);
        if (err != QN_SHORT)
            return err;
        err = QN_OK;
    } else if (err == QN_OK && !listed && !within_quotas(h, d, from)) {
        err = QN_QUOTA;
    }
    if (err == QN_OK && old == NULL && h->n >= QN_HEARD_MAX && !make_way(h))
        err = QN_BUSY;
    if (err == QN_OK)
        err = grow(h);
    e = err == QN_OK ? new_entry(h, d, bytes) : NULL;
    if (e == NULL)
        return err == QN_OK ? QN_NOMEM : err;
    e->from = *from;
    e->listed = listed;
    h->v[h->n++] = e;
    if (old != NULL) {
        e->reached = qn_descriptor_same_place(&old->d, d) ? old->reached : 0;
        e->from = old->from;
        qn_heard_remove(h, at);
    }
    return QN_OK;
}

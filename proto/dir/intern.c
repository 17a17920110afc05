#include "dir/internal.h"

#include "base/limits.h"

struct qn_intern *qn_intern_new(qn_mem *mem)
{
    struct qn_intern *t = qn_mem_get(mem, sizeof *t);

    if (t != NULL)
        t->mem = mem;
    return t;
}

/* Removes the oldest snapshot nobody holds. False: every one is in use. */
static bool evict(struct qn_intern *t)
{
    qn_snapshot **oldest = NULL, *s;

    for (qn_snapshot **at = &t->first; *at != NULL; at = &(*at)->next)
        if ((*at)->refs == 0)
            oldest = at;
    if (oldest == NULL)
        return false;
    s = *oldest;
    *oldest = s->next;
    t->stats.held--;
    qn_snapshot_free(s);
    return true;
}

void qn_intern_free(struct qn_intern *t)
{
    if (t == NULL)
        return;
    while (evict(t))
        continue;
    QN_ASSERT(t->first == NULL && t->shared == NULL); /* every node that shared it is gone */
    qn_mem_put(t->mem, t, sizeof *t);
}

qn_snapshot *qn_intern_find(struct qn_intern *t, const qn_network *net, const qn_hash *hash)
{
    for (qn_snapshot *s = t->first; s != NULL; s = s->next)
        if (memcmp(s->hash.b, hash->b, sizeof hash->b) == 0 &&
            memcmp(s->network, net->id, sizeof s->network) == 0 && s->root == net->root)
            return s;
    return NULL;
}

void *qn_intern_get(struct qn_intern *t, size_t n)
{
    void *p;

    do
        p = qn_mem_get(t->mem, n);
    while (p == NULL && evict(t));
    return p;
}

void qn_intern_add(struct qn_intern *t, qn_snapshot *s)
{
    if (t->stats.held == QN_INTERN_MAX && !evict(t))
        return;
    s->intern = t;
    s->next = t->first;
    t->first = s;
    t->stats.held++;
}

void qn_intern_stats_get(const struct qn_intern *t, qn_intern_stats *out)
{
    *out = t->stats;
}

qn_mem *qn_intern_mem(const struct qn_intern *t)
{
    return t->mem;
}

qn_shared *qn_shared_find(struct qn_intern *t, const qn_hash *key)
{
    qn_shared *s = t != NULL ? t->shared : NULL;

    while (s != NULL && memcmp(s->key.b, key->b, sizeof key->b) != 0)
        s = s->next;
    if (s != NULL)
        s->refs++;
    return s;
}

void qn_shared_add(struct qn_intern *t, qn_shared *s)
{
    s->refs = 1;
    if (t == NULL || t->stats.shared == QN_INTERN_SHARED_MAX)
        return;
    s->intern = t;
    s->next = t->shared;
    t->shared = s;
    t->stats.shared++;
}

bool qn_shared_drop(qn_shared *s)
{
    qn_shared **at;

    QN_ASSERT(s->refs > 0);
    if (--s->refs > 0)
        return false;
    if (s->intern == NULL)
        return true;
    for (at = &s->intern->shared; *at != s; at = &(*at)->next)
        continue;
    *at = s->next;
    s->intern->stats.shared--;
    return true;
}

#include "base/map.h"

enum { FIRST_CAP = 8 };

void qn_map_init(qn_map *m, uint64_t seed)
{
    *m = (qn_map){.seed = seed | 1};
}

/* splitmix64's finaliser over the keyed value. */
static uint32_t slot_of(const qn_map *m, uint64_t key)
{
    uint64_t z = (key ^ m->seed) * UINT64_C(0x9e3779b97f4a7c15) + m->seed;

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z ^ (z >> 31)) & (m->cap - 1);
}

static qn_map_slot *find(const qn_map *m, uint64_t key)
{
    uint32_t i = slot_of(m, key);

    while (m->v[i].value != NULL && m->v[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->v[i];
}

void *qn_map_get(const qn_map *m, uint64_t key)
{
    return m->cap ? find(m, key)->value : NULL;
}

static qn_err grow(qn_map *m, qn_mem *mem)
{
    qn_map old = *m;

    m->cap = old.cap ? old.cap * 2 : FIRST_CAP;
    m->v = qn_mem_get(mem, m->cap * sizeof *m->v);
    if (m->v == NULL) {
        *m = old;
        return QN_NOMEM;
    }
    for (uint32_t i = 0; i < old.cap; i++)
        if (old.v[i].value != NULL)
            *find(m, old.v[i].key) = old.v[i];
    qn_mem_put(mem, old.v, old.cap * sizeof *old.v);
    return QN_OK;
}

qn_err qn_map_set(qn_map *m, qn_mem *mem, uint64_t key, void *value)
{
    qn_map_slot *s = m->cap ? find(m, key) : NULL;

    QN_ASSERT(value != NULL);
    if (s == NULL || s->value == NULL) {
        if (m->n + 1 > m->cap / 4 * 3) {
            qn_err err = grow(m, mem);

            if (err != QN_OK)
                return err;
            s = find(m, key);
        }
        m->n++;
    }
    *s = (qn_map_slot){.key = key, .value = value};
    return QN_OK;
}

void qn_map_del(qn_map *m, qn_mem *mem, uint64_t key)
{
    qn_map_slot *s;
    uint32_t hole, i;

    if (m->cap == 0)
        return;
    s = find(m, key);
    if (s->value == NULL)
        return;
    if (--m->n == 0) {
        qn_map_clear(m, mem);
        return;
    }
    /* Close the gap (Knuth 6.4, algorithm R): move back every entry whose home is not between. */
    hole = (uint32_t)(s - m->v);
    for (i = (hole + 1) & (m->cap - 1); m->v[i].value != NULL; i = (i + 1) & (m->cap - 1)) {
        uint32_t home = slot_of(m, m->v[i].key);

        if (((i - home) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
            m->v[hole] = m->v[i];
            hole = i;
        }
    }
    m->v[hole].value = NULL;
}

void qn_map_clear(qn_map *m, qn_mem *mem)
{
    qn_mem_put(mem, m->v, m->cap * sizeof *m->v);
    m->v = NULL;
    m->cap = m->n = 0;
}

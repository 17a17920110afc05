#include "exit/slots.h"

void qn_slots_init(qn_slots *s, uint32_t max, uint32_t max_per_source, uint64_t seed)
{
    *s = (qn_slots){.max = max, .max_per_source = max_per_source};
    qn_map_init(&s->by_id, seed);
}

static qn_source *new_source(qn_slots *s, qn_mem *mem, uint64_t id)
{
    qn_source *source = qn_mem_get(mem, sizeof *source);

    if (source == NULL)
        return NULL;
    if (qn_map_set(&s->by_id, mem, id, source) != QN_OK) {
        qn_mem_put(mem, source, sizeof *source);
        return NULL;
    }
    source->id = id;
    source->next = s->first;
    if (s->first != NULL)
        s->first->prev = source;
    s->first = source;
    return source;
}

static void free_source(qn_slots *s, qn_mem *mem, qn_source *source)
{
    if (source->prev != NULL)
        source->prev->next = source->next;
    else
        s->first = source->next;
    if (source->next != NULL)
        source->next->prev = source->prev;
    qn_map_del(&s->by_id, mem, source->id);
    qn_mem_put(mem, source, sizeof *source);
}

qn_err qn_slots_take(qn_slots *s, qn_mem *mem, uint64_t id)
{
    qn_source *source = qn_map_get(&s->by_id, id);

    if (s->n >= s->max || (source != NULL && source->n >= s->max_per_source))
        return QN_BUSY;
    if (source == NULL)
        source = new_source(s, mem, id);
    if (source == NULL)
        return QN_NOMEM;
    source->n++;
    s->n++;
    return QN_OK;
}

void qn_slots_give(qn_slots *s, qn_mem *mem, uint64_t id)
{
    qn_source *source = qn_map_get(&s->by_id, id);

    QN_ASSERT(source != NULL);
    s->n--;
    if (--source->n == 0)
        free_source(s, mem, source);
}

void qn_slots_clear(qn_slots *s, qn_mem *mem)
{
    while (s->first != NULL)
        free_source(s, mem, s->first);
    s->n = 0;
}

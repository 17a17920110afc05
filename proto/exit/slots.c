#include "exit/slots.h"

#include "base/bytes.h"

enum { NAME = 3 }; /* qn_dest.type */

void qn_slots_init(qn_slots *s, const qn_slots_limits *limits, uint64_t seed)
{
    *s = (qn_slots){.limits = *limits, .seed = seed};
    qn_map_init(&s->sources.by_id, seed);
    qn_map_init(&s->entries.by_id, seed);
    qn_map_init(&s->dests.by_id, seed);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static qn_count *find(const qn_counts *t, uint64_t id)
{
    return qn_map_get(&t->by_id, id);
}

static qn_count *find_or_make(qn_counts *t, qn_mem *mem, uint64_t id)
{
    qn_count *c = find(t, id);

    if (c != NULL)
        return c;
    c = qn_mem_get(mem, sizeof *c);
    if (c == NULL)
        return NULL;
    if (qn_map_set(&t->by_id, mem, id, c) != QN_OK) {
        qn_mem_put(mem, c, sizeof *c);
        return NULL;
    }
    c->id = id;
    c->next = t->first;
    if (t->first != NULL)
        t->first->prev = c;
    t->first = c;
    return c;
}

static void drop(qn_counts *t, qn_mem *mem, qn_count *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        t->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    qn_map_del(&t->by_id, mem, c->id);
    qn_mem_put(mem, c, sizeof *c);
}

static void drop_if_idle(qn_counts *t, qn_mem *mem, qn_count *c)
{
    if (c != NULL && c->n == 0 && !c->kept)
        drop(t, mem, c);
}

static void give(qn_counts *t, qn_mem *mem, uint64_t id)
{
    qn_count *c = find(t, id);

    QN_ASSERT(c != NULL && c->n > 0);
    c->n--;
    drop_if_idle(t, mem, c);
}

static bool at_limit(const qn_count *c, uint32_t limit)
{
    return limit != 0 && c->n >= limit;
}

/* ---- taking and giving ----------------------------------------------------------------------- */

/* FNV-1a over what names a destination, begun with a secret and the source: nobody can choose
 * another's place. Letter case and a last dot make no other destination. */
static uint64_t dest_id(const qn_slots *s, uint64_t source, const qn_dest *d)
{
    const uint64_t prime = UINT64_C(0x100000001b3);
    size_t n = d->type == NAME ? d->name_len : sizeof d->ip;
    uint64_t h = (s->seed ^ source) * prime ^ UINT64_C(0xcbf29ce484222325);

    if (d->type == NAME && n > 0 && d->name[n - 1] == '.')
        n--;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = d->type == NAME ? (uint8_t)d->name[i] : d->ip[i];

        if (d->type == NAME && c >= 'A' && c <= 'Z')
            c = (uint8_t)(c - 'A' + 'a');
        h = (h ^ c) * prime;
    }
    h = (h ^ (d->port & 0xff)) * prime;
    h = (h ^ (d->port >> 8)) * prime;
    return (h ^ d->type) * prime;
}

static qn_err judge(qn_slots *s, qn_count *source, const qn_count *entry, const qn_count *dest,
                    qn_time now)
{
    const qn_slots_limits *l = &s->limits;
    bool often = qn_rate_wait(&source->requests, &l->requests, now) != 0;

    if (often)
        return QN_LIMIT;
    qn_rate_spend(&source->requests, &l->requests, 1);
    if (at_limit(source, l->per_source) || at_limit(dest, l->per_dest))
        return QN_LIMIT;
    return s->n >= l->all || at_limit(entry, l->per_entry) ? QN_BUSY : QN_OK;
}

qn_err qn_slots_take(qn_slots *s, qn_mem *mem, qn_time now, qn_slot *slot, const qn_dest *d)
{
    uint64_t id = dest_id(s, slot->source, d);
    qn_count *source = find_or_make(&s->sources, mem, slot->source);
    qn_count *entry = find_or_make(&s->entries, mem, slot->entry);
    qn_count *dest = find_or_make(&s->dests, mem, id);
    qn_err err = QN_NOMEM;

    if (source != NULL)
        source->kept = true;
    if (source != NULL && entry != NULL && dest != NULL)
        err = judge(s, source, entry, dest, now);
    if (err == QN_OK) {
        slot->dest = id;
        slot->held = true;
        source->n++;
        entry->n++;
        dest->n++;
        s->n++;
        return QN_OK;
    }
    drop_if_idle(&s->entries, mem, entry);
    drop_if_idle(&s->dests, mem, dest);
    return err;
}

void qn_slots_give(qn_slots *s, qn_mem *mem, qn_slot *slot)
{
    if (!slot->held)
        return;
    slot->held = false;
    s->n--;
    give(&s->sources, mem, slot->source);
    give(&s->entries, mem, slot->entry);
    give(&s->dests, mem, slot->dest);
}

void qn_slots_forget(qn_slots *s, qn_mem *mem, uint64_t id)
{
    qn_count *source = find(&s->sources, id);

    if (source == NULL)
        return;
    source->kept = false;
    drop_if_idle(&s->sources, mem, source);
}

static void clear(qn_counts *t, qn_mem *mem)
{
    while (t->first != NULL)
        drop(t, mem, t->first);
}

void qn_slots_clear(qn_slots *s, qn_mem *mem)
{
    clear(&s->sources, mem);
    clear(&s->entries, mem);
    clear(&s->dests, mem);
    s->n = 0;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

qn_time qn_slots_wait(qn_slots *s, const qn_slot *slot, qn_time now)
{
    qn_count *source = find(&s->sources, slot->source);
    qn_time all = qn_rate_wait(&s->together, &s->limits.bytes_together, now);
    qn_time own = 0;

    if (source != NULL)
        own = qn_rate_wait(&source->bytes, &s->limits.bytes, now);
    return QN_MAX(all, own);
}

void qn_slots_moved(qn_slots *s, const qn_slot *slot, uint64_t bytes)
{
    qn_count *source = find(&s->sources, slot->source);

    qn_rate_spend(&s->together, &s->limits.bytes_together, bytes);
    if (source != NULL)
        qn_rate_spend(&source->bytes, &s->limits.bytes, bytes);
}

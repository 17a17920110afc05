#include "node/conns.h"

/* A conn is slot | generation << 17: a stale name meets another generation and finds nothing. Slots
 * are used in turn, so that no one's coming and going brings a name back soon: a late answer to
 * his query would be taken for somebody else's. */
enum { SLOT_BITS = 17, SLOT_MASK = (1 << SLOT_BITS) - 1, GENERATIONS = 1 << (32 - SLOT_BITS) };

_Static_assert(QN_CONNS_MAX < SLOT_MASK, "slots fit their bits");

static qn_conn name_of(const conns *t, uint32_t slot)
{
    return slot | (qn_conn)t->v[slot].generation << SLOT_BITS;
}

static void free_slot(conns *t, uint32_t slot)
{
    t->v[slot].next = 0;
    if (t->free_tail != 0)
        t->v[t->free_tail].next = slot;
    else
        t->free_head = slot;
    t->free_tail = slot;
}

static qn_err grow(conns *t, qn_mem *mem)
{
    uint32_t old = t->cap, cap = old ? QN_MIN(old * 2, (uint32_t)QN_CONNS_MAX + 1) : 8;
    conn *v;

    if (cap == old)
        return QN_BUSY;
    v = qn_mem_get(mem, cap * sizeof *v);
    if (v == NULL)
        return QN_NOMEM;
    if (old > 0)
        memcpy(v, t->v, old * sizeof *v);
    qn_mem_put(mem, t->v, old * sizeof *v);
    t->v = v;
    t->cap = cap;
    for (uint32_t i = QN_MAX(old, 1u); i < cap; i++)
        free_slot(t, i);
    return QN_OK;
}

qn_conn conns_add(conns *t, qn_mem *mem, conn_kind kind, void *owner, uint8_t leg)
{
    uint32_t slot;
    conn *c;

    if (t->free_head == 0 && grow(t, mem) != QN_OK)
        return 0;
    slot = t->free_head;
    c = &t->v[slot];
    t->free_head = c->next;
    if (t->free_head == 0)
        t->free_tail = 0;
    *c = (conn){.owner = owner,
                .kind = (uint8_t)kind,
                .leg = leg,
                .generation = (uint16_t)((c->generation + 1) % GENERATIONS)};
    t->used++;
    return name_of(t, slot);
}

conn *conns_get(const conns *t, qn_conn c)
{
    uint32_t slot = c & SLOT_MASK;

    if (slot == 0 || slot >= t->cap || t->v[slot].kind == CONN_FREE || name_of(t, slot) != c)
        return NULL;
    return &t->v[slot];
}

/* A listed conn stays in the list until conns_next meets it; only then is its slot free again. */
void conns_forget(conns *t, qn_conn c)
{
    conn *v = conns_get(t, c);

    if (v == NULL)
        return;
    v->kind = CONN_FREE;
    v->owner = NULL;
    v->todo = 0;
    t->used--;
    if (!v->listed)
        free_slot(t, c & SLOT_MASK);
}

void conns_todo(conns *t, qn_conn c, uint16_t todo)
{
    conn *v = conns_get(t, c);
    uint32_t slot = c & SLOT_MASK;

    if (v == NULL)
        return;
    v->todo |= todo;
    if (v->listed)
        return;
    v->listed = true;
    v->next = 0;
    if (t->todo_tail != 0)
        t->v[t->todo_tail].next = slot;
    else
        t->todo_head = slot;
    t->todo_tail = slot;
}

static void unlist_head(conns *t)
{
    uint32_t slot = t->todo_head;
    conn *v = &t->v[slot];

    t->todo_head = v->next;
    if (t->todo_head == 0)
        t->todo_tail = 0;
    v->listed = false;
    v->next = 0;
    if (v->kind == CONN_FREE)
        free_slot(t, slot);
}

bool conns_next(conns *t, qn_conn *c, uint16_t *todo)
{
    while (t->todo_head != 0) {
        conn *v = &t->v[t->todo_head];

        if (v->todo != 0) {
            *c = name_of(t, t->todo_head);
            *todo = (uint16_t)(v->todo & -v->todo);
            v->todo = (uint16_t)(v->todo & (v->todo - 1));
            return true;
        }
        unlist_head(t);
    }
    return false;
}

void conns_clear(conns *t, qn_mem *mem)
{
    qn_mem_put(mem, t->v, t->cap * sizeof *t->v);
    *t = (conns){0};
}

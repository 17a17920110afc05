/*
 * What a node that is dialled keeps to answer with: outlines of the lists it had, and the deltas it
 * made of them to the list of now. A delta is made when somebody first asks for it, and stays while
 * that list is the newest or somebody is being sent it.
 */
#include "node/internal.h"

#define PAST_SIZE (QN_PAST_LISTS * sizeof(qn_outline *))

struct parcel {
    struct parcel *next;
    uint32_t refs; /* answers that send it, and one while it lies on the shelf */
    qn_hash base;
    qn_blob bytes;
};

void parcel_drop(qn_node *n, parcel *p)
{
    if (p == NULL || --p->refs > 0)
        return;
    n->shelf.parcel_bytes -= p->bytes.cap;
    qn_blob_clear(&p->bytes, &n->env->mem);
    qn_mem_put(&n->env->mem, p, sizeof *p);
}

qn_slice parcel_bytes(const parcel *p)
{
    return qn_slice_of(p->bytes.p, p->bytes.n);
}

static void clear_parcels(qn_node *n)
{
    while (n->shelf.parcels != NULL) {
        parcel *p = n->shelf.parcels;

        n->shelf.parcels = p->next;
        parcel_drop(n, p);
    }
}

static void forget_oldest(qn_node *n)
{
    shelf *s = &n->shelf;
    qn_outline *o = s->past[s->first];

    s->past[s->first] = NULL;
    s->first = (s->first + 1) % QN_PAST_LISTS;
    s->n--;
    s->past_bytes -= qn_outline_size(o);
    qn_outline_drop(o);
}

void shelf_clear(qn_node *n)
{
    clear_parcels(n);
    while (n->shelf.n > 0)
        forget_oldest(n);
    qn_mem_put(&n->env->mem, n->shelf.past, PAST_SIZE);
    n->shelf.past = NULL;
}

void shelf_add(qn_node *n, qn_snapshot *old)
{
    shelf *s = &n->shelf;
    qn_outline *o;

    clear_parcels(n);
    if (old == NULL || n->cfg.mode == QN_CLIENT) /* nobody asks it */
        return;
    if (s->past == NULL)
        s->past = qn_mem_get(&n->env->mem, PAST_SIZE);
    o = s->past != NULL ? qn_snapshot_outline(old, n->env) : NULL;
    if (o == NULL) /* who asks from there is sent all of it */
        return;
    while (s->n == QN_PAST_LISTS ||
           (s->n > 0 && s->past_bytes + qn_outline_size(o) > QN_PAST_BYTES))
        forget_oldest(n);
    s->past[(s->first + s->n++) % QN_PAST_LISTS] = o;
    s->past_bytes += qn_outline_size(o);
}

static qn_outline *past(const qn_node *n, const qn_hash *body)
{
    const shelf *s = &n->shelf;

    for (uint32_t i = s->n; i-- > 0;) { /* most ask from a list of not long ago */
        qn_outline *o = s->past[(s->first + i) % QN_PAST_LISTS];

        if (memcmp(o->body.b, body->b, sizeof body->b) == 0)
            return o;
    }
    return NULL;
}

static qn_err make(qn_node *n, const qn_outline *base, qn_blob *packed)
{
    qn_outline *now = qn_snapshot_outline(n->snapshot, n->env);
    qn_blob delta = {0};
    qn_err err = now != NULL ? qn_delta_write(&delta, n->env, base, n->snapshot, now) : QN_NOMEM;

    if (err == QN_OK)
        err = qn_pack(packed, &n->env->mem, qn_slice_of(delta.p, delta.n));
    qn_blob_clear(&delta, &n->env->mem);
    qn_outline_drop(now);
    return err;
}

static parcel *put(qn_node *n, const qn_outline *base)
{
    parcel *p = qn_mem_get(&n->env->mem, sizeof *p);

    if (p == NULL || make(n, base, &p->bytes) != QN_OK) {
        qn_mem_put(&n->env->mem, p, sizeof *p);
        return NULL;
    }
    p->base = base->body;
    p->refs = 1;
    p->next = n->shelf.parcels;
    n->shelf.parcels = p;
    n->shelf.parcel_bytes += p->bytes.cap;
    return p;
}

parcel *shelf_delta(qn_node *n, const qn_hash *body)
{
    parcel *p = n->shelf.parcels;
    qn_outline *base;

    while (p != NULL && memcmp(p->base.b, body->b, sizeof body->b) != 0)
        p = p->next;
    if (p == NULL) {
        base = past(n, body);
        if (base == NULL || n->shelf.parcel_bytes >= QN_PARCEL_BYTES)
            return NULL;
        p = put(n, base);
    }
    if (p != NULL)
        p->refs++;
    return p;
}

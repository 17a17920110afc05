/* Lying hops: what becomes of a cell that one of them sends on. */
#include "liar/internal.h"

#include "base/bytes.h"
#include "link/stream.h"

#include <stdlib.h>

enum { FIRST_CELLS = 24 }; /* of a circuit, among which the one that is lied about is drawn */

typedef struct lane { /* what a lying hop does with one circuit */
    relay *on;
    lie lie;
    bool forward, done;
    uint32_t after; /* cells that pass first */
    qn_piece *held;
    uint32_t held_n, held_cap;
    qn_time since;     /* DELAY: when it began */
    struct lane *next; /* of those that wait for a second circuit */
} lane;

const char *lie_name(lie l)
{
    static const char *const names[LIES] = {
        [LIE_FLIP] = "flip",       [LIE_DROP] = "drop", [LIE_REPLAY] = "replay",
        [LIE_REORDER] = "reorder", [LIE_SWAP] = "swap", [LIE_DELAY] = "delay"};

    return names[l];
}

/* ---- tables ---------------------------------------------------------------------------------- */

void *must_get(size_t n)
{
    void *p = calloc(1, n);

    if (p == NULL)
        abort();
    return p;
}

static entry **slot(const table *t, const void *key)
{
    entry *const *e = &t->bucket[((uintptr_t)key >> 4) % LIAR_BUCKETS];

    while (*e != NULL && (*e)->key != key)
        e = &(*e)->next;
    return (entry **)e;
}

void *table_get(const table *t, const void *key)
{
    const entry *e = *slot(t, key);

    return e != NULL ? e->value : NULL;
}

void table_set(table *t, const void *key, void *value)
{
    entry **at = slot(t, key), *e = *at;

    if (value == NULL) {
        if (e != NULL) {
            *at = e->next;
            free(e);
        }
        return;
    }
    if (e == NULL) {
        e = *at = must_get(sizeof *e);
        e->key = key;
    }
    e->value = value;
}

void table_clear(table *t, void (*each)(void *value))
{
    for (unsigned i = 0; i < LIAR_BUCKETS; i++)
        while (t->bucket[i] != NULL) {
            entry *e = t->bucket[i];

            t->bucket[i] = e->next;
            if (each != NULL)
                each(e->value);
            free(e);
        }
}

place *place_named(const liars *l, const qn_peerid *id)
{
    for (unsigned i = 0; i < LIAR_BUCKETS; i++)
        for (const entry *e = l->places.bucket[i]; e != NULL; e = e->next)
            if (qn_peerid_equal(&((place *)e->value)->id, id))
                return e->value;
    return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void lane_free(void *value)
{
    lane *x = value;

    free(x->held);
    free(x);
}

liars *liars_new(uint64_t seed)
{
    liars *l = must_get(sizeof *l);

    qn_drbg_init(&l->rng, "lying-hops", seed, 0);
    return l;
}

void liars_free(liars *l)
{
    if (liars_now == l)
        liars_now = NULL;
    table_clear(&l->hops, lane_free); /* their nodes are gone, and their cells with them */
    table_clear(&l->places, free);
    table_clear(&l->clients, NULL);
    table_clear(&l->ends, NULL);
    while (l->records != NULL) {
        text_record *r = l->records;

        l->records = r->next;
        free(r->v);
        free(r);
    }
    free(l);
}

void liars_attach(liars *l)
{
    liars_now = l;
}

void liars_know(liars *l, const qn_env *env, const qn_peerid *id)
{
    place *p = table_get(&l->places, env);

    if (p == NULL)
        table_set(&l->places, env, p = must_get(sizeof *p));
    p->id = *id;
}

void liars_set(liars *l, const qn_env *env, uint32_t lies)
{
    place *p = table_get(&l->places, env);

    if (p != NULL)
        p->lies = lies;
}

const liar_counts *liars_counted(const liars *l)
{
    return &l->counts;
}

/* ---- lies ------------------------------------------------------------------------------------ */

qn_err __real_qn_link_send(qn_link *l, uint32_t id, qn_piece piece, bool fin);
qn_err __wrap_qn_link_send(qn_link *l, uint32_t id, qn_piece piece, bool fin);
void __real_qn_hop_clear(qn_hop *h);
void __wrap_qn_hop_clear(qn_hop *h);

static uint32_t draw(liars *l, uint32_t n)
{
    uint8_t b[4];

    qn_drbg_fill(&l->rng, b, sizeof b);
    return qn_get32(b) % n;
}

static lane *lane_new(liars *l, relay *on, uint32_t lies)
{
    lane *x = must_get(sizeof *x);

    x->on = on;
    x->forward = draw(l, 2) == 1;
    x->after = draw(l, FIRST_CELLS);
    do
        x->lie = (lie)draw(l, LIES);
    while ((lies >> x->lie & 1) == 0);
    table_set(&l->hops, &on->hop, x);
    return x;
}

/* Told, about a cell of this circuit: the next honest place is to notice. */
static void told(liars *l, lane *x)
{
    const tie *next = &x->on->next_tie;
    place *p = next->nb != NULL ? place_named(l, &next->nb->id) : NULL;

    x->done = true;
    l->counts.told[x->lie]++;
    if (x->lie == LIE_DELAY)
        return;
    if (!x->forward)
        l->open_back++;
    else if (p != NULL)
        p->open++;
}

static void hold(lane *x, qn_piece cell)
{
    if (x->held_n == x->held_cap) {
        x->held_cap = x->held_cap ? 2 * x->held_cap : 4;
        x->held = realloc(x->held, x->held_cap * sizeof *x->held);
        if (x->held == NULL)
            abort();
    }
    x->held[x->held_n++] = cell;
}

static qn_err again(qn_link *link, uint32_t id, qn_piece cell)
{
    qn_piece twin;
    qn_err err = qn_cell_get(link->env, cell.len, &twin);

    if (err != QN_OK) /* no memory for a lie */
        return __real_qn_link_send(link, id, cell, false);
    memcpy(qn_piece_data(&twin), qn_piece_data(&cell), cell.len);
    err = __real_qn_link_send(link, id, twin, false);
    return err == QN_OK ? __real_qn_link_send(link, id, cell, false) : err;
}

/* The circuit that waits for one to change cells with, in this direction at this node. */
static lane *take_swap(liars *l, const lane *x)
{
    for (lane **at = &l->swaps; *at != NULL; at = &(*at)->next) {
        lane *other = *at;
        const tie *out = x->forward ? &other->on->next_tie : &other->on->prev_tie;

        if (other->on->n == x->on->n && other->forward == x->forward && out->nb != NULL &&
            qn_link_writable(&out->nb->link, out->stream) >= QN_CELL_L + QN_STREAM_HEADER) {
            *at = other->next;
            return other;
        }
    }
    return NULL;
}

/* The first of two keeps its cell, and those behind it, until the second comes. */
static qn_err swap(liars *l, lane *x, qn_link *link, uint32_t id, qn_piece cell)
{
    lane *other = take_swap(l, x);
    const tie *out;

    if (other == NULL) {
        hold(x, cell);
        x->done = true;
        x->next = l->swaps;
        l->swaps = x;
        return QN_OK;
    }
    out = x->forward ? &other->on->next_tie : &other->on->prev_tie;
    told(l, other);
    told(l, x);
    if (__real_qn_link_send(&out->nb->link, out->stream, cell, false) == QN_OK)
        neighbour_touch(out->nb);
    cell = other->held[0];
    memmove(other->held, other->held + 1, --other->held_n * sizeof cell);
    return __real_qn_link_send(link, id, cell, false);
}

static qn_err lie_about(liars *l, lane *x, qn_link *link, uint32_t id, qn_piece cell)
{
    if (x->lie == LIE_SWAP)
        return swap(l, x, link, id, cell);
    told(l, x);
    switch (x->lie) {
    case LIE_FLIP: /* not in the filler, which the end does not read */
        qn_piece_data(&cell)[draw(l, (uint32_t)qn_cell_text(cell.len))] ^= 0x5a;
        break;
    case LIE_DROP:
        qn_block_drop(cell.block);
        return QN_OK;
    case LIE_REPLAY:
        return again(link, id, cell);
    default: /* REORDER, DELAY */
        x->since = link->env->now;
        hold(x, cell);
        return QN_OK;
    }
    return __real_qn_link_send(link, id, cell, false);
}

/* What a circuit sends after the lie. */
static qn_err after_lie(lane *x, qn_link *link, uint32_t id, qn_piece cell)
{
    qn_err err;

    if (x->held_n == 0)
        return __real_qn_link_send(link, id, cell, false);
    if (x->lie == LIE_DELAY || x->lie == LIE_SWAP) {
        hold(x, cell);
        return QN_OK;
    }
    if (qn_link_writable(link, id) < cell.len + x->held[0].len + 2 * QN_STREAM_HEADER) {
        hold(x, cell); /* the stream is full: later */
        return QN_OK;
    }
    err = __real_qn_link_send(link, id, cell, false);
    x->held_n--;
    return err == QN_OK ? __real_qn_link_send(link, id, x->held[x->held_n], false) : err;
}

static const tie *tie_of(const qn_link *link, uint32_t id)
{
    const qn_stream *s = qn_stream_get(link, id);

    return s != NULL && s->kind == QN_KIND_CIRCUIT ? s->user : NULL;
}

qn_err __wrap_qn_link_send(qn_link *link, uint32_t id, qn_piece piece, bool fin)
{
    liars *l = liars_now;
    const place *p = l != NULL && !fin ? table_get(&l->places, link->env) : NULL;
    const tie *t = p != NULL ? tie_of(link, id) : NULL;
    relay *on;
    lane *x;

    if (t == NULL || (t->kind != TIE_RELAY_NEXT && t->kind != TIE_RELAY_PREV))
        return __real_qn_link_send(link, id, piece, fin);
    on = t->owner;
    x = table_get(&l->hops, &on->hop);
    if (x == NULL && p->lies != 0 &&
        (on->hop.state == QN_HOP_PIPE || on->hop.state == QN_HOP_JOINT))
        x = lane_new(l, on, p->lies);
    if (x == NULL || x->forward != (t->kind == TIE_RELAY_NEXT))
        return __real_qn_link_send(link, id, piece, fin);
    if (x->done)
        return after_lie(x, link, id, piece);
    if (x->after > 0 || p->lies == 0 ||
        qn_link_writable(link, id) < 2 * (QN_CELL_L + QN_STREAM_HEADER)) {
        x->after -= x->after > 0;
        return __real_qn_link_send(link, id, piece, fin);
    }
    return lie_about(l, x, link, id, piece);
}

static bool let_go(lane *x)
{
    const tie *t = x->forward ? &x->on->next_tie : &x->on->prev_tie;
    uint32_t n = 0;

    while (n < x->held_n && t->nb != NULL &&
           qn_link_writable(&t->nb->link, t->stream) >= x->held[n].len + QN_STREAM_HEADER)
        if (__real_qn_link_send(&t->nb->link, t->stream, x->held[n++], false) != QN_OK)
            break;
    memmove(x->held, x->held + n, (x->held_n -= n) * sizeof x->held[0]);
    if (n > 0)
        neighbour_touch(t->nb);
    return n > 0;
}

void liars_release(liars *l, qn_node *n)
{
    bool any = false;

    for (relay *r = n->relays; r != NULL; r = r->next) {
        lane *x = table_get(&l->hops, &r->hop);

        if (x != NULL && x->lie == LIE_DELAY && x->done && n->env->now >= x->since + LIAR_DELAY)
            any |= let_go(x);
    }
    if (any)
        node_settle(n);
}

/* Its memory may soon be another circuit's. */
void __wrap_qn_hop_clear(qn_hop *h)
{
    lane *x = liars_now != NULL ? table_get(&liars_now->hops, h) : NULL;

    if (x != NULL) {
        for (lane **at = &liars_now->swaps; *at != NULL; at = &(*at)->next)
            if (*at == x) {
                *at = x->next;
                break;
            }
        while (x->held_n > 0)
            qn_block_drop(x->held[--x->held_n].block);
        table_set(&liars_now->hops, h, NULL);
        lane_free(x);
    }
    __real_qn_hop_clear(h);
}

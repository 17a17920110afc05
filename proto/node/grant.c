/*
 * What an exit grants its clients while edges are open. Bytes from a destination wait in its
 * socket; bytes towards it are written, but their credit returns only as they are granted, so the
 * sender waits. Nothing here applies to a client's own edges.
 */
#include "node/internal.h"

static qn_grant a_second(uint64_t bytes)
{
    return (qn_grant){bytes, QN_SEC};
}

void grant_init(qn_node *n)
{
    const qn_exit_limits *l = &n->cfg.exit_limits;
    uint32_t all = n->cfg.exit_conns_max ? n->cfg.exit_conns_max : QN_EXIT_CONNS;
    qn_slots_limits limits = {.all = all,
                              .per_source = l->connections,
                              .per_entry = all - all / 4,
                              .per_dest = l->per_destination,
                              .requests = {l->requests, 60 * QN_SEC},
                              .bytes = a_second(l->rate),
                              .bytes_together = a_second(l->rate_all)};

    /* A busy browser's worth, or a quarter of a larger exit. */
    if (limits.per_source == 0)
        limits.per_source = QN_MAX((uint32_t)QN_EXIT_CONNS_PER_SOURCE, all / 4);
    qn_slots_init(&n->slots, &limits, (uint64_t)qn_rng_u32(n->env));
}

/* Links and circuits are counted apart: one bit tells their ids apart. */
static uint64_t link_source(const neighbour *nb)
{
    return nb->serial << 1 | 1;
}

static uint64_t circuit_source(const relay *r)
{
    return r->id << 1;
}

void grant_source(edge *e, const neighbour *nb, const relay *r)
{
    e->slot.source = r != NULL ? circuit_source(r) : link_source(nb);
    e->slot.entry = nb != NULL ? nb->serial : 0;
}

void grant_forget_neighbour(neighbour *nb)
{
    qn_slots_forget(&nb->n->slots, &nb->n->env->mem, link_source(nb));
}

void grant_forget_relay(relay *r)
{
    qn_slots_forget(&r->n->slots, &r->n->env->mem, circuit_source(r));
}

static qn_time idle_due(const edge *e)
{
    uint32_t idle = e->n->cfg.exit_limits.idle;

    return e->exit_side && idle != 0 ? e->moved + idle * QN_SEC : QN_NEVER;
}

bool grant_waits(edge *e)
{
    qn_time when = e->exit_side ? qn_slots_wait(&e->n->slots, &e->slot, e->n->env->now) : 0;

    if (when != 0)
        node_timer(e->n, &e->timer, TIMER_EDGE, when);
    return when != 0;
}

void grant_spend(edge *e, size_t bytes)
{
    if (e->exit_side)
        qn_slots_moved(&e->n->slots, &e->slot, bytes);
}

size_t grant_credit(edge *e, size_t bytes)
{
    if (!e->exit_side || e->state != EDGE_OPEN)
        return bytes;
    grant_spend(e, bytes);
    bytes += e->owed;
    e->owed = 0;
    if (bytes == 0 || !grant_waits(e))
        return bytes;
    e->owed = (uint32_t)bytes; /* at most what its bearer ever credited */
    return 0;
}

bool grant_tick(edge *e)
{
    qn_time due = idle_due(e);

    if (due <= e->n->env->now)
        return false;
    node_timer(e->n, &e->timer, TIMER_EDGE, due);
    return true;
}

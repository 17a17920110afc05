/*
 * Near the memory cap the stalest goes first (promise P4).
 *
 * Credit bounds what one stream or circuit can make us hold, but not how many there are. So when
 * seven eighths of the node's cap are in use, whatever holds bytes and has not moved one for the
 * longest time is ended, with an error at its application, until there is room again: a reader
 * that stopped gives way to those that go on. Links that wait for a carrier go before all of them.
 * As Tor's answer to the sniper attack.
 */
#include "node/internal.h"

static bool edge_holds(const edge *e)
{
    return e->state == EDGE_OPEN && (e->out.bytes > 0 || e->paused);
}

static bool relay_holds(const relay *r)
{
    return !r->dead && r->forward.bytes + r->backward.bytes > 0;
}

/* Only strangers: known peers have credit, which bounds them. */
static neighbour *stalest_neighbour(const qn_node *n, qn_time *oldest)
{
    neighbour *stale = NULL;

    for (neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        if (neighbour_stalls(nb) && nb->under.starved_since < *oldest) {
            *oldest = nb->under.starved_since;
            stale = nb;
        }
    return stale;
}

bool node_over_mark(const qn_node *n)
{
    const qn_mem *m = &n->env->mem;

    return m->used > m->limit - m->limit / 8;
}

bool node_end_stalest(qn_node *n)
{
    qn_time oldest = QN_NEVER;
    neighbour *orphan = resume_oldest(n);
    edge *stale_edge = NULL;
    relay *stale_relay = NULL;
    neighbour *stale_neighbour;

    if (orphan != NULL) {
        neighbour_end(orphan, QN_CLOSE_LIMIT);
        qn_log_line(n->env, QN_LOG_WARN, "node",
                    "memory is short: ended a link that waited for another carrier");
        return true;
    }
    for (edge *e = n->edges; e != NULL; e = e->next)
        if (edge_holds(e) && e->moved < oldest) {
            oldest = e->moved;
            stale_edge = e;
        }
    for (relay *r = n->relays; r != NULL; r = r->next)
        if (relay_holds(r) && r->moved < oldest) {
            oldest = r->moved;
            stale_relay = r;
        }
    stale_neighbour = stalest_neighbour(n, &oldest);
    if (stale_neighbour != NULL) {
        neighbour_give_up(stale_neighbour);
    } else if (stale_relay != NULL) {
        qn_hop_closed(&stale_relay->hop, QN_NOMEM);
        relay_events(stale_relay);
    } else if (stale_edge != NULL) {
        edge_fail(stale_edge, QN_APP_TOO_MANY);
    }
    if (oldest != QN_NEVER)
        qn_log_line(n->env, QN_LOG_WARN, "node",
                    "memory is short: ended what had not moved for %llu s",
                    (unsigned long long)((n->env->now - oldest) / QN_SEC));
    return oldest != QN_NEVER;
}

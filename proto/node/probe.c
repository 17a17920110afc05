/*
 * Whether the node can do its job, asked end to end: a PING that an exit answers, over the route
 * the user chose. "Connected" means that one came back within the last minute, nothing less.
 */
#include "node/internal.h"

#define PROBE_AGAIN (2 * QN_SEC)

void probe_start(qn_node *n)
{
    if (n->cfg.socks && !n->stopping)
        node_timer(n, &n->probe_timer, TIMER_PROBE, n->env->now);
}

static bool probe_link(qn_node *n)
{
    const qn_relay *exit = paths_exit(n, NULL);
    neighbour *nb = exit != NULL ? neighbour_get(n, exit) : NULL;

    if (nb == NULL)
        return false;
    qn_link_ping(&nb->link);
    neighbour_touch(nb);
    return true;
}

static bool probe_circuit(qn_node *n)
{
    for (circuit *c = n->circuits; c != NULL; c = c->next) {
        if (c->dead || !c->built)
            continue;
        n->probe_circuit = c->id;
        qn_apps_ping(qn_circuit_apps(&c->core), qn_rng_u32(n->env));
        chore_add(n, &c->chore);
        return true;
    }
    client_pool(n);
    return false;
}

void probe_tick(qn_node *n)
{
    bool asked;

    if (n->stopping || n->snapshot == NULL)
        return; /* adopting a snapshot starts us again */
    asked = n->cfg.route == QN_ROUTE_PRIVACY ? probe_circuit(n) : probe_link(n);
    node_timer(n, &n->probe_timer, TIMER_PROBE,
               n->env->now + (asked && n->probe_ok != 0 ? QN_PROBE_EVERY : PROBE_AGAIN));
}

void probe_good(qn_node *n)
{
    bool first = n->probe_ok == 0;

    n->probe_ok = n->env->now;
    n->probe_circuit = 0;
    n->last_error = QN_OK;
    if (first)
        qn_log_line(n->env, QN_LOG_INFO, "probe", "connected: an exit answered");
    if (n->cfg.socks)
        node_timer(n, &n->probe_timer, TIMER_PROBE, n->env->now + QN_PROBE_EVERY);
}

void probe_bad(qn_node *n, qn_err why)
{
    n->probe_circuit = 0;
    n->last_error = why;
    node_timer(n, &n->probe_timer, TIMER_PROBE, n->env->now + PROBE_AGAIN);
}

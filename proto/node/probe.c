/*
 * Whether the node can do its job, asked end to end: a PING that an exit answers, over the route
 * the user chose. It is asked until it succeeds: at the start, after a failure, and when a user
 * wants something and the last success is old. The clock alone asks nothing, so a link that nobody
 * uses stays silent; "connected" speaks of the time of the last demand.
 */
#include "node/internal.h"

enum { TRIES_EACH = 8, DOUBLINGS = 5 };
#define PROBE_AGAIN (2 * QN_SEC) /* doubled after every eight tries in a row: 64 s at most */

bool probe_works(const qn_node *n)
{
    return n->probe_ok != 0 && !n->probe_failed && n->wanted <= n->probe_ok + QN_PROBE_FRESH;
}

/* Soon, unless it is being asked already. */
static void ask_by(qn_node *n, qn_time due)
{
    if (n->cfg.socks && !n->stopping && (n->probe_timer.pos == 0 || n->probe_timer.due > due))
        node_timer(n, &n->probe_timer, TIMER_PROBE, due);
}

void probe_start(qn_node *n)
{
    ask_by(n, n->env->now);
}

void probe_wanted(qn_node *n)
{
    bool worked = probe_works(n);

    n->wanted = n->env->now;
    asker_wanted(n);
    if (worked && !probe_works(n)) {
        n->probe_tries = 0;
        ask_by(n, n->env->now);
    }
}

static void probe_link(qn_node *n)
{
    const qn_relay *exit = paths_exit(n, NULL);
    neighbour *nb = exit != NULL ? neighbour_get(n, exit) : NULL;

    if (nb == NULL)
        return;
    qn_link_ping(&nb->link);
    neighbour_touch(nb);
}

static void probe_circuit(qn_node *n)
{
    for (circuit *c = n->circuits; c != NULL; c = c->next) {
        if (c->dead || !c->built)
            continue;
        n->probe_circuit = c->id;
        if (c->pinged == 0) /* else the trip's answer is out, and has this value */
            c->ping_value = qn_rng_u32(n->env);
        qn_apps_ping(qn_circuit_apps(&c->core), c->ping_value);
        chore_add(n, &c->chore);
        return;
    }
    client_pool(n);
}

void probe_tick(qn_node *n)
{
    uint32_t doubled = QN_MIN(n->probe_tries / TRIES_EACH, (uint32_t)DOUBLINGS);

    if (n->stopping || n->snapshot == NULL || probe_works(n))
        return; /* adopting a snapshot starts us again */
    if (n->cfg.route == QN_ROUTE_PRIVACY)
        probe_circuit(n);
    else
        probe_link(n);
    n->probe_tries++;
    node_timer(n, &n->probe_timer, TIMER_PROBE, n->env->now + (PROBE_AGAIN << doubled));
}

void probe_good(qn_node *n)
{
    bool first = n->probe_ok == 0;

    n->probe_ok = n->env->now;
    n->probe_failed = false;
    n->probe_tries = 0;
    n->probe_circuit = 0;
    n->last_error = QN_OK;
    if (first)
        qn_log_line(n->env, QN_LOG_INFO, "probe", "connected: an exit answered");
}

void probe_bad(qn_node *n, qn_err why)
{
    n->probe_circuit = 0;
    n->probe_failed = true;
    n->last_error = why;
    ask_by(n, n->env->now + PROBE_AGAIN);
}

/*
 * Circuits of ours that have gone silent. A hop that dies leaves its neighbours' links waiting for
 * it to come back, so for a while nobody tells the client. It finds out when it matters: while
 * something opens on a circuit and nothing comes back, the end is asked for a PONG, and so are the
 * other circuits' ends, for the same hop may be in them. Who does not answer either gets no new
 * streams until it does; what was only opening takes another circuit, and what carries nothing
 * ends.
 */
#include "node/internal.h"

/* Until the end is asked, and again until it is given up: what building took, within bounds. */
static qn_time patience(const circuit *c)
{
    return QN_MIN(QN_MAX(c->build_time, (qn_time)QN_MUTE_MIN), (qn_time)QN_MUTE_MAX);
}

void mute_watch(circuit *c)
{
    if (c->awaits == 0)
        c->awaits = c->n->env->now;
}

/* What comes may be older than what is awaited: then the watch begins anew. */
void mute_heard(circuit *c)
{
    if (c->awaits != 0)
        c->awaits = c->n->env->now;
    c->asked = c->mute = false;
}

static bool opens_something(const circuit *c)
{
    for (const edge *e = c->n->edges; e != NULL; e = e->next)
        if (e->circuit == c && !e->exit_side && e->state == EDGE_OPENING)
            return true;
    return false;
}

static void ask(circuit *c, qn_time since)
{
    c->awaits = since;
    c->asked = true;
    qn_apps_ping(qn_circuit_apps(&c->core), c->ping_value);
    chore_add(c->n, &c->chore);
}

static void ask_all(circuit *first)
{
    qn_time now = first->n->env->now;

    ask(first, first->awaits);
    for (circuit *c = first->n->circuits; c != NULL; c = c->next)
        if (c != first && c->built && !c->dead && !c->asked)
            ask(c, now - QN_MIN(patience(c), now - 1));
}

static void leave(circuit *c)
{
    qn_node *n = c->n;

    c->mute = true;
    for (edge *e = n->edges, *next; e != NULL; e = next) {
        next = e->next;
        if (e->circuit == c && !e->exit_side && e->state == EDGE_OPENING)
            edge_fail(e, QN_APP_GONE);
    }
    if (c->core.apps.live == 0)
        qn_circuit_end(&c->core);
    client_pool(n);
}

qn_time mute_due(const circuit *c)
{
    if (c->awaits == 0 || c->mute || c->dead)
        return QN_NEVER;
    return c->awaits + (c->asked ? 2 : 1) * patience(c);
}

void mute_check(circuit *c)
{
    if (c->n->env->now < mute_due(c))
        return;
    if (c->asked)
        leave(c);
    else if (opens_something(c))
        ask_all(c);
    else
        c->awaits = 0;
}

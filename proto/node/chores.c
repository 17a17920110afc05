/* Chores, and the events an observer may pull. */
#include "node/internal.h"

void chore_init(chore *c, chore_kind kind, void *owner)
{
    *c = (chore){.kind = (uint8_t)kind, .owner = owner};
}

void chore_add(qn_node *n, chore *c)
{
    if (c->queued)
        return;
    c->queued = true;
    c->next = NULL;
    if (n->chore_last != NULL)
        n->chore_last->next = c;
    else
        n->chore_first = c;
    n->chore_last = c;
}

static chore *chore_take(qn_node *n)
{
    chore *c = n->chore_first;

    if (c == NULL)
        return NULL;
    n->chore_first = c->next;
    if (n->chore_first == NULL)
        n->chore_last = NULL;
    c->queued = false;
    return c;
}

/* A dead object leaves a chore too; its service frees it. That is safe because services run only
 * here, when no other function of the object is running, and whoever died has untied itself. */
static void do_chores(qn_node *n)
{
    chore *c;

    while ((c = chore_take(n)) != NULL) {
        switch ((chore_kind)c->kind) {
        case CHORE_NEIGHBOUR:
            neighbour_service(c->owner);
            break;
        case CHORE_CIRCUIT:
            client_service(c->owner);
            break;
        case CHORE_RELAY:
            relay_service(c->owner);
            break;
        case CHORE_EDGE:
            edge_service(c->owner);
            break;
        case CHORE_ANSWER:
            answer_service(c->owner);
            break;
        case CHORE_PASSAGE:
            passage_service(c->owner);
            break;
        case CHORE_CROSSING:
            crossing_service(c->owner);
            break;
        }
    }
}

void node_settle(qn_node *n)
{
    do
        do_chores(n);
    while (node_over_mark(n) && node_end_stalest(n));
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool events_grow(qn_node *n)
{
    uint32_t cap = n->events_cap ? n->events_cap * 2 : 8;
    qn_event *v;

    if (cap > EVENTS_MAX)
        return false;
    v = qn_mem_get(&n->env->mem, cap * sizeof *v);
    if (v == NULL)
        return false;
    for (uint32_t i = 0; i < n->events_n; i++)
        v[i] = n->events[(n->events_head + i) % n->events_cap];
    qn_mem_put(&n->env->mem, n->events, n->events_cap * sizeof *v);
    n->events = v;
    n->events_cap = cap;
    n->events_head = 0;
    return true;
}

void node_event(qn_node *n, const qn_event *ev)
{
    if (n->events_n == n->events_cap && !events_grow(n)) {
        if (n->events_cap == 0)
            return;
        n->events_head = (n->events_head + 1) % n->events_cap; /* the oldest gives way */
        n->events_n--;
    }
    n->events[(n->events_head + n->events_n++) % n->events_cap] = *ev;
}

bool node_next_event(qn_node *n, qn_event *ev)
{
    if (n->events_n == 0)
        return false;
    *ev = n->events[n->events_head];
    n->events_head = (n->events_head + 1) % n->events_cap;
    if (--n->events_n == 0) {
        qn_mem_put(&n->env->mem, n->events, n->events_cap * sizeof *n->events);
        n->events = NULL;
        n->events_cap = n->events_head = 0;
    }
    return true;
}

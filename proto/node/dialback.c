/*
 * Dialling back: an operator lists a node when a link of its own to the address in the descriptor
 * has proved the link key there. Whoever registers made-up nodes, or somebody else's address, gets
 * nothing listed by it; each operator looks for itself.
 */
#include "node/internal.h"

static uint32_t under_way(const qn_node *n)
{
    uint32_t count = 0;

    for (const neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        count += nb->dial_back && !nb->over;
    return count;
}

bool dialled_proves(const neighbour *nb, const qn_descriptor *d)
{
    return nb->under.inner == (d->via_n > 0) && qn_addr_equal(&nb->under.leg_addr[0], &d->addrs[0]);
}

static bool names(const qn_descriptor *d, const qn_peerid *rendezvous)
{
    for (unsigned i = 0; i < d->via_n; i++)
        if (qn_peerid_equal(&d->via[i], rendezvous))
            return true;
    return false;
}

bool dialled_already(const qn_node *n, const qn_descriptor *d)
{
    const neighbour *nb = neighbour_named(n, &d->id);

    if (qn_peerid_equal(&d->id, &n->id))
        return true;
    if (names(d, &n->id) && rendezvous_moored(n, &d->id) != NULL)
        return reach_speaks_for_itself(rendezvous_moored(n, &d->id), d);
    return nb != NULL && nb->outbound && nb->under.up && dialled_proves(nb, d);
}

/* Who never answers is asked ever more seldom. */
static void put_off(qn_registration *e, qn_time now)
{
    e->dial_at = now + (QN_DIALBACK_AGAIN << e->dials);
    if (e->dials < QN_DIALBACK_DOUBLINGS)
        e->dials++;
}

/* From a random place on: PeerIDs can be searched for, and whoever comes first in the table could
 * keep all the others waiting. */
void operator_dial_back(qn_node *n)
{
    operators *op = n->op;
    qn_time now = n->env->now, due = QN_NEVER;
    uint32_t first = op->registry.n > 0 ? qn_rng_below(n->env, op->registry.n) : 0;
    uint32_t room = QN_DIALBACK_MAX - QN_MIN(under_way(n), (uint32_t)QN_DIALBACK_MAX);

    op->dialled = op->registry.described;
    for (uint32_t i = 0; i < op->registry.n; i++) {
        qn_registration *e = op->registry.v[(first + i) % op->registry.n];

        if (e->reached)
            continue;
        if (dialled_already(n, &e->d)) {
            operator_reached(n, &e->d.id);
            continue;
        }
        if (e->dial_at <= now && room > 0) {
            put_off(e, now);
            room -= neighbour_dial_back(n, &e->d) != NULL;
        }
        due = QN_MIN(due, QN_MAX(e->dial_at, now + QN_SEC));
    }
    node_timer(n, &op->dial_timer, TIMER_DIALBACK, due);
}

void operator_reached(qn_node *n, const qn_peerid *id)
{
    if (n->op == NULL)
        return;
    qn_registry_reached(&n->op->registry, id);
    operator_news(n);
}

/* It may have said another address since it was dialled. */
void dialled_back(neighbour *nb)
{
    const operators *op = nb->n->op;
    const qn_registration *e = op != NULL ? qn_registry_find(&op->registry, &nb->id) : NULL;

    if (e != NULL && dialled_proves(nb, &e->d))
        operator_reached(nb->n, &nb->id);
    reach_dialled(nb);
}

/*
 * Which neighbour is whose node: one link per PeerID serves all streams to it, whichever side
 * dialled.
 */
#include "node/internal.h"

static uint64_t name_of(const qn_peerid *id)
{
    return qn_get64(id->b);
}

/* Without memory for the name, streams to this node dial another link. */
void neighbour_name(neighbour *nb)
{
    qn_node *n = nb->n;

    nb->known = true;
    crowd_leave(nb);
    if (qn_map_get(&n->named, name_of(&nb->id)) == NULL &&
        qn_map_set(&n->named, &n->env->mem, name_of(&nb->id), nb) != QN_OK)
        qn_log_line(n->env, QN_LOG_WARN, "link", "no memory to share a link");
}

void neighbour_unname(neighbour *nb)
{
    qn_node *n = nb->n;

    if (nb->known && qn_map_get(&n->named, name_of(&nb->id)) == nb)
        qn_map_del(&n->named, &n->env->mem, name_of(&nb->id));
}

neighbour *neighbour_named(const qn_node *n, const qn_peerid *id)
{
    neighbour *nb = qn_map_get(&n->named, name_of(id));

    return nb != NULL && !nb->over && qn_peerid_equal(&nb->id, id) ? nb : NULL;
}

static bool keys_equal(const uint8_t a[32], const qn_dh_public *b)
{
    return qn_equal(a, b->b, sizeof b->b);
}

static bool is_operator(const qn_node *n, const qn_peerid *id, const qn_dh_public *key)
{
    for (unsigned i = 0; i < n->net.operators_n; i++)
        if (qn_peerid_equal(&n->net.operators[i].id, id))
            return keys_equal(n->net.operators[i].link_key, key);
    return false;
}

/* A claimed PeerID counts when the snapshot, or the network file, says that this key is that
 * node's. */
bool neighbour_known(neighbour *nb)
{
    const qn_snapshot *s = nb->n->snapshot;
    const qn_relay *r;

    if (nb->known || !nb->claims)
        return nb->known;
    r = s != NULL ? qn_snapshot_find(s, &nb->claimed) : NULL;
    if ((r != NULL && keys_equal(r->d.link.key.b, &nb->claimed_key)) ||
        is_operator(nb->n, &nb->claimed, &nb->claimed_key)) {
        nb->id = nb->claimed;
        neighbour_name(nb);
    }
    return nb->known;
}

/*
 * Invitations, from both sides.
 *
 * Who was invited enters the network by the nodes that invited him, in the order of his invitations
 * as long as they answer, and asks them for the list: so in three hops he connects to nobody whom a
 * list names. Who invites tells no directory of himself, answers directory streams out of the list
 * he holds, and keeps his descriptor where invitations can be made of it.
 */
#include "node/internal.h"

/* ---- who invited us -------------------------------------------------------------------------- */

static void take(qn_node *n, const qn_invitation *i)
{
    int at = invited_place(n, &i->d.id);
    invited *v = &n->invited[at >= 0 ? at : n->invited_n];
    qn_err err;

    if (at < 0 && n->invited_n == QN_INVITED_MAX) {
        qn_log_line(n->env, QN_LOG_WARN, "invited", "more than %d invitations: the rest is unused",
                    QN_INVITED_MAX);
        return;
    }
    memcpy(v->kept, i->descriptor.p, i->descriptor.n);
    v->relay = (qn_relay){.bytes = qn_slice_of(v->kept, i->descriptor.n), .weight = 1};
    v->psk = i->psk;
    err = qn_descriptor_open(&v->relay.d, n->env, &n->net, v->relay.bytes);
    if (at < 0 && err == QN_OK)
        n->invited_n++;
}

static void read_all(qn_node *n)
{
    qn_slice text = n->cfg.invited;
    uint8_t bytes[QN_INVITATION_MAX];
    qn_invitation i;
    char why[160];
    size_t len;
    qn_err err;

    while ((err = qn_invitation_next(n->env, &text, bytes, &len, why)) != QN_GONE) {
        if (err == QN_OK)
            err = qn_invitation_open(&i, n->env, &n->net, qn_slice_of(bytes, len), why);
        if (err == QN_OK)
            take(n, &i);
        else
            qn_log_line(n->env, QN_LOG_WARN, "invited", "%s", why);
    }
    qn_wipe(&i, sizeof i);
    qn_wipe(bytes, sizeof bytes);
}

qn_err invited_start(qn_node *n, char why[160])
{
    if (n->cfg.invited.n == 0)
        return QN_OK;
    n->invited = qn_mem_get(&n->env->mem, QN_INVITED_MAX * sizeof *n->invited);
    if (n->invited == NULL)
        return QN_NOMEM;
    read_all(n);
    n->cfg.invited = (qn_slice){0};
    if (n->invited_n == 0) /* the operators, then? Whoever was invited has a reason not to */
        return node_wrong(why, "none of the invitations can be used: ask for a fresh one");
    return QN_OK;
}

void invited_clear(qn_node *n)
{
    if (n->invited == NULL)
        return;
    qn_wipe(n->invited, QN_INVITED_MAX * sizeof *n->invited);
    qn_mem_put(&n->env->mem, n->invited, QN_INVITED_MAX * sizeof *n->invited);
    n->invited = NULL;
    n->invited_n = 0;
}

int invited_place(const qn_node *n, const qn_peerid *id)
{
    for (unsigned i = 0; i < n->invited_n; i++)
        if (qn_peerid_equal(&n->invited[i].relay.d.id, id))
            return (int)i;
    return -1;
}

const qn_key *invited_psk(const qn_node *n, const qn_peerid *id)
{
    int i = invited_place(n, id);

    return i >= 0 ? &n->invited[i].psk : NULL;
}

neighbour *invited_dial(qn_node *n)
{
    return neighbour_get(n, &n->invited[n->asker.where % n->invited_n].relay);
}

/* ---- whom we invite -------------------------------------------------------------------------- */

bool invited_store(qn_node *n, qn_action *a)
{
    if (!n->store_descriptor)
        return false;
    n->store_descriptor = false;
    *a = (qn_action){.type = QN_ACT_STORE,
                     .name = "descriptor",
                     .bytes = qn_slice_of(n->asker.descriptor, n->asker.descriptor_n)};
    return true;
}

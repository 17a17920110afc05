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

/* The descriptor was opened before. */
static qn_err fill(qn_node *n, invited *v, qn_slice descriptor)
{
    memcpy(v->kept, descriptor.p, descriptor.n);
    v->kept_n = (uint16_t)descriptor.n;
    v->relay = (qn_relay){.weight = 1};
    return qn_descriptor_open(&v->relay.d, n->env, &n->net, qn_slice_of(v->kept, v->kept_n));
}

static void take(qn_node *n, const qn_invitation *i)
{
    int at = invited_place(n, &i->d.id);
    invited *v;

    if (at < 0 && n->invited_n == QN_INVITED_MAX) {
        qn_log_line(n->env, QN_LOG_WARN, "invited", "more than %d invitations: the rest is unused",
                    QN_INVITED_MAX);
        return;
    }
    v = &n->invited[at >= 0 ? at : n->invited_n];
    v->psk = i->psk;
    if (fill(n, v, i->descriptor) == QN_OK && at < 0)
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

static void take_back(qn_node *n)
{
    if (n->invited_text != NULL)
        qn_wipe(n->invited_text, QN_INVITED_TEXT);
    qn_mem_put(&n->env->mem, n->invited_text, QN_INVITED_TEXT);
    n->invited_text = NULL;
}

void invited_clear(qn_node *n)
{
    if (n->invited == NULL)
        return;
    take_back(n);
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

qn_err invited_renew(qn_node *n, const qn_peerid *id, qn_slice descriptor)
{
    int at = invited_place(n, id);
    qn_descriptor d;
    qn_err err = qn_descriptor_open(&d, n->env, &n->net, descriptor);

    if (err != QN_OK)
        return err;
    if (at < 0 || !qn_peerid_equal(&d.id, id) || (d.roles & QN_ROLE_RELAY) == 0 ||
        !visits_reach_now(n, id, d.card))
        return QN_PROTO;
    if (d.sequence <= n->invited[at].relay.d.sequence)
        return QN_OK;
    n->store_invited = true;
    return fill(n, &n->invited[at], descriptor);
}

static bool write_all(qn_node *n, char *text, size_t *len)
{
    for (unsigned i = 0; i < n->invited_n; i++) {
        const invited *v = &n->invited[i];
        qn_secret32 psk;
        qn_err err;

        memcpy(psk.b, v->psk.b, sizeof psk.b);
        err =
            qn_invitation_make(n->env, &n->net, qn_slice_of(v->kept, v->kept_n), &psk, text + *len);
        qn_wipe(&psk, sizeof psk);
        if (err != QN_OK)
            return false;
        *len += strlen(text + *len);
        text[(*len)++] = '\n';
    }
    return true;
}

/* All of them as text again. Without memory for it they are stored another time. */
static bool store_invitations(qn_node *n, qn_action *a)
{
    size_t len = 0;

    take_back(n);
    if (!n->store_invited)
        return false;
    n->invited_text = qn_mem_get(&n->env->mem, QN_INVITED_TEXT);
    if (n->invited_text == NULL || !write_all(n, n->invited_text, &len))
        return false;
    n->store_invited = false;
    *a = (qn_action){
        .type = QN_ACT_STORE, .name = "invited", .bytes = qn_slice_of(n->invited_text, len)};
    return true;
}

/* ---- whom we invite -------------------------------------------------------------------------- */

bool invited_store(qn_node *n, qn_action *a)
{
    if (n->invited != NULL)
        return store_invitations(n, a);
    if (!n->store_descriptor)
        return false;
    n->store_descriptor = false;
    *a = (qn_action){.type = QN_ACT_STORE,
                     .name = "descriptor",
                     .bytes = qn_slice_of(n->asker.descriptor, n->asker.descriptor_n)};
    return true;
}

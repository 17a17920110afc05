/*
 * Whether a node can be reached at the address it says, looked at by its neighbours.
 *
 * A node that no list has introduces itself to a few nodes. Each dials it, at the address its link
 * comes from and at no other, and brings a nonce back over that fresh link, which proves to the
 * node that its door is open. So nobody has others dialled by this, and nobody who did not dial
 * can say that he did. Where a link came from an address that is not the descriptor's, or nobody
 * answers there, the node is told so; it believes two of them when no proof has come.
 */
#include "node/internal.h"

#include "base/ipjudge.h"

#define PROOF_LIFE (3600 * QN_SEC)

/* ---- what we know of ourselves --------------------------------------------------------------- */

bool reach_listed(const qn_node *n)
{
    const qn_relay *r = n->snapshot != NULL ? qn_snapshot_find(n->snapshot, &n->id) : NULL;

    return r != NULL && r->d.sequence == n->asker.self.sequence;
}

qn_reach reach_state(const qn_node *n)
{
    const discovery *x = &n->discovery;

    if (!node_registers(n))
        return QN_REACH_UNKNOWN;
    if ((reach_listed(n) && n->asker.self.via_n == 0) ||
        (x->proven != 0 && n->env->now - x->proven < PROOF_LIFE))
        return QN_REACH_DIRECT;
    return x->refused_n == REFUSALS || n->asker.self.via_n > 0 ? QN_REACH_BEHIND : QN_REACH_UNKNOWN;
}

qn_err reach_proven(const answer *a, uint64_t nonce)
{
    discovery *x = &a->n->discovery;

    if (a->tie.nb->outbound || a->tie.nb->under.inner)
        return QN_AUTH;
    if (!a->n->cfg.follower)
        return reach_brought(a->n, nonce);
    qn_put64(x->brought, nonce);
    x->store_brought = true;
    return QN_OK;
}

qn_err reach_brought(qn_node *n, uint64_t nonce)
{
    discovery *x = &n->discovery;

    if (x->nonce == 0 || nonce != x->nonce)
        return QN_AUTH;
    x->proven = n->env->now;
    x->refused_n = 0;
    return QN_OK;
}

/* Only the node that introduced itself knows which nonce is right. */
bool reach_store(qn_node *n, qn_action *a)
{
    discovery *x = &n->discovery;

    if (!x->store_brought)
        return false;
    x->store_brought = false;
    *a = (qn_action){.type = QN_ACT_STORE,
                     .name = "reached",
                     .bytes = qn_slice_of(x->brought, sizeof x->brought)};
    return true;
}

bool reach_proven_lately(const qn_node *n)
{
    const discovery *x = &n->discovery;

    return x->proven != 0 && n->env->now - x->proven < PROOF_LIFE / 2;
}

void reach_refused(qn_node *n, const qn_peerid *by)
{
    discovery *x = &n->discovery;

    if (reach_state(n) != QN_REACH_UNKNOWN)
        return;
    for (unsigned i = 0; i < x->refused_n; i++)
        if (qn_peerid_equal(&x->refused[i], by))
            return;
    x->refused[x->refused_n++] = *by;
    if (x->refused_n < REFUSALS)
        return;
    qn_log_line(n->env, QN_LOG_WARN, "reach",
                "other nodes cannot reach us at our address: a rendezvous is to carry us");
    berths_seek(n);
}

/* ---- looking at others ----------------------------------------------------------------------- */

static looking *look_of(const neighbour *nb)
{
    looking *l = nb->n->discovery.looks;

    while (l != NULL && l->nb != nb)
        l = l->next;
    return l;
}

static void look_free(looking *l)
{
    qn_node *n = l->n;

    qn_timers_cancel(&n->timers, &l->timer);
    qn_dir_reader_clear(&l->reader, n->env);
    LIST_DEL(n->discovery.looks, l);
    n->discovery.looks_n--;
    qn_mem_put(&n->env->mem, l, sizeof *l);
}

/* Its link goes with it. */
static void done(looking *l, qn_err err)
{
    qn_dir_message ok = {.type = QN_DIR_OK};
    neighbour *nb = l->nb;
    answer *a = l->to;

    tie_close(&l->tie, QN_CLOSE_DONE);
    look_free(l);
    if (nb != NULL)
        neighbour_end(nb, QN_CLOSE_DONE);
    if (a == NULL)
        return;
    a->waits = false;
    if (err == QN_OK)
        answer_reply(a, &ok);
    else
        answer_refuse(a, err);
}

bool reach_comes_from(const neighbour *nb, const qn_descriptor *d)
{
    const qn_addr *a = &nb->under.leg_addr[0];

    return !nb->under.inner && qn_ip_within(a, &d->addrs[0], a->family == 4 ? 32 : 128);
}

bool reach_speaks_for_itself(const neighbour *nb, const qn_descriptor *d)
{
    if (nb->outbound)
        return qn_peerid_equal(&nb->id, &d->id);
    return nb->claims && qn_peerid_equal(&nb->claimed, &d->id) &&
           qn_equal(nb->claimed_key.b, d->link.key.b, sizeof d->link.key.b);
}

static qn_err may_look(const answer *a, const qn_descriptor *d)
{
    const neighbour *nb = a->tie.nb;
    const discovery *x = &a->n->discovery;

    if (!reach_speaks_for_itself(nb, d))
        return QN_REFUSED;
    if (!reach_comes_from(nb, d) || !visits_reach(a->n, d->card))
        return QN_POLICY;
    for (const looking *l = x->looks; l != NULL; l = l->next)
        if (l->nb != NULL && qn_peerid_equal(&l->nb->id, &d->id))
            return QN_BUSY;
    return x->looks_n < QN_REACH_LOOKS ? QN_OK : QN_BUSY;
}

static qn_err look_begin(answer *a, const qn_descriptor *d, uint64_t nonce)
{
    qn_descriptor at = *d;
    qn_node *n = a->n;
    looking *l = qn_mem_get(&n->env->mem, sizeof *l);

    if (l == NULL)
        return QN_NOMEM;
    at.via_n = 0; /* whether it has a door of its own is the question */
    l->n = n;
    l->to = a;
    l->nonce = nonce;
    qn_dir_reader_init(&l->reader, QN_DIR_REQUEST_MAX);
    LIST_ADD(n->discovery.looks, l);
    n->discovery.looks_n++;
    if (node_timer(n, &l->timer, TIMER_LOOK, n->env->now + QN_REACH_LOOK_MAX))
        l->nb = neighbour_dial_back(n, &at);
    if (l->nb == NULL) {
        look_free(l);
        return QN_BUSY;
    }
    a->waits = true;
    return QN_OK;
}

qn_err reach_introduced(answer *a, const qn_dir_message *m, bool *later)
{
    qn_node *n = a->n;
    qn_descriptor d;
    qn_err err;

    if (!gossip_paced(a->tie.nb, QN_GOSSIP_INTRODUCE_COST))
        return QN_QUOTA;
    err = qn_descriptor_open(&d, n->env, &n->net, m->bytes);
    if (err == QN_OK)
        err = qn_descriptor_valid(&d, n->env->wall);
    if (err == QN_OK)
        err = may_look(a, &d);
    if (err == QN_OK)
        err = look_begin(a, &d, m->version);
    if (err != QN_OK)
        return err;
    *later = true;
    err = heard_take(n, &d, m->bytes, &d.id);
    if (err != QN_OK && err != QN_STALE)
        qn_log_line(n->env, QN_LOG_DEBUG, "reach", "not kept: %s", qn_err_text(err));
    return QN_OK;
}

void reach_forget(qn_node *n, const answer *a)
{
    for (looking *l = n->discovery.looks; l != NULL; l = l->next)
        if (l->to == a)
            l->to = NULL;
}

void reach_dialled(neighbour *nb)
{
    looking *l = look_of(nb);
    qn_dir_message m = {.type = QN_DIR_PROVEN};
    uint8_t head[QN_DIR_HEAD_MAX];

    heard_reached(nb);
    if (l == NULL) {
        neighbour_end(nb, QN_CLOSE_DONE);
        return;
    }
    m.version = l->nonce;
    if (tie_open(&l->tie, TIE_LOOK, l, nb, QN_KIND_DIRECTORY) != QN_OK ||
        qn_link_send_bytes(&nb->link, l->tie.stream, head, qn_dir_message_head(&m, head), false) !=
            QN_OK)
        done(l, QN_BUSY);
}

/* What answered and then did not finish was reached all the same; the node says what it heard. */
void reach_over(neighbour *nb)
{
    looking *l = look_of(nb);

    if (l == NULL)
        return;
    l->nb = NULL;
    done(l, nb->under.up ? QN_OK : QN_UNREACHABLE);
}

void look_data(looking *l, qn_piece piece, bool fin)
{
    qn_slice in = qn_slice_of(piece.len > 0 ? qn_piece_data(&piece) : NULL, piece.len);
    qn_dir_message m = {.type = QN_DIR_ERROR};
    size_t used;
    qn_err err = QN_GONE;

    if (piece.len > 0)
        qn_link_returned(&l->nb->link, l->tie.stream, piece.len);
    if (in.n > 0)
        err = qn_dir_reader_push(&l->reader, l->n->env, in, &used, &m);
    if (err == QN_OK)
        done(l, m.type == QN_DIR_OK ? QN_OK : QN_REFUSED);
    else if (err != QN_SHORT || fin)
        done(l, QN_REFUSED);
}

void look_closed(looking *l)
{
    done(l, QN_REFUSED);
}

void look_tick(looking *l)
{
    done(l, QN_UNREACHABLE);
}

void reach_clear(qn_node *n)
{
    while (n->discovery.looks != NULL)
        look_free(n->discovery.looks);
}

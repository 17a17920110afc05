/*
 * A link inside a link. Whoever is behind a NAT has links to rendezvous only; others reach it by a
 * stream to one of these, which passes it on. The stream is the only leg of a neighbour like any
 * other: the bare carrier runs upon it, between the two ends, so that the rendezvous sees sealed
 * bytes and when they pass. Its conn has a name as all conns have, but what the node asks of the
 * world for it is done here.
 */
#include "node/internal.h"

static passage *passage_new(qn_node *n)
{
    passage *p = NULL;

    if (n->discovery.passages_n < QN_PASSAGES_MAX)
        p = qn_mem_get(&n->env->mem, sizeof *p);
    if (p == NULL)
        return NULL;
    p->n = n;
    chore_init(&p->chore, CHORE_PASSAGE, p);
    LIST_ADD(n->discovery.passages, p);
    n->discovery.passages_n++;
    return p;
}

static void passage_free(passage *p)
{
    qn_node *n = p->n;

    qn_queue_clear(&p->in, &n->env->mem);
    LIST_DEL(n->discovery.passages, p);
    n->discovery.passages_n--;
    qn_mem_put(&n->env->mem, p, sizeof *p);
}

/* Its link has no use for it any more; what it sent still goes, and then the stream ends. */
static void leave(passage *p)
{
    if (p->nb != NULL)
        p->nb->under.passage = NULL;
    p->nb = NULL;
    chore_add(p->n, &p->chore);
}

/* ---- beginning ------------------------------------------------------------------------------- */

/* By what it is dialled by, it must have a door of its own: two that name each other would have us
 * look for the way without end. */
static neighbour *to_rendezvous(qn_node *n, const qn_peerid *id)
{
    const qn_heard_entry *e = qn_heard_find(&n->discovery.heard, id);
    const qn_relay *r = paths_relay(n, id);
    neighbour *nb = neighbour_named(n, id);

    if (nb != NULL)
        return nb;
    if (r != NULL)
        return heard_newest(n, &r->d)->via_n == 0 ? neighbour_get(n, r) : NULL;
    for (uint8_t i = 0; i < n->net.operators_n; i++)
        if (qn_peerid_equal(&n->net.operators[i].id, id))
            return operator_dial(n, i);
    return e != NULL && e->d.via_n == 0 ? heard_get(n, id) : NULL;
}

static neighbour *dial_through(qn_node *n, neighbour *through, const whom *to, bool named)
{
    passage *p = passage_new(n);
    whom upon = *to;
    neighbour *nb = NULL;

    if (p == NULL)
        return NULL;
    upon.passage = p;
    if (tie_open(&p->tie, TIE_PASSAGE, p, through, QN_KIND_PASSAGE) == QN_OK &&
        qn_link_send_bytes(&through->link, p->tie.stream, to->id->b, sizeof to->id->b, false) ==
            QN_OK)
        nb = neighbour_dial_upon(n, &upon, named);
    if (nb == NULL) {
        tie_close(&p->tie, QN_CLOSE_GONE);
        p->lost = true;
        leave(p);
        return NULL;
    }
    p->nb = nb;
    neighbour_touch(through);
    return nb;
}

neighbour *passage_dial(qn_node *n, const whom *to, bool named)
{
    unsigned first = to->via_n > 1 ? qn_rng_below(n->env, to->via_n) : 0;

    for (unsigned i = 0; i < to->via_n; i++) {
        const qn_peerid *id = &to->via[(first + i) % to->via_n];
        neighbour *through = qn_peerid_equal(id, &n->id) ? NULL : to_rendezvous(n, id);

        if (qn_peerid_equal(id, &n->id) && named)
            return rendezvous_moored(n, to->id);
        if (through != NULL && !through->under.inner)
            return dial_through(n, through, to, named);
    }
    return NULL;
}

void passage_accept(neighbour *nb, uint32_t stream)
{
    passage *p = passage_new(nb->n);

    if (p == NULL) {
        qn_link_close(&nb->link, stream, QN_CLOSE_LIMIT);
        return;
    }
    tie_accept(&p->tie, TIE_PASSAGE, p, nb, stream);
    p->nb = neighbour_accept_upon(nb->n, p);
    if (p->nb == NULL) {
        tie_close(&p->tie, QN_CLOSE_LIMIT);
        p->lost = true;
        leave(p);
    }
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void flow_in(passage *p)
{
    qn_slice v;

    while (p->nb != NULL && p->in.bytes > 0) {
        qn_span s = neighbour_space(p->nb, 0);
        size_t part;

        if (s.n == 0)
            return;
        (void)qn_queue_peek(&p->in, &v, 1);
        part = QN_MIN(s.n, v.n);
        memcpy(s.p, v.p, part);
        qn_queue_consume(&p->in, &p->n->env->mem, part);
        if (p->tie.nb != NULL) {
            qn_link_returned(&p->tie.nb->link, p->tie.stream, part);
            neighbour_touch(p->tie.nb);
        }
        qn_carrier_commit(p->nb->under.carrier, 0, part);
        under_drain(p->nb);
    }
}

static void flow_out(passage *p)
{
    neighbour *through = p->tie.nb;
    qn_slice v;

    while (through != NULL && p->nb != NULL) {
        size_t room = qn_link_writable(&through->link, p->tie.stream);
        size_t part;

        if (room == 0 || neighbour_peek(p->nb, 0, &v, 1) == 0)
            break;
        part = QN_MIN(QN_MIN(room, v.n), (size_t)QN_FRAME_DATA_MAX);
        if (qn_link_send_bytes(&through->link, p->tie.stream, v.p, part, false) != QN_OK)
            break;
        neighbour_consumed(p->nb, 0, part);
        neighbour_touch(through);
    }
}

static void finish(passage *p)
{
    if (p->tie.nb == NULL)
        return;
    if (qn_link_send(&p->tie.nb->link, p->tie.stream, (qn_piece){0}, true) == QN_OK)
        neighbour_touch(p->tie.nb);
    else
        tie_close(&p->tie, QN_CLOSE_GONE);
}

void passage_perform(neighbour *inner, uint16_t todo)
{
    passage *p = inner->under.passage;

    switch (todo) {
    case TODO_DIAL:
        neighbour_opened(inner, 0);
        break;
    case TODO_SEND:
        flow_out(p);
        break;
    case TODO_READ:
        chore_add(p->n, &p->chore);
        break;
    case TODO_FINISH:
        finish(p);
        break;
    case TODO_CLOSE:
    case TODO_RESET_DRAIN:
        flow_out(p);
        finish(p);
        leave(p);
        neighbour_leg_gone(inner, 0);
        break;
    default:
        tie_close(&p->tie, QN_CLOSE_GONE);
        p->lost = true;
        leave(p);
        neighbour_leg_gone(inner, 0);
        break;
    }
}

/* ---- what the stream reports ----------------------------------------------------------------- */

/* Its carrier reads it later: the block it came in is being read by the carrier beneath. */
void passage_data(passage *p, qn_piece piece, bool fin)
{
    if (piece.len > 0 && p->nb == NULL) {
        qn_link_returned(&p->tie.nb->link, p->tie.stream, piece.len);
    } else if (piece.len > 0 &&
               qn_queue_append(&p->in, p->n->env, qn_piece_data(&piece), piece.len) != QN_OK) {
        tie_close(&p->tie, QN_CLOSE_INTERNAL);
        p->lost = true;
    }
    p->ended |= fin;
    chore_add(p->n, &p->chore);
}

void passage_room(passage *p)
{
    if (p->nb != NULL)
        conns_todo(&p->n->conns, p->nb->under.leg[0], TODO_SEND);
}

void passage_closed(passage *p)
{
    p->lost = true;
    chore_add(p->n, &p->chore);
}

void passage_moved(neighbour *holder)
{
    if (holder->under.passage != NULL)
        holder->under.passage->nb = holder;
}

void passage_left(neighbour *inner)
{
    passage *p = inner->under.passage;

    if (p == NULL)
        return;
    tie_close(&p->tie, QN_CLOSE_GONE);
    p->lost = true;
    leave(p);
}

void passage_service(passage *p)
{
    neighbour *nb;

    flow_in(p);
    nb = p->nb;
    if (nb != NULL && p->in.bytes == 0 && p->lost) {
        leave(p);
        neighbour_leg_ended(nb, 0, QN_END_RESET);
    } else if (nb != NULL && p->in.bytes == 0 && p->ended) {
        p->ended = false;
        neighbour_leg_ended(nb, 0, QN_END_EOF);
    }
    if (p->nb == NULL && p->lost && !p->chore.queued)
        passage_free(p);
}

void passages_clear(qn_node *n)
{
    while (n->discovery.passages != NULL) {
        passage *p = n->discovery.passages;

        if (p->nb != NULL)
            p->nb->under.passage = NULL;
        passage_free(p);
    }
}

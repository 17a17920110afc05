/*
 * What a link's streams belong to: the tie is a stream's user pointer, and what the link reports of
 * a stream goes to its tie's owner.
 */
#include "node/internal.h"

/* ---- ties ------------------------------------------------------------------------------------ */

qn_err tie_open(tie *t, tie_kind kind, void *owner, neighbour *nb, qn_stream_kind stream_kind)
{
    qn_err err;

    if (nb->over)
        return QN_GONE;
    err = qn_link_open(&nb->link, stream_kind, t, &t->stream);
    if (err != QN_OK)
        return err;
    t->kind = (uint8_t)kind;
    t->owner = owner;
    t->nb = nb;
    return QN_OK;
}

void tie_accept(tie *t, tie_kind kind, void *owner, neighbour *nb, uint32_t stream)
{
    *t = (tie){.kind = (uint8_t)kind, .owner = owner, .nb = nb, .stream = stream};
    qn_link_set_user(&nb->link, stream, t);
}

void tie_close(tie *t, uint16_t code)
{
    neighbour *nb = t->nb;

    if (nb == NULL)
        return;
    t->nb = NULL;
    qn_link_close(&nb->link, t->stream, code);
    neighbour_touch(nb);
}

/* ---- what the link reports ------------------------------------------------------------------- */

/* An exit whose operator lets one link have more connections than that means streams, too. */
static uint32_t stranger_streams(const qn_node *n)
{
    uint32_t most = node_exits(n) ? n->slots.limits.per_entry : 0;

    return QN_MAX(most, (uint32_t)QN_STRANGER_STREAMS);
}

/* One stranger's streams must not fill what all of them share: circuits, edges, answers. One who
 * does not even let us refuse has no use for the link. */
static bool crowded(neighbour *nb)
{
    bool unruly = nb->link.closing_n > QN_STRANGER_STREAMS;

    if ((!unruly && nb->link.streams_n <= stranger_streams(nb->n)) || neighbour_known(nb))
        return false;
    if (unruly)
        neighbour_end(nb, QN_CLOSE_LIMIT);
    return true;
}

void stream_new(neighbour *nb, uint32_t id, qn_stream_kind kind)
{
    qn_node *n = nb->n;

    if (crowded(nb)) {
        qn_link_close(&nb->link, id, QN_CLOSE_LIMIT);
        return;
    }
    if (kind == QN_KIND_APP && node_exits(n) && !n->stopping) {
        edge *e = edge_new(n, true);

        if (e != NULL) {
            grant_source(e, nb, NULL);
            tie_accept(&e->tie, TIE_EDGE, e, nb, id);
            return;
        }
    } else if (kind == QN_KIND_CIRCUIT && node_relays(n) && !n->stopping) {
        if (births_allow(nb)) {
            relay_new(nb, id);
            return;
        }
        n->counters.circuits_refused++;
    } else if (kind == QN_KIND_DIRECTORY && n->cfg.mode != QN_CLIENT && !n->stopping) {
        answer_new(nb, id);
        return;
    }
    if (kind == QN_KIND_PASSAGE && berth_at(nb))
        passage_accept(nb, id);
    else if (kind == QN_KIND_PASSAGE)
        crossing_new(nb, id);
    else
        qn_link_close(&nb->link, id, QN_CLOSE_REFUSED);
}

void stream_data(const tie *t, const qn_link_event *ev)
{
    switch ((tie_kind)t->kind) {
    case TIE_EDGE:
        if (ev->piece.len > 0)
            edge_data(t->owner, ev->piece);
        if (ev->fin && t->nb != NULL)
            edge_peer_end(t->owner);
        break;
    case TIE_CIRCUIT:
        client_input(t->owner, ev->piece, ev->more);
        break;
    case TIE_RELAY_PREV:
        relay_input(t->owner, true, ev->piece, ev->more);
        break;
    case TIE_RELAY_NEXT:
        relay_input(t->owner, false, ev->piece, ev->more);
        break;
    case TIE_MEASURE:
        measure_data(t->owner, ev->piece, ev->more);
        break;
    case TIE_ASKER:
        asker_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_SEEKER:
        seek_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_ANSWER:
        answer_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_FELLOW:
        fellow_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_GOSSIP:
        gossip_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_LOOK:
        look_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_BERTH:
        berth_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_PASSAGE:
        passage_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_NEAR:
    case TIE_FAR:
        crossing_data(t->owner, t->kind == TIE_NEAR, ev->piece, ev->fin);
        break;
    }
}

void stream_room(const tie *t)
{
    switch ((tie_kind)t->kind) {
    case TIE_EDGE:
        edge_room(t->owner);
        break;
    case TIE_CIRCUIT:
        chore_add(t->nb->n, &((circuit *)t->owner)->chore);
        break;
    case TIE_RELAY_PREV:
        relay_room(t->owner, false);
        break;
    case TIE_RELAY_NEXT:
        relay_room(t->owner, true);
        break;
    case TIE_ASKER:
    case TIE_SEEKER:
    case TIE_GOSSIP:
    case TIE_LOOK:
    case TIE_BERTH:
        break; /* requests are far smaller than a stream's first credit */
    case TIE_ANSWER:
        answer_room(t->owner);
        break;
    case TIE_FELLOW:
        fellow_room(t->owner);
        break;
    case TIE_MEASURE:
        measure_room(t->owner);
        break;
    case TIE_PASSAGE:
        passage_room(t->owner);
        break;
    case TIE_NEAR:
    case TIE_FAR:
        crossing_room(t->owner);
        break;
    }
}

void stream_closed(tie *t, uint16_t code)
{
    t->nb = NULL;
    switch ((tie_kind)t->kind) {
    case TIE_EDGE:
        edge_unbound(t->owner, qn_app_of(qn_close_err(code)));
        break;
    case TIE_CIRCUIT:
        client_closed(t->owner, code);
        break;
    case TIE_RELAY_PREV:
    case TIE_RELAY_NEXT:
        relay_closed(t->owner, code);
        break;
    case TIE_ASKER:
        asker_closed(t->owner, qn_close_err(code));
        break;
    case TIE_SEEKER:
        seek_closed(t->owner);
        break;
    case TIE_ANSWER:
        answer_closed(t->owner);
        break;
    case TIE_FELLOW:
        fellow_closed(t->owner, qn_close_err(code));
        break;
    case TIE_MEASURE:
        measure_closed(t->owner, code);
        break;
    case TIE_GOSSIP:
        gossip_closed(t->owner);
        break;
    case TIE_LOOK:
        look_closed(t->owner);
        break;
    case TIE_BERTH:
        berth_closed(t->owner);
        break;
    case TIE_PASSAGE:
        passage_closed(t->owner);
        break;
    case TIE_NEAR:
    case TIE_FAR:
        crossing_closed(t->owner, code);
        break;
    }
}

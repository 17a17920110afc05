/*
 * Rendezvous: nodes that nobody can connect to keep a link to us, and others reach them by streams
 * that we pass on. What passes is a link of theirs, sealed from end to end. Only nodes of the list
 * and operators may ask for it, so what it costs us is bounded by who they are; who is moored here
 * costs nothing until somebody wants him.
 */
#include "node/internal.h"

#include "base/ipjudge.h"

/* ---- who is moored here ---------------------------------------------------------------------- */

static mooring *mooring_of(const qn_node *n, const qn_peerid *id)
{
    mooring *m = n->discovery.moorings;

    while (m != NULL && !qn_peerid_equal(&m->id, id))
        m = m->next;
    return m;
}

static void unmoor(qn_node *n, mooring *m)
{
    LIST_DEL(n->discovery.moorings, m);
    n->discovery.moorings_n--;
    qn_mem_put(&n->env->mem, m, sizeof *m);
}

neighbour *rendezvous_moored(const qn_node *n, const qn_peerid *id)
{
    const mooring *m = mooring_of(n, id);

    return m != NULL && m->until > n->env->now && !m->nb->over ? m->nb : NULL;
}

static bool of_prefix(const neighbour *a, const neighbour *b)
{
    return qn_ip_within(&a->under.leg_addr[0], &b->under.leg_addr[0],
                        a->under.leg_addr[0].family == 4 ? 24 : 48);
}

/* Those who have not come again leave on this occasion. */
static qn_err room_for(qn_node *n, const neighbour *nb)
{
    unsigned prefix = 0;

    for (mooring *m = n->discovery.moorings, *next; m != NULL; m = next) {
        next = m->next;
        if (m->until <= n->env->now)
            unmoor(n, m);
        else
            prefix += of_prefix(nb, m->nb);
    }
    if (prefix >= QN_QUOTA_PREFIX && qn_ip_global(&nb->under.leg_addr[0]))
        return QN_QUOTA;
    return n->discovery.moorings_n < QN_MOORED_MAX ? QN_OK : QN_BUSY;
}

static bool serves(const qn_node *n)
{
    return n->cfg.mode != QN_CLIENT && !n->cfg.unlisted && !n->stopping && n->asker.self.via_n == 0;
}

qn_err rendezvous_moor(const answer *a, qn_slice descriptor)
{
    qn_node *n = a->n;
    neighbour *nb = a->tie.nb;
    qn_descriptor d;
    mooring *m;
    qn_err err;

    if (!serves(n) || nb->outbound || nb->under.inner)
        return QN_STATE;
    if (!gossip_paced(nb, QN_GOSSIP_NEWS_COST))
        return QN_QUOTA;
    err = qn_descriptor_open(&d, n->env, &n->net, descriptor);
    if (err != QN_OK)
        return err;
    if (!reach_speaks_for_itself(nb, &d))
        return QN_REFUSED;
    m = mooring_of(n, &d.id);
    if (m == NULL) {
        err = room_for(n, nb);
        m = err == QN_OK ? qn_mem_get(&n->env->mem, sizeof *m) : NULL;
        if (m == NULL)
            return err == QN_OK ? QN_NOMEM : err;
        m->id = d.id;
        LIST_ADD(n->discovery.moorings, m);
        n->discovery.moorings_n++;
    }
    m->nb = nb;
    m->until = n->env->now + 3 * QN_MOOR_EVERY;
    return QN_OK;
}

void rendezvous_over(neighbour *nb)
{
    for (mooring *m = nb->n->discovery.moorings, *next; m != NULL; m = next) {
        next = m->next;
        if (m->nb == nb)
            unmoor(nb->n, m);
    }
}

/* ---- passing on ------------------------------------------------------------------------------ */

static void crossing_free(crossing *c)
{
    qn_node *n = c->n;

    qn_timers_cancel(&n->timers, &c->timer);
    qn_queue_clear(&c->ahead, &n->env->mem);
    qn_queue_clear(&c->back, &n->env->mem);
    LIST_DEL(n->discovery.crossings, c);
    n->discovery.crossings_n--;
    qn_mem_put(&n->env->mem, c, sizeof *c);
}

static void bury(crossing *c, uint16_t code)
{
    tie_close(&c->near, code);
    tie_close(&c->far, code);
    c->dead = true;
    chore_add(c->n, &c->chore);
}

static bool may_cross(neighbour *nb)
{
    const discovery *x = &nb->n->discovery;
    unsigned count = 0;

    for (const crossing *c = x->crossings; c != NULL; c = c->next)
        count += c->near.nb == nb;
    return serves(nb->n) && !nb->under.inner && neighbour_known(nb) &&
           count < QN_PASSAGES_PER_LINK && x->crossings_n < QN_PASSAGES_MAX &&
           gossip_paced(nb, QN_PASSAGE_COST);
}

void crossing_new(neighbour *nb, uint32_t stream)
{
    qn_node *n = nb->n;
    crossing *c = may_cross(nb) ? qn_mem_get(&n->env->mem, sizeof *c) : NULL;

    if (c == NULL || !node_timer(n, &c->timer, TIMER_CROSSING, n->env->now + QN_PASSAGE_IDLE)) {
        qn_mem_put(&n->env->mem, c, sizeof *c);
        qn_link_close(&nb->link, stream, QN_CLOSE_REFUSED);
        return;
    }
    c->n = n;
    c->moved = n->env->now;
    chore_init(&c->chore, CHORE_CROSSING, c);
    tie_accept(&c->near, TIE_NEAR, c, nb, stream);
    LIST_ADD(n->discovery.crossings, c);
    n->discovery.crossings_n++;
}

/* As much of what waits as `to` takes; its credit returns to `from`. */
static void advance(crossing *c, qn_queue *q, const tie *from, const tie *to, bool *end)
{
    qn_slice v;

    while (to->nb != NULL && q->bytes > 0) {
        size_t part =
            QN_MIN(qn_link_writable(&to->nb->link, to->stream), (size_t)QN_FRAME_DATA_MAX);

        if (part == 0)
            return;
        (void)qn_queue_peek(q, &v, 1);
        part = QN_MIN(part, v.n);
        if (qn_link_send_bytes(&to->nb->link, to->stream, v.p, part, false) != QN_OK) {
            bury(c, QN_CLOSE_INTERNAL);
            return;
        }
        qn_queue_consume(q, &c->n->env->mem, part);
        neighbour_touch(to->nb);
        c->moved = c->n->env->now;
        if (from->nb != NULL) {
            qn_link_returned(&from->nb->link, from->stream, part);
            neighbour_touch(from->nb);
        }
    }
    if (!*end || to->nb == NULL || q->bytes > 0)
        return;
    *end = false;
    if (qn_link_send(&to->nb->link, to->stream, (qn_piece){0}, true) != QN_OK)
        bury(c, QN_CLOSE_INTERNAL);
    else
        neighbour_touch(to->nb);
}

static void connect_far(crossing *c)
{
    qn_peerid id;
    neighbour *nb;

    memcpy(id.b, c->wanted, sizeof id.b);
    nb = rendezvous_moored(c->n, &id);
    if (nb == NULL || nb == c->near.nb ||
        tie_open(&c->far, TIE_FAR, c, nb, QN_KIND_PASSAGE) != QN_OK)
        bury(c, QN_CLOSE_REFUSED);
}

/* The PeerID in front; returns how many bytes of it came. */
static uint32_t take_wanted(crossing *c, const qn_piece *piece)
{
    uint32_t part = QN_MIN(piece->len, (uint32_t)(sizeof c->wanted - c->wanted_n));

    memcpy(c->wanted + c->wanted_n, qn_piece_data(piece), part);
    c->wanted_n = (uint8_t)(c->wanted_n + part);
    if (part > 0)
        qn_link_returned(&c->near.nb->link, c->near.stream, part);
    if (part > 0 && c->wanted_n == sizeof c->wanted)
        connect_far(c);
    return part;
}

void crossing_data(crossing *c, bool near, qn_piece piece, bool fin)
{
    qn_queue *q = near ? &c->ahead : &c->back;
    uint32_t skip =
        near && c->wanted_n < sizeof c->wanted && piece.len > 0 ? take_wanted(c, &piece) : 0;

    if (c->dead)
        return;
    if (fin && c->wanted_n < sizeof c->wanted) {
        bury(c, QN_CLOSE_MALFORMED);
        return;
    }
    if (piece.len > skip &&
        qn_queue_append(q, c->n->env, qn_piece_data(&piece) + skip, piece.len - skip) != QN_OK) {
        bury(c, QN_CLOSE_INTERNAL);
        return;
    }
    *(near ? &c->near_end : &c->far_end) |= fin;
    crossing_room(c);
}

void crossing_room(crossing *c)
{
    advance(c, &c->ahead, &c->near, &c->far, &c->near_end);
    advance(c, &c->back, &c->far, &c->near, &c->far_end);
}

void crossing_closed(crossing *c, uint16_t code)
{
    if (!c->dead)
        bury(c, code);
}

void crossing_service(crossing *c)
{
    if (c->dead)
        crossing_free(c);
}

void crossing_tick(crossing *c)
{
    qn_time due = c->moved + QN_PASSAGE_IDLE;

    if (due <= c->n->env->now)
        bury(c, QN_CLOSE_TIMEOUT);
    else
        node_timer(c->n, &c->timer, TIMER_CROSSING, due);
}

void rendezvous_clear(qn_node *n)
{
    while (n->discovery.crossings != NULL)
        crossing_free(n->discovery.crossings);
    while (n->discovery.moorings != NULL)
        unmoor(n, n->discovery.moorings);
}

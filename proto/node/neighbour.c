/*
 * Neighbours: one link each, on a carrier (under.c) that may be another tomorrow (resume.c).
 *
 *     dial --> (leg opens, handshake) --> up --> over: streams have ended, the legs close
 *
 * A dialled neighbour has its link from the start, so streams may be opened before the carrier is
 * established; what they send waits. An accepted one has no link until the stranger has proved a
 * key: until then it costs a neighbour and a carrier in handshake, nothing more (promise P3).
 */
#include "node/internal.h"

#include "htx/peer.h"

/* ---- birth ----------------------------------------------------------------------------------- */

static neighbour *neighbour_new(qn_node *n, bool outbound)
{
    neighbour *nb = qn_mem_get(&n->env->mem, sizeof *nb);

    if (nb == NULL)
        return NULL;
    nb->n = n;
    nb->outbound = outbound;
    nb->since = nb->idle_since = n->env->now;
    nb->under.renew_at = nb->orphan_until = nb->redial_at = nb->awaits_at = QN_NEVER;
    nb->serial = ++n->ids;
    chore_init(&nb->chore, CHORE_NEIGHBOUR, nb);
    qn_link_init(&nb->link, n->env, &(qn_link_cfg){.initiator = outbound, .budget = &n->budget});
    LIST_ADD(n->neighbours, nb);
    n->neighbours_n++;
    return nb;
}

void neighbour_free(neighbour *nb)
{
    qn_node *n = nb->n;

    passage_left(nb);
    neighbour_unname(nb);
    resume_forget(nb);
    crowd_forget(nb);
    grant_forget_neighbour(nb);
    qn_timers_cancel(&n->timers, &nb->timer);
    qn_link_clear(&nb->link);
    qn_carrier_destroy(nb->under.carrier);
    LIST_DEL(n->neighbours, nb);
    n->neighbours_n--;
    qn_mem_put(&n->env->mem, nb, sizeof *nb);
}

/* Leg and deadline for a carrier that was made, or was not; without one of them the neighbour is
 * freed. */
static bool begin(neighbour *nb, qn_err made)
{
    qn_node *n = nb->n;

    if (made == QN_OK)
        nb->under.leg[0] = conns_add(&n->conns, &n->env->mem, CONN_LEG, nb, 0);
    if (nb->under.leg[0] != 0 &&
        node_timer(n, &nb->timer, TIMER_NEIGHBOUR, qn_carrier_due(nb->under.carrier)))
        return true;
    conns_forget(&n->conns, nb->under.leg[0]);
    neighbour_free(nb);
    return false;
}

neighbour *neighbour_dial_upon(qn_node *n, const whom *to, bool named)
{
    neighbour *nb;

    if (to->via_n > 0 && to->passage == NULL)
        return passage_dial(n, to, named);
    if (visits_aged(n) || visits_crowd(n, to->id))
        return NULL;
    nb = neighbour_new(n, true);
    if (nb == NULL)
        return NULL;
    nb->id = *to->id;
    nb->under.passage = to->passage;
    nb->under.inner = to->passage != NULL;
    if (named)
        neighbour_name(nb);
    nb->under.leg_addr[0] = *to->addr;
    if (!begin(nb, under_dialled(nb, to)))
        return NULL;
    conns_todo(&n->conns, nb->under.leg[0], nb->under.resolving ? TODO_RESOLVE : TODO_DIAL);
    neighbour_touch(nb);
    return nb;
}

neighbour *neighbour_dial(qn_node *n, const whom *to)
{
    neighbour *nb;

    if (n->stopping || qn_peerid_equal(to->id, &n->id))
        return NULL;
    nb = neighbour_named(n, to->id);
    return nb != NULL ? nb : neighbour_dial_upon(n, to, true);
}

neighbour *neighbour_dial_back(qn_node *n, const qn_descriptor *d)
{
    whom to = {.id = &d->id,
               .key = &d->link.key,
               .addr = &d->addrs[0],
               .card = d->card,
               .via = d->via,
               .via_n = d->via_n};
    neighbour *nb = n->stopping ? NULL : neighbour_dial_upon(n, &to, false);

    if (nb != NULL)
        nb->dial_back = true;
    return nb;
}

neighbour *neighbour_dial_again(neighbour *nb, const qn_descriptor *d, const qn_addr *addr)
{
    qn_node *n = nb->n;

    return neighbour_dial_upon(n,
                               &(whom){.id = &d->id,
                                       .key = &d->link.key,
                                       .addr = addr,
                                       .card = d->card,
                                       .via = d->via,
                                       .via_n = d->via_n,
                                       .psk = invited_psk(n, &d->id)},
                               false);
}

neighbour *neighbour_get(qn_node *n, const qn_relay *r)
{
    const qn_descriptor *d = heard_newest(n, &r->d);

    return neighbour_dial(n, &(whom){.id = &d->id,
                                     .key = &d->link.key,
                                     .addr = &d->addrs[0],
                                     .card = d->card,
                                     .via = d->via,
                                     .via_n = d->via_n,
                                     .psk = invited_psk(n, &r->d.id)});
}

qn_conn neighbour_accept(qn_node *n, const qn_addr *from, const qn_addr *local)
{
    neighbour *nb = n->stopping ? NULL : neighbour_new(n, false);

    if (nb != NULL)
        nb->under.leg_addr[0] = *from;
    if (nb == NULL || !begin(nb, under_accepted(nb, from, local)))
        return 0;
    crowd_stranger(nb, true);
    neighbour_touch(nb);
    return nb->under.leg[0];
}

neighbour *neighbour_accept_upon(qn_node *n, passage *p)
{
    static const qn_addr nowhere;
    neighbour *nb = n->stopping ? NULL : neighbour_new(n, false);

    if (nb == NULL)
        return NULL;
    nb->under.passage = p;
    nb->under.inner = true;
    if (!begin(nb, under_accepted(nb, &nowhere, &nowhere)))
        return NULL;
    crowd_stranger(nb, true);
    neighbour_touch(nb);
    return nb;
}

/* ---- death ----------------------------------------------------------------------------------- */

static void link_event(neighbour *nb, const qn_link_event *ev);

void neighbour_drain_link(neighbour *nb)
{
    qn_link_event ev;

    while (qn_link_next(&nb->link, &ev))
        link_event(nb, &ev);
}

/* Streams end, then the link; the carrier says farewell if it still can. */
void neighbour_end(neighbour *nb, uint16_t code)
{
    if (nb->over)
        return;
    qn_link_shut(&nb->link, code);
    neighbour_drain_link(nb);
    neighbour_touch(nb);
}

static void link_over(neighbour *nb, const qn_link_event *ev)
{
    qn_node *n = nb->n;
    bool attached = nb->link.carrier != NULL;

    nb->over = true;
    neighbour_unname(nb);
    crowd_leave(nb);
    resume_over(nb);
    nb->over_since = n->env->now;
    (void)qn_link_fill(&nb->link);
    reach_over(nb);
    rendezvous_over(nb);
    berths_over(nb);
    if (nb->announced)
        node_event(
            n,
            &(qn_event){.type = QN_EV_LINK_DOWN, .id = nb->serial, .peer = nb->id, .err = ev->err});
    if (!attached && under_lives(nb)) /* this carrier was not, or is no longer, the link's */
        nb->under.carrier->kind->close(nb->under.carrier, ev->code);
    if (!nb->under.lost && !nb->under.up && !nb->under.raw) /* nobody to say farewell to */
        under_abandon(nb);
    neighbour_touch(nb);
}

/* The peer leaves this carrier; its link waits for it on another. */
static void left(neighbour *nb)
{
    qn_link_detach(&nb->link);
    nb->under.carrier->kind->close(nb->under.carrier, QN_CLOSE_DONE);
    if (!resume_keeps(nb))
        neighbour_end(nb, QN_CLOSE_GONE);
}

/* ---- what the link reports ------------------------------------------------------------------- */

static void link_event(neighbour *nb, const qn_link_event *ev)
{
    switch (ev->type) {
    case QN_LINK_STREAM_NEW:
        stream_new(nb, ev->id, ev->kind);
        break;
    case QN_LINK_STREAM_DATA:
        if (ev->user != NULL)
            stream_data(ev->user, ev);
        break;
    case QN_LINK_STREAM_ROOM:
        if (ev->user != NULL)
            stream_room(ev->user);
        break;
    case QN_LINK_STREAM_CLOSED:
        if (ev->user != NULL)
            stream_closed(ev->user, ev->code);
        break;
    case QN_LINK_PONG:
        probe_good(nb->n);
        break;
    case QN_LINK_LEFT:
        left(nb);
        break;
    case QN_LINK_CLOSED:
        link_over(nb, ev);
        break;
    }
}

/* ---- time and chores ------------------------------------------------------------------------- */

void neighbour_touch(neighbour *nb)
{
    chore_add(nb->n, &nb->chore);
}

/* A user's link over HTX is closed as his browser closes an idle connection. Whoever was dialled
 * waits for that, but not for ever. */
static qn_time idle_life(const neighbour *nb)
{
    const qn_node *n = nb->n;

    if (nb->retired || nb->moving)
        return 0;
    if (n->visits == NULL || (nb->outbound && node_listed(n)))
        return nb->outbound ? QN_LINK_IDLE : QN_LINK_IDLE_ACCEPTED;
    return n->visits->idle + (nb->outbound ? 0 : QN_LINK_IDLE_ACCEPTED);
}

/* A link without streams is given up after a while, by the dialler while there is one. */
static qn_time idle_due(neighbour *nb)
{
    if (!nb->under.up || nb->over || nb->orphan_until != QN_NEVER)
        return QN_NEVER;
    if (nb->link.streams_n > 0) {
        nb->idle_since = nb->n->env->now;
        crowd_used(nb);
        return QN_NEVER;
    }
    return nb->idle_since + idle_life(nb);
}

/* The origin has ended, so that the link cannot go on for long. */
static bool drains(const neighbour *nb)
{
    return !nb->outbound && !nb->under.inner && nb->n->site != NULL && !nb->over &&
           under_lives(nb) && qn_htx_peer_see(nb->under.carrier).draining;
}

void neighbour_retire(neighbour *nb)
{
    if (nb->retired || nb->moving)
        return;
    if (nb->outbound && nb->link.streams_n > 0 && resume_move(nb))
        return;
    nb->retired = true;
    neighbour_unname(nb);
}

/* C's end is the carrier's to wait for: an origin has not understood its CLOSE. */
static bool parting(const neighbour *nb)
{
    return !nb->outbound && !nb->under.inner && nb->n->site != NULL &&
           qn_htx_peer_see(nb->under.carrier).parting;
}

/* The farewell waits for room at a peer who may never read. */
static qn_time farewell_due(const neighbour *nb)
{
    return !parting(nb) && nb->over && !nb->under.lost && !nb->under.raw
               ? nb->over_since + QN_STOP_AFTER
               : QN_NEVER;
}

static qn_time neighbour_due(neighbour *nb)
{
    qn_time due = nb->over ? farewell_due(nb) : qn_link_due(&nb->link);

    due = QN_MIN(due, qn_carrier_due(nb->under.carrier));
    due = QN_MIN(due, visit_due(nb));
    due = QN_MIN(due, resume_due(nb));
    return QN_MIN(due, idle_due(nb));
}

void neighbour_plan(neighbour *nb)
{
    node_timer(nb->n, &nb->timer, TIMER_NEIGHBOUR, neighbour_due(nb));
}

void neighbour_tick(neighbour *nb)
{
    qn_time now = nb->n->env->now;

    if (!nb->over && qn_link_due(&nb->link) <= now) {
        qn_link_tick(&nb->link);
        neighbour_drain_link(nb);
    }
    if (qn_carrier_due(nb->under.carrier) <= now)
        qn_carrier_tick(nb->under.carrier);
    if (idle_due(nb) <= now)
        neighbour_end(nb, QN_CLOSE_DONE);
    if (farewell_due(nb) <= now)
        under_abandon(nb);
    resume_tick(nb);
    under_drain(nb);
}

void neighbour_service(neighbour *nb)
{
    const under *u = &nb->under;

    neighbour_drain_link(nb);
    (void)under_events(nb);
    visit_watch(nb);
    if (drains(nb))
        neighbour_retire(nb);
    if (nb->over && u->lost && u->leg[0] == 0 && u->leg[1] == 0 && !nb->chore.queued) {
        neighbour_free(nb);
        return;
    }
    under_ask_legs(nb);
    neighbour_plan(nb);
}

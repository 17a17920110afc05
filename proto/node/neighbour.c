/*
 * Neighbours: one link each, on a carrier with one or two legs.
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
    nb->renew_at = QN_NEVER;
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

    neighbour_unname(nb);
    crowd_forget(nb);
    grant_forget_neighbour(nb);
    qn_timers_cancel(&n->timers, &nb->timer);
    qn_link_clear(&nb->link);
    qn_carrier_destroy(nb->carrier);
    LIST_DEL(n->neighbours, nb);
    n->neighbours_n--;
    qn_mem_put(&n->env->mem, nb, sizeof *nb);
}

static void carrier_cfg(const qn_node *n, bool initiator, qn_carrier_cfg *cfg)
{
    *cfg = (qn_carrier_cfg){.initiator = initiator, .tally = (qn_tally *)&n->tally};
    memcpy(cfg->network, n->net.id, sizeof cfg->network);
    memcpy(cfg->own_key.b, n->cfg.keys.link.b, sizeof cfg->own_key.b);
    cfg->own_public = &n->link_public;
}

/* A client stays anonymous: a static key for this link only. */
static void draw_key(const qn_node *n, qn_carrier_cfg *cfg)
{
    qn_rng_fill(n->env, cfg->own_key.b, sizeof cfg->own_key.b);
    cfg->own_public = NULL;
}

static qn_err dialled_carrier(neighbour *nb, const whom *to)
{
    qn_node *n = nb->n;
    qn_htx_target target;
    qn_htx_card card = {0};
    qn_carrier_cfg cfg;
    qn_err err = QN_OK;

    carrier_cfg(n, true, &cfg);
    cfg.responder = nb->id;
    cfg.responder_key = *to->key;
    cfg.psk = to->psk;
    cfg.claim = node_listed(n) || n->op != NULL;
    cfg.own_id = n->id;
    if (!cfg.claim)
        draw_key(n, &cfg);
    if (n->visits != NULL) {
        err = visits_target(n, to, &card, &target);
        cfg.htx = &target;
    }
    if (err == QN_OK)
        err = n->cfg.carrier->create(&nb->carrier, n->env, &cfg);
    if (err == QN_OK && n->visits != NULL) {
        visits_renew(nb, &card);
        nb->resolving = !card.mirror && !visit_resolved_already(nb);
    }
    qn_wipe(&cfg.own_key, sizeof cfg.own_key);
    return err;
}

static qn_err accepted_carrier(neighbour *nb, const qn_addr *from, const qn_addr *local)
{
    qn_node *n = nb->n;
    qn_carrier_cfg cfg;
    bool heard;
    qn_err err;

    if (!crowd_enter(nb, from, &heard))
        return QN_QUOTA;
    carrier_cfg(n, false, &cfg);
    cfg.responder = n->id;
    cfg.origin = n->cfg.origin;
    cfg.client = *from;
    cfg.local = *local;
    cfg.unheard = !heard;
    if (n->site != NULL)
        site_greet(n, &cfg);
    err = n->cfg.carrier->create(&nb->carrier, n->env, &cfg);
    qn_wipe(&cfg.own_key, sizeof cfg.own_key);
    return err;
}

/* Leg and deadline for a carrier that was made, or was not; without one of them the neighbour is
 * freed. */
static bool begin(neighbour *nb, qn_err made)
{
    qn_node *n = nb->n;

    if (made == QN_OK)
        nb->leg[0] = conns_add(&n->conns, &n->env->mem, CONN_LEG, nb, 0);
    if (nb->leg[0] != 0 && node_timer(n, &nb->timer, TIMER_NEIGHBOUR, qn_carrier_due(nb->carrier)))
        return true;
    conns_forget(&n->conns, nb->leg[0]);
    neighbour_free(nb);
    return false;
}

static neighbour *dial(qn_node *n, const whom *to, bool named)
{
    neighbour *nb;

    if (visits_aged(n) || visits_crowd(n, to->id))
        return NULL;
    nb = neighbour_new(n, true);
    if (nb == NULL)
        return NULL;
    nb->id = *to->id;
    if (named)
        neighbour_name(nb);
    nb->leg_addr[0] = *to->addr;
    if (!begin(nb, dialled_carrier(nb, to)))
        return NULL;
    conns_todo(&n->conns, nb->leg[0], nb->resolving ? TODO_RESOLVE : TODO_DIAL);
    neighbour_touch(nb);
    return nb;
}

neighbour *neighbour_dial(qn_node *n, const whom *to)
{
    neighbour *nb;

    if (n->stopping || qn_peerid_equal(to->id, &n->id))
        return NULL;
    nb = neighbour_named(n, to->id);
    return nb != NULL ? nb : dial(n, to, true);
}

neighbour *neighbour_dial_back(qn_node *n, const qn_descriptor *d)
{
    whom to = {.id = &d->id, .key = &d->link.key, .addr = &d->addrs[0], .card = d->card};
    neighbour *nb = n->stopping ? NULL : dial(n, &to, false);

    if (nb != NULL)
        nb->dial_back = true;
    return nb;
}

neighbour *neighbour_get(qn_node *n, const qn_relay *r)
{
    const qn_descriptor *d = heard_newest(n, &r->d);

    return neighbour_dial(n, &(whom){.id = &d->id,
                                     .key = &d->link.key,
                                     .addr = &d->addrs[0],
                                     .card = d->card,
                                     .psk = invited_psk(n, &r->d.id)});
}

qn_conn neighbour_accept(qn_node *n, const qn_addr *from, const qn_addr *local)
{
    neighbour *nb = n->stopping ? NULL : neighbour_new(n, false);

    if (nb != NULL)
        nb->leg_addr[0] = *from;
    if (nb == NULL || !begin(nb, accepted_carrier(nb, from, local)))
        return 0;
    crowd_stranger(nb, true);
    neighbour_touch(nb);
    return nb->leg[0];
}

/* ---- death ----------------------------------------------------------------------------------- */

static void link_event(neighbour *nb, const qn_link_event *ev);

static void drain_link(neighbour *nb)
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
    drain_link(nb);
    neighbour_touch(nb);
}

static void abandon(neighbour *nb)
{
    nb->lost = true;
    for (uint8_t i = 0; i < 2; i++)
        conns_todo(&nb->n->conns, nb->leg[i], TODO_RESET);
    neighbour_touch(nb);
}

static void link_over(neighbour *nb, qn_err err)
{
    qn_node *n = nb->n;

    nb->over = true;
    neighbour_unname(nb);
    crowd_leave(nb);
    nb->over_since = n->env->now;
    (void)qn_link_fill(&nb->link);
    reach_over(nb);
    if (nb->up && !nb->dial_back)
        node_event(
            n, &(qn_event){.type = QN_EV_LINK_DOWN, .id = nb->serial, .peer = nb->id, .err = err});
    if (!nb->lost && !nb->up && !nb->raw) /* nobody to say farewell to */
        abandon(nb);
    neighbour_touch(nb);
}

/* No more records. Whatever the carrier did not order for its legs ends them now. */
static void carrier_lost(neighbour *nb, qn_err err)
{
    qn_node *n = nb->n;

    if (nb->lost)
        return;
    nb->lost = true;
    qn_link_detach(&nb->link);
    if (err != QN_OK && !nb->over) {
        /* Scanners come and go by the thousand. */
        qn_log_line(n->env, nb->outbound || nb->up ? QN_LOG_INFO : QN_LOG_DEBUG, "link",
                    "%s lost: %s", nb->outbound ? "dialled" : "accepted", qn_err_text(err));
        if (nb->outbound && nb->known && !nb->up && !nb->dial_back &&
            qn_err_band(err) != QN_BAND_OURS)
            paths_failed(n, &nb->id);
        if (nb->outbound && n->cfg.socks && node_in_use(n))
            probe_bad(n, err);
    }
    neighbour_end(nb, QN_CLOSE_GONE);
    for (uint8_t i = 0; i < 2; i++) {
        const conn *c = conns_get(&n->conns, nb->leg[i]);

        if (c != NULL && !(c->todo & (TODO_CLOSE | TODO_RESET | TODO_RESET_DRAIN)) && !c->releasing)
            conns_todo(&n->conns, nb->leg[i], TODO_RESET);
    }
    neighbour_touch(nb);
}

/* ---- what the carrier reports ---------------------------------------------------------------- */

static void established(neighbour *nb, const qn_established *est)
{
    qn_node *n = nb->n;

    if (!nb->outbound) {
        nb->claims = est->known;
        nb->claimed = est->peer;
        nb->claimed_key = est->peer_key;
        (void)neighbour_known(nb);
    }
    if (qn_link_attach(&nb->link, nb->carrier, 0) != QN_OK) {
        neighbour_end(nb, QN_CLOSE_INTERNAL);
        return;
    }
    crowd_stranger(nb, false);
    nb->up = true;
    if (nb->dial_back) {
        dialled_back(nb);
        return;
    }
    if (nb->outbound)
        paths_worked(n, &nb->id);
    n->counters.links_opened++;
    node_event(n, &(qn_event){.type = QN_EV_LINK_UP, .id = nb->serial, .peer = nb->id});
    if (!nb->outbound && !nb->known)
        crowd_add(nb);
}

static void dial_leg(neighbour *nb, const qn_carrier_event *ev)
{
    qn_node *n = nb->n;

    nb->leg_addr[ev->leg] = ev->addr;
    nb->leg[ev->leg] = conns_add(&n->conns, &n->env->mem, CONN_LEG, nb, ev->leg);
    if (nb->leg[ev->leg] == 0)
        qn_carrier_ended(nb->carrier, ev->leg, QN_END_RESET);
    else
        conns_todo(&n->conns, nb->leg[ev->leg], TODO_DIAL);
}

static void carrier_event(neighbour *nb, qn_carrier_event *ev)
{
    conns *t = &nb->n->conns;

    switch (ev->type) {
    case QN_CARRIER_DIAL:
        dial_leg(nb, ev);
        break;
    case QN_CARRIER_ESTABLISHED:
        established(nb, &ev->est);
        break;
    case QN_CARRIER_RECORD:
        if (nb->over) {
            qn_block_drop(ev->piece.block);
            break;
        }
        qn_link_input(&nb->link, ev->piece);
        drain_link(nb);
        break;
    case QN_CARRIER_FINISH:
        conns_todo(t, nb->leg[ev->leg], TODO_SEND | TODO_FINISH);
        break;
    case QN_CARRIER_CLOSE:
        conns_todo(t, nb->leg[ev->leg], TODO_SEND | TODO_CLOSE);
        break;
    case QN_CARRIER_RESET:
        conns_todo(t, nb->leg[ev->leg], ev->drain ? TODO_SEND | TODO_RESET_DRAIN : TODO_RESET);
        break;
    case QN_CARRIER_RAW:
        nb->raw = true;
        if (!nb->outbound)
            crowd_stranger(nb, true);
        qn_link_detach(&nb->link);
        neighbour_end(nb, QN_CLOSE_GONE);
        break;
    case QN_CARRIER_LOST:
        carrier_lost(nb, ev->err);
        break;
    }
}

void neighbour_drain(neighbour *nb)
{
    qn_carrier_event ev;

    while (qn_carrier_next(nb->carrier, &ev))
        carrier_event(nb, &ev);
    neighbour_touch(nb);
}

/* ---- near the memory cap --------------------------------------------------------------------- */

bool neighbour_stalls(const neighbour *nb)
{
    return nb->stranger && !nb->lost && (nb->starved[0] || nb->starved[1]);
}

void neighbour_give_up(neighbour *nb)
{
    nb->carrier->kind->close(nb->carrier, QN_CLOSE_INTERNAL);
    neighbour_drain(nb);
    carrier_lost(nb, QN_NOMEM);
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
    case QN_LINK_CLOSED:
        link_over(nb, ev->err);
        break;
    }
}

/* ---- what the world reports ------------------------------------------------------------------ */

void neighbour_opened(neighbour *nb, uint8_t leg)
{
    qn_carrier_opened(nb->carrier, leg);
    neighbour_drain(nb);
}

void neighbour_leg_gone(neighbour *nb, uint8_t leg)
{
    conns_forget(&nb->n->conns, nb->leg[leg]);
    nb->leg[leg] = 0;
    neighbour_touch(nb);
}

void neighbour_leg_ended(neighbour *nb, uint8_t leg, qn_ending how)
{
    if (how == QN_END_RESET)
        neighbour_leg_gone(nb, leg);
    qn_carrier_ended(nb->carrier, leg, how);
    neighbour_drain(nb);
}

void neighbour_open_failed(neighbour *nb, uint8_t leg, qn_err why)
{
    if (leg == 0)
        nb->n->last_error = why;
    else if (nb->n->site != NULL && qn_err_band(why) != QN_BAND_OURS)
        site_down(nb->n); /* that we have no socket left says nothing about the origin */
    neighbour_leg_ended(nb, leg, QN_END_RESET);
    if (leg == 0)
        carrier_lost(nb, why);
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

    if (nb->retired)
        return 0;
    if (n->visits == NULL || (nb->outbound && node_listed(n)))
        return nb->outbound ? QN_LINK_IDLE : QN_LINK_IDLE_ACCEPTED;
    return n->visits->idle + (nb->outbound ? 0 : QN_LINK_IDLE_ACCEPTED);
}

/* A link without streams is given up after a while, by the dialler while there is one. */
static qn_time idle_due(neighbour *nb)
{
    if (!nb->up || nb->over)
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
    return !nb->outbound && nb->n->site != NULL && nb->up && !nb->over && !nb->lost &&
           qn_htx_peer_see(nb->carrier).draining;
}

void neighbour_retire(neighbour *nb)
{
    qn_node *n = nb->n;
    const qn_relay *r = paths_relay(n, &nb->id);

    if (nb->retired)
        return;
    nb->retired = true;
    neighbour_unname(nb);
    if (nb->outbound && nb->link.streams_n > 0 && r != NULL && node_in_use(n))
        (void)neighbour_get(n, r);
}

/* C's end is the carrier's to wait for: an origin has not understood its CLOSE. */
static bool parting(const neighbour *nb)
{
    return !nb->outbound && nb->n->site != NULL && qn_htx_peer_see(nb->carrier).parting;
}

/* The farewell waits for room at a peer who may never read. */
static qn_time farewell_due(const neighbour *nb)
{
    return !parting(nb) && nb->over && !nb->lost && !nb->raw ? nb->over_since + QN_STOP_AFTER
                                                             : QN_NEVER;
}

static qn_time neighbour_due(neighbour *nb)
{
    qn_time due = nb->over ? farewell_due(nb) : qn_link_due(&nb->link);

    due = QN_MIN(due, qn_carrier_due(nb->carrier));
    due = QN_MIN(due, visit_due(nb));
    return QN_MIN(due, idle_due(nb));
}

unsigned neighbour_peek(neighbour *nb, uint8_t leg, qn_slice *v, unsigned max)
{
    if (leg == 0 && nb->up && !nb->lost && !nb->raw) {
        (void)qn_link_fill(&nb->link);
        drain_link(nb);
        /* What a carrier holds back has a time from now on. */
        node_timer(nb->n, &nb->timer, TIMER_NEIGHBOUR, neighbour_due(nb));
    }
    return qn_carrier_peek(nb->carrier, leg, v, max);
}

qn_span neighbour_space(neighbour *nb, uint8_t leg)
{
    qn_span s = qn_carrier_space(nb->carrier, leg);

    if (s.n == 0 && !nb->starved[0] && !nb->starved[1])
        nb->starved_since = nb->n->env->now;
    nb->starved[leg] = s.n == 0;
    return s;
}

static bool has_room_again(neighbour *nb, uint8_t leg)
{
    if (!nb->starved[leg] || qn_carrier_space(nb->carrier, leg).n == 0)
        return false;
    nb->starved[leg] = false;
    return true;
}

/* Of two legs each waits for the other. */
void neighbour_consumed(neighbour *nb, uint8_t leg, size_t bytes)
{
    qn_carrier_event ev;
    bool more = nb->starved[0] || nb->starved[1];

    qn_carrier_consume(nb->carrier, leg, bytes);
    for (; qn_carrier_next(nb->carrier, &ev); more = true)
        carrier_event(nb, &ev);
    if (more || qn_carrier_due(nb->carrier) < nb->timer.due)
        neighbour_touch(nb);
}

void neighbour_tick(neighbour *nb)
{
    qn_time now = nb->n->env->now;

    if (!nb->over && qn_link_due(&nb->link) <= now) {
        qn_link_tick(&nb->link);
        drain_link(nb);
    }
    if (qn_carrier_due(nb->carrier) <= now)
        qn_carrier_tick(nb->carrier);
    if (idle_due(nb) <= now)
        neighbour_end(nb, QN_CLOSE_DONE);
    if (farewell_due(nb) <= now)
        abandon(nb);
    neighbour_drain(nb);
}

void neighbour_service(neighbour *nb)
{
    qn_node *n = nb->n;
    qn_carrier_event ev;

    drain_link(nb);
    while (qn_carrier_next(nb->carrier, &ev))
        carrier_event(nb, &ev);
    visit_watch(nb);
    if (drains(nb))
        neighbour_retire(nb);
    if (nb->over && nb->lost && nb->leg[0] == 0 && nb->leg[1] == 0 && !nb->chore.queued) {
        neighbour_free(nb);
        return;
    }
    for (uint8_t i = 0; i < 2; i++)
        conns_todo(&n->conns, nb->leg[i],
                   has_room_again(nb, i) ? TODO_SEND | TODO_READ : TODO_SEND);
    node_timer(n, &nb->timer, TIMER_NEIGHBOUR, neighbour_due(nb));
}

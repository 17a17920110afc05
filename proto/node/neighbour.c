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

/* ---- birth ----------------------------------------------------------------------------------- */

static neighbour *neighbour_new(qn_node *n, bool outbound)
{
    neighbour *nb = qn_mem_get(&n->env->mem, sizeof *nb);

    if (nb == NULL)
        return NULL;
    nb->n = n;
    nb->outbound = outbound;
    nb->since = nb->idle_since = n->env->now;
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

static qn_err make_carrier(neighbour *nb, const qn_dh_public *key)
{
    qn_node *n = nb->n;
    qn_carrier_cfg cfg;
    qn_err err;

    carrier_cfg(n, nb->outbound, &cfg);
    if (nb->outbound) {
        cfg.responder = nb->id;
        cfg.responder_key = *key;
        cfg.claim = node_registers(n);
        cfg.own_id = n->id;
        if (!cfg.claim)
            draw_key(n, &cfg);
    } else {
        cfg.responder = n->id;
        cfg.origin = n->cfg.origin;
    }
    err = n->cfg.carrier->create(&nb->carrier, n->env, &cfg);
    qn_wipe(&cfg.own_key, sizeof cfg.own_key);
    return err;
}

/* Leg, carrier and deadline; without one of them the neighbour is freed. */
static bool begin(neighbour *nb, const qn_dh_public *key)
{
    qn_node *n = nb->n;

    nb->leg[0] = conns_add(&n->conns, &n->env->mem, CONN_LEG, nb, 0);
    if (nb->leg[0] != 0 && make_carrier(nb, key) == QN_OK &&
        node_timer(n, &nb->timer, TIMER_NEIGHBOUR, qn_carrier_due(nb->carrier)))
        return true;
    conns_forget(&n->conns, nb->leg[0]);
    neighbour_free(nb);
    return false;
}

neighbour *neighbour_dial(qn_node *n, const qn_peerid *id, const qn_dh_public *key,
                          const qn_addr *addr)
{
    neighbour *nb;

    if (n->stopping || qn_peerid_equal(id, &n->id))
        return NULL;
    nb = neighbour_named(n, id);
    if (nb != NULL)
        return nb;
    nb = neighbour_new(n, true);
    if (nb == NULL)
        return NULL;
    nb->id = *id;
    neighbour_name(nb);
    nb->leg_addr[0] = *addr;
    if (!begin(nb, key))
        return NULL;
    conns_todo(&n->conns, nb->leg[0], TODO_DIAL);
    neighbour_touch(nb);
    return nb;
}

neighbour *neighbour_get(qn_node *n, const qn_relay *r)
{
    return neighbour_dial(n, &r->d.id, &r->d.link.key, &r->d.addrs[0]);
}

qn_conn neighbour_accept(qn_node *n, const qn_addr *from, const qn_addr *local)
{
    neighbour *nb = n->stopping ? NULL : neighbour_new(n, false);

    (void)from;
    (void)local;
    if (nb == NULL || !begin(nb, NULL))
        return 0;
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
    nb->over_since = n->env->now;
    (void)qn_link_fill(&nb->link);
    if (nb->up)
        node_event(
            n, &(qn_event){.type = QN_EV_LINK_DOWN, .id = nb->serial, .peer = nb->id, .err = err});
    if (!nb->lost && !nb->up) /* nobody to say farewell to */
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
        if (nb->outbound && nb->known && !nb->up)
            client_blame(n, &nb->id);
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
    nb->up = true;
    n->counters.links_opened++;
    node_event(n, &(qn_event){.type = QN_EV_LINK_UP, .id = nb->serial, .peer = nb->id});
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

/* ---- what the link reports ------------------------------------------------------------------- */

/* One stranger's streams must not fill what all of them share: circuits, edges, answers. One who
 * does not even let us refuse has no use for the link. */
static bool crowded(neighbour *nb)
{
    bool unruly = nb->link.closing_n > QN_STRANGER_STREAMS;

    if ((!unruly && nb->link.streams_n <= QN_STRANGER_STREAMS) || neighbour_known(nb))
        return false;
    if (unruly)
        neighbour_end(nb, QN_CLOSE_LIMIT);
    return true;
}

static void stream_new(neighbour *nb, uint32_t id, qn_stream_kind kind)
{
    qn_node *n = nb->n;

    if (crowded(nb)) {
        qn_link_close(&nb->link, id, QN_CLOSE_LIMIT);
        return;
    }
    if (kind == QN_KIND_APP && node_exits(n) && !n->stopping) {
        edge *e = edge_new(n, true);

        if (e != NULL) {
            e->slot_source = nb->serial;
            tie_accept(&e->tie, TIE_EDGE, e, nb, id);
            return;
        }
    } else if (kind == QN_KIND_CIRCUIT && node_relays(n) && !n->stopping) {
        relay_new(nb, id);
        return;
    } else if (kind == QN_KIND_DIRECTORY && node_serves_directory(n) && !n->stopping) {
        answer_new(nb, id);
        return;
    }
    qn_link_close(&nb->link, id, QN_CLOSE_REFUSED);
}

static void stream_data(const tie *t, const qn_link_event *ev)
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
    case TIE_ASKER:
        asker_data(t->owner, ev->piece, ev->fin);
        break;
    case TIE_ANSWER:
        answer_data(t->owner, ev->piece, ev->fin);
        break;
    }
}

static void stream_room(const tie *t)
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
        break; /* requests are far smaller than a stream's first credit */
    case TIE_ANSWER:
        answer_room(t->owner);
        break;
    }
}

static void stream_closed(tie *t, uint16_t code)
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
    case TIE_ANSWER:
        answer_closed(t->owner);
        break;
    }
}

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
    neighbour_leg_ended(nb, leg, QN_END_RESET);
    if (leg == 0)
        carrier_lost(nb, why);
}

unsigned neighbour_peek(neighbour *nb, uint8_t leg, qn_slice *v, unsigned max)
{
    if (leg == 0 && nb->up && !nb->lost) {
        (void)qn_link_fill(&nb->link);
        drain_link(nb);
    }
    return qn_carrier_peek(nb->carrier, leg, v, max);
}

/* ---- time and chores ------------------------------------------------------------------------- */

void neighbour_touch(neighbour *nb)
{
    chore_add(nb->n, &nb->chore);
}

/* A link without streams is given up after a while, by the dialler while there is one. */
static qn_time idle_due(neighbour *nb)
{
    if (!nb->up || nb->over)
        return QN_NEVER;
    if (nb->link.streams_n > 0) {
        nb->idle_since = nb->n->env->now;
        return QN_NEVER;
    }
    return nb->idle_since + (nb->outbound ? QN_LINK_IDLE : QN_LINK_IDLE_ACCEPTED);
}

/* The farewell waits for room at a peer who may never read. */
static qn_time farewell_due(const neighbour *nb)
{
    return nb->over && !nb->lost && !nb->raw ? nb->over_since + QN_STOP_AFTER : QN_NEVER;
}

static qn_time neighbour_due(neighbour *nb)
{
    qn_time due = nb->over ? farewell_due(nb) : qn_link_due(&nb->link);

    due = QN_MIN(due, qn_carrier_due(nb->carrier));
    return QN_MIN(due, idle_due(nb));
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
    if (nb->over && nb->lost && nb->leg[0] == 0 && nb->leg[1] == 0 && !nb->chore.queued) {
        neighbour_free(nb);
        return;
    }
    for (uint8_t i = 0; i < 2; i++)
        conns_todo(&n->conns, nb->leg[i], TODO_SEND);
    node_timer(n, &nb->timer, TIMER_NEIGHBOUR, neighbour_due(nb));
}

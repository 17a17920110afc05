/*
 * What is beneath a link: a carrier and the one or two conns that are its legs. What they report
 * goes to the link, or, when a link is to go on upon them, to resume.c.
 */
#include "node/internal.h"

#include "dir/vouch.h"

/* ---- making it ------------------------------------------------------------------------------- */

static void carrier_cfg(const qn_node *n, bool initiator, qn_carrier_cfg *cfg)
{
    *cfg = (qn_carrier_cfg){.initiator = initiator, .tally = (qn_tally *)&n->tally};
    memcpy(cfg->network, n->net.id, sizeof cfg->network);
    memcpy(cfg->own_key.b, n->cfg.keys.link.b, sizeof cfg->own_key.b);
    cfg->own_public = &n->link_public;
    cfg->vouch = n->vouch;
}

/* A client stays anonymous: a static key for this link only. */
static void draw_key(const qn_node *n, qn_carrier_cfg *cfg)
{
    qn_rng_fill(n->env, cfg->own_key.b, sizeof cfg->own_key.b);
    cfg->own_public = NULL;
}

/* Inside another link no disguise is needed. */
static const qn_carrier_kind *kind_of(const neighbour *nb)
{
    return nb->under.inner ? &qn_carrier_bare : nb->n->cfg.carrier;
}

qn_err under_dialled(neighbour *nb, const whom *to)
{
    qn_node *n = nb->n;
    bool visit = n->visits != NULL && !nb->under.inner;
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
    if (visit) {
        err = visits_target(n, to, &card, &target);
        cfg.htx = &target;
    }
    if (err == QN_OK)
        err = kind_of(nb)->create(&nb->under.carrier, n->env, &cfg);
    if (err == QN_OK && visit) {
        visits_renew(nb, &card);
        nb->under.resolving = !card.mirror && !visit_resolved_already(nb);
    }
    qn_wipe(&cfg.own_key, sizeof cfg.own_key);
    return err;
}

qn_err under_accepted(neighbour *nb, const qn_addr *from, const qn_addr *local)
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
    if (n->site != NULL && !nb->under.inner)
        site_greet(n, &cfg);
    err = kind_of(nb)->create(&nb->under.carrier, n->env, &cfg);
    qn_wipe(&cfg.own_key, sizeof cfg.own_key);
    return err;
}

/* ---- its end --------------------------------------------------------------------------------- */

void under_abandon(neighbour *nb)
{
    nb->under.lost = true;
    for (uint8_t i = 0; i < 2; i++)
        conns_todo(&nb->n->conns, nb->under.leg[i], TODO_RESET);
    neighbour_touch(nb);
}

/* No more records. Whatever the carrier did not order for its legs ends them now. */
static void carrier_lost(neighbour *nb, qn_err err)
{
    qn_node *n = nb->n;

    if (nb->under.lost)
        return;
    nb->under.lost = true;
    qn_link_detach(&nb->link);
    if (err != QN_OK && !nb->over) {
        /* Scanners come and go by the thousand. */
        qn_log_line(n->env, nb->outbound || nb->under.up ? QN_LOG_INFO : QN_LOG_DEBUG, "link",
                    "%s lost: %s", nb->outbound ? "dialled" : "accepted", qn_err_text(err));
        if (nb->outbound && nb->known && !nb->announced && !nb->dial_back &&
            qn_err_band(err) != QN_BAND_OURS)
            paths_failed(n, &nb->id);
    }
    if (!nb->over && !resume_keeps(nb)) {
        if (err != QN_OK && nb->outbound && nb->behalf == NULL && n->cfg.socks && node_in_use(n))
            probe_bad(n, err);
        neighbour_end(nb, QN_CLOSE_GONE);
    }
    for (uint8_t i = 0; i < 2; i++) {
        const conn *c = conns_get(&n->conns, nb->under.leg[i]);

        if (c != NULL && !(c->todo & (TODO_CLOSE | TODO_RESET | TODO_RESET_DRAIN)) && !c->releasing)
            conns_todo(&n->conns, nb->under.leg[i], TODO_RESET);
    }
    neighbour_touch(nb);
}

/* ---- what the carrier reports ---------------------------------------------------------------- */

/* The link begins on this carrier. */
static void begins(neighbour *nb, const qn_established *est)
{
    qn_node *n = nb->n;

    if (qn_link_attach(&nb->link, nb->under.carrier, 0) != QN_OK) {
        neighbour_end(nb, QN_CLOSE_INTERNAL);
        return;
    }
    if (nb->dial_back) {
        dialled_back(nb);
        return;
    }
    if (nb->outbound)
        paths_worked(n, &nb->id);
    resume_begin(nb, &est->resume);
    nb->announced = true;
    n->counters.links_opened++;
    node_event(n, &(qn_event){.type = QN_EV_LINK_UP, .id = nb->serial, .peer = nb->id});
    if (!nb->outbound && !nb->known)
        crowd_add(nb);
}

/* The key that was proved is its who is meant, or who is claimed: his identity says so. The list
 * that named the key may have been made up. */
static bool vouched(const neighbour *nb, const qn_established *est)
{
    const qn_node *n = nb->n;
    bool mirror = nb->outbound && n->visits != NULL && !nb->under.inner;
    const qn_peerid *who = nb->outbound ? &nb->id : &est->peer;

    return !est->known ||
           qn_vouch_check(&est->vouch, n->env, n->net.id, who,
                          mirror ? QN_VOUCHED_MIRROR : QN_VOUCHED_LINK, &est->peer_key) == QN_OK;
}

static void impostor(neighbour *nb)
{
    qn_node *n = nb->n;

    /* Anybody can dial so, as often as he likes: those are counted. */
    qn_log_line(n->env, nb->outbound ? QN_LOG_WARN : QN_LOG_DEBUG, "link",
                "%s has a key that its identity did not sign",
                nb->outbound ? "who was dialled" : "who dialled");
    n->counters.impostors++;
    if (nb->outbound) {
        n->last_error = QN_AUTH;
        if (!nb->dial_back)
            paths_failed(n, &nb->id);
    }
    neighbour_end(nb, QN_CLOSE_AUTH);
}

static neighbour *established(neighbour *nb, const qn_established *est)
{
    nb->under.hash = est->hash;
    nb->under.max_record = est->max_record;
    nb->under.up = true;
    crowd_stranger(nb, false);
    if (!vouched(nb, est)) {
        impostor(nb);
        return nb;
    }
    if (nb->behalf != NULL)
        return resume_take(nb, &est->resume);
    if (!nb->outbound) {
        nb->claims = est->known;
        nb->claimed = est->peer;
        nb->claimed_key = est->peer_key;
        (void)neighbour_known(nb);
    }
    begins(nb, est);
    return nb;
}

static neighbour *record(neighbour *nb, qn_piece piece)
{
    uint32_t content;

    if (nb->over || resume_record(&nb, &piece)) {
        qn_block_drop(piece.block);
        return nb;
    }
    content = piece.len;
    qn_link_input(&nb->link, piece);
    neighbour_drain_link(nb);
    resume_heard(nb, content);
    return nb;
}

static void gone_raw(neighbour *nb)
{
    nb->under.raw = true;
    if (!nb->outbound)
        crowd_stranger(nb, true);
    qn_link_detach(&nb->link);
    if (!nb->over && !resume_keeps(nb))
        neighbour_end(nb, QN_CLOSE_GONE);
}

static void dial_leg(neighbour *nb, const qn_carrier_event *ev)
{
    qn_node *n = nb->n;

    nb->under.leg_addr[ev->leg] = ev->addr;
    nb->under.leg[ev->leg] = conns_add(&n->conns, &n->env->mem, CONN_LEG, nb, ev->leg);
    if (nb->under.leg[ev->leg] == 0)
        qn_carrier_ended(nb->under.carrier, ev->leg, QN_END_RESET);
    else
        conns_todo(&n->conns, nb->under.leg[ev->leg], TODO_DIAL);
}

/* Returns whose the carrier is now: a link that goes on upon it takes it over. */
static neighbour *carrier_event(neighbour *nb, qn_carrier_event *ev)
{
    conns *t = &nb->n->conns;

    switch (ev->type) {
    case QN_CARRIER_DIAL:
        dial_leg(nb, ev);
        break;
    case QN_CARRIER_ESTABLISHED:
        return established(nb, &ev->est);
    case QN_CARRIER_RECORD:
        return record(nb, ev->piece);
    case QN_CARRIER_FINISH:
        conns_todo(t, nb->under.leg[ev->leg], TODO_SEND | TODO_FINISH);
        break;
    case QN_CARRIER_CLOSE:
        conns_todo(t, nb->under.leg[ev->leg], TODO_SEND | TODO_CLOSE);
        break;
    case QN_CARRIER_RESET:
        conns_todo(t, nb->under.leg[ev->leg],
                   ev->drain ? TODO_SEND | TODO_RESET_DRAIN : TODO_RESET);
        break;
    case QN_CARRIER_RAW:
        gone_raw(nb);
        break;
    case QN_CARRIER_LOST:
        carrier_lost(nb, ev->err);
        break;
    }
    return nb;
}

/* The carrier is drained to the end whoever has it by then: until that it may lie in the engine's
 * scratch. True: it had something to report. */
bool under_events(neighbour *nb)
{
    qn_carrier *c = nb->under.carrier;
    neighbour *holder = nb;
    qn_carrier_event ev;
    bool any = false;

    for (; qn_carrier_next(c, &ev); any = true)
        holder = carrier_event(holder, &ev);
    if (holder != nb)
        neighbour_touch(holder);
    return any;
}

void under_drain(neighbour *nb)
{
    (void)under_events(nb);
    neighbour_touch(nb);
}

bool under_lives(const neighbour *nb)
{
    return nb->under.up && !nb->under.raw && !nb->under.lost;
}

/* ---- near the memory cap --------------------------------------------------------------------- */

bool neighbour_stalls(const neighbour *nb)
{
    return nb->under.stranger && !nb->under.lost && (nb->under.starved[0] || nb->under.starved[1]);
}

void neighbour_give_up(neighbour *nb)
{
    nb->under.carrier->kind->close(nb->under.carrier, QN_CLOSE_INTERNAL);
    under_drain(nb);
    carrier_lost(nb, QN_NOMEM);
}

/* ---- what the world reports ------------------------------------------------------------------ */

void neighbour_opened(neighbour *nb, uint8_t leg)
{
    qn_carrier_opened(nb->under.carrier, leg);
    under_drain(nb);
}

void neighbour_leg_gone(neighbour *nb, uint8_t leg)
{
    conns_forget(&nb->n->conns, nb->under.leg[leg]);
    nb->under.leg[leg] = 0;
    neighbour_touch(nb);
}

void neighbour_leg_ended(neighbour *nb, uint8_t leg, qn_ending how)
{
    if (how == QN_END_RESET)
        neighbour_leg_gone(nb, leg);
    qn_carrier_ended(nb->under.carrier, leg, how);
    under_drain(nb);
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

/* ---- bytes ----------------------------------------------------------------------------------- */

unsigned neighbour_peek(neighbour *nb, uint8_t leg, qn_slice *v, unsigned max)
{
    if (leg == 0 && under_lives(nb)) {
        if (resume_fill(nb))
            (void)qn_link_fill(&nb->link);
        neighbour_drain_link(nb);
        /* What a carrier holds back has a time from now on. */
        neighbour_plan(nb);
    }
    return qn_carrier_peek(nb->under.carrier, leg, v, max);
}

qn_span neighbour_space(neighbour *nb, uint8_t leg)
{
    qn_span s = qn_carrier_space(nb->under.carrier, leg);

    if (s.n == 0 && !nb->under.starved[0] && !nb->under.starved[1])
        nb->under.starved_since = nb->n->env->now;
    nb->under.starved[leg] = s.n == 0;
    return s;
}

static bool has_room_again(neighbour *nb, uint8_t leg)
{
    if (!nb->under.starved[leg] || qn_carrier_space(nb->under.carrier, leg).n == 0)
        return false;
    nb->under.starved[leg] = false;
    return true;
}

/* Of two legs each waits for the other. */
void neighbour_consumed(neighbour *nb, uint8_t leg, size_t bytes)
{
    bool more = nb->under.starved[0] || nb->under.starved[1];

    qn_carrier_consume(nb->under.carrier, leg, bytes);
    more = under_events(nb) || more;
    if (more || qn_carrier_due(nb->under.carrier) < nb->timer.due)
        neighbour_touch(nb);
}

void under_ask_legs(neighbour *nb)
{
    for (uint8_t i = 0; i < 2; i++)
        conns_todo(&nb->n->conns, nb->under.leg[i],
                   has_room_again(nb, i) ? TODO_SEND | TODO_READ : TODO_SEND);
}

/* The public verbs: each does one thing, then the chores it caused. */
#include "node/internal.h"

bool node_timer(qn_node *n, qn_timer *t, timer_kind kind, qn_time due)
{
    due = QN_MAX(due, n->env->now); /* what should have been done already is due now */
    t->kind = kind;
    if (t->pos != 0 && t->due == due)
        return true;
    if (qn_timers_set(&n->timers, &n->env->mem, t, due) == QN_OK)
        return true;
    qn_log_line(n->env, QN_LOG_ERROR, "node", "no memory for a timer");
    return false;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

unsigned qn_node_space(qn_node *n, qn_conn c, qn_span *v, unsigned max)
{
    const conn *k = conns_get(&n->conns, c);

    if (k == NULL || max == 0 || k->releasing)
        return 0;
    if (k->kind == CONN_LEG) {
        v[0] = neighbour_space(k->owner, k->leg);
        return v[0].n > 0;
    }
    if (k->kind == CONN_ORIGIN)
        return 0;
    return edge_space(k->owner, v, max);
}

void qn_node_commit(qn_node *n, qn_conn c, size_t bytes)
{
    const conn *k = conns_get(&n->conns, c);

    if (k == NULL || k->releasing)
        return;
    if (k->kind == CONN_LEG) {
        neighbour *nb = k->owner;

        if (k->leg == 0)
            nb->under.heard_at = n->env->now;
        qn_carrier_commit(nb->under.carrier, k->leg, bytes);
        under_drain(nb);
    } else if (k->kind != CONN_ORIGIN) {
        edge_commit(k->owner, bytes);
    }
    node_settle(n);
}

unsigned qn_node_peek(qn_node *n, qn_conn c, qn_slice *v, unsigned max)
{
    const conn *k = conns_get(&n->conns, c);

    if (k == NULL || max == 0)
        return 0;
    if (k->kind == CONN_LEG)
        return neighbour_peek(k->owner, k->leg, v, max);
    if (k->kind == CONN_ORIGIN)
        return 0;
    return edge_peek(k->owner, v, max);
}

void qn_node_consume(qn_node *n, qn_conn c, size_t bytes)
{
    const conn *k = conns_get(&n->conns, c);

    if (k == NULL)
        return;
    if (k->kind == CONN_LEG)
        neighbour_consumed(k->owner, k->leg, bytes);
    else if (k->kind != CONN_ORIGIN)
        edge_consume(k->owner, bytes);
    node_settle(n);
}

/* ---- what happened --------------------------------------------------------------------------- */

qn_conn qn_node_accepted(qn_node *n, qn_listener purpose, const qn_addr *from, const qn_addr *local)
{
    qn_conn c = 0;

    if (n->stopping)
        return 0;
    if (purpose == QN_LISTEN_LINK) {
        c = neighbour_accept(n, from, local);
    } else {
        edge *e = edge_new(n, false);

        if (e != NULL) {
            e->conn = c = conns_add(&n->conns, &n->env->mem, CONN_SOCKS, e, 0);
            if (c == 0) {
                e->state = EDGE_OVER;
                e->dead = true;
                chore_add(n, &e->chore);
            }
        }
    }
    node_settle(n);
    return c;
}

void qn_node_opened(qn_node *n, qn_conn c)
{
    const conn *k = conns_get(&n->conns, c);

    if (k == NULL)
        return;
    if (k->kind == CONN_LEG)
        neighbour_opened(k->owner, k->leg);
    else if (k->kind == CONN_TARGET)
        open_connected(k->owner, QN_OK);
    else if (k->kind == CONN_ORIGIN)
        site_answered(n, QN_OK);
    node_settle(n);
}

void qn_node_open_failed(qn_node *n, qn_conn c, qn_err why)
{
    const conn *k = conns_get(&n->conns, c);

    if (k == NULL)
        return;
    if (k->kind == CONN_LEG)
        neighbour_open_failed(k->owner, k->leg, why);
    else if (k->kind == CONN_TARGET)
        open_connected(k->owner, why);
    else if (k->kind == CONN_ORIGIN)
        site_answered(n, why);
    node_settle(n);
}

void qn_node_ended(qn_node *n, qn_conn c, qn_ending how)
{
    const conn *k = conns_get(&n->conns, c);

    if (k == NULL)
        return;
    if (k->releasing) {
        if (how == QN_END_RESET)
            qn_node_released(n, c);
        return;
    }
    if (k->kind == CONN_LEG)
        neighbour_leg_ended(k->owner, k->leg, how);
    else if (k->kind == CONN_ORIGIN)
        site_answered(n, QN_GONE);
    else
        edge_ended(k->owner, how);
    node_settle(n);
}

void qn_node_released(qn_node *n, qn_conn c)
{
    const conn *k = conns_get(&n->conns, c);

    if (k == NULL || !k->releasing)
        return;
    if (k->kind == CONN_LEG)
        neighbour_leg_gone(k->owner, k->leg);
    else if (k->kind == CONN_ORIGIN)
        site_forget(n);
    else
        edge_released(k->owner);
    node_settle(n);
}

void qn_node_resolved(qn_node *n, uint32_t query, const qn_addr *v, unsigned count, qn_err why)
{
    const conn *k = conns_get(&n->conns, query);

    if (k == NULL || (k->kind != CONN_TARGET && k->kind != CONN_LEG))
        return;
    if (k->kind == CONN_LEG)
        visit_resolved(k->owner, v, count, why);
    else
        open_resolved(k->owner, v, count, why);
    node_settle(n);
}

/* ---- time ------------------------------------------------------------------------------------ */

qn_time qn_node_due(const qn_node *n)
{
    return n->stopped_due ? n->env->now : qn_timers_due(&n->timers);
}

static void fire(qn_node *n, qn_timer *t)
{
    switch ((timer_kind)t->kind) {
    case TIMER_NEIGHBOUR:
        neighbour_tick(node_owner(t, neighbour));
        break;
    case TIMER_EDGE:
        edge_tick(node_owner(t, edge));
        break;
    case TIMER_CIRCUIT: {
        circuit *c = node_owner(t, circuit);

        qn_circuit_tick(&c->core);
        chore_add(n, &c->chore);
        break;
    }
    case TIMER_RELAY: {
        relay *r = node_owner(t, relay);

        qn_hop_tick(&r->hop);
        chore_add(n, &r->chore);
        break;
    }
    case TIMER_POOL:
        client_pool(n);
        break;
    case TIMER_ASKER:
        asker_tick(n);
        break;
    case TIMER_SEEKER:
        seek_tick(node_owner(t, seeker));
        break;
    case TIMER_ANSWER:
        answer_timeout(node_owner(t, answer));
        break;
    case TIMER_OPERATOR:
        operator_tick(n);
        break;
    case TIMER_MEASURE:
        measure_tick(n);
        break;
    case TIMER_DIALBACK:
        operator_dial_back(n);
        break;
    case TIMER_GOSSIP:
        gossip_tick(n);
        break;
    case TIMER_GOSSIP_ASK:
        gossip_ask_tick(node_owner(t, gossip_ask));
        break;
    case TIMER_HEARD:
        heard_dial(n);
        break;
    case TIMER_LOOK:
        look_tick(node_owner(t, looking));
        break;
    case TIMER_BERTH:
        berth_tick(node_owner(t, berth));
        break;
    case TIMER_CROSSING:
        crossing_tick(node_owner(t, crossing));
        break;
    case TIMER_FELLOW:
        fellow_tick(node_owner(t, fellow));
        break;
    case TIMER_PROBE:
        probe_tick(n);
        break;
    case TIMER_ENDS:
        edge_ends_go(n);
        break;
    case TIMER_SITE_TURN:
        site_turn(n);
        break;
    case TIMER_ORIGIN:
        site_ask(n);
        break;
    case TIMER_STORE: /* whoever asks next finds what is to be kept */
        break;
    case TIMER_STOP:
        n->stopped_due = true;
        break;
    }
}

void qn_node_tick(qn_node *n)
{
    qn_timer *t;

    while ((t = qn_timers_pop(&n->timers, n->env->now)) != NULL) {
        fire(n, t);
        node_settle(n);
    }
}

/* ---- actions --------------------------------------------------------------------------------- */

static void dial_action(const conn *k, qn_action *a)
{
    a->type = QN_ACT_DIAL;
    if (k->kind == CONN_LEG)
        a->addr = ((neighbour *)k->owner)->under.leg_addr[k->leg];
    else if (k->kind == CONN_ORIGIN)
        a->addr = ((qn_node *)k->owner)->site->origin;
    else
        a->addr = ((edge *)k->owner)->opening->addr;
}

/* The node forgets the conn with this action. */
static void reset_action(qn_node *n, const conn *k, qn_action *a)
{
    a->type = QN_ACT_RESET;
    if (k->kind == CONN_LEG) {
        neighbour_leg_gone(k->owner, k->leg);
    } else {
        edge_released(k->owner);
    }
    node_settle(n);
}

static void resolve_action(qn_conn c, const conn *k, qn_action *a)
{
    a->type = QN_ACT_RESOLVE;
    a->query = c;
    a->visit = k->kind == CONN_LEG;
    if (a->visit)
        visit_dest(k->owner, &a->dest);
    else
        a->dest = ((edge *)k->owner)->opening->dest;
}

static bool is_passage(const conn *k)
{
    return k->kind == CONN_LEG && ((const neighbour *)k->owner)->under.passage != NULL;
}

/* False: it was none of the world's business. */
static bool conn_action(qn_node *n, qn_conn c, uint16_t todo, qn_action *a)
{
    conn *k = conns_get(&n->conns, c);

    if (is_passage(k)) {
        passage_perform(k->owner, todo);
        node_settle(n);
        return false;
    }
    *a = (qn_action){.conn = c};
    switch (todo) {
    case TODO_RESOLVE:
        resolve_action(c, k, a);
        return true;
    case TODO_DIAL:
        dial_action(k, a);
        return true;
    case TODO_LINGER:
        a->type = QN_ACT_LINGER_RESET;
        a->on = k->linger;
        return true;
    case TODO_SEND:
        a->type = QN_ACT_SEND;
        return true;
    case TODO_READ:
        a->type = QN_ACT_READ;
        return !k->releasing;
    case TODO_FINISH:
        a->type = QN_ACT_FINISH;
        return !k->releasing;
    case TODO_CLOSE:
    case TODO_RESET_DRAIN:
        a->type = todo == TODO_CLOSE ? QN_ACT_CLOSE : QN_ACT_RESET;
        a->drain = true;
        k->releasing = true;
        return true;
    default:
        reset_action(n, k, a);
        return true;
    }
}

/* After a failure there is a pause: a disk that is full says so a few times a minute. */
static bool may_store(const qn_node *n)
{
    return n->store_pause <= n->env->now;
}

static bool store_action(qn_node *n, qn_action *a)
{
    if (roots_store(n, a) || proofs_store(n, a) || reach_store(n, a))
        return true;
    if (!n->store_snapshot || n->snapshot == NULL)
        return paths_store(n, a) || invited_store(n, a);
    n->store_snapshot = false;
    *a = (qn_action){.type = QN_ACT_STORE,
                     .name = "snapshot",
                     .bytes = n->op != NULL ? operator_keeps(n) : n->snapshot->bytes};
    return true;
}

bool qn_node_next(qn_node *n, qn_action *a)
{
    qn_conn c;
    uint16_t todo;

    /* What must be kept is kept before anything leaves that depends on it. */
    if (operator_store(n, a) || (may_store(n) && site_store(n, a)))
        return true;
    while (conns_next(&n->conns, &c, &todo))
        if (conn_action(n, c, todo, a))
            return true;
    if ((may_store(n) && store_action(n, a)) || site_door(n, a))
        return true;
    if (n->events_n > 0) {
        *a = (qn_action){.type = QN_ACT_EVENT};
        return node_next_event(n, &a->event);
    }
    if (n->stopping && !n->stopped && (n->stopped_due || n->neighbours_n + n->edges_n == 0)) {
        n->stopped = true;
        n->stopped_due = false;
        qn_timers_cancel(&n->timers, &n->stop_timer);
        *a = (qn_action){.type = QN_ACT_STOPPED};
        return true;
    }
    return false;
}

static void store_again(qn_node *n, const char *name)
{
    n->store_snapshot |= strcmp(name, "snapshot") == 0;
    n->store_roots |= strcmp(name, "roots") == 0;
    n->store_proofs |= strcmp(name, "equivocations") == 0;
    n->store_invited |= strcmp(name, "invited") == 0;
    n->store_descriptor |= strcmp(name, "descriptor") == 0;
    n->discovery.store_brought |= strcmp(name, "reached") == 0;
    paths_store_again(n, name);
    site_store_again(n, name);
    n->store_pause = n->env->now + QN_STORE_PAUSE;
    node_timer(n, &n->store_timer, TIMER_STORE, n->store_pause);
}

void qn_node_store_failed(qn_node *n, const char *name)
{
    if (strcmp(name, "signed") == 0)
        operator_store_failed(n);
    else
        store_again(n, name);
    node_settle(n);
}

void qn_node_stop(qn_node *n)
{
    if (n->stopping)
        return;
    n->stopping = true;
    for (edge *e = n->edges, *next; e != NULL; e = next) {
        next = e->next;
        edge_fail(e, QN_APP_GONE);
    }
    for (neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        neighbour_end(nb, QN_CLOSE_DONE);
    node_timer(n, &n->stop_timer, TIMER_STOP, n->env->now + QN_STOP_AFTER);
    node_settle(n);
}

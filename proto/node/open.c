/*
 * How edges open.
 *
 * Client: SOCKS request -> route -> a bearer -> OPEN; then OPENED -> SOCKS reply.
 * Exit:   OPEN -> policy -> resolve -> policy again, per address -> connect -> OPENED.
 *
 * On a one-hop stream OPEN and OPENED are the first bytes of each direction, as one message each in
 * the form they have in cells, with sid 1; raw bytes follow (docs/wire/circuit.md).
 */
#include "node/internal.h"

enum { ONE_HOP_SID = 1 };

void opening_free(edge *e)
{
    opening *o = e->opening;

    if (o == NULL)
        return;
    if (o->in != o->first) {
        qn_wipe(o->in, o->in_cap);
        qn_mem_put(&e->n->env->mem, o->in, o->in_cap);
    }
    qn_wipe(o, sizeof *o);
    qn_mem_put(&e->n->env->mem, o, sizeof *o);
    e->opening = NULL;
}

/* ---- client: the request --------------------------------------------------------------------- */

static void opening_drop(opening *o, size_t n)
{
    memmove(o->in, o->in + n, o->in_n - n);
    o->in_n = (uint16_t)(o->in_n - n);
}

/* False: no memory, and nothing was said. */
static bool say_socks(edge *e)
{
    qn_slice text = qn_socks_peek(&e->opening->socks);

    if (text.n > 0 && !edge_say(e, text))
        return false;
    qn_socks_consume(&e->opening->socks, text.n);
    return true;
}

void open_socks(edge *e)
{
    opening *o = e->opening;
    qn_err err = QN_SHORT;

    while (o->in_n > 0 && err == QN_SHORT) {
        size_t used = 0;

        err = qn_socks_push(&o->socks, e->n->env, qn_slice_of(o->in, o->in_n), &used);
        opening_drop(o, used);
    }
    if (!say_socks(e))
        err = QN_NOMEM;
    if (err == QN_SHORT)
        return;
    if (err != QN_OK) {
        qn_log_line(e->n->env, QN_LOG_INFO, "socks", "%s",
                    o->socks.why != NULL ? o->socks.why : qn_err_text(err));
        edge_close(e, err);
        return;
    }
    o->dest = o->socks.dest;
    o->route = o->socks.has_route ? o->socks.route : e->n->cfg.route;
    memcpy(o->isolation, o->socks.isolation, sizeof o->isolation);
    e->state = EDGE_WAITING;
    node_timer(e->n, &e->timer, TIMER_EDGE, e->n->env->now + QN_OPEN_TIMEOUT);
    probe_wanted(e->n);
    o->held = early_may(e);
    open_bind(e);
    if (o->held)
        early_bound(e);
}

bool open_says(edge *e, qn_app_code code)
{
    qn_socks_reply(&e->opening->socks, qn_app_socks(code), qn_app_http(code));
    return say_socks(e);
}

/* Whoever was answered early may have spoken by now: all he can see is that his connection breaks.
 */
static void refused(edge *e, qn_app_code code)
{
    opening *o = e->opening;

    knowns_forget(&e->n->knowns, o->isolation, &o->dest);
    if (o->early) {
        edge_reset(e, code);
        return;
    }
    (void)open_says(e, code);
    tie_close(&e->tie, QN_CLOSE_GONE);
    edge_close(e, qn_app_err(code));
}

void open_answer(edge *e, qn_app_code code)
{
    qn_node *n = e->n;
    opening *o = e->opening;

    if (o == NULL || e->state == EDGE_OVER)
        return;
    if (e->state == EDGE_SOCKS) { /* nothing was asked yet, so nothing is answered */
        edge_close(e, qn_app_err(code));
        return;
    }
    if (code != QN_APP_DONE) {
        refused(e, code);
        return;
    }
    n->counters.streams_opened++;
    node_event(n, &(qn_event){.type = QN_EV_STREAM_OPENED,
                              .id = e->id,
                              .circuit = e->circuit != NULL ? e->circuit->id : 0,
                              .hops = e->circuit != NULL ? e->circuit->core.hops_n : 1,
                              .value = n->env->now - e->began,
                              .conn = e->conn});
    probe_good(n);
    if (n->cfg.early == QN_EARLY_KNOWN)
        knowns_add(&n->knowns, n->env, o->isolation, &o->dest);
    e->state = EDGE_OPEN; /* it has its answer: whatever fails from here on resets the socket */
    if (o->early || open_says(e, code))
        edge_is_open(e);
    else
        edge_fail(e, QN_APP_FAILED);
}

bool open_passed(edge *e)
{
    opening *o = e->opening;

    o->in_passed = (uint16_t)(o->in_passed +
                              edge_pass(e, o->in + o->in_passed, (size_t)(o->in_n - o->in_passed)));
    return o->in_passed == o->in_n;
}

void open_leaves(edge *e)
{
    if (e->opening->early)
        (void)open_passed(e);
    else
        edge_touch(e);
}

/* ---- client: the bearer ---------------------------------------------------------------------- */

static bool bind_link(edge *e, const qn_relay *exit)
{
    uint8_t msg[QN_MSG_HEADER + QN_DEST_WIRE_MAX];
    neighbour *nb = neighbour_get(e->n, exit);
    size_t len;

    if (nb == NULL || tie_open(&e->tie, TIE_EDGE, e, nb, QN_KIND_APP) != QN_OK)
        return false;
    len = qn_dest_put(&e->opening->dest, msg + QN_MSG_HEADER);
    qn_msg_head(msg, QN_CMD_OPEN, 0, (uint16_t)len, ONE_HOP_SID);
    e->state = EDGE_OPENING;
    if (qn_link_send_bytes(&nb->link, e->tie.stream, msg, QN_MSG_HEADER + len, false) != QN_OK) {
        tie_close(&e->tie, QN_CLOSE_INTERNAL);
        return false;
    }
    return true;
}

static bool bind_circuit(edge *e, circuit *c)
{
    if (qn_circuit_open(&c->core, &e->opening->dest, e, &e->sid) != QN_OK)
        return false;
    c->last_given = ++e->n->given;
    if (c->first_given == 0)
        c->first_given = e->n->env->now;
    c->isolated = true;
    memcpy(c->isolation, e->opening->isolation, sizeof c->isolation);
    c->streams++;
    mute_watch(c);
    trip_ask(c);
    e->circuit = c;
    e->apps = qn_circuit_apps(&c->core);
    e->state = EDGE_OPENING;
    return true;
}

/* May be called again while WAITING: a circuit was built, or a snapshot came. */
void open_bind(edge *e)
{
    qn_node *n = e->n;
    opening *o = e->opening;

    if (n->stopping) {
        open_answer(e, QN_APP_GONE);
    } else if (paths_port_refused(n, &o->dest)) {
        open_answer(e, QN_APP_POLICY);
    } else if (o->route == QN_ROUTE_PRIVACY) {
        circuit *c = client_pick(n, o);

        n->pool_wanted = n->env->now;
        if (c == NULL || !bind_circuit(e, c))
            client_pool(n);
    } else {
        const qn_relay *exit = paths_exit(n, &o->dest);

        if (exit == NULL)
            asker_want(n, WANT_LIST);
        else if (!bind_link(e, exit))
            open_answer(e, QN_APP_FAILED);
    }
    if (e->state == EDGE_OPENING && !o->held)
        open_leaves(e);
}

/* ---- one-hop streams: the first message of each direction ------------------------------------ */

static void one_hop_message(edge *e, const qn_msg *m)
{
    qn_dest dest;
    size_t used;

    if (e->exit_side) {
        if (m->cmd != QN_CMD_OPEN || qn_dest_get(&dest, m->data, m->len, &used) != QN_OK ||
            used != m->len)
            edge_fail(e, QN_APP_FAILED);
        else
            open_request(e, &dest);
    } else if (m->cmd != QN_CMD_OPENED) {
        edge_fail(e, QN_APP_FAILED);
    } else {
        open_answer(e, qn_app_code_get(m->data[0]));
    }
}

/* Length of the message that begins in `msg`, as far as it can be told. */
static size_t message_size(const opening *o)
{
    if (o->msg_n < QN_MSG_HEADER)
        return QN_MSG_HEADER;
    return QN_MIN(QN_MSG_HEADER + (size_t)qn_get16(o->msg + 2), sizeof o->msg);
}

void open_bytes(edge *e, qn_piece piece)
{
    opening *o = e->opening;
    uint32_t taken = 0;
    qn_msgs it;
    qn_msg m;

    while (taken < piece.len && o->msg_n < message_size(o)) {
        size_t part = QN_MIN((size_t)(piece.len - taken), message_size(o) - o->msg_n);

        memcpy(o->msg + o->msg_n, qn_piece_data(&piece) + taken, part);
        o->msg_n = (uint16_t)(o->msg_n + part);
        taken += (uint32_t)part;
    }
    qn_link_returned(&e->tie.nb->link, e->tie.stream, taken);
    neighbour_touch(e->tie.nb);
    if (o->msg_n < message_size(o))
        return;
    qn_msgs_init(&it, o->msg, o->msg_n);
    if (!qn_msgs_next(&it, &m)) {
        edge_fail(e, QN_APP_FAILED);
        return;
    }
    one_hop_message(e, &m);
    if (taken < piece.len && e->tie.nb != NULL)
        edge_data(e, (qn_piece){piece.block, piece.off + taken, piece.len - taken});
}

/* ---- exit ------------------------------------------------------------------------------------ */

/* False: no memory to say it, and then nothing may follow. */
static bool tell_opened(edge *e, qn_app_code code)
{
    uint8_t msg[QN_MSG_HEADER + 1];

    if (e->apps != NULL) {
        qn_apps_opened(e->apps, e->sid, code);
        chore_add(e->n, &e->relay->chore);
        return true;
    }
    qn_msg_head(msg, QN_CMD_OPENED, 0, 1, ONE_HOP_SID);
    msg[QN_MSG_HEADER] = (uint8_t)code;
    return edge_send(e, msg, sizeof msg);
}

/* The destination cannot be had: say why, then nothing more either way. */
static void refuse(edge *e, qn_err why)
{
    qn_node *n = e->n;
    qn_app_code code = qn_app_of(why);

    if (why == QN_POLICY)
        n->counters.exit_blocked++;
    node_event(n, &(qn_event){.type = QN_EV_EXIT, .value = e->opening->dest.port, .err = why});
    if (!tell_opened(e, code))
        tie_close(&e->tie, QN_CLOSE_LIMIT);
    if (e->tie.nb != NULL) {
        neighbour *nb = e->tie.nb;

        /* OPENED goes first: the FIN lets it through where a close would purge it. The client
         * closes the stream when it has read the code. */
        if (qn_link_send(&nb->link, e->tie.stream, (qn_piece){0}, true) == QN_OK) {
            qn_link_set_user(&nb->link, e->tie.stream, NULL);
            neighbour_touch(nb);
            e->tie.nb = NULL;
        } else {
            tie_close(&e->tie, QN_CLOSE_INTERNAL);
        }
    }
    e->apps = NULL; /* OPENED with a code has ended the stream there */
    e->relay = NULL;
    edge_unbound(e, code);
}

static void connect_to(edge *e)
{
    conns_todo(&e->n->conns, e->conn, TODO_DIAL);
}

void open_request(edge *e, const qn_dest *d)
{
    qn_node *n = e->n;
    opening *o = e->opening;
    bool resolve = false;
    qn_err err;

    e->state = EDGE_OPENING;
    o->dest = *d;
    n->counters.exit_requests++;
    node_timer(n, &e->timer, TIMER_EDGE, n->env->now + QN_OPEN_TIMEOUT);
    err = qn_policy_dest(&n->policy, d, &resolve, &o->addr);
    if (err == QN_OK) {
        err = qn_slots_take(&n->slots, &n->env->mem, n->env->now, &e->slot, d);
    }
    if (err == QN_OK) {
        e->conn = conns_add(&n->conns, &n->env->mem, CONN_TARGET, e, 0);
        if (e->conn == 0)
            err = QN_BUSY;
    }
    if (err != QN_OK)
        refuse(e, err);
    else if (resolve)
        conns_todo(&n->conns, e->conn, TODO_RESOLVE);
    else
        connect_to(e);
}

void open_resolved(edge *e, const qn_addr *v, unsigned count, qn_err why)
{
    qn_err err = why;

    if (e->state != EDGE_OPENING)
        return;
    if (err == QN_OK)
        err = qn_policy_pick(&e->n->policy, &e->opening->dest, v, count, &e->opening->addr);
    if (err != QN_OK) {
        conns_forget(&e->n->conns, e->conn); /* the world never had a socket for it */
        e->conn = 0;
        refuse(e, err);
    } else {
        connect_to(e);
    }
}

void open_connected(edge *e, qn_err why)
{
    if (e->state != EDGE_OPENING)
        return;
    if (why != QN_OK) {
        conns_forget(&e->n->conns, e->conn);
        e->conn = 0;
        refuse(e, why);
        return;
    }
    e->n->counters.exit_ok++;
    node_event(e->n, &(qn_event){.type = QN_EV_EXIT, .value = e->opening->dest.port});
    if (tell_opened(e, QN_APP_DONE))
        edge_is_open(e);
    else
        edge_fail(e, QN_APP_FAILED);
}

void open_timeout(edge *e)
{
    if (e->opening->held) {
        early_goes(e);
        return;
    }
    if (!e->exit_side && e->state != EDGE_SOCKS)
        probe_bad(e->n, QN_TIMEOUT);
    if (e->state == EDGE_SOCKS)
        edge_close(e, QN_TIMEOUT);
    else if (!e->exit_side)
        edge_fail(e, !paths_list_fresh(e->n) ? QN_APP_NET_UNREACHABLE : QN_APP_TIMEOUT);
    else if (e->state == EDGE_OPENING)
        refuse(e, QN_TIMEOUT);
    else
        edge_fail(e, QN_APP_TIMEOUT);
}

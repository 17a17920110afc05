/*
 * Edges: a socket of an application (client) or of a destination (exit), and the bearer its bytes
 * travel on. The same code moves bytes at both ends.
 *
 * A socket is read straight into the place its bytes take on the bearer, and written straight from
 * the blocks they arrived in. Credit returns as bytes leave for the socket, so a slow reader stops
 * its own sender and nobody else. An end of stream is passed on as such; everything else that ends
 * a stream resets the socket, so no cut is ever mistaken for an end (promise P1).
 */
#include "node/internal.h"

edge *edge_new(qn_node *n, bool exit_side)
{
    edge *e = qn_mem_get(&n->env->mem, sizeof *e);

    if (e == NULL)
        return NULL;
    e->opening = qn_mem_get(&n->env->mem, sizeof *e->opening);
    if (e->opening == NULL ||
        !node_timer(n, &e->timer, TIMER_EDGE, n->env->now + QN_SOCKS_TIMEOUT)) {
        qn_mem_put(&n->env->mem, e->opening, sizeof *e->opening);
        qn_mem_put(&n->env->mem, e, sizeof *e);
        return NULL;
    }
    e->n = n;
    e->exit_side = exit_side;
    e->state = exit_side ? EDGE_WAITING : EDGE_SOCKS;
    e->id = ++n->ids;
    e->began = n->env->now;
    chore_init(&e->chore, CHORE_EDGE, e);
    e->opening->in = e->opening->first;
    e->opening->in_cap = sizeof e->opening->first;
    if (!exit_side)
        qn_socks_init(&e->opening->socks);
    LIST_ADD(n->edges, e);
    n->edges_n++;
    return e;
}

static void bearer_forget(edge *e)
{
    if (e->circuit != NULL)
        e->circuit->streams--;
    e->apps = NULL;
    e->circuit = NULL;
    e->relay = NULL;
}

/* Neither knows the other any more; what the bearer has queued still leaves. */
static void bearer_leave(edge *e)
{
    if (e->tie.nb != NULL)
        qn_link_set_user(&e->tie.nb->link, e->tie.stream, NULL);
    if (e->apps != NULL)
        qn_apps_set_user(e->apps, e->sid, NULL);
    e->tie.nb = NULL;
    bearer_forget(e);
}

void edge_free(edge *e)
{
    qn_node *n = e->n;

    bearer_leave(e);
    qn_timers_cancel(&n->timers, &e->timer);
    opening_free(e);
    qn_queue_clear(&e->out, &n->env->mem);
    LIST_DEL(n->edges, e);
    n->edges_n--;
    qn_mem_put(&n->env->mem, e, sizeof *e);
}

void edge_service(edge *e)
{
    if (e->dead)
        edge_free(e);
    else if (!e->exit_side && e->state == EDGE_WAITING)
        open_bind(e);
}

/* ---- bearers --------------------------------------------------------------------------------- */

void edge_touch(edge *e)
{
    if (e->tie.nb != NULL)
        neighbour_touch(e->tie.nb);
    else if (e->circuit != NULL)
        chore_add(e->n, &e->circuit->chore);
    else if (e->relay != NULL)
        chore_add(e->n, &e->relay->chore);
}

/* Both directions have ended, and the application knows: the end only frees what the exit holds for
 * it. It goes with the circuit's next cell, which spares every node on the way a wake-up. */
static void circuit_touch_later(circuit *c)
{
    qn_node *n = c->n;

    c->owes_end = true;
    if (n->ends_timer.pos == 0 &&
        !node_timer(n, &n->ends_timer, TIMER_ENDS, n->env->now + QN_END_WAITS))
        edge_ends_go(n);
}

void edge_ends_go(qn_node *n)
{
    for (circuit *c = n->circuits; c != NULL; c = c->next)
        if (c->owes_end) {
            c->owes_end = false;
            chore_add(n, &c->chore);
        }
}

static void bearer_fin(edge *e)
{
    if (e->tie.nb != NULL) {
        if (qn_link_send(&e->tie.nb->link, e->tie.stream, (qn_piece){0}, true) != QN_OK) {
            edge_fail(e, QN_APP_FAILED);
            return;
        }
    } else if (e->apps != NULL) {
        qn_apps_end(e->apps, e->sid, QN_APP_DONE);
    }
    if (e->peer_end && e->circuit != NULL)
        circuit_touch_later(e->circuit);
    else
        edge_touch(e);
}

static void bearer_returned(edge *e, size_t bytes)
{
    if (bytes == 0)
        return;
    if (e->tie.nb != NULL)
        qn_link_returned(&e->tie.nb->link, e->tie.stream, bytes);
    else if (e->apps != NULL)
        qn_apps_consumed(e->apps, e->sid, bytes);
    edge_touch(e);
}

static void bearer_close(edge *e, qn_app_code code)
{
    qn_err why = qn_app_err(code);

    tie_close(&e->tie, why == QN_OK ? QN_CLOSE_GONE : qn_close_of(why));
    if (e->apps != NULL) {
        qn_apps_end(e->apps, e->sid, code);
        edge_touch(e);
    }
    bearer_forget(e);
}

/* What waits for the socket may wait for longer than the bearer lives: it gets the credit back now
 * and is left. */
static void bearer_settle(edge *e)
{
    bearer_returned(e, e->out.bytes - e->own_bytes + e->owed);
    e->owed = 0;
    bearer_leave(e);
}

bool edge_send(edge *e, const void *p, size_t bytes)
{
    bool ok = true;

    if (e->tie.nb != NULL)
        ok = qn_link_send_bytes(&e->tie.nb->link, e->tie.stream, p, bytes, false) == QN_OK;
    else if (e->apps != NULL)
        ok = qn_apps_send(e->apps, e->sid, p, bytes) == bytes;
    edge_touch(e);
    return ok;
}

/* ---- ends ------------------------------------------------------------------------------------ */

/* Once both directions have ended in order. A close gives the reader 200 ms: it waits for him. */
static void finish(edge *e)
{
    if (e->state != EDGE_OPEN || !e->read_end || !e->peer_end || e->opening != NULL)
        return;
    bearer_settle(e);
    if (e->out.bytes == 0)
        edge_close(e, QN_OK);
}

/* What the application said before its stream was open goes first, then everything else. False: not
 * all of it has gone. */
static bool go_on(edge *e)
{
    if (e->opening == NULL)
        return true;
    e->paused = !open_passed(e);
    if (e->paused)
        return false;
    opening_free(e);
    if (e->read_end)
        bearer_fin(e);
    finish(e);
    return true;
}

/* Application bytes that passed this edge, towards the destination or back. */
static void count(edge *e, bool up, size_t bytes)
{
    qn_counters *c = &e->n->counters;

    *(up ? &e->up : &e->down) += bytes;
    *(up ? &c->app_up : &c->app_down) += bytes;
    if (e->circuit != NULL)
        *(up ? &e->circuit->up : &e->circuit->down) += bytes;
    if (e->exit_side)
        c->exit_bytes += bytes;
    else if (e->tie.nb != NULL || (e->circuit != NULL && e->circuit->tie.nb != NULL))
        resume_passed(e->tie.nb != NULL ? e->tie.nb : e->circuit->tie.nb, up);
}

static void over(edge *e, qn_err err)
{
    qn_node *n = e->n;
    bool was_open = e->state == EDGE_OPEN;

    if (e->state == EDGE_OVER)
        return;
    e->state = EDGE_OVER;
    qn_slots_give(&n->slots, &n->env->mem, &e->slot);
    node_timer(n, &e->timer, TIMER_EDGE, QN_NEVER);
    if (!e->exit_side && !was_open && err != QN_OK)
        n->counters.streams_failed++;
    if (!e->exit_side && (was_open || err != QN_OK))
        node_event(n, &(qn_event){.type = QN_EV_STREAM_ENDED,
                                  .id = e->id,
                                  .err = err,
                                  .up = e->up,
                                  .down = e->down,
                                  .conn = e->conn});
}

static void bury(edge *e)
{
    if (e->conn != 0)
        return;
    e->dead = true;
    chore_add(e->n, &e->chore);
}

static void socket_reset(edge *e)
{
    qn_queue_clear(&e->out, &e->n->env->mem);
    if (e->conn == 0)
        bury(e);
    else
        conns_todo(&e->n->conns, e->conn, TODO_RESET);
}

void edge_reset(edge *e, qn_app_code code)
{
    bearer_close(e, code);
    over(e, code == QN_APP_DONE ? QN_GONE : qn_app_err(code));
    socket_reset(e);
}

void edge_linger(edge *e)
{
    conn *c = conns_get(&e->n->conns, e->conn);

    if (c != NULL)
        c->linger = true;
    conns_todo(&e->n->conns, e->conn, TODO_LINGER);
}

void edge_close(edge *e, qn_err err)
{
    conn *c = conns_get(&e->n->conns, e->conn);

    if (e->state == EDGE_OVER)
        return;
    over(e, err);
    bearer_settle(e);
    if (c == NULL) {
        bury(e);
        return;
    }
    if (c->linger) {
        c->linger = false;
        conns_todo(&e->n->conns, e->conn, TODO_LINGER);
    }
    conns_todo(&e->n->conns, e->conn, TODO_SEND | TODO_CLOSE);
}

/* A path that goes away before its stream opened has carried nothing of it: another one serves as
 * well. Bound later, when whatever is dying has died. */
static bool try_another(edge *e, qn_app_code code)
{
    if (e->exit_side || e->state != EDGE_OPENING || code != QN_APP_GONE || e->n->stopping ||
        e->opening->tries == QN_OPEN_TRIES || !early_may_move(e))
        return false;
    e->opening->tries++;
    e->opening->msg_n = 0;
    e->opening->in_passed = 0;
    e->state = EDGE_WAITING;
    chore_add(e->n, &e->chore);
    return true;
}

void edge_unbound(edge *e, qn_app_code code)
{
    bearer_forget(e);
    if (e->state == EDGE_OVER || try_another(e, code))
        return;
    if (code == QN_APP_DONE && e->peer_end && e->read_end)
        return; /* the link's word that both directions had ended */
    if (!e->exit_side && e->state != EDGE_OPEN) {
        open_answer(e, code == QN_APP_DONE ? QN_APP_GONE : code);
        return;
    }
    edge_reset(e, code);
}

void edge_fail(edge *e, qn_app_code code)
{
    bearer_close(e, code);
    edge_unbound(e, code);
}

void edge_peer_end(edge *e)
{
    if (e->state != EDGE_OPEN) { /* an end before the beginning */
        edge_fail(e, QN_APP_FAILED);
        return;
    }
    e->peer_end = true;
    finish(e);
    if (e->state == EDGE_OPEN)
        conns_todo(&e->n->conns, e->conn, TODO_SEND | TODO_FINISH);
}

void edge_ended(edge *e, qn_ending how)
{
    if (how == QN_END_RESET) {
        conns_forget(&e->n->conns, e->conn);
        e->conn = 0;
        bearer_close(e, QN_APP_RESET);
        over(e, QN_GONE);
        socket_reset(e);
    } else if (how == QN_END_WRITE_FAILED) {
        if (e->state != EDGE_OVER)
            edge_fail(e, QN_APP_RESET);
    } else if (e->state == EDGE_SOCKS) {
        edge_close(e, QN_OK); /* gone before it asked for anything */
    } else if (e->state != EDGE_OVER && !e->read_end) {
        e->read_end = true;
        if (e->state != EDGE_OPEN || e->opening != NULL)
            return;
        bearer_fin(e);
        finish(e);
    }
}

void edge_released(edge *e)
{
    conns_forget(&e->n->conns, e->conn);
    e->conn = 0;
    bury(e);
}

/* ---- from the bearer to the socket ----------------------------------------------------------- */

void edge_data(edge *e, qn_piece piece)
{
    qn_node *n = e->n;

    if (e->state == EDGE_OVER || e->peer_end) {
        bearer_returned(e, piece.len);
        return;
    }
    if (e->tie.nb != NULL && (e->exit_side ? e->state == EDGE_WAITING : e->state == EDGE_OPENING)) {
        open_bytes(e, piece);
        return;
    }
    if (!e->first && !e->exit_side) {
        e->first = true;
        node_event(n, &(qn_event){.type = QN_EV_STREAM_FIRST,
                                  .id = e->id,
                                  .value = n->env->now - e->began,
                                  .conn = e->conn});
    }
    if (e->out.bytes == 0)
        e->moved = n->env->now;
    (void)qn_block_ref(piece.block);
    if (qn_queue_push_compact(&e->out, n->env, piece) != QN_OK) {
        qn_block_drop(piece.block);
        edge_fail(e, QN_APP_FAILED);
        return;
    }
    count(e, e->exit_side, piece.len);
    conns_todo(&n->conns, e->conn, TODO_SEND);
}

unsigned edge_peek(edge *e, qn_slice *v, unsigned max)
{
    return qn_queue_peek(&e->out, v, max);
}

void edge_consume(edge *e, size_t bytes)
{
    size_t own = QN_MIN(bytes, (size_t)e->own_bytes);

    e->moved = e->n->env->now;
    qn_queue_consume(&e->out, &e->n->env->mem, bytes);
    e->own_bytes -= (uint32_t)own;
    bytes = grant_credit(e, bytes - own);
    if (bytes > 0)
        bearer_returned(e, bytes);
    if (e->out.bytes == 0)
        finish(e);
}

bool edge_say(edge *e, qn_slice text)
{
    if (qn_queue_append(&e->out, e->n->env, text.p, text.n) != QN_OK)
        return false;
    e->own_bytes += (uint32_t)text.n;
    conns_todo(&e->n->conns, e->conn, TODO_SEND);
    return true;
}

/* ---- from the socket to the bearer ----------------------------------------------------------- */

static void take_back(qn_node *n)
{
    while (n->lent_n > 0)
        qn_block_drop(n->lent[--n->lent_n]);
}

/* Windows behind the place of a frame's header, as many as the stream has room for. */
static unsigned link_space(edge *e, qn_span *v, unsigned max)
{
    qn_node *n = e->n;
    size_t room = qn_link_writable(&e->tie.nb->link, e->tie.stream);

    take_back(n);
    while (n->lent_n < QN_MIN(max, (unsigned)QN_LEN(n->lent)) && room >= QN_FRAME_DATA_MAX) {
        qn_block *b = qn_block_get(n->env, QN_STREAM_HEADER + QN_FRAME_DATA_MAX);

        if (b == NULL)
            break;
        v[n->lent_n] = (qn_span){.p = b->data + QN_STREAM_HEADER, .n = QN_FRAME_DATA_MAX};
        n->lent[n->lent_n++] = b;
        room -= QN_MIN(room, QN_STREAM_HEADER + QN_FRAME_DATA_MAX); /* headers count in the queue */
    }
    return n->lent_n;
}

static void link_commit(edge *e, size_t bytes)
{
    qn_node *n = e->n;
    qn_link *l = &e->tie.nb->link;

    for (uint8_t i = 0; i < n->lent_n && bytes > 0; i++) {
        qn_piece piece = {.block = n->lent[i],
                          .off = QN_STREAM_HEADER,
                          .len = (uint32_t)QN_MIN(bytes, (size_t)QN_FRAME_DATA_MAX)};

        if (qn_link_send(l, e->tie.stream, piece, false) != QN_OK) {
            take_back(n);
            edge_fail(e, QN_APP_FAILED);
            return;
        }
        n->lent[i] = NULL;
        bytes -= piece.len;
    }
    take_back(n);
}

static unsigned open_space(edge *e, qn_span *v)
{
    opening *o = e->opening;

    *v = (qn_span){.p = o->in + o->in_n, .n = (size_t)(o->in_cap - o->in_n)};
    return v->n > 0;
}

static bool bearer_has_room(edge *e)
{
    if (e->tie.nb != NULL)
        return qn_link_writable(&e->tie.nb->link, e->tie.stream) >= QN_FRAME_DATA_MAX;
    return e->apps != NULL && qn_apps_room(e->apps, e->sid) > 0;
}

/* No memory: no ROOM will come. */
static void look_again(edge *e)
{
    if (e->state == EDGE_OPEN && bearer_has_room(e))
        node_timer(e->n, &e->timer, TIMER_EDGE, e->n->env->now + QN_NOMEM_PAUSE);
}

static unsigned bearer_space(edge *e, qn_span *v, unsigned max)
{
    unsigned count = 0;

    if (e->tie.nb != NULL)
        count = link_space(e, v, max);
    else if (e->apps != NULL && qn_apps_room(e->apps, e->sid) > 0)
        count = qn_apps_space(e->apps, e->sid, v, QN_MIN(max, (unsigned)QN_APPS_LEND));
    if (count == 0)
        look_again(e);
    return count;
}

unsigned edge_space(edge *e, qn_span *v, unsigned max)
{
    unsigned count = 0;

    if (max == 0 || e->read_end)
        return 0;
    if (e->state == EDGE_OPEN && grant_waits(e)) {
        e->paused = true;
        return 0;
    }
    if (e->state == EDGE_SOCKS || (e->state < EDGE_OPEN && e->opening->early))
        count = open_space(e, v);
    else if (e->state == EDGE_OPEN && e->opening == NULL)
        count = bearer_space(e, v, max);
    e->paused = count == 0;
    return count;
}

size_t edge_pass(edge *e, const void *p, size_t n)
{
    size_t done = 0;

    if (e->tie.nb == NULL)
        done = e->apps != NULL ? qn_apps_send(e->apps, e->sid, p, n) : 0;
    else if (qn_link_send_bytes(&e->tie.nb->link, e->tie.stream, p, n, false) == QN_OK)
        done = n;
    if (done < n)
        look_again(e);
    if (done > 0)
        count(e, !e->exit_side, done);
    edge_touch(e);
    return done;
}

void edge_commit(edge *e, size_t bytes)
{
    if (e->state < EDGE_OPEN) {
        e->opening->in_n = (uint16_t)(e->opening->in_n + bytes);
        (e->state == EDGE_SOCKS ? open_socks : early_goes)(e);
        return;
    }
    e->moved = e->n->env->now;
    count(e, !e->exit_side, bytes);
    grant_spend(e, bytes);
    if (e->tie.nb != NULL)
        link_commit(e, bytes);
    else if (e->apps != NULL)
        qn_apps_commit(e->apps, e->sid, bytes);
    edge_touch(e);
}

void edge_room(edge *e)
{
    if (e->state == EDGE_OPENING && e->opening->early)
        open_leaves(e);
    if (e->paused && e->state == EDGE_OPEN) {
        e->paused = false;
        if (go_on(e))
            conns_todo(&e->n->conns, e->conn, TODO_READ);
    }
}

void edge_tick(edge *e)
{
    size_t credit;

    if (e->state != EDGE_OPEN) {
        open_timeout(e);
        return;
    }
    if (!grant_tick(e)) {
        edge_fail(e, QN_APP_TIMEOUT);
        return;
    }
    credit = grant_credit(e, 0);
    if (credit > 0)
        bearer_returned(e, credit);
    edge_room(e);
}

void edge_is_open(edge *e)
{
    e->state = EDGE_OPEN;
    e->moved = e->n->env->now;
    (void)grant_tick(e);
    edge_linger(e);
    conns_todo(&e->n->conns, e->conn, TODO_SEND);
    e->paused = true;
    edge_room(e);
}

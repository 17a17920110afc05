/*
 * Circuits of others: this node as pipe, joint or end.
 *
 * A cell that arrives is transformed where it lies and queued on the other side's stream, uncopied
 * when it is large. Cells for which that stream has no room wait here, and the credit they used is
 * owed to their sender until they leave: so back-pressure travels hop by hop, and a circuit holds
 * here at most what it was credited.
 */
#include "node/internal.h"

enum { RELAYS_MAX = 65536 }; /* circuits through one node: each costs about 600 bytes */

void relay_free(relay *r)
{
    qn_node *n = r->n;

    grant_forget_relay(r);
    qn_timers_cancel(&n->timers, &r->timer);
    qn_hop_clear(&r->hop);
    qn_cell_in_clear(&r->prev_in);
    qn_cell_in_clear(&r->next_in);
    qn_queue_clear(&r->forward, &n->env->mem);
    qn_queue_clear(&r->backward, &n->env->mem);
    LIST_DEL(n->relays, r);
    n->relays_n--;
    qn_mem_put(&n->env->mem, r, sizeof *r);
}

void relay_new(neighbour *nb, uint32_t stream)
{
    qn_node *n = nb->n;
    relay *r = n->relays_n < RELAYS_MAX ? qn_mem_get(&n->env->mem, sizeof *r) : NULL;

    if (r == NULL ||
        !node_timer(n, &r->timer, TIMER_RELAY, n->env->now + QN_CIRCUIT_BUILD_TIMEOUT)) {
        qn_mem_put(&n->env->mem, r, sizeof *r);
        qn_link_close(&nb->link, stream, QN_CLOSE_REFUSED);
        return;
    }
    r->n = n;
    r->id = ++n->ids;
    chore_init(&r->chore, CHORE_RELAY, r);
    qn_hop_init(&r->hop, &n->circuits_shared, neighbour_known(nb) ? &nb->id : NULL);
    tie_accept(&r->prev_tie, TIE_RELAY_PREV, r, nb, stream);
    LIST_ADD(n->relays, r);
    n->relays_n++;
    chore_add(n, &r->chore);
}

static void bury(relay *r, qn_err why)
{
    uint16_t code = qn_circuit_close_code(why);

    tie_close(&r->prev_tie, code);
    tie_close(&r->next_tie, code);
    r->dead = true;
    chore_add(r->n, &r->chore);
}

/* ---- cells ----------------------------------------------------------------------------------- */

/* A waiting cell must not pin the 16 KiB block it came in with others: it gets one of its own. */
static qn_err park(relay *r, qn_queue *q, qn_piece cell)
{
    qn_piece own;
    qn_err err = QN_OK;

    if (cell.len >= cell.block->cap / 4) {
        own = cell;
        (void)qn_block_ref(own.block);
    } else {
        err = qn_cell_get(r->n->env, cell.len, &own);
        if (err != QN_OK)
            return err;
        memcpy(qn_piece_data(&own), qn_piece_data(&cell), cell.len);
    }
    err = qn_queue_push(q, &r->n->env->mem, own);
    if (err != QN_OK)
        qn_block_drop(own.block);
    return err;
}

static bool has_room(const tie *to, size_t bytes)
{
    return to->nb != NULL && qn_link_writable(&to->nb->link, to->stream) >= bytes;
}

/* Borrows the cell. What the stream cannot take now waits here, within the credit we gave. */
static void send_cell(relay *r, bool forward, qn_piece cell)
{
    tie *to = forward ? &r->next_tie : &r->prev_tie;
    qn_queue *q = forward ? &r->forward : &r->backward;
    qn_err err;

    if (to->nb == NULL)
        return;
    if (q->n > 0 || !has_room(to, cell.len)) {
        if (q->n == 0)
            r->moved = r->n->env->now;
        err = park(r, q, cell);
    } else {
        (void)qn_block_ref(cell.block);
        err = qn_link_send(&to->nb->link, to->stream, cell, false);
        if (err != QN_OK)
            qn_block_drop(cell.block);
        neighbour_touch(to->nb);
    }
    if (err != QN_OK)
        qn_hop_closed(&r->hop, err);
}

/* Sends what waits and has room, then returns the credit of all that left. */
static void advance(relay *r, bool forward)
{
    tie *to = forward ? &r->next_tie : &r->prev_tie;
    tie *from = forward ? &r->prev_tie : &r->next_tie;
    qn_queue *q = forward ? &r->forward : &r->backward;
    uint64_t *owed = forward ? &r->owed_prev : &r->owed_next;

    while (q->n > 0 && has_room(to, qn_queue_head(q)->len)) {
        qn_piece cell = qn_queue_pop(q, &r->n->env->mem);

        if (qn_link_send(&to->nb->link, to->stream, cell, false) != QN_OK) {
            qn_block_drop(cell.block);
            qn_hop_closed(&r->hop, QN_NOMEM);
            return;
        }
        neighbour_touch(to->nb);
        r->moved = r->n->env->now;
    }
    if (*owed > q->bytes && from->nb != NULL) {
        qn_link_returned(&from->nb->link, from->stream, (size_t)(*owed - q->bytes));
        neighbour_touch(from->nb);
        *owed = q->bytes;
    }
}

void relay_room(relay *r, bool on_next)
{
    advance(r, on_next);
    chore_add(r->n, &r->chore); /* an end may have cells of its own */
}

void relay_input(relay *r, bool forward, qn_piece piece, bool more)
{
    qn_cell_in *in = forward ? &r->prev_in : &r->next_in;
    qn_piece cell;
    qn_err err = qn_cell_in_put(in, r->n->env, piece, more, &cell);

    *(forward ? &r->owed_prev : &r->owed_next) += piece.len;
    if (err == QN_OK) {
        if (forward)
            qn_hop_forward(&r->hop, cell);
        else
            qn_hop_backward(&r->hop, cell);
        qn_block_drop(cell.block);
    } else if (err != QN_SHORT) {
        qn_hop_closed(&r->hop, err);
    }
    relay_events(r);
    /* An end has no other side and always drains: CREDIT bounds what applications do not read. */
    if (!r->dead)
        advance(r, forward);
    if (qn_hop_pending(&r->hop) || r->timer.due != qn_hop_due(&r->hop))
        chore_add(r->n, &r->chore);
}

/* ---- what the hop reports -------------------------------------------------------------------- */

static void extend_to(relay *r, const qn_relay *to)
{
    neighbour *nb = neighbour_get(r->n, to);
    qn_err err = nb == NULL ? QN_UNREACHABLE
                            : tie_open(&r->next_tie, TIE_RELAY_NEXT, r, nb, QN_KIND_CIRCUIT);

    if (err == QN_OK)
        qn_hop_extend_ok(&r->hop);
    else
        qn_hop_extend_failed(&r->hop, err);
}

/* A client's list may be younger than ours: then ours is fetched before the answer is given. The
 * hop's own patience bounds the wait. */
static void extend(relay *r, const qn_peerid *id, bool may_wait)
{
    qn_node *n = r->n;
    const qn_relay *to = n->snapshot != NULL ? qn_snapshot_find(n->snapshot, id) : NULL;

    r->waits = false;
    if (to != NULL && (to->d.roles & QN_ROLE_RELAY)) {
        extend_to(r, to);
    } else if (may_wait && n->op == NULL) {
        r->waits = true;
        r->wanted = *id;
        asker_want(n, WANT_LIST);
    } else {
        qn_hop_extend_failed(&r->hop, QN_UNKNOWN);
    }
}

void relays_listed(qn_node *n)
{
    for (relay *r = n->relays; r != NULL; r = r->next)
        if (r->waits && !r->dead) {
            extend(r, &r->wanted, false);
            chore_add(n, &r->chore);
        }
}

static void app_event(relay *r, const qn_app_event *ev)
{
    edge *e = ev->user;

    if (ev->type == QN_APP_EV_OPEN) {
        e = node_exits(r->n) ? edge_new(r->n, true) : NULL;
        if (e == NULL) {
            qn_apps_opened(qn_hop_apps(&r->hop), ev->sid,
                           node_exits(r->n) ? QN_APP_TOO_MANY : QN_APP_POLICY);
            return;
        }
        e->relay = r;
        e->apps = qn_hop_apps(&r->hop);
        e->sid = ev->sid;
        grant_source(e, r->prev_tie.nb, r);
        qn_apps_set_user(e->apps, ev->sid, e);
        open_request(e, &ev->dest);
    } else if (ev->type == QN_APP_EV_DATA) {
        if (e != NULL)
            edge_data(e, ev->piece);
        else
            qn_apps_consumed(qn_hop_apps(&r->hop), ev->sid, ev->piece.len);
    } else if (e != NULL && ev->type == QN_APP_EV_END) {
        if (ev->code == QN_APP_DONE)
            edge_peer_end(e);
        else
            edge_unbound(e, ev->code);
    } else if (e != NULL && ev->type == QN_APP_EV_ROOM) {
        edge_room(e);
    }
}

void relay_events(relay *r)
{
    qn_hop_event ev;

    while (!r->dead && qn_hop_next(&r->hop, &ev)) {
        switch (ev.type) {
        case QN_HOP_EV_FORWARD:
            send_cell(r, true, ev.piece);
            break;
        case QN_HOP_EV_BACKWARD:
            send_cell(r, false, ev.piece);
            break;
        case QN_HOP_EV_EXTEND:
            extend(r, &ev.id, true);
            break;
        case QN_HOP_EV_APP:
            app_event(r, &ev.app);
            break;
        case QN_HOP_EV_DEAD:
            bury(r, ev.why);
            break;
        }
    }
}

void relay_closed(relay *r, uint16_t code)
{
    qn_hop_closed(&r->hop, qn_circuit_close_err(code));
    relay_events(r);
    chore_add(r->n, &r->chore);
}

/* False: no memory for a cell. */
static bool flush(relay *r)
{
    while (!r->dead && r->backward.n == 0 && has_room(&r->prev_tie, QN_CELL_L)) {
        qn_piece cell;
        qn_err err = qn_hop_output(&r->hop, &cell);

        if (err != QN_OK)
            return err != QN_NOMEM;
        send_cell(r, false, cell);
        qn_block_drop(cell.block);
    }
    return true;
}

void relay_service(relay *r)
{
    qn_time again = QN_NEVER;

    if (r->dead) {
        relay_free(r);
        return;
    }
    relay_events(r);
    if (!flush(r))
        again = r->n->env->now + QN_NOMEM_PAUSE;
    relay_events(r);
    if (!r->dead)
        node_timer(r->n, &r->timer, TIMER_RELAY, QN_MIN(again, qn_hop_due(&r->hop)));
}

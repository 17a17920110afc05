/*
 * What listed relays can carry, measured the way their users would find it: a burst of cells over
 * an ordinary circuit, which enters the network here, passes the relay as its joint and ends at
 * another operator's node, or, where no other is a relay, at any listed one.
 *
 *     client --> entry --link--> the relay --link--> end       each cell has a PING, which the end
 *     `--- both here ---'        <--------- small answers      can only answer when it has come
 *
 * The client and its entry are one process, but nothing on the link says so: the relay sees a
 * circuit of somebody who enters by this node. So it cannot be fast for operators alone, unless
 * this node, a bootstrap, is nobody's entry. docs/decisions/0024.
 */
#include "node/internal.h"

/* ---- when, and whom -------------------------------------------------------------------------- */

static void plan(qn_node *n, qn_time due)
{
    node_timer(n, &n->op->measure.timer, TIMER_MEASURE, due);
}

/* Not before it has stayed for a while, and then at a moment it cannot know. */
static qn_time due_of(const qn_node *n, qn_registration *e)
{
    qn_time stayed = e->since + QN_MEASURE_AFTER;

    if (e->measure_at == 0 && stayed <= n->env->now)
        e->measure_at = n->env->now + qn_rng_below(n->env, QN_MEASURE_AFTER / QN_SEC) * QN_SEC;
    return e->measure_at != 0 ? e->measure_at : stayed;
}

/* Of those that are due the one that has been for longest; else NULL, and when the next will be. */
static qn_registration *next_due(const qn_node *n, qn_time *due)
{
    const qn_registry *r = &n->op->registry;
    qn_registration *first = NULL;

    *due = n->env->now + QN_MEASURE_LOOK;
    for (uint32_t i = 0; i < r->n; i++) {
        qn_registration *e = r->v[i];
        qn_time at;

        if (!qn_registry_listed(r, e) || !(e->d.roles & QN_ROLE_RELAY) ||
            qn_peerid_equal(&e->d.id, &n->id))
            continue;
        at = due_of(n, e);
        if (at < *due) {
            *due = at;
            first = e;
        }
    }
    return *due <= n->env->now ? first : NULL;
}

static bool is_operator(const qn_node *n, const qn_peerid *id)
{
    for (unsigned i = 0; i < n->net.operators_n; i++)
        if (qn_peerid_equal(&n->net.operators[i].id, id))
            return true;
    return false;
}

static bool may_end(const qn_node *n, const qn_relay *r, const qn_peerid *id, bool trusted)
{
    return (r->d.roles & QN_ROLE_RELAY) != 0 && !qn_peerid_equal(&r->d.id, &n->id) &&
           !qn_peerid_equal(&r->d.id, id) && qn_relay_usable(r, n->env->wall) &&
           (!trusted || is_operator(n, &r->d.id));
}

/* One of them, drawn; NULL: there is none. */
static const qn_relay *draw_end(const qn_node *n, const qn_peerid *id, bool trusted)
{
    const qn_snapshot *s = n->snapshot;
    uint32_t count = 0, skip;

    for (uint32_t i = 0; i < s->relays_n; i++)
        count += may_end(n, &s->relays[i], id, trusted);
    if (count == 0)
        return NULL;
    skip = qn_rng_below(n->env, count);
    for (uint32_t i = 0; i < s->relays_n; i++)
        if (may_end(n, &s->relays[i], id, trusted) && skip-- == 0)
            return &s->relays[i];
    return NULL;
}

/* ---- how it ends ----------------------------------------------------------------------------- */

static void let_go(measuring *m)
{
    tie_close(&m->tie, QN_CLOSE_DONE);
    qn_circuit_clear(&m->core);
    qn_hop_clear(&m->pipe);
    qn_cell_in_clear(&m->in);
    qn_block_drop(m->waiting.block);
    m->waiting = (qn_piece){0};
    m->busy = false;
}

/* What it has sent at, this node can carry itself: nobody else measures it for us. */
static void record(measuring *m, qn_registration *e, uint16_t capacity)
{
    qn_registry *r = &m->n->op->registry;
    qn_registration *self = qn_registry_entry(r, &m->n->id);
    uint16_t before = e->carried;

    e->carried = capacity;
    /* An end that is anybody's may have been the slower of the two: the next has another. */
    if (!m->trusted)
        capacity = QN_MAX(capacity, before);
    qn_registry_measured(r, &e->d.id, r->me, capacity);
    if (self != NULL && self->told[r->me] < capacity)
        qn_registry_measured(r, &self->d.id, r->me, capacity);
    fellows_wake(m->n);
}

static void succeed(measuring *m)
{
    qn_node *n = m->n;
    qn_registration *e = qn_registry_entry(&n->op->registry, &m->relay);
    qn_time took = m->last_at - m->first_at;
    uint64_t bytes = (uint64_t)(m->last - m->first) * QN_CELL_L;

    if (took == 0) { /* all answers at once: then the round trip counts too */
        took = m->last_at - m->began;
        bytes = (uint64_t)(m->last + 1) * QN_CELL_L;
    }
    let_go(m);
    if (e != NULL) {
        uint16_t capacity = qn_capacity_of(bytes, took);

        e->failures = 0;
        e->measured_at = n->env->now;
        e->measure_at =
            n->env->now + (QN_MEASURE_EVERY_S + qn_rng_below(n->env, QN_MEASURE_EVERY_S)) * QN_SEC;
        record(m, e, capacity);
        qn_log_line(n->env, QN_LOG_DEBUG, "measure", "a relay carried %llu bytes in %llu ms: %u",
                    (unsigned long long)bytes, (unsigned long long)(took / QN_MS), capacity);
    }
    plan(n, n->env->now + QN_MEASURE_PAUSE);
}

/* Who carries nothing again and again counts as carrying next to nothing; it stays listed. */
static void fail(measuring *m, bool blame)
{
    qn_node *n = m->n;
    qn_registration *e = qn_registry_entry(&n->op->registry, &m->relay);

    let_go(m);
    plan(n, n->env->now + QN_MEASURE_PAUSE);
    if (e == NULL)
        return;
    e->measure_at = n->env->now + QN_MEASURE_AGAIN;
    if (!blame || ++e->failures < QN_MEASURE_TRIES)
        return;
    e->failures = QN_MEASURE_TRIES;
    e->measured_at = n->env->now;
    e->carried = 0;
    qn_registry_measured(&n->op->registry, &m->relay, n->op->me, 1);
    fellows_wake(n);
}

/* Half a burst says how slow it is. */
static void give_up(measuring *m)
{
    if (m->last_at > m->first_at)
        succeed(m);
    else
        fail(m, true);
}

/* ---- the circuit ----------------------------------------------------------------------------- */

static void answered(measuring *m, uint64_t value)
{
    uint32_t i = (uint32_t)value;

    if (i >= m->sent || m->mark[i] != (uint32_t)(value >> 32))
        return;
    m->last = i;
    m->last_at = m->n->env->now;
    if (m->first_at == 0) {
        m->first = i;
        m->first_at = m->last_at;
    }
    if (i == QN_MEASURE_CELLS - 1)
        succeed(m);
}

static void core_events(measuring *m)
{
    qn_circuit_event ev;

    while (m->busy && qn_circuit_next(&m->core, &ev)) {
        if (ev.type == QN_CIRCUIT_EV_ENDED)
            give_up(m);
        else if (ev.type == QN_CIRCUIT_EV_APP && ev.app.type == QN_APP_EV_PONG)
            answered(m, ev.app.value);
    }
}

static bool has_room(const measuring *m, size_t bytes)
{
    return m->tie.nb != NULL && qn_link_writable(&m->tie.nb->link, m->tie.stream) >= bytes;
}

/* Takes the reference. */
static void send_cell(measuring *m, qn_piece cell)
{
    if (!has_room(m, cell.len)) {
        QN_ASSERT(m->waiting.block == NULL); /* the next is made when this one has left */
        m->waiting = cell;
        return;
    }
    if (qn_link_send(&m->tie.nb->link, m->tie.stream, cell, false) != QN_OK) {
        qn_block_drop(cell.block);
        fail(m, false);
        return;
    }
    neighbour_touch(m->tie.nb);
}

static void extend(measuring *m)
{
    const qn_relay *to = qn_snapshot_find(m->n->snapshot, &m->relay);
    neighbour *nb = to != NULL ? neighbour_get(m->n, to) : NULL;

    if (nb != NULL && tie_open(&m->tie, TIE_MEASURE, m, nb, QN_KIND_CIRCUIT) == QN_OK)
        qn_hop_extend_ok(&m->pipe);
    else
        fail(m, false);
}

static void pipe_events(measuring *m)
{
    qn_hop_event ev;

    while (m->busy && qn_hop_next(&m->pipe, &ev)) {
        switch (ev.type) {
        case QN_HOP_EV_FORWARD:
            (void)qn_block_ref(ev.piece.block);
            send_cell(m, ev.piece);
            break;
        case QN_HOP_EV_BACKWARD:
            qn_circuit_input(&m->core, ev.piece);
            core_events(m);
            break;
        case QN_HOP_EV_EXTEND:
            extend(m);
            break;
        case QN_HOP_EV_APP: /* an entry has none */
            break;
        case QN_HOP_EV_DEAD:
            give_up(m);
            break;
        }
    }
}

/* The next cell of the burst is to leave: one at a time, for there is one PING under way in a
 * circuit. */
static void mark_next(measuring *m)
{
    if (m->core.state != QN_CIRCUIT_OPEN || m->sent == QN_MEASURE_CELLS)
        return;
    if (m->sent == 0)
        m->began = m->n->env->now;
    m->mark[m->sent] = qn_rng_u32(m->n->env);
    qn_apps_ping_large(qn_circuit_apps(&m->core), (uint64_t)m->mark[m->sent] << 32 | m->sent);
    m->sent++;
}

/* Whether a cell that is made now goes on at once; the first goes no further than our own pipe. */
static bool takes_cells(const measuring *m)
{
    return m->busy && m->waiting.block == NULL && (m->tie.nb == NULL || has_room(m, QN_CELL_L));
}

static void advance(measuring *m)
{
    while (takes_cells(m)) {
        qn_piece cell;
        qn_err err;

        mark_next(m);
        err = qn_circuit_output(&m->core, &cell);
        if (err == QN_AGAIN)
            break;
        if (err != QN_OK) {
            fail(m, false);
            break;
        }
        qn_hop_forward(&m->pipe, cell);
        qn_block_drop(cell.block);
        pipe_events(m);
    }
}

void measure_data(measuring *m, qn_piece piece, bool more)
{
    qn_piece cell;
    qn_err err = qn_cell_in_put(&m->in, m->n->env, piece, more, &cell);

    qn_link_returned(&m->tie.nb->link, m->tie.stream, piece.len);
    neighbour_touch(m->tie.nb);
    if (err == QN_OK) {
        qn_hop_backward(&m->pipe, cell);
        qn_block_drop(cell.block);
        pipe_events(m);
        advance(m);
    } else if (err != QN_SHORT) {
        fail(m, err != QN_NOMEM);
    }
}

void measure_room(measuring *m)
{
    qn_piece cell = m->waiting;

    if (!m->busy)
        return;
    m->waiting = (qn_piece){0};
    if (cell.block != NULL)
        send_cell(m, cell);
    advance(m);
}

void measure_closed(measuring *m, uint16_t code)
{
    (void)code; /* whatever it says: it carries nothing more */
    if (m->busy)
        give_up(m);
}

/* ---- time ------------------------------------------------------------------------------------ */

static void begin(measuring *m, const qn_relay *listed, const qn_relay *end)
{
    qn_node *n = m->n;

    m->relay = listed->d.id;
    m->hops[0] = (qn_hop_key){.id = n->id};
    m->hops[1] = (qn_hop_key){.id = listed->d.id, .onion = listed->d.onion[0].key};
    m->hops[2] = (qn_hop_key){.id = end->d.id, .onion = end->d.onion[0].key};
    m->first_at = m->last_at = 0;
    m->sent = 0;
    m->busy = true;
    qn_circuit_init(&m->core, &n->circuits_shared, m->hops, QN_HOPS_MAX);
    qn_hop_init(&m->pipe, &n->circuits_shared, NULL);
    plan(n, n->env->now + QN_MEASURE_PATIENCE);
    advance(m);
}

static void begin_next(measuring *m)
{
    qn_node *n = m->n;
    qn_time due;
    qn_registration *e = next_due(n, &due);
    const qn_relay *listed, *end = NULL;

    if (e == NULL) {
        plan(n, due);
        return;
    }
    listed = n->snapshot != NULL ? qn_snapshot_find(n->snapshot, &e->d.id) : NULL;
    if (listed != NULL && qn_relay_usable(listed, n->env->wall)) {
        end = draw_end(n, &e->d.id, true);
        m->trusted = end != NULL;
        if (end == NULL)
            end = draw_end(n, &e->d.id, false);
    }
    if (end != NULL) {
        begin(m, listed, end);
        return;
    }
    e->measure_at = n->env->now + QN_MEASURE_AGAIN;
    plan(n, n->env->now + QN_MEASURE_PAUSE);
}

void measure_tick(qn_node *n)
{
    measuring *m = &n->op->measure;

    if (n->stopping)
        return;
    if (m->busy)
        give_up(m);
    else
        begin_next(m);
}

/* What a lone operator had measured before it started again, nobody else remembers: but the list
 * says it. */
static void recall(qn_node *n)
{
    const qn_snapshot *s = n->snapshot;

    for (uint32_t i = 0; s != NULL && i < s->relays_n; i++)
        qn_registry_measured(&n->op->registry, &s->relays[i].d.id, n->op->me, s->relays[i].weight);
}

qn_err measure_start(qn_node *n)
{
    measuring *m = &n->op->measure;

    m->n = n;
    n->op->registry.measures = true;
    n->op->registry.me = n->op->me;
    if (n->net.operators_n == 1)
        recall(n);
    return node_timer(n, &m->timer, TIMER_MEASURE, n->env->now + QN_MEASURE_LOOK) ? QN_OK
                                                                                  : QN_NOMEM;
}

void measure_clear(qn_node *n)
{
    qn_timers_cancel(&n->timers, &n->op->measure.timer);
    let_go(&n->op->measure);
}

/* ---- the others, and looking in -------------------------------------------------------------- */

qn_err measure_told(answer *a, qn_slice measures)
{
    int who = fellow_of(a->tie.nb);

    return who < 0 ? QN_REFUSED : qn_measures_take(&a->n->op->registry, (uint8_t)who, measures);
}

void measure_status(const qn_node *n, qn_status *out)
{
    const qn_registry *r = &n->op->registry;

    for (uint32_t i = 0; i < r->n; i++) {
        if (r->v[i]->measured_at == 0)
            continue;
        out->measured++;
        out->measured_oldest = QN_MAX(out->measured_oldest, n->env->now - r->v[i]->measured_at);
    }
}

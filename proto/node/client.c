/*
 * Circuits of our own: the pool, and which circuit a stream gets.
 *
 * A few circuits are kept ready while privacy streams are being asked for. A stream gets the
 * suitable one that is quickest, a circuit counting once more for each stream it carries (trip.c);
 * in a lab they take turns. Streams with different SOCKS credentials never share a circuit, and
 * none is put on one whose first is ten minutes old: what an exit can put together stays small.
 */
#include "node/internal.h"

enum { POOL_DEFAULT = 4, POOL_BACKOFF_MAX = 6, LATE_DOUBLINGS = 3 };
#define POOL_BACKOFF (250 * QN_MS)    /* doubled with every failure in a row: 16 s at most */
#define POOL_KEPT_AFTER (60 * QN_SEC) /* the pool is kept up so long after the last demand */
#define DIRTY_AFTER (600 * QN_SEC)    /* Tor's MaxCircuitDirtiness, for its reason */

/* ---- which circuit a stream gets ------------------------------------------------------------- */

static bool is_dirty(const circuit *c)
{
    return c->first_given != 0 && c->n->env->now - c->first_given >= DIRTY_AFTER;
}

/* Those of a link that is to end soon are left to what they carry. */
static bool takes_streams(const circuit *c)
{
    return !c->dead && !c->mute && !is_dirty(c) && qn_circuit_usable(&c->core) &&
           (c->tie.nb == NULL || !c->tie.nb->retired);
}

static bool suits(const qn_node *n, const circuit *c, const opening *o)
{
    const qn_relay *last;

    if (!c->built || !takes_streams(c))
        return false;
    if (c->isolated && memcmp(c->isolation, o->isolation, sizeof c->isolation) != 0)
        return false;
    last =
        n->snapshot != NULL ? qn_snapshot_find(n->snapshot, &c->hops[c->core.hops_n - 1].id) : NULL;
    return last == NULL || paths_takes_port(n, last, &o->dest);
}

circuit *client_pick(qn_node *n, const opening *o)
{
    circuit *best = NULL;

    for (circuit *c = n->circuits; c != NULL; c = c->next)
        if (suits(n, c, o) && (best == NULL || trip_is_shorter(c, best)))
            best = c;
    return best;
}

/* ---- building -------------------------------------------------------------------------------- */

static void hop_key(qn_hop_key *h, const qn_relay *r)
{
    h->id = r->d.id;
    h->onion = r->d.onion[0].key;
}

static qn_err build(qn_node *n, const qn_dest *d)
{
    const qn_relay *hops[QN_HOPS_MAX];
    qn_path path;
    qn_err err = paths_choose(n, d, &path, hops);
    neighbour *nb;
    circuit *c;

    if (err != QN_OK)
        return err;
    c = qn_mem_get(&n->env->mem, sizeof *c);
    if (c == NULL)
        return QN_NOMEM;
    c->n = n;
    c->id = ++n->ids;
    c->path = path;
    chore_init(&c->chore, CHORE_CIRCUIT, c);
    for (unsigned i = 0; i < QN_HOPS_MAX; i++)
        hop_key(&c->hops[i], hops[i]);
    nb = neighbour_get(n, hops[0]);
    err = nb == NULL ? QN_BUSY : tie_open(&c->tie, TIE_CIRCUIT, c, nb, QN_KIND_CIRCUIT);
    if (err != QN_OK) {
        qn_mem_put(&n->env->mem, c, sizeof *c);
        return err;
    }
    qn_circuit_init(&c->core, &n->circuits_shared, c->hops, QN_HOPS_MAX);
    LIST_ADD(n->circuits, c);
    n->circuits_n++;
    chore_add(n, &c->chore);
    return QN_OK;
}

/* A stream that waits for a circuit, for its destination; NULL: none. */
static const opening *first_waiting(const qn_node *n)
{
    const opening *found = NULL;

    for (const edge *e = n->edges; e != NULL; e = e->next)
        if (!e->exit_side && e->state == EDGE_WAITING && e->opening->route == QN_ROUTE_PRIVACY)
            found = e->opening;
    return found;
}

/* Circuits that may still take streams, whatever their key, built or on their way. A key that finds
 * none for itself gets one on demand. */
static uint32_t pool_ready(const qn_node *n)
{
    uint32_t ready = 0;

    for (const circuit *c = n->circuits; c != NULL; c = c->next)
        ready += c->built ? takes_streams(c) : !c->dead;
    return ready;
}

/* Where no hop has a link to the next, all that are begun are late and none of them dead: so each
 * one more is waited for twice as long as the one before. */
static qn_time late_at(const circuit *c)
{
    unsigned late = 0;

    for (const circuit *o = c->n->circuits; o != NULL; o = o->next)
        late += o->late && !o->built && !o->dead;
    return c->core.started + (QN_CIRCUIT_LATE << QN_MIN(late, LATE_DOUBLINGS));
}

/* A hop that died leaves its neighbours holding what is meant for it, so what is late may never be
 * built. Then whom it waits for is not asked first again; the entry is for guards to judge. */
static void note_late(qn_node *n)
{
    for (circuit *c = n->circuits; c != NULL; c = c->next) {
        if (c->dead || c->built || c->late || late_at(c) > n->env->now)
            continue;
        c->late = true;
        if (c->core.asked)
            paths_late(n, &c->hops[c->core.layers + 1].id);
    }
}

/* Those on their way that what waits may still hope for. *late: when the next gets late. */
static uint32_t pool_building(const qn_node *n, qn_time *late)
{
    uint32_t building = 0;

    *late = QN_NEVER;
    for (const circuit *c = n->circuits; c != NULL; c = c->next)
        if (!c->dead && !c->built && !c->late) {
            building++;
            *late = QN_MIN(*late, late_at(c));
        }
    return building;
}

/* The whole pool while privacy streams are being asked for; one circuit, for the probe, while
 * privacy is the default and is to be probed; none otherwise: what ends unused is not replaced. */
static uint32_t pool_target(const qn_node *n)
{
    if (n->pool_wanted != 0 && n->env->now - n->pool_wanted < POOL_KEPT_AFTER)
        return n->cfg.pool ? n->cfg.pool : POOL_DEFAULT;
    return n->cfg.route == QN_ROUTE_PRIVACY && n->cfg.socks && !probe_works(n) ? 1 : 0;
}

static bool is_idle(const circuit *c)
{
    return c->core.apps.live == 0;
}

/* All its streams are half-closed by our side, and rest. */
static bool is_resting(const circuit *c)
{
    for (const edge *e = c->n->edges; e != NULL; e = e->next)
        if (e->circuit == c && (e->state != EDGE_OPEN || !e->read_end ||
                                c->n->env->now - e->moved < QN_HALF_CLOSED_REST))
            return false;
    return true;
}

static circuit *stalest(const qn_node *n, bool (*may_end)(const circuit *c))
{
    circuit *found = NULL;

    for (circuit *c = n->circuits; c != NULL; c = c->next)
        if (c->built && !qn_circuit_pending(&c->core) && c->id != n->probe_circuit &&
            (found == NULL || c->last_given < found->last_given) && may_end(c))
            found = c;
    return found;
}

/* Streams of many credentials need a circuit each: at the bound the one that carries nothing, or
 * nothing any more, and was given out longest ago ends, and its end brings us back here. */
static void make_room(qn_node *n)
{
    circuit *c;

    for (c = n->circuits; c != NULL; c = c->next)
        if (c->dead || c->core.state == QN_CIRCUIT_ENDED)
            return; /* room is on its way */
    c = stalest(n, is_idle);
    if (c == NULL)
        c = stalest(n, is_resting);
    if (c == NULL)
        return;
    qn_circuit_end(&c->core);
    chore_add(n, &c->chore);
}

void client_pool(qn_node *n)
{
    uint32_t target = pool_target(n);
    const opening *waiting = first_waiting(n);
    qn_time later = n->env->now + 5 * QN_SEC, late;
    qn_err err = QN_OK;

    if (n->stopping || (target == 0 && waiting == NULL))
        return;
    if (n->snapshot == NULL) {
        asker_want(n, WANT_LIST);
        return;
    }
    if (waiting != NULL)
        note_late(n);
    while (err == QN_OK && n->circuits_n < QN_CIRCUITS_MAX &&
           (pool_ready(n) < target || (waiting != NULL && pool_building(n, &late) == 0)))
        err = build(n, waiting != NULL ? &waiting->dest : NULL);
    if (waiting != NULL && n->circuits_n == QN_CIRCUITS_MAX && pool_building(n, &late) == 0)
        make_room(n);
    if (err != QN_OK) {
        n->last_error = err;
        later = n->env->now + (POOL_BACKOFF << QN_MIN(n->pool_failures++, POOL_BACKOFF_MAX));
        if (err == QN_NOPATH)
            asker_want(n, WANT_LIST);
    }
    if (waiting != NULL && pool_building(n, &late) > 0)
        later = QN_MIN(later, late);
    node_timer(n, &n->pool_timer, TIMER_POOL, later);
}

void client_start(qn_node *n)
{
    if (n->cfg.socks)
        client_pool(n);
}

void client_wake_waiting(qn_node *n)
{
    for (edge *e = n->edges, *next; e != NULL; e = next) {
        next = e->next;
        if (!e->exit_side && e->state == EDGE_WAITING)
            open_bind(e);
    }
}

/* ---- a circuit's life ------------------------------------------------------------------------ */

static void bury(circuit *c)
{
    tie_close(&c->tie, QN_CLOSE_DONE);
    c->dead = true;
    chore_add(c->n, &c->chore);
}

void client_free(circuit *c)
{
    qn_node *n = c->n;

    qn_timers_cancel(&n->timers, &c->timer);
    qn_circuit_clear(&c->core);
    qn_cell_in_clear(&c->in);
    LIST_DEL(n->circuits, c);
    n->circuits_n--;
    qn_mem_put(&n->env->mem, c, sizeof *c);
}

static void built(circuit *c)
{
    qn_node *n = c->n;

    c->built = true;
    c->build_time = n->env->now - c->core.started;
    trip_begin(c);
    n->pool_failures = 0;
    paths_worked(n, &c->hops[0].id);
    n->counters.circuits_built++;
    qn_log_line(n->env, QN_LOG_DEBUG, "circuit", "circuit %llu over %u hops is ready after %llu us",
                (unsigned long long)c->id, c->core.hops_n,
                (unsigned long long)(c->build_time / QN_US));
    node_event(n, &(qn_event){.type = QN_EV_CIRCUIT_BUILT,
                              .id = c->id,
                              .hops = c->core.hops_n,
                              .value = c->build_time});
    client_wake_waiting(n);
}

static void ended(circuit *c, const qn_circuit_event *ev)
{
    qn_node *n = c->n;

    if (!c->built) {
        n->counters.circuits_failed++;
        n->last_error = ev->why;
        if (ev->hop < c->core.hops_n)
            paths_failed(n, &c->hops[ev->hop].id);
        node_timer(n, &n->pool_timer, TIMER_POOL,
                   n->env->now + (POOL_BACKOFF << QN_MIN(n->pool_failures, POOL_BACKOFF_MAX)));
        n->pool_failures++;
    } else {
        node_timer(n, &n->pool_timer, TIMER_POOL, n->env->now);
    }
    if (n->probe_circuit == c->id || (c->built && node_in_use(n)))
        probe_bad(n, ev->why == QN_OK ? QN_GONE : ev->why);
    node_event(n, &(qn_event){.type = QN_EV_CIRCUIT_ENDED,
                              .id = c->id,
                              .hops = c->core.hops_n,
                              .err = ev->why,
                              .value = n->env->now - c->core.started});
    bury(c);
}

static void app_event(circuit *c, const qn_app_event *ev)
{
    edge *e = ev->user;

    c->heard = c->n->env->now;
    if (ev->type == QN_APP_EV_PONG) {
        trip_pong(c, ev->value);
        probe_good(c->n);
        return;
    }
    if (e == NULL) {
        if (ev->type == QN_APP_EV_DATA)
            qn_apps_consumed(&c->core.apps, ev->sid, ev->piece.len);
        return;
    }
    switch (ev->type) {
    case QN_APP_EV_OPENED:
        open_answer(e, ev->code);
        break;
    case QN_APP_EV_DATA:
        edge_data(e, ev->piece);
        break;
    case QN_APP_EV_END:
        if (ev->code == QN_APP_DONE)
            edge_peer_end(e);
        else
            edge_unbound(e, ev->code);
        break;
    case QN_APP_EV_ROOM:
        edge_room(e);
        break;
    default:
        break;
    }
}

void client_event(circuit *c)
{
    qn_circuit_event ev;

    while (!c->dead && qn_circuit_next(&c->core, &ev)) {
        switch (ev.type) {
        case QN_CIRCUIT_EV_BUILT:
            built(c);
            break;
        case QN_CIRCUIT_EV_APP:
            app_event(c, &ev.app);
            break;
        case QN_CIRCUIT_EV_ENDED:
            ended(c, &ev);
            break;
        }
    }
}

void client_input(circuit *c, qn_piece piece, bool more)
{
    qn_piece cell;
    qn_err err = qn_cell_in_put(&c->in, c->n->env, piece, more, &cell);

    mute_heard(c);
    qn_link_returned(&c->tie.nb->link, c->tie.stream, piece.len);
    if (err == QN_OK) {
        qn_circuit_input(&c->core, cell);
        qn_block_drop(cell.block);
    } else if (err != QN_SHORT) {
        qn_circuit_closed(&c->core, err);
    }
    client_event(c);
    chore_add(c->n, &c->chore);
}

static bool has_another(const qn_node *n)
{
    return n->invited_n > 0 ? n->invited_n > 1 : n->snapshot != NULL && n->snapshot->relays_n > 1;
}

void client_leave(neighbour *nb)
{
    qn_node *n = nb->n;

    paths_failed(n, &nb->id);
    if (!has_another(n))
        return;
    for (edge *e = n->edges, *next; e != NULL; e = next) {
        next = e->next;
        if (e->tie.nb == nb && !e->exit_side && e->state == EDGE_OPENING && early_may_move(e))
            edge_fail(e, QN_APP_GONE);
    }
    for (circuit *c = n->circuits; c != NULL; c = c->next)
        if (c->tie.nb == nb && !c->built && !c->dead) {
            tie_close(&c->tie, QN_CLOSE_GONE);
            client_closed(c, QN_CLOSE_GONE);
        }
}

void client_closed(circuit *c, uint16_t code)
{
    qn_circuit_closed(&c->core, qn_circuit_close_err(code));
    client_event(c);
    chore_add(c->n, &c->chore);
}

/* Cells leave while the stream to the entry has room for the largest. False: no memory for one. */
static bool flush(circuit *c)
{
    while (c->tie.nb != NULL && qn_link_writable(&c->tie.nb->link, c->tie.stream) >= QN_CELL_L) {
        qn_piece cell;
        qn_err err = qn_circuit_output(&c->core, &cell);

        if (err != QN_OK)
            return err != QN_NOMEM;
        if (qn_link_send(&c->tie.nb->link, c->tie.stream, cell, false) != QN_OK) {
            qn_block_drop(cell.block);
            qn_circuit_closed(&c->core, QN_NOMEM);
            break;
        }
        neighbour_touch(c->tie.nb);
    }
    return true;
}

void client_service(circuit *c)
{
    qn_time again = QN_NEVER;

    if (c->dead) {
        client_free(c);
        return;
    }
    mute_check(c);
    trip_check(c);
    client_event(c);
    if (!c->dead && !flush(c))
        again = c->n->env->now + QN_NOMEM_PAUSE;
    client_event(c);
    if (!c->dead)
        node_timer(
            c->n, &c->timer, TIMER_CIRCUIT,
            QN_MIN(QN_MIN(again, QN_MIN(mute_due(c), trip_due(c))), qn_circuit_due(&c->core)));
}

/* Pipes: reliable ordered bytes with delay, a window and seeded cuts. */
#include "pocket/internal.h"

#include <stdlib.h>

qn_time pw__delay(pw_world *w)
{
    uint64_t spread = w->cfg.delay_max - w->cfg.delay_min;

    return w->cfg.delay_min + (spread ? pw__below(w, (uint32_t)(spread / QN_US) + 1) * QN_US : 0);
}

pw_pipe *pw__pipe_new(pw_world *w)
{
    pw_pipe *p = calloc(1, sizeof *p);

    QN_ASSERT(p != NULL);
    p->number = ++w->pipe_numbers;
    p->freeze = QN_NEVER;
    p->next = w->pipes;
    if (w->pipes != NULL)
        w->pipes->prev = p;
    w->pipes = p;
    return p;
}

int pw__side(const pw_pipe *p, const pw_node *n, qn_conn c)
{
    return p->end[0].kind == HOLD_NODE && p->end[0].node == n && p->end[0].conn == c ? 0 : 1;
}

size_t pw__room(const pw_world *w, const pw_pipe *p, int from)
{
    uint64_t held = p->lane[from].bytes;

    return p->open && held < w->cfg.window ? (size_t)(w->cfg.window - held) : 0;
}

static void arm(pw_world *w, pw_pipe *p, int from)
{
    lane *l = &p->lane[from];

    if (l->armed || l->first == NULL)
        return;
    l->armed = true;
    pw__at(w, (happening){.at = QN_MAX(l->first->ready, w->now),
                          .what = WHAT_LANE,
                          .pipe = p,
                          .number = p->number,
                          .side = from});
}

/* Everything written by nodes enters the world's digest, in the order it was written. */
static void digest(pw_world *w, const pw_pipe *p, int from, const uint8_t *bytes, size_t n)
{
    uint8_t where[5];
    qn_slice parts[3] = {qn_slice_of(w->digest.b, sizeof w->digest.b), qn_slice_of(where, 5),
                         qn_slice_of(bytes, n)};
    qn_hash next;

    qn_put32(where, p->number);
    where[4] = (uint8_t)from;
    QN_ASSERT(qn_sha256(&w->env, parts, 3, &next) == QN_OK);
    w->digest = next;
}

/* When n bytes that this end writes now have left. */
static qn_time gone(const pw_world *w, end *e, size_t n)
{
    pw_node *from = e->kind == HOLD_NODE ? e->node : NULL;

    if (from == NULL || from->uplink == 0)
        return w->now;
    from->uplink_free = QN_MAX(from->uplink_free, w->now) + n * QN_SEC / from->uplink;
    return from->uplink_free;
}

void pw__write(pw_world *w, pw_pipe *p, int from, const uint8_t *bytes, size_t n, bool fin)
{
    lane *l = &p->lane[from];
    chunk *c;

    if (p->dead || l->fin_sent)
        return;
    c = malloc(sizeof *c + n);
    QN_ASSERT(c != NULL);
    *c = (chunk){.ready = QN_MAX(gone(w, &p->end[from], n) + pw__delay(w), p->last_ready[from]),
                 .len = (uint32_t)n,
                 .fin = fin};
    p->last_ready[from] = c->ready;
    if (n > 0)
        memcpy(c->data, bytes, n);
    if (p->end[from].kind == HOLD_NODE)
        digest(w, p, from, bytes, n);
    if (l->last != NULL)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
    l->bytes += n;
    l->fin_sent = fin;
    arm(w, p, from);
}

static size_t cut(pw_world *w, size_t n)
{
    uint32_t most = (uint32_t)QN_MIN(n, (size_t)w->cfg.cut_max);

    return w->cfg.cut_max ? 1 + pw__below(w, most) : n;
}

void pw__send(pw_world *w, pw_pipe *p, int from)
{
    end *e = &p->end[from];

    e->want_write = false;
    while (!p->dead && e->kind == HOLD_NODE) {
        qn_slice v[4];
        size_t room = pw__room(w, p, from), n;
        unsigned count;

        pw__stamp(e->node);
        count = qn_node_peek(e->node->core, e->conn, v, QN_LEN(v));
        if (count == 0)
            break;
        if (room == 0) {
            e->want_write = true;
            break;
        }
        n = cut(w, QN_MIN(room, v[0].n));
        pw__write(w, p, from, v[0].p, n, false);
        qn_node_consume(e->node->core, e->conn, n);
    }
    if (p->dead || e->kind != HOLD_NODE || e->want_write)
        return;
    if (e->finishing || e->closing)
        pw__write(w, p, from, NULL, 0, true);
    e->finishing = false;
    if (e->closing) {
        e->closing = false;
        pw__bind(e->node, e->conn, NULL);
        e->kind = HOLD_NONE;
        qn_node_released(e->node->core, e->conn);
    }
}

/* How many of n arriving bytes the holder takes now. 0: it will ask again. */
static size_t offer(pw_world *w, pw_pipe *p, int to, const uint8_t *bytes, size_t n)
{
    end *e = &p->end[to];
    size_t done = 0;

    if (e->kind == HOLD_FETCH || e->kind == HOLD_SERVING)
        return pw__person_takes(w, p, to, bytes, n);
    if (e->kind != HOLD_NODE)
        return n; /* nobody reads any more: the kernel would drop it */
    while (done < n && !p->dead && e->kind == HOLD_NODE) {
        qn_span v[8];
        size_t part = 0;
        unsigned count;

        pw__stamp(e->node);
        count = qn_node_space(e->node->core, e->conn, v, QN_LEN(v));
        if (count == 0) {
            e->read_paused = true;
            pw__drain(e->node);
            break;
        }
        for (unsigned i = 0; i < count && done + part < n; i++) {
            size_t k = cut(w, n - done - part);

            k = QN_MIN(k, v[i].n);
            memcpy(v[i].p, bytes + done + part, k);
            part += k;
            if (k < v[i].n)
                break;
        }
        qn_node_commit(e->node->core, e->conn, part);
        done += part;
        pw__drain(e->node);
    }
    return done;
}

static void deliver_fin(pw_world *w, pw_pipe *p, int to)
{
    end *e = &p->end[to];

    if (e->kind == HOLD_NODE) {
        pw__stamp(e->node);
        qn_node_ended(e->node->core, e->conn, QN_END_EOF);
        pw__drain(e->node);
    } else if (e->kind != HOLD_NONE) {
        pw__person_fin(w, p, to);
    }
}

static void room_again(pw_world *w, pw_pipe *p, int from)
{
    end *e = &p->end[from];

    if (p->dead)
        return;
    if (e->kind == HOLD_NODE && e->want_write) {
        pw__send(w, p, from);
        if (e->kind == HOLD_NODE)
            pw__drain(e->node);
    } else if (e->kind == HOLD_FETCH || e->kind == HOLD_SERVING) {
        pw__person_room(w, p, from);
    }
}

/* Between nodes only: this censor does not stand before the web. */
static bool watched(const pw_pipe *p)
{
    return p->freeze != QN_NEVER && p->end[0].node != NULL && p->end[1].node != NULL;
}

static bool frozen(const pw_pipe *p)
{
    return watched(p) && p->freeze == 0;
}

/* How much of this chunk goes through. */
static size_t let_through(const pw_pipe *p, int from, const chunk *c)
{
    size_t n = c->len - c->off;

    return from == 1 && watched(p) ? (size_t)QN_MIN(p->freeze, (uint64_t)n) : n;
}

void pw__lane(pw_world *w, pw_pipe *p, int from)
{
    lane *l = &p->lane[from];

    while (!p->dead && !frozen(p) && l->first != NULL && l->first->ready <= w->now &&
           !p->end[1 - from].read_paused) {
        chunk *c = l->first;
        size_t n = let_through(p, from, c);
        size_t took = n > 0 ? offer(w, p, 1 - from, c->data + c->off, n) : 0;

        if (p->dead || l->first != c)
            return; /* the pipe died, or a nested delivery went on */
        if (from == 1 && watched(p))
            p->freeze -= took;
        c->off += (uint32_t)took;
        l->bytes -= took;
        if (c->off < c->len)
            break;
        l->first = c->next;
        if (l->first == NULL)
            l->last = NULL;
        if (c->fin)
            deliver_fin(w, p, 1 - from);
        free(c);
        if (!p->dead)
            room_again(w, p, from);
    }
    if (!p->dead && !frozen(p) && !p->end[1 - from].read_paused)
        arm(w, p, from);
}

void pw__reset(pw_world *w, pw_pipe *p, int from)
{
    if (p->dead)
        return;
    p->end[from].kind = HOLD_NONE;
    if (frozen(p))
        return; /* nobody is told */
    pw__at(w, (happening){.at = QN_MAX(w->now + pw__delay(w), p->last_ready[from]),
                          .what = WHAT_RESET,
                          .pipe = p,
                          .number = p->number});
}

static void lane_clear(lane *l)
{
    while (l->first != NULL) {
        chunk *c = l->first;

        l->first = c->next;
        free(c);
    }
    l->last = NULL;
}

/* The pipe is over; whoever still holds an end sees a reset. The husk stays until pw_free, so that
 * happenings on their way find it dead. */
void pw__forget(pw_world *w, pw_pipe *p)
{
    if (!p->dead) {
        p->dead = true;
        for (int i = 0; i < 2; i++) {
            end *e = &p->end[i];
            end was = *e;

            lane_clear(&p->lane[i]);
            e->kind = HOLD_NONE;
            if (was.kind == HOLD_NODE && !e->node->dead) {
                pw__bind(e->node, e->conn, NULL);
                pw__stamp(e->node);
                qn_node_ended(e->node->core, e->conn, QN_END_RESET);
                pw__drain(e->node);
            } else {
                pw__person_reset(w, &was);
            }
        }
        return;
    }
    if (p->prev != NULL)
        p->prev->next = p->next;
    else
        w->pipes = p->next;
    if (p->next != NULL)
        p->next->prev = p->prev;
    free(p);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static bool joins(const pw_pipe *p, const pw_node *a, const pw_node *b)
{
    const pw_node *x = p->end[0].node, *y = p->end[1].node;

    if (p->dead || !p->open || p->end[0].kind != HOLD_NODE || p->end[1].kind != HOLD_NODE)
        return false;
    return (a == NULL || x == a || y == a) && (b == NULL || x == b || y == b);
}

bool pw_cut(pw_world *w, pw_node *a, pw_node *b)
{
    uint32_t n = 0, pick;

    for (pw_pipe *p = w->pipes; p != NULL; p = p->next)
        n += joins(p, a, b);
    if (n == 0)
        return false;
    pick = pw__below(w, n);
    for (pw_pipe *p = w->pipes; p != NULL; p = p->next)
        if (joins(p, a, b) && pick-- == 0) {
            pw__forget(w, p);
            return true;
        }
    return false;
}

void pw_freeze(pw_world *w, pw_node *n, uint64_t bytes)
{
    for (uint32_t i = 0; i < w->nodes_n; i++)
        if (n == NULL || w->node[i] == n)
            w->node[i]->freeze = bytes;
}

void pw_isolate(pw_world *w, pw_node *n, bool isolated)
{
    n->isolated = isolated;
    while (isolated && pw_cut(w, n, NULL))
        ;
}

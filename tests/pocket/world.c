/* Nodes, virtual time and the driver's law. Pipes are in pipe.c, users and servers in people.c. */
#include "pocket/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- memory and randomness of a node --------------------------------------------------------- */

static void *node_get(void *ctx, size_t n)
{
    pw_node *node = ctx;

    if (++node->allocs == node->fail_at)
        return NULL;
    return malloc(n);
}

static void node_put(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

static void *world_get(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void node_line(void *ctx, qn_level level, const char *area, const char *text)
{
    const pw_node *n = ctx;

    fprintf(stderr, "%12.6f %-8s %d %-8s %s\n", (double)n->env.now / 1e9, n->name, level, area,
            text);
}

static void env_init(qn_env *env, void *ctx, void *(*get)(void *, size_t), qn_drbg *drbg,
                     struct qn_engine *engine)
{
    *env = (qn_env){.engine = engine};
    env->mem = (qn_mem){.get = get, .put = node_put, .ctx = ctx, .limit = PW_MEMORY_CAP};
    env->rng = (qn_rng){.fill = qn_drbg_fill, .ctx = drbg};
    if (getenv("POCKET_LOG") != NULL && get == node_get)
        env->log = (qn_log){.line = node_line, .ctx = ctx, .level = QN_LOG_DEBUG};
}

/* ---- the heap of happenings ------------------------------------------------------------------ */

static bool sooner(const happening *a, const happening *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void pw__at(pw_world *w, happening h)
{
    uint32_t i = w->heap_n++;

    if (w->heap_n > w->heap_cap) {
        w->heap_cap = w->heap_cap ? w->heap_cap * 2 : 256;
        w->heap = realloc(w->heap, w->heap_cap * sizeof *w->heap);
        QN_ASSERT(w->heap != NULL);
    }
    h.seq = ++w->seq;
    for (; i > 0 && sooner(&h, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = h;
}

static happening heap_pop(pw_world *w)
{
    happening top = w->heap[0], last = w->heap[--w->heap_n];
    uint32_t i = 0;

    for (;;) {
        uint32_t child = 2 * i + 1;

        if (child >= w->heap_n)
            break;
        if (child + 1 < w->heap_n && sooner(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!sooner(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    if (w->heap_n > 0)
        w->heap[i] = last;
    return top;
}

uint32_t pw__below(pw_world *w, uint32_t n)
{
    return qn_rng_below(&w->env, n);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

void pw__stamp(pw_node *n)
{
    n->env.now = n->world->now;
    n->env.wall = n->world->epoch + (int64_t)(n->world->now / QN_SEC) + n->clock_off;
}

static uint32_t slot_of(qn_conn c)
{
    return c & 0x1ffff; /* a conn is its slot and a generation; the slot alone is small */
}

pw_pipe *pw__pipe_of(pw_node *n, qn_conn c)
{
    uint32_t slot = slot_of(c);
    pw_pipe *p = slot < n->pipes_cap ? n->pipe[slot] : NULL;

    return p != NULL && (p->end[0].conn == c || p->end[1].conn == c) ? p : NULL;
}

void pw__bind(pw_node *n, qn_conn c, pw_pipe *p)
{
    uint32_t slot = slot_of(c);

    if (slot >= n->pipes_cap) {
        uint32_t cap = QN_MAX(slot + 1, n->pipes_cap * 2);

        n->pipe = realloc(n->pipe, cap * sizeof(pw_pipe *));
        QN_ASSERT(n->pipe != NULL);
        memset(n->pipe + n->pipes_cap, 0, (cap - n->pipes_cap) * sizeof(pw_pipe *));
        n->pipes_cap = cap;
    }
    n->pipe[slot] = p;
}

static void do_dial(pw_node *n, const qn_action *a)
{
    pw_world *w = n->world;
    pw_pipe *p = pw__pipe_new(w);

    p->freeze = n->freeze > 0 ? n->freeze : QN_NEVER;
    p->end[0] = (end){.kind = HOLD_NODE, .node = n, .conn = a->conn};
    pw__bind(n, a->conn, p);
    pw__at(w, (happening){.at = w->now + pw__delay(w),
                          .what = WHAT_CONNECT,
                          .pipe = p,
                          .number = p->number,
                          .node = n,
                          .addr = a->addr});
}

static void do_conn_action(pw_node *n, const qn_action *a)
{
    pw_world *w = n->world;
    pw_pipe *p = pw__pipe_of(n, a->conn);
    int side;

    if (p == NULL)
        return;
    side = pw__side(p, n, a->conn);
    switch (a->type) {
    case QN_ACT_SEND:
        pw__send(w, p, side);
        break;
    case QN_ACT_READ:
        p->end[side].read_paused = false;
        pw__lane(w, p, 1 - side);
        break;
    case QN_ACT_FINISH:
        p->end[side].finishing = true;
        pw__send(w, p, side);
        break;
    case QN_ACT_CLOSE:
        p->end[side].closing = true;
        pw__send(w, p, side);
        break;
    case QN_ACT_RESET:
        if (a->drain)
            pw__send(w, p, side);
        pw__bind(n, a->conn, NULL);
        p->end[side].kind = HOLD_NONE;
        pw__reset(w, p, side);
        break;
    default:
        break;
    }
}

static void store(pw_node *n, const qn_action *a)
{
    pw_file *f = n->file;

    if (n->broken_file != NULL && strcmp(n->broken_file, a->name) == 0) {
        qn_node_store_failed(n->core, a->name);
        return;
    }
    while (f < n->file + PW_FILES && f->name != NULL && strcmp(f->name, a->name) != 0)
        f++;
    QN_ASSERT(f < n->file + PW_FILES);
    if (!a->append)
        f->n = 0;
    f->name = a->name;
    f->p = realloc(f->p, f->n + a->bytes.n);
    QN_ASSERT(f->p != NULL);
    memcpy(f->p + f->n, a->bytes.p, a->bytes.n);
    f->n += a->bytes.n;
}

void pw_fail_store(pw_node *n, const char *name)
{
    n->broken_file = name;
}

qn_slice pw_stored(const pw_node *n, const char *name)
{
    for (unsigned i = 0; i < PW_FILES; i++)
        if (n->file[i].name != NULL && strcmp(n->file[i].name, name) == 0)
            return qn_slice_of(n->file[i].p, n->file[i].n);
    return (qn_slice){0};
}

bool pw_dialled(const pw_node *n, const qn_addr *addr)
{
    for (unsigned i = 0; i < n->dialled_n; i++)
        if (memcmp(&n->dialled[i], addr, sizeof *addr) == 0)
            return true;
    return false;
}

static void note_dial(pw_node *n, const qn_addr *addr)
{
    if (pw_dialled(n, addr))
        return;
    QN_ASSERT(n->dialled_n < PW_DIALLED);
    n->dialled[n->dialled_n++] = *addr;
}

static void do_action(pw_node *n, const qn_action *a)
{
    pw_world *w = n->world;

    switch (a->type) {
    case QN_ACT_DIAL:
        note_dial(n, &a->addr);
        do_dial(n, a);
        break;
    case QN_ACT_RESOLVE:
        pw__at(w, (happening){.at = w->now + pw__delay(w),
                              .what = WHAT_RESOLVED,
                              .node = n,
                              .number = a->query,
                              .dest = a->dest});
        break;
    case QN_ACT_EVENT:
        n->event_n[a->event.type]++;
        n->event_last[a->event.type] = a->event;
        break;
    case QN_ACT_STOPPED:
        n->stopped = true;
        break;
    case QN_ACT_PAUSE_ACCEPT:
        n->shut = a->on;
        break;
    case QN_ACT_STORE:
        store(n, a);
        break;
    default:
        do_conn_action(n, a);
    }
}

void pw__drain(pw_node *n)
{
    pw_world *w = n->world;
    qn_action a;
    qn_time due;

    while (!n->dead && qn_node_next(n->core, &a)) {
        if (w->watcher != NULL)
            w->watcher->action(w->watcher->ctx, n, &a);
        do_action(n, &a);
    }
    if (n->dead)
        return;
    due = qn_node_due(n->core);
    QN_ASSERT(due == QN_NEVER || due >= w->now || n->env.now <= w->now);
    if (due < n->armed) {
        n->armed = due;
        pw__at(w, (happening){.at = QN_MAX(due, w->now), .what = WHAT_TICK, .node = n});
    }
}

static const qn_addr elsewhere = {.family = 4, .ip = {198, 51, 100, 1}};

pw_node *pw_add(pw_world *w, const char *name, const qn_node_cfg *cfg)
{
    pw_node *n = calloc(1, sizeof *n);
    char why[160] = "";
    qn_err err;

    QN_ASSERT(n != NULL && w->nodes_n < PW_NODES);
    (void)snprintf(n->name, sizeof n->name, "%s", name);
    n->world = w;
    n->listen = cfg->listen;
    n->source = cfg->listen.family != 0 ? cfg->listen : elsewhere;
    n->armed = QN_NEVER;
    qn_drbg_init(&n->drbg, "pocket-node", w->cfg.seed, w->nodes_n);
    env_init(&n->env, n, node_get, &n->drbg, w->engine);
    pw__stamp(n);
    err = qn_node_new(&n->core, cfg, &n->env, why);
    if (err != QN_OK) {
        fprintf(stderr, "pocket: node %s: %s: %s\n", name, qn_err_name(err), why);
        abort();
    }
    w->node[w->nodes_n++] = n;
    pw__drain(n);
    return n;
}

void pw_kill(pw_world *w, pw_node *n)
{
    n->dead = true;
    for (uint32_t i = 0; i < n->pipes_cap; i++) {
        pw_pipe *p = n->pipe[i];
        int side;

        if (p == NULL)
            continue;
        side = p->end[0].node == n && slot_of(p->end[0].conn) == i ? 0 : 1;
        n->pipe[i] = NULL;
        p->end[side].kind = HOLD_NONE;
        pw__reset(w, p, side);
    }
    qn_node_free(n->core);
    n->core = NULL;
}

void pw_stop(pw_world *w, pw_node *n)
{
    (void)w;
    pw__stamp(n);
    qn_node_stop(n->core);
    pw__drain(n);
}

bool pw_stopped(const pw_node *n)
{
    return n->stopped;
}

qn_node *pw_core(pw_node *n)
{
    return n->core;
}

void pw_set_clock(pw_node *n, int64_t off)
{
    n->clock_off = off;
}

void pw_set_uplink(pw_node *n, uint64_t rate)
{
    n->uplink = rate;
}

qn_env *pw_node_env(pw_node *n)
{
    return &n->env;
}

void pw_fail_alloc(pw_node *n, uint64_t nth)
{
    n->fail_at = nth ? n->allocs + nth : 0;
}

uint32_t pw_events(const pw_node *n, qn_event_type type, qn_event *last)
{
    if (last != NULL)
        *last = n->event_last[type];
    return n->event_n[type];
}

/* ---- what happens ---------------------------------------------------------------------------- */

static pw_node *listener_at(pw_world *w, const qn_addr *to)
{
    for (uint32_t i = 0; i < w->nodes_n; i++)
        if (!w->node[i]->dead && qn_addr_equal(&w->node[i]->listen, to))
            return w->node[i];
    return NULL;
}

static bool connect_far_end(pw_world *w, pw_pipe *p, const qn_addr *to, const pw_node *from)
{
    pw_node *n = listener_at(w, to);
    qn_conn c;

    if (n == NULL)
        return pw__server_accepts(w, p, 1, to);
    if (n->isolated || from->isolated || n->shut)
        return false;
    pw__stamp(n);
    c = qn_node_accepted(n->core, QN_LISTEN_LINK, &from->source, to);
    if (c != 0) {
        p->end[1] = (end){.kind = HOLD_NODE, .node = n, .conn = c};
        pw__bind(n, c, p);
    }
    pw__drain(n);
    return c != 0;
}

static void happen_connect(pw_world *w, const happening *h)
{
    pw_pipe *p = h->pipe;
    pw_node *n = h->node;
    bool ok;

    if (p->dead || n->dead || p->end[0].kind != HOLD_NODE)
        return;
    ok = connect_far_end(w, p, &h->addr, n);
    if (p->dead || n->dead)
        return;
    pw__stamp(n);
    if (ok) {
        p->open = true;
        qn_node_opened(n->core, p->end[0].conn);
        pw__drain(n);
        if (!p->dead && p->end[1].kind == HOLD_NODE)
            pw__send(w, p, 1);
    } else {
        qn_conn c = p->end[0].conn;

        pw__bind(n, c, NULL);
        p->end[0].kind = HOLD_NONE;
        pw__forget(w, p);
        qn_node_open_failed(n->core, c, QN_REFUSED);
        pw__drain(n);
    }
}

static void happen_resolved(pw_world *w, const happening *h)
{
    qn_addr v[PW_SERVERS];
    unsigned n = pw__resolve(w, h->dest.name, h->dest.port, v, QN_LEN(v));

    if (h->node->dead)
        return;
    pw__stamp(h->node);
    qn_node_resolved(h->node->core, h->number, v, n, n > 0 ? QN_OK : QN_RESOLVE);
    pw__drain(h->node);
}

static void happen(pw_world *w, const happening *h)
{
    bool current = h->pipe == NULL || (h->pipe->number == h->number && !h->pipe->dead);

    switch (h->what) {
    case WHAT_TICK:
        if (h->node->dead || h->at < h->node->armed)
            return;
        h->node->armed = QN_NEVER;
        pw__stamp(h->node);
        if (qn_node_due(h->node->core) <= w->now)
            qn_node_tick(h->node->core);
        pw__drain(h->node);
        break;
    case WHAT_LANE:
        if (current) {
            h->pipe->lane[h->side].armed = false;
            pw__lane(w, h->pipe, h->side);
        }
        break;
    case WHAT_CONNECT:
        if (current)
            happen_connect(w, h);
        break;
    case WHAT_RESET:
        if (current)
            pw__forget(w, h->pipe);
        break;
    case WHAT_RESOLVED:
        happen_resolved(w, h);
        break;
    }
}

bool pw_run(pw_world *w, qn_time deadline, bool (*done)(void *ctx), void *ctx)
{
    for (;;) {
        happening h;

        if (done != NULL && done(ctx))
            return true;
        if (w->heap_n == 0 || w->heap[0].at > deadline) {
            w->now = QN_MAX(w->now, deadline);
            return done == NULL;
        }
        h = heap_pop(w);
        w->now = QN_MAX(w->now, h.at);
        happen(w, &h);
        if (w->watcher != NULL)
            w->watcher->step(w->watcher->ctx);
    }
}

/* ---- faults, life and death ------------------------------------------------------------------ */

pw_world *pw_new(const pw_cfg *cfg)
{
    pw_world *w = calloc(1, sizeof *w);

    QN_ASSERT(w != NULL);
    w->cfg = *cfg;
    if (w->cfg.window == 0)
        w->cfg.window = 65536;
    w->epoch = 1800000000; /* a fixed day, so that runs are alike */
    w->now = QN_SEC;
    w->engine = qn_engine_new();
    QN_ASSERT(w->engine != NULL);
    qn_drbg_init(&w->drbg, "pocket-world", cfg->seed, 0);
    env_init(&w->env, w, world_get, &w->drbg, w->engine);
    w->env.now = w->now;
    w->env.wall = w->epoch;
    return w;
}

void pw_free(pw_world *w)
{
    for (uint32_t i = 0; i < w->nodes_n; i++) {
        pw_node *n = w->node[i];

        if (!n->dead)
            qn_node_free(n->core);
        if (n->env.mem.used != 0) {
            fprintf(stderr, "pocket: %s kept %llu bytes\n", n->name,
                    (unsigned long long)n->env.mem.used);
            abort();
        }
        n->dead = true;
        for (unsigned f = 0; f < PW_FILES; f++)
            free(n->file[f].p);
        free(n->pipe);
    }
    while (w->pipes != NULL)
        pw__forget(w, w->pipes);
    pw__people_clear(w);
    for (uint32_t i = 0; i < w->nodes_n; i++)
        free(w->node[i]);
    qn_engine_free(w->engine);
    free(w->heap);
    free(w);
}

qn_env *pw_env(pw_world *w)
{
    w->env.now = w->now;
    w->env.wall = w->epoch + (int64_t)(w->now / QN_SEC);
    return &w->env;
}

qn_time pw_now(const pw_world *w)
{
    return w->now;
}

qn_hash pw_digest(const pw_world *w)
{
    return w->digest;
}

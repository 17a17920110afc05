#include "circuit/apps.h"

#include "circuit/internal.h"

enum { FIRST_CAP = 4, ENTRIES_MAX = 2 * QN_CIRCUIT_APPS_MAX };

void qn_apps_init(qn_apps *a, qn_circuits *all, bool client)
{
    *a = (qn_apps){.all = all, .client = client, .quiet_since = all->env->now};
    qn_pad_init(&a->pad, client);
}

void qn_apps_clear(qn_apps *a)
{
    qn_mem *mem;

    if (a->all == NULL)
        return;
    mem = &a->all->env->mem;
    while (a->n > 0)
        qn__apps_remove(a, &a->v[a->n - 1]);
    qn__apps_revoke(a);
    qn_block_drop(a->text.block);
    qn_mem_put(mem, a->v, a->cap * sizeof *a->v);
    *a = (qn_apps){0};
}

/* ---- the table ------------------------------------------------------------------------------- */

/* The first stream whose sid is not below. */
static uint32_t lower_bound(const qn_apps *a, uint32_t sid)
{
    uint32_t from = 0, to = a->n;

    while (from < to) {
        uint32_t mid = from + (to - from) / 2;

        if (a->v[mid].sid < sid)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static qn_app *entry(const qn_apps *a, uint32_t sid)
{
    uint32_t i = lower_bound(a, sid);

    return i < a->n && a->v[i].sid == sid ? &a->v[i] : NULL;
}

qn_app *qn__apps_find(const qn_apps *a, uint32_t sid)
{
    qn_app *app = entry(a, sid);

    return app != NULL && !app->doomed && !a->over ? app : NULL;
}

static qn_err grow(qn_apps *a)
{
    qn_mem *mem = &a->all->env->mem;
    uint32_t cap = a->cap ? a->cap * 2 : FIRST_CAP;
    qn_app *v;

    if (a->n < a->cap)
        return QN_OK;
    v = qn_mem_get(mem, cap * sizeof *v);
    if (v == NULL)
        return QN_NOMEM;
    if (a->n > 0)
        memcpy(v, a->v, a->n * sizeof *v);
    qn_mem_put(mem, a->v, a->cap * sizeof *v);
    a->v = v;
    a->cap = cap;
    return QN_OK;
}

qn_err qn__apps_add(qn_apps *a, uint32_t sid, qn_app **out)
{
    qn_app *app;

    if (a->n == ENTRIES_MAX)
        return QN_LIMIT;
    if (grow(a) != QN_OK)
        return QN_NOMEM;
    app = &a->v[a->n++];
    *app = (qn_app){.sid = sid, .live = true, .tx = {.limit = QN_STREAM_BASE}};
    qn_credit_rx_init(&app->rx, QN_STREAM_BASE, QN_STREAM_WINDOW_MAX, a->all->env->now);
    a->live++;
    a->last = sid;
    *out = app;
    return QN_OK;
}

void qn__apps_tell(bool *flag, uint32_t *count)
{
    *count += !*flag;
    *flag = true;
}

static void untell(bool *flag, uint32_t *count)
{
    *count -= *flag;
    *flag = false;
}

static void leave(qn_apps *a, qn_app *app)
{
    if (!app->live)
        return;
    app->live = false;
    if (--a->live == 0)
        a->quiet_since = a->all->env->now;
}

/* Everything of the stream but its entry. */
static void strip(qn_apps *a, qn_app *app)
{
    leave(a, app);
    untell(&app->tell_open, &a->urgent);
    untell(&app->tell_opened, &a->urgent);
    untell(&app->tell_credit, &a->urgent);
    untell(&app->tell_end, &a->ends);
    untell(&app->wants, &a->wants);
    qn__apps_purge(a, app->sid);
    if (a->lent_sid == app->sid)
        qn__apps_revoke(a);
    qn_credit_release(&app->rx, a->all->budget);
    qn_mem_put(&a->all->env->mem, app->dest, app->dest_n);
    app->dest = NULL;
    app->dest_n = 0;
}

void qn__apps_remove(qn_apps *a, qn_app *app)
{
    uint32_t i = (uint32_t)(app - a->v);

    strip(a, app);
    a->n--;
    memmove(app, app + 1, (a->n - i) * sizeof *app);
}

/* The stream is over from here, at once; what the peer may still send of it is counted. */
static void doom(qn_apps *a, qn_app *app)
{
    if (!app->got_end)
        a->ignorable += app->rx.limit - app->rx.received;
    strip(a, app);
    app->doomed = true;
}

void qn__apps_settle(qn_apps *a, qn_app *app)
{
    if (!app->told_end || !app->got_end)
        return;
    leave(a, app);
    if (app->rx.returned == app->rx.received)
        qn__apps_remove(a, app);
}

/* ---- what the owner's side of a stream does -------------------------------------------------- */

/* A stream whose END is not written yet still counts at the other end. */
bool qn__apps_have_place(const qn_apps *a)
{
    return a->live + a->ends < QN_CIRCUIT_APPS_MAX && a->n < ENTRIES_MAX && a->last < UINT32_MAX;
}

qn_err qn_apps_open(qn_apps *a, const qn_dest *dest, void *user, uint32_t *sid)
{
    uint8_t wire[QN_DEST_WIRE_MAX];
    size_t n = qn_dest_put(dest, wire);
    uint8_t *copy;
    qn_app *app;

    QN_ASSERT(a->client);
    if (a->over)
        return QN_STATE;
    if (!qn__apps_have_place(a))
        return QN_BUSY;
    copy = qn_mem_get(&a->all->env->mem, n);
    if (copy == NULL || qn__apps_add(a, a->last + 1, &app) != QN_OK) {
        qn_mem_put(&a->all->env->mem, copy, n);
        return QN_NOMEM;
    }
    memcpy(copy, wire, n);
    app->dest = copy;
    app->dest_n = (uint16_t)n;
    app->user = user;
    qn__apps_tell(&app->tell_open, &a->urgent);
    *sid = app->sid;
    return QN_OK;
}

void qn_apps_set_user(qn_apps *a, uint32_t sid, void *user)
{
    qn_app *app = qn__apps_find(a, sid);

    if (app != NULL)
        app->user = user;
}

void qn_apps_opened(qn_apps *a, uint32_t sid, qn_app_code code)
{
    qn_app *app = qn__apps_find(a, sid);

    if (app == NULL)
        return;
    QN_ASSERT(!a->client && !app->opened);
    if (code == QN_APP_DONE) {
        app->opened = true;
        a->room_news = a->room_news || app->wants;
    } else {
        doom(a, app);
    }
    app->opened_code = (uint8_t)code;
    qn__apps_tell(&app->tell_opened, &a->urgent);
}

static void end_in_error(qn_apps *a, qn_app *app, qn_app_code code)
{
    if (!a->client && (!app->opened || app->tell_opened)) {
        app->opened = false; /* a yes that was never told becomes a no */
        qn_apps_opened(a, app->sid, code);
    } else if (app->tell_open) { /* the other end has never heard of it */
        qn__apps_remove(a, app);
    } else {
        doom(a, app);
        app->end_code = (uint8_t)code;
        qn__apps_tell(&app->tell_end, &a->ends);
    }
}

void qn_apps_end(qn_apps *a, uint32_t sid, qn_app_code code)
{
    qn_app *app = qn__apps_find(a, sid);

    if (app == NULL)
        return;
    if (code != QN_APP_DONE) {
        end_in_error(a, app, code);
    } else if (!app->ended) {
        QN_ASSERT(a->client || app->opened);
        app->ended = true;
        untell(&app->wants, &a->wants);
        qn__apps_tell(&app->tell_end, &a->ends);
    }
}

void qn_apps_consumed(qn_apps *a, uint32_t sid, size_t n)
{
    qn_app *app = qn__apps_find(a, sid);

    if (app == NULL)
        return;
    if (qn_credit_return(&app->rx, a->all->budget, n) && !app->got_end)
        qn__apps_tell(&app->tell_credit, &a->urgent);
    qn__apps_settle(a, app);
}

void qn_apps_ping(qn_apps *a, uint64_t value)
{
    a->ping = !a->over;
    a->ping_large = false;
    a->ping_value = value;
}

void qn_apps_ping_large(qn_apps *a, uint64_t value)
{
    qn_apps_ping(a, value);
    a->ping_large = true;
}

bool qn_apps_info(const qn_apps *a, uint32_t sid, qn_app_info *out)
{
    const qn_app *app = qn__apps_find(a, sid);

    if (app == NULL)
        return false;
    *out = (qn_app_info){.opened = app->opened, .sent = app->tx.used, .received = app->rx.received};
    return true;
}

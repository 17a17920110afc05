/* App streams, receiving: a text's messages become events. */
#include "circuit/internal.h"

qn_err qn_apps_input(qn_apps *a, qn_piece cell)
{
    qn_err err;

    if (a->over || a->text.block != NULL)
        return QN_STATE;
    err = qn_msgs_check(qn_piece_data(&cell), qn_cell_text(cell.len));
    if (err != QN_OK) {
        qn_apps_fail(a, err);
        return err;
    }
    a->text = cell;
    qn_block_ref(cell.block);
    qn_msgs_init(&a->it, qn_piece_data(&cell), qn_cell_text(cell.len));
    return QN_OK;
}

/* ---- one message ----------------------------------------------------------------------------- */

/* A message's outcome: an event to show, nothing, or the other end's fault. */
static qn_err show(qn_app_event *ev, const qn_app *app, qn_app_event_type type)
{
    ev->type = type;
    ev->sid = app->sid;
    ev->user = app->user;
    return QN_OK;
}

static qn_err on_open(qn_apps *a, const qn_msg *m, qn_app_event *ev)
{
    size_t used = 0;
    qn_app *app;
    qn_err err;

    if (a->client || m->sid <= a->last)
        return QN_PROTO;
    if (qn_dest_get(&ev->dest, m->data, m->len, &used) != QN_OK || used != m->len)
        return QN_PROTO;
    if (a->live == QN_CIRCUIT_APPS_MAX)
        return QN_LIMIT;
    err = qn__apps_add(a, m->sid, &app);
    return err == QN_OK ? show(ev, app, QN_APP_EV_OPEN) : err;
}

static qn_err on_opened(qn_apps *a, qn_app *app, const qn_msg *m, qn_app_event *ev)
{
    if (app->opened)
        return QN_PROTO;
    ev->code = qn_app_code_get(m->data[0]);
    (void)show(ev, app, QN_APP_EV_OPENED);
    if (ev->code == QN_APP_DONE)
        app->opened = true;
    else
        qn__apps_remove(a, app);
    return QN_OK;
}

static qn_err on_data(qn_apps *a, qn_app *app, const qn_msg *m, qn_app_event *ev)
{
    qn_err err;

    if (app->got_end)
        return QN_PROTO;
    err = qn_credit_take(&app->rx, m->len);
    if (err != QN_OK)
        return err;
    a->shown += m->len;
    ev->piece = (qn_piece){
        .block = a->text.block, .off = (uint32_t)(m->data - a->text.block->data), .len = m->len};
    return show(ev, app, QN_APP_EV_DATA);
}

static qn_err on_end(qn_apps *a, qn_app *app, const qn_msg *m, qn_app_event *ev)
{
    ev->code = qn_app_code_get(m->data[0]);
    if (ev->code == QN_APP_DONE && app->got_end)
        return QN_PROTO;
    (void)show(ev, app, QN_APP_EV_END);
    if (ev->code == QN_APP_DONE) {
        app->got_end = true;
        qn__apps_settle(a, app);
    } else {
        qn__apps_remove(a, app);
    }
    return QN_OK;
}

static qn_err on_credit(qn_apps *a, qn_app *app, const qn_msg *m)
{
    qn_err err = qn_credit_raise(&app->tx, qn_get64(m->data));

    a->room_news = a->room_news || app->wants;
    return err == QN_OK ? QN_AGAIN : err;
}

/* A stream that is over: the other end may not know yet, but it may not exceed its credit either.
 */
static qn_err on_gone(qn_apps *a, const qn_msg *m)
{
    if (m->sid > a->last)
        return QN_PROTO;
    if (m->cmd != QN_CMD_DATA)
        return QN_AGAIN;
    if (m->len > a->ignorable)
        return QN_CREDIT;
    a->ignorable -= m->len;
    return QN_AGAIN;
}

static qn_err on_stream(qn_apps *a, const qn_msg *m, qn_app_event *ev)
{
    qn_app *app = qn__apps_find(a, m->sid);

    if (m->cmd == QN_CMD_OPENED && !a->client)
        return QN_PROTO;
    if (app == NULL)
        return on_gone(a, m);
    switch (m->cmd) {
    case QN_CMD_OPENED:
        return on_opened(a, app, m, ev);
    case QN_CMD_CREDIT:
        return on_credit(a, app, m);
    default:
        break;
    }
    if (a->client && !app->opened)
        return QN_PROTO;
    return m->cmd == QN_CMD_DATA ? on_data(a, app, m, ev) : on_end(a, app, m, ev);
}

static qn_err on_ping(qn_apps *a, const qn_msg *m, qn_app_event *ev)
{
    if (m->flags & QN_MSG_ANSWER) {
        ev->type = QN_APP_EV_PONG;
        ev->sid = 0;
        ev->user = NULL;
        ev->value = qn_get64(m->data);
        return QN_OK;
    }
    a->pong = true;
    a->pong_value = qn_get64(m->data);
    return QN_AGAIN;
}

/* Ends pad for whoever asks while they have memory: it costs them no more cells than downloads. */
static qn_err on_pad(qn_apps *a, const qn_msg *m)
{
    const qn_mem *mem = &a->all->env->mem;
    bool willing = mem->used <= mem->limit / 4 * 3, refused = false;
    qn_err err =
        qn_pad_heard(&a->pad, (m->flags & QN_MSG_ANSWER) != 0, m->data[0], willing, &refused);

    a->all->counts.padding_refused += refused;
    return err == QN_OK ? QN_AGAIN : err;
}

/* QN_OK: *ev is to be shown. QN_AGAIN: nothing to show. */
static qn_err on_message(qn_apps *a, const qn_msg *m, qn_app_event *ev)
{
    switch (m->cmd) {
    case QN_CMD_OPEN:
        return on_open(a, m, ev);
    case QN_CMD_OPENED:
    case QN_CMD_DATA:
    case QN_CMD_END:
    case QN_CMD_CREDIT:
        return on_stream(a, m, ev);
    case QN_CMD_PING:
        return on_ping(a, m, ev);
    case QN_CMD_DROP:
        return QN_AGAIN;
    case QN_CMD_PAD:
        return on_pad(a, m);
    default: /* handshakes have their place, and it is not among app streams */
        return QN_PROTO;
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

void qn_apps_fail(qn_apps *a, qn_err why)
{
    if (a->over)
        return;
    a->over = true;
    a->err = why;
    qn_block_drop(a->text.block);
    a->text = (qn_piece){0};
    qn__apps_revoke(a);
}

qn_err qn_apps_err(const qn_apps *a)
{
    return a->err;
}

static bool next_message(qn_apps *a, qn_app_event *ev)
{
    qn_msg m;

    while (a->text.block != NULL) {
        qn_err err;

        if (!qn_msgs_next(&a->it, &m)) {
            qn_block_drop(a->text.block);
            a->text = (qn_piece){0};
            break;
        }
        err = on_message(a, &m, ev);
        if (err == QN_OK)
            return true;
        if (err != QN_AGAIN)
            qn_apps_fail(a, err);
    }
    return false;
}

/* The circuit is over: each stream whose application still counts on it ends in an error. */
static bool next_gone(qn_apps *a, qn_app_event *ev)
{
    while (a->n > 0) {
        qn_app *app = &a->v[a->n - 1];
        bool tell = app->live;

        ev->code = QN_APP_GONE;
        (void)show(ev, app, QN_APP_EV_END);
        qn__apps_remove(a, app);
        if (tell)
            return true;
    }
    return false;
}

/* In turn by sid, so that no stream hears of room first every time. */
static bool next_room(qn_apps *a, qn_app_event *ev)
{
    uint32_t first = 0;

    if (!a->room_news || a->wants == 0) {
        a->room_news = false;
        return false;
    }
    while (first < a->n && a->v[first].sid <= a->cursor)
        first++;
    for (uint32_t i = 0; i < a->n; i++) {
        qn_app *app = &a->v[(first + i) % a->n];

        if (!app->wants || qn__apps_room(a, app) == 0)
            continue;
        app->wants = false;
        a->wants--;
        a->cursor = app->sid;
        (void)show(ev, app, QN_APP_EV_ROOM);
        return true;
    }
    a->room_news = false;
    return false;
}

bool qn_apps_next(qn_apps *a, qn_app_event *ev)
{
    if (next_message(a, ev))
        return true;
    return a->over ? next_gone(a, ev) : next_room(a, ev);
}

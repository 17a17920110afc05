/*
 * App streams, sending. Bytes wait where they were read: in blocks laid out as L cells, behind the
 * place of frame header and message header. Only when a cell is asked for is it decided whether
 * such a block becomes a cell as it is, or its bytes are copied into S cells with others.
 */
#include "circuit/internal.h"

enum { HOME = QN_STREAM_HEADER + QN_MSG_HEADER }; /* where an L cell's only message has its data */

static qn_app_run *run_at(const qn_apps *a, unsigned i)
{
    return (qn_app_run *)&a->run[(a->run_head + i) % QN_APPS_RUNS];
}

bool qn__apps_waits(const qn_apps *a, uint32_t sid)
{
    for (unsigned i = 0; i < a->run_n; i++)
        if (run_at(a, i)->sid == sid)
            return true;
    return false;
}

void qn__apps_purge(qn_apps *a, uint32_t sid)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < a->run_n; i++) {
        qn_app_run r = *run_at(a, i);

        if (r.sid == sid)
            qn_block_drop(r.block);
        else
            *run_at(a, kept++) = r;
    }
    a->room_news = a->room_news || kept < a->run_n;
    a->run_n = (uint8_t)kept;
}

static void pop_run(qn_apps *a)
{
    a->run_head = (uint8_t)((a->run_head + 1) % QN_APPS_RUNS);
    a->run_n--;
    a->room_news = true;
}

/* ---- taking bytes ---------------------------------------------------------------------------- */

/* Free bytes behind the newest run, when it is this stream's and still where a cell wants it. */
static size_t rest_of_newest(const qn_apps *a, uint32_t sid)
{
    const qn_app_run *r;

    if (a->run_n == 0)
        return 0;
    r = run_at(a, a->run_n - 1u);
    return r->sid == sid && r->off == HOME ? (size_t)QN_MSG_DATA_L - r->len : 0;
}

size_t qn__apps_room(const qn_apps *a, const qn_app *app)
{
    size_t blocks = (size_t)(QN_APPS_RUNS - a->run_n) * QN_MSG_DATA_L;
    size_t queue = rest_of_newest(a, app->sid) + blocks;

    if (app->ended || (!a->client && !app->opened))
        return 0;
    return (size_t)QN_MIN((uint64_t)queue, qn_credit_left(&app->tx));
}

size_t qn_apps_room(qn_apps *a, uint32_t sid)
{
    qn_app *app = qn__apps_find(a, sid);
    size_t room = app != NULL ? qn__apps_room(a, app) : 0;

    if (app != NULL && room == 0 && !app->ended)
        qn__apps_tell(&app->wants, &a->wants);
    return room;
}

static void keep_lent(qn_apps *a, unsigned from)
{
    for (unsigned i = from; i < a->lent_n; i++)
        qn_block_drop(a->lent[i]);
    a->lent_n = 0;
    a->lent_sid = 0;
}

void qn__apps_revoke(qn_apps *a)
{
    keep_lent(a, 0);
}

unsigned qn_apps_space(qn_apps *a, uint32_t sid, qn_span *v, unsigned max)
{
    size_t room = qn_apps_room(a, sid), part = QN_MIN(rest_of_newest(a, sid), room);
    unsigned k = 0, fresh = QN_MIN(QN_APPS_LEND, QN_APPS_RUNS - (unsigned)a->run_n);

    qn__apps_revoke(a);
    if (part > 0 && max > 0) {
        const qn_app_run *r = run_at(a, a->run_n - 1u);

        v[k++] = (qn_span){.p = r->block->data + r->off + r->len, .n = part};
        room -= part;
    }
    while (k < max && room > 0 && a->lent_n < fresh) {
        qn_block *b = qn_block_get(a->all->env, QN_STREAM_HEADER + QN_CELL_L);

        if (b == NULL)
            break;
        a->lent[a->lent_n++] = b;
        part = QN_MIN(room, (size_t)QN_MSG_DATA_L);
        v[k++] = (qn_span){.p = b->data + HOME, .n = part};
        room -= part;
    }
    a->lent_sid = k > 0 ? sid : 0;
    return k;
}

void qn_apps_commit(qn_apps *a, uint32_t sid, size_t n)
{
    qn_app *app = qn__apps_find(a, sid);
    size_t part = QN_MIN(n, rest_of_newest(a, sid)), left = n - part;
    unsigned used = 0;

    QN_ASSERT(n == 0 || (a->lent_sid == sid && app != NULL));
    if (part > 0)
        run_at(a, a->run_n - 1u)->len += (uint32_t)part;
    while (left > 0) {
        QN_ASSERT(used < a->lent_n);
        part = QN_MIN(left, (size_t)QN_MSG_DATA_L);
        *run_at(a, a->run_n++) =
            (qn_app_run){.block = a->lent[used++], .sid = sid, .off = HOME, .len = (uint32_t)part};
        left -= part;
    }
    keep_lent(a, used);
    if (n > 0) {
        QN_ASSERT(n <= qn_credit_left(&app->tx));
        app->tx.used += n;
        a->taken += n;
    }
}

size_t qn_apps_send(qn_apps *a, uint32_t sid, const void *p, size_t n)
{
    const uint8_t *from = p;
    size_t done = 0;

    while (done < n) {
        qn_span v[1 + QN_APPS_LEND];
        unsigned k = qn_apps_space(a, sid, v, QN_LEN(v));
        size_t before = done;

        for (unsigned i = 0; i < k && done < n; i++) {
            size_t part = QN_MIN(v[i].n, n - done);

            memcpy(v[i].p, from + done, part);
            done += part;
        }
        if (k == 0)
            break;
        qn_apps_commit(a, sid, done - before);
    }
    return done;
}

/* ---- writing one cell ------------------------------------------------------------------------ */

typedef struct writer {
    uint8_t *text;
    size_t used, cap;
} writer;

/* Room for one message of n data bytes, its header written; NULL when it does not fit. */
static uint8_t *put(writer *w, uint8_t cmd, uint8_t flags, uint32_t sid, size_t n)
{
    uint8_t *at = w->text + w->used;

    if (w->cap - w->used < QN_MSG_HEADER + n)
        return NULL;
    qn_msg_head(at, cmd, flags, (uint16_t)n, sid);
    w->used += QN_MSG_HEADER + n;
    return at + QN_MSG_HEADER;
}

static bool put_ping(writer *w, bool *due, uint8_t flags, uint64_t value)
{
    uint8_t *at = *due ? put(w, QN_CMD_PING, flags, 0, 8) : NULL;

    if (at != NULL) {
        qn_put64(at, value);
        *due = false;
    }
    return !*due;
}

/* It goes with what is said anyway: of itself it makes no cell. */
static bool put_pad(qn_pad *p, writer *w)
{
    uint8_t *at = p->tell ? put(w, QN_CMD_PAD, p->client ? 0 : QN_MSG_ANSWER, 0, 1) : NULL;

    if (at != NULL) {
        at[0] = p->said;
        p->tell = false;
    }
    return !p->tell;
}

static bool put_open(qn_apps *a, qn_app *app, writer *w)
{
    uint8_t *at = app->tell_open ? put(w, QN_CMD_OPEN, 0, app->sid, app->dest_n) : NULL;

    if (at != NULL) {
        memcpy(at, app->dest, app->dest_n);
        qn_mem_put(&a->all->env->mem, app->dest, app->dest_n);
        app->dest = NULL;
        app->dest_n = 0;
        app->tell_open = false;
        a->urgent--;
    }
    return !app->tell_open;
}

static bool put_opened(qn_apps *a, qn_app *app, writer *w)
{
    uint8_t *at = app->tell_opened ? put(w, QN_CMD_OPENED, 0, app->sid, 1) : NULL;

    if (at != NULL) {
        at[0] = app->opened_code;
        app->tell_opened = false;
        a->urgent--;
    }
    return !app->tell_opened;
}

static bool put_credit(qn_apps *a, qn_app *app, writer *w)
{
    uint8_t *at = app->tell_credit ? put(w, QN_CMD_CREDIT, 0, app->sid, 8) : NULL;

    if (at != NULL) {
        qn_put64(at, qn_credit_grant(&app->rx, a->all->budget, a->all->env->now));
        app->tell_credit = false;
        a->urgent--;
    }
    return !app->tell_credit;
}

/* What does not wait for data: it goes first, in the order of sids (OPENs must rise). False: not
 * all of it fits, and what a later cell says first may be the OPEN or OPENED of data waiting here.
 */
static bool put_urgent(qn_apps *a, writer *w)
{
    bool fits = put_pad(&a->pad, w) && put_ping(w, &a->ping, 0, a->ping_value) &&
                put_ping(w, &a->pong, QN_MSG_ANSWER, a->pong_value);

    for (uint32_t i = 0; fits && a->urgent > 0 && i < a->n;) {
        qn_app *app = &a->v[i];

        fits = put_open(a, app, w) && put_opened(a, app, w) && put_credit(a, app, w);
        if (fits && app->doomed && !app->tell_end)
            qn__apps_remove(a, app);
        else
            i++;
    }
    return fits;
}

/* A block that is worth a cell of its own, untouched where it lies. */
static bool is_large(const qn_app_run *r)
{
    return r->off == HOME && r->len > QN_CELL_SMALL_DATA;
}

/* Bytes that are to be copied into cells: those before the first large run. */
static size_t small_bytes(const qn_apps *a)
{
    size_t n = 0;

    for (unsigned i = 0; i < a->run_n && !is_large(run_at(a, i)); i++)
        n += run_at(a, i)->len;
    return n;
}

static void put_data(qn_apps *a, writer *w)
{
    while (a->run_n > 0 && !is_large(run_at(a, 0)) && w->cap - w->used > QN_MSG_HEADER) {
        qn_app_run *r = run_at(a, 0);
        uint32_t n = (uint32_t)QN_MIN((size_t)r->len, w->cap - w->used - QN_MSG_HEADER);

        memcpy(put(w, QN_CMD_DATA, 0, r->sid, n), r->block->data + r->off, n);
        r->off += n;
        r->len -= n;
        if (r->len > 0)
            continue;
        qn_block_drop(r->block);
        pop_run(a);
    }
}

/* ENDs of streams of which nothing waits any more. */
static void put_ends(qn_apps *a, writer *w)
{
    for (uint32_t i = 0; a->ends > 0 && i < a->n;) {
        qn_app *app = &a->v[i];
        uint32_t before = a->n;
        uint8_t *at;

        if (!app->tell_end || app->tell_open || app->tell_opened || qn__apps_waits(a, app->sid)) {
            i++;
            continue;
        }
        at = put(w, QN_CMD_END, 0, app->sid, 1);
        if (at == NULL)
            return;
        at[0] = app->end_code;
        app->tell_end = false;
        a->ends--;
        app->told_end = true;
        if (app->doomed)
            qn__apps_remove(a, app);
        else
            qn__apps_settle(a, app);
        i += a->n == before;
    }
}

static bool has_news(const qn_apps *a)
{
    return a->urgent > 0 || a->run_n > 0 || a->ends > 0 || a->ping || a->pong;
}

bool qn_apps_pending(const qn_apps *a)
{
    return !a->over && (has_news(a) || qn_pad_owed(&a->pad) > 0);
}

/* The oldest run's block, as the cell it was laid out to be. */
static void take_large(qn_apps *a, writer *w, qn_piece *out)
{
    const qn_app_run *r = run_at(a, 0);

    *out = (qn_piece){.block = r->block, .off = QN_STREAM_HEADER, .len = QN_CELL_L};
    w->text = qn_piece_data(out);
    w->cap = QN_CELL_TEXT_L;
    (void)put(w, QN_CMD_DATA, 0, r->sid, r->len);
    pop_run(a);
}

/* A cell that says nothing. */
static qn_err output_drop(qn_apps *a, qn_piece *out)
{
    size_t size = qn_pad_owed(&a->pad);
    uint8_t *text;

    if (qn_cell_get(a->all->env, size, out) != QN_OK)
        return QN_NOMEM;
    text = qn_piece_data(out);
    memset(text, 0, qn_cell_text(size));
    qn_msg_head(text, QN_CMD_DROP, 0, 0, 0);
    qn_pad_paid(&a->pad, size);
    a->all->counts.padding++;
    return QN_OK;
}

qn_err qn_apps_output(qn_apps *a, qn_piece *out)
{
    bool urgent = a->urgent > 0 || a->ping || a->pong, all_said = true;
    writer w = {0};

    if (!qn_apps_pending(a))
        return QN_AGAIN;
    qn__apps_revoke(a);
    if (!has_news(a))
        return output_drop(a, out);
    if (!urgent && a->run_n > 0 && is_large(run_at(a, 0))) {
        take_large(a, &w, out);
    } else {
        bool large = (a->ping && a->ping_large) || small_bytes(a) > QN_CELL_SMALL_DATA;
        size_t size = large ? QN_CELL_L : QN_CELL_S;

        if (qn_cell_get(a->all->env, size, out) != QN_OK)
            return QN_NOMEM;
        w = (writer){.text = qn_piece_data(out), .cap = qn_cell_text(size)};
        put_ends(a, &w); /* an OPEN behind them finds their places free */
        all_said = put_urgent(a, &w);
    }
    if (all_said) {
        put_data(a, &w);
        put_ends(a, &w);
    }
    memset(w.text + w.used, 0, w.cap - w.used);
    qn_pad_sent(&a->pad, a->all->env, out->len);
    return QN_OK;
}

/*
 * The other operators, as one of them sees them: to each a directory stream of our own, over which
 * we pass on what nodes told us and offer our lists. What they say to us comes over theirs.
 *
 * On a fresh stream we first ask for a newer list than ours, then tell all that we know: so
 * operators that were apart find together again.
 */
#include "node/internal.h"

int fellow_of(neighbour *nb)
{
    const qn_node *n = nb->n;

    if (n->op == NULL || !neighbour_known(nb))
        return -1;
    for (int i = 0; i < n->net.operators_n; i++)
        if (qn_peerid_equal(&n->net.operators[i].id, &nb->id))
            return i;
    return -1;
}

/* ---- what there is to say -------------------------------------------------------------------- */

/* What came from another operator, that one tells all of them itself. */
static bool tells(const fellow *f, const qn_registration *e)
{
    return e->direct || e->changed <= f->whole;
}

static const qn_registration *next_told(const fellow *f, const qn_registration *e)
{
    while (e != NULL && !tells(f, e))
        e = e->newer;
    return e;
}

static const qn_registration *news(const fellow *f)
{
    return next_told(f, qn_registry_changed(&f->n->op->registry, f->told));
}

/* It hears of relays before it hears what they carry. */
static bool has_measures(const fellow *f)
{
    return f->measured != f->n->op->registry.measured && f->told >= f->whole;
}

static void rearm(fellow *f)
{
    const operators *op = f->n->op;
    qn_time due = QN_NEVER;

    if (f->n->stopping)
        due = QN_NEVER;
    else if (f->asking != 0)
        due = f->timeout_at;
    else if (f->tie.nb == NULL)
        due = f->retry_at;
    else if (!f->greeted || f->offered != op->offer_serial)
        due = f->n->env->now;
    else if (has_measures(f))
        due = f->n->env->now;
    else if (op->registry.serial != f->told)
        due = f->share_at;
    node_timer(f->n, &f->timer, TIMER_FELLOW, due);
}

void fellows_wake(qn_node *n)
{
    for (unsigned i = 0; i < n->net.operators_n; i++)
        if (i != n->op->me)
            rearm(&n->op->fellow[i]);
}

/* ---- saying it ------------------------------------------------------------------------------- */

static void fail(fellow *f, qn_err why)
{
    qn_node *n = f->n;

    qn_log_line(n->env, QN_LOG_INFO, "dir", "operator %u: %s", f->index, qn_err_text(why));
    tie_close(&f->tie, QN_CLOSE_GONE);
    qn_dir_reader_clear(&f->reader, n->env);
    qn_blob_clear(&f->out, &n->env->mem);
    f->asking = 0;
    f->greeted = false;
    f->retry_at = n->env->now + QN_FELLOW_RETRY;
    rearm(f);
}

/* As much of the message as the stream takes; the rest follows on ROOM. */
void fellow_room(fellow *f)
{
    while (f->tie.nb != NULL && f->sent < f->out.n) {
        qn_link *l = &f->tie.nb->link;
        size_t part = QN_MIN(f->out.n - f->sent, (size_t)qn_link_writable(l, f->tie.stream));
        qn_err err;

        part = QN_MIN(part, (size_t)QN_FRAME_DATA_MAX);
        if (part == 0)
            break;
        err = qn_link_send_bytes(l, f->tie.stream, f->out.p + f->sent, part, false);
        if (err != QN_OK) {
            fail(f, err);
            return;
        }
        f->sent += part;
    }
    if (f->sent == f->out.n)
        qn_blob_clear(&f->out, &f->n->env->mem);
    if (f->tie.nb != NULL)
        neighbour_touch(f->tie.nb);
}

static qn_err say(fellow *f, const qn_dir_message *m)
{
    qn_node *n = f->n;
    uint8_t head[QN_DIR_HEAD_MAX];
    size_t len = qn_dir_message_head(m, head);

    f->out.p = qn_mem_get(&n->env->mem, len + m->bytes.n);
    if (f->out.p == NULL)
        return QN_NOMEM;
    f->out.n = f->out.cap = len + m->bytes.n;
    memcpy(f->out.p, head, len);
    if (m->bytes.n > 0)
        memcpy(f->out.p + len, m->bytes.p, m->bytes.n);
    f->sent = 0;
    f->asking = (uint8_t)m->type;
    f->timeout_at = n->env->now + QN_DIR_TIMEOUT;
    fellow_room(f);
    return QN_OK;
}

/* The descriptor is said again only to who has not heard it. */
static void put_entry(qn_cbor_w *w, const fellow *f, const qn_registration *e)
{
    qn_cbor_array(w, 2);
    qn_cbor_bytes(w, e->bytes.p, e->described > f->told ? e->bytes.n : 0);
    qn_cbor_bytes(w, e->beat_bytes, e->beat_n);
}

static size_t size_of(const fellow *f, const qn_registration *e)
{
    enum { HEADS = 1 + 3 + 3 };

    return HEADS + e->beat_n + (e->described > f->told ? e->bytes.n : 0);
}

/* How many of the entries from e on one message takes. */
static uint32_t fitting(const fellow *f, const qn_registration *e)
{
    enum { HEAD = 3 };
    size_t bytes = HEAD;
    uint32_t count = 0;

    for (; e != NULL && bytes + size_of(f, e) <= QN_SHARE_MAX; e = next_told(f, e->newer)) {
        bytes += size_of(f, e);
        count++;
    }
    return count;
}

static qn_err share(fellow *f)
{
    qn_node *n = f->n;
    const qn_registration *e = news(f);
    uint32_t count = fitting(f, e);
    uint8_t *p;
    qn_cbor_w w;
    qn_err err;

    f->telling = n->op->registry.serial;
    f->share_at = n->env->now + QN_SHARE_EVERY;
    if (count == 0) { /* all that changed came from others */
        f->told = f->telling;
        return QN_OK;
    }
    p = qn_mem_get(&n->env->mem, QN_SHARE_MAX);
    if (p == NULL)
        return QN_NOMEM;
    qn_cbor_w_init(&w, p, QN_SHARE_MAX);
    qn_cbor_array(&w, count);
    for (uint32_t i = 0; i < count; i++, e = next_told(f, e->newer)) {
        put_entry(&w, f, e);
        if (i + 1 == count && e->newer != NULL)
            f->telling = e->changed;
    }
    QN_ASSERT(w.err == QN_OK);
    err = say(f, &(qn_dir_message){.type = QN_DIR_SHARE, .bytes = qn_slice_of(p, w.n)});
    qn_mem_put(&n->env->mem, p, QN_SHARE_MAX);
    return err;
}

/* All that we have measured since, in one message: 4,096 of them are 160 KB. */
static qn_err tell_measures(fellow *f)
{
    qn_node *n = f->n;
    qn_blob all = {0};
    qn_err err = qn_measures_write(&all, &n->op->registry, f->measured);

    f->measuring = n->op->registry.measured;
    if (err == QN_OK && all.n == 0) /* they have left the registry since */
        f->measured = f->measuring;
    else if (err == QN_OK)
        err =
            say(f, &(qn_dir_message){.type = QN_DIR_MEASURED, .bytes = qn_slice_of(all.p, all.n)});
    qn_blob_clear(&all, &n->env->mem);
    return err;
}

static qn_err greet(fellow *f)
{
    qn_dir_message m;

    list_request(f->n, &m);
    return say(f, &m);
}

static qn_err offer(fellow *f)
{
    const operators *op = f->n->op;

    f->offered = op->offer_serial;
    if (op->offer.n == 0)
        return QN_OK;
    return say(
        f, &(qn_dir_message){.type = QN_DIR_OFFER, .bytes = qn_slice_of(op->offer.p, op->offer.n)});
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Somebody lost what we told: all of it again, but not for every message. */
static void tell_again(fellow *f)
{
    qn_node *n = f->n;

    if (f->told_again != 0 && n->env->now - f->told_again < QN_AGREE_AFTER)
        return;
    f->told_again = n->env->now;
    f->told = 0;
    f->whole = n->op->registry.serial;
}

static qn_err answered(fellow *f, const qn_dir_message *m)
{
    qn_node *n = f->n;
    uint8_t asked = f->asking;
    qn_err err = QN_OK;

    f->asking = 0;
    if (f->out.n > 0) /* an answer before the question was through */
        return QN_PROTO;
    if (asked == QN_DIR_LIST) {
        f->greeted = m->type != QN_DIR_ROOTS; /* then once more */
        if (m->type != QN_DIR_ERROR)
            err = list_answer(n, m, &f->tie.nb->id);
        return err == QN_STALE ? QN_OK : err;
    }
    if (asked == QN_DIR_SHARE) {
        f->told = f->telling;
        if (m->type == QN_DIR_ERROR && qn_dir_err_of(m->code) == QN_UNKNOWN)
            tell_again(f);
        return QN_OK;
    }
    if (asked == QN_DIR_MEASURED) { /* who refuses them will refuse them again */
        f->measured = f->measuring;
        return QN_OK;
    }
    if (m->type == QN_DIR_SIGNED)
        operator_signed(n, f->index, m->bytes);
    else if (m->type == QN_DIR_ERROR)
        qn_log_line(n->env, QN_LOG_INFO, "dir", "operator %u did not sign: %.*s", f->index,
                    (int)m->bytes.n, (const char *)m->bytes.p);
    return QN_OK;
}

void fellow_data(fellow *f, qn_piece piece, bool fin)
{
    qn_slice in = qn_slice_of(piece.len > 0 ? qn_piece_data(&piece) : NULL, piece.len);
    qn_err err = QN_OK;

    if (piece.len > 0)
        qn_link_returned(&f->tie.nb->link, f->tie.stream, piece.len);
    while (in.n > 0 && err == QN_OK && f->tie.nb != NULL) {
        qn_dir_message m;
        size_t used = 0;

        err = qn_dir_reader_push(&f->reader, f->n->env, in, &used, &m);
        in.p += used;
        in.n -= used;
        if (err == QN_OK)
            err = f->asking != 0 ? answered(f, &m) : QN_PROTO;
    }
    if (err == QN_SHORT || err == QN_OK)
        err = fin ? QN_GONE : QN_OK;
    if (err != QN_OK && f->tie.nb != NULL)
        fail(f, err);
    rearm(f);
}

void fellow_closed(fellow *f, qn_err why)
{
    fail(f, why == QN_OK ? QN_GONE : why);
}

/* ---- life ------------------------------------------------------------------------------------ */

static qn_err connect_to(fellow *f)
{
    neighbour *nb = operator_dial(f->n, f->index);
    qn_err err;

    if (nb == NULL)
        return QN_UNREACHABLE;
    err = tie_open(&f->tie, TIE_FELLOW, f, nb, QN_KIND_DIRECTORY);
    if (err != QN_OK)
        return err;
    f->greeted = false;
    f->told = 0;
    f->measured = 0;
    f->whole = f->n->op->registry.serial;
    return QN_OK;
}

void fellow_tick(fellow *f)
{
    qn_node *n = f->n;
    qn_time now = n->env->now;
    qn_err err = QN_OK;

    if (n->stopping)
        return;
    if (f->asking != 0)
        err = f->timeout_at <= now ? QN_TIMEOUT : QN_OK;
    else if (f->tie.nb == NULL && f->retry_at > now)
        err = QN_OK;
    else {
        if (f->tie.nb == NULL)
            err = connect_to(f);
        if (err == QN_OK && !f->greeted)
            err = greet(f);
        else if (err == QN_OK && f->offered != n->op->offer_serial)
            err = offer(f);
        else if (err == QN_OK && has_measures(f))
            err = tell_measures(f);
        else if (err == QN_OK && f->told != n->op->registry.serial && f->share_at <= now)
            err = share(f);
    }
    if (err != QN_OK)
        fail(f, err);
    else
        rearm(f);
}

qn_err fellows_start(qn_node *n)
{
    for (uint8_t i = 0; i < n->net.operators_n; i++) {
        fellow *f = &n->op->fellow[i];

        *f = (fellow){.n = n, .index = i, .retry_at = n->env->now};
        qn_dir_reader_init(&f->reader, QN_DIR_MESSAGE_MAX);
        if (i != n->op->me && !node_timer(n, &f->timer, TIMER_FELLOW, f->retry_at))
            return QN_NOMEM;
    }
    return QN_OK;
}

void fellows_clear(qn_node *n)
{
    for (uint8_t i = 0; i < n->net.operators_n; i++) {
        fellow *f = &n->op->fellow[i];

        qn_timers_cancel(&n->timers, &f->timer);
        qn_blob_clear(&f->out, &n->env->mem);
        qn_dir_reader_clear(&f->reader, n->env);
    }
}

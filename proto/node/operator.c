/*
 * The directory's server side. With an operator key: a registry, and a snapshot made whenever the
 * set of live nodes changed. Without one: a mirror that serves the snapshot it holds.
 */
#include "node/internal.h"

/* ---- the registry and its snapshot ----------------------------------------------------------- */

static uint32_t count_live(const operators *op)
{
    uint32_t cursor = 0, live = 0;

    while (qn_registry_next(&op->registry, NULL, &cursor) != NULL)
        live++;
    return live;
}

static qn_err publish(qn_node *n)
{
    operators *op = n->op;
    int64_t version = QN_MAX(op->version + 1, n->env->wall);
    qn_blob body = {0}, all = {0};
    qn_snapshot_signature sig;
    qn_err err = qn_snapshot_build(&body, &op->registry, version, version + QN_SNAPSHOT_LIVES_S);

    if (err == QN_OK)
        err = qn_snapshot_sign(&sig, n->env, &n->net, qn_slice_of(body.p, body.n),
                               &n->cfg.operator_seed);
    if (err == QN_OK)
        err = qn_snapshot_join(&all, n->env, qn_slice_of(body.p, body.n), &sig, 1);
    if (err == QN_OK)
        err = node_adopt(n, qn_slice_of(all.p, all.n));
    qn_blob_clear(&body, &n->env->mem);
    qn_blob_clear(&all, &n->env->mem);
    if (err == QN_OK)
        op->version = version;
    else
        qn_log_line(n->env, QN_LOG_ERROR, "dir", "no snapshot could be made: %s", qn_err_text(err));
    return err;
}

static void rearm(qn_node *n)
{
    operators *op = n->op;
    qn_time due = QN_MIN(qn_registry_due(&op->registry), op->made + QN_SNAPSHOT_EVERY);

    if (op->stale)
        due = op->made + QN_SNAPSHOT_PAUSE;
    node_timer(n, &op->timer, TIMER_OPERATOR, due);
}

static void changed(qn_node *n)
{
    n->op->stale = true;
    rearm(n);
}

void operator_tick(qn_node *n)
{
    operators *op = n->op;
    qn_time now = n->env->now;
    uint32_t live;

    qn_registry_tick(&op->registry);
    live = count_live(op);
    op->stale |= live != op->listed || now >= op->made + QN_SNAPSHOT_EVERY;
    if (op->stale && now >= op->made + QN_SNAPSHOT_PAUSE) {
        op->stale = publish(n) != QN_OK;
        op->made = now;
        op->listed = live;
    }
    rearm(n);
}

qn_err operator_start(qn_node *n)
{
    if (!n->cfg.has_operator)
        return QN_OK;
    n->op = qn_mem_get(&n->env->mem, sizeof *n->op);
    if (n->op == NULL)
        return QN_NOMEM;
    qn_registry_init(&n->op->registry, n->env, &n->net);
    n->op->made = n->env->now;
    n->op->version = n->snapshot != NULL ? (int64_t)n->snapshot->version : 0;
    changed(n);
    return QN_OK;
}

void operator_clear(qn_node *n)
{
    if (n->op == NULL)
        return;
    qn_timers_cancel(&n->timers, &n->op->timer);
    qn_registry_clear(&n->op->registry);
    qn_mem_put(&n->env->mem, n->op, sizeof *n->op);
    n->op = NULL;
}

static qn_err take_descriptor(qn_node *n, qn_slice bytes)
{
    uint64_t before = n->op->registry.bytes;
    qn_peerid id;
    const qn_registration *e;
    qn_err err = qn_registry_register(&n->op->registry, bytes, &id);

    if (err != QN_OK)
        return err;
    e = qn_registry_find(&n->op->registry, &id);
    /* A live node with a new descriptor; one that never beat yet is listed by its first beat. */
    if (e != NULL && e->beat != 0 && (before != n->op->registry.bytes || e->seen == n->env->now))
        changed(n);
    return QN_OK;
}

static qn_err take_heartbeat(qn_node *n, qn_slice bytes)
{
    uint32_t before = count_live(n->op);
    qn_err err = qn_registry_heartbeat(&n->op->registry, bytes);

    if (err == QN_OK && count_live(n->op) != before)
        changed(n);
    return err;
}

qn_err operator_self(qn_node *n, qn_slice descriptor, qn_slice heartbeat)
{
    qn_err err = take_descriptor(n, descriptor);

    return err == QN_OK ? take_heartbeat(n, heartbeat) : err;
}

/* ---- answering ------------------------------------------------------------------------------- */

static void bury(answer *a, uint16_t code)
{
    tie_close(&a->tie, code);
    a->dead = true;
    chore_add(a->n, &a->chore);
}

/* The oldest gives way, so that streams nobody finishes keep none out who would. */
static void make_way(qn_node *n)
{
    answer *a = n->answers_last;

    while (a != NULL && a->dead)
        a = a->prev;
    if (n->answers_n >= QN_ANSWERS_MAX && a != NULL)
        bury(a, QN_CLOSE_LIMIT);
}

void answer_new(neighbour *nb, uint32_t stream)
{
    qn_node *n = nb->n;
    answer *a = qn_mem_get(&n->env->mem, sizeof *a);

    if (a == NULL || !node_timer(n, &a->timer, TIMER_ANSWER, n->env->now + QN_ANSWER_AGE_MAX)) {
        qn_mem_put(&n->env->mem, a, sizeof *a);
        qn_link_close(&nb->link, stream, QN_CLOSE_REFUSED);
        return;
    }
    make_way(n);
    a->n = n;
    chore_init(&a->chore, CHORE_ANSWER, a);
    qn_dir_reader_init(&a->reader, QN_DIR_REQUEST_MAX);
    tie_accept(&a->tie, TIE_ANSWER, a, nb, stream);
    LIST_ADD(n->answers, a);
    if (n->answers_last == NULL)
        n->answers_last = a;
    n->answers_n++;
}

void answer_timeout(answer *a)
{
    bury(a, QN_CLOSE_TIMEOUT);
}

void answer_free(answer *a)
{
    qn_node *n = a->n;

    qn_timers_cancel(&n->timers, &a->timer);
    qn_snapshot_drop(a->snapshot);
    qn_dir_reader_clear(&a->reader, n->env);
    if (n->answers_last == a)
        n->answers_last = a->prev;
    LIST_DEL(n->answers, a);
    n->answers_n--;
    qn_mem_put(&n->env->mem, a, sizeof *a);
}

void answer_service(answer *a)
{
    if (a->dead)
        answer_free(a);
}

/* As much of the snapshot as the stream takes; the rest follows on ROOM. */
void answer_room(answer *a)
{
    while (a->snapshot != NULL && a->tie.nb != NULL) {
        qn_link *l = &a->tie.nb->link;
        size_t left = a->snapshot->bytes.n - a->sent;
        size_t part =
            QN_MIN(QN_MIN(left, qn_link_writable(l, a->tie.stream)), (size_t)QN_FRAME_DATA_MAX);

        if (left == 0) {
            qn_snapshot_drop(a->snapshot);
            a->snapshot = NULL;
            break;
        }
        if (part == 0)
            break;
        if (qn_link_send_bytes(l, a->tie.stream, a->snapshot->bytes.p + a->sent, part, false) !=
            QN_OK) {
            bury(a, QN_CLOSE_INTERNAL);
            return;
        }
        a->sent += part;
    }
    if (a->tie.nb != NULL)
        neighbour_touch(a->tie.nb);
}

static void reply(answer *a, const qn_dir_message *m)
{
    uint8_t head[QN_DIR_HEAD_MAX + QN_DIR_TEXT_MAX];
    size_t len = qn_dir_message_head(m, head);

    if (m->type == QN_DIR_ERROR) {
        memcpy(head + len, m->bytes.p, m->bytes.n);
        len += m->bytes.n;
    }
    if (qn_link_send_bytes(&a->tie.nb->link, a->tie.stream, head, len, false) != QN_OK)
        bury(a, QN_CLOSE_INTERNAL);
    else
        neighbour_touch(a->tie.nb);
}

static void reply_err(answer *a, qn_err err)
{
    const char *text = qn_err_text(err);
    qn_dir_message m = {.type = QN_DIR_ERROR,
                        .code = qn_dir_code_of(err),
                        .bytes = qn_slice_of(text, strlen(text))};

    reply(a, &m);
}

static void list(answer *a, uint64_t held)
{
    const qn_node *n = a->n;
    qn_dir_message m = {.type = QN_DIR_UNCHANGED};

    if (n->snapshot == NULL) {
        reply_err(a, QN_BUSY);
        return;
    }
    if (held < n->snapshot->version) {
        m = (qn_dir_message){.type = QN_DIR_SNAPSHOT, .bytes = n->snapshot->bytes};
        a->snapshot = qn_snapshot_ref(n->snapshot);
        a->sent = 0;
    }
    reply(a, &m);
    answer_room(a);
}

static void request(answer *a, const qn_dir_message *m)
{
    qn_node *n = a->n;
    qn_dir_message ok = {.type = QN_DIR_OK};
    qn_err err = QN_OK;

    if (a->snapshot != NULL) { /* asked again before the last answer was through */
        bury(a, QN_CLOSE_MALFORMED);
        return;
    }
    switch (m->type) {
    case QN_DIR_LIST:
        list(a, m->version);
        return;
    case QN_DIR_REGISTER:
        err = n->op != NULL ? take_descriptor(n, m->bytes) : QN_REFUSED;
        break;
    case QN_DIR_HEARTBEAT:
        err = n->op != NULL ? take_heartbeat(n, m->bytes) : QN_REFUSED;
        break;
    default:
        err = QN_PROTO;
    }
    if (err == QN_OK)
        reply(a, &ok);
    else
        reply_err(a, err);
}

void answer_data(answer *a, qn_piece piece, bool fin)
{
    qn_slice in = qn_slice_of(piece.len > 0 ? qn_piece_data(&piece) : NULL, piece.len);

    if (piece.len > 0)
        qn_link_returned(&a->tie.nb->link, a->tie.stream, piece.len);
    while (in.n > 0 && !a->dead) {
        qn_dir_message m;
        size_t used = 0;
        qn_err err = qn_dir_reader_push(&a->reader, a->n->env, in, &used, &m);

        in.p += used;
        in.n -= used;
        if (err == QN_OK)
            request(a, &m);
        else if (err != QN_SHORT)
            bury(a, qn_close_of(err));
        else
            break;
    }
    if (fin && !a->dead)
        bury(a, QN_CLOSE_DONE);
}

void answer_closed(answer *a)
{
    bury(a, QN_CLOSE_DONE);
}

/*
 * The directory's server side, towards others: one directory stream each. Who signs is in
 * operator.c; everybody else who is dialled serves the list it holds.
 */
#include "node/internal.h"

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

    while (a != NULL && (a->dead || a->fellow))
        a = a->prev;
    if (n->answers_n >= QN_ANSWERS_MAX && a != NULL)
        bury(a, QN_CLOSE_LIMIT);
}

/* Nor do those of one link keep out another's. */
static void make_way_within(const neighbour *nb)
{
    answer *oldest = NULL;
    unsigned count = 0;

    for (answer *a = nb->n->answers; a != NULL; a = a->next)
        if (a->tie.nb == nb && !a->fellow) {
            oldest = a;
            count++;
        }
    if (count >= QN_ANSWERS_PER_LINK)
        bury(oldest, QN_CLOSE_LIMIT);
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
    make_way_within(nb);
    make_way(n);
    a->n = n;
    chore_init(&a->chore, CHORE_ANSWER, a);
    a->fellow = fellow_of(nb) >= 0;
    /* Another operator's lists are longer than what anybody may make us keep. */
    qn_dir_reader_init(&a->reader, a->fellow ? QN_DIR_MESSAGE_MAX : QN_DIR_REQUEST_MAX);
    tie_accept(&a->tie, TIE_ANSWER, a, nb, stream);
    LIST_ADD(n->answers, a);
    if (n->answers_last == NULL)
        n->answers_last = a;
    n->answers_n++;
}

/* Another operator's stream stays for as long as its link. */
void answer_timeout(answer *a)
{
    if (!a->fellow)
        bury(a, QN_CLOSE_TIMEOUT);
}

/* What was being sent is through, or of no use any more. */
static void sent(answer *a)
{
    qn_snapshot_drop(a->snapshot);
    parcel_drop(a->n, a->parcel);
    a->snapshot = NULL;
    a->parcel = NULL;
    a->out = (qn_slice){0};
}

void answer_free(answer *a)
{
    qn_node *n = a->n;

    operator_forget(n, a);
    reach_forget(n, a);
    qn_timers_cancel(&n->timers, &a->timer);
    sent(a);
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

/* As much of the list as the stream takes; the rest follows on ROOM. */
void answer_room(answer *a)
{
    while (a->out.n > 0 && a->tie.nb != NULL) {
        qn_link *l = &a->tie.nb->link;
        size_t part =
            QN_MIN(QN_MIN(a->out.n, qn_link_writable(l, a->tie.stream)), (size_t)QN_FRAME_DATA_MAX);

        if (part == 0)
            break;
        if (qn_link_send_bytes(l, a->tie.stream, a->out.p, part, false) != QN_OK) {
            bury(a, QN_CLOSE_INTERNAL);
            return;
        }
        a->out = qn_slice_of(a->out.p + part, a->out.n - part);
    }
    if (a->out.n == 0)
        sent(a);
    if (a->tie.nb != NULL)
        neighbour_touch(a->tie.nb);
}

/* A list's bytes follow by themselves. */
static bool is_short(const qn_dir_message *m)
{
    return m->type == QN_DIR_ERROR || m->type == QN_DIR_SIGNED;
}

void answer_reply(answer *a, const qn_dir_message *m)
{
    uint8_t head[QN_DIR_HEAD_MAX + QN_DIR_TEXT_MAX];
    size_t len = qn_dir_message_head(m, head);

    if (a->tie.nb == NULL)
        return;
    if (is_short(m)) {
        memcpy(head + len, m->bytes.p, m->bytes.n);
        len += m->bytes.n;
    }
    if (qn_link_send_bytes(&a->tie.nb->link, a->tie.stream, head, len, false) != QN_OK)
        bury(a, QN_CLOSE_INTERNAL);
    else
        neighbour_touch(a->tie.nb);
}

void answer_bytes(answer *a, qn_slice bytes)
{
    if (a->tie.nb != NULL &&
        qn_link_send_bytes(&a->tie.nb->link, a->tie.stream, bytes.p, bytes.n, false) != QN_OK)
        bury(a, QN_CLOSE_INTERNAL);
}

void answer_refuse(answer *a, qn_err err)
{
    const char *text = qn_err_text(err);
    qn_dir_message m = {.type = QN_DIR_ERROR,
                        .code = qn_dir_code_of(err),
                        .bytes = qn_slice_of(text, strlen(text))};

    answer_reply(a, &m);
}

/* Two lists of one version are both shown to whoever holds the other: they prove something. */
static bool is_news(const qn_snapshot *s, const qn_dir_message *m)
{
    return m->version < s->version ||
           (m->version == s->version &&
            memcmp(m->bytes.p, s->body_hash.b, sizeof s->body_hash.b) != 0);
}

/* In the shortest form there is: what differs from the list that is held, else all of it packed,
 * and as it is when there is no memory for that. */
static void choose_form(answer *a, const qn_dir_message *asked, qn_dir_message *m)
{
    qn_node *n = a->n;
    qn_hash held = {0};

    a->snapshot = qn_snapshot_ref(n->snapshot);
    *m = (qn_dir_message){.type = QN_DIR_PACKED};
    if (qn_snapshot_packed(n->snapshot, &m->bytes) != QN_OK)
        *m = (qn_dir_message){.type = QN_DIR_SNAPSHOT, .bytes = n->snapshot->bytes};
    if (asked->version == 0)
        return;
    memcpy(held.b, asked->bytes.p, sizeof held.b);
    a->parcel = shelf_delta(n, &held);
    if (a->parcel != NULL && parcel_bytes(a->parcel).n < m->bytes.n)
        *m = (qn_dir_message){.type = QN_DIR_DELTA, .bytes = parcel_bytes(a->parcel)};
}

static void list(answer *a, const qn_dir_message *asked)
{
    const qn_node *n = a->n;
    qn_dir_message m = {.type = QN_DIR_UNCHANGED};

    if (asked->root < n->root_held) {
        m = (qn_dir_message){.type = QN_DIR_ROOTS, .bytes = roots_after(n, asked->root)};
        answer_reply(a, &m);
        answer_bytes(a, m.bytes);
        return;
    }
    if (n->snapshot == NULL) {
        answer_refuse(a, QN_BUSY);
        return;
    }
    if (is_news(n->snapshot, asked)) {
        choose_form(a, asked, &m);
        a->out = m.bytes;
    }
    answer_reply(a, &m);
    answer_room(a);
}

/* Our own, for those whom we invited. */
static void describe(answer *a)
{
    const asker *self = &a->n->asker;
    qn_dir_message m = {.type = QN_DIR_DESCRIPTOR,
                        .bytes = qn_slice_of(self->descriptor, self->descriptor_n)};

    if (m.bytes.n == 0) {
        answer_refuse(a, QN_STATE);
        return;
    }
    answer_reply(a, &m);
    answer_bytes(a, m.bytes);
}

static void request(answer *a, const qn_dir_message *m)
{
    qn_node *n = a->n;
    qn_dir_message ok = {.type = QN_DIR_OK};
    bool said = false;
    qn_err err = QN_OK;

    if (a->out.n > 0 || a->waits) { /* asked again before the last answer was through */
        bury(a, QN_CLOSE_MALFORMED);
        return;
    }
    switch (m->type) {
    case QN_DIR_LIST:
        list(a, m);
        return;
    case QN_DIR_DESCRIBE:
        describe(a);
        return;
    case QN_DIR_REGISTER:
        err = n->op != NULL ? operator_register(n, m->bytes) : QN_STATE;
        break;
    case QN_DIR_HEARTBEAT:
        err = n->op != NULL ? operator_heartbeat(n, m->bytes) : QN_STATE;
        break;
    case QN_DIR_PROOF:
        err = proofs_add(n, m->bytes);
        break;
    case QN_DIR_NEWS:
        err = gossip_tell(a, m->bytes);
        said = err == QN_OK;
        break;
    case QN_DIR_INTRODUCE:
        err = reach_introduced(a, m, &said);
        break;
    case QN_DIR_MOOR:
        err = rendezvous_moor(a, m->bytes);
        break;
    case QN_DIR_PROVEN:
        err = reach_proven(a, m->version);
        break;
    case QN_DIR_OFFER:
        err = a->fellow ? operator_offered(a, m->bytes, &said) : QN_REFUSED;
        break;
    case QN_DIR_SHARE:
        err = a->fellow ? operator_told(n, m->bytes) : QN_REFUSED;
        break;
    case QN_DIR_MEASURED:
        err = a->fellow ? measure_told(a, m->bytes) : QN_REFUSED;
        break;
    default:
        err = QN_PROTO;
    }
    if (said)
        return;
    if (err == QN_OK)
        answer_reply(a, &ok);
    else
        answer_refuse(a, err);
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

/*
 * Asking for a list in more places than one: while whom the asker asked first says nothing, a
 * second is asked after a second, and a third after two. The first good answer is taken, from
 * whomever, and ends the others. Where they ask is the asker's to say: asker_place.
 */
#include "node/internal.h"

static unsigned rank_of(const seeker *s)
{
    return 1 + (unsigned)(s - s->n->asker.seekers);
}

static void rest(seeker *s)
{
    tie_close(&s->tie, QN_CLOSE_DONE);
    qn_dir_reader_clear(&s->reader, s->n->env);
    s->asking = false;
    qn_timers_cancel(&s->n->timers, &s->timer);
}

void seek_start(qn_node *n)
{
    for (unsigned i = 0; i < QN_SEEKERS; i++) {
        seeker *s = &n->asker.seekers[i];

        s->n = n;
        qn_dir_reader_init(&s->reader, QN_DIR_MESSAGE_MAX);
    }
}

void seek_begin(qn_node *n)
{
    for (unsigned i = 0; i < QN_SEEKERS; i++) {
        seeker *s = &n->asker.seekers[i];

        if (!s->asking && s->timer.pos == 0 && n->invited_n == 0)
            node_timer(n, &s->timer, TIMER_SEEKER, n->env->now + (i + 1) * QN_SEEK_AFTER);
    }
}

void seek_end(qn_node *n)
{
    for (unsigned i = 0; i < QN_SEEKERS; i++)
        if (n->asker.seekers[i].n != NULL)
            rest(&n->asker.seekers[i]);
}

/* The links are gone by now. */
void seek_clear(qn_node *n)
{
    for (unsigned i = 0; i < QN_SEEKERS; i++)
        qn_dir_reader_clear(&n->asker.seekers[i].reader, n->env);
}

static qn_err ask(seeker *s)
{
    qn_node *n = s->n;
    uint8_t bytes[QN_DIR_HEAD_MAX + sizeof(qn_hash)];
    qn_dir_message m;
    size_t len;

    list_request(n, &m);
    len = qn_dir_message_head(&m, bytes);
    if (m.bytes.n > 0)
        memcpy(bytes + len, m.bytes.p, m.bytes.n);
    s->asking = true;
    node_timer(n, &s->timer, TIMER_SEEKER, n->env->now + QN_DIR_TIMEOUT);
    neighbour_touch(s->tie.nb);
    return qn_link_send_bytes(&s->tie.nb->link, s->tie.stream, bytes, len + m.bytes.n, false);
}

void seek_tick(seeker *s)
{
    qn_node *n = s->n;
    neighbour *nb;

    if (s->asking || n->stopping || !asker_seeks(n)) { /* it does not answer either */
        rest(s);
        return;
    }
    nb = asker_place(n, rank_of(s));
    if (nb == NULL || tie_open(&s->tie, TIE_SEEKER, s, nb, QN_KIND_DIRECTORY) != QN_OK ||
        ask(s) != QN_OK)
        rest(s);
}

/* A list that is older than ours is no answer: somebody else may have a newer one. */
static void answered(seeker *s, const qn_dir_message *m)
{
    qn_node *n = s->n;
    qn_err err =
        m->type == QN_DIR_ERROR ? qn_dir_err_of(m->code) : list_answer(n, m, &s->tie.nb->id);

    s->asking = false;
    if (err == QN_OK && m->type == QN_DIR_ROOTS)
        err = ask(s);
    else if (err == QN_OK)
        asker_found(n); /* which ends this one too */
    if (err != QN_OK)
        rest(s);
}

void seek_data(seeker *s, qn_piece piece, bool fin)
{
    qn_slice in = qn_slice_of(piece.len > 0 ? qn_piece_data(&piece) : NULL, piece.len);
    qn_err err = QN_OK;

    if (piece.len > 0)
        qn_link_returned(&s->tie.nb->link, s->tie.stream, piece.len);
    while (in.n > 0 && err == QN_OK && s->tie.nb != NULL) {
        qn_dir_message m;
        size_t used = 0;

        err = qn_dir_reader_push(&s->reader, s->n->env, in, &used, &m);
        in.p += used;
        in.n -= used;
        if (err == QN_OK && !s->asking)
            err = QN_PROTO;
        if (err == QN_OK)
            answered(s, &m);
    }
    if ((fin || (err != QN_OK && err != QN_SHORT)) && s->tie.nb != NULL)
        rest(s);
}

void seek_closed(seeker *s)
{
    rest(s);
}

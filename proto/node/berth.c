/*
 * A node that nobody can connect to: it keeps links to one or two rendezvous, says so to them every
 * half minute, and names them in its descriptor. A rendezvous that does not answer is given up for
 * another after three times, since each change is a new descriptor that everybody must learn.
 */
#include "node/internal.h"

static void end(berth *b)
{
    tie_close(&b->tie, QN_CLOSE_DONE);
    qn_dir_reader_clear(&b->reader, b->n->env);
}

static void again(berth *b, qn_time after)
{
    node_timer(b->n, &b->timer, TIMER_BERTH, b->n->stopping ? QN_NEVER : b->n->env->now + after);
}

static void lose(berth *b)
{
    bool was = b->moored;

    b->chosen = b->moored = false;
    b->failures = 0;
    if (was)
        asker_renew(b->n);
}

static void failed(berth *b)
{
    end(b);
    if (!b->moored || ++b->failures >= QN_MOOR_TRIES)
        lose(b);
    again(b, QN_MOOR_RETRY);
}

/* ---- which rendezvous ------------------------------------------------------------------------ */

static bool is_taken(const qn_node *n, const qn_peerid *id)
{
    for (unsigned i = 0; i < QN_DESCRIPTOR_VIA; i++)
        if (n->discovery.berth[i].chosen && qn_peerid_equal(&n->discovery.berth[i].at, id))
            return true;
    return false;
}

static bool may_moor(const qn_node *n, const qn_relay *r, bool directory)
{
    return r->d.via_n == 0 && visits_reach(n, r->d.card) && !is_taken(n, &r->d.id) &&
           !qn_peerid_equal(&r->d.id, &n->id) &&
           (!directory || (r->d.roles & QN_ROLE_DIRECTORY) != 0);
}

static const qn_relay *draw(const qn_node *n, bool directory)
{
    const qn_snapshot *s = n->snapshot;
    uint32_t count = 0, pick;

    for (uint32_t i = 0; s != NULL && i < s->relays_n; i++)
        count += may_moor(n, &s->relays[i], directory);
    if (count == 0)
        return NULL;
    pick = qn_rng_below(n->env, count);
    for (uint32_t i = 0;; i++)
        if (may_moor(n, &s->relays[i], directory) && pick-- == 0)
            return &s->relays[i];
}

/* Supers, which serve others anyway; where there is none, one relay: whoever carries us is in no
 * circuit of ours. */
static neighbour *choose(berth *b)
{
    qn_node *n = b->n;
    const qn_relay *r = draw(n, true);

    if (r == NULL && b == n->discovery.berth)
        r = draw(n, false);
    if (r == NULL)
        return NULL;
    b->at = r->d.id;
    b->chosen = true;
    return neighbour_get(n, r);
}

static neighbour *chosen(berth *b)
{
    const qn_relay *r;

    if (!b->chosen)
        return choose(b);
    r = paths_relay(b->n, &b->at);
    return r != NULL ? neighbour_get(b->n, r) : neighbour_named(b->n, &b->at);
}

/* ---- mooring --------------------------------------------------------------------------------- */

static qn_err ask(berth *b)
{
    qn_node *n = b->n;
    const asker *self = &n->asker;
    neighbour *nb = chosen(b);
    qn_dir_message m = {.type = QN_DIR_MOOR,
                        .bytes = qn_slice_of(self->descriptor, self->descriptor_n)};
    uint8_t head[QN_DIR_HEAD_MAX];
    qn_err err = nb == NULL || !nb->outbound || nb->under.inner
                     ? QN_UNREACHABLE
                     : tie_open(&b->tie, TIE_BERTH, b, nb, QN_KIND_DIRECTORY);

    if (err == QN_OK)
        err = qn_link_send_bytes(&nb->link, b->tie.stream, head, qn_dir_message_head(&m, head),
                                 false);
    if (err == QN_OK)
        err = qn_link_send_bytes(&nb->link, b->tie.stream, m.bytes.p, m.bytes.n, false);
    if (err == QN_OK)
        neighbour_touch(nb);
    return err;
}

void berth_tick(berth *b)
{
    if (b->tie.nb != NULL) { /* it has not answered */
        failed(b);
        return;
    }
    qn_dir_reader_clear(&b->reader, b->n->env);
    if (ask(b) == QN_OK)
        again(b, QN_DIR_TIMEOUT);
    else
        failed(b);
}

static void answered(berth *b, const qn_dir_message *m)
{
    bool news = !b->moored;

    if (m->type != QN_DIR_OK) {
        failed(b);
        return;
    }
    end(b);
    b->moored = true;
    b->failures = 0;
    again(b, QN_MOOR_EVERY);
    if (news)
        asker_renew(b->n);
}

void berth_data(berth *b, qn_piece piece, bool fin)
{
    qn_slice in = qn_slice_of(piece.len > 0 ? qn_piece_data(&piece) : NULL, piece.len);
    qn_dir_message m = {.type = QN_DIR_ERROR};
    size_t used;
    qn_err err = QN_GONE;

    if (piece.len > 0)
        qn_link_returned(&b->tie.nb->link, b->tie.stream, piece.len);
    if (in.n > 0)
        err = qn_dir_reader_push(&b->reader, b->n->env, in, &used, &m);
    if (err == QN_OK)
        answered(b, &m);
    else if (err != QN_SHORT || fin)
        failed(b);
}

void berth_closed(berth *b)
{
    failed(b);
}

/* The rendezvous forgot us with that link. */
void berths_over(neighbour *nb)
{
    for (unsigned i = 0; i < QN_DESCRIPTOR_VIA; i++) {
        berth *b = &nb->n->discovery.berth[i];

        if (b->chosen && b->moored && b->tie.nb == NULL && nb->outbound && !nb->dial_back &&
            qn_peerid_equal(&b->at, &nb->id))
            again(b, QN_SEC);
    }
}

/* ---- looking in ------------------------------------------------------------------------------ */

void berths_seek(qn_node *n)
{
    for (unsigned i = 0; i < QN_DESCRIPTOR_VIA; i++) {
        berth *b = &n->discovery.berth[i];

        if (b->n != NULL)
            continue;
        b->n = n;
        qn_dir_reader_init(&b->reader, QN_DIR_REQUEST_MAX);
        again(b, i * QN_SEC);
    }
}

bool berth_at(const neighbour *nb)
{
    for (unsigned i = 0; i < QN_DESCRIPTOR_VIA; i++) {
        const berth *b = &nb->n->discovery.berth[i];

        if (b->moored && nb->outbound && !nb->under.inner && qn_peerid_equal(&b->at, &nb->id))
            return true;
    }
    return false;
}

uint8_t berths_via(const qn_node *n, qn_peerid via[QN_DESCRIPTOR_VIA])
{
    uint8_t count = 0;

    for (unsigned i = 0; i < QN_DESCRIPTOR_VIA; i++)
        if (n->discovery.berth[i].moored)
            via[count++] = n->discovery.berth[i].at;
    return count;
}

void berths_clear(qn_node *n)
{
    for (unsigned i = 0; i < QN_DESCRIPTOR_VIA; i++)
        if (n->discovery.berth[i].n != NULL)
            qn_dir_reader_clear(&n->discovery.berth[i].reader, n->env);
}

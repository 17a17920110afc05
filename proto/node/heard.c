/*
 * What we heard of other nodes beside the list, and whether they answer: before a descriptor is
 * passed on, a link of our own has proved its link key at its address, so that what is made up
 * goes no further than to whom it was told.
 *
 * The list stays the only source of circuits. What is heard of a listed node is its newer address
 * and the keys it is dialled by; its onion key is taken from the list, which all clients share.
 */
#include "node/internal.h"

enum { HELD_SIZE = 16 }; /* 8 bytes of PeerID, u64 sequence */

/* Clients and unlisted nodes dial nobody for this, so they keep only what the list vouches for. */
static bool looks_for_itself(const qn_node *n)
{
    return n->cfg.mode != QN_CLIENT && !n->cfg.unlisted;
}

static const qn_relay *listed(const qn_node *n, const qn_peerid *id)
{
    return n->snapshot != NULL ? qn_snapshot_find(n->snapshot, id) : NULL;
}

/* ---- taking ---------------------------------------------------------------------------------- */

static qn_time due_of(const qn_node *n, const qn_heard_entry *e)
{
    const discovery *x = &n->discovery;

    if (qn_heard_reached(&x->heard, e))
        return e->reached + QN_HEARD_LIFE;
    return QN_MAX(e->dial_at, x->dial_at);
}

static void rearm(qn_node *n)
{
    discovery *x = &n->discovery;
    qn_time due = QN_NEVER;

    for (uint32_t i = 0; i < x->heard.n && looks_for_itself(n); i++)
        due = QN_MIN(due, due_of(n, x->heard.v[i]));
    node_timer(n, &x->dial_timer, TIMER_HEARD, n->stopping ? QN_NEVER : due);
}

qn_err heard_take(qn_node *n, const qn_descriptor *d, qn_slice bytes, const qn_peerid *from)
{
    const qn_relay *r = listed(n, &d->id);
    const qn_heard_entry *e;
    bool news;
    qn_err err;

    if (r != NULL && r->d.sequence >= d->sequence)
        return QN_STALE;
    if (qn_peerid_equal(&d->id, &n->id) || invited_place(n, &d->id) >= 0 ||
        (d->roles & QN_ROLE_RELAY) == 0 || (r == NULL && !looks_for_itself(n)))
        return QN_REFUSED;
    e = qn_heard_find(&n->discovery.heard, &d->id);
    news = e == NULL || e->d.sequence < d->sequence;
    err = qn_heard_add(&n->discovery.heard, d, bytes, from, r != NULL);
    if (err == QN_OK && news)
        gossip_news(n);
    rearm(n);
    return err;
}

/* Told by nobody, as far as quotas are concerned by us. */
qn_err qn_node_hint(qn_node *n, qn_slice descriptor, const qn_addr *at)
{
    qn_descriptor d;
    qn_err err = QN_REFUSED;

    if (looks_for_itself(n) && !n->stopping)
        err = qn_descriptor_open(&d, n->env, &n->net, descriptor);
    if (err == QN_OK && (d.via_n > 0 || !qn_addr_equal(&d.addrs[0], at)))
        err = QN_POLICY;
    return err == QN_OK ? heard_take(n, &d, descriptor, &n->id) : err;
}

void heard_listed(qn_node *n)
{
    qn_heard *h = &n->discovery.heard;

    for (uint32_t i = h->n; i-- > 0;) {
        const qn_relay *r = listed(n, &h->v[i]->d.id);

        h->v[i]->listed = r != NULL;
        if (r != NULL ? r->d.sequence >= h->v[i]->d.sequence : !looks_for_itself(n))
            qn_heard_remove(h, i);
    }
    rearm(n);
}

/* ---- looking whether they answer ------------------------------------------------------------- */

/* False: it is given up, or over. */
static bool worth_a_look(const qn_node *n, const qn_heard_entry *e)
{
    return e->tries < QN_HEARD_TRIES && qn_descriptor_valid(&e->d, n->env->wall) == QN_OK;
}

static void look_at(qn_node *n, qn_heard_entry *e)
{
    qn_time now = n->env->now;

    e->reached = 0;
    if (dialled_already(n, &e->d)) {
        e->reached = now;
        e->tries = 0;
        return;
    }
    n->discovery.dial_at = now + QN_HEARD_DIAL_EVERY;
    e->dial_at = now + (QN_HEARD_DIAL_AGAIN << e->tries);
    e->tries++;
    (void)neighbour_dial_back(n, &e->d);
}

void heard_dial(qn_node *n)
{
    qn_heard *h = &n->discovery.heard;

    for (uint32_t i = h->n; i-- > 0;) {
        if (due_of(n, h->v[i]) > n->env->now)
            continue;
        if (worth_a_look(n, h->v[i]))
            look_at(n, h->v[i]);
        else
            qn_heard_remove(h, i);
    }
    rearm(n);
}

void heard_reached(neighbour *nb)
{
    qn_node *n = nb->n;
    qn_heard_entry *e = qn_heard_find(&n->discovery.heard, &nb->id);

    if (e == NULL || !dialled_proves(nb, &e->d))
        return;
    e->reached = n->env->now;
    e->tries = 0;
    rearm(n);
}

void heard_failed(qn_node *n, const qn_peerid *id)
{
    qn_heard_entry *e = qn_heard_find(&n->discovery.heard, id);

    if (e == NULL)
        return;
    if (e->reached == 0)
        e->tries++;
    e->reached = 0;
    rearm(n);
}

const qn_descriptor *heard_newest(const qn_node *n, const qn_descriptor *of)
{
    const qn_heard_entry *e = qn_heard_find(&n->discovery.heard, &of->id);

    if (e == NULL || e->d.sequence <= of->sequence || e->tries > 0 ||
        qn_descriptor_valid(&e->d, n->env->wall) != QN_OK || !visits_reach(n, e->d.card))
        return of;
    return &e->d;
}

neighbour *heard_get(qn_node *n, const qn_peerid *id)
{
    const qn_heard_entry *e = qn_heard_find(&n->discovery.heard, id);

    if (e == NULL || !qn_heard_reached(&n->discovery.heard, e) || !visits_reach(n, e->d.card))
        return NULL;
    return neighbour_dial(n, &(whom){.id = &e->d.id,
                                     .key = &e->d.link.key,
                                     .addr = &e->d.addrs[0],
                                     .card = e->d.card,
                                     .via = e->d.via,
                                     .via_n = e->d.via_n});
}

neighbour *heard_anybody(qn_node *n)
{
    const qn_heard *h = &n->discovery.heard;

    return h->n > 0 ? heard_get(n, &h->v[qn_rng_below(n->env, h->n)]->d.id) : NULL;
}

/* ---- telling --------------------------------------------------------------------------------- */

static bool is_held(qn_slice held, const qn_descriptor *d)
{
    for (size_t at = 0; at + HELD_SIZE <= held.n; at += HELD_SIZE)
        if (memcmp(held.p + at, d->id.b, 8) == 0 && qn_get64(held.p + at + 8) >= d->sequence)
            return true;
    return false;
}

static size_t put_held(uint8_t *out, const qn_descriptor *d)
{
    memcpy(out, d->id.b, 8);
    qn_put64(out + 8, d->sequence);
    return HELD_SIZE;
}

/* No list tells of it, and it can be reached: introductions come before that. */
static bool tells_of_itself(const qn_node *n)
{
    return node_registers(n) && n->asker.descriptor_n > 0 && !reach_listed(n) &&
           (n->asker.self.via_n > 0 || reach_state(n) == QN_REACH_DIRECT);
}

unsigned heard_news(const qn_node *n, qn_slice held, qn_slice *out, unsigned max)
{
    const asker *self = &n->asker;
    const qn_heard *h = &n->discovery.heard;
    unsigned count = 0;

    if (tells_of_itself(n) && !is_held(held, &self->self))
        out[count++] = qn_slice_of(self->descriptor, self->descriptor_n);
    for (uint32_t i = h->n; i-- > 0 && count < max;)
        if (qn_heard_reached(h, h->v[i]) && !is_held(held, &h->v[i]->d))
            out[count++] = h->v[i]->bytes;
    return count;
}

size_t heard_held(const qn_node *n, uint8_t out[QN_GOSSIP_HELD * HELD_SIZE])
{
    const qn_heard *h = &n->discovery.heard;
    size_t at = 0;

    if (tells_of_itself(n))
        at += put_held(out, &n->asker.self);
    for (uint32_t i = h->n; i-- > 0 && at < (size_t)QN_GOSSIP_HELD * HELD_SIZE;) {
        if (qn_heard_reached(h, h->v[i]))
            at += put_held(out + at, &h->v[i]->d);
    }
    return at;
}

/* The list is ascending by PeerID. */
static bool list_has(const qn_snapshot *s, const uint8_t *held)
{
    uint32_t low = 0, high = s != NULL ? s->relays_n : 0;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = memcmp(s->relays[mid].d.id.b, held, 8);

        if (order == 0)
            return s->relays[mid].d.sequence >= qn_get64(held + 8);
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static bool table_has(const qn_heard *h, const uint8_t *held)
{
    for (uint32_t i = 0; i < h->n; i++)
        if (memcmp(h->v[i]->d.id.b, held, 8) == 0 && h->v[i]->d.sequence >= qn_get64(held + 8))
            return true;
    return false;
}

bool heard_lacks(const qn_node *n, qn_slice held)
{
    for (size_t at = 0; at + HELD_SIZE <= held.n; at += HELD_SIZE)
        if (memcmp(held.p + at, n->id.b, 8) != 0 && !list_has(n->snapshot, held.p + at) &&
            !table_has(&n->discovery.heard, held.p + at))
            return true;
    return false;
}

qn_slice qn_node_descriptor(const qn_node *n)
{
    const asker *self = &n->asker;

    if (!node_registers(n) || self->self.via_n > 0)
        return (qn_slice){0};
    return qn_slice_of(self->descriptor, self->descriptor_n);
}

bool qn_node_heard(const qn_node *n, uint32_t i, qn_heard_info *out)
{
    const qn_heard *h = &n->discovery.heard;
    const qn_heard_entry *e;

    if (i >= h->n)
        return false;
    e = h->v[i];
    *out = (qn_heard_info){.id = e->d.id,
                           .sequence = e->d.sequence,
                           .listed = e->listed,
                           .reached = qn_heard_reached(h, e)};
    return true;
}

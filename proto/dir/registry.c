#include "dir/registry.h"

#include "base/ipjudge.h"
#include "base/limits.h"
#include "dir/capacity.h"
#include "dir/heartbeat.h"
#include "dir/internal.h"

enum { SEEDED = 1 }; /* a beat older than any heartbeat */

void qn_registry_init(qn_registry *r, qn_env *env, const qn_network *net)
{
    *r = (qn_registry){.env = env, .net = net, .prune_at = QN_NEVER};
}

static size_t size_of(const qn_registration *e)
{
    return sizeof *e + e->bytes.n;
}

/* ---- the order of changes -------------------------------------------------------------------- */

static void unlink_entry(qn_registry *r, qn_registration *e)
{
    *(e->older != NULL ? &e->older->newer : &r->oldest) = e->newer;
    *(e->newer != NULL ? &e->newer->older : &r->newest) = e->older;
}

static void link_newest(qn_registry *r, qn_registration *e)
{
    e->newer = NULL;
    e->older = r->newest;
    *(r->newest != NULL ? &r->newest->newer : &r->oldest) = e;
    r->newest = e;
    e->changed = ++r->serial;
}

const qn_registration *qn_registry_changed(const qn_registry *r, uint64_t serial)
{
    const qn_registration *e = r->newest, *first = NULL;

    for (; e != NULL && e->changed > serial; e = e->older)
        first = e;
    return first;
}

static void free_entry(qn_registry *r, qn_registration *e)
{
    unlink_entry(r, e);
    r->bytes -= e->bytes.n;
    qn_mem_put(&r->env->mem, e, size_of(e));
}

void qn_registry_clear(qn_registry *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        free_entry(r, r->v[i]);
    qn_mem_put(&r->env->mem, r->v, r->cap * sizeof(qn_registration *));
    r->v = NULL;
    r->n = r->cap = 0;
    r->oldest = r->newest = NULL;
    r->prune_at = QN_NEVER;
}

/* ---- the sorted table ------------------------------------------------------------------------ */

/* Where id is, or where it belongs. */
static uint32_t place_of(const qn_registry *r, const qn_peerid *id, bool *there)
{
    uint32_t low = 0, high = r->n;

    *there = false;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        int order = memcmp(r->v[mid]->d.id.b, id->b, sizeof id->b);

        if (order == 0) {
            *there = true;
            return mid;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static qn_err make_room(qn_registry *r)
{
    enum { FIRST = 16 };
    uint32_t cap = r->cap ? r->cap * 2 : FIRST;
    qn_registration **v;

    if (r->n < r->cap)
        return QN_OK;
    v = qn_mem_get(&r->env->mem, cap * sizeof(qn_registration *));
    if (v == NULL)
        return QN_NOMEM;
    if (r->n > 0)
        memcpy(v, r->v, r->n * sizeof(qn_registration *));
    qn_mem_put(&r->env->mem, r->v, r->cap * sizeof(qn_registration *));
    r->v = v;
    r->cap = cap;
    return QN_OK;
}

/* ---- registrations --------------------------------------------------------------------------- */

/* Entry and descriptor bytes in one allocation. */
static qn_registration *new_entry(qn_registry *r, const qn_descriptor *d, qn_slice bytes)
{
    qn_registration *e = qn_mem_get(&r->env->mem, sizeof *e + bytes.n);

    if (e == NULL)
        return NULL;
    memcpy(e + 1, bytes.p, bytes.n);
    e->d = *d;
    e->bytes = qn_slice_of(e + 1, bytes.n);
    if (d->card.n > 0)
        e->d.card.p = e->bytes.p + (d->card.p - bytes.p);
    e->first_seen = e->seen = r->env->now;
    e->capacity = qn_capacity_unmeasured(r->net);
    link_newest(r, e);
    e->described = r->described = e->changed;
    return e;
}

/* Whether so many descriptors, so long together, fit the registry and a snapshot of it. */
static bool fits(uint64_t bytes, uint32_t entries)
{
    return entries <= QN_REGISTRY_MAX &&
           bytes + (uint64_t)entries * QN_SNAPSHOT_ENTRY_EXTRA + QN_SNAPSHOT_EXTRA <=
               QN_SNAPSHOT_MAX;
}

static void remove_at(qn_registry *r, uint32_t at)
{
    r->news += qn_registry_live(r, r->v[at]);
    free_entry(r, r->v[at]);
    memmove(r->v + at, r->v + at + 1, (r->n - at - 1) * sizeof(qn_registration *));
    r->n--;
}

/* ---- quotas ---------------------------------------------------------------------------------- */

/* Only who was found there holds a place in the quota of its prefix. Who says that it is there has
 * one of as many places to wait in, and gives way: made-up nodes keep nobody out. */
static bool holds(const qn_registry *r, const qn_registration *e)
{
    return e->reached || !r->must_reach;
}

static bool same_prefix(const qn_addr *a, const qn_addr *b)
{
    return qn_ip_within(a, b, b->family == 4 ? 24 : 48);
}

/* All operators know the newest list: who is in it stays, however many come with lower PeerIDs. */
static bool stands(const qn_registry *r, const qn_peerid *id)
{
    return r->list != NULL && qn_snapshot_find(r->list, id) != NULL;
}

typedef struct prefix_use {
    unsigned held, waiting;
    uint32_t weakest; /* of those that hold a place and are in no list yet, the one with the highest
                         PeerID; r->n: none */
    uint32_t first;   /* of those that wait, the one that has for longest */
} prefix_use;

static prefix_use use_of(const qn_registry *r, const qn_addr *a)
{
    prefix_use u = {.weakest = r->n};

    for (uint32_t i = 0; i < r->n; i++) {
        const qn_registration *e = r->v[i];

        if (!same_prefix(&e->d.addrs[0], a))
            continue;
        if (holds(r, e)) {
            u.weakest = stands(r, &e->d.id) ? u.weakest : i;
            u.held++;
        } else if (u.waiting++ == 0 || e->first_seen < r->v[u.first]->first_seen) {
            u.first = i;
        }
    }
    return u;
}

/* Room in the quota of its prefix: for who is in the newest list; else by first come, and among
 * what operators share by lowest PeerID. May remove an entry. */
static qn_err claim_prefix(qn_registry *r, const qn_descriptor *d, bool shared)
{
    prefix_use u = use_of(r, &d->addrs[0]);
    bool full = u.held >= QN_QUOTA_PREFIX, stood = stands(r, &d->id);

    if (!qn_ip_global(&d->addrs[0]))
        return QN_OK;
    if (full && (u.weakest == r->n || (!shared && !stood)))
        return QN_QUOTA;
    if (full && !stood && memcmp(r->v[u.weakest]->d.id.b, d->id.b, sizeof d->id.b) < 0)
        return QN_QUOTA;
    if (!r->must_reach && full)
        remove_at(r, u.weakest);
    else if (u.waiting >= QN_QUOTA_PREFIX)
        remove_at(r, u.first);
    return QN_OK;
}

/* r->v[at] was reached just now: one more may hold a place than the quota has. */
static void settle_prefix(qn_registry *r, uint32_t at)
{
    const qn_registration *e = r->v[at];
    prefix_use u = use_of(r, &e->d.addrs[0]);
    bool itself = u.weakest == r->n || (e->direct && !stands(r, &e->d.id));

    if (qn_ip_global(&e->d.addrs[0]) && u.held > QN_QUOTA_PREFIX)
        remove_at(r, itself ? at : u.weakest);
}

/* A full registry has room for a newcomer while others only wait: who has waited longest goes. */
static qn_err make_way(qn_registry *r, size_t bytes)
{
    while (!fits(r->bytes + bytes, r->n + 1)) {
        uint32_t first = r->n;

        for (uint32_t i = 0; i < r->n; i++)
            if (!holds(r, r->v[i]) &&
                (first == r->n || r->v[i]->first_seen < r->v[first]->first_seen))
                first = i;
        if (first == r->n)
            return QN_BUSY;
        remove_at(r, first);
    }
    return QN_OK;
}

static qn_err insert(qn_registry *r, uint32_t at, const qn_descriptor *d, qn_slice bytes)
{
    qn_registration *e;

    if (make_room(r) != QN_OK)
        return QN_NOMEM;
    e = new_entry(r, d, bytes);
    if (e == NULL)
        return QN_NOMEM;
    memmove(r->v + at + 1, r->v + at, (r->n - at) * sizeof(qn_registration *));
    r->v[at] = e;
    r->n++;
    r->bytes += bytes.n;
    if (r->prune_at == QN_NEVER)
        r->prune_at = r->env->now + QN_PRUNE_EVERY;
    return QN_OK;
}

/* Bytewise, a longer one behind its own beginning. */
static int compare(qn_slice a, qn_slice b)
{
    int order = memcmp(a.p, b.p, QN_MIN(a.n, b.n));

    if (order != 0)
        return order;
    return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static void keep_capacity(qn_registration *e, const qn_registration *old)
{
    memcpy(e->told, old->told, sizeof e->told);
    e->capacity = old->capacity;
    e->capacity_before = old->capacity_before;
    e->capacity_at = old->capacity_at;
    e->measured = old->measured;
    e->measured_at = old->measured_at;
    e->measure_at = old->measure_at;
    e->carried = old->carried;
    e->failures = old->failures;
}

static qn_err replace(qn_registry *r, uint32_t at, const qn_descriptor *d, qn_slice bytes,
                      bool shared)
{
    qn_registration *old = r->v[at], *e;

    if (d->sequence < old->d.sequence)
        return QN_STALE;
    if (d->sequence == old->d.sequence) {
        int order = compare(bytes, old->bytes);

        if (order == 0)
            return QN_OK;
        if (!shared)
            return QN_REFUSED;
        if (order > 0)
            return QN_STALE;
    }
    if (!shared && r->env->now - old->replaced < QN_DESCRIBE_EVERY && old->replaced != 0)
        return QN_QUOTA;
    if (!fits(r->bytes - old->bytes.n + bytes.n, r->n))
        return QN_BUSY;
    e = new_entry(r, d, bytes);
    if (e == NULL)
        return QN_NOMEM;
    e->beat = old->beat;
    e->load = old->load;
    e->load_before = old->load_before;
    e->first_seen = old->first_seen;
    e->seen = old->seen;
    e->since = old->since;
    e->replaced = r->env->now;
    e->reached = old->reached && qn_descriptor_same_place(&old->d, d);
    if (qn_descriptor_same_place(&old->d, d)) /* another machine is to be measured itself */
        keep_capacity(e, old);
    r->news += e->beat > 0;
    r->v[at] = e;
    r->bytes += bytes.n;
    free_entry(r, old);
    return QN_OK;
}

/* Who comes to a prefix, new or by moving, needs a place there, and a new one needs room. */
static qn_err admit(qn_registry *r, const qn_registration *old, const qn_descriptor *d,
                    size_t bytes, bool shared)
{
    qn_err err = QN_OK;

    if (old == NULL ||
        (d->sequence > old->d.sequence && !same_prefix(&old->d.addrs[0], &d->addrs[0])))
        err = claim_prefix(r, d, shared);
    if (err == QN_OK && old == NULL)
        err = make_way(r, bytes);
    return err;
}

static qn_err take_descriptor(qn_registry *r, qn_slice descriptor, bool shared, qn_peerid *id)
{
    qn_descriptor d;
    bool there;
    uint32_t at;
    uint64_t serial = r->serial;
    qn_err err = qn_descriptor_open(&d, r->env, r->net, descriptor);

    if (err == QN_OK)
        err = qn_descriptor_valid(&d, r->env->wall);
    if (err != QN_OK)
        return err;
    at = place_of(r, &d.id, &there);
    err = admit(r, there ? r->v[at] : NULL, &d, descriptor.n, shared);
    at = place_of(r, &d.id, &there); /* somebody may have made room */
    if (err == QN_OK)
        err = there ? replace(r, at, &d, descriptor, shared) : insert(r, at, &d, descriptor);
    if (err == QN_OK && id != NULL)
        *id = d.id;
    if (err == QN_OK && r->serial != serial)
        r->v[at]->direct = !shared;
    return err;
}

static bool dead(const qn_registry *r, const qn_registration *e)
{
    return r->env->now - e->seen > QN_LIVE_FOR;
}

/* When it was sent, on our clock: as long after the last one as its sender's clock says. So one
 * that somebody kept back lets nobody live longer than if it had come at once. */
static qn_time sent_at(const qn_registry *r, const qn_registration *e, const qn_heartbeat *h)
{
    int64_t later = h->time - e->beat;

    if (e->beat <= SEEDED || later > QN_HEARTBEAT_SKEW_S * 2) /* none before, or none lately */
        return r->env->now;
    return QN_MIN(r->env->now, e->seen + (qn_time)later * QN_SEC);
}

static void beat(qn_registry *r, qn_registration *e, const qn_heartbeat *h, qn_slice bytes,
                 bool shared)
{
    if (e->beat == 0 || dead(r, e)) {
        e->since = r->env->now;
        r->news++;
    }
    e->load_before = e->beat == 0 ? h->load : e->load;
    e->seen = sent_at(r, e, h);
    e->beat = h->time;
    e->load = h->load;
    e->direct = !shared;
    memcpy(e->beat_bytes, bytes.p, bytes.n); /* it was opened, so it is no longer than that */
    e->beat_n = (uint8_t)bytes.n;
    unlink_entry(r, e);
    link_newest(r, e);
}

static qn_err take_heartbeat(qn_registry *r, qn_slice heartbeat, bool shared)
{
    qn_heartbeat h;
    qn_registration *e;
    bool there;
    uint32_t at;
    qn_err err = qn_heartbeat_open(&h, r->env, r->net, heartbeat);

    if (err == QN_OK)
        err = qn_heartbeat_fresh(&h, r->env->wall);
    if (err != QN_OK)
        return err;
    at = place_of(r, &h.id, &there);
    if (!there || h.descriptor > r->v[at]->d.sequence)
        return QN_UNKNOWN;
    e = r->v[at];
    if (h.descriptor < e->d.sequence || h.time <= e->beat)
        return QN_STALE;
    beat(r, e, &h, heartbeat, shared);
    return QN_OK;
}

qn_err qn_registry_register(qn_registry *r, qn_slice descriptor, qn_peerid *id)
{
    return take_descriptor(r, descriptor, false, id);
}

qn_err qn_registry_heartbeat(qn_registry *r, qn_slice heartbeat)
{
    return take_heartbeat(r, heartbeat, false);
}

qn_err qn_registry_share(qn_registry *r, qn_slice descriptor, qn_slice heartbeat)
{
    qn_err err = QN_OK;

    if (descriptor.n > 0)
        err = take_descriptor(r, descriptor, true, NULL);
    if ((err == QN_OK || err == QN_STALE) && heartbeat.n > 0)
        err = take_heartbeat(r, heartbeat, true);
    return err == QN_STALE ? QN_OK : err;
}

qn_err qn_registry_seed(qn_registry *r, qn_slice descriptor)
{
    qn_peerid id;
    bool there;
    qn_err err = take_descriptor(r, descriptor, true, &id);

    if (err == QN_OK) {
        qn_registration *e = r->v[place_of(r, &id, &there)];

        e->beat = SEEDED;
        e->reached = true;
        e->since = e->seen - QN_MIN(e->seen, r->settle);
    }
    return err;
}

/* ---- time ------------------------------------------------------------------------------------ */

void qn_registry_reached(qn_registry *r, const qn_peerid *id)
{
    bool there;
    uint32_t at = place_of(r, id, &there);

    if (!there || r->v[at]->reached)
        return;
    r->v[at]->reached = true;
    r->v[at]->since = r->env->now;
    r->news++;
    settle_prefix(r, at);
}

bool qn_registry_live(const qn_registry *r, const qn_registration *e)
{
    return e->beat > 0 && !dead(r, e) && (e->reached || !r->must_reach);
}

bool qn_registry_listed(const qn_registry *r, const qn_registration *e)
{
    return qn_registry_live(r, e) && r->env->now - e->since >= r->settle &&
           qn_descriptor_valid(&e->d, r->env->wall) == QN_OK;
}

uint32_t qn_registry_prune(qn_registry *r)
{
    uint32_t kept = 0, removed;

    for (uint32_t i = 0; i < r->n; i++) {
        if (dead(r, r->v[i]))
            free_entry(r, r->v[i]);
        else
            r->v[kept++] = r->v[i];
    }
    removed = r->n - kept;
    r->n = kept;
    if (kept == 0)
        qn_registry_clear(r);
    return removed;
}

qn_time qn_registry_due(const qn_registry *r)
{
    return r->prune_at;
}

qn_time qn_registry_next_death(const qn_registry *r)
{
    const qn_registration *e = r->oldest;

    while (e != NULL && dead(r, e))
        e = e->newer;
    return e != NULL ? e->seen + QN_LIVE_FOR + 1 : QN_NEVER;
}

void qn_registry_tick(qn_registry *r)
{
    if (r->env->now < r->prune_at)
        return;
    r->prune_at = r->env->now + QN_PRUNE_EVERY;
    (void)qn_registry_prune(r);
}

/* ---- looking --------------------------------------------------------------------------------- */

qn_registration *qn_registry_entry(qn_registry *r, const qn_peerid *id)
{
    bool there;
    uint32_t at = place_of(r, id, &there);

    return there ? r->v[at] : NULL;
}

const qn_registration *qn_registry_find(const qn_registry *r, const qn_peerid *id)
{
    bool there;
    uint32_t at = place_of(r, id, &there);

    return there ? r->v[at] : NULL;
}

const qn_registration *qn_registry_next(const qn_registry *r, const char *country, uint32_t *cursor)
{
    while (*cursor < r->n) {
        const qn_registration *e = r->v[(*cursor)++];

        if (qn_registry_live(r, e) && (country == NULL || strcmp(e->d.country, country) == 0))
            return e;
    }
    return NULL;
}

/*
 * Which relays our circuits and one-hop routes go through: candidates from the list, our guards,
 * and what their successes and failures teach. The choice itself is proto/path's.
 */
#include "node/internal.h"

/* After a failure others come first for so long; guards have a patience of their own. */
#define REST (60 * QN_SEC)

static const char *const store_name[GUARDS_STORED] = {"guards", "exits"};
static const uint8_t set_flag[GUARD_SETS] = {QN_CANDIDATE_RELAY, QN_CANDIDATE_EXIT,
                                             QN_CANDIDATE_INVITED};

/* ---- who there is -----------------------------------------------------------------------------
 */

/* Behind the listed stand those who invited us. */
static const qn_relay *relay_at(const qn_node *n, const qn_snapshot *s, uint32_t i)
{
    return i < s->relays_n ? &s->relays[i] : &n->invited[i - s->relays_n].relay;
}

const qn_relay *paths_relay(const qn_node *n, const qn_peerid *id)
{
    int i = invited_place(n, id);

    if (i >= 0)
        return &n->invited[i].relay;
    return n->snapshot != NULL ? qn_snapshot_find(n->snapshot, id) : NULL;
}

/* ---- candidates ------------------------------------------------------------------------------ */

/* A lab's exits are chosen in turns and open what they list, each its own: there the exit decides.
 */
bool paths_takes_port(const qn_node *n, const qn_relay *r, const qn_dest *d)
{
    return d == NULL || n->net.lab || qn_descriptor_exits_to(&r->d, d->port);
}

bool paths_port_refused(const qn_node *n, const qn_dest *d)
{
    bool exits = false;

    for (uint32_t i = 0; n->snapshot != NULL && i < n->snapshot->relays_n; i++) {
        const qn_relay *r = &n->snapshot->relays[i];

        if (!(r->d.roles & QN_ROLE_EXIT) || !qn_relay_usable(r, n->env->wall))
            continue;
        if (paths_takes_port(n, r, d))
            return false;
        exits = true;
    }
    return exits;
}

/* An older list may be all that somebody wants us to see. */
bool paths_list_fresh(const qn_node *n)
{
    return n->snapshot != NULL && n->env->wall - n->snapshot->valid_after < QN_SNAPSHOT_LIFE_S;
}

/* An invitation is good for as long as it tells a key to reach its node by. */
static bool usable(const qn_node *n, const qn_relay *r, bool guest)
{
    if (guest)
        return visits_reach_now(n, &r->d.id, r->d.card);
    return qn_relay_usable(r, n->env->wall) && visits_reach(n, r->d.card);
}

static void describe(const qn_node *n, const qn_relay *r, const qn_spot *spot, qn_candidate *c)
{
    *c = (qn_candidate){.id = r->d.id, .addr = r->d.addrs[0], .weight = r->weight, .as = spot->as};
    memcpy(c->country, spot->country, sizeof c->country);
    for (unsigned i = 0; i < r->d.via_n; i++)
        c->via[i] = qn_get64(r->d.via[i].b);
    if (!n->net.lab) {
        c->ports = r->d.ports;
        c->ports_n = r->d.ports_n;
        c->ranges = r->d.ranges;
        c->ranges_n = r->d.ranges_n;
    }
}

/* Who may be what at this moment, by our clock. */
static uint8_t flags_of(const qn_node *n, const qn_relay *r, bool guest)
{
    uint8_t flags = guest ? QN_CANDIDATE_INVITED : r->d.via_n > 0 ? QN_CANDIDATE_BEHIND : 0;

    if (!usable(n, r, guest))
        return 0;
    if (r->d.roles & QN_ROLE_RELAY)
        flags |= QN_CANDIDATE_RELAY;
    if (r->d.roles & QN_ROLE_EXIT)
        flags |= QN_CANDIDATE_EXIT;
    return flags;
}

/* Where the listed are, by our atlas. It is asked once for each list: 6 ms for ten thousand, which
 * no choice should take. Without an atlas there is nothing to keep: the list says what they claim.
 */
static qn_err look_up(const qn_node *n, const qn_snapshot *s, qn_spot **out)
{
    qn_spot *v = NULL;

    if (n->cfg.atlas != NULL && s->relays_n > 0) {
        v = qn_mem_get(&n->env->mem, s->relays_n * sizeof *v);
        if (v == NULL)
            return QN_NOMEM;
    }
    for (uint32_t i = 0; v != NULL && i < s->relays_n; i++)
        node_spot(n, &s->relays[i].d, &v[i]);
    *out = v;
    return QN_OK;
}

/* The whole list as candidates, for one choice: kept, they would cost every client of a process
 * that shares one list a copy of it. NULL: out of memory, or nobody is there. */
static qn_candidate *candidates_of(const qn_node *n, const qn_snapshot *s, const qn_spot *spots,
                                   uint32_t *count)
{
    qn_candidate *v;

    *count = s->relays_n + n->invited_n;
    v = *count > 0 ? qn_mem_get(&n->env->mem, *count * sizeof *v) : NULL;
    for (uint32_t i = 0; v != NULL && i < *count; i++) {
        const qn_relay *r = relay_at(n, s, i);
        qn_spot spot;

        if (spots != NULL && i < s->relays_n)
            spot = spots[i];
        else
            node_spot(n, &r->d, &spot);
        describe(n, r, &spot, &v[i]);
        v[i].flags = flags_of(n, r, i >= s->relays_n);
    }
    return v;
}

static void spots_put(qn_node *n, qn_spot *v, uint32_t count)
{
    qn_mem_put(&n->env->mem, v, v != NULL ? count * sizeof *v : 0);
}

qn_err paths_listed(qn_node *n, const qn_snapshot *s)
{
    qn_candidate *v = NULL;
    qn_spot *spots = NULL;
    uint32_t count = 0;
    qn_err err = look_up(n, s, &spots);

    if (err == QN_OK)
        v = candidates_of(n, s, spots, &count);
    if (err == QN_OK)
        err = count > 0 && v == NULL ? QN_NOMEM : QN_OK;
    for (unsigned i = 0; i < GUARD_SETS && err == QN_OK; i++)
        if (n->guards[i] != NULL)
            qn_guards_review(n->guards[i], n->env, v, count);
    qn_mem_put(&n->env->mem, v, v != NULL ? count * sizeof *v : 0);
    if (err != QN_OK) {
        spots_put(n, spots, s->relays_n);
        return err;
    }
    standing_review(n, s);
    spots_put(n, n->spots, n->spots_n);
    n->spots = spots;
    n->spots_n = s->relays_n;
    return QN_OK;
}

static void take_back(qn_node *n)
{
    qn_mem_put(&n->env->mem, n->guards_kept, QN_GUARDS_BYTES);
    n->guards_kept = NULL;
}

void paths_clear(qn_node *n)
{
    for (unsigned i = 0; i < GUARD_SETS; i++) {
        qn_mem_put(&n->env->mem, n->guards[i], sizeof *n->guards[i]);
        n->guards[i] = NULL;
    }
    take_back(n);
    spots_put(n, n->spots, n->spots_n);
    standing_clear(n);
}

/* ---- choosing -------------------------------------------------------------------------------- */

static void explain(const qn_node *n, const qn_candidate *v, const qn_path *p)
{
    char why[160];

    if (n->env->log.level < QN_LOG_DEBUG)
        return;
    for (unsigned i = 0; i < p->n; i++) {
        qn_path_explain(p, v, i, why, sizeof why);
        qn_log_line(n->env, QN_LOG_DEBUG, "path", "hop %u of %u: %s", i + 1, p->n, why);
    }
}

/* Whoever was invited enters by those who invited him. He leaves by them in one hop if they are
 * exits to there, otherwise that takes a listed exit. */
static bool enters_as_guest(const qn_node *n, const qn_candidate *v, uint32_t count,
                            const qn_path_wish *wish)
{
    for (uint32_t i = n->snapshot->relays_n; i < count; i++)
        if (wish->hops > 1 || qn_candidate_exits_to(&v[i], wish->port))
            return true;
    return false;
}

/* The guards of a set, made when it is first needed: most clients need one of the three. */
static qn_err guard_set(qn_node *n, unsigned set, qn_guards **out)
{
    if (n->guards[set] == NULL) {
        n->guards[set] = qn_mem_get(&n->env->mem, sizeof *n->guards[set]);
        if (n->guards[set] == NULL)
            return QN_NOMEM;
        qn_guards_init(n->guards[set], set_flag[set]);
    }
    *out = n->guards[set];
    return QN_OK;
}

/* In a lab all nodes may be on one machine, and every one of them is to be seen at work. */
static qn_err choose_among(qn_node *n, const qn_candidate *v, uint32_t count, const qn_dest *d,
                           uint8_t hops, qn_path *out)
{
    qn_path_wish wish = {.self = n->id,
                         .hops = hops,
                         .apart = n->net.lab ? QN_APART_FAMILY : QN_APART_ALL,
                         .port = d != NULL ? d->port : 0,
                         .turns = n->net.lab};
    const char *lacks = "";
    qn_err err = QN_OK;

    memcpy(wish.country, n->cfg.exit_country, sizeof wish.country);
    if (enters_as_guest(n, v, count, &wish)) {
        wish.entry = QN_CANDIDATE_INVITED;
        err = guard_set(n, GUARDS_INVITED, &wish.guards);
    } else if (!n->net.lab) {
        err = guard_set(n, hops == 1 ? GUARDS_EXIT : GUARDS_ENTRY, &wish.guards);
    }
    if (err != QN_OK)
        return err;
    err = qn_path_choose(out, n->env, v, count, &wish, &lacks);
    if (err == QN_OK)
        explain(n, v, out);
    else
        qn_log_line(n->env, QN_LOG_INFO, "path", "no path of %u: %s", hops, lacks);
    return err;
}

static qn_err choose(qn_node *n, const qn_dest *d, uint8_t hops, qn_path *out)
{
    qn_candidate *v;
    uint32_t count;
    qn_err err;

    if (!paths_list_fresh(n))
        return QN_NOPATH;
    v = candidates_of(n, n->snapshot, n->spots, &count);
    if (v == NULL)
        return count > 0 ? QN_NOMEM : QN_NOPATH;
    standing_tell(n, v);
    err = choose_among(n, v, count, d, hops, out);
    for (unsigned i = 0; err == QN_OK && i < hops; i++)
        standing_used(n, &v[out->hop[i].at].id);
    qn_mem_put(&n->env->mem, v, count * sizeof *v);
    return err;
}

qn_err paths_choose(qn_node *n, const qn_dest *d, qn_path *path, const qn_relay *out[QN_HOPS_MAX])
{
    qn_err err = choose(n, d, QN_HOPS_MAX, path);

    for (unsigned i = 0; err == QN_OK && i < QN_HOPS_MAX; i++)
        out[i] = relay_at(n, n->snapshot, path->hop[i].at);
    return err;
}

const qn_relay *paths_exit(qn_node *n, const qn_dest *d)
{
    qn_path path;
    qn_err err = choose(n, d, 1, &path);

    if (err == QN_OK)
        return relay_at(n, n->snapshot, path.hop[0].at);
    n->last_error = err;
    return NULL;
}

/* ---- what happened --------------------------------------------------------------------------- */

void paths_worked(qn_node *n, const qn_peerid *id)
{
    standing_worked(n, id);
    for (unsigned i = 0; i < GUARD_SETS; i++)
        if (n->guards[i] != NULL)
            qn_guards_worked(n->guards[i], id);
}

void paths_failed(qn_node *n, const qn_peerid *id)
{
    bool guard = false;

    heard_failed(n, id);
    for (unsigned i = 0; i < GUARD_SETS; i++)
        if (n->guards[i] != NULL) {
            qn_guards_failed(n->guards[i], n->env, id);
            guard |= qn_guards_has(n->guards[i], id);
        }
    if (!guard)
        standing_rests(n, id, n->env->now + REST);
}

void paths_late(qn_node *n, const qn_peerid *id)
{
    standing_rests(n, id, n->env->now + QN_CIRCUIT_BUILD_TIMEOUT);
}

/* ---- looking in ------------------------------------------------------------------------------ */

static uint32_t others_with(const circuit *c, const qn_peerid *id)
{
    uint32_t others = 0;

    for (const circuit *o = c->n->circuits; o != NULL; o = o->next)
        for (unsigned i = 0; o != c && !o->dead && i < o->core.hops_n; i++)
            others += qn_peerid_equal(&o->hops[i].id, id);
    return others;
}

static int64_t guard_since(const qn_node *n, const qn_peerid *id)
{
    const qn_guards *g = n->guards[GUARDS_ENTRY];

    for (unsigned i = 0; g != NULL && i < g->n; i++)
        if (qn_peerid_equal(&g->v[i].id, id))
            return g->v[i].since;
    return 0;
}

void paths_describe(const circuit *c, qn_circuit_info *out)
{
    qn_candidate at[QN_HOPS_MAX];
    qn_spot spot;

    out->tired = c->path.tired;
    for (unsigned i = 0; i < c->core.hops_n; i++) {
        const struct qn_path_hop *hop = &c->path.hop[i];
        qn_hop_info *why = &out->why[i];
        const qn_relay *r = paths_relay(c->n, &c->hops[i].id);

        *why = (qn_hop_info){.reason = qn_hop_reason_text(hop->reason),
                             .fitting = hop->fitting,
                             .share = hop->share,
                             .effective = hop->effective,
                             .others = others_with(c, &c->hops[i].id)};
        if (i == 0)
            why->guard_since = guard_since(c->n, &c->hops[i].id);
        at[i] = (qn_candidate){.weight = 0};
        if (r == NULL) /* the list has left it out since */
            continue;
        node_spot(c->n, &r->d, &spot);
        describe(c->n, r, &spot, &at[i]);
        memcpy(why->country, at[i].country, sizeof why->country);
        for (unsigned k = 0; k < i; k++)
            if (at[k].weight > 0)
                out->alike |= (uint8_t)qn_candidates_share(&at[i], &at[k]);
    }
}

/* ---- across restarts ------------------------------------------------------------------------- */

static qn_err take_stored(qn_node *n, unsigned set, qn_slice stored)
{
    qn_guards *g;
    qn_err err;

    if (stored.n == 0)
        return QN_OK;
    err = guard_set(n, set, &g);
    if (err == QN_OK && qn_guards_read(g, set_flag[set], stored) != QN_OK)
        qn_log_line(n->env, QN_LOG_WARN, "path", "the stored %s are damaged; drawing new ones",
                    store_name[set]);
    return err;
}

qn_err paths_start(qn_node *n)
{
    qn_err err = take_stored(n, GUARDS_ENTRY, n->cfg.stored_guards);
    qn_guards *guests = NULL;

    if (err == QN_OK)
        err = take_stored(n, GUARDS_EXIT, n->cfg.stored_exits);
    if (err == QN_OK && n->invited_n > 0)
        err = guard_set(n, GUARDS_INVITED, &guests);
    for (unsigned i = 0; guests != NULL && i < n->invited_n; i++)
        qn_guards_keep(guests, n->env, &n->invited[i].relay.d.id);
    n->cfg.stored_guards = n->cfg.stored_exits = (qn_slice){0};
    return err;
}

bool paths_store(qn_node *n, qn_action *a)
{
    if (n->guards_kept != NULL)
        take_back(n);
    for (unsigned i = 0; i < GUARDS_STORED; i++) {
        qn_guards *g = n->guards[i];

        if (g == NULL || !g->changed)
            continue;
        n->guards_kept = qn_mem_get(&n->env->mem, QN_GUARDS_BYTES);
        if (n->guards_kept == NULL)
            return false; /* still changed: with the next call */
        g->changed = false;
        *a = (qn_action){.type = QN_ACT_STORE,
                         .name = store_name[i],
                         .bytes = {n->guards_kept, qn_guards_write(g, n->guards_kept)}};
        return true;
    }
    return false;
}

void paths_store_again(qn_node *n, const char *name)
{
    for (unsigned i = 0; i < GUARDS_STORED; i++)
        if (n->guards[i] != NULL)
            n->guards[i]->changed |= strcmp(name, store_name[i]) == 0;
}

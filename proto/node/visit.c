/*
 * Who dials over HTX: what a visit plays, whether a site's name leads to the peer, and what becomes
 * of a visit that does not go on as a carrier. docs/wire/htx.md.
 */
#include "node/internal.h"

#include "crypto/siphash.h"
#include "htx/client.h"

#define CLOCKS_BYTES (VISIT_CLOCKS * sizeof(struct visit_clock))
enum { NAMES_FIRST = 4 };           /* doubled up to VISIT_NAMES */
enum { CLOCK_WRONG_S = 60 };        /* a tag's time may be 90 s off */
#define LATE (3 * QN_SEC)           /* the second answer: streams may go another way */
#define RESOLVED_FOR (60 * QN_SEC)  /* as long as browsers keep what the system resolved */
#define IDLE_DEFAULT (300 * QN_SEC) /* of browsers that leave the end to the site */

static const qn_htx_client *client_of(const neighbour *nb)
{
    return (const qn_htx_client *)(const void *)nb->under.carrier;
}

static bool is_visit(const neighbour *nb)
{
    return nb->outbound && !nb->under.inner && nb->n->visits != NULL;
}

/* ---- beginning and end ----------------------------------------------------------------------- */

qn_err visits_start(qn_node *n, const qn_htx_cfg *cfg, char why[160])
{
    visits *v = n->visits = qn_mem_get(&n->env->mem, sizeof *v);
    qn_err err;

    if (v == NULL)
        return QN_NOMEM;
    qn_rng_fill(n->env, v->name_key, sizeof v->name_key);
    if (qn_tls_tickets_new(&v->tickets, n->env) != QN_OK)
        return QN_NOMEM;
    err = guise_open(&v->guise, n->env, n->cfg.intern, cfg, why);
    if (err != QN_OK)
        return err;
    v->idle = v->guise->tls.idle != 0 ? v->guise->tls.idle * QN_SEC : IDLE_DEFAULT;
    if (cfg->idle != 0)
        v->idle = cfg->idle;
    if (qn_tls_profile_fresh(&v->guise->tls, n->env->wall) == QN_OK)
        return QN_OK;
    if (!n->cfg.lab)
        return node_wrong(why, "the browser profile is past its date and would stand out: update "
                               "QNet, or record one with tools/profile-record (see its --help)");
    qn_log_line(n->env, QN_LOG_WARN, "htx",
                "the browser profile is past its date: only a lab network goes on with it");
    return QN_OK;
}

void visits_clear(qn_node *n)
{
    if (n->visits == NULL)
        return;
    guise_close(n->visits->guise);
    qn_tls_tickets_free(n->visits->tickets, n->env);
    qn_mem_put(&n->env->mem, n->visits->known, n->visits->known_cap * sizeof *n->visits->known);
    qn_mem_put(&n->env->mem, n->visits->clock, CLOCKS_BYTES);
    qn_mem_put(&n->env->mem, n->visits, sizeof *n->visits);
    n->visits = NULL;
}

bool visits_aged(const qn_node *n)
{
    return n->visits != NULL && !n->cfg.lab &&
           qn_tls_profile_fresh(&n->visits->guise->tls, n->env->wall) != QN_OK;
}

/* ---- clocks ---------------------------------------------------------------------------------- */

static int64_t ahead_of(const qn_node *n, const qn_peerid *id)
{
    for (unsigned i = 0; n->visits->clock != NULL && i < VISIT_CLOCKS; i++)
        if (qn_peerid_equal(&n->visits->clock[i].id, id))
            return n->visits->clock[i].ahead;
    return 0;
}

/* Without memory the next visit there learns it again. */
static void keep_clock(qn_node *n, const qn_peerid *id, int64_t ahead)
{
    visits *v = n->visits;
    unsigned i = 0;

    if (v->clock == NULL)
        v->clock = qn_mem_get(&n->env->mem, CLOCKS_BYTES);
    if (v->clock == NULL)
        return;
    while (i < VISIT_CLOCKS && !qn_peerid_equal(&v->clock[i].id, id))
        i++;
    if (i == VISIT_CLOCKS)
        i = v->clock_next++ % VISIT_CLOCKS;
    v->clock[i] = (struct visit_clock){.id = *id, .ahead = ahead};
}

static void learn_clock(qn_node *n, const qn_peerid *id, int64_t ahead)
{
    visits *v = n->visits;

    keep_clock(n, id, ahead);
    v->clock_ahead = ahead;
    qn_log_line(n->env, QN_LOG_WARN, "htx",
                "by a web site's Date our clock is %lld s %s: set it; meanwhile we reckon with it",
                (long long)(ahead < 0 ? -ahead : ahead), ahead < 0 ? "fast" : "slow");
    node_event(n, &(qn_event){.type = QN_EV_CLOCK,
                              .peer = *id,
                              .value = (uint64_t)(ahead < 0 ? -ahead : ahead)});
}

/* ---- what a visit needs ---------------------------------------------------------------------- */

bool visits_reach(const qn_node *n, qn_slice card)
{
    return n->visits == NULL || card.n > 0;
}

bool visits_reach_now(const qn_node *n, const qn_peerid *id, qn_slice card)
{
    qn_htx_card c;

    if (n->visits == NULL || card.n == 0)
        return n->visits == NULL;
    return qn_htx_card_read(&c, card, QN_HTX_EPOCHS_MAX) == QN_OK &&
           qn_htx_card_at(&c, id, n->env->wall + ahead_of(n, id)) != NULL;
}

qn_err visits_target(qn_node *n, const whom *to, qn_htx_card *card, qn_htx_target *t)
{
    visits *v = n->visits;
    int64_t ahead = ahead_of(n, to->id);
    const qn_dh_public *mirror;
    qn_err err = qn_htx_card_read(card, to->card, QN_HTX_EPOCHS_MAX);

    if (err != QN_OK)
        return err;
    mirror = qn_htx_card_at(card, to->id, n->env->wall + ahead);
    if (mirror == NULL)
        return QN_EXPIRED;
    *t = (qn_htx_target){.tls = &v->guise->tls,
                         .shape = &v->guise->shape,
                         .h2 = &v->guise->h2,
                         .roots = v->guise->roots,
                         .name = card->name[qn_rng_below(n->env, card->names_n)],
                         .mirror = *mirror,
                         .ahead = ahead,
                         .first = card->first,
                         .second = card->second,
                         .first_n = card->first_n,
                         .second_n = card->second_n,
                         .max_record = card->largest_record,
                         .idle = v->idle,
                         .site_idle = card->idle * QN_SEC,
                         .site_requests = card->requests,
                         .tickets = v->tickets};
    return QN_OK;
}

/* The origin ends the connection then, and browsers make another in time: at 70 to 90 % of it. The
 * visit's own two requests renew nothing. */
void visits_renew(neighbour *nb, const qn_htx_card *card)
{
    qn_env *env = nb->n->env;
    uint64_t part = 700 + qn_rng_below(env, 201);
    uint64_t requests = QN_MAX(part * card->requests / 1000, UINT64_C(3));

    nb->under.renew_at = card->seconds == 0 ? QN_NEVER : env->now + part * card->seconds * QN_MS;
    nb->under.renew_asked = card->requests == 0 ? UINT32_MAX : (uint32_t)requests;
}

bool visits_crowd(const qn_node *n, const qn_peerid *id)
{
    unsigned there = 0;

    for (const neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        there += nb->under.raw && nb->outbound && qn_peerid_equal(&nb->id, id);
    return there >= QN_VISITORS_MAX;
}

/* ---- names ----------------------------------------------------------------------------------- */

static qn_slice name_of(const neighbour *nb)
{
    return qn_slice_of(client_of(nb)->name, client_of(nb)->name_n);
}

static bool same_ip(const qn_addr *a, const qn_addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == 4 ? 4 : 16) == 0;
}

bool visit_resolved_already(const neighbour *nb)
{
    const visits *v = nb->n->visits;
    uint64_t name = qn_siphash(v->name_key, name_of(nb));

    for (unsigned i = 0; i < v->known_cap; i++)
        if (v->known[i].name == name && v->known[i].until > nb->n->env->now &&
            same_ip(&v->known[i].addr, &nb->under.leg_addr[0]))
            return true;
    return false;
}

void visit_dest(const neighbour *nb, qn_dest *out)
{
    qn_slice name = name_of(nb);

    *out = (qn_dest){.type = 3, .name_len = (uint8_t)name.n, .port = nb->under.leg_addr[0].port};
    memcpy(out->name, name.p, name.n);
}

/* Where the next name goes; the oldest gives way when there is no memory for more. NULL: none. */
static struct visit_name *next_name(qn_node *n)
{
    visits *v = n->visits;
    uint32_t cap = v->known_cap > 0 ? 2 * v->known_cap : NAMES_FIRST;

    if (v->known_next == v->known_cap && cap <= VISIT_NAMES) {
        struct visit_name *more = qn_mem_get(&n->env->mem, cap * sizeof *more);

        if (more != NULL) {
            for (uint32_t i = 0; i < v->known_cap; i++)
                more[i] = v->known[i];
            qn_mem_put(&n->env->mem, v->known, v->known_cap * sizeof *more);
            v->known = more;
            v->known_cap = cap;
        }
    }
    return v->known_cap > 0 ? &v->known[v->known_next++ % v->known_cap] : NULL;
}

void visit_resolved(neighbour *nb, const qn_addr *addr, unsigned count, qn_err why)
{
    qn_node *n = nb->n;
    visits *v = n->visits;

    if (!nb->under.resolving)
        return;
    nb->under.resolving = false;
    for (unsigned i = 0; i < count; i++)
        if (same_ip(&addr[i], &nb->under.leg_addr[0])) {
            struct visit_name *at = next_name(n);

            if (at != NULL)
                *at = (struct visit_name){.name = qn_siphash(v->name_key, name_of(nb)),
                                          .addr = addr[i],
                                          .until = n->env->now + RESOLVED_FOR};
            v->elsewhere = false;
            conns_todo(&n->conns, nb->under.leg[0], TODO_DIAL);
            return;
        }
    v->elsewhere = why == QN_OK;
    qn_log_line(n->env, QN_LOG_INFO, "htx", "%s",
                why == QN_OK ? "a site's name does not lead to its peer" : "no answer for a name");
    neighbour_open_failed(nb, 0, QN_RESOLVE);
}

/* ---- what becomes of it ---------------------------------------------------------------------- */

/* The peer did not speak, so this is a visit and ends as one. Its link is over at once. */
static void only_a_visit(neighbour *nb, const qn_htx_look *look)
{
    qn_node *n = nb->n;
    int64_t off = look->dated ? look->ahead - ahead_of(n, &nb->id) : 0;

    if (off > CLOCK_WRONG_S || off < -CLOCK_WRONG_S)
        learn_clock(n, &nb->id, look->ahead);
    else if (nb->behalf == NULL)
        paths_failed(n, &nb->id);
    n->last_error = QN_REFUSED;
    qn_log_line(n->env, QN_LOG_INFO, "htx", "a peer did not speak: only its site answered");
    nb->under.raw = true;
    neighbour_end(nb, QN_CLOSE_GONE);
}

void visit_watch(neighbour *nb)
{
    qn_time now = nb->n->env->now;
    qn_htx_look look;

    if (!is_visit(nb) || nb->over || nb->under.lost)
        return;
    look = qn_htx_client_look(nb->under.carrier);
    if (look.phase == QN_HTX_VISITOR) {
        only_a_visit(nb, &look);
    } else if (look.phase == QN_HTX_WAITING && !nb->under.late && now >= look.since + LATE) {
        nb->under.late = true;
        if (nb->behalf == NULL)
            client_leave(nb);
    } else if (look.phase == QN_HTX_CARRYING && (look.draining || now >= nb->under.renew_at ||
                                                 look.asked >= nb->under.renew_asked)) {
        neighbour_retire(nb);
    }
}

qn_time visit_due(const neighbour *nb)
{
    qn_htx_look look;

    if (!is_visit(nb) || nb->over || nb->under.lost)
        return QN_NEVER;
    look = qn_htx_client_look(nb->under.carrier);
    if (look.phase == QN_HTX_WAITING && !nb->under.late)
        return look.since + LATE;
    return look.phase == QN_HTX_CARRYING && !nb->retired && !nb->moving ? nb->under.renew_at
                                                                        : QN_NEVER;
}

#include "node/crowd.h"

#include "base/ipjudge.h"
#include "node/internal.h"

enum { STRANGERS_SHARE = 4, LOOK_AT = 64 };

static const qn_grant hearings = {QN_HEARD_AT_ONCE, QN_HEARD_AT_ONCE / QN_HEARD_A_SECOND *QN_SEC};

void crowd_init(crowd *c, uint64_t seed)
{
    *c = (crowd){0};
    qn_map_init(&c->by_id, seed);
}

/* ---- prefixes -------------------------------------------------------------------------------- */

/* 0: none. */
static uint64_t prefix_of(const qn_addr *from)
{
    qn_addr a = qn_ip_plain(from);
    unsigned bytes = a.family == 4 ? 3 : 6;
    uint64_t id = a.family;

    if (!qn_ip_global(&a))
        return 0;
    for (unsigned i = 0; i < bytes; i++)
        id = id << 8 | a.ip[i];
    return id;
}

static void unkeep(crowd *c, crowd_prefix *p)
{
    *(p->prev != NULL ? &p->prev->next : &c->first) = p->next;
    *(p->next != NULL ? &p->next->prev : &c->last) = p->prev;
    c->kept--;
}

static void drop(crowd *c, qn_mem *mem, crowd_prefix *p)
{
    unkeep(c, p);
    qn_map_del(&c->by_id, mem, p->id);
    qn_mem_put(mem, p, sizeof *p);
}

/* Its rate is remembered for as long as there is room: what was spent longest ago goes first. */
static void keep(crowd *c, qn_mem *mem, crowd_prefix *p)
{
    p->prev = NULL;
    p->next = c->first;
    *(c->first != NULL ? &c->first->prev : &c->last) = p;
    c->first = p;
    c->kept++;
    if (c->kept > QN_PREFIXES_KEPT)
        drop(c, mem, c->last);
}

void crowd_clear(crowd *c, qn_mem *mem)
{
    while (c->first != NULL)
        drop(c, mem, c->first);
    qn_map_clear(&c->by_id, mem);
}

static crowd_prefix *find_or_make(crowd *c, qn_mem *mem, uint64_t id)
{
    crowd_prefix *p = qn_map_get(&c->by_id, id);

    if (p != NULL)
        return p;
    p = qn_mem_get(mem, sizeof *p);
    if (p == NULL)
        return NULL;
    p->id = id;
    if (qn_map_set(&c->by_id, mem, id, p) != QN_OK) {
        qn_mem_put(mem, p, sizeof *p);
        return NULL;
    }
    keep(c, mem, p);
    return p;
}

/* ---- strangers ------------------------------------------------------------------------------- */

static bool may_be_heard(crowd_prefix *p, qn_time now)
{
    if (qn_rate_wait(&p->heard, &hearings, now) != 0)
        return false;
    qn_rate_spend(&p->heard, &hearings, 1);
    return true;
}

bool crowd_enter(neighbour *nb, const qn_addr *from, bool *heard)
{
    qn_node *n = nb->n;
    uint64_t id = prefix_of(from), legs = n->cfg.carrier->legs;
    crowd_prefix *p;

    *heard = true;
    if (id == 0)
        return true;
    p = find_or_make(&n->crowd, &n->env->mem, id);
    if (p == NULL || p->strangers * legs * STRANGERS_SHARE >= node_strangers_max(n))
        return false;
    if (p->links++ == 0)
        unkeep(&n->crowd, p);
    nb->under.prefix = p;
    *heard = may_be_heard(p, n->env->now);
    return *heard || n->site != NULL;
}

void crowd_stranger(neighbour *nb, bool is)
{
    crowd_prefix *p = nb->under.prefix;
    uint32_t by = is ? 1 : (uint32_t)-1;

    if (nb->under.stranger == is)
        return;
    nb->under.stranger = is;
    nb->n->strangers += by;
    if (p != NULL)
        p->strangers += by;
}

/* ---- unnamed links --------------------------------------------------------------------------- */

static void link_recent(crowd *c, neighbour *nb)
{
    nb->more_recent = NULL;
    nb->less_recent = c->recent;
    *(c->recent != NULL ? &c->recent->more_recent : &c->stale) = nb;
    c->recent = nb;
}

static void unlink_recent(crowd *c, neighbour *nb)
{
    *(nb->more_recent != NULL ? &nb->more_recent->less_recent : &c->recent) = nb->less_recent;
    *(nb->less_recent != NULL ? &nb->less_recent->more_recent : &c->stale) = nb->more_recent;
}

void crowd_used(neighbour *nb)
{
    crowd *c = &nb->n->crowd;

    if (!nb->unnamed || c->recent == nb)
        return;
    unlink_recent(c, nb);
    link_recent(c, nb);
}

void crowd_leave(neighbour *nb)
{
    crowd *c = &nb->n->crowd;

    if (!nb->unnamed)
        return;
    nb->unnamed = false;
    c->unnamed--;
    unlink_recent(c, nb);
    if (nb->under.prefix != NULL)
        nb->under.prefix->unnamed--;
}

void crowd_forget(neighbour *nb)
{
    crowd_prefix *p = nb->under.prefix;

    crowd_leave(nb);
    crowd_stranger(nb, false);
    nb->under.prefix = NULL;
    if (p != NULL && --p->links == 0)
        keep(&nb->n->crowd, &nb->n->env->mem, p);
}

static uint32_t together(const neighbour *nb)
{
    return nb->under.prefix != NULL ? nb->under.prefix->unnamed : 1;
}

/* Of the first links that were not used for longest: the one with the most beside it. */
static neighbour *of_the_fullest(const crowd *c)
{
    neighbour *best = c->stale;
    unsigned seen = 0;

    for (neighbour *nb = c->stale; nb != NULL && seen < LOOK_AT; nb = nb->more_recent, seen++)
        if (together(nb) > together(best))
            best = nb;
    return best;
}

/* Its own prefix's stalest, as far as one looks; else the newcomer itself. */
static neighbour *of_its_own(const crowd *c, neighbour *newcomer)
{
    unsigned seen = 0;

    for (neighbour *nb = c->stale; nb != NULL && seen < LOOK_AT; nb = nb->more_recent, seen++)
        if (nb->under.prefix == newcomer->under.prefix)
            return nb;
    return newcomer;
}

/* A prefix gains no place from one that has fewer. */
static void make_way(neighbour *newcomer)
{
    crowd *c = &newcomer->n->crowd;
    neighbour *who = of_the_fullest(c);

    if (together(who) < together(newcomer))
        who = of_its_own(c, newcomer);
    crowd_leave(who);
    neighbour_end(who, QN_CLOSE_LIMIT);
}

void crowd_add(neighbour *nb)
{
    qn_node *n = nb->n;
    crowd *c = &n->crowd;

    nb->unnamed = true;
    c->unnamed++;
    link_recent(c, nb);
    if (nb->under.prefix != NULL)
        nb->under.prefix->unnamed++;
    if (n->conns.used * UINT64_C(100) >= node_conns_max(n) * QN_UNNAMED_MARK_PERCENT)
        make_way(nb);
}

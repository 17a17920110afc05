/*
 * What a node remembers of relays that its paths went through or that failed it. Of all others it
 * remembers nothing: a list has thousands, and a client meets a few.
 */
#include "node/internal.h"

enum { STANDINGS_FIRST = 4 };

static standing *find(const qn_node *n, const qn_peerid *id)
{
    for (uint32_t i = 0; i < n->standings_n; i++)
        if (qn_peerid_equal(&n->standings[i].id, id))
            return &n->standings[i];
    return NULL;
}

static bool grow(qn_node *n)
{
    uint32_t cap = n->standings_cap > 0 ? 2 * n->standings_cap : STANDINGS_FIRST;
    standing *v = qn_mem_get(&n->env->mem, cap * sizeof *v);

    if (v == NULL)
        return false;
    for (uint32_t i = 0; i < n->standings_n; i++)
        v[i] = n->standings[i];
    qn_mem_put(&n->env->mem, n->standings, n->standings_cap * sizeof *v);
    n->standings = v;
    n->standings_cap = cap;
    return true;
}

/* There are no more of them than relays in the list and invitations. NULL: not one of these, or no
 * memory, and then it goes on as one that nothing is known of. */
static standing *find_or_add(qn_node *n, const qn_peerid *id)
{
    standing *s = find(n, id);

    if (s != NULL || paths_relay(n, id) == NULL)
        return s;
    if (n->standings_n == n->standings_cap && !grow(n))
        return NULL;
    s = &n->standings[n->standings_n++];
    *s = (standing){.id = *id};
    return s;
}

void standing_used(qn_node *n, const qn_peerid *id)
{
    standing *s = find_or_add(n, id);

    if (s != NULL)
        s->used++;
}

void standing_rests(qn_node *n, const qn_peerid *id, qn_time until)
{
    standing *s = find_or_add(n, id);

    if (s != NULL)
        s->rest = QN_MAX(s->rest, until);
}

void standing_worked(qn_node *n, const qn_peerid *id)
{
    standing *s = find(n, id);

    if (s != NULL)
        s->rest = 0;
}

void standing_tell(const qn_node *n, qn_candidate *v)
{
    for (uint32_t i = 0; i < n->standings_n; i++) {
        const standing *s = &n->standings[i];
        const qn_relay *r = qn_snapshot_find(n->snapshot, &s->id);
        int guest = invited_place(n, &s->id);

        if (r != NULL) {
            v[r - n->snapshot->relays].rest = s->rest;
            v[r - n->snapshot->relays].used = s->used;
        }
        if (guest >= 0) {
            v[n->snapshot->relays_n + (uint32_t)guest].rest = s->rest;
            v[n->snapshot->relays_n + (uint32_t)guest].used = s->used;
        }
    }
}

void standing_review(qn_node *n, const qn_snapshot *s)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n->standings_n; i++)
        if (qn_snapshot_find(s, &n->standings[i].id) != NULL ||
            invited_place(n, &n->standings[i].id) >= 0)
            n->standings[kept++] = n->standings[i];
    n->standings_n = kept;
}

void standing_clear(qn_node *n)
{
    qn_mem_put(&n->env->mem, n->standings, n->standings_cap * sizeof *n->standings);
}

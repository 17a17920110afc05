/* Looking in: numbers for people and for tests. */
#include "node/internal.h"

static bool fresh(const qn_node *n, qn_time when, qn_time life)
{
    return when != 0 && n->env->now - when < life;
}

/* What a node waits for, in the order in which it gets it. */
static void phase(const qn_node *n, qn_status *s)
{
    bool links = false;

    for (const neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        links |= nb->under.up;
    if (n->snapshot == NULL) {
        s->phase = "directory";
        s->advice = n->invited_n > 0
                        ? "no node that invited us has let us in yet: if the connection works, the "
                          "invitation may have been revoked: ask for another"
                        : "no operator has answered yet: check the network file's addresses and "
                          "the connection";
    } else if (!links && n->neighbours_n > 0) {
        s->phase = "link";
        s->advice = "no link is up yet: the relays cannot be reached or refuse";
    } else if (n->cfg.route == QN_ROUTE_PRIVACY && n->counters.circuits_built == 0) {
        s->phase = "circuit";
        s->advice = n->last_error == QN_NOPATH
                        ? "the directory lists too few relays for three hops: wait, or choose fast"
                        : "no circuit has been built yet";
    } else {
        s->phase = "probe";
        s->advice = n->last_error == QN_NOPATH ? "the directory lists no exit that can be used"
                                               : "no exit has answered since it was last asked";
    }
}

static qn_state state_of(const qn_node *n, qn_status *s)
{
    bool works;

    if (n->cfg.socks)
        works = probe_works(n);
    else if (node_registers(n))
        works = n->asker.registered && fresh(n, n->asker.heard, QN_LIVE_FOR);
    else
        works = n->snapshot != NULL;
    s->phase = "ready";
    s->advice = "";
    if (works)
        return QN_CONNECTED;
    phase(n, s);
    return n->snapshot == NULL && n->asker.failures > 0 ? QN_OFFLINE : QN_CALIBRATING;
}

/* HTX's own troubles: they explain others, or come before them. */
static void htx_state(const qn_node *n, qn_status *s)
{
    const int64_t soon = 14 * 86400;

    if (n->visits == NULL)
        return;
    s->profile_until = n->visits->guise->tls.expires;
    s->clock_ahead = n->visits->clock_ahead;
    s->origin_down = n->site != NULL && n->site->down;
    if (s->origin_down)
        s->advice = "the origin does not answer, so nobody is let in: start the web site, or "
                    "correct its address";
    else if (visits_aged(n))
        s->advice = "the browser profile is past its date, so nobody is dialled: install a newer "
                    "one";
    else if (n->snapshot == NULL &&
             (s->clock_ahead > QN_CLOCK_SKEW_S || s->clock_ahead < -QN_CLOCK_SKEW_S))
        /* A site's word is enough for a tag, which proves nothing to us, but not to call a list
         * new: whoever has a site or two could have an old one believed. */
        s->advice = "by a web site's Date our clock is over ten minutes wrong, so no list of nodes "
                    "is believed: set the clock, nothing else helps";
    else if (s->clock_ahead != 0)
        s->advice = "by a web site's Date our clock is wrong: set it";
    else if (n->visits->elsewhere && s->state != QN_CONNECTED)
        s->advice =
            "a web site's name does not lead to its node: the resolver is wrong, or somebody "
            "changes its answers; use another one";
    else if (s->advice[0] == '\0' && n->env->wall + soon >= s->profile_until)
        s->advice = "the browser profile ends in less than two weeks: install a newer one";
}

const qn_network *qn_node_network(const qn_node *n)
{
    return &n->net;
}

void qn_node_counters(const qn_node *n, qn_counters *out)
{
    const qn_circuit_counts *c = &n->circuits_shared.counts;

    *out = n->counters;
    out->padding_cells = c->padding;
    out->padding_refused = c->padding_refused;
    out->cells_forward = c->cells_forward;
    out->cells_backward = c->cells_backward;
    out->relayed = c->relayed;
    out->aead_bytes = c->aead_bytes + n->tally.aead_bytes;
    out->dh = c->dh + n->tally.dh;
    out->handshakes = c->handshakes + n->tally.handshakes;
}

void qn_node_status(const qn_node *n, qn_status *out)
{
    *out = (qn_status){.mode = n->cfg.mode,
                       .route = n->cfg.route,
                       .last_error = n->last_error,
                       .id = n->id,
                       .listed = node_listed(n),
                       .invited_by = n->invited_n,
                       .heard = n->discovery.heard.n,
                       .reach = reach_state(n),
                       .last_probe = n->probe_ok,
                       .mem_used = n->env->mem.used,
                       .mem_peak = n->env->mem.peak};
    out->state = state_of(n, out);
    htx_state(n, out);
    out->distrusted = n->net.distrusted;
    if (out->distrusted != 0 && out->advice[0] == '\0')
        out->advice = "an operator of this network was caught signing two lists: its signature no "
                      "longer counts";
    if (n->op != NULL)
        measure_status(n, out);
    if (n->snapshot != NULL) {
        out->peers_known = n->snapshot->relays_n;
        out->snapshot_version = n->snapshot->version;
    }
    for (const neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        out->links += nb->under.up && !nb->over;
    for (const circuit *v = n->circuits; v != NULL; v = v->next)
        out->circuits += v->built && !v->dead;
    for (const edge *e = n->edges; e != NULL; e = e->next)
        out->streams += e->state == EDGE_OPEN;
    qn_node_counters(n, &out->counters);
}

/* Lists grow at their head; people read them oldest first. */
static const circuit *oldest_circuit(const qn_node *n, uint32_t i)
{
    const circuit *c = n->circuits;
    uint32_t live = 0, skip;

    for (; c != NULL; c = c->next)
        live += !c->dead;
    if (i >= live)
        return NULL;
    skip = live - 1 - i;
    for (c = n->circuits; c != NULL; c = c->next)
        if (!c->dead && skip-- == 0)
            return c;
    return NULL;
}

/* One-hop routes in use: our streams that are link streams themselves. */
static const edge *oldest_one_hop(const qn_node *n, uint32_t i)
{
    const edge *found = NULL;
    uint32_t live = 0;

    for (const edge *e = n->edges; e != NULL; e = e->next)
        live += !e->exit_side && e->tie.nb != NULL;
    if (i >= live)
        return NULL;
    for (const edge *e = n->edges; e != NULL && live > i; e = e->next)
        if (!e->exit_side && e->tie.nb != NULL) {
            live--;
            found = e;
        }
    return found;
}

static qn_circuit_info describe_circuit(const circuit *c)
{
    qn_circuit_info info = {.id = c->id,
                            .hops_len = c->core.hops_n,
                            .built = c->built,
                            .streams = c->streams,
                            .age = c->n->env->now - c->core.started,
                            .up = c->up,
                            .down = c->down};

    for (uint8_t k = 0; k < c->core.hops_n; k++)
        info.hop[k] = c->hops[k].id;
    if (c->first_given != 0)
        info.used = c->n->env->now - c->first_given;
    if (c->built)
        info.trip = trip_of(c);
    paths_describe(c, &info);
    return info;
}

static qn_circuit_info describe_one_hop(const edge *e)
{
    return (qn_circuit_info){.id = e->id,
                             .hops_len = 1,
                             .hop = {e->tie.nb->id},
                             .built = e->state == EDGE_OPEN,
                             .streams = 1,
                             .age = e->n->env->now - e->began,
                             .up = e->up,
                             .down = e->down};
}

bool qn_node_circuit(const qn_node *n, uint32_t i, qn_circuit_info *out)
{
    const circuit *c = oldest_circuit(n, i);
    const edge *e;
    uint32_t circuits = 0;

    if (c != NULL) {
        *out = describe_circuit(c);
        return true;
    }
    for (c = n->circuits; c != NULL; c = c->next)
        circuits += !c->dead;
    e = oldest_one_hop(n, i - circuits);
    if (e != NULL)
        *out = describe_one_hop(e);
    return e != NULL;
}

uint8_t qn_node_hops(const qn_node *n, uint64_t circuit_id, qn_peerid hop[3])
{
    for (const circuit *c = n->circuits; c != NULL; c = c->next) {
        if (c->id != circuit_id || c->dead)
            continue;
        for (uint8_t k = 0; k < c->core.hops_n; k++)
            hop[k] = c->hops[k].id;
        return c->core.hops_n;
    }
    return 0;
}

bool qn_node_peer(const qn_node *n, uint32_t i, qn_peer_info *out)
{
    const neighbour *nb = n->neighbours;
    uint32_t skip;

    if (i >= n->neighbours_n)
        return false;
    for (skip = n->neighbours_n - 1 - i; skip > 0; skip--)
        nb = nb->next;
    *out = (qn_peer_info){.id = nb->id,
                          .known = nb->known,
                          .outbound = nb->outbound,
                          .up = nb->under.up && !nb->over,
                          .streams = nb->link.streams_n,
                          .in = nb->link.in,
                          .out = nb->link.out,
                          .age = n->env->now - nb->since,
                          .queue_mean = nb->link.delay.mean,
                          .queue_high = nb->link.delay.high,
                          .resumes = nb->resumes};
    return true;
}

/* The directory as a world's own door shows it (qnet/directory.h), and where listed nodes are. */
#include "node/internal.h"
#include "qnet/directory.h"

_Static_assert(QN_DESCRIPTOR_ADDRS == sizeof((qn_listed *)0)->addrs / sizeof(qn_addr),
               "qn_listed has room for a descriptor's addresses");

void node_spot(const qn_node *n, const qn_descriptor *d, qn_spot *out)
{
    const qn_atlas *atlas = n->cfg.atlas;

    *out = (qn_spot){0};
    if (atlas != NULL)
        atlas->find(atlas->ctx, &d->addrs[0], out);
    if (out->country[0] == '\0')
        memcpy(out->country, d->country, sizeof out->country);
}

qn_directory_role qn_node_directory(const qn_node *n)
{
    if (!node_serves_directory(n))
        return QN_DIRECTORY_NONE;
    return n->op != NULL ? QN_DIRECTORY_OPERATOR : QN_DIRECTORY_MIRROR;
}

qn_err qn_node_register(qn_node *n, qn_slice descriptor, qn_slice heartbeat, bool *fresh)
{
    uint32_t before;
    qn_err err = QN_OK;

    if (n->op == NULL)
        return QN_STATE;
    if (descriptor.n == 0 && heartbeat.n == 0)
        return QN_PROTO;
    before = n->op->registry.n;
    if (descriptor.n > 0)
        err = operator_register(n, descriptor);
    if (err == QN_OK)
        *fresh = n->op->registry.n > before;
    if (err == QN_OK && heartbeat.n > 0)
        err = operator_heartbeat(n, heartbeat);
    node_settle(n);
    return err;
}

qn_err qn_node_prune(qn_node *n, qn_pruned *out)
{
    const qn_registry *r;

    if (n->op == NULL)
        return QN_STATE;
    r = &n->op->registry;
    *out = (qn_pruned){.removed = operator_prune(n), .total = r->n};
    for (uint32_t i = 0; i < r->n; i++)
        out->active += qn_registry_listed(r, r->v[i]);
    node_settle(n);
    return QN_OK;
}

/* ---- who is listed --------------------------------------------------------------------------- */

static void show(const qn_node *n, const qn_descriptor *d, qn_listed *out)
{
    qn_spot spot;

    node_spot(n, d, &spot);
    *out = (qn_listed){.id = d->id,
                       .addrs_n = d->addrs_n,
                       .relay = (d->roles & QN_ROLE_RELAY) != 0,
                       .exit = (d->roles & QN_ROLE_EXIT) != 0,
                       .directory = (d->roles & QN_ROLE_DIRECTORY) != 0};
    memcpy(out->addrs, d->addrs, sizeof out->addrs);
    memcpy(out->country, spot.country, sizeof out->country);
    memcpy(out->claimed, d->country, sizeof out->claimed);
}

/* Ages are measured on the monotonic clock: setting the wall clock moves both times alike. */
static int64_t wall_at(const qn_node *n, qn_time then)
{
    return n->env->wall - (int64_t)((n->env->now - then) / QN_SEC);
}

static bool next_registered(const qn_node *n, uint32_t *cursor, qn_listed *out)
{
    const qn_registry *r = &n->op->registry;

    while (*cursor < r->n) {
        const qn_registration *e = r->v[(*cursor)++];

        if (!qn_registry_listed(r, e))
            continue;
        show(n, &e->d, out);
        out->first_seen = wall_at(n, e->first_seen);
        out->last_seen = wall_at(n, e->seen);
        return true;
    }
    return false;
}

bool qn_node_listed(const qn_node *n, uint32_t *cursor, qn_listed *out)
{
    const qn_snapshot *s = n->snapshot;

    if (n->op != NULL)
        return next_registered(n, cursor, out);
    if (!node_serves_directory(n) || s == NULL || *cursor >= s->relays_n)
        return false;
    show(n, &s->relays[(*cursor)++].d, out);
    return true;
}

unsigned qn_directory_code(qn_err err)
{
    return qn_dir_code_of(err);
}

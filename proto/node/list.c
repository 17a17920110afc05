/*
 * The list this node goes by: how it is asked for, in which forms it comes, and what follows when a
 * newer one has been verified.
 */
#include "node/internal.h"

#include "dir/offer.h"

/* from: who sent it, in `came` bytes; NULL and 0: nobody did. */
static qn_err adopt(qn_node *n, qn_slice bytes, const qn_peerid *from, size_t came)
{
    qn_snapshot *old = n->snapshot, *s;
    qn_err err =
        qn_snapshot_open(&s, n->env, &n->net, n->cfg.intern, bytes, old != NULL ? old->version : 0);

    if (err == QN_STALE)
        proofs_compare(n, bytes);
    if (err != QN_OK)
        return err;
    err = proofs_adopt(n, s);
    if (err == QN_OK)
        err = paths_listed(n, s);
    if (err != QN_OK) {
        qn_snapshot_drop(s);
        return err;
    }
    n->snapshot = s;
    qn_snapshot_drop(n->cached);
    n->cached = NULL;
    n->list_whole = false;
    shelf_add(n, old);
    n->store_snapshot = true;
    qn_log_line(n->env, QN_LOG_INFO, "dir", "snapshot %llu lists %u nodes",
                (unsigned long long)s->version, s->relays_n);
    node_event(n, &(qn_event){.type = QN_EV_SNAPSHOT,
                              .id = s->version,
                              .peer = from != NULL ? *from : (qn_peerid){{0}},
                              .value = s->relays_n,
                              .up = qn_get64(s->body_hash.b),
                              .down = came});
    operator_listed(n);
    heard_listed(n);
    qn_snapshot_drop(old);
    if (n->cfg.socks) {
        client_wake_waiting(n);
        client_pool(n);
        if (n->probe_ok == 0)
            probe_start(n);
    }
    return QN_OK;
}

qn_slice list_kept(qn_slice kept, qn_slice *verified)
{
    qn_slice list;

    *verified = (qn_slice){0};
    return qn_offer_read(kept, &list, verified) == QN_OK ? list : kept;
}

qn_err node_adopt(qn_node *n, qn_slice bytes)
{
    return adopt(n, bytes, NULL, 0);
}

void list_request(const qn_node *n, qn_dir_message *m)
{
    *m = (qn_dir_message){.type = QN_DIR_LIST, .root = n->root_held};
    if (n->snapshot == NULL || n->list_whole)
        return;
    m->version = n->snapshot->version;
    m->bytes = qn_slice_of(n->snapshot->body_hash.b, sizeof n->snapshot->body_hash.b);
}

/* A delta is for the list we named when we asked; meanwhile another may have come. */
static qn_err apply(qn_node *n, qn_slice delta, const qn_peerid *from, size_t came)
{
    qn_blob whole = {0};
    qn_err err =
        n->snapshot != NULL ? qn_delta_apply(&whole, n->env, n->snapshot, delta) : QN_STALE;

    if (err == QN_OK)
        err = adopt(n, qn_slice_of(whole.p, whole.n), from, came);
    qn_blob_clear(&whole, &n->env->mem);
    return err;
}

qn_err list_answer(qn_node *n, const qn_dir_message *m, const qn_peerid *from)
{
    qn_blob plain = {0};
    qn_slice bytes;
    qn_err err;

    if (m->type == QN_DIR_UNCHANGED)
        return QN_OK;
    if (m->type == QN_DIR_ROOTS)
        return roots_take(n, m->bytes);
    if (m->type == QN_DIR_SNAPSHOT)
        return adopt(n, m->bytes, from, m->bytes.n);
    if (m->type != QN_DIR_PACKED && m->type != QN_DIR_DELTA)
        return QN_PROTO;
    err = qn_unpack(&plain, &n->env->mem, m->bytes, QN_SNAPSHOT_MAX);
    bytes = qn_slice_of(plain.p, plain.n);
    if (err == QN_OK)
        err = m->type == QN_DIR_PACKED ? adopt(n, bytes, from, m->bytes.n)
                                       : apply(n, bytes, from, m->bytes.n);
    /* Whose fault it was does not matter: the next answer is to depend on nothing we hold. */
    if (m->type == QN_DIR_DELTA && err != QN_OK && err != QN_STALE)
        n->list_whole = true;
    qn_blob_clear(&plain, &n->env->mem);
    return err;
}

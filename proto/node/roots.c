/*
 * Who the operators are by now: the roots this node knows, which it takes up one after the other
 * and passes on. An operator goes on under the root it started with: its place among the others and
 * their turns hang on it, so it is started again (docs/guide-found-a-network.md).
 */
#include "node/internal.h"

/* Those of `chain` that follow what we have: checked, and behind ours. n->net is theirs then. */
static qn_err extend(qn_node *n, qn_network *net, qn_slice chain)
{
    qn_slice fresh;
    qn_blob longer;
    qn_err err = qn_roots_after(chain, net->root, &fresh);

    if (err == QN_OK && fresh.n > QN_ROOTS_MAX - n->roots.n)
        err = QN_LIMIT;
    if (err == QN_OK)
        err = qn_roots_apply(net, fresh);
    if (err != QN_OK || fresh.n == 0)
        return err;
    if (qn_blob_new(&longer, &n->env->mem, n->roots.n + fresh.n) != QN_OK)
        return QN_NOMEM;
    if (n->roots.n > 0)
        memcpy(longer.p, n->roots.p, n->roots.n);
    memcpy(longer.p + n->roots.n, fresh.p, fresh.n);
    longer.n = longer.cap;
    qn_blob_clear(&n->roots, &n->env->mem);
    n->roots = longer;
    n->root_held = net->root;
    return QN_OK;
}

static qn_err keep(qn_node *n, qn_slice chain)
{
    if (chain.n == 0)
        return QN_OK;
    if (qn_blob_new(&n->roots, &n->env->mem, chain.n) != QN_OK)
        return QN_NOMEM;
    memcpy(n->roots.p, chain.p, chain.n);
    n->roots.n = chain.n;
    return QN_OK;
}

/* The network file has some, an earlier run may have heard of more. */
qn_err roots_start(qn_node *n, char why[160])
{
    qn_slice file = n->net.roots, stored = n->cfg.stored_roots;
    bool more = qn_roots_last(stored) > qn_roots_last(file);

    n->net.roots = n->cfg.stored_roots = (qn_slice){0};
    if (stored.n > QN_ROOTS_MAX || qn_roots_apply(&n->net, stored) != QN_OK)
        /* going on without would go back to operators who may be gone */
        return node_wrong(why, "the stored roots do not follow the network file: restore them, or "
                               "join with a network file that has the newest");
    n->root_held = n->net.root;
    n->store_roots = !more && file.n > 0;
    return keep(n, more ? stored : file);
}

void roots_clear(qn_node *n)
{
    qn_blob_clear(&n->roots, &n->env->mem);
}

/* Proofs are kept by an operator's place, which may be another one now. */
static void place_proofs(qn_node *n)
{
    uint8_t bytes[QN_EQUIVOCATIONS_MAX];
    qn_slice proofs = proofs_write(n, bytes);

    proofs_clear(n);
    if (proofs_read(n, proofs) != QN_OK)
        qn_log_line(n->env, QN_LOG_WARN, "dir", "no memory for the proofs of two lists");
}

qn_err roots_take(qn_node *n, qn_slice roots)
{
    qn_network next = n->net;
    qn_err err = qn_roots_apply(&next, qn_slice_of(n->roots.p, n->roots.n));
    uint32_t before = n->root_held;

    if (err == QN_OK)
        err = extend(n, &next, roots);
    if (err == QN_OK && n->root_held == before)
        err = QN_PROTO;
    if (err != QN_OK)
        return err;
    n->store_roots = true;
    if (n->op != NULL) {
        qn_log_line(n->env, QN_LOG_WARN, "dir",
                    "root %u names the operators now: start this one again under it", n->root_held);
        return QN_OK;
    }
    n->net = next;
    place_proofs(n);
    qn_log_line(n->env, QN_LOG_INFO, "dir", "root %u: %u operators, %u of them sign a list",
                n->net.root, n->net.operators_n, n->net.threshold);
    return QN_OK;
}

qn_slice roots_after(const qn_node *n, uint32_t number)
{
    qn_slice rest, behind;
    size_t fits = 0;

    if (qn_roots_after(qn_slice_of(n->roots.p, n->roots.n), number, &rest) != QN_OK)
        return (qn_slice){0};
    for (uint32_t last = number + 1; last <= n->root_held; last++) {
        if (qn_roots_after(rest, last, &behind) != QN_OK || rest.n - behind.n > QN_FRAME_DATA_MAX)
            break;
        fits = rest.n - behind.n;
    }
    return qn_slice_of(rest.p, fits);
}

bool roots_store(qn_node *n, qn_action *a)
{
    if (!n->store_roots)
        return false;
    n->store_roots = false;
    *a = (qn_action){
        .type = QN_ACT_STORE, .name = "roots", .bytes = qn_slice_of(n->roots.p, n->roots.n)};
    return true;
}

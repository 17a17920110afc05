/*
 * Operators who signed two lists of one version: how a node finds out, remembers and says so. Their
 * signatures do not count from then on, here and wherever the proof comes to.
 */
#include "node/internal.h"

/* Few nodes ever know of one, so nobody has room for them before that. */
struct proofs {
    qn_equivocations known;
    uint8_t file[QN_EQUIVOCATIONS_MAX]; /* what STORE names, until the next call */
};

static qn_equivocations *table(qn_node *n)
{
    if (n->proofs == NULL)
        n->proofs = qn_mem_get(&n->env->mem, sizeof *n->proofs);
    return n->proofs != NULL ? &n->proofs->known : NULL;
}

void proofs_clear(qn_node *n)
{
    qn_mem_put(&n->env->mem, n->proofs, sizeof *n->proofs);
    n->proofs = NULL;
}

static void learned(qn_node *n)
{
    uint16_t fresh = n->proofs->known.proven & (uint16_t)~n->net.distrusted;

    if (fresh == 0)
        return;
    n->net.distrusted |= fresh;
    n->store_proofs = true;
    for (unsigned i = 0; i < n->net.operators_n; i++)
        if ((fresh >> i & 1) != 0)
            qn_log_line(n->env, QN_LOG_ERROR, "dir",
                        "operator %u signed two lists of one version: its signature does not "
                        "count any more",
                        i);
    operator_listed(n);
}

qn_err proofs_add(qn_node *n, qn_slice proof)
{
    qn_err err =
        table(n) != NULL ? qn_equivocations_add(&n->proofs->known, &n->net, proof) : QN_NOMEM;

    if (err == QN_OK)
        learned(n);
    return err == QN_STALE ? QN_OK : err;
}

qn_err proofs_read(qn_node *n, qn_slice proofs)
{
    qn_err err = QN_OK;

    if (proofs.n == 0)
        return QN_OK;
    err = table(n) != NULL ? qn_equivocations_read(&n->proofs->known, &n->net, proofs) : QN_NOMEM;
    if (n->proofs != NULL)
        learned(n);
    return err;
}

qn_err proofs_adopt(qn_node *n, const qn_snapshot *s)
{
    return (s->proven & ~n->net.distrusted) != 0 ? proofs_read(n, s->proofs) : QN_OK;
}

qn_slice proofs_write(const qn_node *n, uint8_t out[QN_EQUIVOCATIONS_MAX])
{
    if (n->proofs == NULL)
        return (qn_slice){0};
    return qn_slice_of(out, qn_equivocations_write(&n->proofs->known, out));
}

bool proofs_store(qn_node *n, qn_action *a)
{
    qn_slice bytes = {0};

    if (!n->store_proofs)
        return false;
    n->store_proofs = false;
    if (n->proofs != NULL) /* else roots_take has dropped them all: the file is emptied */
        bytes = proofs_write(n, n->proofs->file);
    *a = (qn_action){.type = QN_ACT_STORE, .name = "equivocations", .bytes = bytes};
    return true;
}

/* ---- finding out ----------------------------------------------------------------------------- */

static void clash(qn_node *n, const qn_statement *a, const qn_statement *b)
{
    uint8_t proof[QN_EQUIVOCATION_MAX];

    if (qn_statements_clash(a, b))
        (void)proofs_add(n, qn_slice_of(proof, qn_equivocation_write(&n->net, a, b, proof)));
}

static qn_statement statement(const qn_signed_list *o, unsigned i)
{
    return (qn_statement){.operator_index = o->v[i].operator_index,
                          .version = o->valid_after,
                          .until = o->valid_until,
                          .hash = o->hash,
                          .signature = o->v[i].signature};
}

void proofs_heard(qn_node *n, const qn_signed_list *o)
{
    for (unsigned i = 0; i < o->n; i++) {
        qn_statement s = statement(o, i);
        qn_statement *last = &n->op->heard[s.operator_index];

        if (last->version == s.version)
            clash(n, last, &s);
        else if (s.version > last->version)
            *last = s;
    }
}

/* Whoever holds one list and is shown another of its version. */
void proofs_compare(qn_node *n, qn_slice other)
{
    qn_signed_list a, b;

    if (n->snapshot == NULL || qn_signed_list_open(&b, n->env, &n->net, other) != QN_OK ||
        (uint64_t)b.valid_after != n->snapshot->version ||
        memcmp(b.hash.b, n->snapshot->body_hash.b, sizeof b.hash.b) == 0 ||
        qn_signed_list_open(&a, n->env, &n->net, n->snapshot->bytes) != QN_OK)
        return;
    for (unsigned i = 0; i < a.n; i++)
        for (unsigned j = 0; j < b.n; j++) {
            qn_statement x = statement(&a, i), y = statement(&b, j);

            clash(n, &x, &y);
        }
}

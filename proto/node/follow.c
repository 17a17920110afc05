/*
 * Several nodes of one process with the same keys, each on a thread of its own: one leads, the
 * others follow (docs/decisions/0017). What the leader gives STORE is what the followers are told.
 */
#include "node/internal.h"

/* An operator caught by one of us is caught for all: this way goes both ways. */
static void told_of_proofs(qn_node *n, qn_slice proofs)
{
    if (proofs_read(n, proofs) != QN_OK)
        qn_log_line(n->env, QN_LOG_WARN, "dir", "what another loop found out is of no use");
}

/* It is judged like everybody's; one that is not newer is no news. */
static void told_of_list(qn_node *n, qn_slice list)
{
    qn_err err = node_adopt(n, list);

    if (err != QN_OK && err != QN_STALE)
        qn_log_line(n->env, QN_LOG_WARN, "dir", "another loop's list is of no use: %s",
                    qn_err_text(err));
    asker_freshen(n);
}

void qn_node_told(qn_node *n, const char *name, qn_slice bytes)
{
    if (strcmp(name, "equivocations") == 0)
        told_of_proofs(n, bytes);
    else if (n->cfg.follower && strcmp(name, "snapshot") == 0)
        told_of_list(n, bytes);
    else if (n->cfg.follower && strcmp(name, "mirror-keys") == 0)
        site_told(n, bytes);
    node_settle(n);
}

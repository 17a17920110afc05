/*
 * Several nodes of one process with the same keys, each on a thread of its own: one leads, the
 * others follow (docs/decisions/0017). What the leader gives STORE is what the followers are told.
 */
#include "node/internal.h"

/* An operator caught by one of us is caught for all: this way goes both ways, as for roots. */
static qn_err told_of_proofs(qn_node *n, qn_slice proofs)
{
    return proofs_read(n, proofs);
}

/* Those that we have too are no news. */
static qn_err told_of_roots(qn_node *n, qn_slice roots)
{
    return qn_roots_last(roots) > n->root_held ? roots_take(n, roots) : QN_OK;
}

/* It is judged like everybody's; one that is not newer is no news. */
static qn_err told_of_list(qn_node *n, qn_slice list)
{
    qn_slice verified;
    qn_err err = node_adopt(n, list_kept(list, &verified));

    return err == QN_STALE ? QN_OK : err;
}

static qn_err told_of_keys(qn_node *n, qn_slice mirror_keys)
{
    site_told(n, mirror_keys);
    return QN_OK;
}

/* For those who were invited: they compare it with what they were given. */
static qn_err told_of_descriptor(qn_node *n, qn_slice descriptor)
{
    asker_described(n, descriptor);
    return QN_OK;
}

static qn_err told_of_nonce(qn_node *n, qn_slice nonce)
{
    return nonce.n == 8 ? reach_brought(n, qn_get64(nonce.p)) : QN_PROTO;
}

enum { TO_LEADER = 1, TO_FOLLOWER = 2 };

static const struct news {
    const char *name;
    unsigned way;
    qn_err (*take)(qn_node *n, qn_slice bytes);
} all_news[] = {{"equivocations", TO_LEADER | TO_FOLLOWER, told_of_proofs},
                {"roots", TO_LEADER | TO_FOLLOWER, told_of_roots},
                {"snapshot", TO_FOLLOWER, told_of_list},
                {"mirror-keys", TO_FOLLOWER, told_of_keys},
                {"descriptor", TO_FOLLOWER, told_of_descriptor},
                {"reached", TO_LEADER, told_of_nonce}};

static const struct news *news_of(const char *name, bool to_follower)
{
    for (size_t i = 0; i < QN_LEN(all_news); i++)
        if (strcmp(all_news[i].name, name) == 0 &&
            (all_news[i].way & (to_follower ? TO_FOLLOWER : TO_LEADER)) != 0)
            return &all_news[i];
    return NULL;
}

bool qn_node_tells(const char *name, bool to_follower)
{
    return news_of(name, to_follower) != NULL;
}

void qn_node_told(qn_node *n, const char *name, qn_slice bytes)
{
    const struct news *news = news_of(name, n->cfg.follower);
    qn_err err = news != NULL ? news->take(n, bytes) : QN_OK;

    if (err != QN_OK)
        qn_log_line(n->env, QN_LOG_WARN, "node", "of another loop's %s no use was made: %s", name,
                    qn_err_text(err));
    node_settle(n);
}

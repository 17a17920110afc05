/* A node's beginning and end. */
#include "node/internal.h"

#include "dir/vouch.h"

#include <stdio.h>

qn_err node_wrong(char why[160], const char *sentence)
{
    (void)snprintf(why, 160, "%s", sentence);
    return QN_CONFIG;
}

static qn_err check_network(const qn_node_cfg *cfg, char why[160])
{
    if (cfg->network == NULL || cfg->network->operators_n == 0)
        return node_wrong(why, "no network: give a network file");
    if (cfg->network->lab != cfg->lab)
        return node_wrong(why, cfg->lab ? "--lab was given, but the network file is not a lab's"
                                        : "this is a lab network: it needs --lab");
    return QN_OK;
}

static bool reaches_nobody(const qn_node_cfg *cfg)
{
    for (uint8_t i = 0; i < cfg->network->operators_n; i++)
        if (cfg->network->operators[i].card.n > 0)
            return false;
    return !cfg->has_operator && cfg->stored_snapshot.n == 0 && cfg->invited.n == 0;
}

static qn_err check_carrier(const qn_node_cfg *cfg, char why[160])
{
    if (cfg->carrier == NULL)
        return node_wrong(why, "no carrier was chosen");
    if (cfg->carrier->lab_only && !cfg->lab)
        return node_wrong(why, "this carrier has no disguise and is for lab networks only");
    if (cfg->carrier != &qn_carrier_htx)
        return QN_OK;
    if (cfg->htx == NULL)
        return node_wrong(why, "HTX needs a browser profile and trusted certificates");
    if (reaches_nobody(cfg))
        return node_wrong(why, "the network file says of no operator how HTX reaches it, and no "
                               "list is stored");
    return QN_OK;
}

static bool seed_is_operators(qn_env *env, const qn_node_cfg *cfg)
{
    qn_sign_secret secret;
    qn_sign_public pub;
    bool found = false;

    (void)env;
    memcpy(secret.seed, cfg->operator_seed.b, sizeof secret.seed);
    qn_sign_derive(&secret, &pub);
    qn_wipe(&secret, sizeof secret);
    for (uint8_t i = 0; i < cfg->network->operators_n; i++)
        found |= memcmp(cfg->network->operators[i].sign_key, pub.b, sizeof pub.b) == 0;
    return found;
}

static qn_err check_roles(qn_env *env, const qn_node_cfg *cfg, char why[160])
{
    unsigned modes;

    if (cfg->mode > QN_SUPER)
        return node_wrong(why, "no such mode");
    modes = IN_MODES(cfg->mode);
    if (cfg->mode != QN_CLIENT && cfg->listen.family == 0)
        return node_wrong(why, "this mode is reached by others: give a listen address");
    if ((modes & (IN_MODES(QN_EXIT) | IN_MODES(QN_SUPER))) && cfg->contact[0] == '\0')
        return node_wrong(why,
                          "an exit needs an abuse contact: set exit.contact or EXIT_ABUSE_EMAIL");
    if (cfg->exit_allow_n > 0 && !cfg->lab)
        return node_wrong(why,
                          "exit.allow opens non-global addresses and is for lab networks only");
    if (cfg->has_operator && !(modes & (IN_MODES(QN_BOOTSTRAP) | IN_MODES(QN_SUPER))))
        return node_wrong(why, "an operator key belongs to a bootstrap or super node");
    if (cfg->has_operator && !seed_is_operators(env, cfg))
        return node_wrong(why, "the operator key is not one of the network file's");
    return QN_OK;
}

static bool psks_ok(const qn_secret32 *psk, unsigned count)
{
    static const qn_secret32 zero;

    for (unsigned i = 0; i < count && count <= QN_PSKS_MAX; i++)
        if (qn_equal(psk[i].b, zero.b, sizeof zero.b))
            return false;
    return count <= QN_PSKS_MAX;
}

static qn_err check_unlisted(const qn_node_cfg *cfg, char why[160])
{
    unsigned relays = IN_MODES(QN_RELAY) | IN_MODES(QN_EXIT) | IN_MODES(QN_SUPER);

    if (cfg->invited.n > 0 && cfg->mode != QN_CLIENT)
        return node_wrong(why, "invitations are for clients");
    if (!cfg->unlisted)
        return QN_OK;
    if ((IN_MODES(cfg->mode) & relays) == 0)
        return node_wrong(why, "only relay, exit and super can be unlisted");
    if (cfg->has_operator)
        return node_wrong(why, "an operator's address stands in the network file: it cannot be "
                               "unlisted");
    if (cfg->carrier != &qn_carrier_htx)
        return node_wrong(why, "an unlisted node needs HTX: others can be found by their looks");
    return psks_ok(cfg->psk, cfg->psks_n)
               ? QN_OK
               : node_wrong(why, "a node has at most 16 keys of invitations, and none is zero");
}

static qn_err start_exit(qn_node *n, char why[160])
{
    const qn_node_cfg *c = &n->cfg;
    qn_err err =
        qn_policy_init(&n->policy, c->exit_ports, c->exit_ports_n, c->exit_allow, c->exit_allow_n);

    if (err == QN_OK && c->listen.family != 0)
        err = qn_policy_own(&n->policy, &c->listen);
    if (err != QN_OK)
        return node_wrong(why,
                          "exit.ports or exit.allow is not usable: ports are 1..65535, a prefix "
                          "has no bits behind its length");
    if (node_exits(n) && qn_policy_rules(&n->policy, c->exit_rules, c->exit_rules_n) != QN_OK)
        return node_wrong(why, "exit.rule opens no port to all destinations, or more ports and "
                               "ranges than a descriptor lists (34 and 16)");
    grant_init(n);
    return QN_OK;
}

static qn_err start_keys(qn_node *n)
{
    qn_circuits *s = &n->circuits_shared;
    qn_dh_secret secret;
    qn_err err = qn_keys_peerid(n->env, &n->cfg.keys, &n->id);

    *s = (qn_circuits){.env = n->env, .budget = &n->budget};
    memcpy(s->network, n->net.id, sizeof s->network);
    s->self = n->id;
    s->padding = n->cfg.padding ? QN_PAD_BURSTS : QN_PAD_NONE;
    memcpy(secret.b, n->cfg.keys.onion.b, sizeof secret.b);
    if (err == QN_OK && node_relays(n)) {
        err = qn_onion_key_init(n->env, &secret, &s->keys[0]);
        s->keys_n = 1;
    }
    memcpy(secret.b, n->cfg.keys.link.b, sizeof secret.b);
    qn_dh_derive(&secret, &n->link_public);
    qn_vouch_sign(&n->vouch, n->net.id, &n->cfg.keys.identity, QN_VOUCHED_LINK, &n->link_public);
    qn_wipe(&secret, sizeof secret);
    return err;
}

static qn_err start_htx(qn_node *n, char why[160])
{
    const qn_htx_cfg *cfg = n->cfg.htx;
    qn_err err = QN_OK;

    n->cfg.htx = NULL;
    if (n->cfg.carrier != &qn_carrier_htx)
        return QN_OK;
    err = visits_start(n, cfg, why);
    return err == QN_OK && n->cfg.mode != QN_CLIENT ? site_start(n, cfg, why) : err;
}

/* QN_NOMEM is all that matters: another list will come. */
static qn_err take_list(qn_node *n, qn_slice *verified)
{
    qn_slice list = list_kept(n->cfg.stored_snapshot, verified);
    qn_err err;

    if (list.n == 0)
        return QN_OK;
    err = node_adopt(n, list);
    if (err == QN_EXPIRED)
        err = qn_snapshot_recall(&n->cached, n->env, &n->net, n->cfg.intern, list);
    if (err != QN_OK && err != QN_NOMEM)
        qn_log_line(n->env, QN_LOG_INFO, "dir", "the stored snapshot is of no use: %s",
                    qn_err_text(err));
    n->store_snapshot = false;
    return err == QN_NOMEM ? err : QN_OK;
}

static qn_err start(qn_node *n, char why[160])
{
    qn_slice verified;
    qn_err err = start_keys(n);

    if (err == QN_OK)
        err = roots_start(n, why);
    if (err == QN_OK)
        err = start_exit(n, why);
    if (err == QN_OK)
        err = start_htx(n, why);
    if (err == QN_OK)
        err = invited_start(n, why);
    if (err == QN_OK)
        gossip_start(n);
    if (err == QN_OK)
        err = paths_start(n);
    if (err == QN_OK && proofs_read(n, n->cfg.stored_equivocations) == QN_NOMEM)
        return QN_NOMEM;
    n->cfg.stored_equivocations = (qn_slice){0};
    if (err == QN_OK)
        err = take_list(n, &verified);
    if (err == QN_OK)
        err = operator_start(n, verified, why);
    n->cfg.stored_snapshot = (qn_slice){0};
    if (err == QN_OK)
        err = asker_start(n);
    if (err == QN_OK)
        client_start(n);
    return err;
}

qn_err qn_node_own(qn_node *n, const qn_addr *listener)
{
    return qn_policy_own(&n->policy, listener);
}

qn_err qn_node_admit(qn_node *n, const qn_secret32 *psk, unsigned count)
{
    if (!n->cfg.unlisted || !psks_ok(psk, count))
        return QN_CONFIG;
    qn_wipe(n->cfg.psk, sizeof n->cfg.psk);
    for (unsigned i = 0; i < count; i++)
        n->cfg.psk[i] = psk[i];
    n->cfg.psks_n = (uint8_t)count;
    site_admit(n);
    return QN_OK;
}

qn_err qn_node_new(qn_node **out, const qn_node_cfg *cfg, qn_env *env, char why[160])
{
    qn_node *n;
    qn_err err;

    why[0] = '\0';
    err = check_network(cfg, why);
    if (err == QN_OK)
        err = check_carrier(cfg, why);
    if (err == QN_OK)
        err = check_roles(env, cfg, why);
    if (err == QN_OK)
        err = check_unlisted(cfg, why);
    if (err != QN_OK)
        return err;
    n = qn_mem_get(&env->mem, sizeof *n);
    if (n == NULL) {
        (void)node_wrong(why, qn_err_text(QN_NOMEM));
        return QN_NOMEM;
    }
    n->env = env;
    n->cfg = *cfg;
    n->net = *cfg->network;
    n->cfg.network = &n->net;
    qn_map_init(&n->named, qn_rng_u32(env));
    qn_map_init(&n->rights, n->named.seed);
    crowd_init(&n->crowd, n->named.seed);
    n->budget.limit = cfg->credit_budget ? cfg->credit_budget : QN_CREDIT_BUDGET;
    err = start(n, why);
    if (err == QN_OK) {
        node_settle(n);
        *out = n;
    } else {
        if (why[0] == '\0')
            (void)node_wrong(why, qn_err_text(err));
        qn_node_free(n);
    }
    return err;
}

/* Edges first: they untie themselves from links and circuits. */
static void free_all(qn_node *n)
{
    n->chore_first = n->chore_last = NULL;
    while (n->edges != NULL)
        edge_free(n->edges);
    while (n->circuits != NULL)
        client_free(n->circuits);
    while (n->relays != NULL)
        relay_free(n->relays);
    reach_clear(n);
    rendezvous_clear(n);
    passages_clear(n);
    while (n->answers != NULL)
        answer_free(n->answers);
    while (n->neighbours != NULL)
        neighbour_free(n->neighbours);
}

void qn_node_free(qn_node *n)
{
    qn_env *env;

    if (n == NULL)
        return;
    env = n->env;
    n->stopping = true;
    free_all(n);
    shelf_clear(n);
    qn_snapshot_drop(n->snapshot);
    qn_snapshot_drop(n->cached);
    paths_clear(n);
    qn_mem_put(&env->mem, n->events, n->events_cap * sizeof *n->events);
    births_clear(n);
    knowns_clear(&n->knowns, &env->mem);
    qn_timers_clear(&n->timers, &env->mem); /* some stand in what is freed next */
    operator_clear(n);
    proofs_clear(n);
    roots_clear(n);
    asker_clear(n);
    gossip_clear(n);
    berths_clear(n);
    invited_clear(n);
    site_clear(n);
    visits_clear(n);
    qn_slots_clear(&n->slots, &env->mem);
    qn_map_clear(&n->named, &env->mem);
    crowd_clear(&n->crowd, &env->mem);
    qn_map_clear(&n->rights, &env->mem);
    conns_clear(&n->conns, &env->mem);
    while (n->lent_n > 0)
        qn_block_drop(n->lent[--n->lent_n]);
    qn_keys_wipe(&n->cfg.keys); /* cfg.psk goes with the node */
    qn_wipe(n, sizeof *n);
    qn_mem_put(&env->mem, n, sizeof *n);
}

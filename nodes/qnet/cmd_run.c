/* qnet run: from settings to a running world, and back. */
#include "batches.h"
#include "commands.h"
#include "htx_files.h"
#include "invited.h"
#include "io-real/names.h"
#include "node_files.h"
#include "origin_watch.h"
#include "profiles.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Everything a run holds, in the order it was got. */
typedef struct running {
    const config *c;
    qn_real_env env;
    qn_store store;
    qn_network network;
    qn_world_cfg cfg;
    qn_span snapshot, guards, exits, equivocations, roots, network_file, invited;
    qn_span signed_last; /* what an operator last signed */
    batches batches;
    htx_files htx; /* not with the bare carrier */
    qn_atlas_files atlas;
    char countries[QN_STORE_PATH_MAX]; /* the table that came with the program */
    origin_check check;
    qn_why origin_advice, profile_advice; /* "": all is well */
    char peer_id[QN_PEERID_TEXT + 1];
    qn_world *world;
} running;

/* The network file names the operators by PeerID. Any other directory node is a mirror, which
 * serves what it fetched and needs no operator key. */
static bool is_operator(const config *c, const qn_network *net, const qn_peerid *id)
{
    bool named = false;

    for (uint8_t i = 0; i < net->operators_n; i++)
        named |= qn_peerid_equal(&net->operators[i].id, id);
    return named && (c->mode == QN_BOOTSTRAP || c->mode == QN_SUPER);
}

/* What the node once stored under this name; empty when it is missing or unreadable. */
static qn_slice kept(const running *r, const char *name, qn_span *bytes)
{
    qn_why why;

    if (qn_store_read(&r->store, name, bytes, why) != QN_FOUND)
        return (qn_slice){0};
    return (qn_slice){bytes->p, bytes->n};
}

/* Who the operators are may have changed since the network file was written. */
static int load_roots(running *r, qn_why why)
{
    qn_found found = qn_store_read(&r->store, "roots", &r->roots, why);
    qn_err err = QN_OK;

    if (found == QN_ABSENT)
        return EXIT_FINE;
    if (found == QN_FOUND)
        err = qn_roots_apply(&r->network, (qn_slice){r->roots.p, r->roots.n});
    if (found == QN_FOUND && err == QN_OK)
        return EXIT_FINE;
    (void)qn_why_say(why,
                     "%s/roots, which names the operators by now, does not follow the network file "
                     "(%s): restore it, or remove it and join with the newest network file",
                     r->store.path, found == QN_FOUND ? qn_err_text(err) : "unreadable");
    return EXIT_STATE;
}

/* Who may prune over HTTP; without the file nobody. */
static int load_admin(running *r, qn_why why)
{
    qn_found found = qn_store_read_key(&r->store, "admin", &r->cfg.directory_token, why);

    r->cfg.has_directory_token = found == QN_FOUND;
    return found == QN_UNUSABLE ? EXIT_STATE : EXIT_FINE;
}

/* Without it an operator might sign a second list of one version. */
static int load_signed(running *r, qn_why why)
{
    qn_found found = qn_store_read(&r->store, "signed", &r->signed_last, why);

    if (found == QN_UNUSABLE)
        return EXIT_STATE;
    if (found == QN_FOUND)
        r->cfg.node.stored_signed = (qn_slice){r->signed_last.p, r->signed_last.n};
    return EXIT_FINE;
}

/* Whoever was invited means not to be seen with listed nodes, which in one hop he mostly is. */
static void prefer_privacy(running *r)
{
    if (r->invited.n == 0 || r->c->route_said)
        return;
    r->cfg.node.route = QN_ROUTE_PRIVACY;
    (void)puts("qnet: invited, so the route is privacy unless --route says otherwise");
}

static int load_invitations(running *r, qn_why why)
{
    qn_node_cfg *node = &r->cfg.node;
    int status;

    node->unlisted = r->c->unlisted;
    node->route = r->c->route;
    if (r->c->mode == QN_CLIENT) {
        status = invited_of_state(&r->store, r->c->invitations, &r->network, &r->env.env,
                                  &r->invited, why);
        node->invited = (qn_slice){r->invited.p, r->invited.n};
        prefer_privacy(r);
        return status;
    }
    if (!r->c->unlisted) { /* what 'qnet invite' makes of it would lead nowhere */
        qn_store_remove(&r->store, "descriptor");
        return EXIT_FINE;
    }
    status = batches_read(&r->batches, &r->store, why);
    node->psks_n = (uint8_t)batches_keys(&r->batches, node->psk);
    return status;
}

/* 'qnet invite' has changed the batches. */
static int on_hangup(void *ctx, qn_secret32 psk[QN_PSKS_MAX])
{
    running *r = ctx;
    qn_why why;

    if (batches_read(&r->batches, &r->store, why) == EXIT_FINE)
        return (int)batches_keys(&r->batches, psk);
    (void)fprintf(stderr, "qnet: WARNING: the invitations were not read again: %s\n", why);
    return -1;
}

/* Without a table nodes are where they say; so no table is shipped with a build that nobody fetched
 * one for. */
static int load_atlas(running *r, qn_why why)
{
    const setting *files = r->c->atlas;
    bool ok = true;

    if (r->c->atlas_off)
        return EXIT_FINE;
    if (files->n == 0) {
        ok = shipped_path("countries.mmdb", r->countries, why);
        if (ok && access(r->countries, F_OK) == 0)
            ok = qn_atlas_add(&r->atlas, r->countries, why);
    }
    for (unsigned i = 0; i < files->n && ok; i++)
        ok = qn_atlas_add(&r->atlas, files->text[i], why);
    return ok ? EXIT_FINE : EXIT_CONFIG;
}

static int load_state(running *r, qn_why why)
{
    qn_node_cfg *node = &r->cfg.node;
    qn_env *env = &r->env.env;
    qn_peerid id;
    bool made;
    int status =
        network_of_state(&r->store, r->c->network, env, &r->network, &r->network_file, why);

    if (status == EXIT_FINE)
        status = load_atlas(r, why);
    if (status == EXIT_FINE)
        status = load_roots(r, why);
    if (status == EXIT_FINE && !r->c->bare)
        status = htx_files_open(&r->htx, r->c, &r->store, env, why);
    if (status == EXIT_FINE)
        status = keys_of_state(&r->store, env, &node->keys, &made, why);
    if (status != EXIT_FINE)
        return status;
    if (qn_keys_peerid(env, &node->keys, &id) != QN_OK ||
        qn_peerid_text(env, &id, r->peer_id) != QN_OK) {
        (void)qn_why_say(why, "cannot derive the PeerID: OpenSSL failed");
        return EXIT_FAILED;
    }
    if (made)
        (void)printf("qnet: made the keys of a new node in %s\n", r->store.path);
    node->has_operator = is_operator(r->c, &r->network, &id);
    if (node->has_operator && r->c->loops > 1) {
        (void)qn_why_say(why, "an operator keeps one registry, in one loop: leave out loops");
        return EXIT_CONFIG;
    }
    if (node->has_operator)
        status = operator_key_of_state(&r->store, &node->operator_seed, why);
    if (status != EXIT_FINE)
        return status;
    status = load_invitations(r, why);
    if (status != EXIT_FINE)
        return status;
    /* An unreadable snapshot is fetched again, guards are drawn again: no reason not to start. */
    node->stored_snapshot = kept(r, "snapshot", &r->snapshot);
    node->stored_guards = kept(r, "guards", &r->guards);
    node->stored_exits = kept(r, "exits", &r->exits);
    node->stored_roots = (qn_slice){r->roots.p, r->roots.n};
    node->stored_equivocations = kept(r, "equivocations", &r->equivocations);
    if (r->c->directory.family != 0)
        status = load_admin(r, why);
    return status == EXIT_FINE && node->has_operator ? load_signed(r, why) : status;
}

static void fill_cfg(running *r)
{
    const config *c = r->c;
    qn_node_cfg *node = &r->cfg.node;

    node->mode = c->mode;
    node->lab = c->lab;
    node->carrier = c->bare ? &qn_carrier_bare : &qn_carrier_htx;
    node->htx = c->bare ? NULL : &r->htx.cfg;
    node->network = &r->network;
    node->listen = c->listen;
    memcpy(node->country, c->country, sizeof node->country);
    if (r->atlas.n > 0) {
        node->atlas = &r->atlas.atlas;
        r->cfg.atlas = &r->atlas;
    }
    memcpy(node->exit_country, c->route_country, sizeof node->exit_country);
    memcpy(node->contact, c->contact, sizeof node->contact);
    node->exit_rules = c->exit_rules;
    node->exit_rules_n = c->exit_rules_n;
    memcpy(node->exit_ports, c->exit_ports, sizeof node->exit_ports);
    node->exit_ports_n = c->exit_ports_n;
    memcpy(node->exit_allow, c->exit_allow, sizeof node->exit_allow);
    node->exit_allow_n = c->exit_allow_n;
    node->exit_conns_max = c->exit_connections;
    node->exit_limits = c->exit_limits;
    node->early = c->early;
    node->pool = c->circuits_ready;
    node->padding = c->padding;
    r->cfg.loops = c->loops;
    r->cfg.env = &r->env;
    r->cfg.hangup = c->unlisted ? on_hangup : NULL;
    r->cfg.hangup_ctx = r;
    r->cfg.store = &r->store;
    r->cfg.carrier_name = c->bare ? "bare" : "htx";
    r->cfg.hosts = r->htx.hosts;
    r->cfg.profile = c->bare ? NULL : r->htx.profile_name;
    r->cfg.profile_advice = r->profile_advice;
    r->cfg.origin_advice = r->origin_advice;
    if (r->htx.origin.unix_path[0] != '\0')
        r->cfg.origin_path = r->htx.origin.unix_path;
    r->cfg.socks = c->socks.on;
    r->cfg.socks_port = c->socks.port;
    r->cfg.status = c->status.on;
    r->cfg.status_port = c->status.port;
    r->cfg.directory = c->directory;
    r->cfg.directory_rate = c->directory_rate;
    r->cfg.lan = c->lan;
    r->cfg.dns = c->dns;
    r->cfg.exit_notice = c->exit_notice;
    r->cfg.exit_log_days = c->exit_log_days;
    r->cfg.dns_anchor = c->dns_anchor;
}

static void on_origin_checked(void *ctx, int status, const char *output, size_t n, qn_why advice)
{
    const running *r = ctx;

    origin_check_read(&r->htx.origin, status, output, n, advice);
    if (advice[0] == '\0')
        origin_reread_advice(r->c->origin_file, &r->htx.origin, r->env.env.wall, advice);
}

/* What can be said of our origin at once; the rest takes the program that measures it a while. */
static void look_at_origin(running *r)
{
    const origin_file *o = &r->htx.origin;
    int64_t wall = r->env.env.wall, age = wall - o->measured;

    origin_age_advice(o, wall, r->origin_advice);
    if (r->origin_advice[0] == '\0')
        (void)origin_answers(o, r->origin_advice);
    if (r->origin_advice[0] != '\0')
        (void)fprintf(stderr, "qnet: WARNING: %s\n", r->origin_advice);
    origin_check_make(&r->check, o, r->c->roots);
    r->cfg.origin_name = o->name[0];
    r->cfg.origin_measured = o->measured;
    r->cfg.origin_check = r->check.argv[0] != NULL ? r->check.argv : NULL;
    r->cfg.origin_check_in = age < ORIGIN_FRESH_SECONDS ? ORIGIN_FRESH_SECONDS : 0;
    r->cfg.origin_checked = on_origin_checked;
    r->cfg.origin_ctx = r;
}

/* Once the node is there, which has read the profile: a real network has no use for one that is too
 * old, a lab says so. */
static int judge_profile(running *r, qn_why why)
{
    qn_status s;
    profile_age age;

    qn_world_status(r->world, &s);
    age = s.profile_until != 0 ? profile_judge(s.profile_until, r->env.env.wall) : PROFILE_FRESH;
    if (age == PROFILE_FRESH)
        return EXIT_FINE;
    profile_advise(r->htx.profile_name, s.profile_until, age, r->profile_advice);
    if (age == PROFILE_ENDED && !r->c->lab) {
        (void)qn_why_say(why, "%s", r->profile_advice);
        return EXIT_CONFIG;
    }
    (void)fprintf(stderr, "qnet: WARNING: %s\n", r->profile_advice);
    return EXIT_FINE;
}

static int open_world(running *r, qn_why why)
{
    switch (qn_world_open(&r->world, &r->cfg, why)) {
    case QN_OPENED:
        return EXIT_FINE;
    case QN_OPEN_PORT:
        return EXIT_NETWORK;
    case QN_OPEN_CONFIG:
        return EXIT_CONFIG;
    case QN_OPEN_FAILED:
        break;
    }
    return EXIT_FAILED;
}

static void say_addr(const char *what, const qn_addr *a)
{
    char text[QN_ADDR_TEXT];

    if (a->family == 0)
        return;
    qn_addr_text(a, text);
    (void)printf(", %s on %s", what, text);
}

static void say_ready(const running *r, const char *mode, const qn_world_addrs *where)
{
    (void)printf("qnet: %s %.12s ready", mode, r->peer_id);
    say_addr("links", &where->link);
    say_addr("SOCKS5", &where->socks);
    say_addr("status", &where->status);
    say_addr("directory", &where->directory);
    (void)putchar('\n');
    (void)fflush(stdout);
}

static int serve(running *r, qn_why why)
{
    qn_world_addrs where = qn_world_where(r->world);
    const char *mode = qn_mode_name(r->c->mode);

    if (!run_file_write(&r->store, mode, r->peer_id, &where, why))
        return EXIT_STATE;
    say_ready(r, mode, &where);
    qn_world_run(r->world);
    run_file_remove(&r->store);
    return EXIT_FINE;
}

static int start(running *r, qn_why why)
{
    int status = load_state(r, why);

    if (status != EXIT_FINE)
        return status;
    fill_cfg(r);
    if (r->htx.cfg.origin != NULL)
        look_at_origin(r);
    status = open_world(r, why);
    explicit_bzero(&r->cfg.node.keys, sizeof r->cfg.node.keys);
    explicit_bzero(&r->cfg.node.operator_seed, sizeof r->cfg.node.operator_seed);
    explicit_bzero(r->cfg.node.psk, sizeof r->cfg.node.psk);
    explicit_bzero(&r->cfg.directory_token, sizeof r->cfg.directory_token);
    if (status == EXIT_FINE)
        status = judge_profile(r, why);
    if (status == EXIT_FINE)
        status = serve(r, why);
    if (r->world != NULL)
        qn_world_close(r->world);
    return status;
}

static int run(const config *c)
{
    static running r; /* too large for a stack; there is one run in a process */
    struct rlimit no_core = {0};
    qn_why why;
    int status = EXIT_STATE;

    (void)setrlimit(RLIMIT_CORE, &no_core); /* a core file would hold the keys */
    r.c = c;
    if (!qn_real_env_open(&r.env, c->log, c->memory_max / c->loops))
        return complain(EXIT_FAILED, "out of memory");
    if (c->bare)
        (void)fputs(
            "qnet: WARNING: the bare carrier has no disguise; everyone on the path can see that "
            "this is QNet\n",
            stderr);
    if (qn_store_open(&r.store, c->state, why)) {
        status = start(&r, why);
        htx_files_close(&r.htx);
        qn_atlas_close(&r.atlas);
        free(r.network_file.p);
        free(r.snapshot.p);
        free(r.guards.p);
        free(r.exits.p);
        free(r.equivocations.p);
        free(r.roots.p);
        free(r.signed_last.p);
        if (r.invited.p != NULL)
            explicit_bzero(r.invited.p, r.invited.n);
        free(r.invited.p);
        qn_store_close(&r.store);
    }
    qn_real_env_close(&r.env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}

int cmd_run(int argc, char **argv)
{
    static settings s;
    config c;
    qn_why why;
    int help, status = settings_read(&s, "run", "Runs a node until SIGTERM or SIGINT.", argc, argv,
                                     &help);

    if (status != EXIT_FINE || help)
        return status;
    if (!config_of(&s, &c, why) || !config_can_run(&c, why))
        return complain(EXIT_CONFIG, "%s", why);
    return run(&c);
}

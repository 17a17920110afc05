/* qnet keygen: the keys of a new node, without running it. */
#include "commands.h"
#include "node_files.h"

#include <getopt.h>
#include <string.h>

static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                        {"operator", no_argument, NULL, 'o'},
                                        {"admin", no_argument, NULL, 'a'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static int usage(void)
{
    (void)puts(
        "usage: qnet keygen --state DIR [--operator] [--admin]\n\n"
        "Makes identity, link and onion keys in DIR and prints the PeerID. --operator makes\n"
        "the key that signs snapshots too, or adds it to a node that has keys already;\n"
        "--admin likewise the token of whoever may prune the directory over HTTP.");
    return EXIT_FINE;
}

/* One more, "operator" or "admin". */
static int make_key(const qn_store *s, qn_env *env, const char *name, qn_why why)
{
    qn_secret32 key;
    qn_found found = qn_store_read_key(s, name, &key, why);
    bool ok;

    if (found == QN_FOUND)
        (void)qn_why_say(why, "%s has an %s key already; nothing was changed", s->path, name);
    if (found != QN_ABSENT)
        return EXIT_STATE;
    env->rng.fill(env->rng.ctx, key.b, sizeof key.b);
    ok = qn_store_write_key(s, name, &key, why);
    explicit_bzero(&key, sizeof key);
    return ok ? EXIT_FINE : EXIT_STATE;
}

typedef struct wanted {
    bool operator_key, admin_key;
} wanted;

static int make_keys(const qn_store *s, qn_env *env, const wanted *also, qn_why why)
{
    char text[QN_PEERID_TEXT + 1];
    qn_keys keys;
    qn_peerid id;
    bool made, named;
    int status = keys_of_state(s, env, &keys, &made, why);

    if (status != EXIT_FINE)
        return status;
    named = qn_keys_peerid(env, &keys, &id) == QN_OK && qn_peerid_text(env, &id, text) == QN_OK;
    qn_keys_wipe(&keys);
    if (!made && !also->operator_key && !also->admin_key) {
        (void)qn_why_say(why, "%s has keys already; nothing was changed", s->path);
        return EXIT_STATE;
    }
    if (also->operator_key)
        status = make_key(s, env, "operator", why);
    if (status == EXIT_FINE && also->admin_key)
        status = make_key(s, env, "admin", why);
    if (status == EXIT_FINE && named)
        (void)puts(text);
    return status;
}

int cmd_keygen(int argc, char **argv)
{
    const char *state = NULL;
    wanted also = {0};
    qn_real_env env;
    qn_store store;
    qn_why why;
    int got, status = EXIT_STATE;

    while ((got = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (got == 'h')
            return usage();
        if (got == '?' || got == ':')
            return complain_option("keygen", got, argv);
        if (got == 's')
            state = optarg;
        else if (got == 'o')
            also.operator_key = true;
        else
            also.admin_key = true;
    }
    if (optind < argc)
        return complain_extra("keygen", argv[optind]);
    if (state == NULL)
        return complain(EXIT_USAGE, "say where the keys go: --state DIR");
    if (!qn_real_env_open(&env, QN_LOG_WARN, UINT64_MAX))
        return complain(EXIT_FAILED, "out of memory");
    if (qn_store_open(&store, state, why)) {
        status = make_keys(&store, &env.env, &also, why);
        qn_store_close(&store);
    }
    qn_real_env_close(&env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}

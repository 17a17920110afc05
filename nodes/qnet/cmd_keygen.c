/* qnet keygen: the keys of a new node, without running it. */
#include "commands.h"
#include "node_files.h"

#include <getopt.h>
#include <string.h>

static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                        {"operator", no_argument, NULL, 'o'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static int usage(void)
{
    (void)puts(
        "usage: qnet keygen --state DIR [--operator]\n\n"
        "Makes identity, link and onion keys in DIR and prints the PeerID. --operator makes\n"
        "the key that signs snapshots too, or adds it to a node that has keys already.");
    return EXIT_FINE;
}

static int make_operator_key(const qn_store *s, qn_env *env, qn_why why)
{
    qn_secret32 key;
    qn_found found = qn_store_read_key(s, "operator", &key, why);
    bool ok;

    if (found == QN_FOUND)
        (void)qn_why_say(why, "%s has an operator key already; nothing was changed", s->path);
    if (found != QN_ABSENT)
        return EXIT_STATE;
    env->rng.fill(env->rng.ctx, key.b, sizeof key.b);
    ok = qn_store_write_key(s, "operator", &key, why);
    explicit_bzero(&key, sizeof key);
    return ok ? EXIT_FINE : EXIT_STATE;
}

static int make_keys(const qn_store *s, qn_env *env, bool with_operator, qn_why why)
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
    if (!made && !with_operator) {
        (void)qn_why_say(why, "%s has keys already; nothing was changed", s->path);
        return EXIT_STATE;
    }
    if (with_operator)
        status = make_operator_key(s, env, why);
    if (status == EXIT_FINE && named)
        (void)puts(text);
    return status;
}

int cmd_keygen(int argc, char **argv)
{
    const char *state = NULL;
    bool with_operator = false;
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
        else
            with_operator = true;
    }
    if (optind < argc)
        return complain_extra("keygen", argv[optind]);
    if (state == NULL)
        return complain(EXIT_USAGE, "say where the keys go: --state DIR");
    if (!qn_real_env_open(&env, QN_LOG_WARN, UINT64_MAX))
        return complain(EXIT_FAILED, "out of memory");
    if (qn_store_open(&store, state, why)) {
        status = make_keys(&store, &env.env, with_operator, why);
        qn_store_close(&store);
    }
    qn_real_env_close(&env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}

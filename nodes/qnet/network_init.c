/* qnet network init: founding a network. */
#include "commands.h"
#include "contact.h"
#include "node_files.h"
#include "values.h"

#include <getopt.h>
#include <string.h>

typedef struct founding {
    const char *out, *name, *founder_key;
    const char *state[QN_OPERATORS_MAX];
    const char *addr[QN_OPERATORS_MAX];
    const char *origin[QN_OPERATORS_MAX];
    unsigned states, addrs, origins;
    uint64_t threshold; /* 0: the smallest majority */
    bool lab, help;
} founding;

static const struct option init_options[] = {{"out", required_argument, NULL, 'o'},
                                             {"name", required_argument, NULL, 'n'},
                                             {"lab", no_argument, NULL, 'l'},
                                             {"operator-state", required_argument, NULL, 's'},
                                             {"operator-addr", required_argument, NULL, 'a'},
                                             {"operator-origin", required_argument, NULL, 'g'},
                                             {"threshold", required_argument, NULL, 't'},
                                             {"founder-key", required_argument, NULL, 'f'},
                                             {"help", no_argument, NULL, 'h'},
                                             {0}};

int network_init_usage(void)
{
    (void)puts(
        "usage: qnet network init --out FILE --name NAME [--lab] [--threshold N]\n"
        "           [--founder-key FILE]\n"
        "           {--operator-state DIR --operator-addr ADDR:PORT --operator-origin FILE}...\n\n"
        "Founds a network: FILE says who signs its snapshots and where they answer, and is\n"
        "what every node joins by. Each operator's directory holds keys made by\n"
        "'qnet keygen --operator'; only their public halves go into FILE. Each origin file is\n"
        "what tools/origin-check measured at the web site that operator's node stands in front\n"
        "of; without any, only a lab network is founded, for the bare carrier. The founder's key\n"
        "signs FILE; it is made when missing, beside FILE unless --founder-key says where:\n"
        "keep it offline.");
    return EXIT_FINE;
}

static int take(founding *f, int got)
{
    switch (got) {
    case 'o':
        f->out = optarg;
        break;
    case 'n':
        f->name = optarg;
        break;
    case 'f':
        f->founder_key = optarg;
        break;
    case 'l':
        f->lab = true;
        break;
    case 'h':
        f->help = true;
        break;
    case 't':
        if (!value_number(optarg, 1, QN_OPERATORS_MAX, &f->threshold))
            return complain(EXIT_USAGE, "--threshold: '%s' is not a number from 1 to %d", optarg,
                            QN_OPERATORS_MAX);
        break;
    default:
        if (f->states == QN_OPERATORS_MAX || f->addrs == QN_OPERATORS_MAX ||
            f->origins == QN_OPERATORS_MAX)
            return complain(EXIT_USAGE, "a network has at most %d operators", QN_OPERATORS_MAX);
        if (got == 'g')
            f->origin[f->origins++] = optarg;
        else if (got == 's')
            f->state[f->states++] = optarg;
        else
            f->addr[f->addrs++] = optarg;
    }
    return EXIT_FINE;
}

static int read_founding(founding *f, int argc, char **argv)
{
    int got, status;

    optind = 1;
    while ((got = getopt_long(argc, argv, ":", init_options, NULL)) != -1) {
        if (got == '?' || got == ':')
            return complain_option("network init", got, argv);
        status = take(f, got);
        if (status != EXIT_FINE || f->help)
            return status;
    }
    if (optind < argc)
        return complain_extra("network init", argv[optind]);
    if (f->out == NULL || f->name == NULL || f->states == 0)
        return complain(EXIT_USAGE, "--out, --name and at least one operator are needed; see 'qnet "
                                    "network init --help'");
    if (f->states != f->addrs)
        return complain(EXIT_USAGE, "every --operator-state needs its --operator-addr");
    if (f->origins != f->states && (f->origins > 0 || !f->lab))
        return complain(EXIT_USAGE,
                        "every operator's node stands in front of a web site: measure each with "
                        "tools/origin-check and give its --operator-origin");
    if (strlen(f->name) >= QN_NETWORK_NAME)
        return complain(EXIT_USAGE, "the name is longer than %d characters", QN_NETWORK_NAME - 1);
    return EXIT_FINE;
}

static int add_operator(qn_network *net, qn_env *env, const char *state, const char *addr,
                        qn_why why)
{
    qn_store store;
    qn_keys keys;
    qn_secret32 seed;
    qn_addr at;
    int status = EXIT_STATE;

    if (!value_addr(addr, false, &at)) {
        (void)qn_why_say(why, "--operator-addr: '%s' is not an address with its port", addr);
        return EXIT_USAGE;
    }
    if (!qn_store_open_shared(&store, state, why))
        return EXIT_STATE;
    if (qn_store_read_keys(&store, &keys, why) == QN_FOUND) {
        status = operator_key_of_state(&store, &seed, why);
        if (status == EXIT_FINE &&
            qn_operator_of(env, &keys, &seed, &at, &net->operators[net->operators_n++]) != QN_OK) {
            (void)qn_why_say(why, "cannot derive public keys: OpenSSL failed");
            status = EXIT_FAILED;
        }
        explicit_bzero(&seed, sizeof seed);
        qn_keys_wipe(&keys);
    }
    qn_store_close(&store);
    return status;
}

/* The key a founder had before, or a fresh one, kept first: a network nobody can amend is lost. */
static int founder_key(const founding *f, qn_env *env, qn_secret32 *secret, qn_why why)
{
    char beside[QN_STORE_PATH_MAX];
    const char *path = f->founder_key ? f->founder_key : beside;
    qn_found found;

    (void)snprintf(beside, sizeof beside, "%s.founder.key", f->out);
    found = qn_file_read_key(path, "founder", secret, why);
    if (found != QN_ABSENT)
        return found == QN_FOUND ? EXIT_FINE : EXIT_STATE;
    env->rng.fill(env->rng.ctx, secret->b, sizeof secret->b);
    return qn_file_write_key(path, "founder", secret, why) ? EXIT_FINE : EXIT_STATE;
}

static int write_network(const founding *f, qn_network *net, qn_env *env, qn_why why)
{
    static uint8_t bytes[QN_NETWORK_FILE_MAX];
    qn_secret32 secret;
    size_t n = 0;
    qn_err err;
    int status = founder_key(f, env, &secret, why);

    if (status != EXIT_FINE)
        return status;
    err = qn_network_encode(net, env, &secret, bytes, sizeof bytes, &n);
    explicit_bzero(&secret, sizeof secret);
    if (err != QN_OK) {
        (void)qn_why_say(why,
                         "this cannot be a network (%s): the threshold must be a majority, each "
                         "operator a node of its own, and only a lab network has private addresses",
                         qn_err_text(err));
        return EXIT_CONFIG;
    }
    for (unsigned i = 0; i < f->origins; i++) {
        size_t more = 0;

        status = contact_make(net, env, f->state[i], f->origin[i],
                              (qn_span){.p = bytes + n, .n = sizeof bytes - n}, &more, why);
        if (status != EXIT_FINE)
            return status;
        n += more;
    }
    return qn_file_write(f->out, (qn_slice){.p = bytes, .n = n}, why) ? EXIT_FINE : EXIT_FAILED;
}

static int found_network(const founding *f, qn_env *env, qn_why why)
{
    static qn_network net; /* some KiB */
    int status = EXIT_FINE;

    net.lab = f->lab;
    net.created = env->wall;
    memcpy(net.name, f->name, strlen(f->name) + 1);
    for (unsigned i = 0; i < f->states && status == EXIT_FINE; i++)
        status = add_operator(&net, env, f->state[i], f->addr[i], why);
    net.threshold = (uint8_t)(f->threshold != 0 ? f->threshold : f->states / 2 + 1);
    if (status == EXIT_FINE)
        status = write_network(f, &net, env, why);
    if (status == EXIT_FINE)
        (void)printf("founded '%s' with %u operator%s in %s\n", net.name, f->states,
                     f->states == 1 ? "" : "s", f->out);
    return status;
}

int network_init(int argc, char **argv)
{
    founding f = {0};
    qn_real_env env;
    qn_why why;
    int status = read_founding(&f, argc, argv);

    if (status != EXIT_FINE)
        return status;
    if (f.help)
        return network_init_usage();
    if (!qn_real_env_open(&env, QN_LOG_WARN, UINT64_MAX))
        return complain(EXIT_FAILED, "out of memory");
    status = found_network(&f, &env.env, why);
    qn_real_env_close(&env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}

/* qnet network init: founding a network. */
#include "commands.h"
#include "contact.h"
#include "founding.h"
#include "node_files.h"
#include "values.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct option init_options[] = {{"out", required_argument, NULL, 'o'},
                                             {"name", required_argument, NULL, 'n'},
                                             {"lab", no_argument, NULL, 'l'},
                                             {"operators", required_argument, NULL, 'N'},
                                             {"operator-entry", required_argument, NULL, 'e'},
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
        "           [--founder-key FILE] [--operator-entry FILE]...\n"
        "           [--operator-state DIR --operator-addr ADDR:PORT --operator-origin FILE]\n"
        "       qnet network init --operators N --out DIR --name NAME [--lab] [--threshold N]\n"
        "           {--operator-addr ADDR:PORT --operator-origin FILE} N times\n\n"
        "Founds a network: FILE says who signs its snapshots and where they answer, and is\n"
        "what every node joins by. An operator makes his entry himself, with 'qnet keygen\n"
        "--operator' and 'qnet network entry', so no program ever holds two operators' keys; his\n"
        "contact follows with 'qnet network contact' and 'complete'. With --operator-state the\n"
        "founder is an operator too. An origin file is what tools/origin-check measured at the\n"
        "web site that operator's node stands in front of; without, only a lab network is\n"
        "founded, for the bare carrier. The founder's key signs FILE; it is made when missing,\n"
        "beside FILE unless --founder-key says where: keep it offline.\n\n"
        "--operators does all of it on one machine, with a process for each operator: DIR gets\n"
        "'network' and the state directories operator1, operator2 and so on.");
    return EXIT_FINE;
}

static int add(const char **list, unsigned *n)
{
    if (*n == QN_OPERATORS_MAX)
        return complain(EXIT_USAGE, "a network has at most %d operators", QN_OPERATORS_MAX);
    list[(*n)++] = optarg;
    return EXIT_FINE;
}

static int take_number(const char *option, uint64_t *out)
{
    if (value_number(optarg, 1, QN_OPERATORS_MAX, out))
        return EXIT_FINE;
    return complain(EXIT_USAGE, "%s: '%s' is not a number from 1 to %d", option, optarg,
                    QN_OPERATORS_MAX);
}

static int take(founding *f, int got)
{
    switch (got) {
    case 'o':
        f->out = optarg;
        return EXIT_FINE;
    case 'n':
        f->name = optarg;
        return EXIT_FINE;
    case 'f':
        f->founder_key = optarg;
        return EXIT_FINE;
    case 'l':
        f->lab = true;
        return EXIT_FINE;
    case 'h':
        f->help = true;
        return EXIT_FINE;
    case 't':
        return take_number("--threshold", &f->threshold);
    case 'N':
        return take_number("--operators", &f->operators);
    case 'e':
        return add(f->entry, &f->entries);
    case 's':
        return add(f->state, &f->states);
    case 'g':
        return add(f->origin, &f->origins);
    default:
        return add(f->addr, &f->addrs);
    }
}

static int check(const founding *f)
{
    unsigned here = f->operators != 0 ? (unsigned)f->operators : f->states;

    if (f->out == NULL || f->name == NULL || here + f->entries == 0)
        return complain(EXIT_USAGE, "--out, --name and at least one operator are needed; see 'qnet "
                                    "network init --help'");
    if (f->operators != 0 && f->states + f->entries > 0)
        return complain(EXIT_USAGE, "--operators makes its operators itself: --operator-state and "
                                    "--operator-entry are for operators that exist");
    if (f->states > 1)
        return complain(EXIT_USAGE,
                        "no program may hold the keys of two operators: let each make his entry "
                        "with 'qnet network entry', and give --operator-entry");
    if (f->addrs != here)
        return complain(EXIT_USAGE, f->operators != 0
                                        ? "every operator needs its --operator-addr"
                                        : "every --operator-state needs its --operator-addr");
    if (f->origins != here && (f->origins > 0 || !f->lab))
        return complain(EXIT_USAGE,
                        "every operator's node stands in front of a web site: measure each with "
                        "tools/origin-check and give its --operator-origin");
    if (strlen(f->name) >= QN_NETWORK_NAME)
        return complain(EXIT_USAGE, "the name is longer than %d characters", QN_NETWORK_NAME - 1);
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
    return optind < argc ? complain_extra("network init", argv[optind]) : check(f);
}

/* ---- founding -------------------------------------------------------------------------------- */

int entry_add(qn_network *net, const char *path, qn_why why)
{
    qn_span bytes;
    qn_err err;

    if (net->operators_n == QN_OPERATORS_MAX) {
        (void)qn_why_say(why, "a network has at most %d operators", QN_OPERATORS_MAX);
        return EXIT_CONFIG;
    }
    if (qn_file_read(path, &bytes, why) != QN_FOUND)
        return EXIT_CONFIG;
    err = qn_operator_entry_read(&net->operators[net->operators_n], bytes.p, bytes.n);
    free(bytes.p);
    if (err == QN_OK) {
        net->operators_n++;
        return EXIT_FINE;
    }
    (void)qn_why_say(why, "%s is no operator's entry ('qnet network entry' makes one): %s", path,
                     qn_err_text(err));
    return EXIT_CONFIG;
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
    if (f->states > 0 && f->origins > 0) {
        size_t more = 0;

        status = contact_make(net, env, f->state[0], f->origin[0],
                              (qn_span){.p = bytes + n, .n = sizeof bytes - n}, &more, why);
        if (status != EXIT_FINE)
            return status;
        n += more;
    }
    return qn_file_write(f->out, (qn_slice){.p = bytes, .n = n}, why) ? EXIT_FINE : EXIT_FAILED;
}

int found_network(const founding *f, qn_env *env, qn_why why)
{
    static qn_network net; /* some KiB */
    int status = EXIT_FINE;

    net = (qn_network){.lab = f->lab, .created = env->wall};
    memcpy(net.name, f->name, strlen(f->name) + 1);
    if (f->states > 0)
        status = entry_of_state(f->state[0], f->addr[0], env, &net.operators[net.operators_n++],
                                NULL, why);
    for (unsigned i = 0; i < f->entries && status == EXIT_FINE; i++)
        status = entry_add(&net, f->entry[i], why);
    net.threshold = (uint8_t)(f->threshold != 0 ? f->threshold : net.operators_n / 2u + 1);
    if (status == EXIT_FINE)
        status = write_network(f, &net, env, why);
    if (status == EXIT_FINE)
        (void)printf("founded '%s' with %u operator%s in %s\n", net.name, net.operators_n,
                     net.operators_n == 1 ? "" : "s", f->out);
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
    status = f.operators != 0 ? found_with_operators(&f, &env.env, why)
                              : found_network(&f, &env.env, why);
    qn_real_env_close(&env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}

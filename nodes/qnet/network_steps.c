/* qnet network entry, contact, rotate, sign and complete: what operators and founder hand each
 * other. */
#include "commands.h"
#include "contact.h"
#include "founding.h"
#include "node_files.h"
#include "values.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct option step_options[] = {{"state", required_argument, NULL, 's'},
                                             {"addr", required_argument, NULL, 'a'},
                                             {"network", required_argument, NULL, 'n'},
                                             {"origin", required_argument, NULL, 'g'},
                                             {"contact", required_argument, NULL, 'c'},
                                             {"out", required_argument, NULL, 'o'},
                                             {"operator-entry", required_argument, NULL, 'e'},
                                             {"threshold", required_argument, NULL, 't'},
                                             {"root", required_argument, NULL, 'r'},
                                             {"help", no_argument, NULL, 'h'},
                                             {0}};

int network_steps_usage(void)
{
    (void)puts(
        "usage: qnet network entry --state DIR --addr ADDR:PORT --out FILE\n"
        "       qnet network contact --state DIR --network FILE --origin FILE --out FILE\n"
        "       qnet network complete --network FILE [--root FILE...] [--contact FILE...] --out "
        "FILE\n"
        "       qnet network rotate --network FILE --operator-entry FILE... [--threshold N] --out "
        "FILE\n"
        "       qnet network sign --network FILE --root FILE --state DIR --out FILE\n\n"
        "entry: an operator's public keys and address, for the founder's 'qnet network init'.\n"
        "contact: how HTX reaches the operator's node; draws its mirror keys of a year, whose\n"
        "secrets stay in DIR. complete: the network file with its operators' contacts, those it\n"
        "had and those that are given; what every node joins by.\n"
        "rotate: a root, which names other operators for the network; each of them gives his "
        "entry.\n"
        "sign: an operator's copy of it, signed; a majority of those that were and one of those "
        "that\n"
        "will be must. complete --root, with all copies, puts it into the network file.");
    return EXIT_FINE;
}

static int take_file(const char **v, unsigned *n, unsigned max)
{
    if (*n == max)
        return complain(EXIT_USAGE, "a network has at most %d operators", QN_OPERATORS_MAX);
    v[(*n)++] = optarg;
    return EXIT_FINE;
}

static int take(step *s, int got)
{
    switch (got) {
    case 's':
        s->state = optarg;
        break;
    case 'a':
        s->addr = optarg;
        break;
    case 'n':
        s->network = optarg;
        break;
    case 'g':
        s->origin = optarg;
        break;
    case 'o':
        s->out = optarg;
        break;
    case 'h':
        s->help = true;
        break;
    case 't':
        if (!value_number(optarg, 1, QN_OPERATORS_MAX, &s->threshold))
            return complain(EXIT_USAGE, "'%s' is not a number of operators", optarg);
        break;
    case 'e':
        return take_file(s->entry, &s->entries, QN_OPERATORS_MAX);
    case 'r':
        return take_file(s->root, &s->roots, 2 * QN_OPERATORS_MAX);
    default:
        return take_file(s->contact, &s->contacts, QN_OPERATORS_MAX);
    }
    return EXIT_FINE;
}

static int read_step(step *s, const char *name, int argc, char **argv)
{
    int got, status;

    optind = 1;
    while ((got = getopt_long(argc, argv, ":", step_options, NULL)) != -1) {
        if (got == '?' || got == ':')
            return complain_option(name, got, argv);
        status = take(s, got);
        if (status != EXIT_FINE || s->help)
            return status;
    }
    return optind < argc ? complain_extra(name, argv[optind]) : EXIT_FINE;
}

/* ---- entry ----------------------------------------------------------------------------------- */

int entry_of_state(const char *state, const char *addr, qn_env *env, qn_operator *out,
                   qn_secret32 *seed, qn_why why)
{
    qn_store store;
    qn_keys keys;
    qn_secret32 own = {{0}};
    qn_addr at;
    int status = EXIT_STATE;

    if (!value_addr(addr, false, &at)) {
        (void)qn_why_say(why, "'%s' is not an address with its port", addr);
        return EXIT_USAGE;
    }
    if (!qn_store_open_shared(&store, state, why))
        return EXIT_STATE;
    if (qn_store_read_keys(&store, &keys, why) == QN_FOUND) {
        status = operator_key_of_state(&store, &own, why);
        if (status == EXIT_FINE && qn_operator_of(env, &keys, &own, &at, out) != QN_OK) {
            (void)qn_why_say(why, "cannot derive public keys: OpenSSL failed");
            status = EXIT_FAILED;
        }
        if (seed != NULL)
            *seed = own;
        explicit_bzero(&own, sizeof own);
        qn_keys_wipe(&keys);
    }
    qn_store_close(&store);
    return status;
}

static int entry(const step *s, qn_env *env, qn_why why)
{
    uint8_t bytes[QN_OPERATOR_ENTRY_MAX];
    qn_operator o;
    qn_secret32 seed;
    size_t n = 0;
    qn_err err;
    int status;

    if (s->state == NULL || s->addr == NULL || s->out == NULL) {
        (void)qn_why_say(why, "--state, --addr and --out are needed");
        return EXIT_USAGE;
    }
    status = entry_of_state(s->state, s->addr, env, &o, &seed, why);
    if (status != EXIT_FINE)
        return status;
    err = qn_operator_entry_write(&o, &seed, bytes, sizeof bytes, &n);
    explicit_bzero(&seed, sizeof seed);
    if (err != QN_OK) {
        (void)qn_why_say(why, "cannot sign the entry: %s", qn_err_text(err));
        return EXIT_FAILED;
    }
    return qn_file_write(s->out, (qn_slice){bytes, n}, why) ? EXIT_FINE : EXIT_FAILED;
}

/* ---- contact --------------------------------------------------------------------------------- */

static int contact(const step *s, qn_env *env, qn_why why)
{
    static qn_network net;
    static uint8_t bytes[QN_NETWORK_FILE_MAX];
    qn_span file;
    size_t n = 0;
    int status;

    if (s->state == NULL || s->network == NULL || s->origin == NULL || s->out == NULL) {
        (void)qn_why_say(why, "--state, --network, --origin and --out are needed");
        return EXIT_USAGE;
    }
    status = network_load(s->network, env, &net, &file, why);
    if (status != EXIT_FINE)
        return status;
    status = contact_make(&net, env, s->state, s->origin, (qn_span){bytes, sizeof bytes}, &n, why);
    free(file.p);
    if (status != EXIT_FINE)
        return status;
    return qn_file_write(s->out, (qn_slice){bytes, n}, why) ? EXIT_FINE : EXIT_FAILED;
}

/* ---- complete -------------------------------------------------------------------------------- */

/* Contacts by their operators' places; each is a file of its own. */
typedef struct contacts {
    qn_span of[QN_OPERATORS_MAX];
} contacts;

static int read_contact(contacts *c, const char *path, const qn_network *net, qn_why why)
{
    qn_span bytes;
    uint8_t place;
    qn_err err;

    if (qn_file_read(path, &bytes, why) != QN_FOUND)
        return EXIT_CONFIG;
    err = qn_network_contact_of(net, bytes.p, bytes.n, &place);
    if (err != QN_OK) {
        free(bytes.p);
        (void)qn_why_say(why, "%s is no contact of an operator of this network: %s", path,
                         qn_err_text(err));
        return EXIT_CONFIG;
    }
    free(c->of[place].p);
    c->of[place] = bytes;
    return EXIT_FINE;
}

/* Those the file has: they follow the network, each as long as its envelope. */
static int keep_contacts(contacts *c, const qn_network *net, qn_slice rest, qn_why why)
{
    while (rest.n > 0) {
        size_t n = qn_network_own_length(rest.p, rest.n);
        uint8_t place;
        qn_err err = n == 0 ? QN_PROTO : qn_network_contact_of(net, rest.p, n, &place);

        if (err == QN_AUTH) { /* of one who is an operator no more */
            rest = (qn_slice){rest.p + n, rest.n - n};
            continue;
        }
        if (err != QN_OK) {
            (void)qn_why_say(why, "a contact in the network file is damaged");
            return EXIT_CONFIG;
        }
        c->of[place] = (qn_span){malloc(n), n};
        if (c->of[place].p == NULL) {
            (void)qn_why_say(why, "out of memory");
            return EXIT_FAILED;
        }
        memcpy(c->of[place].p, rest.p, n);
        rest = (qn_slice){rest.p + n, rest.n - n};
    }
    return EXIT_FINE;
}

static int write_complete(const char *path, qn_slice own, qn_slice root, const contacts *c,
                          qn_why why)
{
    static uint8_t bytes[QN_NETWORK_FILE_MAX + QN_ROOT_MAX];
    size_t n = own.n + root.n;

    memcpy(bytes, own.p, own.n);
    memcpy(bytes + own.n, root.p, root.n);
    for (unsigned i = 0; i < QN_OPERATORS_MAX; i++) {
        if (n > QN_NETWORK_FILE_MAX || c->of[i].n > QN_NETWORK_FILE_MAX - n) {
            (void)qn_why_say(why, "roots and contacts are too long for a network file");
            return EXIT_CONFIG;
        }
        if (c->of[i].n > 0)
            memcpy(bytes + n, c->of[i].p, c->of[i].n);
        n += c->of[i].n;
    }
    return qn_file_write(path, (qn_slice){bytes, n}, why) ? EXIT_FINE : EXIT_FAILED;
}

static int complete(const step *s, qn_env *env, qn_why why)
{
    static qn_network net;
    static uint8_t root[QN_ROOT_MAX];
    contacts c = {0};
    qn_span file;
    size_t own, root_n = 0;
    int status;

    if (s->network == NULL || s->contacts + s->roots == 0 || s->out == NULL) {
        (void)qn_why_say(why, "--network, at least one --contact or --root, and --out are needed");
        return EXIT_USAGE;
    }
    status = network_load(s->network, env, &net, &file, why);
    if (status != EXIT_FINE)
        return status;
    own = qn_network_own_length(file.p, file.n);
    status = network_join_roots(s, &net, root, &root_n, why);
    if (status == EXIT_FINE)
        status = keep_contacts(&c, &net, (qn_slice){file.p + own, file.n - own}, why);
    for (unsigned i = 0; i < s->contacts && status == EXIT_FINE; i++)
        status = read_contact(&c, s->contact[i], &net, why);
    if (status == EXIT_FINE)
        status = write_complete(s->out, (qn_slice){file.p, own}, (qn_slice){root, root_n}, &c, why);
    for (unsigned i = 0; i < QN_OPERATORS_MAX; i++)
        free(c.of[i].p);
    free(file.p);
    return status;
}

/* ---- the commands ---------------------------------------------------------------------------- */

static const struct {
    const char *verb, *name;
    int (*run)(const step *, qn_env *, qn_why);
} v[] = {{"entry", "network entry", entry},
         {"contact", "network contact", contact},
         {"rotate", "network rotate", network_rotate},
         {"sign", "network sign", network_sign},
         {"complete", "network complete", complete}};

bool network_step_known(const char *verb)
{
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        if (strcmp(v[i].verb, verb) == 0)
            return true;
    return false;
}

int network_step(int argc, char **argv)
{
    qn_real_env env;
    qn_why why;
    step s = {0};
    unsigned i = 0;
    int status;

    while (strcmp(v[i].verb, argv[0]) != 0)
        i++;
    status = read_step(&s, v[i].name, argc, argv);
    if (status != EXIT_FINE)
        return status;
    if (s.help)
        return network_steps_usage();
    if (!qn_real_env_open(&env, QN_LOG_WARN, UINT64_MAX))
        return complain(EXIT_FAILED, "out of memory");
    status = v[i].run(&s, &env.env, why);
    qn_real_env_close(&env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}

/* qnet pool: invitations of many unlisted nodes, rationed under a stated policy. */
#include "commands.h"
#include "io-real/env.h"
#include "io-real/file.h"
#include "node_files.h"
#include "pool.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option options[] = {
    {"dir", required_argument, NULL, 'd'},   {"network", required_argument, NULL, 'n'},
    {"add", required_argument, NULL, 'a'},   {"give", required_argument, NULL, 'g'},
    {"lost", no_argument, NULL, 'l'},        {"out", required_argument, NULL, 'o'},
    {"drop", required_argument, NULL, 'x'},  {"every", required_argument, NULL, 'e'},
    {"young", required_argument, NULL, 'y'}, {"share", required_argument, NULL, 's'},
    {"help", no_argument, NULL, 'h'},        {0}};

typedef struct wish {
    const char *dir, *network, *add, *give, *out, *drop;
    uint32_t every, young, share; /* 0: as it is */
    bool lost;
} wish;

static int usage(void)
{
    (void)puts(
        "usage: qnet pool --dir DIR [--network FILE] [--every DAYS] [--young DAYS] [--share "
        "PERCENT]\n"
        "                 [--add FILE | --give ACCOUNT [--lost] [--out FILE] | --drop FILE]\n\n"
        "Rations invitations to unlisted nodes. --add takes up all that FILE holds, whatever is\n"
        "between them. --give prints the one of this account: the same each time it asks, with "
        "--lost\n"
        "another, at most one in --every days [7]. An account is young for --young days [30], and\n"
        "again after each loss: all young ones share --share percent [10] of the invitations, the\n"
        "others the rest. --drop forgets the nodes that FILE's lead to. Without any of them: "
        "counts. The "
        "network\n"
        "file is needed once.");
    return EXIT_FINE;
}

/* ---- what there is to do --------------------------------------------------------------------- */

static int show(const pool *p)
{
    uint32_t young = qn_handout_young(&p->policy, p->n);

    (void)printf("invitations to %u nodes: %u for young accounts, %u for the others\n"
                 "accounts     %zu\n"
                 "policy       another in %u days, young for %u days, %u percent for the young\n",
                 p->n, young, p->n - young, json_object_size(p->accounts), p->policy.every_days,
                 p->policy.young_days, p->policy.young_percent);
    return EXIT_FINE;
}

static int add(pool *p, const wish *w, const qn_store *s, qn_env *env, const qn_network *net,
               qn_why why)
{
    unsigned taken, bad;
    qn_span text;
    bool ok;

    if (qn_file_read(w->add, &text, why) != QN_FOUND)
        return EXIT_STATE;
    ok = pool_add(p, env, net, (qn_slice){text.p, text.n}, &taken, &bad, why);
    explicit_bzero(text.p, text.n);
    free(text.p);
    if (!ok || !pool_write(p, s, why))
        return EXIT_STATE;
    (void)printf("took %u invitations, passed over %u that are damaged, over or of another "
                 "network\n",
                 taken, bad);
    return EXIT_FINE;
}

static int drop(pool *p, const wish *w, const qn_store *s, qn_env *env, const qn_network *net,
                qn_why why)
{
    unsigned dropped;
    qn_span text;

    if (qn_file_read(w->drop, &text, why) != QN_FOUND)
        return EXIT_STATE;
    dropped = pool_drop(p, env, net, (qn_slice){text.p, text.n});
    explicit_bzero(text.p, text.n);
    free(text.p);
    if (!pool_write(p, s, why))
        return EXIT_STATE;
    (void)printf("dropped %u nodes\n", dropped);
    return EXIT_FINE;
}

static int refuse(qn_err err, const pool *p, qn_why why)
{
    if (err == QN_QUOTA)
        (void)qn_why_say(why, "this account has been given another less than %u days ago",
                         p->policy.every_days);
    else
        (void)qn_why_say(why, "the pool is empty: --add invitations to it");
    return EXIT_STATE;
}

/* Remembered before it is out of our hands. */
static int give(pool *p, const wish *w, const qn_store *s, qn_env *env, qn_why why)
{
    char id[POOL_ACCOUNT_ID], line[QN_INVITATION_TEXT + 1];
    qn_handout_account a;
    uint32_t place;
    qn_err err;
    bool ok = true;
    int n;

    pool_account_id(p, w->give, id);
    a = pool_account(p, id);
    err = qn_handout_pick(&p->key, &p->policy, &a,
                          (qn_slice){(const uint8_t *)id, POOL_ACCOUNT_ID - 1}, w->lost, env->wall,
                          p->id, p->n, &place);
    if (err != QN_OK)
        return refuse(err, p, why);
    if (!pool_remember(p, id, &a)) {
        (void)qn_why_say(why, "a pool remembers %d accounts", POOL_ACCOUNTS_MAX);
        return EXIT_STATE;
    }
    if (!pool_write_accounts(p, s, why))
        return EXIT_STATE;
    n = snprintf(line, sizeof line, "%s\n", p->text[place]);
    if (w->out == NULL)
        (void)fputs(line, stdout);
    else
        ok = qn_file_replace(qn_place_of(w->out), (qn_slice){(const uint8_t *)line, (size_t)n},
                             0600, why);
    explicit_bzero(line, sizeof line);
    return ok ? EXIT_FINE : EXIT_STATE;
}

static bool set_policy(pool *p, const wish *w)
{
    if (w->every != 0)
        p->policy.every_days = w->every;
    if (w->young != 0)
        p->policy.young_days = w->young;
    if (w->share != 0)
        p->policy.young_percent = w->share;
    return w->every != 0 || w->young != 0 || w->share != 0;
}

static int perform(const wish *w, qn_env *env, qn_why why)
{
    static qn_network net;
    static pool p;
    qn_store s;
    qn_span file = {0};
    int status;

    if (!qn_store_open(&s, w->dir, why))
        return EXIT_STATE;
    status = network_of_state(&s, w->network, env, &net, &file, why);
    if (status == EXIT_FINE)
        status = pool_open(&p, &s, env, &net, why);
    if (status == EXIT_FINE) {
        if (set_policy(&p, w) && !pool_write(&p, &s, why))
            status = EXIT_STATE;
        else
            status = w->add != NULL    ? add(&p, w, &s, env, &net, why)
                     : w->give != NULL ? give(&p, w, &s, env, why)
                     : w->drop != NULL ? drop(&p, w, &s, env, &net, why)
                                       : show(&p);
        pool_close(&p);
    }
    free(file.p);
    qn_store_close(&s);
    return status;
}

/* ---- the command line ------------------------------------------------------------------------ */

static int take_number(const char *text, const char *name, unsigned long max, uint32_t *out)
{
    char *end = NULL;
    unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1 || n > max)
        return complain(EXIT_USAGE, "--%s is a number from 1 to %lu", name, max);
    *out = (uint32_t)n;
    return EXIT_FINE;
}

static int take_option(wish *w, int got)
{
    switch (got) {
    case 'd':
        w->dir = optarg;
        break;
    case 'n':
        w->network = optarg;
        break;
    case 'a':
        w->add = optarg;
        break;
    case 'g':
        w->give = optarg;
        break;
    case 'o':
        w->out = optarg;
        break;
    case 'x':
        w->drop = optarg;
        break;
    case 'e':
        return take_number(optarg, "every", 365, &w->every);
    case 'y':
        return take_number(optarg, "young", 365, &w->young);
    case 's':
        return take_number(optarg, "share", 100, &w->share);
    default:
        w->lost = true;
    }
    return EXIT_FINE;
}

int cmd_pool(int argc, char **argv)
{
    wish w = {.network = ""};
    qn_real_env env;
    qn_why why;
    int got, status;

    while ((got = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (got == 'h')
            return usage();
        if (got == '?' || got == ':')
            return complain_option("pool", got, argv);
        status = take_option(&w, got);
        if (status != EXIT_FINE)
            return status;
    }
    if (optind < argc)
        return complain_extra("pool", argv[optind]);
    if (w.dir == NULL)
        return complain(EXIT_USAGE, "say where the pool is: --dir DIR");
    if ((w.add != NULL) + (w.give != NULL) + (w.drop != NULL) > 1 || (w.lost && w.give == NULL))
        return complain(EXIT_USAGE, "one of --add, --give and --drop; --lost is --give's");
    if (!qn_real_env_open(&env, QN_LOG_WARN, UINT64_MAX))
        return complain(EXIT_FAILED, "out of memory");
    qn_real_env_stamp(&env);
    status = perform(&w, &env.env, why);
    qn_real_env_close(&env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}

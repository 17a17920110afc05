/* qnet network: looking at a network file; founding one is in network_init.c and its neighbours. */
#include "commands.h"
#include "node_files.h"

#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct option show_options[] = {
    {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};

static json_t *hex(const uint8_t *p, size_t n)
{
    char text[65];

    for (size_t i = 0; i < n && i < 32; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", p[i]);
    return json_string(text);
}

static json_t *describe_operator(const qn_operator *o, qn_env *env)
{
    char id[QN_PEERID_TEXT + 1] = "", addr[QN_ADDR_TEXT];

    if (qn_peerid_text(env, &o->id, id) != QN_OK)
        return NULL;
    qn_addr_text(&o->addr, addr);
    return json_pack("{ss ss so so sb}", "peer_id", id, "addr", addr, "sign_key",
                     hex(o->sign_key, 32), "link_key", hex(o->link_key, 32), "contact",
                     o->card.n > 0);
}

static json_t *describe(const qn_network *net, qn_env *env)
{
    json_t *operators = json_array();

    for (unsigned i = 0; i < net->operators_n; i++)
        (void)json_array_append_new(operators, describe_operator(&net->operators[i], env));
    return json_pack("{si ss so sb sI sI si so}", "schema", 1, "name", net->name, "id",
                     hex(net->id, sizeof net->id), "lab", net->lab, "created",
                     (json_int_t)net->created, "root", (json_int_t)net->root, "threshold",
                     net->threshold, "operators", operators);
}

static void print_network(const json_t *o)
{
    size_t i;
    const json_t *op;

    (void)printf("%s%s\n  id        %s\n  root      %lld\n  threshold %lld of %zu operators\n",
                 json_string_value(json_object_get(o, "name")),
                 json_is_true(json_object_get(o, "lab")) ? " (lab)" : "",
                 json_string_value(json_object_get(o, "id")),
                 json_integer_value(json_object_get(o, "root")),
                 json_integer_value(json_object_get(o, "threshold")),
                 json_array_size(json_object_get(o, "operators")));
    json_array_foreach(json_object_get(o, "operators"), i, op)(void)
        printf("  operator  %s at %s\n", json_string_value(json_object_get(op, "peer_id")),
               json_string_value(json_object_get(op, "addr")));
}

static int show(const char *path, bool as_json, qn_env *env, qn_why why)
{
    static qn_network net;
    qn_span bytes;
    json_t *o;
    int status = network_load(path, env, &net, &bytes, why);

    if (status != EXIT_FINE)
        return status;
    free(bytes.p);
    o = describe(&net, env);
    if (o == NULL) {
        (void)qn_why_say(why, "out of memory");
        return EXIT_FAILED;
    }
    if (!as_json)
        print_network(o);
    else if (json_dumpf(o, stdout, JSON_INDENT(2)) == 0)
        (void)putchar('\n');
    json_decref(o);
    return EXIT_FINE;
}

static int show_usage(void)
{
    (void)puts("usage: qnet network show FILE [--json]\n\nVerifies a network file and prints it.");
    return EXIT_FINE;
}

static int network_show(int argc, char **argv)
{
    bool as_json = false;
    qn_real_env env;
    qn_why why;
    int got, status;

    optind = 1;
    while ((got = getopt_long(argc, argv, ":", show_options, NULL)) != -1) {
        if (got == '?' || got == ':')
            return complain_option("network show", got, argv);
        if (got == 'h')
            return show_usage();
        as_json = true;
    }
    if (optind == argc)
        return complain(EXIT_USAGE, "say which file: 'qnet network show FILE'");
    if (optind + 1 < argc)
        return complain_extra("network show", argv[optind + 1]);
    if (!qn_real_env_open(&env, QN_LOG_WARN, UINT64_MAX))
        return complain(EXIT_FAILED, "out of memory");
    status = show(argv[optind], as_json, &env.env, why);
    qn_real_env_close(&env);
    return status == EXIT_FINE ? status : complain(status, "%s", why);
}

int cmd_network(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (strcmp(verb, "init") == 0)
        return network_init(argc - 1, argv + 1);
    if (strcmp(verb, "show") == 0)
        return network_show(argc - 1, argv + 1);
    if (network_step_known(verb))
        return network_step(argc - 1, argv + 1);
    if (strcmp(verb, "--help") == 0) {
        (void)network_init_usage();
        (void)putchar('\n');
        (void)network_steps_usage();
        (void)putchar('\n');
        return show_usage();
    }
    return complain(EXIT_USAGE, "say 'qnet network init', 'show', 'entry', 'contact', "
                                "'rotate', 'sign' or 'complete'");
}

/*
 * qnet-censor-proxy: a censor of lab/censor in front of a real server on this machine. Exit status:
 * 0 ended by a signal, 1 the system refused, 2 wrong usage.
 */
#include "proxy/proxy.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64, SUSPECTS_MAX = 4 };

static volatile int stop;

static const char usage[] =
    "usage: qnet-censor-proxy --to ADDRESS:PORT --kind KIND [option...]\n"
    "Passes TCP flows to a server on this machine and does what a censor would.\n"
    "  --kind KIND      ip, sni, keyword, throttle, freeze, encrypted, ja4, ports, shutdown,\n"
    "                   prober, duplicator\n"
    "  --listen A:P     where to listen (127.0.0.1, any port); the address is the first output\n"
    "  --name NAME      sni, keyword, throttle, ja4: what is listed; may be repeated\n"
    "  --probe S        prober, duplicator: when it asks the server; may be repeated, ascending\n"
    "  --port N         ports: what may be reached; may be repeated\n"
    "  --from S, --until S, --delay S, --penalty S, --rate BIT/S, --burst BYTES, --limit BYTES,\n"
    "  --share PERMILLE, --reset, --strict\n"
    "                   as docs/scenario-reference.md says for censors\n"
    "  --seed N         of what the censor draws (1)\n"
    "The server is the one listed address. Each probe is a line of output when it is over; on "
    "SIGINT\n"
    "and SIGTERM the last line is what the censor did, as JSON.\n";

typedef struct order {
    censor_cfg cfg;
    qn_addr listen, to;
    const char *names[NAMES_MAX];
    qn_time delays[CENSOR_DELAYS_MAX];
    uint16_t ports[NAMES_MAX];
    censor_suspect suspects[SUSPECTS_MAX];
    uint64_t seed;
} order;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "qnet-censor-proxy: %s%s; see --help\n", what, value);
    exit(2);
}

static uint64_t number(const char *option, const char *text, uint64_t max)
{
    char *rest;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &rest, 10);
    if (errno != 0 || *rest != '\0' || text[0] < '0' || text[0] > '9' || v > max)
        refuse("not a number in range for ", option);
    return v;
}

static qn_addr address(const char *text)
{
    qn_addr a;

    if (qn_addr_parse(&a, text) != QN_OK || a.family != 4 || a.ip[0] != 127)
        refuse("an address of this machine is 127.x.y.z:PORT, not ", text);
    return a;
}

static void add_name(order *o, const char *name)
{
    if (o->cfg.names_n == NAMES_MAX)
        refuse("too many names, from ", name);
    o->names[o->cfg.names_n++] = name;
}

static void take(order *o, const char *option, const char *value)
{
    const uint64_t day = 86400;

    if (strcmp(option, "kind") == 0) {
        o->cfg.kind = censor_kind_of(value);
        if (o->cfg.kind == NULL)
            refuse("no censor is called ", value);
    } else if (strcmp(option, "listen") == 0) {
        o->listen = address(value);
    } else if (strcmp(option, "to") == 0) {
        o->to = address(value);
    } else if (strcmp(option, "name") == 0) {
        add_name(o, value);
    } else if (strcmp(option, "probe") == 0) {
        if (o->cfg.delays_n == CENSOR_DELAYS_MAX)
            refuse("too many probes, from ", value);
        o->delays[o->cfg.delays_n++] = number(option, value, day) * QN_SEC;
    } else if (strcmp(option, "port") == 0) {
        if (o->cfg.ports_n == NAMES_MAX)
            refuse("too many ports, from ", value);
        o->ports[o->cfg.ports_n++] = (uint16_t)number(option, value, UINT16_MAX);
    } else if (strcmp(option, "from") == 0) {
        o->cfg.from = number(option, value, day) * QN_SEC;
    } else if (strcmp(option, "until") == 0) {
        o->cfg.until = number(option, value, day) * QN_SEC;
    } else if (strcmp(option, "burst") == 0) {
        o->cfg.burst = number(option, value, UINT64_C(1) << 30);
    } else if (strcmp(option, "delay") == 0) {
        o->cfg.delay = number(option, value, day) * QN_SEC;
    } else if (strcmp(option, "penalty") == 0) {
        o->cfg.penalty = number(option, value, day) * QN_SEC;
    } else if (strcmp(option, "rate") == 0) {
        o->cfg.rate = number(option, value, UINT64_C(1) << 40);
    } else if (strcmp(option, "limit") == 0) {
        o->cfg.limit = number(option, value, UINT64_C(1) << 40);
    } else if (strcmp(option, "share") == 0) {
        o->cfg.share = (uint16_t)number(option, value, 1000);
    } else if (strcmp(option, "seed") == 0) {
        o->seed = number(option, value, UINT64_MAX);
    } else if (strcmp(option, "strict") == 0) {
        o->cfg.strict = true;
    } else {
        o->cfg.reset = true;
    }
}

static void read_order(order *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"kind", required_argument, NULL, 1},
        {"listen", required_argument, NULL, 1},
        {"to", required_argument, NULL, 1},
        {"name", required_argument, NULL, 1},
        {"delay", required_argument, NULL, 1},
        {"penalty", required_argument, NULL, 1},
        {"rate", required_argument, NULL, 1},
        {"limit", required_argument, NULL, 1},
        {"share", required_argument, NULL, 1},
        {"seed", required_argument, NULL, 1},
        {"probe", required_argument, NULL, 1},
        {"port", required_argument, NULL, 1},
        {"from", required_argument, NULL, 1},
        {"until", required_argument, NULL, 1},
        {"burst", required_argument, NULL, 1},
        {"reset", no_argument, NULL, 1},
        {"strict", no_argument, NULL, 1},
        {"help", no_argument, NULL, 2},
        {NULL, 0, NULL, 0},
    };
    int which = 0, got;

    *o = (order){.cfg = {.limit = 16384, .share = 1000, .burst = 16384},
                 .listen = {.family = 4, .ip = {127, 0, 0, 1}},
                 .seed = 1};
    while ((got = getopt_long(argc, argv, "", options, &which)) != -1) {
        if (got == 2) {
            (void)fputs(usage, stdout);
            exit(0);
        }
        if (got != 1)
            exit(2); /* getopt has said why */
        take(o, options[which].name, optarg);
    }
    if (optind != argc)
        refuse("not understood: ", argv[optind]);
    if (o->cfg.kind == NULL || o->to.port == 0)
        refuse("--kind and --to are needed", "");
    o->cfg.names = o->names;
    o->cfg.addresses = &o->to;
    o->cfg.addresses_n = 1;
    o->cfg.delays = o->delays;
    o->cfg.ports = o->ports;
    o->cfg.suspects = o->suspects;
    o->cfg.suspects_max = SUSPECTS_MAX;
}

static void report(const censor_stats *s)
{
    (void)printf("{\"flows\": %llu, \"caught\": %llu, \"penalised\": %llu, \"slowed\": %llu, "
                 "\"lost\": %llu, \"seen_bytes\": %llu, \"inspections\": %llu, "
                 "\"inspected_bytes\": %llu, \"state_bytes_max\": %llu, \"probes\": %llu, "
                 "\"probe_bytes\": %llu, \"found\": %llu}\n",
                 (unsigned long long)s->flows, (unsigned long long)s->caught,
                 (unsigned long long)s->penalised, (unsigned long long)s->slowed,
                 (unsigned long long)s->lost, (unsigned long long)s->seen,
                 (unsigned long long)s->inspections, (unsigned long long)s->inspected,
                 (unsigned long long)(s->states_max * sizeof(censor_flow)),
                 (unsigned long long)s->probes, (unsigned long long)s->probe_bytes,
                 (unsigned long long)s->found);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal};
    char text[QN_ADDR_TEXT];
    qn_drbg drbg;
    qn_env env = {.rng = {qn_drbg_fill, &drbg}};
    static censor c;
    static order o;
    int listener;
    bool fine;

    read_order(&o, argc, argv);
    qn_drbg_init(&drbg, "qnet-censor-proxy", o.seed, 0);
    env.engine = qn_engine_new();
    if (env.engine == NULL || !censor_init(&c, &o.cfg, &env, proxy_now()))
        refuse("this kind needs more options: ", censor_kind_name(o.cfg.kind));
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    listener = proxy_listen(&o.listen);
    if (listener >= 0) {
        qn_addr_text(&o.listen, text);
        (void)printf("%s\n", text);
        (void)fflush(stdout);
    }
    fine = listener >= 0 && proxy_run(&c, listener, &o.to, &stop);
    if (!fine)
        perror("qnet-censor-proxy");
    report(&c.stats);
    qn_engine_free(env.engine);
    return fine ? 0 : 1;
}

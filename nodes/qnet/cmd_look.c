/* qnet status|circuits|peers: asks a running node through its state directory's socket. */
#include "ask.h"
#include "commands.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {{"state", required_argument, NULL, 's'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

/* ---- showing --------------------------------------------------------------------------------- */

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s != NULL ? s : "-";
}

static long long number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static void show_advice(const json_t *o)
{
    const char *advice = json_string_value(json_object_get(o, "advice"));

    if (advice != NULL && advice[0] != '\0')
        (void)printf("  %s\n", advice);
}

static void show_disguise(const json_t *o)
{
    const json_t *site = json_object_get(o, "origin");

    if (!json_is_object(o))
        return;
    (void)printf("  looks as  %s", text(o, "profile"));
    if (json_is_object(site))
        (void)printf(", before %s%s", text(site, "name"),
                     json_is_true(json_object_get(site, "down")) ? ", which does not answer" : "");
    (void)putchar('\n');
    show_advice(o);
    show_advice(site);
}

static void show_status(const json_t *o)
{
    const json_t *net = json_object_get(o, "network"), *mem = json_object_get(o, "memory");

    (void)printf("%s (%s)\n", text(o, "state"), text(o, "phase"));
    show_advice(o);
    (void)printf("  node      %s, %s\n", text(o, "mode"), text(o, "peer_id"));
    (void)printf("  network   %s%s, %lld relays known, %s carrier\n", text(net, "name"),
                 json_is_true(json_object_get(o, "lab")) ? " (lab)" : "", number(o, "peers_online"),
                 text(o, "carrier"));
    show_disguise(json_object_get(o, "disguise"));
    (void)printf("  route     %s\n", text(o, "route"));
    (void)printf("  listening links %s, SOCKS5 %s, status %s\n", text(o, "listen_addr"),
                 text(o, "socks_addr"), text(o, "status_addr"));
    (void)printf("  now       %lld links, %lld circuits, %lld streams\n", number(o, "active_links"),
                 number(o, "active_circuits"), number(o, "active_streams"));
    (void)printf("  bytes     %lld in, %lld out\n", number(o, "bytes_in"), number(o, "bytes_out"));
    (void)printf("  memory    %lld KiB of %lld KiB\n", number(mem, "used") >> 10,
                 number(mem, "limit") >> 10);
    (void)printf("  up        %lld s\n", number(o, "uptime_secs"));
}

static void show_circuits(const json_t *o)
{
    size_t i, h;
    const json_t *c, *hop;

    (void)printf("%6s %7s %8s %12s %12s  path\n", "id", "streams", "age", "up", "down");
    json_array_foreach(json_object_get(o, "circuits"), i, c)
    {
        (void)printf("%6lld %7lld %6llds %12lld %12lld  ", number(c, "id"), number(c, "streams"),
                     number(c, "age_ms") / 1000, number(c, "up"), number(c, "down"));
        json_array_foreach(json_object_get(c, "hops"), h, hop)(void)
            printf("%s%.12s", h ? " > " : "", json_string_value(hop));
        (void)puts(json_is_true(json_object_get(c, "built")) ? "" : " (building)");
    }
}

static void show_peers(const json_t *o)
{
    size_t i;
    const json_t *p;

    (void)printf("%-12s %-8s %-4s %7s %8s %12s %12s\n", "peer", "dialled", "up", "streams", "age",
                 "in", "out");
    json_array_foreach(json_object_get(o, "peers"), i, p)
    {
        const char *id = json_string_value(json_object_get(p, "peer_id"));

        (void)printf("%-12.12s %-8s %-4s %7lld %6llds %12lld %12lld\n", id ? id : "(anonymous)",
                     json_is_true(json_object_get(p, "outbound")) ? "by us" : "by it",
                     json_is_true(json_object_get(p, "up")) ? "yes" : "no", number(p, "streams"),
                     number(p, "age_ms") / 1000, number(p, "bytes_in"), number(p, "bytes_out"));
    }
}

static void show(const char *what, const json_t *o)
{
    if (strcmp(what, "status") == 0)
        show_status(o);
    else if (strcmp(what, "circuits") == 0)
        show_circuits(o);
    else
        show_peers(o);
}

int cmd_look(int argc, char **argv)
{
    const char *what = argv[0], *state = NULL;
    bool json = false;
    qn_why why;
    json_t *document;
    int got;

    while ((got = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (got == '?' || got == ':')
            return complain_option(what, got, argv);
        if (got == 's')
            state = optarg;
        else if (got == 'j')
            json = true;
        else {
            (void)printf("usage: qnet %s --state DIR [--json]\n\nAsks the node that runs on DIR.\n",
                         what);
            return EXIT_FINE;
        }
    }
    if (optind < argc)
        return complain_extra(what, argv[optind]);
    if (state == NULL)
        return complain(EXIT_USAGE, "say which node: --state DIR");
    document = ask_node(state, what, why);
    if (document == NULL)
        return complain(EXIT_NETWORK, "%s", why);
    if (json)
        (void)printf("%s", json_dumpf(document, stdout, JSON_INDENT(2)) == 0 ? "\n" : "");
    else
        show(what, document);
    json_decref(document);
    return EXIT_FINE;
}

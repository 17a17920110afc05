#include "settings.h"

#include "io-real/atlas.h"
#include "io-real/resolver.h"
#include "qnet/node.h"

#include <stdlib.h>
#include <string.h>

const key_info key_table[KEYS] = {
    [KEY_MODE] = {.name = "mode",
                  .flag = "mode",
                  .variable = "STEALTH_MODE",
                  .fallback = "client",
                  .metavar = "MODE",
                  .help = "client, relay, bootstrap, exit or super"},
    [KEY_STATE] = {.name = "state",
                   .flag = "state",
                   .metavar = "DIR",
                   .help = "state directory: keys, snapshot; made when missing"},
    [KEY_NETWORK] = {.name = "network",
                     .flag = "network",
                     .metavar = "FILE",
                     .help = "network file; kept in the state directory from then on"},
    [KEY_ROUTE] = {.name = "route",
                   .flag = "route",
                   .fallback = "fast",
                   .metavar = "ROUTE",
                   .help = "fast (1 hop) or privacy (3 hops), for SOCKS users who do not say"},
    [KEY_ROUTE_COUNTRY] = {.name = "route.country",
                           .flag = "route-country",
                           .metavar = "CC",
                           .help = "leave the network only at exits of this country, two letters"},
    [KEY_CARRIER] = {.name = "carrier",
                     .flag = "carrier",
                     .fallback = "htx",
                     .metavar = "NAME",
                     .help = "htx, or bare: no disguise, for tests; needs --lab"},
    [KEY_LAB] = {.name = "lab",
                 .flag = "lab",
                 .fallback = "false",
                 .help = "the relaxed rules of a private network"},
    [KEY_PROFILE] = {.name = "profile",
                     .flag = "profile",
                     .metavar = "NAME",
                     .help = "the browser to look like, or its file; drawn once when not given"},
    [KEY_ORIGIN_FILE] = {.name = "origin.file",
                         .flag = "origin-file",
                         .metavar = "FILE",
                         .help = "what tools/origin-check measured at the web site behind this "
                                 "node"},
    [KEY_DRAIN] = {.name = "drain",
                   .flag = "drain",
                   .fallback = "300",
                   .metavar = "SECONDS",
                   .help = "what streams get when the origin ends their connection"},
    [KEY_ROOTS] = {.name = "roots",
                   .flag = "roots",
                   .fallback = "/etc/ssl/certs/ca-certificates.crt",
                   .metavar = "FILE",
                   .help = "lab only: another file of certificate authorities to trust"},
    [KEY_HOSTS] = {.name = "hosts",
                   .flag = "hosts",
                   .metavar = "FILE",
                   .help = "lab only: a hosts file with the origins' names, in place of DNS"},
    [KEY_LISTEN] = {.name = "listen",
                    .flag = "listen",
                    .metavar = "ADDR:PORT",
                    .help = "where other nodes reach this one; port 0: any free one"},
    [KEY_LISTED] = {.name = "directory.listed",
                    .flag = "listed",
                    .fallback = "true",
                    .metavar = "BOOL",
                    .help = "false: no directory hears of this node, 'qnet invite' tells of it"},
    [KEY_DISCOVERY_LAN] = {.name = "discovery.lan",
                           .flag = "discovery-lan",
                           .fallback = "false",
                           .help = "tell the local network of this node, look for others there"},
    [KEY_DIRECTORY_LISTEN] = {.name = "directory.listen",
                              .flag = "directory-listen",
                              .metavar = "ADDR:PORT",
                              .help = "offer the directory over HTTP here too; 127.0.0.1 behind a "
                                      "web server is best"},
    [KEY_DIRECTORY_RATE] = {.name = "directory.rate",
                            .flag = "directory-rate",
                            .fallback = "20",
                            .metavar = "N",
                            .help = "its requests a second from one address; or 'off'"},
    [KEY_INVITATION] = {.name = "invitation",
                        .flag = "invitation",
                        .metavar = "FILE",
                        .help = "enter by who invited us; '-' reads it; kept; may be repeated",
                        .list = true},
    [KEY_SOCKS_PORT] = {.name = "socks.port",
                        .flag = "socks-port",
                        .variable = "STEALTH_SOCKS_PORT",
                        .metavar = "PORT",
                        .help = "SOCKS5 on 127.0.0.1: a port, 'any' or 'off'; 1088 for a client"},
    [KEY_SOCKS_EARLY_REPLY] = {.name = "socks.early_reply",
                               .flag = "socks-early-reply",
                               .fallback = "known",
                               .metavar = "WHEN",
                               .help = "say 'connected' before the exit does: 'known', of "
                                       "destinations reached lately; or 'never'"},
    [KEY_STATUS_PORT] = {.name = "status.port",
                         .flag = "status-port",
                         .variable = "STEALTH_STATUS_PORT",
                         .fallback = "8088",
                         .metavar = "PORT",
                         .help = "status on 127.0.0.1: a port, 'any' or 'off'"},
    [KEY_COUNTRY] = {.name = "country",
                     .flag = "country",
                     .metavar = "CC",
                     .help = "where this node stands, as two letters"},
    [KEY_ATLAS] = {.name = "atlas",
                   .flag = "atlas",
                   .metavar = "FILE",
                   .help = "where addresses are: MaxMind DBs, in place of the one that came with "
                           "the program; or 'off'; may be repeated",
                   .list = QN_ATLAS_TABLES},
    [KEY_EXIT_CONTACT] = {.name = "exit.contact",
                          .flag = "exit-contact",
                          .variable = "EXIT_ABUSE_EMAIL",
                          .metavar = "MAIL",
                          .help = "who answers complaints; an exit or super must say"},
    [KEY_EXIT_NOTICE] = {.name = "exit.notice",
                         .flag = "exit-notice",
                         .metavar = "URL",
                         .help = "where the exit's legal notice can be read"},
    [KEY_EXIT_LOG_DAYS] = {.name = "exit.log.days",
                           .flag = "exit-log-days",
                           .fallback = "7",
                           .metavar = "DAYS",
                           .help = "an exit's hourly counts are kept so long; or 'off'"},
    [KEY_EXIT_RULE] = {.name = "exit.rule",
                       .flag = "exit-rule",
                       .metavar = "RULE",
                       .help = "'accept|reject TARGET:PORTS', the first that matches counts; may "
                               "be repeated",
                       .list = QN_RULES_MAX},
    [KEY_EXIT_PORTS] = {.name = "exit.ports",
                        .flag = "exit-port",
                        .metavar = "PORT",
                        .help = "a port the exit opens beside 80 and 443; may be repeated",
                        .list = QN_EXIT_PORTS_MAX},
    [KEY_EXIT_ALLOW] = {.name = "exit.allow",
                        .flag = "exit-allow",
                        .metavar = "ADDR[/BITS]:PORT[-LAST]",
                        .help = "lab only: a private destination the exit opens; may be repeated",
                        .list = QN_EXIT_ALLOW_MAX},
    [KEY_EXIT_CONNECTIONS] = {.name = "exit.connections",
                              .flag = "exit-connections",
                              .variable = "EXIT_MAX_CONNECTIONS",
                              .fallback = "1000",
                              .metavar = "N",
                              .help = "connections the exit keeps open at once"},
    [KEY_EXIT_CLIENT_CONNECTIONS] = {.name = "exit.client.connections",
                                     .flag = "exit-client-connections",
                                     .fallback = "20",
                                     .metavar = "N",
                                     .help = "of these, for one client; or 'off', as in a lab"},
    [KEY_EXIT_CLIENT_DESTINATION] = {.name = "exit.client.destination",
                                     .flag = "exit-client-destination",
                                     .fallback = "5",
                                     .metavar = "N",
                                     .help = "of these, to one destination; or 'off', as in a lab"},
    [KEY_EXIT_CLIENT_REQUESTS] = {.name = "exit.client.requests",
                                  .flag = "exit-client-requests",
                                  .fallback = "100",
                                  .metavar = "N",
                                  .help = "requests of one client a minute; or 'off', as in a lab"},
    [KEY_EXIT_CLIENT_RATE] = {.name = "exit.client.rate",
                              .flag = "exit-client-rate",
                              .fallback = "10 MiB",
                              .metavar = "SIZE",
                              .help = "a second, of one client; or 'off', as in a lab"},
    [KEY_EXIT_RATE] = {.name = "exit.rate",
                       .flag = "exit-rate",
                       .fallback = "100 MiB",
                       .metavar = "SIZE",
                       .help = "a second, of all clients; or 'off', as in a lab"},
    [KEY_EXIT_IDLE] = {.name = "exit.idle",
                       .flag = "exit-idle",
                       .fallback = "300",
                       .metavar = "SECONDS",
                       .help = "without a byte end a connection; or 'off', as in a lab"},
    [KEY_CIRCUITS_READY] = {.name = "circuits.ready",
                            .flag = "circuits-ready",
                            .fallback = "4",
                            .metavar = "N",
                            .help = "3-hop circuits kept in stock"},
    [KEY_CIRCUIT_PADDING] = {.name = "circuit.padding",
                             .flag = "circuit-padding",
                             .fallback = "off",
                             .metavar = "KIND",
                             .help =
                                 "'bursts': a client's 3-hop circuits hide small sizes; or 'off'"},
    [KEY_LOOPS] = {.name = "loops",
                   .flag = "loops",
                   .fallback = "1",
                   .metavar = "N",
                   .help = "event loops, each on a core: of a relay or exit that has many"},
    [KEY_MEMORY_MAX] = {.name = "memory.max",
                        .flag = "memory-max",
                        .fallback = "1 GiB",
                        .metavar = "SIZE",
                        .help = "cap of the node's memory, such as '512 MiB'"},
    [KEY_DNS_SERVER] = {.name = "dns.server",
                        .flag = "dns-server",
                        .metavar = "ADDR:PORT",
                        .help = "the one nameserver an exit asks, in place of the root and below"},
    [KEY_DNS_ANCHOR] = {.name = "dns.anchor",
                        .flag = "dns-anchor",
                        .fallback = QN_RESOLVER_ANCHOR,
                        .metavar = "FILE",
                        .help = "the keys an exit's DNSSEC begins with"},
    [KEY_LOG_LEVEL] = {.name = "log.level",
                       .flag = "log",
                       .fallback = "info",
                       .metavar = "LEVEL",
                       .help = "error, warn, info or debug"},
};

void settings_init(settings *s)
{
    memset(s, 0, sizeof *s);
    for (unsigned k = 0; k < KEYS; k++)
        if (key_table[k].fallback != NULL) {
            memcpy(s->v[k].text[0], key_table[k].fallback, strlen(key_table[k].fallback) + 1);
            s->v[k].n = 1;
        }
}

bool settings_add(settings *s, key_id k, const char *text, given_by from, unsigned line, qn_why why)
{
    setting *v = &s->v[k];
    const key_info *info = &key_table[k];

    if (strlen(text) >= SETTING_TEXT_MAX)
        return qn_why_say(why, "the value of %s is longer than %d characters", info->name,
                          SETTING_TEXT_MAX - 1);
    if (from < v->from)
        return true;
    if (from > v->from || !info->list)
        v->n = 0;
    if (v->n == (info->list > 0 ? info->list : 1))
        return qn_why_say(why, "%s has more than %u entries", info->name, info->list);
    memcpy(v->text[v->n++], text, strlen(text) + 1);
    v->from = from;
    v->line = line;
    return true;
}

const char *settings_text(const settings *s, key_id k)
{
    return s->v[k].n > 0 ? s->v[k].text[0] : "";
}

const char *settings_source(const settings *s, key_id k, char out[320])
{
    const setting *v = &s->v[k];

    switch (v->from) {
    case FROM_DEFAULT:
        return "default";
    case FROM_FILE:
        (void)snprintf(out, 320, "%.300s line %u", s->file, v->line);
        return out;
    case FROM_ENVIRONMENT:
    case FROM_STEALTH_MODE:
        return key_table[k].variable;
    case FROM_COMMAND_LINE:
        (void)snprintf(out, 320, "--%s", key_table[k].flag);
        return out;
    }
    return "?";
}

bool settings_read_environment(settings *s, qn_why why)
{
    for (unsigned k = 0; k < KEYS; k++) {
        const char *text = key_table[k].variable ? getenv(key_table[k].variable) : NULL;

        if (text == NULL)
            continue;
        if (text[0] == '\0')
            return qn_why_say(why, "%s is set but empty; unset it or give it a value",
                              key_table[k].variable);
        if (!settings_add(s, (key_id)k, text, k == KEY_MODE ? FROM_STEALTH_MODE : FROM_ENVIRONMENT,
                          0, why))
            return false;
    }
    return true;
}

/* Levenshtein distance of two short words. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t n = strlen(b);

    if (n >= sizeof row / sizeof row[0] || strlen(a) >= sizeof row / sizeof row[0])
        return 64;
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        unsigned corner = row[0]++;

        for (size_t j = 1; j <= n; j++) {
            unsigned swap = corner + (a[i - 1] != b[j - 1]), above = row[j] + 1,
                     left = row[j - 1] + 1;

            corner = row[j];
            row[j] = swap < above ? swap : above;
            row[j] = row[j] < left ? row[j] : left;
        }
    }
    return row[n];
}

const key_info *settings_suggest(const char *name)
{
    const key_info *best = NULL;
    unsigned nearest = 4; /* further off it would be a guess */

    for (unsigned k = 0; k < KEYS; k++) {
        unsigned d = distance(name, key_table[k].name), f = distance(name, key_table[k].flag);

        d = d < f ? d : f;
        if (d < nearest && d < strlen(name)) {
            nearest = d;
            best = &key_table[k];
        }
    }
    return best;
}

void settings_print_help(FILE *to)
{
    char left[64];

    for (unsigned k = 0; k < KEYS; k++) {
        const key_info *info = &key_table[k];

        (void)snprintf(left, sizeof left, "--%s %s", info->flag,
                       info->metavar ? info->metavar : "");
        if (strlen(left) > 29) /* too long to share a line */
            (void)fprintf(to, "  %s\n  %29s %s", left, "", info->help);
        else
            (void)fprintf(to, "  %-29s %s", left, info->help);
        if (info->fallback != NULL && info->metavar != NULL)
            (void)fprintf(to, " [%s]", info->fallback);
        (void)fputc('\n', to);
    }
}

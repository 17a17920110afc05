#include "config.h"

#include "io-real/world.h"
#include "values.h"

#include <string.h>

#define MEMORY_OF_A_LOOP (UINT64_C(128) << 20)

typedef struct reading {
    const settings *s;
    char *why;
    bool ok;
} reading;

/* Remembers the first fault only. */
static void wrong(reading *r, key_id k, const char *text, const char *rule)
{
    char source[320];

    if (!r->ok)
        return;
    r->ok = false;
    (void)qn_why_say(r->why, "%s: '%s' is not %s (%s)", key_table[k].name, text, rule,
                     settings_source(r->s, k, source));
}

static unsigned word(reading *r, key_id k, const char *const *words, unsigned n, const char *rule)
{
    int i = value_word(settings_text(r->s, k), words, n);

    if (i < 0)
        wrong(r, k, settings_text(r->s, k), rule);
    return i < 0 ? 0 : (unsigned)i;
}

static uint32_t number(reading *r, key_id k, uint32_t min, uint32_t max, const char *rule)
{
    uint64_t v = 0;

    if (!value_number(settings_text(r->s, k), min, max, &v))
        wrong(r, k, settings_text(r->s, k), rule);
    return (uint32_t)v;
}

static port_setting port(reading *r, key_id k)
{
    const char *text = settings_text(r->s, k);
    uint64_t v = 0;

    if (strcmp(text, "any") == 0)
        return (port_setting){.on = true};
    if (strcmp(text, "off") == 0 || strcmp(text, "0") == 0)
        return (port_setting){.on = false};
    if (!value_number(text, 1, 65535, &v))
        wrong(r, k, text, "a port from 1 to 65535, 'any' or 'off'");
    return (port_setting){.on = true, .port = (uint16_t)v};
}

/* Only a client offers SOCKS without being asked to. */
static port_setting socks_port(reading *r, qn_mode mode)
{
    if (r->s->v[KEY_SOCKS_PORT].n == 0)
        return (port_setting){.on = mode == QN_CLIENT, .port = 1088};
    return port(r, KEY_SOCKS_PORT);
}

static qn_addr address(reading *r, key_id k, bool any_port, const char *rule)
{
    const char *text = settings_text(r->s, k);
    qn_addr a = {0};

    if (text[0] != '\0' && !value_addr(text, any_port, &a))
        wrong(r, k, text, rule);
    return a;
}

static void country(reading *r, key_id key, char out[3])
{
    const char *text = settings_text(r->s, key);

    if (text[0] == '\0')
        return;
    if (strlen(text) != 2 || text[0] < 'A' || text[0] > 'Z' || text[1] < 'A' || text[1] > 'Z')
        wrong(r, key, text, "two capital letters (ISO 3166-1)");
    else
        memcpy(out, text, 3);
}

/* In a lab one client is often all there is, and a load test: what nobody set is no limit there. */
static bool no_limit(const reading *r, key_id k, bool lab)
{
    return strcmp(settings_text(r->s, k), "off") == 0 || (lab && r->s->v[k].from == FROM_DEFAULT);
}

static uint32_t limit(reading *r, key_id k, bool lab)
{
    return no_limit(r, k, lab) ? 0
                               : number(r, k, 1, 1000000, "a number from 1 to 1000000, or 'off'");
}

static uint64_t rate(reading *r, key_id k, bool lab)
{
    const uint64_t max = UINT64_C(8) << 30;
    uint64_t v = 0;

    if (no_limit(r, k, lab))
        return 0;
    if (!value_size(settings_text(r->s, k), &v) || v > max)
        wrong(r, k, settings_text(r->s, k), "a size with its unit, at most '8 GiB', or 'off'");
    return v;
}

static qn_exit_limits exit_limits(reading *r, bool lab)
{
    return (qn_exit_limits){.connections = limit(r, KEY_EXIT_CLIENT_CONNECTIONS, lab),
                            .per_destination = limit(r, KEY_EXIT_CLIENT_DESTINATION, lab),
                            .requests = limit(r, KEY_EXIT_CLIENT_REQUESTS, lab),
                            .rate = rate(r, KEY_EXIT_CLIENT_RATE, lab),
                            .rate_all = rate(r, KEY_EXIT_RATE, lab),
                            .idle = limit(r, KEY_EXIT_IDLE, lab)};
}

static const char *notice(reading *r)
{
    const char *text = settings_text(r->s, KEY_EXIT_NOTICE);

    if (text[0] != '\0' && strncmp(text, "https://", 8) != 0 && strncmp(text, "http://", 7) != 0)
        wrong(r, KEY_EXIT_NOTICE, text, "a URL that begins with https:// or http://");
    return text;
}

static void exit_rules(reading *r, config *c)
{
    const setting *rules = &r->s->v[KEY_EXIT_RULE];
    char source[320];
    const char *what;

    for (unsigned i = 0; i < rules->n && r->ok; i++) {
        r->ok = qn_rule_parse(&c->exit_rules[c->exit_rules_n++], rules->text[i], &what) == QN_OK;
        if (!r->ok)
            (void)qn_why_say(r->why, "exit.rule: rule %u, '%s', is not a rule: %s (%s)", i + 1,
                             rules->text[i], what, settings_source(r->s, KEY_EXIT_RULE, source));
    }
}

static void exit_lists(reading *r, config *c)
{
    const setting *ports = &r->s->v[KEY_EXIT_PORTS], *allow = &r->s->v[KEY_EXIT_ALLOW];
    uint64_t v = 0;

    for (unsigned i = 0; i < ports->n; i++) {
        if (!value_number(ports->text[i], 1, 65535, &v))
            wrong(r, KEY_EXIT_PORTS, ports->text[i], "a port from 1 to 65535");
        c->exit_ports[c->exit_ports_n++] = (uint16_t)v;
    }
    for (unsigned i = 0; i < allow->n; i++)
        if (!value_allow(allow->text[i], &c->exit_allow[c->exit_allow_n++]))
            wrong(r, KEY_EXIT_ALLOW, allow->text[i],
                  "an address or prefix with its port, such as 127.0.0.1:8080 or 10.0.0.0/8:80");
}

_Static_assert(QN_EXIT_PORTS_MAX <= SETTING_VALUES_MAX && QN_EXIT_ALLOW_MAX <= SETTING_VALUES_MAX &&
                   QN_RULES_MAX <= SETTING_VALUES_MAX,
               "a list that fits the node fits the settings");

static void values(reading *r, config *c)
{
    static const char *const modes[] = {"client", "relay", "bootstrap", "exit", "super"};
    static const char *const routes[] = {"fast", "privacy"};
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    static const char *const carriers[] = {"htx", "bare"};
    static const char *const earlies[] = {"never", "known"};
    static const char *const paddings[] = {"off", "bursts"};
    const char *contact = settings_text(r->s, KEY_EXIT_CONTACT);
    bool listed = true;

    c->mode = (qn_mode)word(r, KEY_MODE, modes, 5, "client, relay, bootstrap, exit or super");
    c->route = (qn_route)word(r, KEY_ROUTE, routes, 2, "fast or privacy");
    c->log = (qn_level)word(r, KEY_LOG_LEVEL, levels, 4, "error, warn, info or debug");
    c->bare = word(r, KEY_CARRIER, carriers, 2, "htx or bare") == 1;
    if (!value_bool(settings_text(r->s, KEY_LAB), &c->lab))
        wrong(r, KEY_LAB, settings_text(r->s, KEY_LAB), "true or false");
    c->route_said = r->s->v[KEY_ROUTE].from != FROM_DEFAULT;
    if (!value_bool(settings_text(r->s, KEY_LISTED), &listed))
        wrong(r, KEY_LISTED, settings_text(r->s, KEY_LISTED), "true or false");
    c->unlisted = !listed;
    if (!value_bool(settings_text(r->s, KEY_DISCOVERY_LAN), &c->lan))
        wrong(r, KEY_DISCOVERY_LAN, settings_text(r->s, KEY_DISCOVERY_LAN), "true or false");
    c->invitations = &r->s->v[KEY_INVITATION];
    c->state = settings_text(r->s, KEY_STATE);
    c->network = settings_text(r->s, KEY_NETWORK);
    c->profile = settings_text(r->s, KEY_PROFILE);
    c->origin_file = settings_text(r->s, KEY_ORIGIN_FILE);
    c->roots = settings_text(r->s, KEY_ROOTS);
    c->hosts = settings_text(r->s, KEY_HOSTS);
    c->dns_anchor = settings_text(r->s, KEY_DNS_ANCHOR);
    c->drain = (uint16_t)number(r, KEY_DRAIN, 1, 3600, "a number of seconds from 1 to 3600");
    c->listen = address(r, KEY_LISTEN, true, "an address with its port, such as 192.0.2.1:9000");
    c->dns = address(r, KEY_DNS_SERVER, false, "an address with its port, such as 192.0.2.1:53");
    c->directory =
        address(r, KEY_DIRECTORY_LISTEN, true, "an address with its port, such as 127.0.0.1:8090");
    if (strcmp(settings_text(r->s, KEY_DIRECTORY_RATE), "off") != 0)
        c->directory_rate =
            number(r, KEY_DIRECTORY_RATE, 1, 10000, "a number from 1 to 10000, or 'off'");
    c->socks = socks_port(r, c->mode);
    c->early = (qn_early)word(r, KEY_SOCKS_EARLY_REPLY, earlies, 2, "known or never");
    c->status = port(r, KEY_STATUS_PORT);
    c->atlas = &r->s->v[KEY_ATLAS];
    c->atlas_off = strcmp(settings_text(r->s, KEY_ATLAS), "off") == 0;
    country(r, KEY_COUNTRY, c->country);
    country(r, KEY_ROUTE_COUNTRY, c->route_country);
    if (strlen(contact) >= sizeof c->contact)
        wrong(r, KEY_EXIT_CONTACT, contact, "shorter than 128 characters");
    else
        memcpy(c->contact, contact, strlen(contact) + 1);
    exit_rules(r, c);
    exit_lists(r, c);
    c->exit_connections = number(r, KEY_EXIT_CONNECTIONS, 1, 60000, "a number from 1 to 60000");
    c->exit_limits = exit_limits(r, c->lab);
    c->exit_notice = notice(r);
    if (strcmp(settings_text(r->s, KEY_EXIT_LOG_DAYS), "off") != 0)
        c->exit_log_days = number(r, KEY_EXIT_LOG_DAYS, 1, 30, "a number of days to 30, or 'off'");
    c->circuits_ready = number(r, KEY_CIRCUITS_READY, 1, 64, "a number from 1 to 64");
    c->padding = word(r, KEY_CIRCUIT_PADDING, paddings, 2, "off or bursts") == 1;
    c->loops = number(r, KEY_LOOPS, 1, QN_LOOPS_MAX, "a number from 1 to 16");
    if (!value_size(settings_text(r->s, KEY_MEMORY_MAX), &c->memory_max))
        wrong(r, KEY_MEMORY_MAX, settings_text(r->s, KEY_MEMORY_MAX),
              "a size with its unit, such as '512 MiB'");
}

static bool is_wildcard(const qn_addr *a)
{
    static const uint8_t zero[16];

    return memcmp(a->ip, zero, a->family == 4 ? 4 : 16) == 0;
}

/* The same, of what concerns the disguise. Nothing here turns a check of it off: a lab names other
 * authorities and other names, and checks those. */
static bool disguise_together(const config *c, qn_why why)
{
    if (c->bare && !c->lab)
        return qn_why_say(why, "the bare carrier has no disguise: it is for tests; say --carrier "
                               "bare together with --lab");
    if (strcmp(c->roots, key_table[KEY_ROOTS].fallback) != 0 && !c->lab)
        return qn_why_say(why, "roots replaces the public's certificate authorities, which only a "
                               "lab network may; say --lab or leave it out");
    if (c->hosts[0] != '\0' && !c->lab)
        return qn_why_say(why, "hosts replaces the names that everybody sees, which only a lab "
                               "network may; say --lab or leave it out");
    if (c->origin_file[0] != '\0' && (c->bare || c->mode == QN_CLIENT))
        return qn_why_say(why, "origin.file is of a node that others dial over htx: leave it out");
    return true;
}

/* The same, of who is listed and who was invited. */
static bool entries_together(const config *c, qn_why why)
{
    if (c->invitations->n > 0 && c->mode != QN_CLIENT)
        return qn_why_say(why, "invitation is for a client: leave it out");
    if (c->unlisted && (c->mode == QN_CLIENT || c->mode == QN_BOOTSTRAP))
        return qn_why_say(why, "directory.listed is of a relay, exit or super: leave it out");
    if (c->lan && (c->mode == QN_CLIENT || c->unlisted))
        return qn_why_say(why, "discovery.lan announces the node to everybody nearby, so it is for "
                               "listed relays, exits, supers and bootstraps: leave it out");
    if (c->unlisted && c->bare)
        return qn_why_say(why, "directory.listed: a node without disguise cannot stay unlisted; "
                               "leave out --carrier bare");
    return true;
}

/* The same, of several loops. */
static bool loops_together(const config *c, qn_why why)
{
    if (c->loops == 1)
        return true;
    if (c->mode == QN_CLIENT)
        return qn_why_say(why, "a client has one loop, where its circuits are: leave out loops");
    if (c->memory_max / c->loops < MEMORY_OF_A_LOOP)
        return qn_why_say(why, "memory.max is shared by the loops, and each needs 128 MiB: raise "
                               "it, or have fewer loops");
    return true;
}

/* Values that are each fine but do not go together. */
static bool together(const config *c, qn_why why)
{
    if (c->mode == QN_CLIENT && c->directory.family != 0)
        return qn_why_say(why, "a client has no directory: leave out directory.listen");
    if (c->mode == QN_CLIENT && c->listen.family != 0)
        return qn_why_say(why,
                          "a client has no listener: leave out listen, or choose --mode relay");
    if (c->mode != QN_CLIENT && c->listen.family == 0)
        return qn_why_say(why, "only a client does without a listener: say where other nodes reach "
                               "this one with --listen ADDR:PORT");
    if (c->listen.family != 0 && is_wildcard(&c->listen))
        return qn_why_say(why,
                          "listen names the address that other nodes dial, so it cannot be the "
                          "wildcard; name one of this machine's addresses");
    if ((c->mode == QN_EXIT || c->mode == QN_SUPER) && c->contact[0] == '\0')
        return qn_why_say(why, "an exit must name who answers complaints: set exit.contact or "
                               "EXIT_ABUSE_EMAIL");
    if (c->exit_allow_n > 0 && !c->lab)
        return qn_why_say(why, "exit.allow opens private addresses, which only a lab network may; "
                               "say --lab or leave it out");
    return true;
}

bool config_of(const settings *s, config *out, qn_why why)
{
    reading r = {.s = s, .why = why, .ok = true};

    memset(out, 0, sizeof *out);
    values(&r, out);
    return r.ok && together(out, why) && disguise_together(out, why) &&
           entries_together(out, why) && loops_together(out, why);
}

bool config_can_run(const config *c, qn_why why)
{
    if (c->origin_file[0] == '\0' && !c->bare && c->mode != QN_CLIENT)
        return qn_why_say(why, "a node that others dial stands in front of a web site: measure it "
                               "with tools/origin-check and name the result with --origin-file "
                               "FILE");
    if (c->state[0] == '\0')
        return qn_why_say(why, "say where this node keeps its keys: --state DIR");
    return true;
}

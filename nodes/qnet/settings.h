/*
 * Settings as text: every option once, with where its value came from.
 *
 * One table names each setting's key in the file, flag, environment variable, default and help
 * line. Sources add values in any order; the higher source wins (a list is replaced whole). Meaning
 * is given to the text later, by config_of(), which can then say whose value is wrong.
 */
#ifndef QNET_SETTINGS_H
#define QNET_SETTINGS_H

#include "io-real/why.h"

#include <stdio.h>

typedef enum key_id {
    KEY_MODE,
    KEY_STATE,
    KEY_NETWORK,
    KEY_ROUTE,
    KEY_ROUTE_COUNTRY,
    KEY_CARRIER,
    KEY_LAB,
    KEY_PROFILE,
    KEY_ORIGIN_FILE,
    KEY_DRAIN,
    KEY_ROOTS,
    KEY_HOSTS,
    KEY_LISTEN,
    KEY_LISTED,
    KEY_DIRECTORY_LISTEN,
    KEY_DIRECTORY_RATE,
    KEY_DISCOVERY_LAN,
    KEY_INVITATION,
    KEY_SOCKS_PORT,
    KEY_SOCKS_EARLY_REPLY,
    KEY_STATUS_PORT,
    KEY_COUNTRY,
    KEY_ATLAS,
    KEY_EXIT_CONTACT,
    KEY_EXIT_NOTICE,
    KEY_EXIT_LOG_DAYS,
    KEY_EXIT_RULE,
    KEY_EXIT_PORTS,
    KEY_EXIT_ALLOW,
    KEY_EXIT_CONNECTIONS,
    KEY_EXIT_CLIENT_CONNECTIONS,
    KEY_EXIT_CLIENT_DESTINATION,
    KEY_EXIT_CLIENT_REQUESTS,
    KEY_EXIT_CLIENT_RATE,
    KEY_EXIT_RATE,
    KEY_EXIT_IDLE,
    KEY_CIRCUITS_READY,
    KEY_CIRCUIT_PADDING,
    KEY_LOOPS,
    KEY_MEMORY_MAX,
    KEY_DNS_SERVER,
    KEY_DNS_ANCHOR,
    KEY_LOG_LEVEL,
    KEYS
} key_id;

typedef enum given_by {
    FROM_DEFAULT,
    FROM_FILE,
    FROM_ENVIRONMENT,
    FROM_COMMAND_LINE,
    FROM_STEALTH_MODE /* the one variable that beats the command line, as in the seeds */
} given_by;

typedef struct key_info {
    const char *name, *flag, *variable, *fallback;
    const char *metavar; /* NULL: the flag takes no value and means "true" */
    const char *help;
    unsigned list; /* so many values at most; 0: it takes one */
} key_info;

extern const key_info key_table[KEYS];

#define SETTING_VALUES_MAX 64
#define SETTING_TEXT_MAX 256

typedef struct setting {
    char text[SETTING_VALUES_MAX][SETTING_TEXT_MAX];
    unsigned n;
    given_by from;
    unsigned line; /* in the file */
} setting;

typedef struct settings {
    setting v[KEYS];
    char file[1024]; /* "": none was read */
} settings;

/* Every setting at its default. */
void settings_init(settings *s);
/* false: a list grew too long, a text is too long, or the file names a key twice. */
bool settings_add(settings *s, key_id k, const char *text, given_by from, unsigned line,
                  qn_why why);
/* The first value; "" when there is none. */
const char *settings_text(const settings *s, key_id k);
/* "--mode", "STEALTH_MODE", "relay.yaml line 3", "default". */
const char *settings_source(const settings *s, key_id k, char out[320]);

/* Reads a YAML file of flat keys (qnet.conf(5)). */
bool settings_read_file(settings *s, const char *path, qn_why why);
bool settings_read_environment(settings *s, qn_why why);
/* Command line, then --config's file, then the environment. Returns an exit status: EXIT_FINE to go
 * on, or EXIT_FINE with *help set when --help was asked for (and printed). command is for messages.
 */
int settings_read(settings *s, const char *command, const char *summary, int argc, char **argv,
                  int *help);

/* The known key nearest to a misspelt key or flag, or NULL when none is near. */
const key_info *settings_suggest(const char *name);
void settings_print_help(FILE *to);

#endif

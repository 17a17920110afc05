/* Settings from the command line. */
#include "commands.h"
#include "settings.h"

#include <getopt.h>
#include <string.h>

/* getopt values; the settings themselves are 0 .. KEYS-1. */
enum { OPT_CONFIG = KEYS, OPT_HELP, OPT_RELAY, OPT_EXIT, OPT_BOOTSTRAP, OPT_HELPER_MODE, OPTIONS };

/* Long option values start here so that they never meet '?' or ':'. */
enum { OPT_BASE = 256 };

static const char *const extra_names[] = {"config",    "help",      "relay-only",
                                          "exit-node", "bootstrap", "helper-mode"};

static void fill_options(struct option o[OPTIONS + 1])
{
    for (int k = 0; k < KEYS; k++)
        o[k] = (struct option){.name = key_table[k].flag,
                               .has_arg = key_table[k].metavar ? required_argument : no_argument,
                               .val = OPT_BASE + k};
    for (int k = OPT_CONFIG; k < OPTIONS; k++)
        o[k] = (struct option){
            .name = extra_names[k - KEYS],
            .has_arg = k == OPT_CONFIG || k == OPT_HELPER_MODE ? required_argument : no_argument,
            .val = OPT_BASE + k};
    o[OPTIONS] = (struct option){0};
}

static void print_usage(const char *command, const char *summary)
{
    (void)printf("usage: qnet %s [--config FILE] [OPTIONS]\n\n%s\n\n", command, summary);
    settings_print_help(stdout);
    (void)puts(
        "  --config FILE                 read settings from a file, see qnet.conf(5)\n"
        "  --helper-mode MODE            the same as --mode\n"
        "  --relay-only, --exit-node, --bootstrap\n"
        "                                the same as --mode relay, exit, bootstrap\n\n"
        "The command line beats the environment, the environment beats the file; only\n"
        "STEALTH_MODE beats the command line. 'qnet config dump' shows what came from where.");
}

/* What getopt_long refused: a typo of a setting is answered with the setting. */
static int complain_word(const char *command, int got, char **argv)
{
    const char *culprit = argv[optind - 1];
    const key_info *near = NULL;

    if (got == '?' && strncmp(culprit, "--", 2) == 0)
        near = settings_suggest(culprit + 2);
    if (near == NULL)
        return complain_option(command, got, argv);
    return complain(EXIT_USAGE, "'%s' is not an option here, did you mean '--%s'?", culprit,
                    near->flag);
}

/* One parsed option; false: why says what is wrong. */
static bool take(settings *s, int option, const char **config, qn_why why)
{
    switch (option) {
    case OPT_CONFIG:
        *config = optarg;
        return true;
    case OPT_HELPER_MODE:
        return settings_add(s, KEY_MODE, optarg, FROM_COMMAND_LINE, 0, why);
    case OPT_RELAY:
        return settings_add(s, KEY_MODE, "relay", FROM_COMMAND_LINE, 0, why);
    case OPT_EXIT:
        return settings_add(s, KEY_MODE, "exit", FROM_COMMAND_LINE, 0, why);
    case OPT_BOOTSTRAP:
        return settings_add(s, KEY_MODE, "bootstrap", FROM_COMMAND_LINE, 0, why);
    default:
        return settings_add(s, (key_id)option, optarg ? optarg : "true", FROM_COMMAND_LINE, 0, why);
    }
}

int settings_read(settings *s, const char *command, const char *summary, int argc, char **argv,
                  int *help)
{
    struct option options[OPTIONS + 1];
    const char *config = NULL;
    qn_why why;
    int got;

    *help = 0;
    fill_options(options);
    settings_init(s);
    optind = 1;
    while ((got = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (got == '?' || got == ':')
            return complain_word(command, got, argv);
        if (got == OPT_BASE + OPT_HELP) {
            print_usage(command, summary);
            *help = 1;
            return EXIT_FINE;
        }
        if (!take(s, got - OPT_BASE, &config, why))
            return complain(EXIT_USAGE, "%s", why);
    }
    if (optind < argc)
        return complain_extra(command, argv[optind]);
    if (config != NULL && !settings_read_file(s, config, why))
        return complain(EXIT_CONFIG, "%s", why);
    if (!settings_read_environment(s, why))
        return complain(EXIT_CONFIG, "%s", why);
    return EXIT_FINE;
}

/* qnet: the node program. This file finds the subcommand; qnet(1) documents them. */
#include "commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct entry {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} entry;

static int cmd_version(int argc, char **argv);
static int cmd_help(int argc, char **argv);

static const entry commands[] = {
    {"run", cmd_run, "run a node"},
    {"status", cmd_look, "how the node of a state directory is doing"},
    {"circuits", cmd_look, "the circuits it has, hop by hop"},
    {"circuit", cmd_circuit, "one circuit: why these hops, and what it does not hide"},
    {"peers", cmd_look, "the nodes it has links with"},
    {"keygen", cmd_keygen, "make the keys of a new node"},
    {"network", cmd_network, "found a network, or show a network file"},
    {"invite", cmd_invite, "hand out invitations to an unlisted node"},
    {"pool", cmd_pool, "ration invitations to many of them"},
    {"config", cmd_config, "check a configuration, or show where each value comes from"},
    {"version", cmd_version, "print the version"},
    {"help", cmd_help, "this text"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

int complain(int status, const char *format, ...)
{
    va_list args;

    (void)fputs("qnet: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return status;
}

int complain_option(const char *command, int got, char **argv)
{
    const char *culprit = argv[optind - 1];

    if (got == ':')
        return complain(EXIT_USAGE, "%s needs a value; see 'qnet %s --help'", culprit, command);
    return complain(EXIT_USAGE, "'%s' is not an option here; see 'qnet %s --help'", culprit,
                    command);
}

int complain_extra(const char *command, const char *extra)
{
    return complain(EXIT_USAGE, "'%s' is one word too many; see 'qnet %s --help'", extra, command);
}

static int cmd_version(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        (void)puts("usage: qnet version");
        return EXIT_FINE;
    }
    if (argc > 1)
        return complain_extra("version", argv[1]);
    (void)puts("qnet " QNET_VERSION);
    return EXIT_FINE;
}

static int cmd_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    (void)puts("usage: qnet COMMAND [OPTIONS]\n");
    for (unsigned i = 0; i < COMMANDS; i++)
        (void)printf("  %-9s %s\n", commands[i].name, commands[i].summary);
    (void)puts("\n'qnet COMMAND --help' tells more; qnet(1) and qnet.conf(5) tell all.");
    return EXIT_FINE;
}

/* Whether what was said arrived: a full disk behind '>' must not look like success. */
static int delivered(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    return status == EXIT_FINE ? complain(EXIT_FAILED, "standard output: %s", strerror(errno))
                               : status;
}

/* A node lives on when nobody reads its one line of output any more. */
static int perform(const entry *command, int argc, char **argv)
{
    int status = command->run(argc, argv);

    return command->run == cmd_run ? status : delivered(status);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return delivered(cmd_help(argc, argv));
    if (strcmp(name, "--version") == 0)
        name = argv[1] = "version";
    for (unsigned i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return perform(&commands[i], argc - 1, argv + 1);
    if (argc < 2)
        return complain(EXIT_USAGE, "say what to do; 'qnet help' lists the commands");
    return complain(EXIT_USAGE, "'%s' is not a command; 'qnet help' lists them", name);
}

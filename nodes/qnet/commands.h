/* The subcommands of qnet, each in a file of its own, and what they have in common. */
#ifndef QNET_COMMANDS_H
#define QNET_COMMANDS_H

#include <stdbool.h>

/* qnet(1) EXIT STATUS */
enum {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,  /* memory, an unforeseen failure of the system */
    EXIT_USAGE = 2,   /* the command line */
    EXIT_CONFIG = 3,  /* configuration or network file */
    EXIT_STATE = 4,   /* state directory or keys */
    EXIT_NETWORK = 5, /* an address or port cannot be had; nobody answers */
};

/* argv[0] is the subcommand's own name. Each returns an exit status. */
int cmd_run(int argc, char **argv);
int cmd_look(int argc, char **argv); /* status, circuits, peers */
int cmd_circuit(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_invite(int argc, char **argv);
int cmd_pool(int argc, char **argv);
int cmd_network(int argc, char **argv);
int cmd_config(int argc, char **argv);
int network_init(int argc, char **argv); /* of cmd_network */
int network_init_usage(void);
int network_step(int argc, char **argv); /* entry, contact, rotate, sign, complete */
bool network_step_known(const char *verb);
int network_steps_usage(void);

/* "qnet: " and the sentence to stderr; returns status. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For getopt_long's '?' and ':' : names the culprit and where help is; returns EXIT_USAGE. */
int complain_option(const char *command, int got, char **argv);
/* Refuses anything behind the options. */
int complain_extra(const char *command, const char *extra);

#endif

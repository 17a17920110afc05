/* What the settings mean: checked, typed, ready for a world. */
#ifndef QNET_CONFIG_H
#define QNET_CONFIG_H

#include "qnet/node.h"
#include "settings.h"

typedef struct port_setting {
    bool on;
    uint16_t port; /* 0: any free one */
} port_setting;

typedef struct config {
    qn_mode mode;
    qn_route route;
    bool lab, bare;
    bool route_said; /* it is not the default */
    bool unlisted;
    bool lan;                    /* discovery.lan */
    const setting *invitations;  /* files; they live in the settings */
    const char *state, *network; /* "" unset; they live in the settings */
    /* The carrier's. "" unset, but roots and dns_anchor; profile unset: one is drawn. */
    const char *profile, *origin_file, *roots, *hosts, *dns_anchor;
    uint16_t drain; /* seconds */
    qn_addr listen; /* family 0: none; port 0: any */
    port_setting socks, status;
    qn_early early;
    qn_addr directory;       /* over HTTP; family 0: not offered */
    uint32_t directory_rate; /* 0: no limit */
    char country[3], route_country[3];
    const setting
        *atlas; /* files; empty: the one that came with the program. They live there too */
    bool atlas_off;
    char contact[128];
    const char *exit_notice; /* "" or a URL */
    uint32_t exit_log_days;  /* 0: none is kept */
    qn_rule exit_rules[QN_RULES_MAX];
    uint8_t exit_rules_n;
    uint16_t exit_ports[QN_EXIT_PORTS_MAX];
    uint8_t exit_ports_n;
    qn_allow exit_allow[QN_EXIT_ALLOW_MAX];
    uint8_t exit_allow_n;
    uint32_t exit_connections, circuits_ready;
    bool padding; /* of our circuits */
    qn_exit_limits exit_limits;
    uint32_t loops;      /* 1 and up */
    uint64_t memory_max; /* of all of them */
    qn_addr dns;         /* family 0: the authoritative servers */
    qn_level log;
} config;

/* The settings must outlive the config. One sentence in why names the value, its source and the
 * rule. */
bool config_of(const settings *s, config *out, qn_why why);
/* What running demands beyond valid values: a state directory, an origin. */
bool config_can_run(const config *c, qn_why why);

#endif

/*
 * A node's directory through a door of the world's own, such as HTTP: the same registry, quotas and
 * dialling back as by directory streams (docs/wire/directory.md, "Over HTTP").
 *
 * qn_node_register() and qn_node_prune() are things that happen, so the law of qnet/node.h holds:
 * stamp before, drain after. The others look and change nothing.
 */
#ifndef QNET_DIRECTORY_H
#define QNET_DIRECTORY_H

#include "qnet/node.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum qn_directory_role {
    QN_DIRECTORY_NONE,    /* the mode has none */
    QN_DIRECTORY_MIRROR,  /* serves the list it keeps; registers nobody */
    QN_DIRECTORY_OPERATOR /* one of the network file's: takes registrations */
} qn_directory_role;
qn_directory_role qn_node_directory(const qn_node *n);

/* A signed descriptor, a signed heartbeat, or the one and then the other; either may be empty.
 * *fresh: no node of this PeerID was registered before; set on QN_OK. Errors are those of REGISTER
 * and HEARTBEAT; a heartbeat is not looked at when the descriptor before it failed. QN_STATE: not
 * an operator; QN_PROTO: both are empty. */
QN_MUST_CHECK qn_err qn_node_register(qn_node *n, qn_slice descriptor, qn_slice heartbeat,
                                      bool *fresh);

typedef struct qn_pruned {
    uint32_t removed; /* entries whose last heartbeat is over QN_LIVE_FOR old */
    uint32_t active;  /* of those that are left: what a list made now would name */
    uint32_t total;   /* left */
} qn_pruned;
/* What happens every minute, now. QN_STATE: not an operator. */
QN_MUST_CHECK qn_err qn_node_prune(qn_node *n, qn_pruned *out);

typedef struct qn_listed {
    qn_peerid id;
    qn_addr addrs[4];
    uint8_t addrs_n;
    bool relay, exit, directory;
    char country[3];    /* of the first address, as our atlas has it, else the claim; "" unknown */
    char claimed[3];    /* what the node says; "" nothing */
    int64_t first_seen; /* Unix seconds by our clock; 0: a mirror does not know */
    int64_t last_seen;
} qn_listed;
/* What a list made now would name (a mirror: what its list names), ascending by PeerID: *cursor
 * starts at 0; false at the end. The node must not be entered between calls. */
bool qn_node_listed(const qn_node *n, uint32_t *cursor, qn_listed *out);

/* The code by which a directory refuses, which is HTTP's. */
unsigned qn_directory_code(qn_err err);

#ifdef __cplusplus
}
#endif
#endif

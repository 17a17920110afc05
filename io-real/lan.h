/*
 * Nodes in the local network, found and announced by multicast DNS (RFC 6762, RFC 6763), when the
 * node's owner asked for it: everybody in that network sees then that QNet runs here.
 *
 * It is Avahi's work, whose library waits for answers from its daemon. So it is called on a thread
 * of its own, and the node's loop exchanges notes with that: what others announce comes in, what
 * our node says of itself goes out. Either may be lost when the other side does not keep up.
 */
#ifndef QN_REAL_LAN_H
#define QN_REAL_LAN_H

#include "io-real/env.h"
#include "qnet/node.h"

#include <event2/event.h>

typedef struct qn_lan qn_lan;

typedef struct qn_lan_cfg {
    struct event_base *base;
    qn_node *node;
    qn_real_env *env;
    void (*enter)(void *world); /* around every call of the node */
    void (*settle)(void *world);
    void *world;
    qn_addr listen; /* the node's: its network is looked at, and no other */
} qn_lan_cfg;

typedef struct qn_lan_counts {
    bool announced;   /* others see our node */
    uint64_t heard;   /* announcements that were of our network and complete */
    uint64_t taken;   /* of these: the node looks there */
    uint64_t refused; /* and what it, or we, would not have */
} qn_lan_counts;

/* Built with Avahi? */
bool qn_lan_available(void);
/* NULL: out of memory, descriptors or threads. cfg is copied, what it points to outlives it. */
qn_lan *qn_lan_new(const qn_lan_cfg *cfg);
void qn_lan_count(const qn_lan *l, qn_lan_counts *out);
void qn_lan_free(qn_lan *l); /* NULL: nothing. Takes back what is announced; two seconds at most */

#endif

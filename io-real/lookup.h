/*
 * Names of the sites that are visited, asked for as a browser on this machine would: evdns, A and
 * AAAA together, /etc/hosts and the nameservers of /etc/resolv.conf, names sent as they are
 * written. Never with a search list. What an exit asks for its users is the resolver's
 * (resolver.h).
 */
#ifndef QN_REAL_LOOKUP_H
#define QN_REAL_LOOKUP_H

#include "qnet/addr.h"

#include <event2/event.h>

#define QN_LOOKUP_SECONDS 10
#define QN_LOOKUP_ADDRS 16  /* of one answer; the others are dropped */
#define QN_LOOKUPS_MAX 4096 /* under way */

typedef struct qn_lookup qn_lookup;

/* Called from the event loop, never from inside ask. n = 0: no such name, or no answer in time. */
typedef void qn_lookup_answer(void *ctx, uint32_t query, const qn_addr *v, unsigned n);

/* server NULL: the system's. NULL: out of memory or no usable configuration. */
qn_lookup *qn_lookup_new(struct event_base *base, const qn_addr *server, qn_lookup_answer *answer,
                         void *ctx);
/* false: too many are under way, or out of memory; no answer will come. */
bool qn_lookup_ask(qn_lookup *r, uint32_t query, const qn_dest *dest);
void qn_lookup_free(qn_lookup *r);

#endif

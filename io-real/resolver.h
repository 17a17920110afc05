/*
 * Names to addresses through evdns: A and AAAA together, /etc/hosts and the nameservers of
 * /etc/resolv.conf, but never its search list (a user's "intranet" is not the operator's). An
 * exit's destinations, and the names of sites that are visited.
 */
#ifndef QN_REAL_RESOLVER_H
#define QN_REAL_RESOLVER_H

#include "qnet/addr.h"

#include <event2/event.h>

#define QN_RESOLVE_SECONDS 10
#define QN_RESOLVE_ADDRS 16  /* of one answer; the others are dropped */
#define QN_RESOLVES_MAX 4096 /* under way: an exit's slot is free before its query is over */

typedef struct qn_resolver qn_resolver;

/* Called from the event loop, never from inside ask. n = 0: no such name, or no answer in time. */
typedef void qn_resolver_answer(void *ctx, uint32_t query, const qn_addr *v, unsigned n);

/* server.family 0: the system's. plain: names are sent as they are written, as browsers do;
 * otherwise in mixed case, which a forged answer must guess (draft-vixie-dnsext-dns0x20). NULL: out
 * of memory or no usable configuration. */
qn_resolver *qn_resolver_new(struct event_base *base, qn_addr server, bool plain,
                             qn_resolver_answer *answer, void *ctx);
/* false: too many are under way, or out of memory; no answer will come. */
bool qn_resolver_ask(qn_resolver *r, uint32_t query, const qn_dest *dest);
void qn_resolver_free(qn_resolver *r);

#endif

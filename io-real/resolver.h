/*
 * Names to addresses for an exit's users: libunbound in the world's own loop, with its cache and
 * with DNSSEC validation. It asks the authoritative servers itself, from the root down, or one
 * nameserver that the operator names; what a signature does not allow fails, whoever sent it.
 *
 * A and AAAA are asked together. /etc/hosts counts unless a nameserver is named; search lists never
 * do (a user's "intranet" is not the operator's).
 */
#ifndef QN_REAL_RESOLVER_H
#define QN_REAL_RESOLVER_H

#include "io-real/why.h"
#include "qnet/addr.h"

#include <event2/event.h>

#define QN_RESOLVE_SECONDS 10
#define QN_RESOLVE_ADDRS 16                          /* of one answer; the others are dropped */
#define QN_RESOLVES_MAX 4096                         /* under way: more than an exit has slots */
#define QN_RESOLVER_FDS 256                          /* sockets libunbound may have open at once */
#define QN_RESOLVER_ANCHOR "/usr/share/dns/root.key" /* Debian's dns-root-data */

typedef struct qn_resolver qn_resolver;

/* Called from the event loop, never from inside ask. QN_OK: n > 0 addresses with the query's port,
 * IPv4 first. QN_RESOLVE: there are none. QN_FORGED: DNSSEC says that the answer is not what the
 * name's owner signed. QN_TIMEOUT. */
typedef void qn_resolver_answer(void *ctx, uint32_t query, const qn_addr *v, unsigned n,
                                qn_err why);

/* server.family 0: none is named. anchor: a file of DS or DNSKEY records that are trusted. NULL and
 * a sentence: the anchor cannot be read, or out of memory. */
qn_resolver *qn_resolver_new(struct event_base *base, const qn_addr *server, const char *anchor,
                             qn_resolver_answer *answer, void *ctx, qn_why why);
/* false: too many are under way, out of memory, or no name that DNS knows; no answer will come. */
bool qn_resolver_ask(qn_resolver *r, uint32_t query, const qn_dest *dest);
/* Nobody waits any more: its place is free, and no answer comes. Harmless when there is none. */
void qn_resolver_cancel(qn_resolver *r, uint32_t query);
void qn_resolver_free(qn_resolver *r);

#endif

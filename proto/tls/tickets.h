/*
 * Tickets kept between connections, as both browsers keep them (Chromium's SSLClientSessionCache,
 * Firefox's SSLTokensCache): by where they are from, the two newest of each, the newest used first
 * and each once, none beyond its lifetime. In memory only.
 *
 * Where from is peer, profile and origin together: a ticket is in clear on the wire, and shown to
 * another peer it would link two connections for whoever watches both.
 */
#ifndef QN_TLS_TICKETS_H
#define QN_TLS_TICKETS_H

#include "base/env.h"
#include "tls/profile.h"
#include "tls/ticket.h"

typedef struct qn_tls_tickets qn_tls_tickets;

/* It takes from env->mem as tickets come: half a KiB, and as much for each. */
QN_MUST_CHECK qn_err qn_tls_tickets_new(qn_tls_tickets **out, qn_env *env);
void qn_tls_tickets_free(qn_tls_tickets *s, qn_env *env); /* wipes; NULL is fine */
/* The key under which tickets of one place are kept. `peer`: bytes that name it. */
QN_MUST_CHECK qn_err qn_tls_tickets_key(qn_env *env, qn_slice peer, const qn_tls_profile *profile,
                                        qn_slice name, qn_hash *key);
/* Keeps a copy. The third oldest of its place goes, and of all the oldest when there is no room.
 * Without memory it is not kept: the next visit is a full handshake. */
void qn_tls_tickets_put(qn_tls_tickets *s, const qn_hash *key, const qn_tls_ticket *ticket);
/* Takes the newest one of the place that this profile's browser would offer now; false: none. */
bool qn_tls_tickets_take(qn_tls_tickets *s, const qn_hash *key, const qn_tls_profile *profile,
                         qn_time now, qn_tls_ticket *out);
/* Forgets all: the network changed, and what was seen before must not be linked with what comes. */
void qn_tls_tickets_clear(qn_tls_tickets *s);
unsigned qn_tls_tickets_count(const qn_tls_tickets *s);

#endif

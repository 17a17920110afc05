/* The addresses in a DNS message (RFC 1035 4.1). */
#ifndef QN_REAL_DNS_ANSWER_H
#define QN_REAL_DNS_ANSWER_H

#include "qnet/addr.h"

/* Those of the answer section's A and AAAA records (class IN), with this port, at most max; returns
 * how many. -1: the message ends early, or is no answer. Which records may stand there for a name,
 * by way of CNAMEs, is for whoever validated the message. */
int qn_dns_addresses(const uint8_t *p, size_t n, uint16_t port, qn_addr *v, unsigned max);

#endif

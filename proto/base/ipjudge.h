/*
 * Is an IP address part of the public Internet?
 *
 * The answer behind promise P6 (an exit never opens a socket to a non-global address) and behind
 * what a descriptor may list. It follows IANA's special-purpose registries, most specific row
 * first; a blank or "N/A" there counts as no. Multicast is refused, and so is every IPv6 address
 * outside 2000::/3 that no registry row calls global (RFC 4291 2.4: unallocated, site-local).
 * Forms that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are as global as the address
 * inside.
 */
#ifndef QN_BASE_IPJUDGE_H
#define QN_BASE_IPJUDGE_H

#include "qnet/addr.h"

/* False for family 0. The port plays no part. */
bool qn_ip_global(const qn_addr *a);
/* One of those forms: its prefix says nothing about whose it is. */
bool qn_ip_carries_v4(const qn_addr *a);
/* The same endpoint in its plainest form: mapped (RFC 4291 2.5.5.2) and well-known NAT64
 * (RFC 6052) addresses become the IPv4 address a connection ends at; others stay as they are. */
qn_addr qn_ip_plain(const qn_addr *a);
/* The first `bits` bits agree and the families do. Ports play no part. */
bool qn_ip_within(const qn_addr *a, const qn_addr *prefix, unsigned bits);

#endif

/*
 * Who comes from where: the accepted links of each prefix (IPv4 /24, IPv6 /48), so that no prefix
 * takes the places of all others. docs/decisions/0020-quotas.md.
 *
 *     strangers    of one prefix get a quarter of all strangers' places, others are turned away
 *     handshakes   are looked for in so many of a prefix's connections a second; whoever comes
 *                  beyond that is the origin's visitor, as strangers are
 *     unnamed      links, which proved a key that anybody can make: when conns run short, one
 *                  gives way for each that comes, from the fullest prefix of those that have not
 *                  been used for longest
 *
 * Addresses that are not global have no prefix: in a lab, or behind a gateway, all come from one.
 */
#ifndef QN_NODE_CROWD_H
#define QN_NODE_CROWD_H

#include "base/map.h"
#include "exit/rate.h"
#include "qnet/addr.h"

struct neighbour;

typedef struct crowd_prefix {
    uint64_t id;
    struct crowd_prefix *next, *prev; /* of those without links: the most recent first */
    uint32_t links;                   /* accepted, in any state; of these: */
    uint32_t strangers, unnamed;
    qn_rate heard;
} crowd_prefix;

typedef struct crowd {
    qn_map by_id;
    crowd_prefix *first, *last; /* without links: kept for their rates */
    uint32_t kept;
    struct neighbour *recent, *stale; /* unnamed links, by when they were last used */
    uint32_t unnamed;
} crowd;

void crowd_init(crowd *c, uint64_t seed);
void crowd_clear(crowd *c, qn_mem *mem); /* when no neighbour is left */

/* Somebody from there. False: it is turned away. *heard: whether a handshake is looked for; else it
 * is the site's visitor, and where there is none it is turned away. */
bool crowd_enter(struct neighbour *nb, const qn_addr *from, bool *heard);
/* It has proved nothing, or its link is the site's again, for as long as the site likes; or it has.
 */
void crowd_stranger(struct neighbour *nb, bool is);
/* An accepted link is up, and nobody knows whose. Another link, or this one, may end by it. */
void crowd_add(struct neighbour *nb);
void crowd_used(struct neighbour *nb);   /* harmless for links that are not counted */
void crowd_leave(struct neighbour *nb);  /* it is named by now, or over; may repeat */
void crowd_forget(struct neighbour *nb); /* it is freed */

#endif

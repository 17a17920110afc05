/*
 * Where an exit may open sockets.
 *
 * A destination is judged by its port first (before anything is resolved), then each resolved
 * address by itself, in binary; the node connects to exactly the address that passed. Whatever a
 * name looks like ("0x7f.1", "2130706433", a trailing dot) is the resolver's business: only its
 * answers count.
 *
 * In this order: the node's own listeners are always refused; addresses the operator listed
 * (with their port) pass; all others need a permitted port and a global address (promise P6).
 */
#ifndef QN_EXIT_POLICY_H
#define QN_EXIT_POLICY_H

#include "qnet/addr.h"
#include "qnet/node.h"

#define QN_POLICY_PORTS (2 + QN_EXIT_PORTS_MAX)
#define QN_POLICY_OWN 8

typedef struct qn_policy {
    uint16_t ports[QN_POLICY_PORTS]; /* ascending, distinct */
    uint8_t ports_n;
    uint8_t allow_n;
    uint8_t own_n;
    qn_allow allow[QN_EXIT_ALLOW_MAX];
    qn_addr own[QN_POLICY_OWN];
} qn_policy;

/* 80, 443 and `ports`; the allow list. QN_CONFIG: too many, a port 0, a prefix too long for its
 * family, or bits set behind it. */
QN_MUST_CHECK qn_err qn_policy_init(qn_policy *p, const uint16_t *ports, unsigned ports_n,
                                    const qn_allow *allow, unsigned allow_n);
/* A listener of this node. The unspecified address (0.0.0.0, ::) stands for every non-global
 * address of the host at that port; add the public one separately. QN_CONFIG: over QN_POLICY_OWN.
 */
QN_MUST_CHECK qn_err qn_policy_own(qn_policy *p, const qn_addr *listener);

/* Every single port somebody may use, those of the allow list included but for its ranges: what the
 * descriptor says. Writes ascending, distinct ports and returns how many. */
unsigned qn_policy_ports(const qn_policy *p, uint16_t out[QN_POLICY_PORTS + QN_EXIT_ALLOW_MAX]);

/* Judges a destination before resolution. QN_OK with *resolve true: a name with a port somebody
 * may use; with false: a literal that passed, now in *addr. QN_POLICY otherwise. */
QN_MUST_CHECK qn_err qn_policy_dest(const qn_policy *p, const qn_dest *d, bool *resolve,
                                    qn_addr *addr);
/* One address with its port. QN_OK or QN_POLICY. */
QN_MUST_CHECK qn_err qn_policy_judge(const qn_policy *p, const qn_addr *a);
/* The first acceptable of a resolver's answers. QN_POLICY: none of them; QN_RESOLVE: n is 0. */
QN_MUST_CHECK qn_err qn_policy_pick(const qn_policy *p, const qn_addr *v, unsigned n, qn_addr *out);

#endif

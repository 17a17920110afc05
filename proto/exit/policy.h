/*
 * Where an exit may open sockets.
 *
 * A destination is judged as far as it can be before anything is resolved, then each resolved
 * address by itself, in binary; the node connects to exactly the address that passed. A name that
 * is an address in its one proper text form is that address. Whatever else a name looks like
 * ("0x7f.1", "2130706433", a trailing dot) is a name, about which only DNS is asked.
 *
 * The operator's rules come first, and the first that matches decides (qnet/rule.h). Behind them
 * stand 80, 443 and the ports the operator added; everything else is refused. What passes so far
 * must be a global address (promise P6), or one the operator of a lab listed with its port, which
 * needs no rule that accepts it. The node's own listeners are refused whatever the rules say.
 */
#ifndef QN_EXIT_POLICY_H
#define QN_EXIT_POLICY_H

#include "qnet/addr.h"
#include "qnet/node.h"
#include "qnet/rule.h"

#define QN_POLICY_PORTS (2 + QN_EXIT_PORTS_MAX)
#define QN_POLICY_OWN 8
#define QN_POLICY_SINGLES                                                                          \
    34 /* ports, and ranges of them, that can be told (docs/wire/directory.md) */
#define QN_POLICY_RANGES 16

typedef struct qn_policy {
    uint16_t ports[QN_POLICY_PORTS]; /* ascending, distinct */
    uint8_t ports_n;
    uint8_t allow_n;
    uint8_t own_n;
    qn_allow allow[QN_EXIT_ALLOW_MAX];
    uint8_t rules_n;
    const qn_rule *rules; /* first match wins */
    qn_addr own[QN_POLICY_OWN];
} qn_policy;

/* What an exit says of itself: single ports, ascending, at least one; and ranges of two ports or
 * more, ascending and apart. No port is in both. */
typedef struct qn_policy_said {
    uint8_t singles_n, ranges_n;
    uint16_t singles[QN_POLICY_SINGLES];
    qn_ports ranges[QN_POLICY_RANGES];
} qn_policy_said;

/* 80, 443 and `ports`; the allow list. QN_CONFIG: too many, a port 0, a prefix too long for its
 * family, or bits set behind it. */
QN_MUST_CHECK qn_err qn_policy_init(qn_policy *p, const uint16_t *ports, unsigned ports_n,
                                    const qn_allow *allow, unsigned allow_n);
/* A listener of this node. The unspecified address (0.0.0.0, ::) stands for every non-global
 * address of the host at that port; add the public one separately. QN_CONFIG: over QN_POLICY_OWN.
 */
QN_MUST_CHECK qn_err qn_policy_own(qn_policy *p, const qn_addr *listener);

/* Before anything else is asked of p. `rules` outlives p. QN_CONFIG: over QN_RULES_MAX, or what
 * they open has more parts than can be said. */
QN_MUST_CHECK qn_err qn_policy_rules(qn_policy *p, const qn_rule *rules, unsigned n);

/* The ports that are open whatever the destination: by the rules for `*`, and those behind the
 * rules. A lab's list counts as well. QN_CONFIG: none, or too many parts. */
QN_MUST_CHECK qn_err qn_policy_say(const qn_policy *p, qn_policy_said *out);

/* Judges a destination before resolution. QN_OK with *resolve true: a name of which some address
 * might pass; with false: an address that passed, now in *addr. QN_POLICY otherwise. */
QN_MUST_CHECK qn_err qn_policy_dest(const qn_policy *p, const qn_dest *d, bool *resolve,
                                    qn_addr *addr);
/* One address with its port, for somebody who asked for `asked`. QN_OK or QN_POLICY. */
QN_MUST_CHECK qn_err qn_policy_judge(const qn_policy *p, const qn_dest *asked, const qn_addr *a);
/* The first acceptable of a resolver's answers. QN_POLICY: none of them; QN_RESOLVE: n is 0. */
QN_MUST_CHECK qn_err qn_policy_pick(const qn_policy *p, const qn_dest *asked, const qn_addr *v,
                                    unsigned n, qn_addr *out);

#endif

/* Which requests and addresses a rule is about (qnet/rule.h has its form). */
#ifndef QN_EXIT_RULE_H
#define QN_EXIT_RULE_H

#include "qnet/rule.h"

static inline bool qn_ports_hold(const qn_ports *p, uint16_t port)
{
    return port >= p->first && port <= p->last;
}

/* A rule for names matches what was asked for: it never matches a literal address, whatever name
 * that has. Letter case and one dot at the end make no difference. */
bool qn_rule_names(const qn_rule *r, const qn_dest *asked);
/* A rule for addresses; `plain` as qn_ip_plain gives it. */
bool qn_rule_holds(const qn_rule *r, const qn_addr *plain);

#endif

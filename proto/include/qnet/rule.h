/*
 * Rules of an exit: what it opens, in the operator's words. `accept|reject TARGET:PORTS`, where
 * TARGET is `*`, an address or prefix (`192.0.2.0/24`, `[2001:db8::]/32`), a name, or `*.` and a
 * name: every name below it, but not that name itself. PORTS is `*`, one port, or FIRST-LAST.
 */
#ifndef QNET_RULE_H
#define QNET_RULE_H

#include <stdbool.h>

#include "qnet/addr.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QN_RULES_MAX 64
#define QN_RULE_NAME_MAX 253 /* RFC 1035 2.3.4, written without the last dot */

typedef struct qn_ports { /* first <= last, neither is 0 */
    uint16_t first, last;
} qn_ports;

typedef enum qn_rule_target {
    QN_RULE_ANY,
    QN_RULE_PREFIX,
    QN_RULE_NAME,
    QN_RULE_BELOW /* names that end in a dot and `name` */
} qn_rule_target;

typedef struct qn_rule {
    bool accept;
    qn_rule_target target;
    qn_ports ports;
    qn_addr prefix; /* PREFIX; its port is 0 */
    uint8_t bits;
    char name[QN_RULE_NAME_MAX + 1]; /* NAME, BELOW: lower case, no dot at its end */
} qn_rule;

/* QN_CONFIG: *what (static storage) says what is wrong with it; *out is as it was. */
QN_MUST_CHECK qn_err qn_rule_parse(qn_rule *out, const char *text, const char **what);

#ifdef __cplusplus
}
#endif
#endif

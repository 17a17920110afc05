/*
 * How operators agree on a list.
 *
 * The wall clock is cut into turns, and each version belongs to one operator, who alone may propose
 * it: two lists of one version are therefore always that operator's doing, and provable
 * (equivocation.h). The others sign what says the same as their own registries. They look at who
 * is listed; how a node describes itself is its own signed word. docs/decisions/0010.
 */
#ifndef QN_DIR_AGREE_H
#define QN_DIR_AGREE_H

#include "dir/snapshot.h"

/* The version of the turn at `wall` when it is this operator's to propose, else 0. A lone operator
 * has every second. */
int64_t qn_turn(const qn_network *net, uint8_t operator_index, int64_t wall);
/* When his next turn begins: > wall. */
int64_t qn_turn_next(const qn_network *net, uint8_t operator_index, int64_t wall);
/* Whose version it is; -1: nobody's. */
int qn_turn_whose(const qn_network *net, int64_t version);

/* How a proposal differs from what a registry would list. */
typedef struct qn_differences {
    uint32_t listed;  /* entries of the proposal */
    uint32_t unknown; /* of those: not alive here, nor until just now */
    uint32_t missing; /* alive here, and long enough for everybody to know, yet not listed */
} qn_differences;

/*
 * Reads a proposal's entries beside the registry. signatures: the nodes', as dir/offer.h has them,
 * or empty. QN_AUTH: of a node that is not in the registry with these very bytes there is no good
 * one; QN_POLICY: a weight that is not fair; QN_EXPIRED, QN_EARLY: a descriptor that is not valid
 * now; QN_CANON: out of order; else as qn_descriptor_read. Descriptors that the registry has are
 * not verified again.
 */
QN_MUST_CHECK qn_err qn_proposal_compare(qn_differences *out, const qn_registry *r,
                                         const qn_signed_list *o, qn_slice signatures);
/* Whether an operator signs what differs so much; `patient`: lists have been refused for a while.
 */
bool qn_differences_bearable(const qn_differences *d, bool patient);
/* Whether a list made of the registry now would name other nodes, or other descriptors. */
bool qn_snapshot_outdated(const qn_snapshot *s, const qn_registry *r);

#endif

/*
 * What listed relays can carry, as operators have measured it (node/measure.c), and the weights
 * that follow. docs/decisions/0024.
 *
 * Operators tell each other what they measured. A relay's capacity is the lower median of what all
 * of them say, where one that has said nothing says QN_CAPACITY_UNMEASURED: so no single one of
 * three can lift a relay above, or keep it below, what the others found.
 */
#ifndef QN_DIR_CAPACITY_H
#define QN_DIR_CAPACITY_H

#include "dir/snapshot.h"

/* So many bytes in so long, as a share: 1 to QN_WEIGHT_MAX, in steps of QN_CAPACITY_STEP. */
uint16_t qn_capacity_of(uint64_t bytes, qn_time took);
/* What a relay counts as that an operator has not measured. In a lab, where all belong to one
 * owner, as the largest. */
uint16_t qn_capacity_unmeasured(const qn_network *net);
/* An operator's word on a relay; nothing happens when it is not registered. */
void qn_registry_measured(qn_registry *r, const qn_peerid *id, uint8_t operator_index,
                          uint16_t capacity);

/* Its weight in a list made now. Without r->measures everybody has the same but for their load. */
uint16_t qn_registry_weight(const qn_registry *r, const qn_registration *e);
/* Whether another operator may give it this weight: what its loads and its capacity stand for, half
 * of that, twice of that, or as the newest list has it. */
bool qn_registry_weight_fair(const qn_registry *r, const qn_registration *e, uint16_t weight);

/* ---- what operators tell each other -----------------------------------------------------------
 */

/* An array of [PeerID, capacity], ascending by PeerID: what r->me has measured since `serial` (of
 * r->measured). An empty blob: nothing. QN_NOMEM. */
QN_MUST_CHECK qn_err qn_measures_write(qn_blob *out, const qn_registry *r, uint64_t serial);
/* Takes what another says. Relays that are not registered are passed over. QN_LIMIT, QN_PROTO,
 * QN_CANON, QN_TRUNCATED: nothing was taken. */
QN_MUST_CHECK qn_err qn_measures_take(qn_registry *r, uint8_t operator_index, qn_slice in);

#endif

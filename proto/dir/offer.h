/*
 * A list as operators hand it to each other and keep it: [list, signatures].
 *
 * A list does not carry the nodes' signatures, 64 bytes each that no packing shortens. Operators
 * verify them before they sign, so one that proposes says them beside the list, in its order; where
 * it does not know one there are 64 zero bytes. Whoever started again takes up from what it kept
 * the nodes whose signatures are there. docs/decisions/0025.
 */
#ifndef QN_DIR_OFFER_H
#define QN_DIR_OFFER_H

#include "dir/snapshot.h"

/* The signatures of those nodes of a list's body that r knows as the body describes them. Charged
 * to r->env. QN_NOMEM; else as the body's reader. */
QN_MUST_CHECK qn_err qn_offer_signatures(qn_blob *out, const qn_registry *r, qn_slice body);
/* signatures: of every entry, or empty. QN_NOMEM. */
QN_MUST_CHECK qn_err qn_offer_write(qn_blob *out, qn_env *env, qn_slice list, qn_slice signatures);
/* Both point into `in`; neither has been looked at. QN_PROTO: it is no offer; QN_CANON,
 * QN_TRUNCATED. */
QN_MUST_CHECK qn_err qn_offer_read(qn_slice in, qn_slice *list, qn_slice *signatures);
/* Verifies entry `i` of a list. QN_AUTH: its signature is not there, or not good. */
QN_MUST_CHECK qn_err qn_offer_verify(qn_slice signatures, uint64_t i, const qn_network *net,
                                     const qn_sign_public *identity, qn_slice body);
/* What an operator that starts takes up of the list it kept: nodes whose signatures are missing or
 * bad are passed over. QN_NOMEM. */
QN_MUST_CHECK qn_err qn_offer_seed(qn_registry *r, const qn_snapshot *s, qn_slice signatures);

#endif

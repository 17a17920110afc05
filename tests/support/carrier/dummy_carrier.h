/*
 * A carrier of two legs, for tests: proof that the seam fits what HTX needs.
 *
 * The initiator begins with a line for the origin, which the responder relays on its second leg, as
 * it relays the origin's line back. Only then do both switch to the bare carrier's handshake and
 * records on leg 0. What the origin says later travels to the initiator in CARRIER frames, beside
 * the link's; the initiator answers with the same bytes, which reach the origin again.
 */
#ifndef QT_DUMMY_CARRIER_H
#define QT_DUMMY_CARRIER_H

#include "carrier/carrier.h"

extern const qn_carrier_kind qt_carrier_dummy2;

#endif

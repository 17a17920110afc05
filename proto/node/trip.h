/*
 * How long a circuit's way there and back takes, and which of two is the better for a stream:
 * trip.c. internal.h includes it once it knows what a circuit is.
 */
#ifndef QN_NODE_TRIP_H
#define QN_NODE_TRIP_H

void trip_begin(circuit *c); /* it is built */
void trip_ask(circuit *c);   /* a stream is given to it */
qn_time trip_due(const circuit *c);
void trip_check(circuit *c);
void trip_pong(circuit *c, uint64_t value); /* the end answered a PING */
qn_time trip_of(const circuit *c);
/* Whether a stream is better off there, given what else each carries. */
bool trip_is_shorter(const circuit *c, const circuit *than);

#endif

/* The openings of htx/shape.h: streams in their first four bursts. Internal to shaping. */
#ifndef QN_HTX_SHAPE_OPENING_H
#define QN_HTX_SHAPE_OPENING_H

#include "htx/shape.h"

/* The next frame of a record's content; false at its end or at what is no frame. */
bool qn_shape_frame(qn_slice *content, qn_frame *f);

bool qn_shape_opening_any(const qn_shape *s);
/* A frame left, or came. */
void qn_shape_opening_sent(qn_shape *s, const qn_frame *f);
void qn_shape_opening_came(qn_shape *s, const qn_frame *f);
/* Client: a record came, whatever is in it. */
void qn_shape_opening_between(qn_shape *s);
/* Peer: to which opening's burst a record with this frame belongs; -1: to none. */
int qn_shape_opening_of(const qn_shape *s, const qn_frame *f);

#endif

/*
 * A visitor's first bytes, until it is known whether they are a hello. They have gone to the origin
 * already; this keeps a copy of what is incomplete, at most one hello, and of nothing else.
 */
#ifndef QN_HTX_GREETING_H
#define QN_HTX_GREETING_H

#include "base/env.h"
#include "base/limits.h"

typedef struct qn_htx_greeting {
    uint8_t head[QN_RECORD_HEADER]; /* the first bytes, until they say how many there will be */
    uint8_t *kept; /* then so many, `cap`, while the hello is incomplete: what a stranger makes us
                      keep is what he promised, not the most there could be */
    size_t n, cap;
} qn_htx_greeting;

/*
 * The next bytes, n > 0. QN_OK: the hello is whole; record is it with its record header, in p or in
 * what was kept, and the last `behind` bytes of p are not part of it. QN_SHORT: more bytes are
 * needed. Otherwise there is none (QN_PROTO, QN_LIMIT) or no memory for it (QN_NOMEM). After
 * anything but QN_SHORT feed no more; clear.
 */
QN_MUST_CHECK qn_err qn_htx_greeting_feed(qn_htx_greeting *g, qn_env *env, const uint8_t *p,
                                          size_t n, qn_slice *record, size_t *behind);
void qn_htx_greeting_clear(qn_htx_greeting *g, qn_env *env); /* may repeat */

#endif

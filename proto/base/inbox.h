/*
 * Bytes as they are read, until they are whole records.
 *
 * A read goes into the engine's scratch, behind what the read before left over; what is still
 * incomplete afterwards waits in a pooled block, so that a machine between two reads holds no
 * buffer and the scratch is everybody's.
 */
#ifndef QN_BASE_INBOX_H
#define QN_BASE_INBOX_H

#include "base/block.h"

typedef struct qn_inbox {
    const uint8_t *p; /* not yet taken; in the scratch, between commit and stow */
    size_t n;
    qn_piece left; /* between reads */
} qn_inbox;

/* Where to read to. */
qn_span qn_inbox_space(const qn_inbox *in, qn_env *env);
/* n > 0 bytes were read; the last read's were stowed. */
void qn_inbox_commit(qn_inbox *in, qn_env *env, size_t n);
/* The first n bytes are used up. */
static inline void qn_inbox_take(qn_inbox *in, size_t n)
{
    in->p += n;
    in->n -= n;
}
/* Puts away what is left, at most QN_BLOCK_LARGE bytes. QN_NOMEM: nothing changed. */
QN_MUST_CHECK qn_err qn_inbox_stow(qn_inbox *in, qn_env *env);
void qn_inbox_drop(qn_inbox *in); /* may repeat */

#endif

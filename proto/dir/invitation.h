/* Invitations as nodes read them; how they are made and taken from a text is qnet/invitation.h's.
 */
#ifndef QN_DIR_INVITATION_H
#define QN_DIR_INVITATION_H

#include "dir/descriptor.h"
#include "qnet/invitation.h"

typedef struct qn_invitation {
    qn_descriptor d;
    qn_slice descriptor; /* the signed bytes; points into what was opened */
    qn_key psk;          /* never zero */
} qn_invitation;

/* Everything but time. QN_NETWORK: of another network; QN_PROTO, QN_CANON, QN_TRUNCATED,
 * QN_VERSION; else as qn_descriptor_open. `why` gets one sentence. *out is unchanged after any
 * error, and in outlives it. */
QN_MUST_CHECK qn_err qn_invitation_open(qn_invitation *out, qn_env *env, const qn_network *net,
                                        qn_slice in, char why[160]);
/* From then on whoever knows no more than this descriptor does not reach its node. */
int64_t qn_invitation_until(const qn_descriptor *d);

#endif

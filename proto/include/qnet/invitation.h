/*
 * Invitations: what leads a client to a node that no list names. One is the node's signed
 * descriptor, the pre-shared key of the batch it was handed out in, and the network's id, as text
 * that survives mail, chat and being read aloud. docs/wire/invitation.md.
 */
#ifndef QNET_INVITATION_H
#define QNET_INVITATION_H

#include "qnet/env.h"
#include "qnet/err.h"
#include "qnet/id.h"
#include "qnet/network.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QN_PSKS_MAX 16          /* batches of one node */
#define QN_INVITED_MAX 8        /* invitations a client keeps */
#define QN_INVITATION_MAX 2656  /* bytes: the longest descriptor, network, key, and their heads */
#define QN_INVITATION_TEXT 4288 /* characters at most, with the NUL */
/* What STORE "invited" is never longer than: one invitation a line. */
#define QN_INVITED_TEXT (QN_INVITED_MAX * QN_INVITATION_TEXT)

typedef struct qn_invitation_facts {
    qn_peerid id;  /* of the node that invites */
    int64_t until; /* Unix seconds: from then on it leads nowhere */
} qn_invitation_facts;

/* The text of one invitation to the node whose descriptor this is. QN_CONFIG: the descriptor is not
 * one of this network, or the key is zero, which stands for listed nodes. */
QN_MUST_CHECK qn_err qn_invitation_make(qn_env *env, const qn_network *net, qn_slice descriptor,
                                        const qn_secret32 *psk, char text[QN_INVITATION_TEXT]);
/* An invitation's bytes as text again. QN_CONFIG: they are too many. */
QN_MUST_CHECK qn_err qn_invitation_text(qn_env *env, qn_slice invitation,
                                        char text[QN_INVITATION_TEXT]);
/* The next invitation in a text, which may hold several with anything between them; *text becomes
 * what follows it. QN_OK; QN_GONE: there is none any more; QN_TRUNCATED, QN_PROTO, QN_AUTH:
 * damaged, and `why` gets one sentence. */
QN_MUST_CHECK qn_err qn_invitation_next(qn_env *env, qn_slice *text, uint8_t out[QN_INVITATION_MAX],
                                        size_t *n, char why[160]);
/* Whether it is one of this network that is not too old; `why` gets one sentence if not. */
QN_MUST_CHECK qn_err qn_invitation_check(qn_env *env, const qn_network *net, qn_slice invitation,
                                         qn_invitation_facts *facts, char why[160]);

#ifdef __cplusplus
}
#endif
#endif

/* A client's invitations: taken from files, kept in its state directory as "invited", one a line.
 */
#ifndef QNET_INVITED_H
#define QNET_INVITED_H

#include "io-real/store.h"
#include "qnet/invitation.h"
#include "settings.h"

/* What is kept, and what the files of --invitation ("-": standard input) bring, which is kept from
 * then on: of each node that invites, the last. *text is secret, the caller frees text->p; empty:
 * there is none. Returns an exit status. */
int invited_of_state(const qn_store *s, const setting *files, const qn_network *net, qn_env *env,
                     qn_span *text, qn_why why);

#endif

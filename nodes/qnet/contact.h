/* How HTX reaches an operator's node: made when the network is founded, and part of its file. */
#ifndef QNET_CONTACT_H
#define QNET_CONTACT_H

#include "io-real/store.h"

/*
 * Draws the mirror keys of the operator in `state`, one a week for a year, leaves them in that
 * directory, and writes the signed contact, with their public halves and the facts of the origin
 * file, to out. net is signed already. Returns an exit status; a directory that has mirror keys is
 * refused.
 */
int contact_make(const qn_network *net, qn_env *env, const char *state, const char *origin,
                 qn_span out, size_t *n, qn_why why);

#endif

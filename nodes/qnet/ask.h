/* Asking a running node what its status surface tells. */
#ifndef QNET_ASK_H
#define QNET_ASK_H

#include "io-real/why.h"

#include <jansson.h>

/* The document at /what, to be freed by the caller; NULL: `why` has the sentence. */
json_t *ask_node(const char *state, const char *what, qn_why why);

#endif

/* Words of the command line, the configuration and the status surface. Static storage. */
#ifndef QN_REAL_NAMES_H
#define QN_REAL_NAMES_H

#include "qnet/node.h"

const char *qn_mode_name(qn_mode mode);    /* "client", "relay", "bootstrap", "exit", "super" */
const char *qn_route_name(qn_route route); /* "fast", "privacy" */
const char *qn_state_name(qn_state state); /* "offline", "calibrating", "connected" */

#endif

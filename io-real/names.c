#include "io-real/names.h"

const char *qn_mode_name(qn_mode mode)
{
    static const char *const names[] = {"client", "relay", "bootstrap", "exit", "super"};

    return names[mode];
}

const char *qn_route_name(qn_route route)
{
    return route == QN_ROUTE_PRIVACY ? "privacy" : "fast";
}

const char *qn_state_name(qn_state state)
{
    static const char *const names[] = {"offline", "calibrating", "connected"};

    return names[state];
}

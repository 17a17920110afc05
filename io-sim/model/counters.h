// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Sums of the core's counters.
 */
#ifndef QNET_SIM_COUNTERS_H
#define QNET_SIM_COUNTERS_H

#include "qnet/node.h"

namespace qnet
{

inline void
AddCounters(qn_counters* sum, const qn_counters& c)
{
    sum->cells_forward += c.cells_forward;
    sum->cells_backward += c.cells_backward;
    sum->aead_bytes += c.aead_bytes;
    sum->dh += c.dh;
    sum->handshakes += c.handshakes;
    sum->app_up += c.app_up;
    sum->app_down += c.app_down;
    sum->relayed += c.relayed;
    sum->links_opened += c.links_opened;
    sum->impostors += c.impostors;
    sum->circuits_built += c.circuits_built;
    sum->circuits_failed += c.circuits_failed;
    sum->circuits_refused += c.circuits_refused;
    sum->padding_cells += c.padding_cells;
    sum->padding_refused += c.padding_refused;
    sum->streams_opened += c.streams_opened;
    sum->streams_failed += c.streams_failed;
    sum->exit_requests += c.exit_requests;
    sum->exit_ok += c.exit_ok;
    sum->exit_blocked += c.exit_blocked;
    sum->exit_bytes += c.exit_bytes;
}

} // namespace qnet

#endif

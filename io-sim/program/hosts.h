// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The command `hosts`: who is where in a scenario with a seed, and how they are connected, for
 * programs that set up the same network elsewhere (tools/testbed).
 */
#ifndef QNET_SIM_HOSTS_H
#define QNET_SIM_HOSTS_H

#include "run.h"

namespace qnet
{

/// Prints JSON; nothing is simulated. Throws ScenarioError, std::runtime_error. \return STATUS_OK
int Hosts(const RunOptions& options);

} // namespace qnet

#endif

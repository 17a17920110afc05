// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What this program was made from and runs on: all that could make a run come out otherwise.
 */
#ifndef QNET_SIM_VERSIONS_H
#define QNET_SIM_VERSIONS_H

#include <string>

namespace qnet
{

std::string CompilerText();
/// "qnet 0.1.0 (COMMIT), ns-3 3.37, ..."
std::string VersionsText();
/// System, release and machine.
std::string HostText();

} // namespace qnet

#endif

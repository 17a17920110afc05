// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Files that ship with QNet: browser profiles, and the maps of simulated networks.
 */
#ifndef QNET_SIM_SHIPPED_FILE_H
#define QNET_SIM_SHIPPED_FILE_H

#include <string>

namespace qnet
{

/// Where a file of share/qnet is, such as "maps/default.yaml".
std::string ShippedPath(const std::string& file);
/// The bytes of a profile, from where the qnet program finds it too: ../share/qnet/profiles beside
/// the folder of this program. Throws std::runtime_error when it is not there.
std::string ReadShippedProfile(const std::string& name);

} // namespace qnet

#endif

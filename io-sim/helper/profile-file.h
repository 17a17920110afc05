// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The browser profiles that ship with QNet.
 */
#ifndef QNET_SIM_PROFILE_FILE_H
#define QNET_SIM_PROFILE_FILE_H

#include <string>

namespace qnet
{

/// The bytes of a profile, from where the qnet program finds it too: ../share/qnet/profiles beside
/// the folder of this program. Throws std::runtime_error when it is not there.
std::string ReadShippedProfile(const std::string& name);

} // namespace qnet

#endif

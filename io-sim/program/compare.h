// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The command `compare`: two folders of results side by side.
 */
#ifndef QNET_SIM_COMPARE_H
#define QNET_SIM_COMPARE_H

#include <string>

namespace qnet
{

/// Prints how far B is from A: medians, p95 and delivered bytes. Throws OutputError when a folder
/// has no readable summary.json.
void Compare(const std::string& a, const std::string& b);

} // namespace qnet

#endif

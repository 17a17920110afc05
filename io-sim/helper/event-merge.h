// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The event logs of a parallel run's processes as one.
 */
#ifndef QNET_SIM_EVENT_MERGE_H
#define QNET_SIM_EVENT_MERGE_H

#include <string>
#include <vector>

namespace qnet
{

/// \param parts files as Recorder writes them, each in order of time and node, no node in two of
/// them. \return the SHA-256 of the whole. Throws OutputError, also when a part cannot be read.
std::string MergeEvents(const std::vector<std::string>& parts, const std::string& whole);

} // namespace qnet

#endif

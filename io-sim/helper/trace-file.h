// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Requests to replay: CSV with a header. Columns start_ns, client and size_bytes are needed, server
 * may be there, others are ignored; so the streams.csv of a run is a trace, and what tgen and
 * tornettools log becomes one by naming its columns.
 */
#ifndef QNET_SIM_TRACE_FILE_H
#define QNET_SIM_TRACE_FILE_H

#include <string>
#include <vector>

#include "fetch-client.h"
#include "yaml-tree.h"

namespace qnet
{

/// Clients are numbered in the order in which they appear, and dealt out to `clients` in turn.
/// \param node names the file, from `folder` unless it begins with "/". Throws ScenarioError.
void ReadTrace(const YamlNode& node,
               const std::string& folder,
               uint32_t clients,
               std::vector<std::vector<Habits::Request>>& out);

} // namespace qnet

#endif

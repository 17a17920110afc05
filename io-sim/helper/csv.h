// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * streams.csv, circuits.csv, nodes.csv; docs/simulator.md describes the columns.
 */
#ifndef QNET_SIM_CSV_H
#define QNET_SIM_CSV_H

#include <string>

#include "recorder.h"

namespace qnet
{

/// Each writes one file and returns its SHA-256.
std::string WriteStreams(const std::string& path, const Simulation& s, const Recorder& r);
std::string WriteCircuits(const std::string& path, const Recorder& r);
std::string WriteFaults(const std::string& path, const Simulation& s);
std::string WriteNodes(const std::string& path, const Simulation& s, const Recorder& r);

} // namespace qnet

#endif

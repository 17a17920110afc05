// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * One reader per section of a scenario; scenario.cc calls them in order.
 */
#ifndef QNET_SIM_SCENARIO_SECTIONS_H
#define QNET_SIM_SCENARIO_SECTIONS_H

#include "map-reader.h"
#include "scenario.h"

namespace qnet
{

constexpr uint64_t WEIGHT_MAX = 1000000; ///< of Weights: keeps sums far from overflow

// For several sections.
/// \return node, which is of this kind and not empty, or fails with `what`
const YamlNode& MustBe(const YamlNode& node, YamlNode::Kind kind, const std::string& what);
uint32_t RegionOf(const YamlNode& node, const std::string& text, const Network& network);
/// One class, or weights of several.
Weights<uint32_t> ReadAccessWeights(const YamlNode& node, const Network& network);

std::vector<std::string> GroupNames(const Scenario& scenario, Role role);
/// The group of this role that the text names.
uint32_t GroupIndex(const Scenario& scenario, const YamlNode& node, Role role);

void ReadGeneral(const YamlNode& node, Scenario& out);
void ReadNetwork(const YamlNode& node, Network& out);
void ReadPopulation(const YamlNode& node, Scenario& out);
void ReadDirectory(const YamlNode* node, Scenario& out);
/// \param path the scenario file: traces are named from its folder
void ReadWorkload(const YamlNode* node, const std::string& path, Scenario& out);
void ReadFaults(const YamlNode* node, Scenario& out);
void ReadControls(const YamlNode* node, Scenario& out);
/// After ReadControls.
void ReadCensors(const YamlNode* node, Scenario& out);
/// After ReadPopulation.
void ReadEntries(const YamlNode* node, Scenario& out);
void ReadMeasure(const YamlNode* node, Scenario& out);
void ReadExpect(const YamlNode* node, Scenario& out);

} // namespace qnet

#endif

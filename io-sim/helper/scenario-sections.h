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

void ReadGeneral(const YamlNode& node, Scenario& out);
void ReadNetwork(const YamlNode& node, Network& out);
void ReadPopulation(const YamlNode& node, Scenario& out);
void ReadDirectory(const YamlNode* node, Scenario& out);
void ReadWorkload(const YamlNode* node, Scenario& out);
void ReadFaults(const YamlNode* node, Scenario& out);
void ReadCensors(const YamlNode* node, Scenario& out);
void ReadMeasure(const YamlNode* node, Scenario& out);
void ReadExpect(const YamlNode* node, Scenario& out);

} // namespace qnet

#endif

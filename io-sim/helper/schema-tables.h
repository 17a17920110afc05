// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Every key that a scenario can have, as the reference page tells it.
 */
#ifndef QNET_SIM_SCHEMA_TABLES_H
#define QNET_SIM_SCHEMA_TABLES_H

#include <vector>

namespace qnet
{

struct SchemaRow
{
    const char* key;
    const char* value;
    const char* missing; ///< what holds when it is not there
    const char* meaning;
};

struct SchemaSection
{
    const char* where; ///< as MapReader names such a map
    const char* title; ///< "": its keys are explained where the map stands
    const char* intro;
    std::vector<SchemaRow> rows;
    const char* outro;
};

/// In the order of the page.
const std::vector<SchemaSection>& SchemaSections();

} // namespace qnet

#endif

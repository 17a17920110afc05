// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What a scenario may say, as a table. The readers ask for nothing that is not in it (MapReader
 * sees to that), docs/scenario-reference.md is printed from it, and so is the template for new
 * ones.
 */
#ifndef QNET_SIM_SCHEMA_H
#define QNET_SIM_SCHEMA_H

#include <string>

namespace qnet
{

/// Whether a map of this kind ("network.conn") may have this key.
bool SchemaHas(const std::string& where, const std::string& key);
/// The reference page, in Markdown.
std::string SchemaPage();
/// A small scenario that runs, with every other key of its sections as a comment.
std::string SchemaTemplate(const std::string& name);

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Reads a map of a scenario key by key. What was asked for is the schema: any other key is refused
 * by Done(), with file, line and the nearest key that would have been right.
 */
#ifndef QNET_SIM_MAP_READER_H
#define QNET_SIM_MAP_READER_H

#include <string>
#include <vector>

#include "quantity.h"
#include "yaml-tree.h"

namespace qnet
{

/// The closest of `known` if it is close enough to be meant, else "".
std::string NearestWord(const std::string& word, const std::vector<std::string>& known);
/// " (did you mean "x"?)", or the list of what is known when nothing is close.
std::string Suggestion(const std::string& word, const std::vector<std::string>& known);

class MapReader
{
  public:
    /// \param where what the map is, for messages: "general", "population item"
    MapReader(const YamlNode& node, std::string where);

    /// Missing keys: the first form fails, the others return the default.
    const YamlNode& Need(const std::string& key);
    const YamlNode* Maybe(const std::string& key);
    std::string NeedText(const std::string& key);
    std::string Text(const std::string& key, const std::string& missing);
    uint64_t NeedNumber(const std::string& key, Unit unit, uint64_t min, uint64_t max);
    uint64_t Number(
        const std::string& key, Unit unit, uint64_t missing, uint64_t min, uint64_t max);
    /// The index of the text among `choices`.
    size_t NeedChoice(const std::string& key, const std::vector<std::string>& choices);

    /// Refuses keys nobody asked for.
    void Done() const;

    const YamlNode& GetNode() const;

  private:
    const YamlNode& m_node;
    std::string m_where;
    std::vector<std::string> m_asked;
};

/// A scalar as a number in its unit and range; fails with file and line.
uint64_t NumberOf(const YamlNode& node, Unit unit, uint64_t min, uint64_t max);
/// A scalar's index among names; `what` says what the names are.
size_t ChoiceOf(const YamlNode& node,
                const std::string& what,
                const std::string& text,
                const std::vector<std::string>& choices);

} // namespace qnet

#endif

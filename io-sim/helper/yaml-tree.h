// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A YAML file as a tree that remembers where each value stood, so that every complaint can name
 * file and line. Small on purpose: scalars, lists and maps with plain keys; no tags; one document.
 */
#ifndef QNET_SIM_YAML_TREE_H
#define QNET_SIM_YAML_TREE_H

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace qnet
{

/// One sentence with file and line.
class ScenarioError : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

struct YamlNode
{
    enum class Kind
    {
        Scalar,
        List,
        Map
    };

    Kind kind = Kind::Scalar;
    std::string file; ///< or "--set"
    unsigned line = 0;
    std::string text;                                   ///< of a scalar
    std::vector<YamlNode> items;                        ///< of a list
    std::vector<std::pair<std::string, YamlNode>> keys; ///< of a map, as written

    const YamlNode* Find(const std::string& key) const;
    YamlNode* Find(const std::string& key);
    void Remove(const std::string& key);
    [[noreturn]] void Fail(const std::string& what) const;
};

/// Reads a file; throws ScenarioError.
YamlNode YamlReadFile(const std::string& path);
/// Reads a value given on the command line.
YamlNode YamlReadText(const std::string& text, const std::string& name);
/// `over` onto `base`: maps key by key, lists of maps item by item where both have the same name,
/// anything else replaced.
void YamlMerge(YamlNode& base, const YamlNode& over);
/// One canonical text for equal trees: block style, every string that needs quotes quoted.
std::string YamlDump(const YamlNode& node);

} // namespace qnet

#endif

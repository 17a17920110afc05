// SPDX-License-Identifier: GPL-2.0-only
#include "map-reader.h"

#include "schema.h"

#include <algorithm>

namespace qnet
{

namespace
{

/// Edits from a to b: insert, remove, replace, or swap two neighbours (Damerau, Levenshtein).
size_t
Distance(const std::string& a, const std::string& b)
{
    std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); i++)
    {
        for (size_t j = 0; j <= b.size(); j++)
        {
            if (i == 0 || j == 0)
            {
                d[i][j] = i + j;
                continue;
            }
            size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
            {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
}

std::string
Joined(const std::vector<std::string>& words)
{
    std::string out;
    for (const std::string& word : words)
    {
        out += (out.empty() ? "" : ", ") + word;
    }
    return out;
}

} // namespace

std::string
NearestWord(const std::string& word, const std::vector<std::string>& known)
{
    std::string best;
    size_t limit = std::max<size_t>(word.size() / 3, 1) + 1;
    for (const std::string& candidate : known)
    {
        size_t distance = Distance(word, candidate);
        if (distance < limit)
        {
            limit = distance;
            best = candidate;
        }
    }
    return best;
}

std::string
Suggestion(const std::string& word, const std::vector<std::string>& known)
{
    std::string nearest = NearestWord(word, known);
    if (!nearest.empty())
    {
        return "; did you mean \"" + nearest + "\"?";
    }
    return known.empty() ? "" : "; known here: " + Joined(known);
}

MapReader::MapReader(const YamlNode& node, std::string where)
    : m_node(node),
      m_where(std::move(where))
{
    if (node.kind != YamlNode::Kind::Map)
    {
        node.Fail(m_where + " must be a map of keys and values");
    }
}

const YamlNode&
MapReader::GetNode() const
{
    return m_node;
}

const YamlNode*
MapReader::Maybe(const std::string& key)
{
    if (!SchemaHas(m_where, key))
    {
        throw std::logic_error("the schema does not have \"" + key + "\" in " + m_where);
    }
    if (std::find(m_asked.begin(), m_asked.end(), key) == m_asked.end())
    {
        m_asked.push_back(key);
    }
    return m_node.Find(key);
}

const YamlNode&
MapReader::Need(const std::string& key)
{
    const YamlNode* found = Maybe(key);
    if (found == nullptr)
    {
        // A misspelt key is the likelier mistake than a missing one.
        for (const auto& [other, value] : m_node.keys)
        {
            if (NearestWord(other, {key}) == key &&
                std::find(m_asked.begin(), m_asked.end(), other) == m_asked.end())
            {
                value.Fail("unknown key \"" + other + "\" in " + m_where + "; did you mean \"" +
                           key + "\"?");
            }
        }
        m_node.Fail(m_where + " needs the key \"" + key + "\"");
    }
    return *found;
}

std::string
MapReader::NeedText(const std::string& key)
{
    const YamlNode& node = Need(key);
    if (node.kind != YamlNode::Kind::Scalar || node.text.empty())
    {
        node.Fail("\"" + key + "\" must be a text");
    }
    return node.text;
}

std::string
MapReader::Text(const std::string& key, const std::string& missing)
{
    return Maybe(key) != nullptr ? NeedText(key) : missing;
}

uint64_t
MapReader::NeedNumber(const std::string& key, Unit unit, uint64_t min, uint64_t max)
{
    return NumberOf(Need(key), unit, min, max);
}

uint64_t
MapReader::Number(const std::string& key, Unit unit, uint64_t missing, uint64_t min, uint64_t max)
{
    const YamlNode* node = Maybe(key);
    return node != nullptr ? NumberOf(*node, unit, min, max) : missing;
}

size_t
MapReader::NeedChoice(const std::string& key, const std::vector<std::string>& choices)
{
    std::string text = NeedText(key);
    return ChoiceOf(Need(key), key, text, choices);
}

void
MapReader::Done() const
{
    for (const auto& [key, value] : m_node.keys)
    {
        if (std::find(m_asked.begin(), m_asked.end(), key) == m_asked.end())
        {
            value.Fail("unknown key \"" + key + "\" in " + m_where + Suggestion(key, m_asked));
        }
    }
}

uint64_t
NumberOf(const YamlNode& node, Unit unit, uint64_t min, uint64_t max)
{
    uint64_t value = 0;
    std::string why;
    if (node.kind != YamlNode::Kind::Scalar)
    {
        node.Fail("a single value is wanted here");
    }
    if (!ParseQuantity(node.text, unit, &value, &why))
    {
        node.Fail(why);
    }
    if (value < min || value > max)
    {
        node.Fail("\"" + node.text + "\" is outside " + FormatQuantity(min, unit) + " .. " +
                  FormatQuantity(max, unit));
    }
    return value;
}

size_t
ChoiceOf(const YamlNode& node,
         const std::string& what,
         const std::string& text,
         const std::vector<std::string>& choices)
{
    auto found = std::find(choices.begin(), choices.end(), text);
    if (found == choices.end())
    {
        node.Fail("unknown " + what + " \"" + text + "\"" + Suggestion(text, choices));
    }
    return static_cast<size_t>(found - choices.begin());
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "yaml-tree.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <yaml.h>

namespace qnet
{

namespace
{

constexpr size_t FILE_MAX = 1 << 20; ///< bytes; a scenario is a page or two
constexpr unsigned DEPTH_MAX = 16;
constexpr size_t NODES_MAX = 100000; ///< aliases count each time, so none can explode

const YamlNode*
FindIn(const YamlNode& node, const std::string& key)
{
    for (const auto& [name, value] : node.keys)
    {
        if (name == key)
        {
            return &value;
        }
    }
    return nullptr;
}

class Converter
{
  public:
    Converter(yaml_document_t* document, std::string file)
        : m_document(document),
          m_file(std::move(file))
    {
    }

    YamlNode
    Convert(yaml_node_t* from, unsigned depth)
    {
        YamlNode node;
        node.file = m_file;
        node.line = static_cast<unsigned>(from->start_mark.line) + 1;
        if (depth > DEPTH_MAX || ++m_count > NODES_MAX)
        {
            node.Fail("nested too deeply or too large");
        }
        switch (from->type)
        {
        case YAML_SEQUENCE_NODE:
            node.kind = YamlNode::Kind::List;
            for (auto* i = from->data.sequence.items.start; i < from->data.sequence.items.top; i++)
            {
                node.items.push_back(Convert(yaml_document_get_node(m_document, *i), depth + 1));
            }
            break;
        case YAML_MAPPING_NODE:
            node.kind = YamlNode::Kind::Map;
            for (auto* i = from->data.mapping.pairs.start; i < from->data.mapping.pairs.top; i++)
            {
                AddPair(node, *i, depth);
            }
            break;
        case YAML_SCALAR_NODE:
        case YAML_NO_NODE:
            node.text = Text(from);
            break;
        }
        return node;
    }

  private:
    static std::string
    Text(const yaml_node_t* from)
    {
        const auto& scalar = from->data.scalar;
        return {reinterpret_cast<const char*>(scalar.value), scalar.length};
    }

    void
    AddPair(YamlNode& node, const yaml_node_pair_t& pair, unsigned depth)
    {
        yaml_node_t* key = yaml_document_get_node(m_document, pair.key);
        YamlNode at;
        at.file = m_file;
        at.line = static_cast<unsigned>(key->start_mark.line) + 1;
        if (key->type != YAML_SCALAR_NODE)
        {
            at.Fail("a key must be a plain word");
        }
        if (node.Find(Text(key)) != nullptr)
        {
            at.Fail("\"" + Text(key) + "\" stands twice in one place");
        }
        YamlNode value = Convert(yaml_document_get_node(m_document, pair.value), depth + 1);
        if (value.kind == YamlNode::Kind::Scalar)
        {
            value.line = at.line; // a folded text starts below its key
        }
        node.keys.emplace_back(Text(key), std::move(value));
    }

    yaml_document_t* m_document;
    std::string m_file;
    size_t m_count = 0;
};

struct Parser
{
    Parser()
    {
        if (yaml_parser_initialize(&parser) == 0)
        {
            throw std::bad_alloc();
        }
    }

    ~Parser()
    {
        yaml_parser_delete(&parser);
    }

    yaml_parser_t parser;
};

struct Document
{
    ~Document()
    {
        yaml_document_delete(&document);
    }

    yaml_document_t document{};
};

void
Load(Parser& p, Document& d, const std::string& name)
{
    if (yaml_parser_load(&p.parser, &d.document) == 0)
    {
        YamlNode at;
        at.file = name;
        at.line = static_cast<unsigned>(p.parser.problem_mark.line) + 1;
        at.Fail(std::string("not YAML: ") + (p.parser.problem != nullptr ? p.parser.problem : "?"));
    }
}

YamlNode
Parse(const std::string& text, const std::string& name)
{
    Parser p;
    yaml_parser_set_input_string(
        &p.parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    Document first;
    Load(p, first, name);
    yaml_node_t* root = yaml_document_get_root_node(&first.document);
    if (root == nullptr)
    {
        throw ScenarioError(name + ": the file is empty");
    }
    YamlNode tree = Converter(&first.document, name).Convert(root, 0);
    Document second;
    Load(p, second, name);
    if (yaml_document_get_root_node(&second.document) != nullptr)
    {
        throw ScenarioError(name + ": one file is one document; remove what follows \"---\"");
    }
    return tree;
}

void
MergeLists(YamlNode& base, const YamlNode& over)
{
    for (const YamlNode& item : over.items)
    {
        const YamlNode* name = FindIn(item, "name");
        YamlNode* same = nullptr;
        for (YamlNode& candidate : base.items)
        {
            const YamlNode* other = FindIn(candidate, "name");
            if (name != nullptr && other != nullptr && other->text == name->text)
            {
                same = &candidate;
            }
        }
        if (same != nullptr)
        {
            YamlMerge(*same, item);
        }
        else
        {
            base.items.push_back(item);
        }
    }
}

bool
AllNamed(const YamlNode& list)
{
    bool all = list.kind == YamlNode::Kind::List && !list.items.empty();
    for (const YamlNode& item : list.items)
    {
        all = all && FindIn(item, "name") != nullptr;
    }
    return all;
}

std::string
Quoted(const std::string& text)
{
    bool plain = !text.empty() && text.find_first_of(":#\"'\n[]{},&*!|>%@`") == std::string::npos &&
                 text.front() != ' ' && text.back() != ' ' && text.front() != '-' &&
                 text.front() != '?';
    if (plain)
    {
        return text;
    }
    std::string out = "\"";
    for (char c : text)
    {
        if (c == '"' || c == '\\')
        {
            out += '\\';
        }
        out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out + "\"";
}

/// What fits on the line of its key or mark: a scalar, or a list or map that is empty. Else "".
std::string
OnOneLine(const YamlNode& node)
{
    switch (node.kind)
    {
    case YamlNode::Kind::Scalar:
        return Quoted(node.text);
    case YamlNode::Kind::List:
        return node.items.empty() ? "[]" : "";
    case YamlNode::Kind::Map:
        return node.keys.empty() ? "{}" : "";
    }
    return "";
}

void
Dump(const YamlNode& node, unsigned indent, std::string& out)
{
    std::string margin(indent, ' ');
    for (const auto& [key, value] : node.keys)
    {
        out += margin + Quoted(key) + ":";
        std::string line = OnOneLine(value);
        if (!line.empty())
        {
            out += " " + line + "\n";
        }
        else
        {
            out += "\n";
            Dump(value, indent + 2, out);
        }
    }
    for (const YamlNode& item : node.items)
    {
        std::string line = OnOneLine(item);
        if (!line.empty())
        {
            out += margin + "- " + line + "\n";
            continue;
        }
        std::string inner;
        Dump(item, indent + 2, inner);
        inner[indent] = '-'; // the first line's margin becomes the list's mark
        out += inner;
    }
}

} // namespace

const YamlNode*
YamlNode::Find(const std::string& key) const
{
    return FindIn(*this, key);
}

YamlNode*
YamlNode::Find(const std::string& key)
{
    return const_cast<YamlNode*>(FindIn(*this, key));
}

void
YamlNode::Remove(const std::string& key)
{
    auto gone = [&key](const auto& pair) { return pair.first == key; };
    keys.erase(std::remove_if(keys.begin(), keys.end(), gone), keys.end());
}

void
YamlNode::Fail(const std::string& what) const
{
    throw ScenarioError(file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what);
}

YamlNode
YamlReadFile(const std::string& path)
{
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
    if (!file)
    {
        throw ScenarioError(path + ": " + std::strerror(errno));
    }
    std::string text(FILE_MAX + 1, '\0');
    errno = 0;
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get()) != 0)
    {
        throw ScenarioError(path + ": " + std::strerror(errno));
    }
    if (text.size() > FILE_MAX)
    {
        throw ScenarioError(path + ": larger than 1 MiB; that is not a scenario");
    }
    return Parse(text, path);
}

YamlNode
YamlReadText(const std::string& text, const std::string& name)
{
    return Parse(text, name);
}

void
YamlMerge(YamlNode& base, const YamlNode& over)
{
    if (base.kind == YamlNode::Kind::Map && over.kind == YamlNode::Kind::Map)
    {
        for (const auto& [key, value] : over.keys)
        {
            if (YamlNode* old = base.Find(key))
            {
                YamlMerge(*old, value);
            }
            else
            {
                base.keys.emplace_back(key, value);
            }
        }
    }
    else if (AllNamed(base) && AllNamed(over))
    {
        MergeLists(base, over);
    }
    else
    {
        base = over;
    }
}

std::string
YamlDump(const YamlNode& node)
{
    std::string out;
    Dump(node, 0, out);
    return out;
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "trace-file.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "quantity.h"

namespace qnet
{

namespace
{

constexpr uint64_t SIZE_MAX_BYTES = UINT64_C(1) << 30;
constexpr size_t ROWS_MAX = 10000000; ///< beyond it a run would not end anyway

std::vector<std::string>
Cells(const std::string& line)
{
    std::vector<std::string> cells;
    for (size_t from = 0;;)
    {
        size_t comma = line.find(',', from);
        cells.push_back(line.substr(from, comma == std::string::npos ? comma : comma - from));
        if (comma == std::string::npos)
        {
            return cells;
        }
        from = comma + 1;
    }
}

/// Reads one file; what is wrong is told with its name and line.
class Reader
{
  public:
    Reader(const YamlNode& node, const std::string& path)
        : m_node(node),
          m_path(path),
          m_file(path)
    {
    }

    bool
    Next(std::vector<std::string>* cells)
    {
        std::string line;
        if (!std::getline(m_file, line))
        {
            return false;
        }
        if (!line.empty() && line.back() == '\r')
        {
            line.pop_back();
        }
        m_line++;
        *cells = Cells(line);
        return true;
    }

    uint64_t
    Number(const std::vector<std::string>& cells, size_t column) const
    {
        uint64_t value = 0;
        std::string why = "a row is too short";
        if (column >= cells.size() || !ParseQuantity(cells[column], Unit::Count, &value, &why))
        {
            Fail(why);
        }
        return value;
    }

    [[noreturn]] void
    Fail(const std::string& why) const
    {
        m_node.Fail("trace " + m_path + ":" + std::to_string(m_line) + ": " + why);
    }

  private:
    const YamlNode& m_node;
    std::string m_path;
    std::ifstream m_file;
    size_t m_line = 0;
};

} // namespace

void
ReadTrace(const YamlNode& node,
          const std::string& folder,
          uint32_t clients,
          std::vector<std::vector<Habits::Request>>& out)
{
    std::string path = node.text.front() == '/' ? node.text : folder + node.text;
    Reader reader(node, path);
    std::vector<std::string> header;
    if (!reader.Next(&header))
    {
        node.Fail("cannot read the trace " + path);
    }
    auto column = [&](const char* name, bool needed) {
        auto at =
            static_cast<size_t>(std::find(header.begin(), header.end(), name) - header.begin());
        if (needed && at == header.size())
        {
            reader.Fail(std::string("no column is called ") + name);
        }
        return at;
    };
    size_t start = column("start_ns", true);
    size_t client = column("client", true);
    size_t size = column("size_bytes", true);
    size_t server = column("server", false);
    std::map<uint64_t, uint32_t> numbers;
    std::vector<std::string> cells;
    out.assign(clients, {});
    for (size_t row = 0; reader.Next(&cells); row++)
    {
        uint64_t bytes = reader.Number(cells, size);
        if (bytes < 1 || bytes > SIZE_MAX_BYTES || row == ROWS_MAX)
        {
            reader.Fail(row == ROWS_MAX ? "too many rows" : "a size is 1 B to 1 GiB");
        }
        uint64_t who = reader.Number(cells, client);
        uint32_t number = numbers.emplace(who, numbers.size() % clients).first->second;
        uint64_t where = server < header.size() ? reader.Number(cells, server) : row;
        out[number].push_back({reader.Number(cells, start), bytes, where});
    }
    for (auto& mine : out)
    {
        std::stable_sort(
            mine.begin(), mine.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    }
}

} // namespace qnet

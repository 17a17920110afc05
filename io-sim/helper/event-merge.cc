// SPDX-License-Identifier: GPL-2.0-only
#include "event-merge.h"

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <tuple>

#include "output-file.h"

namespace qnet
{

namespace
{

/// One file, and the line of it that is next.
struct Part
{
    explicit Part(const std::string& path)
        : file(path),
          name(path)
    {
        if (!std::getline(file, line))
        {
            throw OutputError("cannot read " + path);
        }
    }

    void
    Advance()
    {
        there = static_cast<bool>(std::getline(file, line));
        if (there && std::sscanf(line.c_str(), "%" SCNd64 ",%" SCNu32 ",", &time, &node) != 2)
        {
            throw OutputError(name + " is no event log");
        }
    }

    bool
    operator<(const Part& other) const
    {
        return std::tie(time, node) < std::tie(other.time, other.node);
    }

    std::ifstream file;
    std::string name;
    std::string line;
    bool there = true;
    int64_t time = 0;
    uint32_t node = 0;
};

} // namespace

std::string
MergeEvents(const std::vector<std::string>& parts, const std::string& whole)
{
    std::vector<Part> open;
    for (const std::string& path : parts)
    {
        open.emplace_back(path);
    }
    OutputFile out(whole);
    out.Write(open.at(0).line + "\n"); // the header, which all have
    for (Part& part : open)
    {
        part.Advance();
    }
    for (;;)
    {
        Part* next = nullptr;
        for (Part& part : open)
        {
            if (part.there && (next == nullptr || part < *next))
            {
                next = &part;
            }
        }
        if (next == nullptr)
        {
            return out.Close();
        }
        out.Write(next->line + "\n");
        next->Advance();
    }
}

} // namespace qnet

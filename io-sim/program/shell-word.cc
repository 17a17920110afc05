// SPDX-License-Identifier: GPL-2.0-only
#include "shell-word.h"

namespace qnet
{

std::string
ShellWord(const std::string& word)
{
    if (!word.empty() && word.find_first_of(" '\"$&|;<>()*?[]{}\\`!~#\n\t") == std::string::npos)
    {
        return word;
    }
    std::string quoted = "'";
    for (char c : word)
    {
        quoted += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return quoted + "'";
}

std::string
ShellLine(const std::vector<std::string>& words)
{
    std::string line;
    for (const std::string& word : words)
    {
        line += (line.empty() ? "" : " ") + ShellWord(word);
    }
    return line;
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "shipped-file.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include <climits>
#include <unistd.h>

namespace qnet
{

std::string
ShippedPath(const std::string& file)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program);
    std::string folder(program, n > 0 ? static_cast<size_t>(n) : 0);
    return folder.substr(0, folder.rfind('/')) + "/../share/qnet/" + file;
}

std::string
ReadShippedProfile(const std::string& name)
{
    std::string path = ShippedPath("profiles/" + name + ".cbor");
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    if (!file || bytes.str().empty())
    {
        throw std::runtime_error("cannot read the browser profile " + path);
    }
    return bytes.str();
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "output-file.h"

#include <cerrno>
#include <cstdarg>
#include <cstring>

#include <sys/stat.h>

namespace qnet
{

OutputFile::OutputFile(std::string path)
    : m_path(std::move(path)),
      m_file(std::fopen(m_path.c_str(), "wb"))
{
    if (m_file == nullptr)
    {
        Fail();
    }
}

OutputFile::~OutputFile()
{
    if (m_file != nullptr)
    {
        std::fclose(m_file);
    }
}

void
OutputFile::Fail() const
{
    throw OutputError("cannot write " + m_path + ": " + std::strerror(errno));
}

void
OutputFile::Write(const std::string& text)
{
    m_sha.Add(text);
    if (std::fwrite(text.data(), 1, text.size(), m_file) != text.size())
    {
        Fail();
    }
}

void
OutputFile::Printf(const char* format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = std::vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || static_cast<size_t>(n) >= sizeof text)
    {
        throw OutputError("a line for " + m_path + " is too long");
    }
    Write(std::string(text, static_cast<size_t>(n)));
}

std::string
OutputFile::Close()
{
    std::FILE* file = m_file;
    bool flushed = std::fflush(file) == 0;
    m_file = nullptr;
    int flushError = errno;
    if (std::fclose(file) != 0 || !flushed)
    {
        errno = flushed ? errno : flushError;
        Fail();
    }
    return m_sha.Hex();
}

void
MakeFolder(const std::string& path)
{
    if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST)
    {
        throw OutputError("cannot make the folder " + path + ": " + std::strerror(errno));
    }
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Result files. Every failure to write one (a full disk, a folder that is not ours) is one
 * sentence.
 */
#ifndef QNET_SIM_OUTPUT_FILE_H
#define QNET_SIM_OUTPUT_FILE_H

#include <cstdio>
#include <stdexcept>
#include <string>

#include "digest.h"

namespace qnet
{

class OutputError : public std::runtime_error
{
  public:
    using std::runtime_error::runtime_error;
};

class OutputFile
{
  public:
    /// Creates or empties it. Throws OutputError, as all others here.
    explicit OutputFile(std::string path);
    ~OutputFile();
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;

    void Write(const std::string& text);
    void Printf(const char* format, ...) __attribute__((format(printf, 2, 3)));
    /// Flushes to the disk's satisfaction. \return the SHA-256 of what was written
    std::string Close();

  private:
    [[noreturn]] void Fail() const;

    std::string m_path;
    std::FILE* m_file;
    Sha256 m_sha;
};

/// Creates a folder (its parent must exist); one that exists is fine.
void MakeFolder(const std::string& path);

} // namespace qnet

#endif

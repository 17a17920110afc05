// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Words for a shell: the commands that reports, work lists and job scripts show are ones to paste.
 */
#ifndef QNET_SIM_SHELL_WORD_H
#define QNET_SIM_SHELL_WORD_H

#include <string>
#include <vector>

namespace qnet
{

/// As a POSIX shell reads it back unchanged; in quotes only where it needs them.
std::string ShellWord(const std::string& word);
std::string ShellLine(const std::vector<std::string>& words);

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A large run touches gigabytes in no order, and half of a cache miss is then the walk through the
 * page table. On huge pages there is little to walk.
 */
#ifndef QNET_SIM_HUGE_PAGES_H
#define QNET_SIM_HUGE_PAGES_H

namespace qnet
{

/// Starts this program again with its heap on huge pages; returns if it has them, or cannot. glibc
/// reads the tunable for it before main and at no other time. Who sets GLIBC_TUNABLES, even to
/// nothing, is not asked: so the program starts once, for a debugger or valgrind.
void RestartOnHugePages(char** argv);

} // namespace qnet

#endif

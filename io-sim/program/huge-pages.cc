// SPDX-License-Identifier: GPL-2.0-only
#include "huge-pages.h"

#include <cstdlib>

#include <unistd.h>

#include "child.h"

namespace qnet
{

namespace
{

constexpr const char* TUNABLES = "GLIBC_TUNABLES";

} // namespace

void
RestartOnHugePages(char** argv)
{
#ifndef __SANITIZE_ADDRESS__ // whose heap is its own
    if (std::getenv(TUNABLES) == nullptr && setenv(TUNABLES, "glibc.malloc.hugetlb=1", 0) == 0)
    {
        execv(THIS_PROGRAM, argv);
    }
#else
    static_cast<void>(argv);
#endif
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "versions.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <sys/utsname.h>
#include <zstd.h>

#include "commit.h"

namespace qnet
{

std::string
CompilerText()
{
#ifdef __clang__
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

std::string
VersionsText()
{
    return std::string("qnet " QNET_VERSION " (" QNET_COMMIT "), ns-3 3.37, ") +
           OpenSSL_version(OPENSSL_VERSION) + ", libsodium " + sodium_version_string() +
           ", libzstd " + ZSTD_versionString() + ", build " QNET_BUILD_TYPE;
}

std::string
HostText()
{
    struct utsname host = {};
    uname(&host);
    return std::string(host.sysname) + " " + host.release + " " + host.machine;
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The commands `bundle` and `verify`: a run in one file to publish, and whether another machine
 * gets the same from it. A bundle is a tar archive, written and read by the system's tar, of a
 * run's folder with bundle.json in it: scenario, seed, tier, digest, versions, and name, size and
 * SHA-256 of every file.
 */
#ifndef QNET_SIM_BUNDLE_H
#define QNET_SIM_BUNDLE_H

#include <map>
#include <string>

#include "summary.h"

namespace qnet
{

constexpr const char* MANIFEST = "bundle.json";

/// Size and SHA-256 of one file.
struct FileFacts
{
    uint64_t size = 0;
    std::string sha256;
};

/// Every file in and beneath a folder but bundle.json, by name from there. Throws OutputError when
/// one cannot be read or is neither file nor folder.
std::map<std::string, FileFacts> FilesOf(const std::string& folder);

/// The scenario in the folder of a run that runs again as it stands: beside its traces, if it has
/// any.
std::string ScenarioIn(const std::string& folder);

/// The digest of a run by the hashes of its files, as `run` prints it.
std::string DigestOf(const std::map<std::string, FileFacts>& files);

/// Packs the folder of a finished run. \param out the file; empty for folder.tar. An ending such as
/// .zst chooses tar's compression. Throws OutputError
void Bundle(const std::string& folder, std::string out);

/// Unpacks a bundle in a temporary folder, checks its hashes, runs it again and prints what
/// differs. \return STATUS_OK or, when something differs, STATUS_VIOLATED. Throws OutputError
int Verify(const std::string& file);

} // namespace qnet

#endif

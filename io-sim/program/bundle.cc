// SPDX-License-Identifier: GPL-2.0-only
#include "bundle.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "child.h"
#include "output-file.h"
#include "run.h"

namespace qnet
{

namespace
{

namespace fs = std::filesystem;

FileFacts
FactsOf(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    Sha256 sha;
    FileFacts facts;
    char block[65536];
    while (file.read(block, sizeof block) || file.gcount() > 0)
    {
        auto n = static_cast<size_t>(file.gcount());
        sha.Add(block, n);
        facts.size += n;
    }
    if (!file.eof())
    {
        throw OutputError("cannot read " + path.string());
    }
    facts.sha256 = sha.Hex();
    return facts;
}

/// A run's summary and facts, if it is finished and nobody changed it since.
JsonPtr
MakeManifest(const fs::path& folder, const std::map<std::string, FileFacts>& files)
{
    JsonPtr summary(json_load_file((folder / "summary.json").c_str(), 0, nullptr));
    JsonPtr run(json_load_file((folder / "run.json").c_str(), 0, nullptr));
    if (!summary || !run || files.count("report.html") == 0 || files.count("scenario.yaml") == 0)
    {
        throw OutputError(folder.string() + " is not the folder of a finished run");
    }
    const char* digest = json_string_value(json_object_get(run.get(), "digest"));
    if (digest == nullptr || digest != DigestOf(files))
    {
        throw OutputError(
            folder.string() +
            " was changed since it ran: its files do not give the digest in run.json");
    }
    JsonPtr out(json_pack("{s:i}", "format", 1));
    for (const char* key : {"scenario_sha256", "seed", "tier"})
    {
        json_object_set(out.get(), key, json_object_get(summary.get(), key));
    }
    for (const char* key : {"digest", "versions", "compiler", "host", "when"})
    {
        json_object_set(out.get(), key, json_object_get(run.get(), key));
    }
    json_t* list = json_object();
    for (const auto& [name, facts] : files)
    {
        json_object_set_new(list,
                            name.c_str(),
                            json_pack("{s:I, s:s}",
                                      "size",
                                      static_cast<json_int_t>(facts.size),
                                      "sha256",
                                      facts.sha256.c_str()));
    }
    json_object_set_new(out.get(), "files", list);
    return out;
}

/// verify has what is in the folder, and nothing else.
void
CheckScenario(const fs::path& folder, const json_t* manifest)
{
    Scenario scenario = ReadScenario(ScenarioIn(folder.string()), {});
    for (const Workload& workload : scenario.workloads)
    {
        if (!workload.trace.empty() && workload.trace.front() == '/')
        {
            throw OutputError("the scenario replays " + workload.trace +
                              "; name it from the scenario's folder and run again");
        }
    }
    const char* sha = json_string_value(json_object_get(manifest, "scenario_sha256"));
    if (sha == nullptr || scenario.sha256 != sha)
    {
        throw OutputError("scenario.yaml is not the one that ran");
    }
}

} // namespace

std::string
ScenarioIn(const std::string& folder)
{
    std::string withTraces = folder + "/inputs/scenario.yaml";
    return fs::exists(withTraces) ? withTraces : folder + "/scenario.yaml";
}

std::map<std::string, FileFacts>
FilesOf(const std::string& folder)
{
    std::map<std::string, FileFacts> files;
    std::error_code error;
    for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
         it.increment(error))
    {
        fs::file_status status = it->symlink_status();
        std::string name = it->path().lexically_relative(folder).string();
        if (fs::is_regular_file(status) && name != MANIFEST)
        {
            files[name] = FactsOf(it->path());
        }
        else if (!fs::is_regular_file(status) && !fs::is_directory(status))
        {
            throw OutputError(it->path().string() + " is neither file nor folder");
        }
    }
    if (error)
    {
        throw OutputError("cannot read " + folder + ": " + error.message());
    }
    return files;
}

std::string
DigestOf(const std::map<std::string, FileFacts>& files)
{
    Sha256 digest;
    for (const char* name : DIGESTED_FILES)
    {
        auto found = files.find(name);
        digest.Add(std::string(name) + " " + (found == files.end() ? "" : found->second.sha256) +
                   "\n");
    }
    return digest.Hex();
}

void
Bundle(const std::string& folder, std::string out)
{
    fs::path run = fs::absolute(folder).lexically_normal();
    run = run.has_filename() ? run : run.parent_path();
    out = out.empty() ? run.string() + ".tar" : out;
    auto files = FilesOf(run.string());
    JsonPtr manifest = MakeManifest(run, files);
    CheckScenario(run, manifest.get());
    OutputFile file((run / MANIFEST).string());
    file.Write(JsonText(manifest.get()));
    file.Close();
    // The same folder gives the same archive, whoever packs it.
    int status = RunChild("tar",
                          {"tar",
                           "--create",
                           "--auto-compress",
                           "--file=" + out,
                           "--force-local",
                           "--format=gnu",
                           "--sort=name",
                           "--owner=0",
                           "--group=0",
                           "--numeric-owner",
                           "--mtime=@0",
                           "--mode=u=rwX,go=rX",
                           "--directory=" + run.parent_path().string(),
                           "--",
                           run.filename().string()},
                          out + ".log");
    if (status != STATUS_OK)
    {
        throw OutputError("tar could not write " + out + "; see " + out + ".log");
    }
    fs::remove(out + ".log");
    std::printf("%s: %zu files, digest %s\n", out.c_str(), files.size(), DigestOf(files).c_str());
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "bundle.h"
#include "child.h"
#include "output-file.h"
#include "run.h"
#include "versions.h"

namespace qnet
{

namespace
{

namespace fs = std::filesystem;

/// Lines about summary.json; there are hundreds of metrics, and ten say where to look.
constexpr size_t METRICS_SHOWN = 10;

class TemporaryFolder
{
  public:
    TemporaryFolder()
    {
        std::string name = (fs::temp_directory_path() / "qnet-sim.XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr)
        {
            throw OutputError("cannot make a folder in " + fs::temp_directory_path().string());
        }
        m_path = name;
    }

    ~TemporaryFolder()
    {
        std::error_code ignored;
        fs::remove_all(m_path, ignored);
    }

    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    fs::path
    Path() const
    {
        return m_path;
    }

  private:
    fs::path m_path;
};

/// \return whether `same`; says `what` if not
bool
Require(bool same, const std::string& what)
{
    if (!same)
    {
        std::printf("differs: %s\n", what.c_str());
    }
    return same;
}

std::string
TextOf(const json_t* json, const char* key)
{
    const char* text = json_string_value(json_object_get(json, key));
    return text != nullptr ? text : "";
}

JsonPtr
ReadJson(const fs::path& path)
{
    JsonPtr json(json_load_file(path.c_str(), 0, nullptr));
    if (!json)
    {
        throw OutputError("cannot read " + path.filename().string() + " in the bundle");
    }
    return json;
}

void
Unpack(const std::string& file, const fs::path& folder, const fs::path& log)
{
    fs::create_directory(folder);
    int status = RunChild("tar",
                          {"tar",
                           "--extract",
                           "--file=" + file,
                           "--force-local",
                           "--strip-components=1",
                           "--no-same-owner",
                           "--no-same-permissions",
                           "--directory=" + folder.string()},
                          log.string());
    if (status != STATUS_OK || !fs::exists(folder / MANIFEST))
    {
        throw OutputError(file + " is no bundle that tar can unpack");
    }
}

/// Holds what was packed against the manifest. \return whether every file is there as it was
bool
CheckHashes(const json_t* manifest, const std::map<std::string, FileFacts>& files)
{
    const json_t* listed = json_object_get(manifest, "files");
    bool same = true;
    for (const auto& [name, facts] : files)
    {
        const json_t* entry = json_object_get(listed, name.c_str());
        same = Require(entry != nullptr, name + " is not in " + MANIFEST) && same;
        same = Require(entry == nullptr || TextOf(entry, "sha256") == facts.sha256,
                       name + " is not as it was packed") &&
               same;
    }
    const char* name = nullptr;
    json_t* value = nullptr;
    json_object_foreach(const_cast<json_t*>(listed), name, value)
    {
        same = Require(files.count(name) == 1, std::string(name) + " is missing") && same;
    }
    same = Require(TextOf(manifest, "digest") == DigestOf(files),
                   "the digest is not of these files") &&
           same;
    std::printf("hashes: %zu files%s\n", files.size(), same ? ", all as packed" : "");
    return same;
}

/// Whether the run followed a plan of faults instead of drawing one.
bool
Followed(const fs::path& facts)
{
    std::ifstream file(facts);
    std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return text.find(" --faults ") != std::string::npos;
}

void
RunAgain(const json_t* manifest, const fs::path& packed, const fs::path& again, const fs::path& log)
{
    uint64_t seed = 0;
    JsonLookUp(manifest, "seed", &seed);
    std::vector<std::string> words = {"qnet-sim",
                                      "run",
                                      ScenarioIn(packed.string()),
                                      "--seed",
                                      std::to_string(seed),
                                      "--tier",
                                      TextOf(manifest, "tier"),
                                      "--out",
                                      again.string(),
                                      "--quiet"};
    if (fs::exists(packed / "pcap"))
    {
        for (const auto& capture : fs::directory_iterator(packed / "pcap"))
        {
            words.insert(words.end(), {"--pcap", capture.path().stem().string()});
        }
    }
    if (Followed(packed / "run.json"))
    {
        words.insert(words.end(), {"--faults", (packed / "faults.csv").string()});
    }
    int status = RunChild(THIS_PROGRAM, words, log.string());
    if (status != STATUS_OK && status != STATUS_VIOLATED)
    {
        std::ifstream file(log);
        std::string why;
        std::getline(file, why);
        throw std::runtime_error("the run could not be made again: " + why);
    }
}

/// Pictures and pages are made by whatever gnuplot is there, and say when they were.
bool
Reproducible(const std::string& name)
{
    return name == "summary.json" || name == "scenario.yaml" ||
           fs::path(name).extension() == ".csv" || fs::path(name).extension() == ".pcap";
}

/// Prints the integers of summary.json that are not the same. \param shown counts them
void
CompareMetrics(const json_t* then, const json_t* now, const std::string& path, size_t* shown)
{
    const char* key = nullptr;
    json_t* value = nullptr;
    json_object_foreach(const_cast<json_t*>(then), key, value)
    {
        std::string name = path.empty() ? key : path + "." + key;
        const json_t* other = json_object_get(now, key);
        if (json_is_object(value))
        {
            CompareMetrics(value, other, name, shown);
        }
        else if (json_is_integer(value) && !json_equal(value, other) && ++*shown <= METRICS_SHOWN)
        {
            std::printf("  %s: %lld, now %lld\n",
                        name.c_str(),
                        static_cast<long long>(json_integer_value(value)),
                        static_cast<long long>(json_integer_value(other)));
        }
    }
}

/// \return the number of the first line that two files do not share
uint64_t
FirstDifference(const fs::path& then, const fs::path& now)
{
    std::ifstream a(then);
    std::ifstream b(now);
    std::string left;
    std::string right;
    uint64_t line = 1;
    while (std::getline(a, left) && std::getline(b, right) && left == right)
    {
        line++;
    }
    return line;
}

bool
CompareRuns(const fs::path& packed, const fs::path& again)
{
    auto then = FilesOf(packed.string());
    auto now = FilesOf(again.string());
    bool same = true;
    size_t compared = 0;
    for (const auto& [name, facts] : then)
    {
        if (!Reproducible(name) || name.rfind("inputs/", 0) == 0)
        {
            continue;
        }
        compared++;
        auto found = now.find(name);
        bool equal = found != now.end() && found->second.sha256 == facts.sha256;
        same = Require(equal,
                       name + (found == now.end()
                                   ? " was not written again"
                                   : " from line " + std::to_string(FirstDifference(
                                                         packed / name, again / name)))) &&
               same;
    }
    std::printf("run again: %zu files of data%s; digest %s\n",
                compared,
                same ? ", all the same" : "",
                DigestOf(now).c_str());
    return same;
}

void
SayVersions(const json_t* manifest)
{
    auto say = [manifest](const char* key, const std::string& here) {
        std::string there = TextOf(manifest, key);
        if (there != here)
        {
            std::printf("made by %s\n   here %s\n", there.c_str(), here.c_str());
        }
    };
    say("versions", VersionsText());
    say("compiler", CompilerText());
}

} // namespace

int
Verify(const std::string& file)
{
    TemporaryFolder folder;
    fs::path packed = folder.Path() / "packed";
    fs::path again = folder.Path() / "again";
    fs::path log = folder.Path() / "log";
    Unpack(file, packed, log);
    JsonPtr manifest = ReadJson(packed / MANIFEST);
    SayVersions(manifest.get());
    if (!CheckHashes(manifest.get(), FilesOf(packed.string())))
    {
        return STATUS_VIOLATED; // what it would be compared with is not what was packed
    }
    RunAgain(manifest.get(), packed, again, log);
    if (CompareRuns(packed, again))
    {
        return STATUS_OK;
    }
    JsonPtr then = ReadJson(packed / "summary.json");
    JsonPtr now = ReadJson(again / "summary.json");
    size_t metrics = 0;
    CompareMetrics(then.get(), now.get(), "", &metrics);
    std::printf("  %zu metrics of summary.json differ\n", metrics);
    return STATUS_VIOLATED;
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A scenario: what a run simulates, as plain data. docs/scenario-reference.md is the language.
 */
#ifndef QNET_SIM_SCENARIO_H
#define QNET_SIM_SCENARIO_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "censor/censor.h"
#include "qnet/node.h"

#include "control-flow.h"
#include "fetch-client.h"
#include "origin.h"
#include "quantity.h"

namespace qnet
{

enum class Role
{
    Client,
    Relay,
    Exit,
    Super,
    Web ///< an ordinary web server, no QNet node
};

/// How faithful the network is: messages, TCP over one hop, TCP over routers.
enum class Tier
{
    M,
    T,
    P
};

const char* TierName(Tier tier);
/// \return false: no such tier
bool ParseTier(const std::string& text, Tier* out);

const char* RoleName(Role role);
const char* RouteName(qn_route route);

/// What to choose and how often, relative to the others.
template <typename T>
using Weights = std::vector<std::pair<T, uint64_t>>;

/// What links run on.
enum class CarrierKind
{
    Htx, ///< visits to real TLS origins
    Bare ///< records without disguise
};

const char* CarrierName(CarrierKind carrier);

struct AccessClass
{
    std::string name;
    uint64_t up = 0;          ///< bit/s
    uint64_t down = 0;        ///< bit/s
    uint64_t vary = 0;        ///< permille: a host's rates are drawn so far around these
    uint64_t delay = 0;       ///< ns: one way, between the host and its region
    uint64_t delaySpread = 0; ///< ns: a host adds a part of its own below this
    uint64_t loss = 0;        ///< millionths of packets, either way
};

struct Region
{
    std::string name;
    uint64_t people = 1; ///< weight among regions: where clients are
    uint64_t nodes = 1;  ///< where everything else is
    Weights<std::string> countries;
    Weights<uint32_t> access; ///< what people have there; empty: groups say it
};

struct Group
{
    std::string name;
    Role role = Role::Client;
    uint32_t count = 0;
    Weights<uint32_t> regions; ///< indices into Network::regions
    Weights<uint32_t> access;  ///< indices into Network::access; empty: the region's own mix
    Weights<qn_route> routes;  ///< clients only
    uint64_t startFrom = 0;    ///< ns
    uint64_t startOver = 0;    ///< ns: members start evenly spread over this long
    uint32_t pool = 0;         ///< clients: three-hop circuits kept ready; 0: the node's default
    uint32_t cpu = 1000;       ///< permille: how fast their processors are
    uint64_t memory = 0;       ///< bytes their nodes may hold
    uint64_t returning = 0;    ///< clients: permille who have a list from an earlier run

    /// What most of its people take: what a client's node does for who names no route.
    qn_route UsualRoute() const;
};

struct Network
{
    std::vector<std::string> regions; ///< names
    std::vector<Region> places;       ///< the same, in the same order
    std::vector<uint64_t> latency;    ///< one way, ns; regions squared
    uint64_t spread = 0;              ///< ns
    std::vector<AccessClass> access;
    uint64_t initialWindow = 0; ///< bytes
    uint64_t maxWindow = 0;     ///< bytes
    uint64_t sendBuffer = 0;    ///< bytes
    uint64_t queueLimit = 0;    ///< bytes
    uint64_t segment = 0;       ///< bytes; T and P
    uint64_t dns = 0;           ///< ns
    CarrierKind carrier = CarrierKind::Htx;
    bool lab = false;    ///< nodes follow a lab's rules instead of the public network's
    OriginHabits origin; ///< of the peers' own web sites
    CpuCosts cpu;        ///< none: processors are infinitely fast
};

enum class WorkloadKind
{
    Web,       ///< performance clients: fetch, think, fetch again
    Reference, ///< the same, as the reference load has it
    Browse,    ///< pages with objects, a Markov chain
    Bulk,      ///< large objects, one after another
    Stream,    ///< segments with deadlines
    Chat,      ///< small messages on a stream that stays open
    Trace      ///< requests at the times a file names
};

const char* WorkloadKindName(WorkloadKind kind);

struct Workload
{
    WorkloadKind kind = WorkloadKind::Web;
    std::string name;
    uint32_t clients = 0; ///< index of the group
    uint32_t servers = 0; ///< index of the group
    uint64_t after = 0;   ///< ns: how long a client's node is up before its program begins
    Habits habits;        ///< but for the routes and the servers' names
    std::string trace;    ///< the file it replays, as named; empty for other models
};

enum class FaultKind
{
    Crash,     ///< some of a group at once
    Churn,     ///< each of a group now and then
    Partition, ///< nothing passes between two regions
    CutOff,    ///< nothing passes between a region and the others
    Slow,      ///< processors and lines of some of a group
    Clock,     ///< wall clocks of some of a group are wrong
    DiskLoss,  ///< some of a group crash, and come back without what they had stored
    Lying,     ///< relays lie about cells (lab/liar)
    Storm      ///< several of the above, drawn
};

struct Fault
{
    FaultKind kind = FaultKind::Crash;
    std::vector<uint32_t> groups; ///< whom it meets; of all but a storm one
    uint64_t share = 1000;        ///< permille of the group
    uint64_t at = 0;              ///< ns: when it happens; churn, storm: when it begins
    uint64_t up = 0;              ///< churn: mean, ns
    uint64_t down = 0;            ///< ns: how long; churn: mean; 0 for good
    uint64_t over = 0;            ///< storm: ns within which its faults begin
    uint64_t count = 0;           ///< storm: of its faults
    int64_t value = 0;            ///< slow: permille; clock: seconds ahead; lying: bits by lie
    uint32_t a = 0;               ///< partition, cut-off: index of a region
    uint32_t b = 0;               ///< partition: the other's; cut-off: the same again
    std::string place;            ///< file:line
};

/// A censor on the border of a region (lab/censor/censor.h has what the numbers mean).
struct CensorSpec
{
    std::string name;
    const censor_kind* kind = nullptr;
    uint32_t region = 0;
    std::vector<uint32_t> groups;   ///< whose addresses are listed
    std::vector<uint32_t> controls; ///< whose servers' addresses are listed too
    std::vector<std::string> names; ///< names, words or fingerprints that are listed
    std::vector<uint16_t> ports;    ///< that may be reached
    std::vector<uint64_t> delays;   ///< ns: of probes
    uint64_t from = 0;              ///< ns
    uint64_t until = 0;             ///< ns; 0: the end
    uint64_t delay = 0;             ///< ns
    uint64_t penalty = 0;           ///< ns
    uint64_t rate = 0;              ///< bit/s
    uint64_t burst = 0;             ///< bytes
    uint64_t limit = 0;             ///< bytes
    uint32_t share = 1000;          ///< permille
    bool strict = false;
    bool reset = false;
    std::string place; ///< file:line
};

/// People who do not use QNet (model/control-flow.h), beside those who do.
struct ControlSpec
{
    std::string name;
    ControlKind kind = ControlKind::Browser;
    uint32_t region = 0;
    uint32_t users = 0;
    uint32_t access = 0; ///< index into Network::access
    uint32_t serverRegion = 0;
    uint32_t servers = 0;
    uint32_t serverAccess = 0;
    uint64_t size = 0;    ///< bytes of an answer
    uint64_t think = 0;   ///< mean, ns
    uint64_t timeout = 0; ///< ns
    uint64_t start = 0;   ///< ns
};

/// Invitations of unlisted nodes, rationed (entry-pool.h).
struct EntriesSpec
{
    bool there = false;
    uint32_t group = 0;  ///< index of the group that no list names
    uint32_t people = 0; ///< index of the group that enters by them
    uint32_t agents = 0; ///< accounts of the censor
    uint64_t day = 0;    ///< ns that a day of the policy takes
    uint32_t every = 0;  ///< days: as qn_handout_policy has it, and the next two
    uint32_t young = 0;
    uint32_t share = 0; ///< percent
    uint64_t came = 0;  ///< days before the first, at most, that a person came
};

struct Expectation
{
    std::string what; ///< dotted path into summary.json
    uint64_t min = 0;
    uint64_t max = UINT64_MAX;
    std::string text;  ///< as written, for messages
    std::string place; ///< file:line
};

struct Scenario
{
    std::string name;
    std::string description;
    std::string question;
    std::string model;
    std::string metrics;
    std::string cannotSay;
    uint64_t seed = 1;
    Tier tier = Tier::M;
    uint64_t stop = 0;    ///< ns
    uint64_t warmup = 0;  ///< ns
    int64_t epoch = 0;    ///< Unix seconds at simulated time zero
    uint32_t signers = 0; ///< index of the super group whose first member signs the directory
    Network network;
    std::vector<Group> groups;
    std::vector<Workload> workloads;
    std::vector<Fault> faults;
    std::vector<ControlSpec> controls;
    std::vector<CensorSpec> censors; ///< not in tier T
    EntriesSpec entries;
    uint64_t interval = 0; ///< ns between rows of nodes.csv
    std::vector<Expectation> expectations;

    std::string canonical; ///< the whole scenario after `extends` and --set
    std::string sha256;    ///< of `canonical`
};

/// The unit of a metric, which its path in summary.json says: ..._ns..., ...bytes, ...permille.
Unit UnitOfMetric(const std::string& path);

/// \param sets "key=value" each; keys are dotted, list items by name or number
/// Throws ScenarioError: one sentence with file and line.
Scenario ReadScenario(const std::string& path, const std::vector<std::string>& sets);

/// Throws ScenarioError, one sentence with file and line, for what the scenario has and the tier
/// has not.
void CheckTier(const Scenario& scenario, Tier tier);

} // namespace qnet

#endif

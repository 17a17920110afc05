// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A scenario turned into ns-3 nodes, applications and a transport.
 */
#ifndef QNET_SIM_SIMULATION_H
#define QNET_SIM_SIMULATION_H

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "ns3/node-container.h"

#include "border-box.h"
#include "censor-border.h"
#include "control-client.h"
#include "control-server.h"
#include "entry-pool.h"
#include "node-app.h"
#include "fault-plan.h"
#include "parcel.h"
#include "placement.h"
#include "rank-plan.h"
#include "scenario.h"
#include "fetch-client.h"
#include "web-server.h"

namespace qnet
{

/// One QNet node of the run.
struct Member
{
    uint32_t group;  ///< index into the scenario's groups
    uint32_t region; ///< index into the network's regions
    uint64_t up;     ///< bit/s
    int64_t start;   ///< ns: its first
    qn_addr addr;
    ns3::Ptr<NodeApp> app;
};

/// What a host had done when the run ended. A web server's has traffic only.
struct HostResult
{
    Transport::HostStats traffic;
    qn_counters counters;
    uint64_t cpuNs; ///< that its processor was busy
    uint64_t memoryPeak;
    PromiseCounts broken;
};

class Simulation
{
  public:
    /// \param scenario outlives the simulation. \param plan a faults.csv to follow instead of
    /// drawing faults; empty: none. \param rank the process of a parallel run that this is: it
    /// starts its own regions' programs. Throws std::runtime_error when the core refuses.
    Simulation(const Scenario& scenario,
               uint64_t seed,
               Tier tier,
               const std::string& plan = std::string(),
               Rank rank = {});
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    /// Writes a host's packets to a file. \param name as "people.0": a group, a member's number
    /// Throws ScenarioError if there is no such host, or no packets in this tier.
    void Capture(const std::string& name, ns3::Ptr<ns3::PcapFileWrapper> file);
    /// Runs to the scenario's stop.
    void Run();
    /// After the run: what this process knows of its own hosts and their people, and what another
    /// knows of its.
    void Pack(Parcel& parcel) const;
    void AddResults(Parcel& parcel);

    const Scenario& GetScenario() const;
    uint64_t GetSeed() const;
    const std::vector<Member>& GetMembers() const;                ///< by node index
    const std::vector<ns3::Ptr<FetchClient>>& GetClients() const; ///< by workload
    /// After the run. \param host a number of the transport's: a member's or a web server's
    const HostResult& ResultOf(uint32_t host) const;
    /// After the run: by all members and web servers, headers included.
    uint64_t GetSentBytes() const;
    /// After the run: of all clients of a workload, together.
    const Experience& ExperienceOf(uint32_t workload) const;
    const std::vector<ns3::Ptr<WebServer>>& GetServers() const;
    uint32_t GetServerGroup(size_t server) const; ///< index into the scenario's groups
    const Transport& GetTransport() const;
    const std::vector<PlannedFault>& GetFaults() const;
    const liar_counts* GetLies() const;     ///< nullptr: nobody lies
    const CensorBorder* GetCensors() const; ///< nullptr: the scenario has none
    const EntryPool* GetEntries() const;    ///< nullptr, likewise
    /// By control of the scenario, then by user.
    std::vector<std::vector<ControlVisit>> GetVisits() const;
    Tier GetTier() const;

  private:
    struct Seat
    {
        qn_addr addr;
        Place place;
        int64_t start;
    };

    void MakeTransport(Tier tier);
    ns3::Ptr<ns3::Node> MakeNode(uint32_t region) const;
    bool IsHere(uint32_t region) const;
    void Install(const ns3::Ptr<ns3::Node>& node, const ns3::Ptr<ns3::Application>& app) const;
    void MakeWeb();
    void MakeNetwork(const Group& group, const qn_addr& addr);
    std::vector<uint8_t> MakeContact(qn_env* env, const Origin& origin);
    std::unique_ptr<Origin> MakeOrigin(uint32_t number, const qn_addr& addr);
    void GiveCarrier(NodeApp& app, uint32_t number, const Group& group, const qn_addr& addr);
    void AddGroup(uint32_t index);
    Seat MakeSeat(uint32_t group, uint32_t i);
    void AddMember(uint32_t group, const Seat& seat);
    void AddServer(uint32_t group, const Seat& seat);
    void AddWorkloads();
    void AddClient(const Workload& workload, const Member& member, uint32_t number);
    void AddFaults(const std::string& plan);
    void Conclude();
    void CutRegions(const PlannedFault& fault);
    void AddNodeFaults(uint32_t node);
    void Turn(uint32_t node, uint64_t at);
    void AddControls();
    void AddControl(uint32_t index);
    ControlSite AddControlServer(uint32_t index, uint32_t i);
    void AddControlUser(uint32_t index, uint32_t i);
    void AddCensors();
    void KnowServers();
    void SetBorders();
    void AddEntries();
    void OnFetched(uint32_t index, uint32_t workload, const SocksFetch& fetch);
    CensorBorder::Listed ListedBy(const CensorSpec& spec) const;
    uint32_t HostOf(const std::string& name) const;

    const Scenario& m_scenario;
    Tier m_tier;
    std::unique_ptr<CensorBorder> m_censors;         ///< outlives the transport's conns
    std::unique_ptr<EntryPool> m_entries;            ///< null: nobody hands out any
    std::vector<std::unique_ptr<BorderBox>> m_boxes; ///< of tier P, likewise
    uint64_t m_seed;
    Rank m_rank;
    std::vector<uint32_t> m_ranks; ///< of the regions
    SharedCore m_shared;
    qn_secret32 m_operator{};
    std::unique_ptr<OriginAuthority> m_authority; ///< null: the bare carrier
    std::string m_profile;                        ///< of the browser that all nodes play
    std::unique_ptr<Origin> m_signerOrigin;       ///< until the signer's node has it
    std::vector<uint8_t> m_signerMirrorKeys;
    std::vector<uint8_t> m_signerReplay;
    std::vector<uint8_t> m_networkFile; ///< the network points into it
    uint32_t m_addresses = 0;
    ns3::NodeContainer m_nodes;
    std::vector<Member> m_members;
    std::vector<ns3::Ptr<FetchClient>> m_clients;
    std::vector<uint32_t> m_clientWorkloads; ///< of m_clients
    std::vector<ns3::Ptr<WebServer>> m_servers;
    std::vector<uint32_t> m_serverGroups; ///< of m_servers
    std::vector<qn_addr> m_serverAddresses;
    std::vector<std::string> m_serverNames;
    std::deque<Habits> m_habits; ///< by workload
    std::vector<PlannedFault> m_faults;
    std::vector<std::vector<PlannedFault>> m_faultsOf; ///< by node index
    std::vector<HostResult> m_results;                 ///< by host
    std::vector<Experience> m_experiences;             ///< by workload

    /// One of the scenario's controls.
    struct Control
    {
        std::unique_ptr<ControlFlows> flows;
        ControlHabits habits;
        std::vector<ns3::Ptr<ControlClient>> users;
    };

    struct GuiseFree
    {
        void operator()(lab_guise* guise) const;
    };

    std::unique_ptr<OriginAuthority> m_sites; ///< of browsers' sites; null: nobody has one
    std::unique_ptr<lab_guise, GuiseFree> m_guise;
    std::deque<Control> m_controls; ///< they stay where they are
};

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A scenario turned into ns-3 nodes, applications and a channel.
 */
#ifndef QNET_SIM_SIMULATION_H
#define QNET_SIM_SIMULATION_H

#include <deque>
#include <memory>
#include <vector>

#include "ns3/node-container.h"

#include "node-app.h"
#include "scenario.h"
#include "web-client.h"
#include "web-server.h"

namespace qnet
{

/// One QNet node of the run.
struct Member
{
    uint32_t group;  ///< index into the scenario's groups
    uint32_t region; ///< index into the network's regions
    ns3::Ptr<NodeApp> app;
};

class Simulation
{
  public:
    /// \param scenario outlives the simulation. Throws std::runtime_error when the core refuses.
    Simulation(const Scenario& scenario, uint64_t seed);
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    /// Runs to the scenario's stop.
    void Run();

    const Scenario& GetScenario() const;
    uint64_t GetSeed() const;
    const std::vector<Member>& GetMembers() const; ///< by node index
    const std::vector<ns3::Ptr<WebClient>>& GetClients() const;
    const std::vector<ns3::Ptr<WebServer>>& GetServers() const;
    const MsgChannel& GetChannel() const;

  private:
    struct Seat
    {
        qn_addr addr;
        uint32_t region;
        int64_t start;
    };

    void MakeChannel();
    void MakeNetwork(const Group& group, const qn_addr& addr);
    void AddGroup(uint32_t index);
    Seat MakeSeat(const Group& group, uint32_t i);
    void AddMember(uint32_t group, const Seat& seat);
    void AddServer(uint32_t group, const Seat& seat);
    void AddWorkloads();

    const Scenario& m_scenario;
    uint64_t m_seed;
    SharedCore m_shared;
    Draws m_draws;
    qn_secret32 m_operator{};
    uint32_t m_addresses = 0;
    ns3::NodeContainer m_nodes;
    std::vector<Member> m_members;
    std::vector<ns3::Ptr<WebClient>> m_clients;
    std::vector<ns3::Ptr<WebServer>> m_servers;
    std::vector<uint32_t> m_serverGroups; ///< of m_servers
    std::vector<std::string> m_serverNames;
    std::deque<WebHabits> m_habits;
};

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A person at a browser, reduced to what tornettools' performance clients do: fetch an object, look
 * at it for a while, fetch the next.
 */
#ifndef QNET_SIM_WEB_CLIENT_H
#define QNET_SIM_WEB_CLIENT_H

#include <memory>
#include <string>
#include <vector>

#include "ns3/application.h"
#include "ns3/event-id.h"
#include "ns3/traced-callback.h"

#include "draws.h"
#include "socks-fetch.h"

namespace qnet
{

struct WebHabits
{
    std::vector<std::pair<uint64_t, uint64_t>> sizes;  ///< bytes and weight
    std::vector<std::pair<qn_route, uint64_t>> routes; ///< and weight
    std::vector<std::string> servers;                  ///< names, one as likely as another
    uint64_t think = 0;                                ///< mean, ns
    uint64_t timeout = 0;                              ///< ns
};

class WebClient final : public ns3::Application, private FetchUser
{
  public:
    static ns3::TypeId GetTypeId();
    WebClient();
    ~WebClient() override;

    /// \param workload numbers the habits: two browsers on one node draw differently
    /// \param habits outlives the client; many share them
    void Setup(ns3::Ptr<NodeApp> node, uint32_t workload, const WebHabits* habits, uint64_t seed);
    ns3::Ptr<NodeApp> GetNodeApp() const;
    /// Ends what is under way as Unfinished, so that the trace sees it.
    void Conclude();

    /// Trace signature of Fetched. \param index the node's
    typedef void (*FetchTracedCallback)(uint32_t index, const SocksFetch& fetch);

  protected:
    void DoDispose() override;

  private:
    void StartApplication() override;
    void StopApplication() override;
    void FetchEnded(SocksFetch& fetch) override;
    void Think();
    void Next();
    void GiveUp();

    ns3::Ptr<NodeApp> m_node;
    const WebHabits* m_habits = nullptr;
    std::unique_ptr<Draws> m_draws;
    std::unique_ptr<SocksFetch> m_fetch;
    ns3::EventId m_next;
    ns3::EventId m_giveUp;
    ns3::TracedCallback<uint32_t, const SocksFetch&> m_fetched;
};

} // namespace qnet

#endif

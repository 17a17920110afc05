// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A program on a client's machine that fetches through the node: what all workloads have in common.
 * What they do, and when, is the subclasses'.
 */
#ifndef QNET_SIM_FETCH_CLIENT_H
#define QNET_SIM_FETCH_CLIENT_H

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ns3/application.h"
#include "ns3/event-id.h"
#include "ns3/nstime.h"
#include "ns3/simulator.h"
#include "ns3/traced-callback.h"

#include "draws.h"
#include "socks-fetch.h"

namespace qnet
{

/// What somebody does, shared by many. Which part of it counts depends on the kind of client.
struct Habits
{
    std::vector<std::pair<uint64_t, uint64_t>> sizes;  ///< bytes and weight
    std::vector<std::pair<qn_route, uint64_t>> routes; ///< and weight
    std::vector<std::string> servers;                  ///< names, one as likely as another
    uint64_t think = 0;                                ///< mean, ns
    uint64_t timeout = 0;                              ///< ns
    bool atOnce = false;                               ///< the first request needs no thought
    int64_t warmup = 0;                                ///< ns: experiences count from then on

    // A browser (Markov).
    std::vector<std::pair<uint64_t, uint64_t>> objects;     ///< of a page beside it, and weight
    std::vector<std::pair<uint64_t, uint64_t>> objectSizes; ///< bytes and weight
    uint64_t stay = 0;                                      ///< permille: the next page is here too
    uint64_t away = 0;                                      ///< mean, ns, before the next site

    // A player.
    uint64_t rate = 0;    ///< bit/s of the medium
    uint64_t segment = 0; ///< ns of playing time
    uint64_t length = 0;  ///< segments of a medium
    uint64_t buffer = 0;  ///< segments it keeps ahead at most

    // A trace.
    struct Request
    {
        uint64_t at; ///< ns
        uint64_t size;
        uint64_t server;
    };

    std::vector<std::vector<Request>> trace; ///< by client
};

/// What people felt beside single fetches.
struct Experience
{
    std::vector<uint64_t> pages;    ///< ns until all of a page was there
    std::vector<uint64_t> startups; ///< ns until a medium played
    uint64_t stalls = 0;
    uint64_t stalledNs = 0;
    uint64_t playedNs = 0;
};

class FetchClient : public ns3::Application, private FetchUser
{
  public:
    static ns3::TypeId GetTypeId();
    ~FetchClient() override;

    /// \param workload numbers the habits: two programs on one node draw differently
    /// \param habits outlives the client
    void Setup(ns3::Ptr<NodeApp> node, uint32_t workload, const Habits* habits, uint64_t seed);
    /// Which of the workload's clients it is.
    void SetNumber(uint32_t number);
    ns3::Ptr<NodeApp> GetNodeApp() const;
    const Experience& GetExperience() const;
    /// Ends what is under way as Unfinished, so that the trace sees it.
    void Conclude();

    /// Trace signature of Fetched. \param index the node's \param workload from 1 on
    typedef void (*FetchTracedCallback)(uint32_t index, uint32_t workload, const SocksFetch& fetch);

  protected:
    FetchClient();
    void DoDispose() override;
    void StopApplication() override;

    /// From here on: what a subclass does, and what it is told.
    virtual void Ended(SocksFetch& fetch) = 0;
    void StartApplication() override = 0;

    /// A route, a server and a password of its own: streams of one site share circuits.
    FetchRequest Wish(uint64_t size, uint64_t server) const;
    void Fetch(const FetchRequest& request);
    /// On the stream that a fetch kept, or on a new one.
    void FetchOn(SocksFetch* kept, const FetchRequest& request);
    uint64_t AnyServer();
    std::string AnyRoute();
    bool Counts(int64_t since) const;

    template <typename Method, typename Client>
    void
    Later(uint64_t ns, Method method, Client* client)
    {
        m_next = ns3::Simulator::Schedule(ns3::NanoSeconds(ns), method, client);
    }

    const Habits* m_habits = nullptr;
    std::unique_ptr<Draws> m_draws;
    uint32_t m_number = 0;
    Experience m_experience;

  private:
    struct Slot
    {
        std::unique_ptr<SocksFetch> fetch;
        ns3::EventId giveUp;
    };

    void FetchEnded(SocksFetch& fetch) override;
    void GiveUp(SocksFetch* fetch);
    void Watch(Slot& slot);
    Slot& SlotOf(const SocksFetch& fetch);

    ns3::Ptr<NodeApp> m_node;
    uint32_t m_workload = 0;
    std::vector<Slot> m_slots; ///< what is under way or kept, and what ended since the last start
    ns3::EventId m_next;
    ns3::TracedCallback<uint32_t, uint32_t, const SocksFetch&> m_fetched;
};

} // namespace qnet

#endif

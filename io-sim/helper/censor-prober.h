// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The machine from which a censor sends its probes (lab/censor/probe.c): a host of the region it
 * guards. Its own conns pass every censor.
 */
#ifndef QNET_SIM_CENSOR_PROBER_H
#define QNET_SIM_CENSOR_PROBER_H

#include <functional>
#include <map>

#include "ns3/event-id.h"

#include "censor/censor.h"

#include "transport.h"

namespace qnet
{

class CensorProber final : private ConnUser
{
  public:
    /// Called after each probe. \param found whether the server answered distinguishably
    using Told = std::function<void(const qn_addr& server, bool found)>;

    /// \param number from 1 on, of this machine in the run
    /// \param state outlives it
    CensorProber(
        ns3::Ptr<Transport> transport, uint32_t region, uint8_t number, censor* state, Told told);
    ~CensorProber();
    CensorProber(const CensorProber&) = delete;
    CensorProber& operator=(const CensorProber&) = delete;

    /// Whether conns from there are a prober's.
    static bool IsOwn(const qn_addr& from);
    /// The censor may have got a server to probe.
    void Arm();

  private:
    struct Attempt
    {
        censor_probe probe;
        censor_reaction reaction{};
        TransportConn* conn = nullptr;
        size_t sent = 0;
        ns3::EventId patience;
    };

    void Run();
    void Begin(const censor_probe& probe);
    void Push(Attempt& attempt);
    void OutOfPatience(uint32_t key);
    void Conclude(uint32_t key);

    void ConnOpened(uint32_t key) override;
    void ConnFailed(uint32_t key, qn_err why) override;
    void ConnReadable(uint32_t key) override;
    void ConnWritable(uint32_t key) override;
    void ConnReset(uint32_t key) override;

    ns3::Ptr<ns3::Node> m_node;
    ns3::Ptr<Transport> m_transport;
    uint32_t m_host;
    censor* m_state;
    Told m_told;
    ns3::EventId m_due;
    qn_time m_armed = QN_NEVER;
    uint32_t m_nextKey = 1;
    std::map<uint32_t, Attempt> m_attempts; ///< by key
};

} // namespace qnet

#endif

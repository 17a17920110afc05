// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Conns over ns-3's TCP between nodes that somebody else has connected: any topology, any devices,
 * any routing, beside any other traffic. A host's node brings its Internet stack and its address;
 * rates and regions of HostConfig say nothing here, nor do the attributes that make a network.
 */
#ifndef QNET_SIM_HOST_TCP_H
#define QNET_SIM_HOST_TCP_H

#include "tcp-transport.h"

namespace qnet
{

class HostTcp final : public TcpTransport
{
  public:
    static ns3::TypeId GetTypeId();
    HostTcp();
    ~HostTcp() override;

    /// Nothing: the devices are whose the network is.
    void SetRates(uint32_t host, uint64_t up, uint64_t down) override;
    HostStats GetStats(uint32_t host) const override;
    /// Always 0: who made the network knows.
    int64_t GetLatency(uint32_t a, uint32_t b) const override;

  private:
    void DoDispose() override;
    void InstallHost(uint32_t host) override;
    void InstallDevice(uint32_t host) override;
    void InstallStack(ns3::InternetStackHelper& stack) override;

    std::vector<std::unique_ptr<HostStats>> m_stats; ///< by host
};

} // namespace qnet

#endif

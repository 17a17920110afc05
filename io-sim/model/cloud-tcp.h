// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Tier T: ns-3's TCP over one IP hop. Hosts, regions and latencies are those of tier M, so the two
 * differ in nothing but the transport protocol.
 */
#ifndef QNET_SIM_CLOUD_TCP_H
#define QNET_SIM_CLOUD_TCP_H

#include <unordered_map>

#include "tcp-transport.h"

namespace qnet
{

class CloudTcp final : public TcpTransport, private Cloud
{
  public:
    static ns3::TypeId GetTypeId();
    CloudTcp();
    ~CloudTcp() override;

    void SetRates(uint32_t host, uint64_t up, uint64_t down) override;
    HostStats GetStats(uint32_t host) const override;

  private:
    void DoDispose() override;
    void InstallStack(ns3::InternetStackHelper& stack) override;
    void InstallDevice(uint32_t host) override;
    CloudDevice* QueueOf(uint32_t host) const override;
    CloudDevice* DeviceOf(ns3::Ipv4Address address) const override;
    int64_t LatencyBetween(uint32_t a, uint32_t b) const override;
    bool IsCut(uint32_t a, uint32_t b) const override;
    bool LosesPacket(uint32_t host) override;

    std::vector<ns3::Ptr<CloudDevice>> m_devices;    ///< by host
    std::unordered_map<uint32_t, uint32_t> m_hostOf; ///< by address; looked up, never walked
};

} // namespace qnet

#endif

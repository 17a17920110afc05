// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Puts QNet nodes and web servers on ns-3 nodes, in a researcher's own program.
 */
#ifndef QNET_SIM_QNET_HELPER_H
#define QNET_SIM_QNET_HELPER_H

#include <map>
#include <string>

#include "ns3/attribute.h"
#include "ns3/ipv4-address.h"

#include "node-app.h"
#include "web-server.h"

namespace qnet
{

/// A lab network on the bare carrier: its operator is the first node installed.
class QnetHelper
{
  public:
    /// \param transport carries its conns; disposed of by the helper
    QnetHelper(ns3::Ptr<Transport> transport, uint64_t seed);
    /// Ends the simulation: applications use what the helper owns.
    ~QnetHelper();
    QnetHelper(const QnetHelper&) = delete;
    QnetHelper& operator=(const QnetHelper&) = delete;

    /// Of nodes installed from now on, and of web servers as far as they have it.
    void SetAttribute(const std::string& name, const ns3::AttributeValue& value);

    /// A node that starts at once. The first is the network's operator and must be a super peer.
    /// Throws std::runtime_error when the core refuses.
    ns3::Ptr<NodeApp> Install(const ns3::Ptr<ns3::Node>& node, ns3::Ipv4Address at, qn_mode mode);
    /// An ordinary web server on port 80, which exits find by its name.
    ns3::Ptr<WebServer> InstallWeb(const ns3::Ptr<ns3::Node>& node,
                                   ns3::Ipv4Address at,
                                   const std::string& name);

    SharedCore& GetShared();

  private:
    void Found(const qn_keys& keys, const qn_secret32& sign, const qn_addr& addr);

    SharedCore m_shared;
    uint32_t m_installed = 0;
    std::map<std::string, ns3::Ptr<const ns3::AttributeValue>> m_attributes;
};

} // namespace qnet

#endif

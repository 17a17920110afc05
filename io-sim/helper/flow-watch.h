// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * ns-3's FlowMonitor on every host of a run whose TCP is real.
 */
#ifndef QNET_SIM_FLOW_WATCH_H
#define QNET_SIM_FLOW_WATCH_H

#include <memory>
#include <string>

#include "scenario.h"

namespace ns3
{
class FlowMonitorHelper;
}

namespace qnet
{

class FlowWatch
{
  public:
    /// On all nodes there are by now, if wanted. Throws ScenarioError: tier M has no packets.
    FlowWatch(bool wanted, Tier tier);
    ~FlowWatch();
    FlowWatch(const FlowWatch&) = delete;
    FlowWatch& operator=(const FlowWatch&) = delete;

    /// Before the simulation ends: ns-3's own format, with delays, losses and bytes of each flow.
    void Write(const std::string& path) const;

  private:
    std::unique_ptr<ns3::FlowMonitorHelper> m_helper; ///< null: not wanted
};

} // namespace qnet

#endif

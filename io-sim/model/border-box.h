// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A Border in tier P: the middlebox of a region's router, which puts the packets of each TCP flow
 * in order for whom it asks, and does to packets what he says.
 *
 * It is in the path and sees both ways. What comes out of order passes at once, and a copy waits
 * until it can be looked into; packets of flows whose SYN it did not see pass. A flow that crosses
 * the borders of two guarded regions is judged once, at its client's.
 */
#ifndef QNET_SIM_BORDER_BOX_H
#define QNET_SIM_BORDER_BOX_H

#include <map>
#include <tuple>
#include <vector>

#include "ns3/tcp-header.h"

#include "border.h"
#include "routed-tcp.h"

namespace qnet
{

class BorderBox final : public Middlebox
{
  public:
    /// \param network and \param border outlive it
    BorderBox(RoutedTcp* network, Border* border, uint32_t region);
    BorderBox(const BorderBox&) = delete;
    BorderBox& operator=(const BorderBox&) = delete;

    bool Forward(ns3::Ptr<const ns3::Packet> packet,
                 const ns3::Ipv4Header& header,
                 bool outbound) override;

    static constexpr size_t FLOWS_MAX = 65536; ///< further ones pass unseen
    static constexpr size_t EARLY_MAX = 64;    ///< packets out of order that are kept, per way

  private:
    struct Way
    {
        bool begun = false;
        ns3::SequenceNumber32 next; ///< what has not been looked into
        std::map<uint32_t, std::vector<uint8_t>> early;
    };

    struct Flow
    {
        uint32_t number = Border::NO_FLOW;
        ns3::SequenceNumber32 syn;
        bool dead = false;
        Way way[2]; ///< up, down
    };

    /// Client and server, address and port.
    using Key = std::tuple<uint32_t, uint16_t, uint32_t, uint16_t>;

    /// A TCP segment on its way.
    struct Segment
    {
        ns3::Ipv4Header ip;
        ns3::TcpHeader tcp;
        std::vector<uint8_t> data;
    };

    bool IsOurs(const ns3::Ipv4Header& header, uint32_t* from, uint32_t* to) const;
    bool Open(const Segment& s);
    bool Judge(Flow& flow, bool up, const Segment& s);
    Border::Verdict Show(Flow& flow, bool up, const Segment& s);
    Border::Verdict ShowEarly(Flow& flow, bool up);
    void Keep(Way& way, const Segment& s);
    void TearDown(const Segment& s);
    void SendRst(const Segment& s,
                 bool back,
                 ns3::SequenceNumber32 sequence,
                 ns3::SequenceNumber32 acknowledged);

    RoutedTcp* m_network;
    Border* m_border;
    uint32_t m_region;
    std::map<Key, Flow> m_flows; ///< looked up, never walked
};

} // namespace qnet

#endif

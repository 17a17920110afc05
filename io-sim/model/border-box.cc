// SPDX-License-Identifier: GPL-2.0-only
#include "border-box.h"

namespace qnet
{

using ns3::SequenceNumber32;
using ns3::TcpHeader;

namespace
{

constexpr uint8_t TCP = 6;

uint32_t
Length(const std::vector<uint8_t>& data)
{
    return static_cast<uint32_t>(data.size());
}

} // namespace

BorderBox::BorderBox(RoutedTcp* network, Border* border, uint32_t region)
    : m_network(network),
      m_border(border),
      m_region(region)
{
}

/// Whether a flow with this SYN is judged here and not at its other end's border.
bool
BorderBox::IsOurs(const ns3::Ipv4Header& header, uint32_t* from, uint32_t* to) const
{
    if (!m_network->RegionAt(header.GetSource(), from) ||
        !m_network->RegionAt(header.GetDestination(), to))
    {
        return false;
    }
    return *from == m_region || !m_border->Guards(*from);
}

bool
BorderBox::Forward(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header, bool)
{
    if (header.GetProtocol() != TCP)
    {
        return true;
    }
    Segment s;
    s.ip = header;
    ns3::Ptr<ns3::Packet> copy = packet->Copy();
    copy->RemoveHeader(s.tcp);
    s.data.resize(copy->GetSize());
    copy->CopyData(s.data.data(), Length(s.data));
    if ((s.tcp.GetFlags() & TcpHeader::SYN) != 0 && (s.tcp.GetFlags() & TcpHeader::ACK) == 0)
    {
        return Open(s);
    }
    uint32_t src = header.GetSource().Get();
    uint32_t dst = header.GetDestination().Get();
    uint16_t from = s.tcp.GetSourcePort();
    uint16_t to = s.tcp.GetDestinationPort();
    auto up = m_flows.find(Key(src, from, dst, to));
    auto down = m_flows.find(Key(dst, to, src, from));
    if (up != m_flows.end())
    {
        return Judge(up->second, true, s);
    }
    return down == m_flows.end() || Judge(down->second, false, s);
}

bool
BorderBox::Open(const Segment& s)
{
    Key key(s.ip.GetSource().Get(),
            s.tcp.GetSourcePort(),
            s.ip.GetDestination().Get(),
            s.tcp.GetDestinationPort());
    auto known = m_flows.find(key);
    if (known != m_flows.end() && known->second.syn == s.tcp.GetSequenceNumber())
    {
        return !known->second.dead; // sent again
    }
    if (known != m_flows.end())
    {
        m_border->Close(known->second.number);
        m_flows.erase(known);
    }
    uint32_t from = 0;
    uint32_t to = 0;
    if (m_flows.size() == FLOWS_MAX || !IsOurs(s.ip, &from, &to))
    {
        return true;
    }
    Flow flow;
    flow.syn = s.tcp.GetSequenceNumber();
    flow.way[0].begun = true;
    flow.way[0].next = flow.syn + SequenceNumber32(1);
    Border::Verdict v =
        m_border->Open(from,
                       TcpTransport::FromIpv4(s.ip.GetSource(), s.tcp.GetSourcePort()),
                       to,
                       TcpTransport::FromIpv4(s.ip.GetDestination(), s.tcp.GetDestinationPort()),
                       &flow.number);
    flow.dead = v.act != Border::Act::Pass;
    if (flow.number != Border::NO_FLOW)
    {
        m_flows.emplace(key, flow);
    }
    return !flow.dead;
}

bool
BorderBox::Judge(Flow& flow, bool up, const Segment& s)
{
    Way& way = flow.way[up ? 0 : 1];
    if (flow.dead)
    {
        return false;
    }
    if (!way.begun && (s.tcp.GetFlags() & TcpHeader::SYN) != 0)
    {
        way.begun = true;
        way.next = s.tcp.GetSequenceNumber() + SequenceNumber32(1);
    }
    if (s.data.empty() || !way.begun)
    {
        return true;
    }
    Border::Verdict v = Show(flow, up, s);
    if (v.act == Border::Act::Reset)
    {
        TearDown(s);
    }
    flow.dead = v.act == Border::Act::Reset || v.act == Border::Act::Drop;
    return v.act == Border::Act::Pass;
}

Border::Verdict
BorderBox::Show(Flow& flow, bool up, const Segment& s)
{
    Way& way = flow.way[up ? 0 : 1];
    int32_t ahead = s.tcp.GetSequenceNumber() - way.next;
    uint32_t n = Length(s.data);
    if (ahead > 0)
    {
        Keep(way, s);
        return m_border->Again(flow.number, up, n, 0);
    }
    auto old = static_cast<uint32_t>(-ahead);
    if (old >= n)
    {
        return m_border->Again(flow.number, up, n, 0);
    }
    way.next += static_cast<int32_t>(n - old);
    Border::Verdict v = m_border->See(flow.number, up, s.data.data() + old, n - old);
    if (v.act == Border::Act::Pass || v.act == Border::Act::Lose)
    {
        Border::Verdict more = ShowEarly(flow, up);
        return more.act == Border::Act::Pass ? v : more;
    }
    return v;
}

/// What had come out of order and is in order now.
Border::Verdict
BorderBox::ShowEarly(Flow& flow, bool up)
{
    Way& way = flow.way[up ? 0 : 1];
    Border::Verdict v{Border::Act::Pass, 0};
    while (!way.early.empty() && v.act == Border::Act::Pass)
    {
        auto first = way.early.begin(); // by number: a flow of 4 GiB wraps, and loses a few copies
        int32_t ahead = SequenceNumber32(first->first) - way.next;
        if (ahead > 0)
        {
            break;
        }
        auto old = static_cast<uint32_t>(-ahead);
        std::vector<uint8_t> data = std::move(first->second);
        way.early.erase(first);
        if (old < data.size())
        {
            way.next += static_cast<int32_t>(Length(data) - old);
            v = m_border->Look(flow.number, up, data.data() + old, data.size() - old);
        }
    }
    return v;
}

void
BorderBox::Keep(Way& way, const Segment& s)
{
    if (way.early.size() < EARLY_MAX)
    {
        way.early.emplace(s.tcp.GetSequenceNumber().GetValue(), s.data);
    }
}

// ---- resets

/// To both ends, with numbers that each of them takes; the segment itself goes no further.
void
BorderBox::TearDown(const Segment& s)
{
    SequenceNumber32 begin = s.tcp.GetSequenceNumber();
    SequenceNumber32 end = begin + SequenceNumber32(Length(s.data));
    SendRst(s, false, begin, s.tcp.GetAckNumber());
    SendRst(s, true, s.tcp.GetAckNumber(), end);
}

void
BorderBox::SendRst(const Segment& s,
                   bool back,
                   SequenceNumber32 sequence,
                   SequenceNumber32 acknowledged)
{
    TcpHeader rst;
    rst.SetSourcePort(back ? s.tcp.GetDestinationPort() : s.tcp.GetSourcePort());
    rst.SetDestinationPort(back ? s.tcp.GetSourcePort() : s.tcp.GetDestinationPort());
    rst.SetFlags(TcpHeader::RST | TcpHeader::ACK);
    rst.SetSequenceNumber(sequence);
    rst.SetAckNumber(acknowledged);
    auto packet = ns3::Create<ns3::Packet>();
    packet->AddHeader(rst);
    ns3::Ipv4Header ip;
    ip.SetSource(back ? s.ip.GetDestination() : s.ip.GetSource());
    ip.SetDestination(back ? s.ip.GetSource() : s.ip.GetDestination());
    ip.SetProtocol(TCP);
    ip.SetTtl(64);
    ip.SetPayloadSize(static_cast<uint16_t>(packet->GetSize()));
    m_network->Inject(m_region, packet, ip);
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "transport.h"

#include <algorithm>

#include "ns3/assert.h"
#include "ns3/uinteger.h"

#include "sim-time.h"

namespace qnet
{

using ns3::MakeUintegerAccessor;
using ns3::MakeUintegerChecker;
using ns3::TypeId;
using ns3::UintegerValue;

NS_OBJECT_ENSURE_REGISTERED(Transport);

TypeId
Transport::GetTypeId()
{
    static TypeId tid =
        TypeId("qnet::Transport")
            .SetParent<ns3::Object>()
            .SetGroupName("Qnet")
            .AddAttribute("InitialWindow",
                          "Bytes a fresh conn may have in flight (RFC 6928: ten segments)",
                          UintegerValue(10 * SEGMENT),
                          MakeUintegerAccessor(&Transport::m_initialWindow),
                          MakeUintegerChecker<uint64_t>(SEGMENT))
            .AddAttribute("MaxWindow",
                          "Bytes any conn may have in flight: the receiver's buffer",
                          UintegerValue(1048576),
                          MakeUintegerAccessor(&Transport::m_maxWindow),
                          MakeUintegerChecker<uint64_t>(SEGMENT, 1 << 30))
            .AddAttribute("SendBuffer",
                          "Bytes a conn takes from its writer before they are on the uplink",
                          UintegerValue(32768),
                          MakeUintegerAccessor(&Transport::m_sendBuffer),
                          MakeUintegerChecker<uint64_t>(16384, 16 * 1024 * 1024))
            .AddAttribute("QueueLimit",
                          "Queue on a downlink, in bytes, above which senders must slow down",
                          UintegerValue(300000),
                          MakeUintegerAccessor(&Transport::m_queueLimit),
                          MakeUintegerChecker<uint64_t>())
            .AddAttribute("Spread",
                          "A pair's own latency offset is drawn below this many ns",
                          UintegerValue(0),
                          MakeUintegerAccessor(&Transport::m_spread),
                          MakeUintegerChecker<uint64_t>(0, 1000000000))
            .AddAttribute("Salt",
                          "What the offsets are drawn from",
                          UintegerValue(0),
                          MakeUintegerAccessor(&Transport::m_salt),
                          MakeUintegerChecker<uint64_t>());
    return tid;
}

Transport::Transport() = default;
Transport::~Transport() = default;

void
Transport::DoDispose()
{
    m_addresses.clear();
    m_config.clear();
    Object::DoDispose();
}

void
Transport::SetLatency(uint32_t count, std::vector<uint64_t> table)
{
    NS_ASSERT(table.size() == static_cast<size_t>(count) * count);
    m_regions = count;
    m_latency = std::move(table);
    InstallRegions(count);
}

void
Transport::InstallRegions(uint32_t)
{
}

uint32_t
Transport::AddHost(const HostConfig& config)
{
    NS_ASSERT(config.region < m_regions && config.up > 0 && config.down > 0);
    m_config.push_back(config);
    auto number = static_cast<uint32_t>(m_config.size() - 1);
    m_addresses[Key(config.addr, false)] = number;
    InstallHost(number);
    return number;
}

const Transport::HostConfig&
Transport::GetHost(uint32_t host) const
{
    return m_config[host];
}

Transport::Address
Transport::Key(const qn_addr& addr, bool withPort)
{
    uint64_t high = 0;
    uint64_t low = 0;
    for (unsigned i = 0; i < 8; i++)
    {
        high = high << 8 | addr.ip[i];
        low = low << 8 | addr.ip[8 + i];
    }
    // An IPv4 address leaves `low` to the port and the family; IPv6 hosts differ in their first
    // half.
    uint64_t port = withPort ? addr.port : 0;
    return {high, low ^ (port << 8 | addr.family)};
}

uint32_t
Transport::HostAt(const qn_addr& addr) const
{
    auto found = m_addresses.find(Key(addr, false));
    return found == m_addresses.end() ? NO_HOST : found->second;
}

uint64_t
Transport::RegionLatency(uint32_t a, uint32_t b) const
{
    return m_latency[static_cast<size_t>(a) * m_regions + b];
}

int64_t
Transport::GetLatency(uint32_t a, uint32_t b) const
{
    uint64_t ns = RegionLatency(m_config[a].region, m_config[b].region) + m_config[a].delay +
                  m_config[b].delay;
    if (m_spread > 0)
    {
        uint64_t x = m_salt + (static_cast<uint64_t>(std::min(a, b)) << 32 | std::max(a, b));
        x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
        ns += (x ^ (x >> 31)) % m_spread;
    }
    return static_cast<int64_t>(ns);
}

bool
Transport::Loses(uint32_t host, uint64_t packets)
{
    uint64_t millionths = m_config[host].loss * packets;
    if (millionths == 0)
    {
        return false;
    }
    auto found = m_losses.find(host);
    if (found == m_losses.end())
    {
        found = m_losses.emplace(host, Draws("qnet-sim-loss", m_salt, host)).first;
    }
    return found->second.Below(1000000) < millionths;
}

void
Transport::Cut(uint32_t a, uint32_t b, int64_t from, int64_t until)
{
    m_partitions.push_back({std::min(a, b), std::max(a, b), from, until});
}

int64_t
Transport::WaitToPass(uint32_t a, uint32_t b) const
{
    int64_t now = m_partitions.empty() ? 0 : NowNs();
    int64_t free = now;
    for (const Partition& cut : m_partitions)
    {
        if (cut.a == std::min(a, b) && cut.b == std::max(a, b) && now >= cut.from)
        {
            free = std::max(free, cut.until);
        }
    }
    return free - now;
}

bool
Transport::Capture(uint32_t, ns3::Ptr<ns3::PcapFileWrapper>)
{
    return false;
}

} // namespace qnet

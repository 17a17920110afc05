// SPDX-License-Identifier: GPL-2.0-only
#include "tcp-transport.h"

#include <algorithm>

#include "ns3/boolean.h"
#include "ns3/global-value.h"
#include "ns3/inet-socket-address.h"
#include "ns3/ipv4-l3-protocol.h"
#include "ns3/simulator.h"
#include "ns3/uinteger.h"

#include "sim-time.h"

namespace qnet
{

using ns3::Packet;
using ns3::Ptr;
using ns3::Simulator;
using ns3::UintegerValue;

NS_OBJECT_ENSURE_REGISTERED(TcpTransport);

namespace
{

void
WritePacket(Ptr<ns3::PcapFileWrapper> file, Ptr<const Packet> packet, Ptr<ns3::Ipv4>, uint32_t)
{
    file->Write(Simulator::Now(), packet);
}

} // namespace

ns3::TypeId
TcpTransport::GetTypeId()
{
    static ns3::TypeId tid =
        ns3::TypeId("qnet::TcpTransport")
            .SetParent<Transport>()
            .SetGroupName("Qnet")
            .AddAttribute("Segment",
                          "Data bytes of a TCP segment; large ones are quicker to simulate",
                          UintegerValue(SEGMENT),
                          ns3::MakeUintegerAccessor(&TcpTransport::m_segment),
                          ns3::MakeUintegerChecker<uint32_t>(536, 16384));
    return tid;
}

TcpTransport::TcpTransport() = default;
TcpTransport::~TcpTransport() = default;

void
TcpTransport::DoDispose()
{
    m_doors.clear();
    for (TcpConn* conn : m_conns)
    {
        delete conn;
    }
    m_conns.clear();
    Transport::DoDispose();
}

ns3::Ipv4Address
TcpTransport::ToIpv4(const qn_addr& addr)
{
    return ns3::Ipv4Address::Deserialize(addr.ip);
}

qn_addr
TcpTransport::FromIpv4(ns3::Ipv4Address address, uint16_t port)
{
    qn_addr addr{};
    addr.family = 4;
    address.Serialize(addr.ip);
    addr.port = port;
    return addr;
}

void
TcpTransport::InstallHost(uint32_t host)
{
    ns3::InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    stack.SetTcp("qnet::TcpDemux");
    InstallStack(stack);
    stack.Install(m_config[host].node);
    InstallDevice(host);
    CountFrom(host);
}

void
TcpTransport::CountFrom(uint32_t host)
{
    m_heldBack.resize(host + 1);
}

LinuxTcp::Limits
TcpTransport::GetLimits() const
{
    uint64_t segments = std::max<uint64_t>(m_initialWindow / m_segment, 1);
    return {m_segment,
            static_cast<uint32_t>(segments),
            static_cast<uint32_t>(m_maxWindow),
            SYN_RETRIES};
}

CloudDevice*
TcpTransport::QueueOf(uint32_t) const
{
    return nullptr;
}

uint64_t
TcpTransport::GetHeldBack(uint32_t host) const
{
    return m_heldBack[host];
}

// ---- listening

TcpTransport::Door::Door(TcpTransport* transport, uint32_t host, ConnListener* who, uint16_t port)
    : listener(who),
      m_transport(transport),
      m_host(host),
      m_socket(LinuxTcp::Make(transport->m_config[host].node, transport->GetLimits()))
{
    m_socket->Bind(ns3::InetSocketAddress(ns3::Ipv4Address::GetAny(), port));
    m_socket->Listen();
    m_socket->SetAcceptor(this);
}

TcpTransport::Door::~Door()
{
    m_socket->SetAcceptor(nullptr);
    m_socket->Close();
}

void
TcpTransport::Door::TcpAccepted(Ptr<LinuxTcp> socket)
{
    TcpConn* conn = m_transport->Add(m_host, socket);
    conn->BeOpen();
    qn_addr from = FromIpv4(socket->GetPeer(), socket->GetPeerPort());
    if (!listener->Accept(conn, from))
    {
        conn->Abort();
    }
}

void
TcpTransport::Listen(const qn_addr& addr, ConnListener* listener)
{
    Address key = Key(addr, true);
    auto found = m_doors.find(key);
    if (listener == nullptr)
    {
        m_doors.erase(key);
    }
    else if (found != m_doors.end())
    {
        found->second->listener = listener;
    }
    else
    {
        m_doors[key] = std::make_unique<Door>(this, HostAt(addr), listener, addr.port);
    }
}

// ---- conns

TcpConn*
TcpTransport::Add(uint32_t host, Ptr<LinuxTcp> socket)
{
    m_conns.push_front(new TcpConn(this, host, socket));
    m_conns.front()->m_place = m_conns.begin();
    return m_conns.front();
}

TransportConn*
TcpTransport::Connect(uint32_t host, const qn_addr& to, ConnUser* user, uint32_t key)
{
    Ptr<LinuxTcp> socket;
    bool known = HostAt(to) != NO_HOST;
    if (known)
    {
        socket = LinuxTcp::Make(m_config[host].node, GetLimits());
    }
    TcpConn* conn = Add(host, socket);
    conn->SetUser(user, key);
    if (!known || socket->Connect(ns3::InetSocketAddress(ToIpv4(to), to.port)) != 0)
    {
        conn->FailLater(UNREACHABLE_NS);
    }
    return conn;
}

void
TcpTransport::Retire(TcpConn* conn)
{
    if (!conn->m_retired)
    {
        conn->m_retired = true;
        Simulator::ScheduleNow(&TcpTransport::Delete, this, conn);
    }
}

void
TcpTransport::Delete(TcpConn* conn)
{
    m_conns.erase(conn->m_place);
    delete conn;
}

// ---- captures

bool
TcpTransport::Capture(uint32_t host, Ptr<ns3::PcapFileWrapper> file)
{
    // A reader of captures expects sums; nobody else looks at them, so they are off otherwise.
    ns3::GlobalValue::Bind("ChecksumEnabled", ns3::BooleanValue(true));
    auto ip = m_config[host].node->GetObject<ns3::Ipv4L3Protocol>();
    auto write = ns3::MakeBoundCallback(&WritePacket, file);
    return ip->TraceConnectWithoutContext("Tx", write) &&
           ip->TraceConnectWithoutContext("Rx", write);
}

} // namespace qnet

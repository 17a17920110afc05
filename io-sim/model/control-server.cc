// SPDX-License-Identifier: GPL-2.0-only
#include "control-server.h"

namespace qnet
{

namespace
{

constexpr size_t FIRST_MAX = 1024; ///< a longer beginning is nobody's

/// PROXY protocol, version 2, of a conn whose ends nobody asks for: LOCAL.
const std::string PROXY_LOCAL("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
/// A fatal alert in the clear, as OpenSSL answers what is no TLS.
const std::string ALERT("\x15\x03\x01\0\x02\x02\x46", 7);

} // namespace

NS_OBJECT_ENSURE_REGISTERED(ControlServer);

ns3::TypeId
ControlServer::GetTypeId()
{
    static ns3::TypeId tid = ns3::TypeId("qnet::ControlServer")
                                 .SetParent<ns3::Application>()
                                 .SetGroupName("Qnet")
                                 .AddConstructor<ControlServer>();
    return tid;
}

void
ControlServer::Setup(ns3::Ptr<Transport> transport,
                     const Transport::HostConfig& host,
                     uint16_t port,
                     ControlFlows* flows,
                     uint64_t size,
                     std::unique_ptr<Origin> site,
                     uint64_t seed,
                     uint32_t index)
{
    m_transport = transport;
    m_host = transport->AddHost(host);
    m_addr = host.addr;
    m_addr.port = port;
    m_flows = flows;
    m_size = size;
    m_site = std::move(site);
    m_draws = std::make_unique<Draws>("qnet-sim-control-server", seed, index);
}

uint32_t
ControlServer::GetHost() const
{
    return m_host;
}

void
ControlServer::DoDispose()
{
    m_sessions.clear();
    m_site.reset();
    m_transport = nullptr;
    Application::DoDispose();
}

void
ControlServer::StartApplication()
{
    m_transport->Listen(m_addr, this);
}

void
ControlServer::StopApplication()
{
    m_transport->Listen(m_addr, nullptr);
}

bool
ControlServer::Accept(TransportConn* conn, const qn_addr&)
{
    uint32_t key = m_nextKey;
    m_nextKey += 2;
    conn->SetUser(this, key);
    Session& s = m_sessions[key];
    s.conn = conn;
    if (m_site)
    {
        s.site = m_site->Open();
        s.site->SetNode(this, key + 1);
        qn_slice header{reinterpret_cast<const uint8_t*>(PROXY_LOCAL.data()), PROXY_LOCAL.size()};
        s.site->Write(&header, 1);
    }
    return true;
}

void
ControlServer::ConnOpened(uint32_t)
{
}

void
ControlServer::ConnFailed(uint32_t, qn_err)
{
}

void
ControlServer::ConnReset(uint32_t key)
{
    uint32_t outer = key & ~1U;
    auto found = m_sessions.find(outer);
    if (found == m_sessions.end())
    {
        return;
    }
    Session& s = found->second;
    if (key == outer && s.site)
    {
        s.site->Reset(false);
    }
    else if (key != outer)
    {
        s.conn->Reset(false);
    }
    m_sessions.erase(found);
}

void
ControlServer::ConnReadable(uint32_t key)
{
    uint32_t outer = key & ~1U;
    auto found = m_sessions.find(outer);
    if (found == m_sessions.end())
    {
        return;
    }
    Session& s = found->second;
    if (key != outer)
    {
        FromSite(outer, s);
        return;
    }
    qn_slice piece;
    while (s.conn->Peek(&piece, 1) > 0)
    {
        Hear(s, piece);
        s.conn->Consume(piece.n);
    }
    if (s.conn->AtEof())
    {
        End(outer);
        return;
    }
    Push(outer);
}

void
ControlServer::Hear(Session& s, const qn_slice& piece)
{
    if (s.site)
    {
        s.site->Write(&piece, 1);
    }
    else if (s.greeted && !s.silent && !s.served)
    {
        s.served = true;
        s.out += m_flows->Content(*m_draws, m_size);
    }
    else if (!s.greeted && !s.silent)
    {
        s.first.append(reinterpret_cast<const char*>(piece.p), piece.n);
        Greet(s);
    }
}

/// What the first bytes are answered with.
void
ControlServer::Greet(Session& s)
{
    ControlKind kind = m_flows->GetKind();
    bool known = m_flows->Redeem(s.first);
    auto first = static_cast<uint8_t>(s.first[0]);
    bool hello = kind == ControlKind::Tor && first == 0x16;
    bool shell = kind == ControlKind::Bare && first == 0x17; // its first message may be replayed
    if (known || hello || shell)
    {
        s.greeted = true;
        s.out += m_flows->Flight(*m_draws);
        s.served = kind == ControlKind::Shadowsocks;
        s.out += s.served ? m_flows->Content(*m_draws, m_size) : "";
        return;
    }
    s.out += kind == ControlKind::Tor ? ALERT : "";
    s.closing = kind != ControlKind::Shadowsocks;
    s.silent = s.closing || s.first.size() > FIRST_MAX;
}

void
ControlServer::FromSite(uint32_t key, Session& s)
{
    qn_slice piece;
    while (s.site->Peek(&piece, 1) > 0)
    {
        s.out.append(reinterpret_cast<const char*>(piece.p), piece.n);
        s.site->Consume(piece.n);
    }
    s.closing = s.closing || s.site->AtEof();
    Push(key);
}

void
ControlServer::ConnWritable(uint32_t key)
{
    if ((key & 1U) == 0 && m_sessions.count(key) > 0)
    {
        Push(key);
    }
}

void
ControlServer::Push(uint32_t key)
{
    Session& s = m_sessions.at(key);
    qn_slice all{reinterpret_cast<const uint8_t*>(s.out.data()), s.out.size()};
    s.out.erase(0, all.n > 0 ? s.conn->Write(&all, 1) : 0);
    if (s.closing && s.out.empty())
    {
        End(key);
    }
}

void
ControlServer::End(uint32_t key)
{
    Session& s = m_sessions.at(key);
    if (s.site)
    {
        s.site->Close();
    }
    s.conn->Close();
    m_sessions.erase(key);
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "web-server.h"

#include <algorithm>
#include <cstdio>

#include "ns3/node.h"
#include "ns3/uinteger.h"

#include "web-object.h"

namespace qnet
{

using ns3::MakeUintegerAccessor;
using ns3::MakeUintegerChecker;
using ns3::TypeId;
using ns3::UintegerValue;

NS_OBJECT_ENSURE_REGISTERED(WebServer);

namespace
{

constexpr size_t REQUEST_MAX = 8192; ///< a longer request is not one of ours

/// A method begins with a letter. Web servers refuse anything else at its first byte.
bool
IsNoRequest(const std::string& request)
{
    return !request.empty() && (request[0] < 'A' || request[0] > 'Z');
}

} // namespace

TypeId
WebServer::GetTypeId()
{
    static TypeId tid =
        TypeId("qnet::WebServer")
            .SetParent<ns3::Application>()
            .SetGroupName("Qnet")
            .AddConstructor<WebServer>()
            .AddAttribute("Region",
                          "Row of the transport's latency table",
                          UintegerValue(0),
                          MakeUintegerAccessor(&WebServer::m_region),
                          MakeUintegerChecker<uint32_t>())
            .AddAttribute("UplinkRate",
                          "bit/s",
                          UintegerValue(1000000000),
                          MakeUintegerAccessor(&WebServer::m_up),
                          MakeUintegerChecker<uint64_t>(1000))
            .AddAttribute("AccessDelay",
                          "ns, one way, between the host and its region",
                          UintegerValue(0),
                          MakeUintegerAccessor(&WebServer::m_delay),
                          MakeUintegerChecker<uint64_t>())
            .AddAttribute("Loss",
                          "Packets lost on the access link, either way, in millionths",
                          UintegerValue(0),
                          MakeUintegerAccessor(&WebServer::m_loss),
                          MakeUintegerChecker<uint32_t>(0, 1000000))
            .AddAttribute("DownlinkRate",
                          "bit/s",
                          UintegerValue(1000000000),
                          MakeUintegerAccessor(&WebServer::m_down),
                          MakeUintegerChecker<uint64_t>(1000));
    return tid;
}

void
WebServer::Setup(ns3::Ptr<Transport> transport, const qn_addr& addr)
{
    m_transport = transport;
    m_addr = addr;
    m_host = transport->AddHost({GetNode(), m_region, m_up, m_down, addr, m_delay, m_loss});
}

uint32_t
WebServer::GetHost() const
{
    return m_host;
}

uint64_t
WebServer::GetRequests() const
{
    return m_requests;
}

void
WebServer::DoDispose()
{
    m_sessions.clear();
    m_transport = nullptr;
    Application::DoDispose();
}

void
WebServer::StartApplication()
{
    m_transport->Listen(m_addr, this);
}

void
WebServer::StopApplication()
{
    m_transport->Listen(m_addr, nullptr);
}

bool
WebServer::Accept(TransportConn* socket, const qn_addr&)
{
    uint32_t key = m_nextKey++;
    socket->SetUser(this, key);
    m_sessions[key].socket = socket;
    return true;
}

void
WebServer::ConnOpened(uint32_t)
{
}

void
WebServer::ConnFailed(uint32_t, qn_err)
{
}

void
WebServer::ConnReset(uint32_t key)
{
    m_sessions.erase(key);
}

void
WebServer::ConnReadable(uint32_t key)
{
    Session& s = m_sessions[key];
    qn_slice piece;
    while (s.socket->Peek(&piece, 1) > 0)
    {
        if (!s.answering)
        {
            s.request.append(reinterpret_cast<const char*>(piece.p), piece.n);
        }
        s.socket->Consume(piece.n);
    }
    if (!s.answering && s.request.size() > REQUEST_MAX)
    {
        s.socket->Reset(false);
        m_sessions.erase(key);
        return;
    }
    if (!s.answering && (s.request.find("\r\n\r\n") != std::string::npos || IsNoRequest(s.request)))
    {
        Begin(s);
        SendMore(key);
    }
    else if (s.socket->AtEof() && (s.finished || !s.answering))
    {
        s.socket->Close();
        m_sessions.erase(key);
    }
}

void
WebServer::Begin(Session& s)
{
    unsigned long long n = 0;
    unsigned long long m = 0;
    const char* status = "200 OK";
    if (std::sscanf(s.request.c_str(), "GET /reset/%llu/%llu HTTP/1.1\r\n", &n, &m) == 2)
    {
        s.resets = true;
        s.end = std::min(n, m);
    }
    else if (std::sscanf(s.request.c_str(), "GET /bytes/%llu HTTP/1.1\r\n", &n) == 1)
    {
        s.end = n;
    }
    else
    {
        status = IsNoRequest(s.request) ? "400 Bad Request" : "404 Not Found";
        n = 0;
    }
    s.object = n;
    s.keeps = s.request.find("\r\nConnection: keep-alive\r\n") != std::string::npos;
    s.header = std::string("HTTP/1.1 ") + status + "\r\nContent-Length: " + std::to_string(n) +
               (s.keeps ? "\r\nConnection: keep-alive\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
    s.answering = true;
    s.request.clear();
    s.request.shrink_to_fit();
    m_requests++;
}

bool
WebServer::SendHeader(Session& s)
{
    qn_slice slice{reinterpret_cast<const uint8_t*>(s.header.data()), s.header.size()};
    size_t taken = slice.n > 0 ? s.socket->Write(&slice, 1) : 0;
    s.header.erase(0, taken);
    return s.header.empty();
}

void
WebServer::SendMore(uint32_t key)
{
    Session& s = m_sessions[key];
    if (s.finished || !SendHeader(s))
    {
        return;
    }
    while (s.sent < s.end)
    {
        uint8_t bytes[16384];
        auto n = static_cast<size_t>(std::min<uint64_t>(sizeof bytes, s.end - s.sent));
        WebObjectFill(s.object, s.sent, bytes, n);
        qn_slice slice{bytes, n};
        size_t taken = s.socket->Write(&slice, 1);
        s.sent += taken;
        if (taken < n)
        {
            return;
        }
    }
    if (s.keeps)
    {
        s.answering = false;
        s.sent = 0;
        s.end = 0;
        return;
    }
    s.finished = true;
    if (s.resets)
    {
        s.socket->Reset(true);
        m_sessions.erase(key);
        return;
    }
    s.socket->Finish();
    if (s.socket->AtEof())
    {
        s.socket->Close();
        m_sessions.erase(key);
    }
}

void
WebServer::ConnWritable(uint32_t key)
{
    SendMore(key);
}

} // namespace qnet

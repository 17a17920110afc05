// SPDX-License-Identifier: GPL-2.0-only
#include "socks-fetch.h"

#include <algorithm>

#include "sim-time.h"
#include "web-object.h"

namespace qnet
{

namespace
{

constexpr size_t HEADER_MAX = 8192;
constexpr uint8_t METHOD_USER = 2; ///< RFC 1929

} // namespace

const char*
FetchOutcomeName(FetchOutcome outcome)
{
    switch (outcome)
    {
    case FetchOutcome::Done:
        return "done";
    case FetchOutcome::NoNode:
        return "no-node";
    case FetchOutcome::SocksError:
        return "socks-error";
    case FetchOutcome::HttpError:
        return "http-error";
    case FetchOutcome::Reset:
        return "reset";
    case FetchOutcome::Truncated:
        return "truncated";
    case FetchOutcome::Corrupt:
        return "corrupt";
    case FetchOutcome::TimedOut:
        return "timed-out";
    case FetchOutcome::Unfinished:
        return "unfinished";
    }
    return "?";
}

void
FetchUser::FetchBytes(const uint8_t*, size_t)
{
}

SocksFetch::SocksFetch(ns3::Ptr<NodeApp> node, FetchUser* user, FetchRequest request)
    : m_node(node),
      m_user(user),
      m_request(std::move(request))
{
}

SocksFetch::~SocksFetch()
{
    if (m_conn && m_state != State::Over)
    {
        m_conn->Abort();
    }
}

bool
SocksFetch::Start()
{
    m_start = NowNs();
    m_conn = m_node->OpenSocks(this);
    if (!m_conn)
    {
        m_state = State::Over;
        m_outcome = FetchOutcome::NoNode;
        return false;
    }
    const uint8_t greeting[] = {5, 1, METHOD_USER};
    m_conn->Send(greeting, sizeof greeting);
    return true;
}

bool
SocksFetch::Again(uint64_t object)
{
    if (m_state != State::Resting)
    {
        return false;
    }
    m_request.object = object;
    m_outcome = FetchOutcome::Unfinished;
    m_start = NowNs();
    m_first = -1;
    m_last = -1;
    m_bytes = 0;
    m_state = State::Header;
    SendGet();
    return true;
}

/// Every byte is here.
void
SocksFetch::Complete()
{
    m_last = NowNs() - m_start;
    if (!m_request.keep)
    {
        End(FetchOutcome::Done);
        return;
    }
    m_state = State::Resting;
    m_outcome = FetchOutcome::Done;
    m_hops = m_conn->GetHops();
    m_circuit = m_conn->GetCircuit();
    m_user->FetchEnded(*this);
}

void
SocksFetch::GiveUp()
{
    End(FetchOutcome::TimedOut);
}

void
SocksFetch::End(FetchOutcome outcome)
{
    if (m_state == State::Over)
    {
        return;
    }
    m_state = State::Over;
    m_outcome = outcome;
    m_hops = m_conn->GetHops();
    m_circuit = m_conn->GetCircuit();
    if (outcome == FetchOutcome::Done)
    {
        m_conn->SendEof();
        m_conn->Leave();
    }
    else
    {
        m_conn->Abort();
    }
    m_user->FetchEnded(*this);
}

// ---- what the node says

void
SocksFetch::LocalEof()
{
    if (m_state == State::Resting)
    {
        m_state = State::Over; // a kept stream may end between two requests
        m_conn->Abort();
        return;
    }
    // Before the proxy has said yes nothing was promised, and the program sees that it failed.
    bool granted = m_state == State::Header || m_state == State::Body;
    End(granted ? FetchOutcome::Truncated : FetchOutcome::SocksError);
}

void
SocksFetch::LocalReset()
{
    if (m_state == State::Resting)
    {
        m_state = State::Over;
        return;
    }
    End(FetchOutcome::Reset);
}

void
SocksFetch::LocalBytes(const uint8_t* p, size_t n)
{
    if (m_state == State::Body)
    {
        TakeBody(p, n);
        return;
    }
    if (m_state == State::Resting)
    {
        End(FetchOutcome::Corrupt); // nothing was asked for
        return;
    }
    m_in.append(reinterpret_cast<const char*>(p), n);
    while (m_state < State::Body && Step())
    {
    }
    if (m_state == State::Body && !m_in.empty())
    {
        std::string body;
        body.swap(m_in);
        TakeBody(reinterpret_cast<const uint8_t*>(body.data()), body.size());
    }
}

/// Takes one message off m_in. \return false when more bytes are needed
bool
SocksFetch::Step()
{
    switch (m_state)
    {
    case State::Method: {
        if (m_in.size() < 2)
        {
            return false;
        }
        if (m_in[0] != 5 || m_in[1] != METHOD_USER)
        {
            End(FetchOutcome::SocksError);
            return false;
        }
        m_in.erase(0, 2);
        std::string auth = std::string(1, '\1') + static_cast<char>(m_request.user.size()) +
                           m_request.user + static_cast<char>(m_request.password.size()) +
                           m_request.password;
        m_conn->Send(auth.data(), auth.size());
        m_state = State::Auth;
        return true;
    }
    case State::Auth:
        if (m_in.size() < 2)
        {
            return false;
        }
        if (m_in[1] != 0)
        {
            End(FetchOutcome::SocksError);
            return false;
        }
        m_in.erase(0, 2);
        SendConnect();
        m_state = State::Reply;
        return true;
    case State::Reply:
        return StepReply();
    case State::Header:
        return StepHeader();
    case State::Body:
    case State::Resting:
    case State::Over:
        break;
    }
    return false;
}

void
SocksFetch::SendConnect()
{
    std::string connect{"\5\1\0\3", 4}; // CONNECT to a name; the exit reads dotted quads too
    connect += static_cast<char>(m_request.host.size());
    connect += m_request.host;
    connect += static_cast<char>(m_request.port >> 8);
    connect += static_cast<char>(m_request.port & 255);
    m_conn->Send(connect.data(), connect.size());
}

bool
SocksFetch::StepReply()
{
    if (m_in.size() < 5)
    {
        return false;
    }
    auto type = static_cast<uint8_t>(m_in[3]);
    size_t addr = type == 1   ? 4
                  : type == 4 ? 16
                              : 1 + static_cast<size_t>(static_cast<uint8_t>(m_in[4]));
    if (m_in.size() < 4 + addr + 2)
    {
        return false;
    }
    m_reply = static_cast<uint8_t>(m_in[1]);
    m_in.erase(0, 4 + addr + 2);
    if (m_reply != 0)
    {
        End(FetchOutcome::SocksError);
        return false;
    }
    SendGet();
    m_state = State::Header;
    return true;
}

void
SocksFetch::SendGet()
{
    std::string path = "/bytes/" + std::to_string(m_request.object);
    if (m_request.resetAfter > 0)
    {
        path = "/reset/" + std::to_string(m_request.object) + "/" +
               std::to_string(m_request.resetAfter);
    }
    std::string get = "GET " + path + " HTTP/1.1\r\nHost: " + m_request.host +
                      "\r\nUser-Agent: qnet-sim\r\nAccept: */*\r\nConnection: " +
                      (m_request.keep ? "keep-alive" : "close") + "\r\n\r\n";
    m_asked = NowNs() - m_start;
    m_conn->Send(get.data(), get.size());
}

bool
SocksFetch::StepHeader()
{
    if (m_first < 0 && !m_in.empty())
    {
        m_first = NowNs() - m_start;
    }
    size_t end = m_in.find("\r\n\r\n");
    if (end == std::string::npos)
    {
        if (m_in.size() > HEADER_MAX)
        {
            End(FetchOutcome::HttpError);
        }
        return false;
    }
    if (m_in.compare(0, 13, "HTTP/1.1 200 ") != 0)
    {
        End(FetchOutcome::HttpError);
        return false;
    }
    m_in.erase(0, end + 4);
    m_state = State::Body;
    if (m_request.object == 0)
    {
        Complete();
    }
    return true;
}

void
SocksFetch::TakeBody(const uint8_t* p, size_t n)
{
    if (n > m_request.object - m_bytes || !WebObjectMatches(m_request.object, m_bytes, p, n))
    {
        End(FetchOutcome::Corrupt);
        return;
    }
    m_bytes += n;
    m_user->FetchBytes(p, n);
    if (m_bytes == m_request.object)
    {
        Complete();
    }
}

// ---- looking in

const FetchRequest&
SocksFetch::GetRequest() const
{
    return m_request;
}

FetchOutcome
SocksFetch::GetOutcome() const
{
    return m_outcome;
}

uint8_t
SocksFetch::GetReply() const
{
    return m_reply;
}

int64_t
SocksFetch::GetStartNs() const
{
    return m_start;
}

int64_t
SocksFetch::GetFirstByteNs() const
{
    return m_first;
}

int64_t
SocksFetch::GetAnswerNs() const
{
    return m_first < 0 ? -1 : m_first - m_asked;
}

int64_t
SocksFetch::GetLastByteNs() const
{
    return m_last;
}

uint64_t
SocksFetch::GetBytes() const
{
    return m_bytes;
}

uint8_t
SocksFetch::GetHops() const
{
    return m_state == State::Over || !m_conn ? m_hops : m_conn->GetHops();
}

uint64_t
SocksFetch::GetCircuit() const
{
    return m_state == State::Over || !m_conn ? m_circuit : m_conn->GetCircuit();
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "origin-conn.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <new>

#include <openssl/err.h>

#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::Simulator;

namespace
{

constexpr size_t PROXY_HEAD = 16; ///< of a PROXY v2 header: signature, command, family, length
constexpr size_t KEPT_MAX = 1024; ///< bytes of buffer that a resting visit may keep

} // namespace

const std::vector<OriginPage>&
OriginConn::GetPages()
{
    static const std::vector<OriginPage> pages = {
        {"/article", "text/html; charset=utf-8", 21000},
        {"/reports", "text/html; charset=utf-8", 36000},
        {"/photo.bmp", "image/bmp", 3942},
    };
    return pages;
}

OriginConn::OriginConn(Origin* origin, uint64_t number)
    : m_origin(origin),
      m_number(number),
      m_conn(std::make_shared<LocalConn>(static_cast<LocalUser*>(this))),
      m_ssl(SSL_new(origin->m_server.get()))
{
    if (!m_ssl)
    {
        throw std::bad_alloc();
    }
    SSL_set_accept_state(m_ssl.get());
    SSL_set_bio(m_ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    m_heard = NowNs();
    WatchIdle();
    if (origin->m_habits.age > 0)
    {
        m_age = Simulator::Schedule(Ns(origin->m_habits.age), &OriginConn::Retire, this);
    }
}

OriginConn::~OriginConn()
{
    m_speak.Cancel();
    m_patience.Cancel();
    m_age.Cancel();
    m_conn->Leave();
}

std::shared_ptr<LocalConn>
OriginConn::GetConn() const
{
    return m_conn;
}

// ---- bytes

void
OriginConn::LocalBytes(const uint8_t* p, size_t n)
{
    if (m_ending)
    {
        return;
    }
    m_in.append(reinterpret_cast<const char*>(p), n);
    if (!m_announced && !TakeProxyHeader())
    {
        return;
    }
    BIO_write(SSL_get_rbio(m_ssl.get()), m_in.data(), static_cast<int>(m_in.size()));
    m_in.clear();
    m_in.shrink_to_fit();
    Run();
}

/// \return true once it is gone from m_in
bool
OriginConn::TakeProxyHeader()
{
    if (m_in.size() < PROXY_HEAD)
    {
        return false;
    }
    auto byte = [this](size_t at) { return static_cast<size_t>(static_cast<uint8_t>(m_in[at])); };
    size_t whole = PROXY_HEAD + (byte(14) << 8 | byte(15));
    m_announced = m_in.size() >= whole;
    if (m_announced)
    {
        m_in.erase(0, whole);
    }
    return m_announced;
}

void
OriginConn::Run()
{
    SeededCrypto::DrawFrom(&m_origin->m_stream);
    ERR_clear_error();
    m_ending = !Read() || !Write();
    SeededCrypto::DrawFrom(nullptr);
    Say();
}

/// \return false when this conn is over
bool
OriginConn::Read()
{
    uint8_t bytes[16384];
    for (;;)
    {
        int n = SSL_read(m_ssl.get(), bytes, sizeof bytes);
        if (!m_http && SSL_is_init_finished(m_ssl.get()))
        {
            m_http = std::make_unique<OriginHttp>(&GetPages());
        }
        if (n > 0 && !m_http->Receive(bytes, static_cast<size_t>(n), Date()))
        {
            return false;
        }
        if (n <= 0)
        {
            int error = SSL_get_error(m_ssl.get(), n);
            if (error == SSL_ERROR_ZERO_RETURN)
            {
                SSL_shutdown(m_ssl.get()); // its close_notify is answered by ours
            }
            return error == SSL_ERROR_WANT_READ;
        }
    }
}

/// \return false when this conn is over
bool
OriginConn::Write()
{
    uint64_t most = m_origin->m_habits.requests;
    if (m_http && most > 0 && m_http->GetRequests() >= most)
    {
        m_http->Retire();
    }
    std::string frame;
    while (m_http && m_http->Next(&frame))
    {
        auto n = static_cast<int>(frame.size());
        if (SSL_write(m_ssl.get(), frame.data(), n) != n)
        {
            return false;
        }
    }
    if (m_http && m_http->IsOver())
    {
        SSL_shutdown(m_ssl.get());
        return false;
    }
    return true;
}

/// What TLS made goes to the peer after the time an answer takes.
void
OriginConn::Say()
{
    uint64_t asked = m_http ? m_http->GetRequests() : 0;
    m_heard = asked > m_answered ? NowNs() : m_heard;
    int64_t busy = m_origin->Serve(asked - m_answered);
    m_answered = asked;
    BIO* made = SSL_get_wbio(m_ssl.get());
    size_t n = BIO_ctrl_pending(made);
    size_t had = m_out.size();
    m_out.resize(had + n);
    BIO_read(made, m_out.data() + had, static_cast<int>(n));
    if (n > KEPT_MAX)
    {
        SSL_set0_wbio(m_ssl.get(), BIO_new(BIO_s_mem())); // a memory BIO never shrinks
    }
    if (BIO_ctrl_pending(SSL_get_rbio(m_ssl.get())) == 0)
    {
        SSL_set0_rbio(m_ssl.get(), BIO_new(BIO_s_mem()));
    }
    if ((!m_out.empty() || m_ending) && !m_ended && !m_speak.IsRunning())
    {
        m_speak = Simulator::Schedule(Ns(busy), &OriginConn::Speak, this);
    }
}

void
OriginConn::Speak()
{
    m_conn->Send(m_out.data(), m_out.size());
    std::string().swap(m_out);
    if (m_ending)
    {
        m_conn->SendEof();
        m_ended = true;
        if (m_left)
        {
            m_origin->Ended(m_number);
        }
    }
}

void
OriginConn::LocalEof()
{
    m_left = true;
    m_ending = true;
    if (m_ended)
    {
        m_origin->Ended(m_number);
        return;
    }
    Say();
}

void
OriginConn::LocalReset()
{
    m_origin->Ended(m_number);
}

// ---- what the site has had enough of

/// No event per request: the one in place looks again when it comes.
void
OriginConn::WatchIdle()
{
    int64_t idle = m_origin->m_habits.idle;
    if (idle > 0 && !m_patience.IsRunning())
    {
        m_patience = Simulator::Schedule(Ns(m_heard + idle - NowNs()), &OriginConn::IdleOver, this);
    }
}

void
OriginConn::IdleOver()
{
    if (m_heard + m_origin->m_habits.idle > NowNs())
    {
        WatchIdle();
        return;
    }
    Retire();
}

/// A visit that is still at its handshake has no HTTP to say goodbye in.
void
OriginConn::Retire()
{
    if (m_ending)
    {
        return;
    }
    if (!m_http)
    {
        m_ending = true;
        Say();
        return;
    }
    m_http->Retire();
    Run();
}

/// An IMF-fixdate of the simulated now.
std::string
OriginConn::Date() const
{
    char text[32] = "";
    auto now =
        static_cast<std::time_t>(m_origin->m_authority->GetEpoch() + NowNs() / NS_PER_SECOND);
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return text;
}

} // namespace qnet

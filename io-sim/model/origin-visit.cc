// SPDX-License-Identifier: GPL-2.0-only
#include "origin-visit.h"

#include <ctime>
#include <new>

#include <openssl/err.h>

namespace qnet
{

namespace
{

constexpr size_t KEPT_MAX = 1024; ///< bytes of buffer that a resting visit may keep

/// An IMF-fixdate.
std::string
DateOf(int64_t wall)
{
    char text[32] = "";
    auto now = static_cast<std::time_t>(wall);
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return text;
}

} // namespace

const std::vector<OriginPage>&
OriginVisit::GetPages()
{
    static const std::vector<OriginPage> pages = {
        {"/article", "text/html; charset=utf-8", 21000},
        {"/reports", "text/html; charset=utf-8", 36000},
        {"/photo.bmp", "image/bmp", 3942},
    };
    return pages;
}

OriginVisit::OriginVisit(SSL_CTX* server, qn_drbg* stream, uint64_t requests)
    : m_server(server),
      m_stream(stream),
      m_most(requests)
{
}

void
OriginVisit::Begin()
{
    m_ssl.reset(SSL_new(m_server));
    if (!m_ssl)
    {
        throw std::bad_alloc();
    }
    SSL_set_accept_state(m_ssl.get());
    SSL_set_bio(m_ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
}

OriginSaid
OriginVisit::Hear(const std::string& bytes, int64_t wall)
{
    if (m_over)
    {
        return Say();
    }
    if (!m_ssl)
    {
        Begin();
    }
    BIO_write(SSL_get_rbio(m_ssl.get()), bytes.data(), static_cast<int>(bytes.size()));
    return Run(wall);
}

/// A visit that is still at its handshake has no HTTP to say goodbye in.
OriginSaid
OriginVisit::Retire(int64_t wall)
{
    m_over = m_over || !m_http;
    if (m_over)
    {
        return Say();
    }
    m_http->Retire();
    return Run(wall);
}

OriginSaid
OriginVisit::Leave()
{
    m_over = true;
    return Say();
}

OriginSaid
OriginVisit::Run(int64_t wall)
{
    SeededCrypto::DrawFrom(m_stream);
    ERR_clear_error();
    m_over = !Read(wall) || !Write();
    SeededCrypto::DrawFrom(nullptr);
    return Say();
}

/// \return false when this visit is over
bool
OriginVisit::Read(int64_t wall)
{
    uint8_t bytes[16384];
    for (;;)
    {
        int n = SSL_read(m_ssl.get(), bytes, sizeof bytes);
        if (!m_http && SSL_is_init_finished(m_ssl.get()))
        {
            m_http = std::make_unique<OriginHttp>(&GetPages());
        }
        if (n > 0 && !m_http->Receive(bytes, static_cast<size_t>(n), DateOf(wall)))
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

/// \return false when this visit is over
bool
OriginVisit::Write()
{
    if (m_http && m_most > 0 && m_http->GetRequests() >= m_most)
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

/// What TLS made, and what was not told of yet.
OriginSaid
OriginVisit::Say()
{
    OriginSaid said;
    uint64_t asked = m_http ? m_http->GetRequests() : 0;
    said.requests = asked - m_answered;
    said.over = m_over;
    m_answered = asked;
    if (!m_ssl)
    {
        return said;
    }
    BIO* made = SSL_get_wbio(m_ssl.get());
    said.bytes.resize(BIO_ctrl_pending(made));
    BIO_read(made, said.bytes.data(), static_cast<int>(said.bytes.size()));
    if (said.bytes.size() > KEPT_MAX)
    {
        SSL_set0_wbio(m_ssl.get(), BIO_new(BIO_s_mem())); // a memory BIO never shrinks
    }
    if (BIO_ctrl_pending(SSL_get_rbio(m_ssl.get())) == 0)
    {
        SSL_set0_rbio(m_ssl.get(), BIO_new(BIO_s_mem()));
    }
    return said;
}

} // namespace qnet

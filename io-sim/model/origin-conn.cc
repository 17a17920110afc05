// SPDX-License-Identifier: GPL-2.0-only
#include "origin-conn.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <new>
#include <stdexcept>

#include <openssl/err.h>

#include "ns3/simulator.h"

#include "sim-time.h"
#include "web-object.h"

namespace qnet
{

using ns3::Simulator;

namespace
{

constexpr size_t PROXY_HEAD = 16; ///< of a PROXY v2 header: signature, command, family, length
constexpr uint32_t STREAMS_MAX = 128;
constexpr size_t KEPT_MAX = 1024; ///< bytes of buffer that a resting visit may keep

nghttp2_nv
Field(const char* name, const std::string& value) // nghttp2 copies both
{
    auto bytes = [](const char* p) { return reinterpret_cast<uint8_t*>(const_cast<char*>(p)); };
    return {bytes(name), bytes(value.c_str()), std::strlen(name), value.size(), 0};
}

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

void
OriginConn::SessionFree::operator()(nghttp2_session* session) const
{
    nghttp2_session_del(session);
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
}

OriginConn::~OriginConn()
{
    m_speak.Cancel();
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
        if (!m_http && SSL_is_init_finished(m_ssl.get()) && !StartHttp())
        {
            return false;
        }
        if (n > 0 && nghttp2_session_mem_recv(m_http.get(), bytes, static_cast<size_t>(n)) < 0)
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

bool
OriginConn::Write()
{
    const uint8_t* p = nullptr;
    ssize_t n = 0;
    while (m_http && (n = nghttp2_session_mem_send(m_http.get(), &p)) > 0)
    {
        if (SSL_write(m_ssl.get(), p, static_cast<int>(n)) != n)
        {
            return false;
        }
    }
    return n == 0;
}

/// What TLS made goes to the peer after the time an answer takes.
void
OriginConn::Say()
{
    BIO* made = SSL_get_wbio(m_ssl.get());
    size_t n = BIO_ctrl_pending(made);
    size_t had = m_out.size();
    m_out.resize(had + n);
    BIO_read(made, m_out.data() + had, static_cast<int>(n));
    if (n > KEPT_MAX)
    {
        SSL_set0_wbio(m_ssl.get(), BIO_new(BIO_s_mem())); // a memory BIO never shrinks
    }
    if ((!m_out.empty() || m_ending) && !m_ended && !m_speak.IsRunning())
    {
        m_speak = Simulator::Schedule(Ns(m_origin->m_delay), &OriginConn::Speak, this);
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

// ---- HTTP/2

bool
OriginConn::StartHttp()
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 65536},
    };
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_session* session = nullptr;
    if (nghttp2_session_callbacks_new(&calls) != 0)
    {
        return false;
    }
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, &OnBegin);
    nghttp2_session_callbacks_set_on_header_callback(calls, &OnHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, &OnFrame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, &OnClose);
    int rv = nghttp2_session_server_new(&session, calls, this);
    nghttp2_session_callbacks_del(calls);
    m_http.reset(session);
    return rv == 0 && nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2) == 0;
}

int
OriginConn::OnBegin(nghttp2_session*, const nghttp2_frame* frame, void* user)
{
    static_cast<OriginConn*>(user)->m_answers[frame->hd.stream_id] = Answer();
    return 0;
}

int
OriginConn::OnHeader(nghttp2_session*,
                     const nghttp2_frame* frame,
                     const uint8_t* name,
                     size_t nameN,
                     const uint8_t* value,
                     size_t valueN,
                     uint8_t,
                     void* user)
{
    std::string path(reinterpret_cast<const char*>(value), valueN);
    if (std::string(reinterpret_cast<const char*>(name), nameN) == ":path")
    {
        for (const OriginPage& page : GetPages())
        {
            if (path == page.path)
            {
                static_cast<OriginConn*>(user)->m_answers[frame->hd.stream_id].page = &page;
            }
        }
    }
    return 0;
}

int
OriginConn::OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* user)
{
    bool request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!request || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
    {
        return 0;
    }
    return static_cast<OriginConn*>(user)->Respond(frame->hd.stream_id);
}

int
OriginConn::OnClose(nghttp2_session*, int32_t id, uint32_t, void* user)
{
    static_cast<OriginConn*>(user)->m_answers.erase(id);
    return 0;
}

ssize_t
OriginConn::OnBody(nghttp2_session*,
                   int32_t id,
                   uint8_t* out,
                   size_t n,
                   uint32_t* flags,
                   nghttp2_data_source*,
                   void* user)
{
    Answer& answer = static_cast<OriginConn*>(user)->m_answers[id];
    auto part = static_cast<uint32_t>(std::min<size_t>(n, answer.page->size - answer.sent));
    WebObjectFill(answer.page->size, answer.sent, out, part);
    answer.sent += part;
    if (answer.sent == answer.page->size)
    {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return part;
}

int
OriginConn::Respond(int32_t id)
{
    const OriginPage* page = m_answers[id].page;
    nghttp2_data_provider body{};
    body.read_callback = &OnBody;
    std::string status = page != nullptr ? "200" : "404";
    std::string date = Date();
    std::string type = page != nullptr ? page->type : "text/plain";
    std::string size = std::to_string(page != nullptr ? page->size : 0);
    nghttp2_nv fields[] = {Field(":status", status),
                           Field("date", date),
                           Field("content-type", type),
                           Field("content-length", size)};
    return nghttp2_submit_response(m_http.get(), id, fields, 4, page != nullptr ? &body : nullptr);
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

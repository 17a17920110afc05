// SPDX-License-Identifier: GPL-2.0-only
#include "origin-http.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "web-object.h"

namespace qnet
{

namespace
{

const std::string PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t HEAD = 9;            ///< of a frame
constexpr uint32_t FRAME_MAX = 16384; ///< SETTINGS_MAX_FRAME_SIZE's initial value, both ways
constexpr uint32_t STREAMS_MAX = 128;

uint32_t
Number(const uint8_t* p)
{
    return static_cast<uint32_t>(p[0]) << 24 | static_cast<uint32_t>(p[1]) << 16 |
           static_cast<uint32_t>(p[2]) << 8 | p[3];
}

void
Put(std::string& out, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;)
    {
        out += static_cast<char>(value >> (8 * i) & 255);
    }
}

std::string
Frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload)
{
    std::string frame;
    frame.reserve(HEAD + payload.size());
    Put(frame, payload.size(), 3);
    Put(frame, type, 1);
    Put(frame, flags, 1);
    Put(frame, stream, 4);
    return frame + payload;
}

/// RFC 7541, 6.2.2: a field with a name of the static table that nobody is to remember.
std::string
Field(uint8_t name, const std::string& value)
{
    std::string field = "\x0f";
    field += static_cast<char>(name - 15); // every name used here stands behind the prefix's 15
    field += static_cast<char>(value.size());
    return field + value;
}

constexpr uint8_t STATUS_200 = 0x88;
constexpr uint8_t STATUS_404 = 0x8d;
constexpr uint8_t CONTENT_LENGTH = 28;
constexpr uint8_t CONTENT_TYPE = 31;
constexpr uint8_t DATE = 33;

} // namespace

void
OriginHttp::InflaterFree::operator()(nghttp2_hd_inflater* inflater) const
{
    nghttp2_hd_inflate_del(inflater);
}

OriginHttp::OriginHttp(const std::vector<OriginPage>* pages)
    : m_pages(pages)
{
    nghttp2_hd_inflater* inflater = nullptr;
    if (nghttp2_hd_inflate_new(&inflater) != 0)
    {
        throw std::bad_alloc();
    }
    m_inflater.reset(inflater);
    std::string settings;
    Put(settings, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2);
    Put(settings, STREAMS_MAX, 4);
    Put(settings, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2);
    Put(settings, 65536, 4);
    m_out.push_back(Frame(NGHTTP2_SETTINGS, 0, 0, settings));
}

uint64_t
OriginHttp::GetRequests() const
{
    return m_requests;
}

void
OriginHttp::Retire()
{
    if (m_retired)
    {
        return;
    }
    std::string payload;
    Put(payload, m_last, 4);
    Put(payload, NGHTTP2_NO_ERROR, 4);
    m_out.push_back(Frame(NGHTTP2_GOAWAY, 0, 0, payload));
    m_retired = true;
}

bool
OriginHttp::IsOver() const
{
    return m_retired && m_out.empty() && m_answers.empty();
}

// ---- what the browser says

bool
OriginHttp::Receive(const uint8_t* p, size_t n, const std::string& date)
{
    m_in.append(reinterpret_cast<const char*>(p), n);
    m_date = date;
    if (!m_preface && m_in.size() >= PREFACE.size())
    {
        m_preface = m_in.compare(0, PREFACE.size(), PREFACE) == 0;
        m_broken = !m_preface;
        m_in.erase(0, PREFACE.size());
    }
    size_t used = 0;
    while (m_preface && !m_broken && (used = TakeFrame()) > 0)
    {
        m_in.erase(0, used);
    }
    if (m_in.empty())
    {
        m_in.shrink_to_fit();
    }
    return !m_broken;
}

/// \return its bytes; 0: it is not whole yet, or wrong
size_t
OriginHttp::TakeFrame()
{
    if (m_in.size() < HEAD)
    {
        return 0;
    }
    auto* b = reinterpret_cast<const uint8_t*>(m_in.data());
    uint32_t length = Number(b) >> 8;
    if (length > FRAME_MAX)
    {
        m_broken = true;
        return 0;
    }
    if (m_in.size() < HEAD + length)
    {
        return 0;
    }
    m_broken = !Take(b[3], b[4], Number(b + 5) & 0x7fffffff, b + HEAD, length);
    return HEAD + length;
}

bool
OriginHttp::Take(uint8_t type, uint8_t flags, uint32_t stream, const uint8_t* p, size_t n)
{
    if (m_open != 0 && (type != NGHTTP2_CONTINUATION || stream != m_open))
    {
        return false; // RFC 9113, 6.10: nothing comes between the parts of a header block
    }
    switch (type)
    {
    case NGHTTP2_HEADERS:
        return TakeHeaders(flags, stream, p, n);
    case NGHTTP2_CONTINUATION:
        return m_open != 0 && TakeBlock((flags & NGHTTP2_FLAG_END_HEADERS) != 0, stream, p, n);
    case NGHTTP2_SETTINGS:
        return (flags & NGHTTP2_FLAG_ACK) != 0 || TakeSettings(p, n);
    case NGHTTP2_WINDOW_UPDATE:
        return n == 4 && TakeWindow(stream, p, n);
    case NGHTTP2_PING:
        if ((flags & NGHTTP2_FLAG_ACK) == 0)
        {
            std::string same(reinterpret_cast<const char*>(p), n);
            m_out.push_back(Frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, same));
        }
        return n == 8;
    case NGHTTP2_RST_STREAM:
        m_answers.erase(stream);
        return true;
    default: // DATA of a GET is empty; PRIORITY, GOAWAY and what nobody knows change nothing here
        return true;
    }
}

bool
OriginHttp::TakeHeaders(uint8_t flags, uint32_t stream, const uint8_t* p, size_t n)
{
    size_t from = 0;
    size_t behind = 0;
    if ((flags & NGHTTP2_FLAG_PADDED) != 0 && n > 0)
    {
        from = 1;
        behind = p[0];
    }
    from += (flags & NGHTTP2_FLAG_PRIORITY) != 0 ? 5 : 0;
    if (stream % 2 == 0 || stream <= m_last || from + behind > n)
    {
        return false;
    }
    m_last = stream;
    m_open = stream;
    m_path.clear();
    return TakeBlock((flags & NGHTTP2_FLAG_END_HEADERS) != 0, stream, p + from, n - from - behind);
}

bool
OriginHttp::TakeBlock(bool last, uint32_t stream, const uint8_t* p, size_t n)
{
    for (int done = 0; (done & NGHTTP2_HD_INFLATE_FINAL) == 0;)
    {
        nghttp2_nv field;
        ssize_t used = nghttp2_hd_inflate_hd2(m_inflater.get(), &field, &done, p, n, last ? 1 : 0);
        if (used < 0)
        {
            return false;
        }
        p += used;
        n -= static_cast<size_t>(used);
        if ((done & NGHTTP2_HD_INFLATE_EMIT) != 0)
        {
            std::string name(reinterpret_cast<const char*>(field.name), field.namelen);
            if (name == ":path")
            {
                m_path.assign(reinterpret_cast<const char*>(field.value), field.valuelen);
            }
        }
        else if (n == 0 && (done & NGHTTP2_HD_INFLATE_FINAL) == 0)
        {
            return !last;
        }
    }
    nghttp2_hd_inflate_end_headers(m_inflater.get());
    m_open = 0;
    m_requests++;
    auto found = std::find_if(m_pages->begin(), m_pages->end(), [this](const OriginPage& page) {
        return m_path == page.path;
    });
    if (!m_retired && m_answers.size() < STREAMS_MAX)
    {
        Respond(stream, found == m_pages->end() ? nullptr : &*found);
    }
    return true;
}

bool
OriginHttp::TakeSettings(const uint8_t* p, size_t n)
{
    for (; n >= 6; p += 6, n -= 6)
    {
        if ((p[0] << 8 | p[1]) == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
        {
            int64_t more = static_cast<int64_t>(Number(p + 2)) - m_streamWindow;
            m_streamWindow += more;
            for (auto& [stream, answer] : m_answers)
            {
                answer.window += more;
            }
        }
    }
    m_out.push_back(Frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
    return n == 0;
}

bool
OriginHttp::TakeWindow(uint32_t stream, const uint8_t* p, size_t)
{
    int64_t more = Number(p) & 0x7fffffff;
    auto found = m_answers.find(stream);
    if (stream == 0)
    {
        m_window += more;
    }
    else if (found != m_answers.end())
    {
        found->second.window += more;
    }
    return more > 0;
}

// ---- what the site says

void
OriginHttp::Respond(uint32_t stream, const OriginPage* page)
{
    uint32_t size = page != nullptr ? page->size : 0;
    std::string block(1, static_cast<char>(page != nullptr ? STATUS_200 : STATUS_404));
    block += Field(DATE, m_date);
    block += Field(CONTENT_TYPE, page != nullptr ? page->type : "text/plain");
    block += Field(CONTENT_LENGTH, std::to_string(size));
    uint8_t end = size == 0 ? NGHTTP2_FLAG_END_STREAM : 0;
    auto flags = static_cast<uint8_t>(NGHTTP2_FLAG_END_HEADERS | end);
    m_out.push_back(Frame(NGHTTP2_HEADERS, flags, stream, block));
    if (size > 0)
    {
        m_answers[stream] = {page, 0, m_streamWindow};
    }
}

bool
OriginHttp::NextData(std::string* frame)
{
    for (auto& [stream, answer] : m_answers)
    {
        int64_t room = std::min({m_window, answer.window, static_cast<int64_t>(FRAME_MAX)});
        if (room <= 0)
        {
            continue;
        }
        uint32_t part = std::min(static_cast<uint32_t>(room), answer.page->size - answer.sent);
        std::string body(part, '\0');
        WebObjectFill(
            answer.page->size, answer.sent, reinterpret_cast<uint8_t*>(body.data()), part);
        answer.sent += part;
        answer.window -= part;
        m_window -= part;
        bool last = answer.sent == answer.page->size;
        *frame = Frame(NGHTTP2_DATA, last ? NGHTTP2_FLAG_END_STREAM : 0, stream, body);
        if (last)
        {
            m_answers.erase(stream);
        }
        return true;
    }
    return false;
}

bool
OriginHttp::Next(std::string* frame)
{
    if (m_out.empty())
    {
        return NextData(frame);
    }
    *frame = std::move(m_out.front());
    m_out.pop_front();
    return true;
}

} // namespace qnet

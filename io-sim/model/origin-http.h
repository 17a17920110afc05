// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A web server's side of one HTTP/2 connection (RFC 9113), as little of it as a site of a few pages
 * needs. nghttp2 reads the requests' headers; its server session would keep 26 KB for each of the
 * thousands of visits that rest behind links, this keeps 3.
 */
#ifndef QNET_SIM_ORIGIN_HTTP_H
#define QNET_SIM_ORIGIN_HTTP_H

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nghttp2/nghttp2.h>

namespace qnet
{

struct OriginPage
{
    const char* path;
    const char* type;
    uint32_t size;
};

class OriginHttp
{
  public:
    /// \param pages outlive it
    explicit OriginHttp(const std::vector<OriginPage>* pages);

    /// Bytes of the browser, in any pieces. \param date of answers, an IMF-fixdate
    /// \return false: they are wrong, the connection is over
    bool Receive(const uint8_t* p, size_t n, const std::string& date);
    /// The next frame to send. \return false: none now
    bool Next(std::string* frame);
    /// No further requests: GOAWAY, and what was asked is still answered.
    void Retire();
    /// Retired, and everything is said.
    bool IsOver() const;
    uint64_t GetRequests() const;

  private:
    /// An answer being sent.
    struct Answer
    {
        const OriginPage* page; ///< null: there is no such page
        uint32_t sent;
        int64_t window;
    };

    struct InflaterFree
    {
        void operator()(nghttp2_hd_inflater* inflater) const;
    };

    size_t TakeFrame();
    bool Take(uint8_t type, uint8_t flags, uint32_t stream, const uint8_t* p, size_t n);
    bool TakeHeaders(uint8_t flags, uint32_t stream, const uint8_t* p, size_t n);
    bool TakeBlock(bool last, uint32_t stream, const uint8_t* p, size_t n);
    bool TakeSettings(const uint8_t* p, size_t n);
    bool TakeWindow(uint32_t stream, const uint8_t* p, size_t n);
    void Respond(uint32_t stream, const OriginPage* page);
    bool NextData(std::string* frame);

    const std::vector<OriginPage>* m_pages;
    std::unique_ptr<nghttp2_hd_inflater, InflaterFree> m_inflater;
    std::string m_in;                     ///< a frame that is not whole yet
    std::string m_path;                   ///< of the request whose headers are being read
    std::string m_date;                   ///< of answers to what is being received
    uint32_t m_open = 0;                  ///< the stream whose headers are not whole yet
    std::list<std::string> m_out;         ///< frames but for DATA; a deque takes 600 bytes empty
    std::map<uint32_t, Answer> m_answers; ///< by stream
    uint32_t m_last = 0;                  ///< the highest stream seen
    int64_t m_window = 65535;             ///< of the connection
    int64_t m_streamWindow = 65535;       ///< of a new stream
    bool m_preface = false;               ///< was read
    bool m_retired = false;
    bool m_broken = false;
    uint64_t m_requests = 0;
};

} // namespace qnet

#endif

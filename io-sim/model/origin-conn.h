// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * One visit at an Origin.
 */
#ifndef QNET_SIM_ORIGIN_CONN_H
#define QNET_SIM_ORIGIN_CONN_H

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "ns3/event-id.h"

#include "origin.h"

namespace qnet
{

struct OriginPage
{
    const char* path;
    const char* type;
    uint32_t size;
};

class OriginConn final : private LocalUser
{
  public:
    OriginConn(Origin* origin, uint64_t number);
    ~OriginConn();
    OriginConn(const OriginConn&) = delete;
    OriginConn& operator=(const OriginConn&) = delete;

    std::shared_ptr<LocalConn> GetConn() const;

    /// What the site has. Two pages of many records, then one of a single record.
    static const std::vector<OriginPage>& GetPages();

  private:
    /// An answer being sent.
    struct Answer
    {
        const OriginPage* page = nullptr; ///< null until its path was read, or never
        uint32_t sent = 0;
    };

    struct SessionFree
    {
        void operator()(nghttp2_session* session) const;
    };

    void LocalBytes(const uint8_t* p, size_t n) override;
    void LocalEof() override;
    void LocalReset() override;

    bool TakeProxyHeader();
    void Run();
    bool Read();
    bool Write();
    bool StartHttp();
    void Say();
    void Speak();

    static int OnBegin(nghttp2_session*, const nghttp2_frame* frame, void* user);
    static int OnHeader(nghttp2_session*,
                        const nghttp2_frame* frame,
                        const uint8_t* name,
                        size_t nameN,
                        const uint8_t* value,
                        size_t valueN,
                        uint8_t flags,
                        void* user);
    static int OnFrame(nghttp2_session* session, const nghttp2_frame* frame, void* user);
    static int OnClose(nghttp2_session*, int32_t id, uint32_t error, void* user);
    static ssize_t OnBody(nghttp2_session*,
                          int32_t id,
                          uint8_t* out,
                          size_t n,
                          uint32_t* flags,
                          nghttp2_data_source*,
                          void* user);
    int Respond(int32_t id);
    std::string Date() const;

    Origin* m_origin;
    uint64_t m_number;
    std::shared_ptr<LocalConn> m_conn;
    SslPtr<SSL> m_ssl;
    std::unique_ptr<nghttp2_session, SessionFree> m_http;
    std::map<int32_t, Answer> m_answers; ///< by stream
    std::string m_in;                    ///< until the PROXY header is whole
    bool m_announced = false;            ///< it was
    bool m_ending = false;               ///< EOF goes behind what is in m_out
    bool m_ended = false;                ///< it was sent
    bool m_left = false;                 ///< the peer sends no more
    std::string m_out;                   ///< said, not yet sent
    ns3::EventId m_speak;
};

} // namespace qnet

#endif

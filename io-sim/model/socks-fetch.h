// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * One fetch as a browser does it: SOCKS5 to the node on this machine (RFC 1928, user name by RFC
 * 1929), then one HTTP/1.1 GET, the body checked byte for byte against the web object asked for.
 */
#ifndef QNET_SIM_SOCKS_FETCH_H
#define QNET_SIM_SOCKS_FETCH_H

#include <string>

#include "node-app.h"

namespace qnet
{

struct FetchRequest
{
    std::string user; ///< SOCKS user name: names the route
    std::string password;
    std::string host; ///< name or dotted quad
    uint16_t port = 80;
    uint64_t object = 0;     ///< its number, which is also its length
    uint64_t resetAfter = 0; ///< not 0: ask the server to reset after this many bytes
    bool keep = false;       ///< the stream stays open for further requests
};

enum class FetchOutcome : uint8_t
{
    Done,       ///< every byte, as it should be
    NoNode,     ///< the node was not up or took no conn
    SocksError, ///< the node refused; GetReply tells RFC 1928's code
    HttpError,  ///< not "200"
    Reset,      ///< ended in an error, as a cut transfer must
    Truncated,  ///< ended cleanly before the last byte: promise P1 is broken
    Corrupt,    ///< a wrong or superfluous byte: promise P1 is broken
    TimedOut,
    Unfinished ///< still under way when the simulation ended
};

const char* FetchOutcomeName(FetchOutcome outcome);

class SocksFetch;

/// Hears the end of a fetch, from inside the node's work: schedule, do not call.
class FetchUser
{
  public:
    virtual void FetchEnded(SocksFetch& fetch) = 0;
    /// Body bytes in order. What most users need is checked already.
    virtual void FetchBytes(const uint8_t* p, size_t n);

  protected:
    ~FetchUser() = default;
};

class SocksFetch final : private LocalUser
{
  public:
    SocksFetch(ns3::Ptr<NodeApp> node, FetchUser* user, FetchRequest request);
    ~SocksFetch();
    SocksFetch(const SocksFetch&) = delete;
    SocksFetch& operator=(const SocksFetch&) = delete;

    /// \return false: it has ended already (NoNode)
    bool Start();
    /// The next request on a stream that was kept. \return false: it is not there any more
    bool Again(uint64_t object);
    /// Gives up: ends at once, as TimedOut.
    void GiveUp();

    const FetchRequest& GetRequest() const;
    FetchOutcome GetOutcome() const;
    uint8_t GetReply() const; ///< SOCKS reply code; 0 succeeded
    int64_t GetStartNs() const;
    int64_t GetFirstByteNs() const; ///< since the start; -1: none came
    int64_t GetAnswerNs() const;    ///< from the stream's being open to the first byte; -1: none
    int64_t GetLastByteNs() const;  ///< since the start; -1: it did not come
    uint64_t GetBytes() const;      ///< of the body
    uint8_t GetHops() const;        ///< 0: the stream never opened
    uint64_t GetCircuit() const;

  private:
    enum class State : uint8_t
    {
        Method,
        Auth,
        Reply,
        Header,
        Body,
        Resting, ///< the answer is here and the stream is kept
        Over
    };

    void LocalBytes(const uint8_t* p, size_t n) override;
    void LocalEof() override;
    void LocalReset() override;

    bool Step();
    bool StepReply();
    bool StepHeader();
    void TakeBody(const uint8_t* p, size_t n);
    void SendConnect();
    void SendGet();
    void Complete();
    void End(FetchOutcome outcome);

    ns3::Ptr<NodeApp> m_node;
    FetchUser* m_user;
    FetchRequest m_request;
    std::shared_ptr<LocalConn> m_conn;
    State m_state = State::Method;
    FetchOutcome m_outcome = FetchOutcome::Unfinished;
    std::string m_in; ///< before the body
    uint8_t m_reply = 0;
    int64_t m_start = 0;
    int64_t m_asked = 0; ///< when the request was sent, since the start
    int64_t m_first = -1;
    int64_t m_last = -1;
    uint64_t m_bytes = 0;
    uint8_t m_hops = 0;
    uint64_t m_circuit = 0;
};

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * A loopback conn between a program and the SOCKS port of the node on its own machine: no delay, no
 * limit. The node's side is a ByteConn; the program's side is the rest of the class.
 */
#ifndef QNET_SIM_LOCAL_CONN_H
#define QNET_SIM_LOCAL_CONN_H

#include <memory>
#include <string>

#include "byte-conn.h"

namespace qnet
{

/// The program. Its methods are called while the node is at work: answer through LocalConn only.
class LocalUser
{
  public:
    virtual void LocalBytes(const uint8_t* p, size_t n) = 0;
    virtual void LocalEof() = 0;
    virtual void LocalReset() = 0;

  protected:
    ~LocalUser() = default;
};

class LocalConn final : public ByteConn, public std::enable_shared_from_this<LocalConn>
{
  public:
    explicit LocalConn(LocalUser* program);

    // The program's side: queued, and told to the node in an event of its own.
    void Send(const void* p, size_t n);
    void SendEof();
    void Abort();
    /// The program wants to hear no more; what it queued still goes out.
    void Leave();

    /// How the node carries this conn's stream, once it is open; 0 hops before.
    uint8_t GetHops() const;
    uint64_t GetCircuit() const;

    // The node's side.
    void SetNode(ConnUser* node, uint32_t key);
    void SetRoute(uint8_t hops, uint64_t circuit);
    size_t Write(const qn_slice* v, unsigned n) override;
    unsigned Peek(qn_slice* v, unsigned max) const override;
    void Consume(size_t bytes) override;
    bool AtEof() const override;
    void Finish() override;
    void Close() override;
    void Reset(bool drain) override;

  private:
    void TellLater();
    void Tell();

    LocalUser* m_program;
    ConnUser* m_node = nullptr;
    uint32_t m_key = 0;
    std::string m_toNode;
    bool m_eof = false;
    bool m_aborted = false;
    bool m_finished = false; ///< the node's FIN was told to the program
    uint8_t m_hops = 0;
    uint64_t m_circuit = 0;
    bool m_tellPending = false;
};

} // namespace qnet

#endif

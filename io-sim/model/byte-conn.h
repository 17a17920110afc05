// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What a node's conn looks like from inside the simulator: bytes in, bytes out, endings.
 *
 * Three kinds exist: MsgSocket and TcpConn (across the simulated network, see transport.h) and
 * LocalConn (a browser talking to the SOCKS port of the node on its own machine). All calls return
 * at once and none calls back: news reaches a ConnUser from an event of its own, so a user may call
 * its conn from anywhere.
 */
#ifndef QNET_SIM_BYTE_CONN_H
#define QNET_SIM_BYTE_CONN_H

#include <cstddef>
#include <cstdint>

#include "qnet/env.h"
#include "qnet/err.h"
#include "qnet/node.h"

namespace qnet
{

/// A reliable, ordered conn. Not owned by its user: Close and Reset give it back.
class ByteConn
{
  public:
    /// Takes bytes from the slices in order. \return how many; fewer means: wait for ConnWritable
    virtual size_t Write(const qn_slice* v, unsigned n) = 0;
    /// Received bytes not yet consumed, in order. \return how many slices were filled
    virtual unsigned Peek(qn_slice* v, unsigned max) const = 0;
    /// Drops the first bytes that Peek showed, which opens the sender's window again.
    virtual void Consume(size_t bytes) = 0;
    /// \return true once the peer has finished and all its bytes were consumed
    virtual bool AtEof() const = 0;
    /// FIN behind the bytes written so far; reading goes on.
    virtual void Finish() = 0;
    /// Ends both directions cleanly behind the bytes written so far. The user lets go of the conn.
    virtual void Close() = 0;
    /// RST, at once or behind the bytes written (200 ms at most). The user lets go of the conn.
    virtual void Reset(bool drain) = 0;

  protected:
    ~ByteConn() = default;
};

/// Who holds a conn; `key` is the number the user gave it.
class ConnUser
{
  public:
    virtual void ConnOpened(uint32_t key) = 0;
    /// The conn is gone.
    virtual void ConnFailed(uint32_t key, qn_err why) = 0;
    /// Peek shows more than before, or AtEof became true.
    virtual void ConnReadable(uint32_t key) = 0;
    virtual void ConnWritable(uint32_t key) = 0;
    /// The peer sent RST. The conn is gone.
    virtual void ConnReset(uint32_t key) = 0;

  protected:
    ~ConnUser() = default;
};

} // namespace qnet

#endif

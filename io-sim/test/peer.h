// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * One end of a conn in the tests of transports.
 */
#ifndef QNET_SIM_TEST_PEER_H
#define QNET_SIM_TEST_PEER_H

#include <algorithm>
#include <vector>

#include "sim-time.h"
#include "transport.h"

namespace qnet
{

/// Writes what it was given as fast as the channel takes it, and notes what happens.
class Peer : public ConnUser, public ConnListener
{
  public:
    bool
    Accept(TransportConn* s, const qn_addr&) override
    {
        if (refuses)
        {
            return false;
        }
        socket = s;
        s->SetUser(this, 1);
        openedAt = NowNs();
        Push();
        return true;
    }

    void
    ConnOpened(uint32_t) override
    {
        openedAt = NowNs();
        Push();
    }

    void
    ConnFailed(uint32_t, qn_err why) override
    {
        failure = why;
        failedAt = NowNs();
    }

    void
    ConnReadable(uint32_t) override
    {
        if (reads)
        {
            Pull();
        }
    }

    void
    ConnWritable(uint32_t) override
    {
        Push();
    }

    void
    ConnReset(uint32_t) override
    {
        resetAt = NowNs();
        socket = nullptr;
    }

    void
    Push()
    {
        while (toSend > 0 && socket != nullptr)
        {
            std::vector<uint8_t> bytes(std::min<size_t>(toSend, 40000));
            for (size_t i = 0; i < bytes.size(); i++)
            {
                bytes[i] = static_cast<uint8_t>((sent + i) * 31);
            }
            qn_slice slice{bytes.data(), bytes.size()};
            size_t taken = socket->Write(&slice, 1);
            sent += taken;
            toSend -= taken;
            if (taken < bytes.size())
            {
                return;
            }
        }
    }

    void
    Pull()
    {
        qn_slice piece;
        while (socket->Peek(&piece, 1) > 0)
        {
            for (size_t i = 0; i < piece.n; i++)
            {
                inOrder = inOrder && piece.p[i] == static_cast<uint8_t>((got + i) * 31);
            }
            got += piece.n;
            lastAt = NowNs();
            socket->Consume(piece.n);
        }
        if (socket->AtEof() && eofAt < 0)
        {
            eofAt = NowNs();
        }
    }

    TransportConn* socket = nullptr;
    bool refuses = false;
    bool reads = true;
    bool inOrder = true;
    size_t toSend = 0;
    size_t sent = 0;
    size_t got = 0;
    qn_err failure = QN_OK;
    int64_t openedAt = -1;
    int64_t failedAt = -1;
    int64_t resetAt = -1;
    int64_t eofAt = -1;
    int64_t lastAt = -1;
};

} // namespace qnet

#endif

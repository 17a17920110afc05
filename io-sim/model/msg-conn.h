// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Both ends of a conn in one allocation. It lives while an end has a user, or an event, a chunk on
 * its way or an uplink's ring still names it.
 */
#ifndef QNET_SIM_MSG_CONN_H
#define QNET_SIM_MSG_CONN_H

#include "msg-channel.h"

namespace qnet
{

struct MsgConn
{
    MsgConn(MsgChannel* owner, MsgConn*& first)
        : channel(owner),
          next(first),
          link(&first)
    {
        if (next != nullptr)
        {
            next->link = &next;
        }
        for (MsgSocket& s : side)
        {
            s.m_conn = this;
        }
    }

    MsgSocket*
    Other(const MsgSocket* s)
    {
        return s == &side[0] ? &side[1] : &side[0];
    }

    MsgSocket side[2]; ///< [0] connected, [1] was accepted
    MsgChannel* channel;
    Transport::Address to; ///< where the SYN goes
    int64_t latency = 0;
    uint32_t flow = Border::NO_FLOW; ///< on a border
    uint32_t refs = 0;
    MsgConn* next; ///< in the channel's list
    MsgConn** link;
};

} // namespace qnet

#endif

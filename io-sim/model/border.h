// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What stands on a region's border and judges the bytes of every conn that crosses it.
 */
#ifndef QNET_SIM_BORDER_H
#define QNET_SIM_BORDER_H

#include <cstdint>

#include "qnet/addr.h"
#include "qnet/env.h"

namespace qnet
{

class Border
{
  public:
    enum class Act
    {
        Pass,
        Lose, ///< this packet only: TCP sends its bytes again
        Drop, ///< nothing more passes on this conn, and nobody is told
        Reset ///< both ends are sent a RST
    };

    struct Verdict
    {
        Act act;
        int64_t waitNs; ///< with Lose: after which the bytes would pass
    };

    static constexpr uint32_t NO_FLOW = UINT32_MAX;

    /// Whether anything stands on this region's border.
    virtual bool Guards(uint32_t region) const = 0;
    /// A SYN between two regions.
    /// \param flow set to its number, or NO_FLOW if it does not cross
    virtual Verdict Open(uint32_t fromRegion,
                         const qn_addr& from,
                         uint32_t toRegion,
                         const qn_addr& to,
                         uint32_t* flow) = 0;
    /// Bytes of a flow, in order. \param up whether they come from who opened it
    virtual Verdict See(uint32_t flow, bool up, const uint8_t* bytes, size_t n) = 0;
    /// Bytes in order that were let through before those ahead of them: only looked into.
    virtual Verdict Look(uint32_t flow, bool up, const uint8_t* bytes, size_t n) = 0;
    /// So many bytes out of order, or sent again, `later` ns from now: not looked into.
    virtual Verdict Again(uint32_t flow, bool up, size_t n, int64_t later) = 0;
    virtual void Close(uint32_t flow) = 0;

  protected:
    ~Border() = default;
};

} // namespace qnet

#endif

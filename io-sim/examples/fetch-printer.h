// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Prints how fetches ended, for the examples.
 */
#ifndef QNET_SIM_FETCH_PRINTER_H
#define QNET_SIM_FETCH_PRINTER_H

#include <cstdio>

#include "sim-time.h"
#include "socks-fetch.h"

namespace qnet
{

class FetchPrinter : public FetchUser
{
  public:
    void
    FetchEnded(SocksFetch& fetch) override
    {
        m_ended++;
        m_done += fetch.GetOutcome() == FetchOutcome::Done;
        std::printf("fetch from %.3f s on: %s, %llu bytes over %u hop, first byte after %lld ms, "
                    "last after %lld ms\n",
                    static_cast<double>(fetch.GetStartNs()) / NS_PER_SECOND,
                    FetchOutcomeName(fetch.GetOutcome()),
                    static_cast<unsigned long long>(fetch.GetBytes()),
                    fetch.GetHops(),
                    static_cast<long long>(fetch.GetFirstByteNs() / NS_PER_MS),
                    static_cast<long long>(fetch.GetLastByteNs() / NS_PER_MS));
    }

    bool
    AllDone() const
    {
        return m_ended > 0 && m_done == m_ended;
    }

  private:
    unsigned m_ended = 0;
    unsigned m_done = 0;
};

} // namespace qnet

#endif

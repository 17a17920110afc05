// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The line that shows a run is alive: simulated time, speed, time left, memory. On standard error;
 * on a terminal it rewrites itself, elsewhere it comes now and then.
 */
#ifndef QNET_SIM_PROGRESS_H
#define QNET_SIM_PROGRESS_H

#include <chrono>
#include <cstdint>

namespace qnet
{

class Progress
{
  public:
    /// \param stop the simulated end in ns
    Progress(uint64_t stop, bool quiet);

    /// Ends the rewritten line.
    void Done();
    uint64_t WallMs() const;

  private:
    void Look();
    void Print(uint64_t wallMs) const;

    uint64_t m_stop;
    bool m_quiet;
    bool m_terminal;
    std::chrono::steady_clock::time_point m_start;
    uint64_t m_printed = 0; ///< wall ms
};

/// Peak resident memory of this process.
uint64_t PeakKib();

} // namespace qnet

#endif

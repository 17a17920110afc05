// SPDX-License-Identifier: GPL-2.0-only
#include "progress.h"

#include <cinttypes>
#include <cstdio>

#include <sys/resource.h>
#include <unistd.h>

#include "sim-time.h"

namespace qnet
{

namespace
{

constexpr uint64_t TERMINAL_MS = 250;
constexpr uint64_t LOG_MS = 5000;
constexpr uint64_t LOOKS = 400; ///< in a run; each costs one event

} // namespace

Progress::Progress(uint64_t stop, bool quiet)
    : m_stop(stop),
      m_quiet(quiet),
      m_terminal(isatty(STDERR_FILENO) == 1),
      m_start(std::chrono::steady_clock::now())
{
    ns3::Simulator::Schedule(Ns(static_cast<int64_t>(m_stop / LOOKS + 1)), &Progress::Look, this);
}

uint64_t
Progress::WallMs() const
{
    auto spent = std::chrono::steady_clock::now() - m_start;
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(spent).count());
}

void
Progress::Look()
{
    uint64_t wall = WallMs();
    if (!m_quiet && wall - m_printed >= (m_terminal ? TERMINAL_MS : LOG_MS))
    {
        m_printed = wall;
        Print(wall);
    }
    ns3::Simulator::Schedule(Ns(static_cast<int64_t>(m_stop / LOOKS + 1)), &Progress::Look, this);
}

void
Progress::Print(uint64_t wall) const
{
    auto now = static_cast<uint64_t>(NowNs());
    uint64_t nowMs = now / 1000000;
    uint64_t leftMs = nowMs > 0 ? (m_stop / 1000000 - nowMs) * wall / nowMs : 0;
    uint64_t speed = wall > 0 ? nowMs * 100 / wall : 0; // hundredths of a simulated s per wall s
    std::fprintf(stderr,
                 "%s%" PRIu64 ".%" PRIu64 " s of %" PRIu64 " s (%" PRIu64 " %%), %" PRIu64
                 ".%02" PRIu64 " sim-s/s, %" PRIu64 " s left, %" PRIu64 " MiB   %s",
                 m_terminal ? "\r" : "",
                 nowMs / 1000,
                 nowMs % 1000 / 100,
                 m_stop / 1000000000,
                 now * 100 / m_stop,
                 speed / 100,
                 speed % 100,
                 (leftMs + 999) / 1000,
                 PeakKib() / 1024,
                 m_terminal ? "" : "\n");
    std::fflush(stderr);
}

void
Progress::Done()
{
    if (!m_quiet && m_terminal && m_printed > 0)
    {
        std::fputc('\n', stderr);
    }
}

uint64_t
PeakKib()
{
    struct rusage usage = {};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<uint64_t>(usage.ru_maxrss);
}

} // namespace qnet

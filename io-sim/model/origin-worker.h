// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The thread on which all simulated web sites compute (docs/decisions/0037). What a site answers
 * leaves it a millisecond of simulated time after it was asked, so its TLS can be done meanwhile,
 * on a processor that a simulation else leaves idle.
 *
 * Nothing depends on when the thread is done: jobs are done in the order they were given, and
 * whoever needs the outcome of one waits for it.
 */
#ifndef QNET_SIM_ORIGIN_WORKER_H
#define QNET_SIM_ORIGIN_WORKER_H

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <thread>

namespace qnet
{

/// What a site says to something it was told.
struct OriginSaid
{
    std::string bytes;
    bool over = false;     ///< the visit ends behind these bytes
    uint64_t requests = 0; ///< that were asked
};

class OriginWorker
{
  public:
    using Job = std::packaged_task<OriginSaid()>;

    /// Jobs that may wait. A site's job keeps what one segment brought, so this is some MiB; and
    /// who is a thousand handshakes ahead will wait for this thread anyway.
    static constexpr size_t LIMIT = 1024;

    OriginWorker() = default;
    /// Does what was given, then ends the thread.
    ~OriginWorker();
    OriginWorker(const OriginWorker&) = delete;
    OriginWorker& operator=(const OriginWorker&) = delete;

    /// Waits while LIMIT jobs wait. The thread begins with the first job.
    /// \return what the job returned or threw, once it is done
    std::future<OriginSaid> Give(Job job);
    size_t GetWaiting() const;

  private:
    void Work();
    bool Take(Job* job);

    mutable std::mutex m_mutex;
    std::condition_variable m_given; ///< a job, or the end
    std::condition_variable m_taken; ///< a job, so that there is room
    std::deque<Job> m_jobs;
    bool m_ending = false;
    std::thread m_thread;
};

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
#include "origin-worker.h"

#include <utility>

namespace qnet
{

OriginWorker::~OriginWorker()
{
    if (!m_thread.joinable())
    {
        return;
    }
    {
        std::lock_guard<std::mutex> lock(m_mutex);
        m_ending = true;
    }
    m_given.notify_one();
    m_thread.join();
}

std::future<OriginSaid>
OriginWorker::Give(Job job)
{
    std::future<OriginSaid> said = job.get_future();
    if (!m_thread.joinable())
    {
        m_thread = std::thread(&OriginWorker::Work, this);
    }
    {
        std::unique_lock<std::mutex> lock(m_mutex);
        m_taken.wait(lock, [this]() { return m_jobs.size() < LIMIT; });
        m_jobs.push_back(std::move(job));
    }
    m_given.notify_one();
    return said;
}

size_t
OriginWorker::GetWaiting() const
{
    std::lock_guard<std::mutex> lock(m_mutex);
    return m_jobs.size();
}

void
OriginWorker::Work()
{
    Job job;
    while (Take(&job))
    {
        job(); // what it throws goes to who waits for it
        job = Job();
    }
}

/// \return false: there are no more
bool
OriginWorker::Take(Job* job)
{
    {
        std::unique_lock<std::mutex> lock(m_mutex);
        m_given.wait(lock, [this]() { return m_ending || !m_jobs.empty(); });
        if (m_jobs.empty())
        {
            return false;
        }
        *job = std::move(m_jobs.front());
        m_jobs.pop_front();
    }
    m_taken.notify_one();
    return true;
}

} // namespace qnet

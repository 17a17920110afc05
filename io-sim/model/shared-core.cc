// SPDX-License-Identifier: GPL-2.0-only
#include "shared-core.h"

#include <cstdlib>
#include <new>

#include "sim-time.h"

namespace qnet
{

namespace
{

void*
MemGet(void*, size_t n)
{
    return std::malloc(n);
}

void
MemPut(void*, void* p, size_t)
{
    std::free(p);
}

} // namespace

SharedCore::SharedCore(uint64_t seed, int64_t epoch)
    : m_seed(seed),
      m_epoch(epoch),
      m_engine(qn_engine_new()),
      m_internMem{MemGet, MemPut, nullptr, 0, 0, UINT64_MAX},
      m_intern(qn_intern_new(&m_internMem))
{
    if (m_engine == nullptr || m_intern == nullptr)
    {
        throw std::bad_alloc();
    }
}

SharedCore::~SharedCore()
{
    qn_intern_free(m_intern);
    qn_engine_free(m_engine);
}

qn_env
SharedCore::MakeEnv(qn_drbg* drbg) const
{
    qn_env env{};
    env.rng = qn_rng{qn_drbg_fill, drbg};
    env.mem = qn_mem{MemGet, MemPut, nullptr, 0, 0, UINT64_MAX};
    env.engine = m_engine;
    Stamp(&env);
    return env;
}

void
SharedCore::Stamp(qn_env* env) const
{
    // The core reads 0 as "never" in places, so simulated time zero is one second on its clock.
    int64_t now = NowNs();
    env->now = static_cast<qn_time>(now + NS_PER_SECOND);
    env->wall = m_epoch + now / NS_PER_SECOND;
}

uint64_t
SharedCore::GetSeed() const
{
    return m_seed;
}

qn_intern*
SharedCore::GetIntern() const
{
    return m_intern;
}

} // namespace qnet

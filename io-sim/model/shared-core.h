// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What the nodes of one simulation share: the core's engine (one thread, one engine), its table of
 * verified snapshots, the network file, and the outside they all live in (transport, names, epoch).
 */
#ifndef QNET_SIM_SHARED_CORE_H
#define QNET_SIM_SHARED_CORE_H

#include <map>
#include <string>
#include <vector>

#include "ns3/ptr.h"

#include "transport.h"

namespace qnet
{

/// What work costs a processor, ns; all 0: nothing.
struct CpuCosts
{
    uint64_t kib = 0;       ///< of bytes sealed or opened
    uint64_t cell = 0;      ///< handled
    uint64_t dh = 0;        ///< an X25519 operation
    uint64_t handshake = 0; ///< completed
    uint64_t write = 0;     ///< bytes handed to a socket or taken from one, once

    bool
    Any() const
    {
        return (kib | cell | dh | handshake | write) != 0;
    }
};

class SharedCore
{
  public:
    /// \param epoch Unix seconds at simulated time zero. Throws std::bad_alloc when out of memory.
    SharedCore(uint64_t seed, int64_t epoch);
    ~SharedCore();
    SharedCore(const SharedCore&) = delete;
    SharedCore& operator=(const SharedCore&) = delete;

    /// An env stamped with the simulated time, drawing from `drbg`, charged to its own counters.
    qn_env MakeEnv(qn_drbg* drbg) const;
    /// env->now and env->wall of this moment.
    void Stamp(qn_env* env) const;

    uint64_t GetSeed() const;
    qn_intern* GetIntern() const;

    qn_network network{};
    ns3::Ptr<Transport> transport;
    std::map<std::string, std::vector<qn_addr>> names; ///< the simulated DNS
    int64_t resolveNs = 0;                             ///< what an answer from it takes
    CpuCosts cpu;
    std::vector<uint8_t> newestList; ///< as a super peer last stored it

  private:
    uint64_t m_seed;
    int64_t m_epoch;
    qn_engine* m_engine;
    qn_mem m_internMem;
    qn_intern* m_intern;
};

} // namespace qnet

#endif

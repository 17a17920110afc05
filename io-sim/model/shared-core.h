// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * What the nodes of one simulation share: the core's engine (one thread, one engine), its table of
 * verified snapshots, the network file, and the outside they all live in (transport, names, epoch).
 */
#ifndef QNET_SIM_SHARED_CORE_H
#define QNET_SIM_SHARED_CORE_H

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ns3/ptr.h"

#include "liar/liar.h"

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

/// How often a promise of DESIGN.md was seen broken by a node: none may be.
struct PromiseCounts
{
    uint64_t memory = 0;  ///< P4: it held a tenth more than its cap
    uint64_t lists = 0;   ///< P5: its list went back
    uint64_t exits = 0;   ///< P6: it dialled an address that is not global
    uint64_t outside = 0; ///< P9: as a client it dialled no node, or asked for no node's name
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
    std::set<uint64_t> listeners;    ///< KeyOf where nodes accept links
    liars* liar = nullptr;           ///< who lies about cells; null: nobody can

    static uint64_t
    KeyOf(const qn_addr& addr)
    {
        uint64_t key = 0;
        for (unsigned i = 0; i < 8; i++)
        {
            key = key << 8 | addr.ip[i];
        }
        return key;
    }

  private:
    uint64_t m_seed;
    int64_t m_epoch;
    qn_engine* m_engine;
    qn_mem m_internMem;
    qn_intern* m_intern;
};

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Who went by which list when: what partitions leave behind. A node that is down has no view; one
 * that is back goes by the list it had until a newer comes.
 */
#ifndef QNET_SIM_VIEWS_H
#define QNET_SIM_VIEWS_H

#include "recorder.h"
#include "statistics.h"

namespace qnet
{

/// Nodes whose list was older than the newest that anybody had, at one moment.
struct ViewRow
{
    int64_t at; ///< ns
    uint32_t clients;
    uint32_t others;
};

struct Views
{
    uint64_t versions = 0;        ///< of lists that were used
    uint64_t staleNs = 0;         ///< all nodes' times with a list older than the newest, together
    uint64_t worstNs = 0;         ///< the longest of one node without a break
    uint64_t supersededUsers = 0; ///< clients that began a fetch by such a list
    uint64_t expiredUsers = 0;    ///< clients that began one by a list past its validity
    std::vector<ViewRow> rows;    ///< whenever it changed
};

Views ViewsOf(const Simulation& simulation, const Recorder& recorder);

/// From the end of partitions to the moment when all who are up and have a list have the same.
struct Convergence
{
    uint64_t heals = 0;
    std::vector<uint64_t> others; ///< ns, without clients
    uint64_t neverOthers = 0;     ///< not by the end of the run
    std::vector<uint64_t> all;    ///< ns
    uint64_t never = 0;           ///< likewise
};

Convergence ConvergenceOf(const Views& views, const std::vector<int64_t>& heals);

/// Whether the two sides of a partition went by different lists.
struct Split
{
    uint64_t twoLists = 0; ///< versions of which there were lists with different contents
    uint64_t differNs = 0; ///< from a partition's begin until both have the same after its end
};

Split SplitOf(const Simulation& simulation, const Recorder& recorder);

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
#include "recovery.h"

#include <map>
#include <set>

namespace qnet
{

namespace
{

/// When it ended; never, if it had not when the run did.
int64_t
EndOf(const StreamRow& row)
{
    return row.outcome != FetchOutcome::Unfinished ? row.over : INT64_MAX;
}

bool
Alive(const StreamRow& row, int64_t at)
{
    return row.start < at && at <= EndOf(row);
}

/// When its first byte came; never, if none did.
int64_t
FirstByteOf(const StreamRow& row)
{
    return row.first >= 0 ? row.start + row.first : INT64_MAX;
}

using Fetches = std::vector<const StreamRow*>;

std::map<uint32_t, Fetches>
ByClient(const Recorder& recorder)
{
    std::map<uint32_t, Fetches> out;
    for (const StreamRow& row : recorder.GetStreams())
    {
        out[row.client].push_back(&row);
    }
    return out;
}

/// The first byte after `at` of a fetch that was done. \return INT64_MAX: none
int64_t
NextFirstByte(const Fetches& fetches, int64_t at)
{
    int64_t next = INT64_MAX;
    for (const StreamRow* row : fetches)
    {
        int64_t first = FirstByteOf(*row);
        if (row->outcome == FetchOutcome::Done && first > at)
        {
            next = std::min(next, first);
        }
    }
    return next;
}

/// Of the time from one moment to another, that in which some fetch had no first byte yet.
uint64_t
Waited(const Fetches& fetches, int64_t from, int64_t to)
{
    std::vector<std::pair<int64_t, int64_t>> spans;
    for (const StreamRow* row : fetches)
    {
        int64_t begin = std::max(row->start, from);
        int64_t end = std::min({FirstByteOf(*row), EndOf(*row), to});
        if (begin < end)
        {
            spans.emplace_back(begin, end);
        }
    }
    std::sort(spans.begin(), spans.end());
    int64_t sum = 0;
    int64_t done = from;
    for (auto [begin, end] : spans)
    {
        sum += std::max<int64_t>(end - std::max(begin, done), 0);
        done = std::max(done, end);
    }
    return static_cast<uint64_t>(sum);
}

} // namespace

std::vector<int64_t>
FaultMoments(const Simulation& simulation)
{
    std::set<int64_t> moments;
    for (const PlannedFault& fault : simulation.GetFaults())
    {
        if (fault.from < simulation.GetScenario().stop)
        {
            moments.insert(static_cast<int64_t>(fault.from));
        }
    }
    return {moments.begin(), moments.end()};
}

std::vector<int64_t>
HealMoments(const Simulation& simulation)
{
    std::set<int64_t> moments;
    for (const PlannedFault& fault : simulation.GetFaults())
    {
        if (fault.node == PlannedFault::NOBODY && fault.until < simulation.GetScenario().stop)
        {
            moments.insert(static_cast<int64_t>(fault.until));
        }
    }
    return {moments.begin(), moments.end()};
}

Survival
SurvivalAt(const Recorder& recorder, const std::vector<int64_t>& moments)
{
    Survival out;
    for (const StreamRow& row : recorder.GetStreams())
    {
        auto met = std::upper_bound(moments.begin(), moments.end(), row.start);
        if (met == moments.end() || !Alive(row, *met))
        {
            continue;
        }
        out.alive++;
        out.survived += row.outcome == FetchOutcome::Done;
        out.unfinished += row.outcome == FetchOutcome::Unfinished;
    }
    out.lost = out.alive - out.survived - out.unfinished;
    return out;
}

Returns
ReturnsAfter(const Recorder& recorder, const std::vector<int64_t>& moments, bool concerned)
{
    Returns out;
    for (const auto& [client, fetches] : ByClient(recorder))
    {
        for (int64_t at : moments)
        {
            bool meant =
                !concerned || std::any_of(fetches.begin(), fetches.end(), [at](const auto* row) {
                    return Alive(*row, at);
                });
            if (!meant)
            {
                continue;
            }
            int64_t next = NextFirstByte(fetches, at);
            if (next == INT64_MAX)
            {
                out.never++;
                continue;
            }
            out.until.push_back(static_cast<uint64_t>(next - at));
            out.waited.push_back(Waited(fetches, at, next));
        }
    }
    return out;
}

Waste
WasteOf(const Simulation& simulation, const Recorder& recorder)
{
    Waste out;
    for (const StreamRow& row : recorder.GetStreams())
    {
        bool failed = row.outcome != FetchOutcome::Done && row.outcome != FetchOutcome::Unfinished;
        out.client += failed ? row.bytes : 0;
    }
    uint64_t carried = 0;
    uint64_t got = 0;
    for (const Member& member : simulation.GetMembers())
    {
        qn_counters counters = simulation.ResultOf(member.app->GetHost()).counters;
        carried += counters.exit_bytes;
        got += member.app->GetMode() == QN_CLIENT ? counters.app_up + counters.app_down : 0;
    }
    out.exit = carried > got ? carried - got : 0;
    return out;
}

} // namespace qnet

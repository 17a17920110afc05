// SPDX-License-Identifier: GPL-2.0-only
#include "views.h"

#include <map>
#include <set>
#include <tuple>

#include "sim-time.h"

namespace qnet
{

namespace
{

constexpr int64_t FRESH = -1;
constexpr int64_t LIST_LIFE_S = 3600; ///< QN_SNAPSHOT_LIVES_S of proto/base/limits.h

/// Something that changes who goes by what.
struct Change
{
    enum Kind
    {
        Down,
        Up,
        Listed,
        Asked
    };

    int64_t at;
    Kind kind;
    uint32_t node;
    uint64_t version; ///< Listed
};

std::vector<Change>
ChangesOf(const Simulation& simulation, const Recorder& recorder)
{
    std::vector<Change> all;
    for (const ListRow& row : recorder.GetLists())
    {
        all.push_back({row.at, Change::Listed, row.node, row.version});
    }
    for (const PlannedFault& fault : simulation.GetFaults())
    {
        if (IsOutage(fault.kind))
        {
            all.push_back({static_cast<int64_t>(fault.from), Change::Down, fault.node, 0});
            uint64_t until = std::min<uint64_t>(fault.until, INT64_MAX);
            all.push_back({static_cast<int64_t>(until), Change::Up, fault.node, 0});
        }
    }
    for (const StreamRow& row : recorder.GetStreams())
    {
        all.push_back({row.start, Change::Asked, row.client, 0});
    }
    std::stable_sort(all.begin(), all.end(), [](const Change& a, const Change& b) {
        return std::tie(a.at, a.kind) < std::tie(b.at, b.kind);
    });
    return all;
}

/// Follows the changes and adds up.
class Follower
{
  public:
    explicit Follower(const Simulation& simulation)
        : m_simulation(simulation),
          m_nodes(simulation.GetMembers().size())
    {
    }

    Views
    Follow(const std::vector<Change>& changes)
    {
        auto stop = static_cast<int64_t>(m_simulation.GetScenario().stop);
        for (const Change& change : changes)
        {
            if (change.at <= stop)
            {
                Take(change);
            }
        }
        for (uint32_t i = 0; i < m_nodes.size(); i++)
        {
            Refresh(i, stop);
        }
        m_out.supersededUsers = m_superseded.size();
        m_out.expiredUsers = m_expired.size();
        return std::move(m_out);
    }

  private:
    struct Node
    {
        uint64_t version = 0;  ///< 0: it has no list
        int64_t since = FRESH; ///< its list is not the newest
        uint32_t outages = 0;  ///< that last
    };

    void
    Take(const Change& change)
    {
        Node& node = m_nodes[change.node];
        switch (change.kind)
        {
        case Change::Down:
            Refresh(change.node, change.at);
            node.outages++;
            break;
        case Change::Up:
            node.outages--;
            break;
        case Change::Listed:
            node.version = change.version;
            Newest(change.version, change.at);
            break;
        case Change::Asked:
            Ask(change);
            return;
        }
        Judge(change.node, change.at);
        Write(change.at);
    }

    void
    Newest(uint64_t version, int64_t at)
    {
        if (version <= m_newest)
        {
            return;
        }
        m_newest = version;
        m_out.versions++;
        for (uint32_t i = 0; i < m_nodes.size(); i++)
        {
            Judge(i, at);
        }
    }

    /// Whether its list is the newest from now on.
    void
    Judge(uint32_t i, int64_t at)
    {
        Node& node = m_nodes[i];
        bool stale = node.outages == 0 && node.version != 0 && node.version < m_newest;
        if (!stale)
        {
            Refresh(i, at);
        }
        else if (node.since == FRESH)
        {
            node.since = at;
            Count(i) += 1;
        }
    }

    void
    Refresh(uint32_t i, int64_t at)
    {
        Node& node = m_nodes[i];
        if (node.since != FRESH)
        {
            auto took = static_cast<uint64_t>(at - node.since);
            m_out.staleNs += took;
            m_out.worstNs = std::max(m_out.worstNs, took);
            node.since = FRESH;
            Count(i) -= 1;
        }
    }

    void
    Ask(const Change& change)
    {
        const Node& node = m_nodes[change.node];
        if (node.since != FRESH)
        {
            m_superseded.insert(change.node);
        }
        auto wall = m_simulation.GetScenario().epoch + change.at / NS_PER_SECOND;
        auto until = static_cast<int64_t>(node.version) + LIST_LIFE_S;
        if (node.version != 0 && wall > until)
        {
            m_expired.insert(change.node);
        }
    }

    uint32_t&
    Count(uint32_t i)
    {
        bool client = m_simulation.GetMembers()[i].app->GetMode() == QN_CLIENT;
        return client ? m_clients : m_others;
    }

    void
    Write(int64_t at)
    {
        if (!m_out.rows.empty() && m_out.rows.back().at == at)
        {
            m_out.rows.pop_back(); // what counts is how a moment ends
        }
        m_out.rows.push_back({at, m_clients, m_others});
    }

    const Simulation& m_simulation;
    std::vector<Node> m_nodes;
    uint64_t m_newest = 0;
    uint32_t m_clients = 0; ///< with an old list
    uint32_t m_others = 0;
    std::set<uint32_t> m_superseded;
    std::set<uint32_t> m_expired;
    Views m_out;
};

/// When a count of old lists is next zero. \return INT64_MAX: not in this run
template <typename Old>
int64_t
NextWithout(const std::vector<ViewRow>& rows, int64_t from, Old old)
{
    uint32_t now = 0;
    for (const ViewRow& row : rows)
    {
        if (row.at > from && now == 0)
        {
            return from;
        }
        now = old(row);
        if (row.at > from && now == 0)
        {
            return row.at;
        }
    }
    return now == 0 ? from : INT64_MAX;
}

void
Add(int64_t from, int64_t until, std::vector<uint64_t>& took, uint64_t& never)
{
    if (until == INT64_MAX)
    {
        never++;
        return;
    }
    took.push_back(static_cast<uint64_t>(until - from));
}

bool
OnSideA(const PlannedFault& fault, uint32_t region)
{
    return region == fault.a;
}

bool
OnSideB(const PlannedFault& fault, uint32_t region)
{
    return fault.kind == FaultKind::CutOff ? region != fault.a : region == fault.b;
}

/// From its begin, the time in which one side had newer lists, until both have the same after its
/// end.
uint64_t
DifferNs(const Simulation& simulation, const Recorder& recorder, const PlannedFault& fault)
{
    auto from = static_cast<int64_t>(fault.from);
    auto stop = static_cast<int64_t>(simulation.GetScenario().stop);
    int64_t heal =
        static_cast<int64_t>(std::min<uint64_t>(fault.until, simulation.GetScenario().stop));
    uint64_t a = 0; // the newest list on each side
    uint64_t b = 0;
    int64_t at = from;
    int64_t sum = 0;
    for (const ListRow& row : recorder.GetLists())
    {
        if (row.at > heal && a == b)
        {
            return static_cast<uint64_t>(sum);
        }
        if (row.at > from)
        {
            sum += a != b ? row.at - at : 0;
            at = row.at;
        }
        uint32_t region = simulation.GetMembers()[row.node].region;
        a = OnSideA(fault, region) ? std::max(a, row.version) : a;
        b = OnSideB(fault, region) ? std::max(b, row.version) : b;
    }
    sum += a != b ? stop - at : 0;
    return static_cast<uint64_t>(sum);
}

} // namespace

Views
ViewsOf(const Simulation& simulation, const Recorder& recorder)
{
    return Follower(simulation).Follow(ChangesOf(simulation, recorder));
}

Convergence
ConvergenceOf(const Views& views, const std::vector<int64_t>& heals)
{
    Convergence out;
    for (int64_t heal : heals)
    {
        out.heals++;
        int64_t others =
            NextWithout(views.rows, heal, [](const ViewRow& row) { return row.others; });
        int64_t all = NextWithout(
            views.rows, heal, [](const ViewRow& row) { return row.others + row.clients; });
        Add(heal, others, out.others, out.neverOthers);
        Add(heal, all, out.all, out.never);
    }
    return out;
}

Split
SplitOf(const Simulation& simulation, const Recorder& recorder)
{
    Split out;
    std::map<uint64_t, uint64_t> hashes;
    std::set<uint64_t> twice;
    for (const ListRow& row : recorder.GetLists())
    {
        auto known = hashes.emplace(row.version, row.hash).first;
        if (known->second != row.hash)
        {
            twice.insert(row.version);
        }
    }
    out.twoLists = twice.size();
    for (const PlannedFault& fault : simulation.GetFaults())
    {
        if (fault.node == PlannedFault::NOBODY)
        {
            out.differNs += DifferNs(simulation, recorder, fault);
        }
    }
    return out;
}

} // namespace qnet

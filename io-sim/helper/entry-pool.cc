// SPDX-License-Identifier: GPL-2.0-only
#include "entry-pool.h"

#include <algorithm>
#include <cstring>

#include "ns3/simulator.h"

#include "draws.h"
#include "map-reader.h"
#include "sim-time.h"

extern "C"
{
#include "qnet/invitation.h"
}

namespace qnet
{

using ns3::Simulator;

namespace
{

constexpr int64_t DAY = 86400; ///< of the policy, s

} // namespace

EntryPool::EntryPool(const EntriesSpec& spec,
                     const std::string& group,
                     const SharedCore& shared,
                     Learn learn)
    : m_spec(spec),
      m_group(group),
      m_shared(shared),
      m_learn(std::move(learn))
{
    qn_drbg_init(&m_drbg, "qnet-sim-entries", shared.GetSeed(), 0);
    m_env = shared.MakeEnv(&m_drbg);
    m_policy = {spec.every, spec.young, spec.share};
    qn_drbg_fill(&m_drbg, m_key.b, sizeof m_key.b);
}

void
EntryPool::AddEntry(const ns3::Ptr<NodeApp>& app, const qn_addr& address)
{
    Entry entry{app, address, {}, INT64_MAX, false};
    qn_drbg_fill(&m_drbg, entry.psk.b, sizeof entry.psk.b);
    app->SetUnlisted(entry.psk);
    m_entries.push_back(entry);
}

void
EntryPool::AddPerson(const ns3::Ptr<NodeApp>& app, uint32_t index, int64_t start)
{
    m_byNode[index] = static_cast<uint32_t>(m_people.size());
    auto name = static_cast<uint32_t>(m_people.size());
    m_people.push_back({{{}, name, NOTHING}, app, start, false, false});
}

/// Everybody has a time of day. People ask a moment before their program starts for the first time,
/// the censor's accounts from the first day on.
void
EntryPool::Begin(int64_t stop)
{
    auto day = static_cast<int64_t>(m_spec.day);
    m_began = stop;
    for (const Person& person : m_people)
    {
        m_began = std::min(m_began, person.start);
    }
    Simulator::Schedule(Ns(m_began - 2 * NS_PER_MS), &EntryPool::Arrange, this);
    for (uint32_t i = 0; i < m_people.size(); i++)
    {
        int64_t start = m_people[i].start;
        Simulator::Schedule(Ns(start - NS_PER_MS), &EntryPool::Arrive, this, i);
        for (int64_t at = start + day; at < stop; at += day)
        {
            Simulator::Schedule(Ns(at), &EntryPool::PersonDay, this, i);
        }
    }
    for (uint32_t i = 0; i < m_spec.agents; i++)
    {
        m_agents.push_back({{}, static_cast<uint32_t>(m_people.size()) + i, NOTHING});
        int64_t hour = day / (m_spec.agents + 1) * (i + 1);
        for (int64_t at = m_began + hour; at < stop; at += day)
        {
            Simulator::Schedule(Ns(at), &EntryPool::AgentDay, this, i);
        }
    }
}

void
EntryPool::Arrange()
{
    for (const Entry& entry : m_entries)
    {
        m_ids.push_back(entry.app->GetStatus().id);
    }
    std::vector<qn_peerid> as = m_ids;
    qn_handout_arrange(&m_key, m_ids.data(), static_cast<uint32_t>(m_ids.size()));
    for (const qn_peerid& id : m_ids)
    {
        auto same = [&id](const qn_peerid& other) { return qn_peerid_equal(&id, &other); };
        m_order.push_back(
            static_cast<uint32_t>(std::find_if(as.begin(), as.end(), same) - as.begin()));
    }
}

EntryPool::Entry&
EntryPool::At(int32_t place)
{
    return m_entries[m_order[static_cast<size_t>(place)]];
}

int64_t
EntryPool::WallNow() const
{
    int64_t days = (NowNs() - m_began) / static_cast<int64_t>(m_spec.day);
    return m_shared.MakeEnv(nullptr).wall + days * DAY;
}

bool
EntryPool::GrowsOld(const Account& account, int64_t wall) const
{
    return !account.a.old &&
           wall - account.a.since >= static_cast<int64_t>(m_policy.young_days) * DAY;
}

/// \return whether the account has another entry than before
bool
EntryPool::Ask(Account& account, bool lost, int64_t wall)
{
    const uint8_t name[] = {static_cast<uint8_t>(account.name >> 8),
                            static_cast<uint8_t>(account.name)};
    uint32_t place = 0;
    int32_t had = account.has;
    qn_err err = qn_handout_pick(&m_key,
                                 &m_policy,
                                 &account.a,
                                 {name, sizeof name},
                                 lost,
                                 wall,
                                 m_ids.data(),
                                 static_cast<uint32_t>(m_ids.size()),
                                 &place);
    if (err == QN_OK)
    {
        account.has = static_cast<int32_t>(place);
    }
    return account.has != had;
}

// ---- people

/// He has been of the pool for some time already.
void
EntryPool::Came(Person& person, int64_t days)
{
    int64_t wall = WallNow();
    Ask(person.account, false, wall - days * DAY);
    if (GrowsOld(person.account, wall))
    {
        Ask(person.account, false, wall);
    }
}

void
EntryPool::Arrive(uint32_t i)
{
    Person& person = m_people[i];
    Draws draws("qnet-sim-came", m_shared.GetSeed(), i);
    uint64_t days = m_spec.came == 0 ? 0 : draws.Below(m_spec.came);
    Came(person, static_cast<int64_t>(days));
    Hand(person);
}

/// What he does once a day: he looks whether anything has worked since yesterday, and asks.
void
EntryPool::PersonDay(uint32_t i)
{
    Person& person = m_people[i];
    int64_t wall = WallNow();
    bool another = GrowsOld(person.account, wall) && Ask(person.account, false, wall);
    if (person.tried && !person.served && !another)
    {
        uint32_t turn = person.account.a.turn;
        another = Ask(person.account, true, wall);
        m_counts.lost++;
        m_counts.refused += person.account.a.turn == turn;
    }
    person.tried = false;
    person.served = false;
    if (another)
    {
        person.app->Crash();
        Hand(person);
        person.app->Boot();
    }
}

/// Gives him the invitation of his entry, for his program's next start.
void
EntryPool::Hand(Person& person)
{
    const Entry& entry = At(person.account.has);
    char text[QN_INVITATION_TEXT] = "";
    m_shared.Stamp(&m_env);
    qn_slice descriptor = entry.app->GetStored("descriptor");
    if (qn_invitation_make(&m_env, &m_shared.network, descriptor, &entry.psk, text) != QN_OK)
    {
        throw ScenarioError("an entry of group " + m_group +
                            " is not up when somebody is to be invited to it: start the people "
                            "some seconds after it");
    }
    person.app->SetInvited(text);
    m_counts.handed++;
}

void
EntryPool::Fetched(uint32_t index, bool done)
{
    auto found = m_byNode.find(index);
    if (found != m_byNode.end())
    {
        Person& person = m_people[found->second];
        person.tried = true;
        person.served = person.served || done;
    }
}

// ---- the censor's accounts

/// A patient one: it keeps what it has until it is old and was shown an entry of the large shelf,
/// says that this is lost as soon as it may, and begins again.
void
EntryPool::AgentDay(uint32_t i)
{
    Account& agent = m_agents[i];
    int64_t wall = WallNow();
    if (agent.has == NOTHING || GrowsOld(agent, wall))
    {
        Ask(agent, false, wall);
    }
    else if (agent.a.old)
    {
        Ask(agent, true, wall);
    }
    if (agent.has != NOTHING && !At(agent.has).learnt)
    {
        Entry& entry = At(agent.has);
        entry.learnt = true;
        entry.blocked = m_learn(entry.address);
        m_counts.learnt++;
    }
}

// ---- what came of it

const EntryPool::Counts&
EntryPool::GetCounts() const
{
    return m_counts;
}

size_t
EntryPool::Size() const
{
    return m_entries.size();
}

uint64_t
EntryPool::BlockedAt(int64_t at) const
{
    return static_cast<uint64_t>(
        std::count_if(m_entries.begin(), m_entries.end(), [at](const Entry& entry) {
            return entry.blocked <= at;
        }));
}

int64_t
EntryPool::HalfBlocked(int64_t by) const
{
    std::vector<int64_t> times;
    for (const Entry& entry : m_entries)
    {
        times.push_back(entry.blocked);
    }
    std::sort(times.begin(), times.end());
    int64_t half = times[(times.size() - 1) / 2];
    return half > by ? -1 : half;
}

} // namespace qnet

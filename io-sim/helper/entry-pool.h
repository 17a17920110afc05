// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Invitations of unlisted nodes, rationed among people as `qnet pool` does (qnet/handout.h), with
 * accounts of the censor among them: what these are shown, it lists. A day of the policy is as long
 * as the scenario says, so that months fit into a run.
 */
#ifndef QNET_SIM_ENTRY_POOL_H
#define QNET_SIM_ENTRY_POOL_H

#include <functional>
#include <map>
#include <vector>

#include "node-app.h"
#include "scenario.h"
#include "socks-fetch.h"

extern "C"
{
#include "qnet/handout.h"
}

namespace qnet
{

class EntryPool
{
  public:
    /// Told of an address that the censor has come to know. \return ns: when it is blocked
    using Learn = std::function<int64_t(const qn_addr& address)>;

    /// \param spec, `group` (its name) and `shared` outlive the pool
    EntryPool(const EntriesSpec& spec,
              const std::string& group,
              const SharedCore& shared,
              Learn learn);

    /// A node of the group whose members no list names.
    void AddEntry(const ns3::Ptr<NodeApp>& app, const qn_addr& address);
    /// A client who enters by them. \param start ns
    void AddPerson(const ns3::Ptr<NodeApp>& app, uint32_t index, int64_t start);
    /// Arranges all days; after the last entry and person was added.
    void Begin(int64_t stop);
    /// How a fetch of a client ended. \param index the node's
    void Fetched(uint32_t index, bool done);

    struct Counts
    {
        uint64_t handed = 0;  ///< invitations, the first of everybody among them
        uint64_t lost = 0;    ///< times a person said that his did not work
        uint64_t refused = 0; ///< of these, too early for another
        uint64_t learnt = 0;  ///< entries that the censor was shown
    };

    const Counts& GetCounts() const;
    size_t Size() const; ///< entries
    /// Entries that are blocked at a time, ns.
    uint64_t BlockedAt(int64_t at) const;
    /// When half of the entries were blocked, ns, at a time; negative: not by then.
    int64_t HalfBlocked(int64_t by) const;

  private:
    struct Entry
    {
        ns3::Ptr<NodeApp> app;
        qn_addr address;
        qn_secret32 psk;
        int64_t blocked; ///< ns
        bool learnt;
    };

    struct Account
    {
        qn_handout_account a;
        uint32_t name;
        int32_t has; ///< its entry's place; NOTHING
    };

    struct Person
    {
        Account account;
        ns3::Ptr<NodeApp> app;
        int64_t start;
        bool tried; ///< since he last looked
        bool served;
    };

    static constexpr int32_t NOTHING = -1;

    void Arrange();
    bool Ask(Account& account, bool lost, int64_t wall);
    bool GrowsOld(const Account& account, int64_t wall) const;
    int64_t WallNow() const;
    void Came(Person& person, int64_t days);
    void Arrive(uint32_t person);
    void PersonDay(uint32_t person);
    void AgentDay(uint32_t agent);
    void Hand(Person& person);
    Entry& At(int32_t place);

    const EntriesSpec& m_spec;
    const std::string& m_group;
    const SharedCore& m_shared;
    Learn m_learn;
    qn_drbg m_drbg{};
    qn_env m_env{};
    qn_secret32 m_key{};
    qn_handout_policy m_policy{};
    int64_t m_began = 0; ///< ns: the policy's first day
    std::vector<Entry> m_entries;
    std::vector<qn_peerid> m_ids;  ///< arranged
    std::vector<uint32_t> m_order; ///< of m_ids, places in m_entries
    std::vector<Person> m_people;
    std::map<uint32_t, uint32_t> m_byNode; ///< places in m_people
    std::vector<Account> m_agents;
    Counts m_counts;
};

} // namespace qnet

#endif

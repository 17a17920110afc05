// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The censors of a scenario (lab/censor) on the borders of their regions, and what they did.
 */
#ifndef QNET_SIM_CENSOR_BORDER_H
#define QNET_SIM_CENSOR_BORDER_H

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "border.h"
#include "censor-prober.h"
#include "control-flow.h"
#include "scenario.h"
#include "shared-core.h"

namespace qnet
{

/// Whose flow it is, told by its server.
enum class FlowSort
{
    Link, ///< to a QNet node
    Web,  ///< to a web server in clear: an exit's
    Browser,
    Shadowsocks,
    Tor,
    Bare
};

constexpr size_t FLOW_SORTS = 6;
const char* FlowSortName(FlowSort sort);
FlowSort SortOfControl(ControlKind kind);

class CensorBorder final : public Border
{
  public:
    /// \param shared outlives the border
    explicit CensorBorder(const SharedCore& shared);
    virtual ~CensorBorder();
    CensorBorder(const CensorBorder&) = delete;
    CensorBorder& operator=(const CensorBorder&) = delete;

    /// Says whose server listens there. Everything else is a link.
    void Know(const qn_addr& server, FlowSort sort);

    /// What a censor lists of addresses, and since when each is there, ns.
    struct Listed
    {
        std::vector<qn_addr> addresses;
        std::vector<qn_time> since;
    };

    /// Of an address that is not on the list before Learn says so.
    static constexpr qn_time NOT_KNOWN = QN_NEVER / 4;
    /// Puts an address that censors list on their lists now. \return ns: when the first of them
    /// blocks it; INT64_MAX: none does
    int64_t Learn(const qn_addr& address);

    /// Throws ScenarioError when the censor lacks what it works with. \param spec outlives the
    /// border
    void Add(const CensorSpec& spec, Listed listed);

    bool Guards(uint32_t region) const override;
    Verdict Open(uint32_t fromRegion,
                 const qn_addr& from,
                 uint32_t toRegion,
                 const qn_addr& to,
                 uint32_t* flow) override;
    Verdict See(uint32_t flow, bool up, const uint8_t* bytes, size_t n) override;
    Verdict Look(uint32_t flow, bool up, const uint8_t* bytes, size_t n) override;
    Verdict Again(uint32_t flow, bool up, size_t n, int64_t later) override;
    void Close(uint32_t flow) override;

    /// Flows of one sort across one censor's border.
    struct Tally
    {
        uint64_t flows = 0;
        uint64_t blocked = 0; ///< dropped or reset, at once or later
        uint64_t slowed = 0;
        uint64_t probes = 0; ///< that their servers answered, or not
        uint64_t told = 0;   ///< of these, answered distinguishably
    };

    size_t Count() const;
    const CensorSpec& GetSpec(size_t i) const;
    const Tally& GetTally(size_t i, FlowSort sort) const;
    const censor_stats& GetStats(size_t i) const;

  private:
    struct Post
    {
        const CensorSpec* spec;
        Listed listed;
        std::vector<const char*> names;
        std::vector<qn_time> delays;
        std::vector<censor_suspect> suspects;
        qn_drbg drbg;
        qn_env env;
        censor state;
        Tally tally[FLOW_SORTS];
        std::unique_ptr<CensorProber> prober; ///< null: it sends no probes
    };

    struct Watch
    {
        Post* post;
        bool blocked = false;
        bool slowed = false;
        censor_flow flow;
    };

    struct Flow
    {
        FlowSort sort = FlowSort::Link;
        std::vector<std::unique_ptr<Watch>> watches; ///< of the censors it passes
    };

    template <typename Judge>
    Verdict AskAll(uint32_t flow, const Judge& judge);
    uint32_t NewFlow();
    FlowSort SortOf(const qn_addr& server) const;
    void AddProber(Post& post);
    static Verdict Take(const Flow& flow,
                        Watch& watch,
                        const censor_verdict& verdict,
                        const Verdict& soFar);

    const SharedCore& m_shared;
    std::map<std::pair<uint64_t, uint64_t>, FlowSort> m_sorts; ///< by address and port
    std::deque<Post> m_posts;                                  ///< posts stay where they are
    std::vector<Flow> m_flows;
    std::vector<uint32_t> m_free; ///< numbers of m_flows without a flow
};

} // namespace qnet

#endif

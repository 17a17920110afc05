// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * The censors of a scenario (lab/censor) on the borders of their regions, and what they did.
 */
#ifndef QNET_SIM_CENSOR_BORDER_H
#define QNET_SIM_CENSOR_BORDER_H

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "border.h"
#include "scenario.h"
#include "shared-core.h"

namespace qnet
{

class CensorBorder final : public Border
{
  public:
    /// \param web addresses of ordinary web servers: what goes there is no circumvention
    /// \param shared outlives the border
    CensorBorder(const SharedCore& shared, const std::vector<qn_addr>& web);
    virtual ~CensorBorder();
    CensorBorder(const CensorBorder&) = delete;
    CensorBorder& operator=(const CensorBorder&) = delete;

    /// Throws ScenarioError when the censor lacks what it works with. \param spec outlives the
    /// border
    void Add(const CensorSpec& spec, std::vector<qn_addr> addresses);

    Verdict Open(uint32_t fromRegion,
                 const qn_addr& from,
                 uint32_t toRegion,
                 const qn_addr& to,
                 uint32_t* flow) override;
    Verdict See(uint32_t flow, bool up, const uint8_t* bytes, size_t n) override;
    void Close(uint32_t flow) override;

    /// Flows of one sort across one censor's border.
    struct Tally
    {
        uint64_t flows = 0;
        uint64_t blocked = 0; ///< dropped or reset, at once or later
    };

    size_t Count() const;
    const std::string& GetName(size_t i) const;
    const Tally& GetLinks(size_t i) const; ///< to QNet nodes
    const Tally& GetWeb(size_t i) const;   ///< to web servers
    const censor_stats& GetStats(size_t i) const;

  private:
    struct Post
    {
        const CensorSpec* spec;
        std::vector<qn_addr> addresses;
        std::vector<const char*> names;
        qn_drbg drbg;
        qn_env env;
        censor state;
        Tally links;
        Tally web;
    };

    struct Watch
    {
        Post* post;
        bool blocked;
        censor_flow flow;
    };

    struct Flow
    {
        bool web = false;
        std::vector<std::unique_ptr<Watch>> watches; ///< of the censors it passes
    };

    uint32_t NewFlow();
    Verdict Take(Flow& flow, Watch& watch, const censor_verdict& verdict, const Verdict& soFar);

    const SharedCore& m_shared;
    const std::vector<qn_addr>& m_webAddresses;
    std::deque<Post> m_posts; ///< posts stay where they are
    std::vector<Flow> m_flows;
    std::vector<uint32_t> m_free; ///< numbers of m_flows without a flow
};

} // namespace qnet

#endif

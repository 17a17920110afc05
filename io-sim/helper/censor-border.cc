// SPDX-License-Identifier: GPL-2.0-only
#include "censor-border.h"

#include <algorithm>

#include "map-reader.h"
#include "sim-time.h"

namespace qnet
{

CensorBorder::CensorBorder(const SharedCore& shared, const std::vector<qn_addr>& web)
    : m_shared(shared),
      m_webAddresses(web)
{
}

CensorBorder::~CensorBorder() = default;

void
CensorBorder::Add(const CensorSpec& spec, std::vector<qn_addr> addresses)
{
    m_posts.emplace_back();
    Post& post = m_posts.back();
    post.spec = &spec;
    post.addresses = std::move(addresses);
    for (const std::string& name : spec.names)
    {
        post.names.push_back(name.c_str());
    }
    qn_drbg_init(&post.drbg, "qnet-sim-censor", m_shared.GetSeed(), m_posts.size());
    post.env = m_shared.MakeEnv(&post.drbg);
    censor_cfg cfg{};
    cfg.kind = spec.kind;
    cfg.addresses = post.addresses.data();
    cfg.addresses_n = post.addresses.size();
    cfg.names = post.names.data();
    cfg.names_n = post.names.size();
    cfg.delay = spec.delay;
    cfg.penalty = spec.penalty;
    cfg.rate = spec.rate;
    cfg.limit = spec.limit;
    cfg.share = static_cast<uint16_t>(spec.share);
    cfg.strict = spec.strict;
    cfg.reset = spec.reset;
    if (!censor_init(&post.state, &cfg, &post.env, static_cast<qn_time>(NowNs())))
    {
        throw ScenarioError("censor \"" + spec.name + "\" lacks what its kind works with: see " +
                            "docs/scenario-reference.md, \"censor\"");
    }
}

uint32_t
CensorBorder::NewFlow()
{
    if (m_free.empty())
    {
        m_flows.emplace_back();
        return static_cast<uint32_t>(m_flows.size() - 1);
    }
    uint32_t number = m_free.back();
    m_free.pop_back();
    return number;
}

/// One censor's verdict beside those of the others: the hardest counts, and the longest wait.
Border::Verdict
CensorBorder::Take(Flow& flow,
                   Watch& watch,
                   const censor_verdict& verdict,
                   const Border::Verdict& soFar)
{
    if (verdict.act != CENSOR_PASS && !watch.blocked)
    {
        watch.blocked = true;
        (flow.web ? watch.post->web : watch.post->links).blocked++;
    }
    Border::Verdict out = soFar;
    if (verdict.act == CENSOR_RESET)
    {
        out.act = Act::Reset;
    }
    else if (verdict.act == CENSOR_DROP && out.act == Act::Pass)
    {
        out.act = Act::Drop;
    }
    out.waitNs = std::max(out.waitNs, static_cast<int64_t>(verdict.wait));
    return out;
}

Border::Verdict
CensorBorder::Open(
    uint32_t fromRegion, const qn_addr& from, uint32_t toRegion, const qn_addr& to, uint32_t* flow)
{
    Verdict out{Act::Pass, 0};
    auto crosses = [&](const Post& post) {
        return (fromRegion == post.spec->region) != (toRegion == post.spec->region);
    };
    *flow = NO_FLOW;
    if (std::none_of(m_posts.begin(), m_posts.end(), crosses))
    {
        return out;
    }
    *flow = NewFlow();
    Flow& f = m_flows[*flow];
    f.web = std::any_of(m_webAddresses.begin(), m_webAddresses.end(), [&to](const qn_addr& web) {
        return qn_addr_equal(&web, &to);
    });
    auto now = static_cast<qn_time>(NowNs());
    for (Post& post : m_posts)
    {
        if (crosses(post))
        {
            f.watches.push_back(std::make_unique<Watch>());
            Watch& watch = *f.watches.back();
            watch.post = &post;
            (f.web ? post.web : post.links).flows++;
            out = Take(f, watch, censor_open(&post.state, &watch.flow, &from, &to, now), out);
        }
    }
    return out;
}

Border::Verdict
CensorBorder::See(uint32_t flow, bool up, const uint8_t* bytes, size_t n)
{
    Verdict out{Act::Pass, 0};
    Flow& f = m_flows[flow];
    censor_direction direction = up ? CENSOR_UP : CENSOR_DOWN;
    auto now = static_cast<qn_time>(NowNs());
    for (const auto& watch : f.watches)
    {
        censor* state = &watch->post->state;
        out = Take(f, *watch, censor_see(state, &watch->flow, direction, now, {bytes, n}), out);
    }
    return out;
}

void
CensorBorder::Close(uint32_t flow)
{
    for (const auto& watch : m_flows[flow].watches)
    {
        censor_close(&watch->post->state, &watch->flow);
    }
    m_flows[flow].watches.clear();
    m_free.push_back(flow);
}

size_t
CensorBorder::Count() const
{
    return m_posts.size();
}

const std::string&
CensorBorder::GetName(size_t i) const
{
    return m_posts[i].spec->name;
}

const CensorBorder::Tally&
CensorBorder::GetLinks(size_t i) const
{
    return m_posts[i].links;
}

const CensorBorder::Tally&
CensorBorder::GetWeb(size_t i) const
{
    return m_posts[i].web;
}

const censor_stats&
CensorBorder::GetStats(size_t i) const
{
    return m_posts[i].state.stats;
}

} // namespace qnet

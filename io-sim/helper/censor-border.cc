// SPDX-License-Identifier: GPL-2.0-only
#include "censor-border.h"

#include <algorithm>

#include "map-reader.h"
#include "sim-time.h"

namespace qnet
{

namespace
{

constexpr size_t SUSPECTS = 256; ///< servers that a prober asks in a run

std::pair<uint64_t, uint64_t>
KeyOf(const qn_addr& addr)
{
    uint64_t ip = 0;
    for (unsigned i = 0; i < 4; i++)
    {
        ip = ip << 8 | addr.ip[i];
    }
    return {ip, addr.port};
}

/// How hard a verdict is: the hardest of several counts.
Border::Act
ActOf(censor_act act)
{
    switch (act)
    {
    case CENSOR_PASS:
        break;
    case CENSOR_LOSE:
        return Border::Act::Lose;
    case CENSOR_DROP:
        return Border::Act::Drop;
    case CENSOR_RESET:
        return Border::Act::Reset;
    }
    return Border::Act::Pass;
}

censor_direction
DirectionOf(bool up)
{
    return up ? CENSOR_UP : CENSOR_DOWN;
}

censor_cfg
ConfigOf(const CensorSpec& spec)
{
    censor_cfg cfg{};
    cfg.kind = spec.kind;
    cfg.ports = spec.ports.data();
    cfg.ports_n = spec.ports.size();
    cfg.from = spec.from;
    cfg.until = spec.until;
    cfg.delay = spec.delay;
    cfg.penalty = spec.penalty;
    cfg.rate = spec.rate;
    cfg.burst = spec.burst;
    cfg.limit = spec.limit;
    cfg.share = static_cast<uint16_t>(spec.share);
    cfg.strict = spec.strict;
    cfg.reset = spec.reset;
    return cfg;
}

} // namespace

const char*
FlowSortName(FlowSort sort)
{
    static const char* const names[FLOW_SORTS] = {
        "links", "web", "browser", "shadowsocks", "tor", "bare"};
    return names[static_cast<size_t>(sort)];
}

FlowSort
SortOfControl(ControlKind kind)
{
    switch (kind)
    {
    case ControlKind::Browser:
        break;
    case ControlKind::Shadowsocks:
        return FlowSort::Shadowsocks;
    case ControlKind::Tor:
        return FlowSort::Tor;
    case ControlKind::Bare:
        return FlowSort::Bare;
    }
    return FlowSort::Browser;
}

CensorBorder::CensorBorder(const SharedCore& shared)
    : m_shared(shared)
{
}

CensorBorder::~CensorBorder() = default;

void
CensorBorder::Know(const qn_addr& server, FlowSort sort)
{
    m_sorts[KeyOf(server)] = sort;
}

FlowSort
CensorBorder::SortOf(const qn_addr& server) const
{
    auto found = m_sorts.find(KeyOf(server));
    return found == m_sorts.end() ? FlowSort::Link : found->second;
}

void
CensorBorder::Add(const CensorSpec& spec, Listed listed)
{
    m_posts.emplace_back();
    Post& post = m_posts.back();
    post.spec = &spec;
    post.listed = std::move(listed);
    for (const std::string& name : spec.names)
    {
        post.names.push_back(name.c_str());
    }
    post.delays.assign(spec.delays.begin(), spec.delays.end());
    post.suspects.resize(spec.delays.empty() ? 0 : SUSPECTS);
    qn_drbg_init(&post.drbg, "qnet-sim-censor", m_shared.GetSeed(), m_posts.size());
    post.env = m_shared.MakeEnv(&post.drbg);
    censor_cfg cfg = ConfigOf(spec);
    cfg.addresses = post.listed.addresses.data();
    cfg.since = post.listed.since.data();
    cfg.addresses_n = post.listed.addresses.size();
    cfg.names = post.names.data();
    cfg.names_n = post.names.size();
    cfg.delays = post.delays.data();
    cfg.delays_n = post.delays.size();
    cfg.suspects = post.suspects.data();
    cfg.suspects_max = post.suspects.size();
    if (!censor_init(&post.state, &cfg, &post.env, static_cast<qn_time>(NowNs())))
    {
        throw ScenarioError("censor \"" + spec.name + "\" lacks what its kind works with: see " +
                            "docs/scenario-reference.md, \"censor\"");
    }
    if (!post.delays.empty())
    {
        AddProber(post);
    }
}

int64_t
CensorBorder::Learn(const qn_addr& address)
{
    int64_t blocked = INT64_MAX;
    for (Post& post : m_posts)
    {
        for (size_t i = 0; i < post.listed.addresses.size(); i++)
        {
            if (KeyOf(post.listed.addresses[i]) == KeyOf(address))
            {
                post.listed.since[i] = static_cast<qn_time>(NowNs());
                blocked = std::min(blocked, NowNs() + static_cast<int64_t>(post.spec->delay));
            }
        }
    }
    return blocked;
}

/// The censor's own machine, behind its border.
void
CensorBorder::AddProber(Post& post)
{
    auto number = static_cast<uint8_t>(m_posts.size());
    auto told = [this, &post](const qn_addr& server, bool found) {
        Tally& tally = post.tally[static_cast<size_t>(SortOf(server))];
        tally.probes++;
        tally.told += found;
    };
    post.prober = std::make_unique<CensorProber>(
        m_shared.transport, post.spec->region, number, &post.state, told);
}

bool
CensorBorder::Guards(uint32_t region) const
{
    return std::any_of(m_posts.begin(), m_posts.end(), [region](const Post& post) {
        return post.spec->region == region;
    });
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
CensorBorder::Take(const Flow& flow,
                   Watch& watch,
                   const censor_verdict& verdict,
                   const Border::Verdict& soFar)
{
    Tally& tally = watch.post->tally[static_cast<size_t>(flow.sort)];
    bool blocks = verdict.act == CENSOR_DROP || verdict.act == CENSOR_RESET;
    tally.blocked += blocks && !watch.blocked;
    watch.blocked = watch.blocked || blocks;
    tally.slowed += watch.flow.slow && !watch.slowed;
    watch.slowed = watch.flow.slow;
    if (watch.post->prober)
    {
        watch.post->prober->Arm();
    }
    return {std::max(soFar.act, ActOf(verdict.act)),
            std::max(soFar.waitNs, static_cast<int64_t>(verdict.wait))};
}

Border::Verdict
CensorBorder::Open(
    uint32_t fromRegion, const qn_addr& from, uint32_t toRegion, const qn_addr& to, uint32_t* flow)
{
    Verdict out{Act::Pass, 0};
    auto crosses = [&](const Post& post) {
        return (fromRegion == post.spec->region) != (toRegion == post.spec->region) &&
               !CensorProber::IsOwn(from);
    };
    *flow = NO_FLOW;
    if (std::none_of(m_posts.begin(), m_posts.end(), crosses))
    {
        return out;
    }
    *flow = NewFlow();
    Flow& f = m_flows[*flow];
    f.sort = SortOf(to);
    auto now = static_cast<qn_time>(NowNs());
    for (Post& post : m_posts)
    {
        if (crosses(post))
        {
            f.watches.push_back(std::make_unique<Watch>());
            Watch& watch = *f.watches.back();
            watch.post = &post;
            post.tally[static_cast<size_t>(f.sort)].flows++;
            out = Take(f, watch, censor_open(&post.state, &watch.flow, &from, &to, now), out);
        }
    }
    return out;
}

/// What all censors that a flow passes say, each asked by `judge(state, flow)`.
template <typename Judge>
Border::Verdict
CensorBorder::AskAll(uint32_t flow, const Judge& judge)
{
    Verdict out{Act::Pass, 0};
    const Flow& f = m_flows[flow];
    for (const auto& watch : f.watches)
    {
        out = Take(f, *watch, judge(&watch->post->state, &watch->flow), out);
    }
    return out;
}

Border::Verdict
CensorBorder::See(uint32_t flow, bool up, const uint8_t* bytes, size_t n)
{
    auto now = static_cast<qn_time>(NowNs());
    return AskAll(flow, [&](censor* state, censor_flow* of) {
        return censor_see(state, of, DirectionOf(up), now, {bytes, n});
    });
}

Border::Verdict
CensorBorder::Look(uint32_t flow, bool up, const uint8_t* bytes, size_t n)
{
    auto now = static_cast<qn_time>(NowNs());
    return AskAll(flow, [&](censor* state, censor_flow* of) {
        return censor_look(state, of, DirectionOf(up), now, {bytes, n});
    });
}

Border::Verdict
CensorBorder::Again(uint32_t flow, bool up, size_t n, int64_t later)
{
    auto then = static_cast<qn_time>(NowNs() + later);
    return AskAll(flow, [&](censor* state, censor_flow* of) {
        return censor_again(state, of, DirectionOf(up), then, n);
    });
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

const CensorSpec&
CensorBorder::GetSpec(size_t i) const
{
    return *m_posts[i].spec;
}

const CensorBorder::Tally&
CensorBorder::GetTally(size_t i, FlowSort sort) const
{
    return m_posts[i].tally[static_cast<size_t>(sort)];
}

const censor_stats&
CensorBorder::GetStats(size_t i) const
{
    return m_posts[i].state.stats;
}

} // namespace qnet

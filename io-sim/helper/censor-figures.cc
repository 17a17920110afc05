// SPDX-License-Identifier: GPL-2.0-only
#include "censor-figures.h"

#include <algorithm>

#include "censor-report.h"
#include "curves.h"
#include "output-file.h"

namespace qnet
{

namespace
{

constexpr size_t SLOTS = 16; ///< of the time axis: each is one point of a curve

class CensorFigures
{
  public:
    CensorFigures(FigureSet& out, const Simulation& s, const Recorder& r)
        : m_figures(out),
          m_s(s),
          m_r(r)
    {
    }

    /// One row per censor, one column per sort: share of flows blocked, "?" without flows.
    void
    Blocked()
    {
        const CensorBorder& censors = *m_s.GetCensors();
        std::vector<FlowSort> sorts = Sorts();
        OutputFile out(m_figures.DataPath("censor-blocked"));
        out.Write("censor");
        for (FlowSort sort : sorts)
        {
            out.Write(std::string(",") + FlowSortName(sort));
        }
        out.Write("\n");
        for (size_t i = 0; i < censors.Count(); i++)
        {
            const CensorSpec& spec = censors.GetSpec(i);
            out.Write(PlainLabel(spec.name) + " (" +
                      PlainLabel(m_s.GetScenario().network.regions[spec.region]) + ")");
            for (FlowSort sort : sorts)
            {
                const CensorBorder::Tally& tally = censors.GetTally(i, sort);
                uint64_t hit = spec.kind == &censor_throttle ? tally.slowed : tally.blocked;
                out.Write("," + (tally.flows > 0 ? std::to_string(hit * 1000 / tally.flows) : "?"));
            }
            out.Write("\n");
        }
        out.Close();
        std::string plot = "plot ";
        for (size_t i = 0; i < sorts.size(); i++)
        {
            plot += (i > 0 ? ", \\\n     " : "") +
                    std::string("'figs/censor-blocked.csv' skip 1 using ($") +
                    std::to_string(i + 2) + "/10.0)" + (i == 0 ? ":xtic(1)" : "") + " title '" +
                    Label(sorts[i]) + "' lc rgb '" + Colour(sorts[i]) + "'";
        }
        m_figures.Add(
            "censor-blocked",
            "What each censor blocked",
            "Share of the flows of each sort across a censor's border that it dropped or reset, "
            "at once or later (of a throttle: slowed). Left what it is meant for, right what "
            "everybody uses: browsers' visits and exits' requests to web servers are collateral "
            "damage. No bar: none, or no such flows; censor.csv has the counts.",
            "set style data histogram\nset style histogram clustered gap 1.2\n"
            "set style fill solid 0.9 noborder\nset datafile missing '?'\n"
            "set xtics rotate by 20 right font ',11'\nset rmargin 3\n"
            "set ylabel 'flows blocked or slowed (%)'\nset yrange [0:105]\n"
            "set xrange [-0.6:" +
                std::to_string(censors.Count()) + "-0.4]\nset key above maxrows 2\n" + plot + "\n");
    }

    void
    OverTime()
    {
        for (uint32_t region = 0; region < m_s.GetScenario().network.regions.size(); region++)
        {
            std::vector<Reach> all = ReachOf(m_s, m_r);
            all.erase(std::remove_if(all.begin(),
                                     all.end(),
                                     [region](const Reach& r) {
                                         return r.region != region || r.tries.empty();
                                     }),
                      all.end());
            if (!all.empty())
            {
                Region(m_s.GetScenario().network.regions[region], all);
            }
        }
    }

  private:
    std::vector<FlowSort>
    Sorts() const
    {
        std::vector<FlowSort> sorts;
        for (FlowSort sort : {FlowSort::Link,
                              FlowSort::Bare,
                              FlowSort::Shadowsocks,
                              FlowSort::Tor,
                              FlowSort::Browser,
                              FlowSort::Web})
        {
            bool any = false;
            for (size_t i = 0; i < m_s.GetCensors()->Count(); i++)
            {
                any = any || m_s.GetCensors()->GetTally(i, sort).flows > 0;
            }
            if (any)
            {
                sorts.push_back(sort);
            }
        }
        return sorts;
    }

    static const char*
    Label(FlowSort sort)
    {
        switch (sort)
        {
        case FlowSort::Link:
            break;
        case FlowSort::Web:
            return "web in clear";
        case FlowSort::Browser:
            return "browser";
        case FlowSort::Shadowsocks:
            return "Shadowsocks";
        case FlowSort::Tor:
            return "Tor";
        case FlowSort::Bare:
            return "bare";
        }
        return "QNet";
    }

    static const char*
    Colour(FlowSort sort)
    {
        static const char* const colours[FLOW_SORTS] = {
            "#0072B2", "#999999", "#009E73", "#D55E00", "#CC79A7", "#E69F00"};
        return colours[static_cast<size_t>(sort)];
    }

    /// Type and size: several that lie on each other are still told apart.
    static const char*
    Point(FlowSort sort)
    {
        static const char* const points[FLOW_SORTS] = {
            "7 ps 0.6", "1 ps 1", "6 ps 1", "4 ps 1.3", "8 ps 1.6", "10 ps 1.6"};
        return points[static_cast<size_t>(sort)];
    }

    /// The share of what began in each slot that came to a good end.
    void
    Region(const std::string& region, const std::vector<Reach>& all)
    {
        uint64_t slot = m_s.GetScenario().stop / SLOTS;
        std::string id = "reach-" + region;
        OutputFile out(m_figures.DataPath(id));
        out.Write("time_ns");
        for (const Reach& reach : all)
        {
            out.Write(std::string(",") + ReachLabel(reach.sort) + "_permille");
        }
        out.Write("\n");
        for (size_t i = 0; i < SLOTS; i++)
        {
            out.Write(std::to_string(i * slot + slot / 2));
            for (const Reach& reach : all)
            {
                uint64_t tries = 0;
                uint64_t done = 0;
                for (const Reach::Try& each : reach.tries)
                {
                    bool here = static_cast<uint64_t>(each.start) / slot == i;
                    tries += here;
                    done += here && each.done;
                }
                out.Write("," + (tries > 0 ? std::to_string(done * 1000 / tries) : "?"));
            }
            out.Write("\n");
        }
        out.Close();
        uint64_t stop = m_s.GetScenario().stop;
        bool hours = stop > UINT64_C(10800) * 1000000000;
        std::string unit = hours ? "/3.6e12" : "/1e9";
        std::string plot = "plot ";
        for (size_t i = 0; i < all.size(); i++)
        {
            plot += (i > 0 ? ", \\\n     " : "") + std::string("'figs/") + id + ".csv' using ($1" +
                    unit + "):($" + std::to_string(i + 2) + "/10.0) title '" + Label(all[i].sort) +
                    "' with linespoints lw 1.8 pt " + Point(all[i].sort) + " lc rgb '" +
                    Colour(all[i].sort) + "'";
        }
        m_figures.Add(
            id,
            "Who gets through from " + PlainLabel(region),
            "Share of the fetches (QNet) and visits (controls) begun in each sixteenth of the "
            "run, by people in this region, that came to a good end. What was under way at the "
            "end of the run is left out. control.csv and streams.csv have each of them.",
            "set datafile missing '?'\nset xlabel 'begun, simulated time (" +
                std::string(hours ? "h" : "s") + ")'\nset ylabel 'came to a good end (%)'\n" +
                "set yrange [0:105]\nset xrange [0:" + std::to_string(stop / 1000000) +
                (hours ? "/3.6e6" : "/1e3") + "]\nset key above maxrows 2\n" + plot + "\n");
    }

    FigureSet& m_figures;
    const Simulation& m_s;
    const Recorder& m_r;
};

} // namespace

void
AddCensorFigures(FigureSet& out, const Simulation& simulation, const Recorder& recorder)
{
    if (simulation.GetCensors() != nullptr)
    {
        CensorFigures maker(out, simulation, recorder);
        maker.Blocked();
        maker.OverTime();
    }
}

} // namespace qnet

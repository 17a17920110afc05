// SPDX-License-Identifier: GPL-2.0-only
#include "people-figures.h"

#include "connected.h"
#include "curves.h"
#include "joining.h"
#include "output-file.h"
#include "recovery.h"
#include "views.h"

namespace qnet
{

namespace
{

std::string
Style(size_t i)
{
    return "ls " + std::to_string(1 + i % 6);
}

void
AddJoining(FigureSet& figures, const Simulation& s, const Recorder& r)
{
    std::vector<Curve> curves;
    for (uint32_t i = 0; i < s.GetScenario().groups.size(); i++)
    {
        if (s.GetScenario().groups[i].role == Role::Client)
        {
            Joining joining = JoiningOf(s, r, i);
            curves.push_back({s.GetScenario().groups[i].name,
                              Style(curves.size()),
                              Distribution(joining.Took())});
        }
    }
    AddCdf(figures,
           "joined",
           "From start to first circuit",
           "time since the client started (s)",
           "Of all clients of a group: a client that knows the network file and nobody else finds "
           "an operator, fetches the list, and builds a circuit. Who had none when the run "
           "ended is not in the curve; summary.json counts them.",
           std::move(curves),
           "");
}

void
AddRecovery(FigureSet& figures, const Simulation& s, const Recorder& r)
{
    Returns returns = ReturnsAfter(r, FaultMoments(s), true);
    std::vector<Curve> curves;
    curves.push_back({"next first byte", "ls 1", Distribution(std::move(returns.until))});
    curves.push_back({"of that, waiting", "ls 2", Distribution(std::move(returns.waited))});
    AddCdf(
        figures,
        "recovery",
        "Recovery after a fault",
        "time since the fault (s)",
        "For each fault and each client that had a fetch under way when it began: until the next "
        "first byte of a fetch that then came to a good end. It includes the pauses people make; "
        "the second curve is the part of it in which a fetch was under way and had nothing.",
        std::move(curves),
        "");
}

/// Grey where regions are apart, for gnuplot.
std::string
ShadeApart(const Simulation& s)
{
    std::string out;
    unsigned number = 1;
    for (const PlannedFault& fault : s.GetFaults())
    {
        if (fault.node == PlannedFault::NOBODY)
        {
            uint64_t until = std::min(fault.until, s.GetScenario().stop);
            out += "set object " + std::to_string(number++) + " rectangle from " +
                   std::to_string(fault.from / 1000000) + "e6/t, graph 0 to " +
                   std::to_string(until / 1000000) +
                   "e6/t, graph 1 behind fc rgb '#eeeeee' fs solid noborder\n";
        }
    }
    return out;
}

void
AddViews(FigureSet& figures, const Simulation& s, const Recorder& r)
{
    std::string shade = ShadeApart(s);
    if (shade.empty())
    {
        return;
    }
    OutputFile out(figures.DataPath("views"));
    out.Write("time_ns,clients,others\n");
    for (const ViewRow& row : ViewsOf(s, r).rows)
    {
        out.Write(std::to_string(row.at) + "," + std::to_string(row.clients) + "," +
                  std::to_string(row.others) + "\n");
    }
    out.Close();
    AddOverTime(
        figures,
        s.GetScenario(),
        "views",
        "Nodes with an old list",
        "nodes",
        "Nodes that go by a list when somebody has a newer one. Grey: regions are apart. Lists "
        "are asked for once a minute, by clients when they are used, so some are always old "
        "for a while.",
        shade + "set yrange [0:*]\nplot 'figs/views.csv' using ($1/t):2 title 'clients' with "
                "steps ls 1, \\\n     '' using ($1/t):3 title 'relays, exits, super peers' "
                "with steps ls 2\n");
}

void
AddConnected(FigureSet& figures, const Simulation& s, const Recorder& r)
{
    std::vector<Connected> regions = ConnectedOf(s, r);
    if (regions.empty())
    {
        return; // nobody has asked for anything
    }
    OutputFile out(figures.DataPath("users"));
    out.Write("time_ns");
    for (const Connected& region : regions)
    {
        out.Write("," + s.GetScenario().network.regions[region.region]);
    }
    out.Write("\n");
    for (size_t i = 0; i < CONNECTED_SLOTS; i++)
    {
        out.Write(std::to_string(SlotEnd(s.GetScenario(), i)));
        for (const Connected& region : regions)
        {
            out.Write("," + (region.asked[i] > 0
                                 ? std::to_string(region.connected[i] * 1000 / region.asked[i])
                                 : "?"));
        }
        out.Write("\n");
    }
    out.Close();
    std::string plot = ShadeApart(s) + "set datafile missing '?'\nset yrange [0:105]\nplot ";
    for (size_t i = 0; i < regions.size(); i++)
    {
        plot += (i > 0 ? ", \\\n     '' " : "'figs/users.csv' ") + std::string("using ($1/t):($") +
                std::to_string(i + 2) + "/10.0) title '" +
                PlainLabel(s.GetScenario().network.regions[regions[i].region]) +
                ", n = " + std::to_string(regions[i].users) + "' with linespoints " + Style(i) +
                " pt 7 ps 0.4";
    }
    AddOverTime(
        figures,
        s.GetScenario(),
        "users",
        "Users connected, by region",
        "users connected (%)",
        "Of the people of a region who have asked for something so far: whose newest fetch, by "
        "twenty-fourths of the run, came to a good end. Who asks for nothing stays as he was.",
        plot + "\n");
}

/// Points of the curve: fine enough for a step, few enough for a table.
constexpr int64_t ENTRY_POINTS = 120;

void
AddEntries(FigureSet& figures, const Simulation& s)
{
    const EntryPool* entries = s.GetEntries();
    if (entries == nullptr)
    {
        return;
    }
    OutputFile out(figures.DataPath("entries"));
    out.Write("time_ns,entries\n");
    for (int64_t i = 0; i <= ENTRY_POINTS; i++)
    {
        int64_t at = static_cast<int64_t>(s.GetScenario().stop) / ENTRY_POINTS * i;
        uint64_t left = entries->Size() - entries->BlockedAt(at);
        out.Write(std::to_string(at) + "," + std::to_string(left * 1000 / entries->Size()) + "\n");
    }
    out.Close();
    AddOverTime(
        figures,
        s.GetScenario(),
        "entries",
        "Survival of entries",
        "entries not blocked (%)",
        "Of the nodes that no list names and that invitations lead to: how many the censor, "
        "who has accounts among the people, has not come to block.",
        "set yrange [0:105]\nplot 'figs/entries.csv' using ($1/t):($2/10.0) title "
        "'entries, n = " +
            std::to_string(entries->Size()) + "' with steps ls 1\n");
}

} // namespace

void
AddPeopleFigures(FigureSet& figures, const Simulation& simulation, const Recorder& recorder)
{
    AddJoining(figures, simulation, recorder);
    AddRecovery(figures, simulation, recorder);
    AddViews(figures, simulation, recorder);
    AddConnected(figures, simulation, recorder);
    AddEntries(figures, simulation);
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include <algorithm>

#include "censor-report.h"
#include "fault-table.h"
#include "output-file.h"
#include "quantity.h"
#include "report-page.h"

namespace qnet
{

namespace
{

uint64_t
Number(const json_t* json, const std::string& path)
{
    uint64_t value = 0;
    JsonLookUp(json, path, &value);
    return value;
}

class Report
{
  public:
    explicit Report(const ReportInput& input)
        : m_in(input)
    {
    }

    std::string
    Make(const std::string& folder)
    {
        m_html.Begin(m_in.scenario.name + " - QNet simulation");
        Head();
        Expectations();
        m_html.Pictures(folder, m_in.figures, m_in.noFigures);
        Times();
        Faults();
        Censors();
        Core();
        Honesty();
        Again();
        return m_html.Take();
    }

  private:
    void
    Head()
    {
        const Scenario& s = m_in.scenario;
        m_html.Text("h1", s.name);
        m_html.Text("p", s.description, " class=\"lead\"");
        m_html.Open("div", " class=\"tiles\"");
        m_html.Tile(Grouped(Get("measured.done")) + " fetches",
                    "done after the warm-up, every byte checked",
                    "");
        m_html.Tile(Grouped(Get("measured.failed")) + " failed",
                    FormatQuantity(Get("measured.failed_permille"), Unit::Permille) +
                        " of those started",
                    Get("measured.failed") == 0 ? "good" : "bad");
        m_html.Tile(Grouped(Get("streams.p1_violations")) + " wrong endings",
                    "a wrong byte, or a cut shown as a clean end (promise P1)",
                    Get("streams.p1_violations") == 0 ? "good" : "bad");
        for (const char* route : {"fast", "privacy"})
        {
            std::string path = std::string("ttfb_ns.") + route;
            if (Get(path + ".n") > 0)
            {
                m_html.Tile(FormatQuantity(Get(path + ".p50"), Unit::Time),
                            std::string("median time to first byte, ") +
                                (route[0] == 'f' ? "fast (1 hop)" : "privacy (3 hops)"),
                            "");
            }
        }
        m_html.Tile(FormatQuantity(Get("streams.delivered_bytes"), Unit::Size),
                    "delivered to programs in " + FormatQuantity(s.stop, Unit::Time) +
                        " of simulated time",
                    "");
        m_html.Close();
        m_html.Open("dl");
        m_html.Line("Question", s.question);
        m_html.Line("Model", s.model);
        m_html.Line("Metrics", s.metrics);
        m_html.Line("It cannot say", s.cannotSay);
        m_html.Line("Population", Population());
        m_html.Close();
    }

    std::string
    Population() const
    {
        std::string text;
        for (const Group& group : m_in.scenario.groups)
        {
            text += (text.empty() ? "" : ", ") + Grouped(group.count) + " " + group.name;
        }
        return text;
    }

    void
    Expectations()
    {
        if (m_in.verdicts.empty())
        {
            return;
        }
        m_html.Text("h2", "What the scenario expects");
        std::vector<std::vector<std::string>> rows = {{"metric", "expected", "measured", ""}};
        for (const Verdict& v : m_in.verdicts)
        {
            Unit unit = UnitOfMetric(v.expectation.what);
            std::string text = v.expectation.text.substr(v.expectation.what.size());
            rows.push_back({v.expectation.what,
                            text,
                            v.found ? FormatQuantity(v.actual, unit) : "no such metric",
                            v.met ? "met" : "VIOLATED"});
        }
        m_html.Table(rows);
    }

    std::vector<std::string>
    TimeRow(const std::string& label, const std::string& path) const
    {
        std::vector<std::string> row = {label, Grouped(Get(path + ".n"))};
        for (const char* point : {"p5", "p25", "p50", "p75", "p95", "p99", "max"})
        {
            row.push_back(
                Get(path + ".n") == 0 ? "-" : FormatQuantity(Get(path + "." + point), Unit::Time));
        }
        return row;
    }

    void
    Times()
    {
        m_html.Text("h2", "Times in numbers");
        std::vector<std::vector<std::string>> rows = {
            {"", "n", "p5", "p25", "median", "p75", "p95", "p99", "max"}};
        const json_t* all = json_object_get(m_in.summary, "ttlb_ns");
        for (const char* route : {"fast", "privacy"})
        {
            std::string first = std::string("ttfb_ns.") + route;
            if (Get(first + ".n") == 0)
            {
                continue;
            }
            rows.push_back(TimeRow(std::string(route) + ": first byte", first));
            void* i = json_object_iter(json_object_get(all, route));
            for (; i != nullptr; i = json_object_iter_next(json_object_get(all, route), i))
            {
                std::string size = json_object_iter_key(i);
                std::string spaced = size == "all" ? "any size" : size;
                spaced.insert(spaced.find_first_not_of("0123456789."), size == "all" ? "" : " ");
                rows.push_back(TimeRow(std::string(route) + ": last byte of " + spaced,
                                       std::string("ttlb_ns.") + route + "." + size));
            }
        }
        rows.push_back(TimeRow("circuit of 3 hops: build", "circuits.build_ns"));
        m_html.Table(rows);
        m_html.Text("p",
                    "Circuits after the warm-up: " + Grouped(Get("circuits.built")) + " built, " +
                        Grouped(Get("circuits.failed")) +
                        " failed. Fetches still under way at the "
                        "end: " +
                        Grouped(Get("measured.unfinished")) + ".");
        m_html.Table(OutcomeRows());
    }

    std::vector<std::vector<std::string>>
    OutcomeRows() const
    {
        std::vector<std::vector<std::string>> rows = {
            {"how fetches ended", "measured", "whole run"}};
        json_t* outcomes = json_object_get(json_object_get(m_in.summary, "streams"), "outcomes");
        for (void* i = json_object_iter(outcomes); i != nullptr;
             i = json_object_iter_next(outcomes, i))
        {
            std::string name = json_object_iter_key(i);
            if (Get("streams.outcomes." + name) > 0)
            {
                rows.push_back({name,
                                Grouped(Get("measured.outcomes." + name)),
                                Grouped(Get("streams.outcomes." + name))});
            }
        }
        return rows;
    }

    void
    Faults()
    {
        if (m_in.faults.empty())
        {
            return;
        }
        m_html.Text("h2", "What failed, and what it cost");
        m_html.Text("p",
                    "Drawn from seed " + std::to_string(Get("seed")) +
                        " before the run. What a node had is as of the last interval before.");
        m_html.Table(m_in.faults);
        if (Get("faults.planned") + 1 > m_in.faults.size())
        {
            m_html.Text("p",
                        "These are the first " + Grouped(m_in.faults.size() - 1) + " of " +
                            Grouped(Get("faults.planned")) +
                            " that were planned; faults.csv has all.");
        }
        m_html.Text("p",
                    "Of the " + Grouped(Get("recovery.streams.alive")) +
                        " fetches under way when a fault began, " +
                        Grouped(Get("recovery.streams.survived")) + " delivered everything and " +
                        Grouped(Get("recovery.streams.lost")) +
                        " failed. Failed fetches had brought " +
                        FormatQuantity(Get("recovery.wasted.client_bytes"), Unit::Size) +
                        " to programs; exits carried " +
                        FormatQuantity(Get("recovery.wasted.exit_bytes"), Unit::Size) +
                        " that no client's program got or had sent.");
        std::vector<std::vector<std::string>> rows = {
            {"clients", "n", "p5", "p25", "median", "p75", "p95", "p99", "max"},
            TimeRow("fault to next first byte", "recovery.clients.first_byte_ns"),
            TimeRow("of that, waiting", "recovery.clients.waited_ns")};
        if (Get("convergence.heals") > 0)
        {
            rows.push_back(TimeRow("heal to next first byte", "convergence.clients.first_byte_ns"));
            rows.push_back(TimeRow("of that, waiting", "convergence.clients.waited_ns"));
        }
        m_html.Table(rows);
        if (Get("convergence.heals") > 0)
        {
            m_html.Text("p",
                        "After the heal servers had one list within " +
                            Converged("convergence.server_lists") + ", all nodes within " +
                            Converged("convergence.lists") +
                            "; the halves' newest lists differed for " +
                            FormatQuantity(Get("views.halves_differ_ns"), Unit::Time) + ".");
        }
    }

    std::string
    Converged(const std::string& path) const
    {
        return Get(path + "_never") > 0 ? "more than the run's time"
                                        : FormatQuantity(Get(path + "_ns.max"), Unit::Time);
    }

    void
    Censors()
    {
        if (json_object_get(m_in.summary, "censor") == nullptr)
        {
            return;
        }
        m_html.Text("h2", "What the censors did, and what it cost");
        m_html.Text(
            "p",
            "Flows blocked, of those that crossed the border. \"links\" are QNet's; \"web\" "
            "are exits' requests in clear. What happens to browsers and the web is "
            "collateral damage; bare, shadowsocks and tor are controls that a censor made "
            "for them must catch. Probes: how many servers' answers gave them away.");
        m_html.Table(BlockedTable(m_in.summary));
        m_html.Table(CostTable(m_in.summary));
        m_html.Text("p",
                    "What people in regions with a censor asked for after the warm-up, and got:");
        m_html.Table(ReachTable(m_in.summary));
    }

    void
    Core()
    {
        m_html.Text("h2", "What the real core did");
        m_html.Text(
            "p",
            "Every node runs the same core library as the shipped program: handshakes, records, "
            "cells and the directory are computed, not modelled. These are its own counters over "
            "the whole run.");
        static const char* const names[][2] = {{"cells", ""},
                                               {"AEAD", "aead_bytes"},
                                               {"X25519", "dh"},
                                               {"handshakes", "handshakes"},
                                               {"links", "links_opened"},
                                               {"circuits", "circuits_built"},
                                               {"relayed", "relayed_bytes"}};
        std::vector<std::vector<std::string>> rows = {{"group"}};
        for (const auto& name : names)
        {
            rows[0].push_back(name[0]);
        }
        const json_t* core = json_object_get(m_in.summary, "core");
        for (void* i = json_object_iter(const_cast<json_t*>(core)); i != nullptr;
             i = json_object_iter_next(const_cast<json_t*>(core), i))
        {
            std::string group = json_object_iter_key(i);
            std::string path = "core." + group + ".";
            std::vector<std::string> row = {
                group, Grouped(Get(path + "cells_forward") + Get(path + "cells_backward"))};
            for (size_t c = 1; c < sizeof names / sizeof names[0]; c++)
            {
                uint64_t value = Get(path + names[c][1]);
                bool bytes = std::string(names[c][1]).find("bytes") != std::string::npos;
                row.push_back(bytes ? FormatQuantity(value, Unit::Size) : Grouped(value));
            }
            rows.push_back(row);
        }
        m_html.Table(rows);
        uint64_t delivered = Get("streams.delivered_bytes");
        if (delivered > 0)
        {
            uint64_t tenths = Get("core.all.aead_bytes") * 10 / delivered;
            m_html.Text(
                "p",
                "Per delivered byte, " + std::to_string(tenths / 10) + "." +
                    std::to_string(tenths % 10) +
                    " bytes were sealed or opened. One hop needs 2 passes, three hops need 10; "
                    "cell padding, directory and handshakes come on top.");
        }
    }

    const char*
    NetworkFaked() const
    {
        switch (m_in.tier)
        {
        case Tier::M:
            break;
        case Tier::T:
            return "The network is tier T, ns-3's TCP over one IP hop: a fair-queued uplink, "
                   "latency from a table by region plus a fixed offset per pair, and a downlink "
                   "that drops when its queue is full. There are no routers between.";
        case Tier::P:
            return "The network is tier P, ns-3's TCP over stock point-to-point links: one router "
                   "per region, drop-tail queues, latency from a table by region plus a fixed "
                   "offset per host. Links between routers are never full.";
        }
        return "The network is tier M, a message channel: no packets. Loss makes bytes late and "
               "halves the window. A sender's uplink serves its conns in turn, up to 16 KiB each; "
               "latency is a table by region plus a fixed offset per pair; a receiver's downlink "
               "is a FIFO that marks chunks when its queue is long, upon which the sender halves "
               "its window. Acknowledgements cost latency but no bandwidth.";
    }

    const char*
    CarrierFaked() const
    {
        if (m_in.scenario.network.carrier == CarrierKind::Bare)
        {
            return "Links run on the bare carrier (records without disguise): times and byte "
                   "counts of HTX are missing.";
        }
        return "Links run on HTX, nothing abbreviated: each begins as a visit to a web site that "
               "speaks TLS 1.3 by OpenSSL and HTTP/2. The sites are small, and answer and end "
               "connections as the scenario's network.origin says; the way between a peer and its "
               "site costs nothing.";
    }

    void
    Honesty()
    {
        static const char* const faked[] = {
            "Name lookup is a fixed delay and never fails for the simulated servers; web servers "
            "answer at "
            "once and are never the bottleneck unless their access class says so.",
            "One super peer signs the directory (threshold 1 of 1); the others mirror it.",
            "Verified snapshots are shared between the nodes of the simulation, so each is "
            "verified once.",
            "The user's computer, its browser and the loopback to the node's SOCKS port take no "
            "time."};
        m_html.Text("h2", "What is faked or abbreviated");
        m_html.Open("ul");
        m_html.Text("li", NetworkFaked());
        m_html.Text("li", CarrierFaked());
        m_html.Text("li",
                    m_in.scenario.network.cpu.Any()
                        ? "A node has one processor. Its work takes the time the scenario's costs "
                          "say, but a step's results leave when it begins."
                        : "CPUs are infinitely fast: cryptography is computed but takes no "
                          "simulated time.");
        m_html.Text("li",
                    m_in.scenario.faults.empty()
                        ? "Nobody fails, leaves or attacks."
                        : "Nodes fail as the scenario's faults say (faults.csv), and nobody else "
                          "attacks: a crash ends the process and leaves its disk.");
        for (const char* each : faked)
        {
            m_html.Text("li", each);
        }
        m_html.Close();
        m_html.Text("p",
                    "One run is one sample: compare several seeds before you believe a difference. "
                    "Absolute times depend on the latency table and access classes: the map says "
                    "where they "
                    "come from. docs/simulator.md says how far the tiers differ.");
    }

    void
    Again()
    {
        const RunFacts& f = m_in.facts;
        m_html.Text("h2", "This run, again");
        m_html.Text("pre", f.command);
        m_html.Open("dl");
        m_html.Line("digest", f.digest);
        m_html.Line("scenario SHA-256", m_in.scenario.sha256);
        m_html.Line("wall time",
                    FormatQuantity(f.wallMs * 1000000, Unit::Time) + " for " +
                        FormatQuantity(m_in.scenario.stop, Unit::Time) + " simulated; " +
                        Grouped(f.simulatorEvents) + " events; peak memory " +
                        FormatQuantity(f.peakKib * 1024, Unit::Size));
        m_html.Line("simulated seconds per wall second", SpeedText(f.simulatedMs, f.wallMs));
        if (f.plain.wallMs > 0)
        {
            m_html.Line("plain ns-3 TCP, the same bytes", PlainText(f.plain));
        }
        if (!f.processes.empty())
        {
            m_html.Line("processes", ProcessesText(f.processes));
        }
        m_html.Line("made", f.when + " on " + f.host);
        m_html.Line("with", f.versions + "; " + f.compiler);
        m_html.Close();
        m_html.Text(
            "p",
            "The digest covers every event in order, the CSV files and summary.json. The same "
            "scenario, seed and tier give the same digest on another machine.");
        m_html.Text("h2", "The scenario as it ran");
        m_html.Text("pre", m_in.scenario.canonical);
    }

    static std::string
    ProcessesText(const std::vector<ProcessFacts>& processes)
    {
        uint64_t crossed = 0;
        std::string events;
        for (const ProcessFacts& one : processes)
        {
            crossed += one.crossedPackets;
            events += (events.empty() ? "" : ", ") + Grouped(one.simulatorEvents);
        }
        return std::to_string(processes.size()) + " (events of each: " + events + "; " +
               Grouped(crossed) + " packets passed between them)";
    }

    uint64_t
    Get(const std::string& path) const
    {
        return Number(m_in.summary, path);
    }

    const ReportInput& m_in;
    ReportPage m_html;
};

} // namespace

std::string
SpeedText(uint64_t simulatedMs, uint64_t wallMs)
{
    uint64_t thousandths = simulatedMs * 1000 / std::max<uint64_t>(wallMs, 1);
    std::string digits = std::to_string(thousandths % 1000);
    return std::to_string(thousandths / 1000) + "." + std::string(3 - digits.size(), '0') + digits;
}

std::string
PlainText(const PlainSpeed& plain)
{
    return SpeedText(plain.simulatedMs, plain.wallMs) + " (" +
           FormatQuantity(plain.deliveredBytes, Unit::Size) + " of " +
           FormatQuantity(plain.wantedBytes, Unit::Size) + " in " +
           FormatQuantity(plain.simulatedMs * 1000000, Unit::Time) + " simulated, one hop)";
}

void
WriteReport(const std::string& folder, const ReportInput& input)
{
    std::string text = Report(input).Make(folder);
    OutputFile out(folder + "/report.html");
    out.Write(text);
    out.Close();
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "figures.h"

#include <algorithm>
#include <map>

#include "censor-figures.h"
#include "curves.h"
#include "output-file.h"
#include "people-figures.h"
#include "quantity.h"
#include "statistics.h"

namespace qnet
{

namespace
{

constexpr qn_route ROUTES[] = {QN_ROUTE_FAST, QN_ROUTE_PRIVACY};
const char*
RouteLabel(qn_route route)
{
    return route == QN_ROUTE_FAST ? "fast (1 hop)" : "privacy (3 hops)";
}

class Maker
{
  public:
    Maker(const std::string& folder, const Simulation& s, const Recorder& r)
        : figures(folder + "/figs"),
          m_s(s),
          m_r(r)
    {
        MakeFolder(folder + "/figs");
        WriteFigureStyle(folder + "/figs");
    }

    void
    FirstByte()
    {
        std::vector<Curve> curves;
        for (qn_route route : ROUTES)
        {
            auto ours = [route](const StreamRow& row) { return row.route == route; };
            curves.push_back({RouteLabel(route),
                              route == QN_ROUTE_FAST ? "ls 2" : "ls 1",
                              StreamTimes(m_r, ours, &StreamRow::first)});
        }
        AddCdf(
            figures,
            "ttfb",
            "Time to first byte",
            "time from SOCKS greeting to first byte of the response (s)",
            "From the moment a program connects to its own node's SOCKS port to the first byte of "
            "the "
            "web server's response. It includes opening the stream through the circuit, the exit's "
            "name lookup and its connection to the server; when no circuit is ready, it includes "
            "building one.",
            std::move(curves),
            "");
    }

    void
    LastByte()
    {
        std::vector<Curve> curves;
        unsigned colour = 1;
        for (uint64_t size : SizesAsked(m_s.GetScenario()))
        {
            for (qn_route route : ROUTES)
            {
                auto ours = [route, size](const StreamRow& row) {
                    return row.route == route && row.size == size;
                };
                std::string style = "ls " + std::to_string(colour);
                curves.push_back({FormatQuantity(size, Unit::Size) + " " + RouteName(route),
                                  style + (route == QN_ROUTE_FAST ? " dt (8,4)" : ""),
                                  StreamTimes(m_r, ours, &StreamRow::last)});
            }
            colour++;
        }
        AddCdf(
            figures,
            "ttlb",
            "Time to last byte, by size and route",
            "time to the last byte (s, logarithmic)",
            "Same clock as above, stopped when the last byte of the object has arrived and every "
            "byte "
            "has been compared with the one it should be. Solid: privacy (3 hops). Dashed: fast "
            "(1 hop). Objects still under way at the end of the run are not in the curves, which "
            "flatters the largest size a little.",
            curves,
            "set logscale x\nset xtics (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)\nset key above "
            "vertical maxrows 2\n");
    }

    void
    Build()
    {
        std::vector<Curve> curves = {{"3 hops", "ls 1", BuildTimes(m_r, 3)}};
        AddCdf(
            figures,
            "build",
            "Circuit build time",
            "time to build a circuit (s)",
            "Telescoping three hops: the link to the entry if it is not up yet, then two "
            "extensions, "
            "each a Noise NK handshake of the real core. Circuits that could not be built are not "
            "in "
            "the curve; the table counts them.",
            std::move(curves),
            "");
    }

    void
    Throughput()
    {
        std::map<int64_t, std::pair<uint64_t, uint64_t>> rows;
        for (const SampleRow& row : m_r.GetSamples())
        {
            (row.node < 0 ? rows[row.at].first : rows[row.at].second) +=
                row.node < 0 ? row.delivered : row.sent;
        }
        OutputFile out(figures.DataPath("throughput"));
        out.Write("time_ns,delivered_bytes,sent_by_relays_bytes\n");
        for (const auto& [at, sums] : rows)
        {
            out.Write(std::to_string(at) + "," + std::to_string(sums.first) + "," +
                      std::to_string(sums.second) + "\n");
        }
        out.Close();
        std::string scale = "*8/1e6/" + std::to_string(m_s.GetScenario().interval) + "*1e9";
        std::string plot = "plot 'figs/throughput.csv' using ($1/t):($2" + scale +
                           ") title 'delivered to programs' with lines ls 1, \\\n     '' using "
                           "($1/t):($3" +
                           scale +
                           ") title 'sent by relays, exits and super peers' with lines ls 2\n";
        AddOverTime(
            figures,
            m_s.GetScenario(),
            "throughput",
            "Throughput over time",
            "Mbit/s",
            "Application bytes that reached programs, beside everything that relays, exits and "
            "super "
            "peers put on their uplinks to carry them: records, cells, handshakes, directory and "
            "TCP/IP headers. The gap between the curves is what the hops cost.",
            "set yrange [0:*]\n" + plot);
    }

    void
    Load()
    {
        std::map<int64_t, std::vector<uint64_t>> rows;
        for (const SampleRow& row : m_r.GetSamples())
        {
            if (row.node >= 0)
            {
                rows[row.at].push_back(LoadPermille(row));
            }
        }
        OutputFile out(figures.DataPath("load"));
        out.Write("time_ns,p10_permille,p50_permille,p90_permille,max_permille\n");
        for (auto& [at, loads] : rows)
        {
            Distribution d(std::move(loads));
            out.Write(std::to_string(at));
            for (uint32_t permille : {100U, 500U, 900U, 1000U})
            {
                out.Write("," + std::to_string(d.At(permille)));
            }
            out.Write("\n");
        }
        out.Close();
        AddOverTime(
            figures,
            m_s.GetScenario(),
            "load",
            "Relay load over time",
            "uplink in use (%)",
            "Share of its uplink that each relay, exit and super peer used per interval: the "
            "median, "
            "the middle 80 %, and the busiest one. A node at 100 % has a queue.",
            "set yrange [0:105]\n"
            "plot 'figs/load.csv' using ($1/t):($2/10.0):($4/10.0) title '10th to 90th "
            "percentile' "
            "with filledcurves fc rgb '#56B4E9' fs transparent solid 0.35 noborder, \\\n"
            "     '' using ($1/t):($3/10.0) title 'median' with lines ls 1, \\\n"
            "     '' using ($1/t):($5/10.0) title 'busiest' with lines ls 2 lw 1\n");
    }

    void
    Lorenz()
    {
        std::map<int32_t, uint64_t> sent;
        for (const SampleRow& row : m_r.GetSamples())
        {
            if (row.node >= 0 && row.at > static_cast<int64_t>(m_s.GetScenario().warmup))
            {
                sent[row.node] += row.sent;
            }
        }
        std::vector<uint64_t> values;
        uint64_t sum = 0;
        for (const auto& [node, bytes] : sent)
        {
            values.push_back(bytes);
            sum += bytes;
        }
        if (values.size() < CURVE_MIN || sum == 0)
        {
            return;
        }
        std::sort(values.begin(), values.end());
        OutputFile out(figures.DataPath("lorenz"));
        out.Write("nodes_permille,bytes_permille\n0,0\n");
        uint64_t soFar = 0;
        for (size_t i = 0; i < values.size(); i++)
        {
            soFar += values[i];
            out.Write(std::to_string((i + 1) * 1000 / values.size()) + "," +
                      std::to_string(soFar * 1000 / sum) + "\n");
        }
        out.Close();
        figures.Add(
            "lorenz",
            "How evenly the load is shared",
            "Relays, exits and super peers sorted from least to most used after the warm-up. On "
            "the "
            "diagonal every one would carry the same; exits and super peers carry more by their "
            "role, so even a perfect choice bends the curve.",
            "set xlabel 'share of nodes, least used first (%)'\n"
            "set ylabel 'share of bytes sent (%)'\nset xrange [0:100]\nset yrange [0:100]\n"
            "set key left top\n"
            "plot x title 'all alike' with lines ls 6 dt 2, \\\n"
            "     'figs/lorenz.csv' using ($1/10.0):($2/10.0) title 'this run' with linespoints ls "
            "1 pt 7 ps 0.4\n");
    }

    FigureSet figures;

  private:
    uint64_t
    LoadPermille(const SampleRow& row) const
    {
        uint64_t up = m_s.GetMembers()[static_cast<size_t>(row.node)].up;
        uint64_t bits = row.sent * 8 * 1000;
        uint64_t capacity = up / 1000 * m_s.GetScenario().interval / 1000000;
        return capacity > 0 ? std::min<uint64_t>(bits / capacity, 1000) : 0;
    }

    const Simulation& m_s;
    const Recorder& m_r;
};

} // namespace

std::vector<Figure>
WriteFigures(const std::string& folder, const Simulation& simulation, const Recorder& recorder)
{
    Maker maker(folder, simulation, recorder);
    maker.FirstByte();
    maker.LastByte();
    maker.Build();
    maker.Throughput();
    maker.Load();
    maker.Lorenz();
    AddPeopleFigures(maker.figures, simulation, recorder);
    AddCensorFigures(maker.figures, simulation, recorder);
    return maker.figures.Take();
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "bands.h"

#include <algorithm>
#include <cmath>

#include "curves.h"
#include "output-file.h"

namespace qnet
{

namespace
{

constexpr size_t GRID = 160;                                ///< points of a CDF's axis
constexpr double FULL = 1000;                               ///< permille
constexpr uint64_t LONG_RUN = UINT64_C(10800) * 1000000000; ///< ns: its axis counts hours

/// Of style.gp, without its emphasis.
constexpr const char* COLOURS[BANDS_MAX] = {
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#555555"};

void
WriteHead(OutputFile& out, const std::vector<std::string>& names)
{
    out.Write("time_ns");
    for (const std::string& name : names)
    {
        std::string plain = name;
        std::replace(plain.begin(), plain.end(), ',', ' ');
        out.Write("," + plain + " mean," + plain + " low95," + plain + " high95");
    }
    out.Write("\n");
}

/// Permille with its interval, which ends where shares do; '?' without runs.
void
WriteShare(OutputFile& out, const Interval& i)
{
    if (i.runs == 0)
    {
        out.Write(",?,?,?");
        return;
    }
    out.Printf(",%.1f,%.1f,%.1f",
               i.mean,
               std::max(i.mean - i.margin, 0.0),
               std::min(i.mean + i.margin, FULL));
}

/// \param scale of the axis, gnuplot
std::string
PlotBands(const std::string& id,
          const std::vector<std::string>& names,
          const std::string& scale,
          const std::string& share)
{
    std::string file = "'figs/" + id + ".csv'";
    std::string bands;
    std::string lines;
    for (size_t i = 0; i < names.size(); i++)
    {
        auto column = [&share, i](size_t of) {
            return "($" + std::to_string(i * 3 + of) + "/" + share + ")";
        };
        bands += (i > 0 ? ", \\\n     " : "") + file + " using ($1/" + scale + "):" + column(3) +
                 ":" + column(4) + " with filledcurves fc rgb '" + COLOURS[i] +
                 "' fs transparent solid 0.22 noborder notitle";
        lines += ", \\\n     " + file + " using ($1/" + scale + "):" + column(2) +
                 " with lines ls " + std::to_string(i + 1) + " lw 1.4 title " + Quoted(names[i]);
    }
    return "set datafile missing '?'\nplot " + bands + lines + "\n";
}

std::string
Labels(const BandFigure& figure)
{
    return "set xlabel '" + figure.xlabel + "'\nset ylabel '" + figure.ylabel + "'\n" +
           (figure.legend.empty() ? "" : "set key title " + Quoted(figure.legend) + "\n");
}

/// Only runs that say something, and curves of at least half of their runs.
std::vector<Spread>
Worthy(const std::vector<Spread>& curves)
{
    std::vector<Spread> out;
    for (const Spread& curve : curves)
    {
        Spread kept = {curve.name, {}};
        for (const Distribution& run : curve.runs)
        {
            if (run.Count() >= CURVE_MIN)
            {
                kept.runs.push_back(run);
            }
        }
        bool enough = kept.runs.size() * 2 >= curve.runs.size() && !kept.runs.empty();
        if (enough && out.size() < BANDS_MAX)
        {
            out.push_back(std::move(kept));
        }
    }
    return out;
}

/// Points from the first value to where hardly any are left, each as far from the next by ratio.
std::vector<uint64_t>
GridOf(const std::vector<Spread>& curves)
{
    constexpr uint32_t NEARLY_ALL = 995;
    uint64_t from = UINT64_MAX;
    uint64_t to = 2;
    for (const Spread& curve : curves)
    {
        for (const Distribution& run : curve.runs)
        {
            from = std::min(from, std::max<uint64_t>(run.At(0), 1));
            to = std::max(to, run.At(NEARLY_ALL));
        }
    }
    std::vector<uint64_t> grid;
    double ratio = std::log(static_cast<double>(to) / static_cast<double>(from));
    for (size_t i = 0; i <= GRID; i++)
    {
        double step = static_cast<double>(i) / GRID;
        grid.push_back(static_cast<uint64_t>(static_cast<double>(from) * std::exp(ratio * step)));
    }
    return grid;
}

} // namespace

std::string
Quoted(const std::string& text)
{
    std::string out = "\"";
    for (char c : PlainLabel(text))
    {
        bool plain = c != '"' && c != '\\' && c != '{' && c != '}' && c != '`' && c != '\n';
        out += plain ? c : ' ';
    }
    return out + "\"";
}

void
AddCdfBands(FigureSet& figures, const BandFigure& figure, const std::vector<Spread>& curves)
{
    std::vector<Spread> kept = Worthy(curves);
    if (kept.empty())
    {
        return;
    }
    std::vector<std::string> names;
    for (const Spread& curve : kept)
    {
        names.push_back(curve.name);
    }
    std::vector<uint64_t> grid = GridOf(kept);
    OutputFile out(figures.DataPath(figure.id));
    WriteHead(out, names);
    for (uint64_t at : grid)
    {
        out.Write(std::to_string(at));
        for (const Spread& curve : kept)
        {
            std::vector<double> shares;
            for (const Distribution& run : curve.runs)
            {
                shares.push_back(static_cast<double>(run.PermilleAtMost(at)));
            }
            WriteShare(out, IntervalOf(shares));
        }
        out.Write("\n");
    }
    out.Close();
    constexpr double LEGEND = 0.3; // of the curves' width, to their right
    auto left = static_cast<double>(grid.front());
    auto right = static_cast<double>(grid.back());
    double end = right * std::pow(right / left, kept.size() > 1 ? LEGEND : 0);
    std::string range =
        "set xrange [" + std::to_string(left / 1e9) + ":" + std::to_string(end / 1e9) + "]\n";
    figures.Add(figure.id,
                figure.title,
                figure.caption,
                Labels(figure) + "set yrange [0:1]\nset key bottom right Left reverse\n" + range +
                    "set logscale x\nset xtics (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, "
                    "100, 200, 500)\n" +
                    PlotBands(figure.id, names, "1e9", "1000.0"));
}

void
AddTimeBands(FigureSet& figures,
             const BandFigure& figure,
             const std::vector<std::string>& names,
             const std::vector<TimeRow>& rows)
{
    OutputFile out(figures.DataPath(figure.id));
    WriteHead(out, names);
    for (const TimeRow& row : rows)
    {
        out.Write(std::to_string(row.at));
        for (const std::vector<double>& values : row.values)
        {
            WriteShare(out, IntervalOf(values));
        }
        out.Write("\n");
    }
    out.Close();
    bool hours = rows.back().at > LONG_RUN;
    BandFigure labelled = figure;
    labelled.xlabel += hours ? " (h)" : " (s)";
    figures.Add(figure.id,
                figure.title,
                figure.caption,
                Labels(labelled) + "set yrange [0:105]\nset key bottom left Left reverse\n" +
                    PlotBands(figure.id, names, hours ? "3.6e12" : "1e9", "10.0"));
}

} // namespace qnet

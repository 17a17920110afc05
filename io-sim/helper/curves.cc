// SPDX-License-Identifier: GPL-2.0-only
#include "curves.h"

#include "output-file.h"

namespace qnet
{

namespace
{

constexpr uint64_t LONG_RUN = UINT64_C(10800) * 1000000000; ///< ns: its axis counts hours

void
WriteCurves(const std::string& path, const std::vector<Curve>& curves)
{
    OutputFile out(path);
    out.Write("share_permille");
    for (const Curve& curve : curves)
    {
        out.Write("," + curve.name);
    }
    out.Write("\n");
    for (uint32_t permille = 0; permille <= 1000; permille += 5)
    {
        out.Write(std::to_string(permille));
        for (const Curve& curve : curves)
        {
            out.Write("," + std::to_string(curve.values.At(permille)));
        }
        out.Write("\n");
    }
    out.Close();
}

std::string
PlotCurves(const std::string& id, const std::vector<Curve>& curves)
{
    constexpr size_t ROOMY = 3; // more curves leave the legend no room for counts
    std::string plot = "plot ";
    for (size_t i = 0; i < curves.size(); i++)
    {
        std::string column = std::to_string(i + 2);
        std::string count = ", n = " + std::to_string(curves[i].values.Count());
        plot += (i > 0 ? ", \\\n     " : "") + std::string("'figs/") + id + ".csv' using ($" +
                column + "/1e9):($1/1000.0) title '" + PlainLabel(curves[i].name) +
                (curves.size() > ROOMY ? "" : count) + "' with lines " + curves[i].style;
    }
    return plot + "\n";
}

/// The last half percent would squeeze all others to the left.
std::string
RangeOf(const std::vector<Curve>& curves, bool fromZero)
{
    uint64_t left = fromZero ? 0 : UINT64_MAX;
    uint64_t right = 0;
    for (const Curve& curve : curves)
    {
        left = std::min(left, curve.values.At(0));
        right = std::max(right, curve.values.At(995));
    }
    return "set xrange [" + std::to_string(left / 1000000) +
           "/1e3:" + std::to_string(right / 1000000 + 1) + "/1e3]\n";
}

} // namespace

std::string
PlainLabel(const std::string& text)
{
    std::string out;
    for (char c : text)
    {
        out += c == '_' || c == '^' || c == '@' ? ' ' : c;
    }
    return out;
}

void
AddCdf(FigureSet& figures,
       const std::string& id,
       const std::string& title,
       const std::string& xlabel,
       const std::string& caption,
       std::vector<Curve> curves,
       const std::string& settings)
{
    curves.erase(std::remove_if(curves.begin(),
                                curves.end(),
                                [](const Curve& c) { return c.values.Count() < CURVE_MIN; }),
                 curves.end());
    if (curves.empty())
    {
        return;
    }
    WriteCurves(figures.DataPath(id), curves);
    figures.Add(id,
                title,
                caption,
                "set xlabel '" + xlabel + "'\nset ylabel 'share at most this long'\n" +
                    "set yrange [0:1]\nset key bottom right\n" + RangeOf(curves, settings.empty()) +
                    settings + PlotCurves(id, curves));
}

void
AddOverTime(FigureSet& figures,
            const Scenario& scenario,
            const std::string& id,
            const std::string& title,
            const std::string& ylabel,
            const std::string& caption,
            const std::string& body)
{
    bool hours = scenario.stop > LONG_RUN;
    std::string warmup = std::to_string(scenario.warmup / 1000000) + "e6/t";
    figures.Add(id,
                title,
                caption,
                std::string("t = ") + (hours ? "3.6e12" : "1e9") +
                    "\nset xlabel 'simulated time (" + (hours ? "h" : "s") + ")'\nset ylabel '" +
                    ylabel + "'\nset xrange [0:" + std::to_string(scenario.stop / 1000000) +
                    "e6/t]\nset key above maxrows 2\n" + "set arrow 1 from " + warmup +
                    ", graph 0 to " + warmup + ", graph 1 nohead dt 3 lc rgb '#666666'\n" +
                    "set label 1 ' measured from here' at " + warmup +
                    ", graph 0.96 tc rgb '#666666' font ',11'\n" + body);
}

} // namespace qnet

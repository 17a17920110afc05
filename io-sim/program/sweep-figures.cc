// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-figures.h"

#include <algorithm>
#include <cstdlib>
#include <map>

#include "bands.h"
#include "output-file.h"
#include "run-tables.h"

namespace qnet
{

namespace
{

/// "population.people.count" as "people.count".
std::string
ShortKey(const std::string& key)
{
    size_t last = key.rfind('.');
    size_t before = last == std::string::npos || last == 0 ? last : key.rfind('.', last - 1);
    return before == std::string::npos ? key : key.substr(before + 1);
}

/// Where a value of the swept key stands on its axis.
struct Axis
{
    std::string label;
    std::vector<std::string> values; ///< in the order of the list
    std::vector<double> places;
    bool numbers = false;
};

/// Numbers of one unit stand where they belong; anything else side by side.
Axis
AxisOf(const std::vector<const MergedCell*>& cells)
{
    Axis axis;
    const auto& [key, first] = cells.front()->cell->at.back();
    std::string unit;
    axis.numbers = true;
    for (const MergedCell* cell : cells)
    {
        const std::string& value = cell->cell->at.back().second;
        if (std::find(axis.values.begin(), axis.values.end(), value) != axis.values.end())
        {
            continue;
        }
        std::string bare = value;
        bare.erase(
            std::remove_if(bare.begin(), bare.end(), [](char c) { return c == '\'' || c == '"'; }),
            bare.end());
        char* end = nullptr;
        double number = std::strtod(bare.c_str(), &end);
        std::string rest = end;
        axis.numbers = axis.numbers && end != bare.c_str() && (axis.values.empty() || rest == unit);
        unit = rest;
        axis.values.push_back(value);
        axis.places.push_back(number);
    }
    for (size_t i = 0; !axis.numbers && i < axis.places.size(); i++)
    {
        axis.places[i] = static_cast<double>(i);
    }
    unit.erase(0, unit.find_first_not_of(' '));
    axis.label = ShortKey(key) + (axis.numbers && !unit.empty() ? " (" + unit + ")" : "");
    return axis;
}

/// One line of a picture against the axis: its cells by value, and the metric.
struct Line
{
    std::string name;
    std::map<std::string, const MergedCell*> cells;
    std::string metric;
};

class Maker
{
  public:
    Maker(const std::string& folder, const Scenario& scenario, const Merged& merged)
        : m_figures(folder + "/figs", FigureShape::Column),
          m_scenario(scenario),
          m_merged(merged)
    {
        MakeFolder(folder + "/figs");
        WriteFigureStyle(folder + "/figs");
        for (const MergedCell& cell : merged.cells)
        {
            if (!cell.done.empty())
            {
                m_cells.push_back(&cell);
            }
        }
    }

    void
    Times()
    {
        ReadAll();
        for (const char* route : {"fast", "privacy"})
        {
            std::string hops = route == std::string("fast") ? "1 hop" : "3 hops";
            std::vector<Spread> first;
            for (size_t i : Chosen())
            {
                first.push_back({LabelOf(*m_cells[i]->cell), {}});
                for (const RunTimes& run : m_times[i])
                {
                    first.back().runs.push_back(AllSizes(run, route, &FetchTimes::first));
                }
            }
            AddCdfBands(m_figures,
                        {std::string("ttfb-") + route,
                         "Time to first byte, " + hops,
                         Caption("From a program's connecting to its node's SOCKS port to the "
                                 "first byte of the response, all sizes."),
                         "time to first byte (s)",
                         "share of fetches",
                         Legend()},
                        first);
            LastBytes(route, hops);
        }
    }

    /// Who was connected when, where somebody was kept from it.
    void
    OverTime()
    {
        if (m_scenario.censors.empty() && m_scenario.faults.empty())
        {
            return;
        }
        Shares("users",
               "Users connected",
               "users connected (%)",
               "Of the people of a region who have asked for something so far: whose newest fetch "
               "came to a good end.");
        Shares("entries",
               "Survival of entries",
               "entries not blocked (%)",
               "Of the nodes that no list names and that invitations lead to: how many the censor "
               "has not come to block.");
    }

    void
    Against(const std::vector<Headline>& headlines)
    {
        if (m_cells.front()->cell->at.empty())
        {
            return;
        }
        Axis axis = AxisOf(m_cells);
        for (const Headline& headline : headlines)
        {
            Scale scale = ScaleOf(headline.metrics.front().first, MostOf(headline, m_merged));
            std::map<std::string, std::vector<Line>> pictures = LinesOf(headline);
            for (const auto& [ending, lines] : pictures)
            {
                AgainstOne(headline, ending, axis, lines, scale);
            }
        }
    }

    std::vector<Figure>
    Take()
    {
        return m_figures.Take();
    }

  private:
    void
    ReadAll()
    {
        for (const MergedCell* cell : m_cells)
        {
            m_times.emplace_back();
            for (const Task* task : cell->done)
            {
                m_times.back().push_back(ReadTimes(task->folder));
            }
        }
    }

    static Distribution
    AllSizes(const RunTimes& run, const std::string& route, std::vector<uint64_t> FetchTimes::*what)
    {
        std::vector<uint64_t> all;
        for (const auto& [key, times] : run)
        {
            if (key.first == route)
            {
                all.insert(all.end(), (times.*what).begin(), (times.*what).end());
            }
        }
        return Distribution(std::move(all));
    }

    static Distribution
    OneSize(const RunTimes& run, const std::string& route, uint64_t size)
    {
        auto found = run.find({route, size});
        return Distribution(found == run.end() ? std::vector<uint64_t>() : found->second.last);
    }

    /// By size if there is one cell, else a picture for each size.
    void
    LastBytes(const std::string& route, const std::string& hops)
    {
        std::string caption =
            "The same clock, until the last byte has come and every byte was compared with the one "
            "it should be. What was under way at a run's end is not in it.";
        std::vector<Spread> sizes;
        for (uint64_t size : SizesAsked(m_scenario))
        {
            std::string text = FormatQuantity(size, Unit::Size);
            std::vector<Spread> curves;
            for (size_t i : Chosen())
            {
                curves.push_back({Swept() ? LabelOf(*m_cells[i]->cell) : text, {}});
                for (const RunTimes& run : m_times[i])
                {
                    curves.back().runs.push_back(OneSize(run, route, size));
                }
            }
            if (!Swept())
            {
                sizes.push_back(std::move(curves.front()));
                continue;
            }
            std::string id = text;
            id.erase(std::remove(id.begin(), id.end(), ' '), id.end());
            AddCdfBands(m_figures,
                        {"ttlb-" + route + "-" + id,
                         "Last byte of " + text + ", " + hops,
                         Caption(caption),
                         "time to last byte (s)",
                         "share of fetches",
                         Legend()},
                        curves);
        }
        AddCdfBands(m_figures,
                    {"ttlb-" + route,
                     "Time to last byte, " + hops,
                     Caption(caption),
                     "time to last byte (s)",
                     "share of fetches",
                     ""},
                    sizes);
    }

    /// Of a figure that each run has over time: by its columns if there is one cell, else a picture
    /// for each column.
    void
    Shares(const std::string& name,
           const std::string& title,
           const std::string& ylabel,
           const std::string& caption)
    {
        std::vector<std::vector<TimeTable>> tables;
        for (size_t i : Chosen())
        {
            tables.emplace_back();
            for (const Task* task : m_cells[i]->done)
            {
                tables.back().push_back(ReadTimeTable(task->folder + "/figs/" + name + ".csv"));
            }
        }
        const TimeTable& shape = tables.front().front();
        if (shape.rows.empty())
        {
            return;
        }
        BandFigure figure = {name, title, Caption(caption), "simulated time", ylabel, ""};
        if (!Swept())
        {
            AddTimeBands(m_figures, figure, shape.names, Rows(tables, {}));
            return;
        }
        std::vector<std::string> names;
        for (size_t i : Chosen())
        {
            names.push_back(LabelOf(*m_cells[i]->cell));
        }
        for (size_t c = 0; c < shape.names.size(); c++)
        {
            BandFigure one = figure;
            one.id += "-" + shape.names[c];
            one.title += ", " + shape.names[c];
            one.legend = Legend();
            AddTimeBands(m_figures, one, names, Rows(tables, {c}));
        }
    }

    /// \param column one of the tables', a curve for each cell; or none, a curve for each column
    static std::vector<TimeRow>
    Rows(const std::vector<std::vector<TimeTable>>& tables, const std::vector<size_t>& column)
    {
        const TimeTable& shape = tables.front().front();
        std::vector<TimeRow> rows;
        for (size_t r = 0; r < shape.rows.size(); r++)
        {
            TimeRow row = {shape.rows[r].first, {}};
            row.values.resize(column.empty() ? shape.names.size() : tables.size());
            for (size_t i = 0; i < tables.size(); i++)
            {
                for (size_t c = 0; c < shape.names.size(); c++)
                {
                    if (column.empty() || column.front() == c)
                    {
                        Values(tables[i], r, shape.names[c], row.values[column.empty() ? c : i]);
                    }
                }
            }
            rows.push_back(std::move(row));
        }
        return rows;
    }

    static void
    Values(const std::vector<TimeTable>& runs,
           size_t row,
           const std::string& name,
           std::vector<double>& out)
    {
        for (const TimeTable& run : runs)
        {
            auto found = std::find(run.names.begin(), run.names.end(), name);
            if (row < run.rows.size() && found != run.names.end())
            {
                double value = run.rows[row].second[static_cast<size_t>(found - run.names.begin())];
                if (value >= 0)
                {
                    out.push_back(value);
                }
            }
        }
    }

    /// A picture has the metrics of a headline, or, where other keys were swept too, one metric for
    /// each combination of their values. By what its id ends with.
    std::map<std::string, std::vector<Line>>
    LinesOf(const Headline& headline) const
    {
        std::map<std::string, std::vector<Line>> out;
        bool more = m_cells.front()->cell->at.size() > 1;
        for (const auto& [path, name] : headline.metrics)
        {
            std::vector<Line>& lines = out[more && headline.metrics.size() > 1 ? name : ""];
            size_t first = lines.size();
            for (const MergedCell* cell : m_cells)
            {
                std::string others = Others(*cell->cell);
                auto same = [&others](const Line& line) { return line.name == others; };
                auto found =
                    std::find_if(lines.begin() + static_cast<long>(first), lines.end(), same);
                if (found == lines.end())
                {
                    found = lines.insert(lines.end(), {others, {}, path});
                }
                found->cells[cell->cell->at.back().second] = cell;
            }
            if (!more)
            {
                lines.back().name = name;
            }
        }
        return out;
    }

    /// The values of all keys but the last.
    static std::string
    Others(const Cell& cell)
    {
        std::string text;
        for (size_t i = 0; i + 1 < cell.at.size(); i++)
        {
            text += (i > 0 ? ", " : "") + ShortKey(cell.at[i].first) + " " + cell.at[i].second;
        }
        return text;
    }

    void
    AgainstOne(const Headline& headline,
               const std::string& ending,
               const Axis& axis,
               const std::vector<Line>& all,
               const Scale& scale)
    {
        std::vector<Line> lines(all.begin(),
                                all.begin() + static_cast<long>(std::min(all.size(), BANDS_MAX)));
        std::string id = "by-" + headline.id + (ending.empty() ? "" : "-" + ending);
        std::replace(id.begin(), id.end(), ' ', '-');
        WriteAgainst(id, axis, lines);
        std::string plot =
            "set xlabel " + Quoted(axis.label) + "\nset ylabel " +
            Quoted(headline.ylabel + (scale.unit.empty() ? "" : " (" + scale.unit + ")")) +
            "\nset yrange [0:*]\nset offsets graph 0.06, graph 0.06, graph 0.08, 0\n" +
            (lines.size() > 1 ? "set key above maxrows 3\n" : "unset key\n") + "plot ";
        for (size_t i = 0; i < lines.size(); i++)
        {
            auto column = [&scale, i](size_t of) {
                return "($" + std::to_string(i * 3 + of) + "/" + std::to_string(scale.by) + ")";
            };
            plot += (i > 0 ? ", \\\n     " : "") + ("'figs/" + id) + ".csv' using 1:" + column(3) +
                    ":" + column(4) + ":" + column(5) + (axis.numbers ? "" : ":xtic(2)") +
                    " with yerrorlines ls " + std::to_string(i + 1) + " lw 1.4 pt 7 ps 0.5 title " +
                    Quoted(lines[i].name.empty() ? headline.metrics.front().second : lines[i].name);
        }
        m_figures.Add(id,
                      headline.title + (ending.empty() ? "" : ", " + ending),
                      "The mean of the seeds' figures, and its 95 % interval (Student's t)" +
                          std::string(all.size() > lines.size()
                                          ? "; the first " + std::to_string(lines.size()) + " of " +
                                                std::to_string(all.size()) + " lines."
                                          : "."),
                      plot + "\n");
    }

    void
    WriteAgainst(const std::string& id, const Axis& axis, const std::vector<Line>& lines)
    {
        OutputFile out(m_figures.DataPath(id));
        out.Write("place,value");
        for (const Line& line : lines)
        {
            std::string name = line.name.empty() ? line.metric : line.name;
            std::replace(name.begin(), name.end(), ',', ' ');
            out.Write("," + name + " mean," + name + " low95," + name + " high95");
        }
        out.Write("\n");
        for (size_t i = 0; i < axis.values.size(); i++)
        {
            out.Printf("%g,%s", axis.places[i], CsvCell(axis.values[i]).c_str());
            for (const Line& line : lines)
            {
                auto found = line.cells.find(axis.values[i]);
                Interval at =
                    found == line.cells.end() ? Interval{} : found->second->Of(line.metric);
                if (at.runs == 0)
                {
                    out.Write(",?,?,?");
                    continue;
                }
                out.Printf(",%.1f,%.1f,%.1f", at.mean, at.mean - at.margin, at.mean + at.margin);
            }
            out.Write("\n");
        }
        out.Close();
    }

    bool
    Swept() const
    {
        return !m_cells.front()->cell->at.empty();
    }

    std::string
    Legend() const
    {
        std::string text;
        for (const auto& [key, value] : m_cells.front()->cell->at)
        {
            text += (text.empty() ? "" : ", ") + ShortKey(key);
        }
        return text;
    }

    /// Of the cells, as many as can be told apart, the first and the last among them.
    std::vector<size_t>
    Chosen() const
    {
        std::vector<size_t> chosen;
        size_t n = std::min(m_cells.size(), BANDS_MAX);
        for (size_t i = 0; i < n; i++)
        {
            chosen.push_back(n > 1 ? i * (m_cells.size() - 1) / (n - 1) : 0);
        }
        return chosen;
    }

    std::string
    Caption(const std::string& text) const
    {
        size_t most = 0;
        for (const MergedCell* cell : m_cells)
        {
            most = std::max(most, cell->done.size());
        }
        std::string some = m_cells.size() > BANDS_MAX
                               ? " " + std::to_string(BANDS_MAX) + " of " +
                                     std::to_string(m_cells.size()) + " values are shown."
                               : "";
        return text + " Line: the mean of " + std::to_string(most) +
               " seeds; band: its 95 % interval at each point (Student's t)." + some;
    }

    FigureSet m_figures;
    const Scenario& m_scenario;
    const Merged& m_merged;
    std::vector<const MergedCell*> m_cells;     ///< with finished runs
    std::vector<std::vector<RunTimes>> m_times; ///< of each, by run
};

} // namespace

std::string
LabelOf(const Cell& cell)
{
    std::string text;
    for (const auto& [key, value] : cell.at)
    {
        text += (text.empty() ? "" : ", ") + value;
    }
    return text.empty() ? "all runs" : text;
}

std::vector<Figure>
WriteSweepFigures(const std::string& folder,
                  const Scenario& scenario,
                  const Merged& merged,
                  const std::vector<Headline>& headlines)
{
    Maker maker(folder, scenario, merged);
    maker.Times();
    maker.OverTime();
    maker.Against(headlines);
    return maker.Take();
}

} // namespace qnet

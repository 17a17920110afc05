// SPDX-License-Identifier: GPL-2.0-only
#include "sweep-report.h"

#include <algorithm>

#include "output-file.h"
#include "report-page.h"
#include "shell-word.h"
#include "sweep-figures.h"
#include "versions.h"

namespace qnet
{

namespace
{

using Rows = std::vector<std::vector<std::string>>;

class Report
{
  public:
    explicit Report(const SweepReportInput& input)
        : m_in(input),
          m_scenario(input.work.GetScenario())
    {
        for (const MergedCell& cell : input.merged.cells)
        {
            if (!cell.done.empty())
            {
                m_cells.push_back(&cell);
            }
        }
    }

    std::string
    Make(const std::string& folder)
    {
        m_html.Begin(m_scenario.name + " - QNet simulations");
        Head();
        Expectations();
        Numbers();
        Baseline();
        m_html.Pictures(folder, m_in.figures, m_in.noFigures, " class=\"columns\"");
        Limits();
        Again();
        return m_html.Take();
    }

  private:
    void
    Head()
    {
        const Merged& merged = m_in.merged;
        m_html.Text("h1", m_scenario.name);
        m_html.Text("p", m_scenario.description, " class=\"lead\"");
        m_html.Open("div", " class=\"tiles\"");
        m_html.Tile(Grouped(merged.runs) + " runs",
                    std::to_string(m_cells.size()) +
                        (m_cells.size() == 1 ? " setting" : " settings") + ", seeds " + Seeds(),
                    "");
        if (merged.missing > 0)
        {
            m_html.Tile(Grouped(merged.missing) + " missing",
                        "runs that have not ended are in no figure",
                        "bad");
        }
        m_html.Tile(std::to_string(merged.met) + " of " + std::to_string(merged.runs),
                    "runs met all that the scenario expects",
                    merged.met == merged.runs ? "good" : "bad");
        double broken = 0;
        for (const MergedCell* cell : m_cells)
        {
            Interval wrong = cell->Of("streams.p1_violations");
            broken += wrong.mean * static_cast<double>(wrong.runs);
        }
        m_html.Tile(Grouped(static_cast<uint64_t>(broken + 0.5)) + " wrong endings",
                    "a wrong byte, or a cut shown as a clean end (promise P1), in all runs",
                    broken == 0 ? "good" : "bad");
        m_html.Close();
        m_html.Open("dl");
        m_html.Line("Question", m_scenario.question);
        m_html.Line("Model", m_scenario.model);
        m_html.Line("Metrics", m_scenario.metrics);
        m_html.Line("Swept", Swept());
        m_html.Line("Tier", TierName(m_cells.front()->cell->tier));
        m_html.Close();
    }

    std::string
    Seeds() const
    {
        return std::to_string(m_in.options.firstSeed) + " to " +
               std::to_string(m_in.options.lastSeed);
    }

    std::string
    Swept() const
    {
        std::string text;
        for (const auto& [key, value] : m_cells.front()->cell->at)
        {
            text += (text.empty() ? "" : ", ") + key;
        }
        return text.empty() ? "nothing: the seeds are samples of one setting" : text;
    }

    /// The claims: what the scenario says of every run, and what the runs say of it.
    void
    Expectations()
    {
        if (m_scenario.expectations.empty())
        {
            return;
        }
        m_html.Text("h2", "What the scenario claims, and what the seeds say");
        Rows rows = {
            {"metric", "setting", "expected", "mean, 95 % interval", "least", "most", "met"}};
        for (size_t i = 0; i < m_scenario.expectations.size(); i++)
        {
            const Expectation& claim = m_scenario.expectations[i];
            for (const MergedCell* cell : m_cells)
            {
                rows.push_back(ClaimRow(claim, i, *cell));
            }
        }
        m_html.Table(rows);
        m_html.Text("p",
                    "A claim is judged in every run. A scenario whose own expectations a setting "
                    "changes has them as they are in the first one here.");
    }

    static std::vector<std::string>
    ClaimRow(const Expectation& claim, size_t number, const MergedCell& cell)
    {
        Interval found = cell.Of(claim.what);
        Scale scale = ScaleOf(claim.what, found.most);
        Scale bare = {scale.by, ""};
        std::string unit = scale.unit.empty() ? "" : " " + scale.unit;
        size_t met = number < cell.met.size() ? cell.met[number] : 0;
        auto one = [&bare](double value) {
            std::string text = IntervalText({1, value, 0, value, value}, bare);
            return text.substr(0, text.find(' '));
        };
        return {claim.what,
                LabelOf(*cell.cell),
                claim.text.substr(std::min(claim.text.size(), claim.what.size())),
                IntervalText(found, bare) + (found.runs > 0 ? unit : ""),
                found.runs > 0 ? one(found.least) + unit : "-",
                found.runs > 0 ? one(found.most) + unit : "-",
                std::to_string(met) + " of " + std::to_string(cell.done.size())};
    }

    void
    Numbers()
    {
        m_html.Text("h2", "Headline figures");
        m_html.Text("p",
                    "The mean of the seeds' figures and half the width of its 95 % interval "
                    "(Student's t). sweep.csv has every metric.");
        Rows rows = {{"metric"}};
        for (const MergedCell* cell : m_cells)
        {
            rows[0].push_back(LabelOf(*cell->cell));
        }
        for (const Headline& headline : m_in.headlines)
        {
            Scale scale = ScaleOf(headline.metrics.front().first, MostOf(headline, m_in.merged));
            for (const auto& metric : headline.metrics)
            {
                rows.push_back({NameOf(headline, metric.second, scale)});
                for (const MergedCell* cell : m_cells)
                {
                    rows.back().push_back(IntervalText(cell->Of(metric.first), scale));
                }
            }
        }
        m_html.Table(rows);
    }

    static std::string
    NameOf(const Headline& headline, const std::string& metric, const Scale& scale)
    {
        return headline.title + (headline.metrics.size() > 1 ? ": " + metric : "") +
               (scale.unit.empty() ? "" : " (" + scale.unit + ")");
    }

    /// Seed by seed: the same seed draws the same people and places for every setting, as far as
    /// the setting lets it.
    void
    Baseline()
    {
        m_html.Text("h2", "Against the baseline");
        if (m_cells.size() < 2)
        {
            m_html.Text("p",
                        "There is none: one setting was run. Sweep a key (--set KEY=A,B), or hold "
                        "two folders beside each other with qnet-sim compare.");
            return;
        }
        const MergedCell& base = *m_cells.front();
        m_html.Text("p",
                    "The baseline is " + LabelOf(*base.cell) +
                        ". The difference to it is taken seed by seed; shown are its mean and half "
                        "the width of its 95 % interval. A star: the interval is on one side of "
                        "0.");
        Rows rows = {{"metric"}};
        for (size_t i = 1; i < m_cells.size(); i++)
        {
            rows[0].push_back(LabelOf(*m_cells[i]->cell));
        }
        for (const Headline& headline : m_in.headlines)
        {
            Scale scale = ScaleOf(headline.metrics.front().first, MostOf(headline, m_in.merged));
            for (const auto& metric : headline.metrics)
            {
                rows.push_back({NameOf(headline, metric.second, scale)});
                for (size_t i = 1; i < m_cells.size(); i++)
                {
                    rows.back().push_back(Difference(base, *m_cells[i], metric.first, scale));
                }
            }
        }
        m_html.Table(rows);
    }

    static std::string
    Difference(const MergedCell& base,
               const MergedCell& other,
               const std::string& metric,
               const Scale& scale)
    {
        auto left = base.metrics.find(metric);
        auto right = other.metrics.find(metric);
        std::vector<double> pairs;
        if (left != base.metrics.end() && right != other.metrics.end())
        {
            for (const auto& [seed, value] : right->second)
            {
                auto same = left->second.find(seed);
                if (same != left->second.end())
                {
                    pairs.push_back(value - same->second);
                }
            }
        }
        Interval i = IntervalOf(pairs);
        bool clear = i.runs > 1 && (i.mean - i.margin > 0 || i.mean + i.margin < 0);
        return IntervalText(i, scale) + (clear ? " *" : "");
    }

    void
    Limits()
    {
        m_html.Text("h2", "What it cannot say");
        m_html.Open("ul");
        if (!m_scenario.cannotSay.empty())
        {
            m_html.Text("li", m_scenario.cannotSay);
        }
        m_html.Text("li",
                    "An interval is about the seeds: what is drawn anew for each, people, places, "
                    "times. What the scenario holds fixed, its map, its software, its loads, is in "
                    "no interval.");
        m_html.Text("li",
                    "Many metrics are shown at once; of twenty intervals about one misses its mean "
                    "by chance.");
        m_html.Text("li",
                    "A metric that a run does not have, such as the time until something that "
                    "never came, is left out of its mean: sweep.csv says of how many runs it is.");
        m_html.Text("li", "What a single run fakes or abbreviates, its own report.html lists.");
        m_html.Close();
    }

    void
    Again()
    {
        const SweepOptions& o = m_in.options;
        m_html.Text("h2", "These runs, again");
        std::string command = "qnet-sim sweep " + ShellWord(o.run.scenario) + " --seeds " +
                              std::to_string(o.firstSeed) + "-" + std::to_string(o.lastSeed);
        command += o.run.hasTier ? std::string(" --tier ") + TierName(o.run.tier) : "";
        for (const std::string& set : o.run.sets)
        {
            command += " --set " + ShellWord(set);
        }
        m_html.Text("pre", command + " --out " + ShellWord(o.run.out));
        m_html.Open("dl");
        m_html.Line("merged by", VersionsText() + "; " + CompilerText());
        uint64_t kib = 0;
        for (const MergedCell* cell : m_cells)
        {
            m_html.Line("scenario SHA-256, " + LabelOf(*cell->cell), cell->cell->scenarioSha256);
            for (const Task* task : cell->done)
            {
                kib = std::max(kib, PeakKibOf(task->folder));
            }
        }
        m_html.Line("most memory of a run", FormatQuantity(kib * 1024, Unit::Size));
        m_html.Close();
        m_html.Text("p",
                    "Each run lies in a folder of its own with its report, its data and its "
                    "digest, by which qnet-sim verify knows it again.");
    }

    const SweepReportInput& m_in;
    const Scenario& m_scenario;
    std::vector<const MergedCell*> m_cells; ///< with finished runs
    ReportPage m_html;
};

} // namespace

void
WriteSweepReport(const std::string& folder, const SweepReportInput& input)
{
    std::string text = Report(input).Make(folder);
    OutputFile out(folder + "/report.html");
    out.Write(text);
    out.Close();
}

} // namespace qnet

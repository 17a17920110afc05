// SPDX-License-Identifier: GPL-2.0-only
#include "report-page.h"

#include <cstdio>
#include <memory>

namespace qnet
{

namespace
{

const char* const STYLE = R"css(
:root { --ink: #1d2433; --soft: #5b6474; --line: #dde1e8; --tint: #f5f7fa; --blue: #0072B2; --bad: #b3261e; --good: #00704a; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; font: 16px/1.55 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 900px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; }
h2 { font-size: 21px; margin: 44px 0 10px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 16px; margin: 24px 0 6px; }
p { margin: 8px 0; } .lead { font-size: 18px; color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); gap: 12px; margin: 22px 0; }
.tile { background: var(--tint); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
.tile b { display: block; font-size: 24px; line-height: 1.25; } .tile span { color: var(--soft); font-size: 14px; }
.tile.bad b { color: var(--bad); } .tile.good b { color: var(--good); }
figure { margin: 26px 0 34px; } figure svg { width: 100%; height: auto; display: block; border: 1px solid var(--line); border-radius: 10px; }
figcaption { color: var(--soft); font-size: 14px; margin-top: 8px; } figcaption b { color: var(--ink); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 14px; margin: 10px 0; width: 100%; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; } th:first-child, td:first-child { text-align: left; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 18px; margin: 10px 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 10px; padding: 14px; overflow-x: auto; font: 13px/1.45 "DejaVu Sans Mono", monospace; }
.columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: 6px 24px; } .columns figure { margin: 14px 0; }
li { margin: 5px 0; } .note { background: #fff7e0; border: 1px solid #efdca6; border-radius: 10px; padding: 10px 16px; }
)css";

std::string
ReadSvg(const std::string& path)
{
    std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
    std::string text;
    if (file)
    {
        char part[65536];
        for (size_t n = 0; (n = std::fread(part, 1, sizeof part, file.get())) > 0;)
        {
            text.append(part, n);
        }
    }
    size_t start = text.find("<svg"); // without the XML declaration, which only starts files
    return start == std::string::npos ? "" : text.substr(start);
}

} // namespace

std::string
Grouped(uint64_t value)
{
    std::string text = std::to_string(value);
    for (size_t i = text.size(); i > 3;)
    {
        i -= 3;
        text.insert(i, ",");
    }
    return text;
}

void
ReportPage::Begin(const std::string& title)
{
    Raw("<!DOCTYPE html>\n");
    Open("html", " lang=\"en\"");
    Open("head");
    Raw("<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" "
        "content=\"width=device-width, initial-scale=1\"/>\n");
    Text("title", title);
    Raw(std::string("<style>") + STYLE + "</style>\n");
    Close();
    Open("body");
    Open("main");
}

void
ReportPage::Tile(const std::string& value, const std::string& label, const std::string& mood)
{
    Open("div", " class=\"tile " + mood + "\"");
    Text("b", value);
    Text("span", label);
    Close();
}

void
ReportPage::Line(const std::string& term, const std::string& text)
{
    if (!text.empty())
    {
        Text("dt", term);
        Text("dd", text);
    }
}

void
ReportPage::Pictures(const std::string& folder,
                     const std::vector<Figure>& figures,
                     const std::string& noFigures,
                     const std::string& attributes)
{
    Text("h2", "Figures");
    if (!noFigures.empty())
    {
        Text("p", "There are no pictures: " + noFigures + ".", " class=\"note\"");
    }
    Open("div", attributes);
    for (const Figure& figure : figures)
    {
        Open("figure");
        Raw(noFigures.empty() ? ReadSvg(folder + "/figs/" + figure.id + ".svg") : "");
        Open("figcaption");
        Text("b", figure.title + ".");
        Raw(" " + Escape(figure.caption) + " Data and script: figs/" + figure.id + ".csv, figs/" +
            figure.id + ".gp.");
        Close();
        Close();
    }
    Close();
}

} // namespace qnet

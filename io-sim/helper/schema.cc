// SPDX-License-Identifier: GPL-2.0-only
#include "schema.h"

#include "schema-tables.h"

namespace qnet
{

namespace
{

const char* const INTRO =
    "# Scenario reference\n"
    "\n"
    "*Made by `qnet-sim reference` from what the readers accept; edit "
    "`io-sim/helper/schema-tables.cc`.*\n"
    "\n"
    "A scenario is one YAML file, one experiment, no code. Values carry units; keys nobody knows "
    "are refused with\n"
    "file, line and the nearest key that would have been right. `qnet-sim check FILE` reads one "
    "and says whether it is\n"
    "fine, `qnet-sim show FILE` prints it with everything that it extends filled in, `qnet-sim new "
    "NAME` prints one to begin with.\n"
    "\n"
    "## Values\n"
    "\n"
    "| kind | written | units |\n"
    "|---|---|---|\n"
    "| count | `100` | none |\n"
    "| time | `20 ms`, `1.5 s` | ns us ms s min h |\n"
    "| size | `50 KiB` | B KiB MiB GiB |\n"
    "| rate | `30 Mbit/s` | bit/s kbit/s Mbit/s Gbit/s |\n"
    "| share | `2 %` | % |\n"
    "\n"
    "A fraction is accepted where it makes a whole number of the smallest unit. `{x: 3, y: 1}` are "
    "weights: x is\n"
    "chosen three times as often as y.\n"
    "\n"
    "## Changing a scenario\n"
    "\n"
    "`extends: other.yaml` (relative to the file) starts from another scenario. Maps merge key by "
    "key; lists\n"
    "whose items all have a `name` merge item by item; anything else replaces.\n"
    "\n"
    "`--set KEY=VALUE` on the command line does the same for one value; keys are dotted, list "
    "items go by name or\n"
    "number: `--set population.people.count=10`. The value is YAML: quote what has a unit, "
    "`\"general.stop='30 s'\"`.\n";

const SchemaSection*
Find(const std::string& where)
{
    std::string kind = where.compare(0, 13, "access class ") == 0 ? "access class" : where;
    for (const SchemaSection& section : SchemaSections())
    {
        if (kind == section.where)
        {
            return &section;
        }
    }
    return nullptr;
}

/// Every key of a section that a template leaves out.
std::string
Others(const char* where, const std::vector<std::string>& used, const std::string& indent)
{
    std::string out;
    for (const SchemaRow& row : Find(where)->rows)
    {
        bool is = false;
        for (const std::string& key : used)
        {
            is = is || key == row.key;
        }
        if (!is)
        {
            out += indent + "# " + row.key + ": " + row.value;
            out += *row.missing != 0 ? std::string(" (") + row.missing + ")" : "";
            out += *row.meaning != 0 ? std::string(": ") + row.meaning + "\n" : "\n";
        }
    }
    return out;
}

} // namespace

bool
SchemaHas(const std::string& where, const std::string& key)
{
    const SchemaSection* section = Find(where);
    for (size_t i = 0; section != nullptr && i < section->rows.size(); i++)
    {
        if (key == section->rows[i].key)
        {
            return true;
        }
    }
    return false;
}

std::string
SchemaPage()
{
    std::string out = INTRO;
    for (const SchemaSection& section : SchemaSections())
    {
        if (*section.title == 0)
        {
            continue;
        }
        out += std::string("\n## ") + section.title + "\n";
        out += *section.intro != 0 ? std::string("\n") + section.intro + "\n" : "";
        out += "\n| key | value | default | meaning |\n|---|---|---|---|\n";
        for (const SchemaRow& row : section.rows)
        {
            out += std::string("| `") + row.key + "` | " + row.value + " | " + row.missing + " | " +
                   row.meaning + " |\n";
        }
        out += *section.outro != 0 ? std::string("\n") + section.outro + "\n" : "";
    }
    return out;
}

std::string
SchemaTemplate(const std::string& name)
{
    std::string out = "# What you want to know, in a sentence.\n#\n";
    out += "#     qnet-sim run " + name + ".yaml --seed 1 --out out/" + name + "\n#\n";
    out += "# Behind \"#\" stand the keys that are left at their defaults (in brackets).\n\n";
    out += "general:\n  name: " + name + "\n  stop: 30 s\n  warmup: 10 s\n";
    out += Others("general", {"name", "stop", "warmup"}, "  ");
    out += "\nnetwork:\n  map: default\n" + Others("network", {"map"}, "  ");
    out +=
        "\npopulation:\n"
        "  - {name: supers, role: super, count: 3, access: datacentre}\n"
        "  - {name: relays, role: relay, count: 10, access: relay, start: {from: 1 s, over: 1 s}}\n"
        "  - {name: exits, role: exit, count: 4, access: relay, start: {from: 1 s, over: 1 s}}\n"
        "  - {name: web, role: web, count: 3, access: datacentre}\n"
        "  - {name: people, role: client, count: 20, returning: 100 %, start: {from: 4 s, over: 4 "
        "s}}\n";
    out += Others(
        "a population group", {"name", "role", "count", "access", "start", "returning"}, "    ");
    out += "\nworkload:\n"
           "  - {model: web, clients: people, servers: web, sizes: {50 KiB: 12, 1 MiB: 2}, think: "
           "8 s}\n";
    out += Others("a workload", {"model", "clients", "servers", "sizes", "think"}, "    ");
    out += "\n# faults: (none) a list\n" + Others("a fault", {}, "    ");
    out += "\n# control: (none) a list\n" + Others("a control", {}, "    ");
    out += "\n# censor: (none) a list\n" + Others("a censor", {}, "    ");
    out += "\n# entries: (none)\n" + Others("entries", {}, "  ");
    out += "\nmeasure:\n  interval: 1 s\n";
    out += "\nexpect:\n  - {what: streams.p1_violations, equals: 0}\n";
    return out + Others("an expectation", {"what", "equals"}, "    ");
}

} // namespace qnet

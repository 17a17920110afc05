// SPDX-License-Identifier: GPL-2.0-only
#include "schema-tables.h"

namespace qnet
{

namespace
{

// clang-format off: a table is read in lines
const std::vector<SchemaSection> SECTIONS = {
    {"general",
     "general",
     "",
     {
         {"name", "text", "needed", "of the scenario, and of its network"},
         {"description", "text", "empty", "for the reader of the report, as the next four are"},
         {"question", "text", "empty", "what the run is to answer"},
         {"model", "text", "empty", "what is assumed, and after which source"},
         {"metrics", "text", "empty", "what to look at"},
         {"cannot_say", "text", "empty", "what nobody may conclude from it"},
         {"seed", "count", "1", "when `--seed` is not given"},
         {"stop", "time", "needed", "simulated time to run"},
         {"warmup", "time", "0 s", "what began earlier is in the tables and not in the statistics"},
         {"epoch", "count", "1796000000", "Unix seconds at simulated time 0, for validity dates"},
         {"tier",
          "M, T or P",
          "M",
          "how faithful the network is ([simulator.md](simulator.md)), when "
          "`--tier` is not given"},
     },
     ""},
    {"network",
     "network",
     "`map` stands for keys of this section that somebody else wrote: `default` and "
     "`reference` are shipped (`sim-scenarios/maps`, where each says what its "
     "figures come from), a path names a file, and a map of keys may stand in place. "
     "What the scenario says itself stands above it.",
     {
         {"map",
          "a name or a path",
          "none",
          "default: 11 countries. reference: the 20 regions of the reference load"},
         {"regions", "list of names, or of regions", "needed", "where hosts can be"},
         {"latency", "see below", "needed", "between regions"},
         {"access", "map of `NAME: class`", "needed", "how hosts are connected"},
         {"conn", "see below", "", "of what carries bytes between hosts"},
         {"dns", "time", "20 ms", "what a name lookup takes, an exit's or a browser's"},
         {"carrier", "htx or bare", "htx", "what links run on"},
         {"rules",
          "public or lab",
          "public; bare: lab",
          "whose rules nodes follow. A lab's draw their hops in turns, without "
          "guards, and keep only families apart"},
         {"origin", "see below", "", "the web sites in front of which nodes stand (HTX)"},
         {"cpu",
          "a name, a path or a map",
          "none",
          "what work costs a node's processor, see below; without it, nothing"},
     },
     ""},
    {"a region",
     "network.regions",
     "A name alone is a region with every default.",
     {
         {"name", "text", "needed", ""},
         {"people", "count", "1", "weight: where clients are whose group does not say it"},
         {"nodes", "count", "1", "weight: where everything else is"},
         {"country",
          "two capitals, or weights of them",
          "unknown",
          "what a node's descriptor claims; paths keep countries apart and clients "
          "may ask for one"},
         {"access",
          "a class, or weights of classes",
          "none",
          "what clients have there whose group does not say it"},
     },
     ""},
    {"network.latency",
     "network.latency",
     "",
     {
         {"local", "time", "needed", "one way, within a region"},
         {"between", "list of `[region, region, time]`", "needed for every pair", "one way"},
         {"spread", "time", "0 s", "every pair of hosts adds an offset of its own below this"},
     },
     ""},
    {"access class",
     "network.access",
     "A class. Members of a group draw what varies, each from a stream of its own.",
     {
         {"up", "rate", "needed", ""},
         {"down", "rate", "needed", ""},
         {"vary", "share", "0 %", "a host's rates are drawn so far around these"},
         {"delay",
          "time",
          "0 s",
          "one way, between the host and its region; on top of the latency"},
         {"delay_spread", "time", "0 s", "a host adds a part of its own below this"},
         {"loss",
          "share",
          "0 %",
          "of packets, either way. T and P lose them; M makes their bytes a round "
          "trip late and shrinks the window"},
     },
     ""},
    {"network.conn",
     "network.conn",
     "",
     {
         {"initial_window", "size", "14480 B", "in flight at first (RFC 6928)"},
         {"max_window", "size", "1 MiB", "in flight at most: the receiver's buffer"},
         {"send_buffer", "size", "32 KiB", "taken from a writer before it is on the uplink"},
         {"queue_limit",
          "size",
          "300000 B",
          "queue above which senders slow down: M marks, T and P drop"},
         {"segment",
          "size",
          "1448 B",
          "data bytes of a TCP segment (T, P); 16 KiB is ten times quicker and "
          "less faithful"},
     },
     ""},
    {"network.origin",
     "network.origin",
     "Limits are in whole seconds; 0 means none. Peers say them in their cards, and "
     "clients replace links before they are reached.",
     {
         {"delay", "time", "1 ms", "on the way to the site and back"},
         {"service", "time", "0 s", "of the site's one processor for each answer"},
         {"requests", "count", "0", "of one connection, then it ends (nginx: 1000)"},
         {"age", "time", "0 s", "of one connection, then it ends (nginx: 1 h)"},
         {"idle", "time", "0 s", "without a request, then it ends (nginx: 75 s)"},
     },
     ""},
    {"network.cpu",
     "network.cpu",
     "A node's processor is a queue: while it works, what arrives waits. `default` "
     "is shipped (`sim-scenarios/cpu/default.yaml`, which says how it was measured "
     "and how to measure it again).",
     {
         {"kib", "time", "0 ns", "sealing or opening 1 KiB, records and cells alike"},
         {"cell", "time", "0 ns", "handling a cell, in one direction"},
         {"dh", "time", "0 ns", "an X25519 operation of QNet's own"},
         {"handshake",
          "time",
          "0 ns",
          "completing a link's or a hop's handshake, beside its X25519"},
         {"write",
          "time",
          "0 ns",
          "handing bytes to a socket, or taking them from one: a system call and "
          "its wake-up"},
     },
     ""},
    {"a population group",
     "population",
     "A list of groups. At least one must be of role super.",
     {
         {"role",
          "client, relay, exit, super, web",
          "needed",
          "`web` is an ordinary web server, no QNet node"},
         {"name", "text", "the role", "groups are referred to by name"},
         {"count", "count", "needed", ""},
         {"access", "a class of `network.access`, or weights", "needed; clients: the region's", ""},
         {"regions", "weights by region", "the map's", "where members are, drawn from the seed"},
         {"route", "`{fast: 1, privacy: 2}`", "fast", "clients: which route a fetch takes"},
         {"pool", "count", "the node's", "clients: three-hop circuits kept ready"},
         {"returning",
          "share",
          "0 %",
          "clients who have the newest list from an earlier run, and need not "
          "fetch one first"},
         {"cpu", "share", "100 %", "how fast their processors are, of `network.cpu`'s"},
         {"memory", "size", "1 GiB", "what their nodes may hold: memory.max of qnet.conf(5)"},
         {"start",
          "`{from: time, over: time}`",
          "0 s",
          "members start evenly over this long, from then on"},
     },
     ""},
    {"route",
     "",
     "",
     {
         {"fast", "", "", ""},
         {"privacy", "", "", ""},
     },
     ""},
    {"start",
     "",
     "",
     {
         {"from", "", "", ""},
         {"over", "", "", ""},
     },
     ""},
    {"directory",
     "directory",
     "",
     {
         {"signed_by",
          "a super group",
          "the first",
          "whose first member signs the directory (threshold 1 of 1)"},
     },
     ""},
    {"a workload",
     "workload",
     "A list; may be left out for an idle network. Each has a `model` and the keys "
     "of its model:",
     {
         {"model", "web, reference, browse, bulk, stream, chat, trace", "needed", ""},
         {"name", "text", "the model", "under which `summary.json` reports it (`workloads.NAME`)"},
         {"clients", "a client group", "needed", "one program on each"},
         {"servers", "a web group", "needed", "each fetch takes one of them, all alike"},
         {"timeout", "time", "60 s; bulk: 1 h", "a fetch is given up after this"},
         {"after",
          "time",
          "0 s",
          "how long a client's node is up before its program begins: with time enough, the first "
          "fetch finds circuits ready"},
         {"sizes",
          "a size, or weights by size",
          "needed but for reference, stream, trace",
          "what is fetched; browse: the document of a page; chat: a message's "
          "answer"},
         {"think",
          "time",
          "needed for web, browse, chat; 15 s, 0 s (bulk), 5 s (stream)",
          "mean of the pause, exponentially distributed, cut at 5.5 times the "
          "mean; stream: between media"},
         {"objects",
          "a count, or weights by count",
          "needed for browse",
          "of a page beside its document, six at a time"},
         {"object_sizes", "a size, or weights by size", "needed for browse", ""},
         {"stay",
          "share",
          "needed for browse",
          "of pages after which the next is of the same site"},
         {"away", "time", "needed for browse", "mean of the pause between sites"},
         {"rate", "rate", "needed for stream", "of the medium"},
         {"length", "time", "needed for stream", "of the medium"},
         {"segment", "time", "4 s", "stream: what one request brings"},
         {"buffer", "time", "30 s", "stream: what a player keeps ahead at most"},
         {"file",
          "path",
          "needed for trace",
          "CSV with a header: `start_ns`, `client`, `size_bytes`, and `server` or "
          "none; a run's own `streams.csv` is one"},
     },
     "- **web**: tornettools' performance clients: fetch, think, fetch again.\n- "
     "**reference**: the load by which the simulator is measured: 320 KiB at once "
     "when the program begins, then 15 s of thought before each next, all on one "
     "stream that stays open.\n- **browse**: a "
     "Markov chain of reading, going on within the site and going away. `page_ns` is "
     "how long until all of a page was there.\n- **bulk**: one object after "
     "another.\n- **stream**: segments on one stream, each due before the one before "
     "has been played. Playing begins with two. `startup_ns`, `stalls`,\n  "
     "`stalled_ns`, `stalled_permille` of the time watched.\n- **chat**: a message "
     "every now and then on one stream that stays open; `ttlb_ns` is its way there "
     "and back.\n- **trace**: requests at the times a file names, whatever became of "
     "those before. Its clients are dealt out to the group's members in the order "
     "they appear."},
    {"a fault",
     "faults",
     "A list; drawn from the seed and written to `faults.csv`, whose rows `qnet-sim run "
     "--faults` follows instead. A crash ends the process as `kill -9` does: its kernel closes "
     "what was open, its disk stays. A flash crowd is a second group of clients with a late "
     "`start` (`sim-scenarios/flash-crowd.yaml`). Every tier has every kind.",
     {
         {"kind",
          "crash, churn, partition, cut-off, slow, clock, disk-loss, lying, storm",
          "needed",
          "a share of a group goes down at once; each of a group comes and goes by "
          "itself; nothing passes between two regions (M holds it back, T and P "
          "lose it); nor between one and all others; processors and lines are slower; wall "
          "clocks are wrong; they crash, and what they had stored is gone but for their keys; "
          "relays lie about cells, once in each circuit through them (`lab/liar`); several of "
          "all but churn and lying, drawn, each for at most 4 s"},
         {"group", "a group", "needed but for regions and storm", ""},
         {"groups", "list of groups", "needed for storm", ""},
         {"share", "share", "100 %", "of the group; of churn all"},
         {"at", "time", "needed; churn: 0 s", ""},
         {"for",
          "time",
          "needed for partition, cut-off; else for good",
          "and for slow, clock, lying"},
         {"back", "time", "never", "crash, disk-loss: they come back so much later"},
         {"up", "time", "needed for churn", "mean, exponentially distributed"},
         {"down", "time", "needed for churn", "likewise"},
         {"regions", "`[A, B]`", "needed for partition", ""},
         {"region", "a region", "needed for cut-off", ""},
         {"to", "share", "needed for slow", "of their speed"},
         {"ahead", "time", "clock needs it or behind", "whole seconds"},
         {"behind", "time", "clock needs it or ahead", "whole seconds"},
         {"lies",
          "list of flip, drop, replay, reorder, swap, delay",
          "lying: all",
          "bits of a cell change; it is lost; it comes twice, or after its successor; cells of "
          "two circuits change places; all cells wait for 1.5 s"},
         {"over", "time", "needed for storm", "within which its faults begin"},
         {"count", "count", "needed for storm", "of its faults"},
     },
     ""},
    {"a control",
     "control",
     "A list: people who use the web, or another way past a censor, beside QNet's. What becomes of "
     "them says what a\ncensor's verdicts are worth.",
     {
         {"kind", "browser, shadowsocks, tor, bare", "needed", "see below"},
         {"name", "text", "the kind", "under which `summary.json` reports it"},
         {"region", "a region", "needed", "where its people are"},
         {"users", "count", "needed", ""},
         {"access", "an access class", "needed", "theirs"},
         {"servers_in", "a region", "needed", "where its servers are"},
         {"servers", "count", "1", "at most 200"},
         {"server_access", "an access class", "needed", ""},
         {"size", "size", "57 KiB", "of each answer; a browser fetches two pages of 57 KB instead"},
         {"think", "time", "8 s", "mean between visits, exponentially distributed"},
         {"timeout", "time", "30 s", "a visit that takes longer has failed"},
         {"start", "time", "0 s", "from when on they visit"},
     },
     "- **browser**: TLS 1.3 and HTTP/2 as nodes play them, at a site by OpenSSL: what a censor "
     "does to it is collateral damage. Sites\n  are called `NAME0.example` and so on, port "
     "443.\n- **shadowsocks**, **tor**: first flights as recorded (`tests/vectors`), with what "
     "was drawn drawn again, then random bytes of\n  the protocol's shape; ports 8388 and "
     "9001.\n- **bare**: the bare carrier's first messages, then random bytes in its records; "
     "port 7000."},
    {"a censor",
     "censor",
     "A list, in tiers M and P (T refuses it): what stands on a region's border and judges every "
     "conn that crosses it, by the code of `lab/censor`.",
     {
         {"kind",
          "ip, sni, keyword, throttle, freeze, encrypted, ja4, ports, shutdown, prober, duplicator",
          "needed",
          "see below"},
         {"region", "a region", "needed", "on whose border it stands"},
         {"name", "text", "the kind", "under which `summary.json` reports it"},
         {"groups",
          "list of groups and controls",
          "needed for ip; freeze: all",
          "whose members' or servers' addresses are listed"},
         {"names",
          "list of texts",
          "needed for sni, keyword, ja4; throttle: every conn",
          "names, words or fingerprints"},
         {"from", "time", "0 s", "it works from then on"},
         {"until", "time", "the end", "and until then"},
         {"delay", "time", "0 s", "ip: an address is listed so long after its host's start"},
         {"ports", "list of numbers", "needed for ports", "of servers that may be reached"},
         {"delays",
          "list of times",
          "needed for prober, duplicator",
          "when a server is probed after its first flow, at most 16, ascending"},
         {"penalty",
          "time",
          "0 s",
          "sni, keyword, encrypted, ja4: client and server are kept apart for so "
          "long after a catch"},
         {"action", "drop or reset", "drop", "sni, ja4"},
         {"rate", "rate", "needed for throttle", "per conn, each way"},
         {"burst", "size", "16 KiB", "throttle: how much may come at once"},
         {"limit", "size", "16 KiB", "freeze: from the server, then the conn stalls"},
         {"share", "share", "100 %", "encrypted: of the conns it would block"},
         {"rules",
          "paper or strict",
          "paper",
          "encrypted: strict takes TLS records before a handshake too"},
     },
     "- **ip**: what goes to listed addresses is dropped, on open conns too.\n- "
     "**sni**: a hello with one of these names, or one beneath it.\n- **keyword**: a "
     "word in what a client says first, in clear: RST to both ends.\n- **throttle**: "
     "so much per conn each way, once its hello has a listed name; what is over it is lost.\n- "
     "**freeze**: TLS "
     "conns to these groups stall for good.\n- **encrypted**: first payloads that "
     "look like nothing known (Wu et al. 2023).\n- **ja4**: hellos with one of these "
     "JA4.\n- **ports**: conns to other ports never open.\n- **shutdown**: nothing passes.\n- "
     "**prober**: asks each server again with what its client said first, and with random bytes; "
     "who answers otherwise than before, or not as web servers do, is blocked.\n- "
     "**duplicator**: the same with a copy of the hello only.\n\nSites before QNet nodes are "
     "called `site0.example` and so on, web "
     "servers `www0.example`. Where several censors stand, the hardest verdict "
     "and\nthe longest wait count."},
    {"entries",
     "entries",
     "Invitations of nodes that no list names, rationed among people as `qnet pool` does (the same "
     "code, `qnet/handout.h`); over HTX.",
     {
         {"group", "a group of relays", "needed", "whose members no list names"},
         {"people", "a group of clients", "needed", "who enter by them only"},
         {"agents",
          "count",
          "0",
          "accounts of the censor, new on the first day and patient: an entry that one of them is "
          "shown is listed by every **ip** censor that has the group, `delay` later"},
         {"day", "time", "24 h", "what a day of the policy takes, so that months fit into a run"},
         {"every", "count", "7", "days: a lost entry is replaced no more often"},
         {"young", "count", "30", "days that an account is young"},
         {"share", "share", "10 %", "of the entries are for young accounts"},
         {"came", "count", "0", "days: people came to the pool so long before the first, at most"},
     },
     "Once a day each person looks whether any fetch has succeeded since the day before. If none "
     "has, he says that his entry is lost; with another he starts his program anew."},
    {"measure",
     "measure",
     "",
     {
         {"interval", "time", "1 s", "between rows of `nodes.csv`"},
     },
     ""},
    {"an expectation",
     "expect",
     "A list of assertions; a run that violates one ends with status 1 and names it.",
     {
         {"what",
          "dotted path",
          "needed",
          "an integer in `summary.json`, such as `ttfb_ns.privacy.p50`"},
         {"at_least",
          "value",
          "",
          "in the unit the path implies: `_ns` time, `bytes` size, `permille` "
          "share, else count"},
         {"at_most", "value", "", "likewise"},
         {"equals", "value", "", "with `tolerance`"},
         {"tolerance", "share", "0 %", "either way"},
     },
     ""},
    {"a scenario",
     "",
     "",
     {
         {"extends", "", "", ""},
         {"general", "", "", ""},
         {"network", "", "", ""},
         {"population", "", "", ""},
         {"directory", "", "", ""},
         {"workload", "", "", ""},
         {"faults", "", "", ""},
         {"control", "", "", ""},
         {"censor", "", "", ""},
         {"entries", "", "", ""},
         {"measure", "", "", ""},
         {"expect", "", "", ""},
     },
     ""},

};
// clang-format on

} // namespace

const std::vector<SchemaSection>&
SchemaSections()
{
    return SECTIONS;
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
#include "recorder.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "ns3/callback.h"
#include "ns3/simulator.h"

#include "sim-time.h"

namespace qnet
{

using ns3::MakeCallback;
using ns3::Simulator;

namespace
{

constexpr int64_t LISTED = -1;
constexpr size_t LINE_MAX_BYTES = 512; ///< eleven columns, none of them free text

const char*
EventName(qn_event_type type)
{
    switch (type)
    {
    case QN_EV_LINK_UP:
        return "link-up";
    case QN_EV_LINK_DOWN:
        return "link-down";
    case QN_EV_SNAPSHOT:
        return "snapshot";
    case QN_EV_CIRCUIT_BUILT:
        return "circuit-built";
    case QN_EV_CIRCUIT_ENDED:
        return "circuit-ended";
    case QN_EV_STREAM_OPENED:
        return "stream-opened";
    case QN_EV_STREAM_FIRST:
        return "stream-first";
    case QN_EV_STREAM_ENDED:
        return "stream-ended";
    case QN_EV_CLOCK:
        return "clock";
    case QN_EV_EXIT:
        return "exit";
    }
    return "?";
}

/// Enough of a PeerID to tell nodes apart.
uint64_t
NameOf(const qn_peerid& peer)
{
    uint64_t name = 0;
    for (unsigned i = 0; i < sizeof name; i++)
    {
        name = name << 8 | peer.b[i];
    }
    return name;
}

} // namespace

Recorder::Recorder(Simulation& simulation, OutputFile& events)
    : m_simulation(simulation),
      m_warmup(static_cast<int64_t>(simulation.GetScenario().warmup)),
      m_linkUp(simulation.GetMembers().size()),
      m_last(simulation.GetMembers().size()),
      m_events(events)
{
    m_events.Write("time_ns,node,event,id,circuit,peer,error,hops,value,up,down\n");
    // One callback of each kind for everybody: a member's own would take 2 KB.
    using Sink = ns3::Callback<void, uint32_t, const qn_event&>;
    Sink event = MakeCallback(&Recorder::OnEvent, this);
    const std::pair<const char*, Sink> sinks[] = {
        {"LinkDown", event},
        {"StreamEnded", event},
        {"StreamOpened", MakeCallback(&Recorder::OnStreamOpened, this)},
        {"StreamFirstByte", MakeCallback(&Recorder::OnStreamFirst, this)},
        {"LinkUp", MakeCallback(&Recorder::OnLinkUp, this)},
        {"Snapshot", MakeCallback(&Recorder::OnSnapshot, this)},
        {"CircuitBuilt", MakeCallback(&Recorder::OnCircuitBuilt, this)},
        {"CircuitEnded", MakeCallback(&Recorder::OnCircuitEnded, this)},
    };
    for (const Member& member : simulation.GetMembers())
    {
        for (const auto& [source, sink] : sinks)
        {
            member.app->TraceConnectWithoutContext(source, sink);
        }
    }
    auto fetched = MakeCallback(&Recorder::OnFetched, this);
    for (const auto& client : simulation.GetClients())
    {
        client->TraceConnectWithoutContext("Fetched", fetched);
    }
    auto interval = static_cast<int64_t>(simulation.GetScenario().interval);
    Simulator::Schedule(Ns(interval), &Recorder::Sample, this);
}

/* An exception must not fly through ns-3's scheduler, which would lose the event it is running. So
 * a full disk stops the run, and is thrown once the scheduler has returned. */
void
Recorder::OnEvent(uint32_t index, const qn_event& event)
{
    if (m_failure)
    {
        return;
    }
    try
    {
        WriteEvent(index, event);
    }
    catch (const OutputError&)
    {
        m_failure = std::current_exception();
        Simulator::Stop();
    }
}

void
Recorder::Finish()
{
    if (m_failure)
    {
        std::rethrow_exception(m_failure);
    }
    WriteMoment();
    Order();
}

void
Recorder::WriteEvent(uint32_t index, const qn_event& event)
{
    int64_t now = NowNs();
    if (now != m_moment)
    {
        WriteMoment();
        m_moment = now;
    }
    char line[LINE_MAX_BYTES];
    std::snprintf(line,
                  sizeof line,
                  "%" PRId64 ",%u,%s,%" PRIu64 ",%" PRIu64 ",%02x%02x%02x%02x,%s,%u,%" PRIu64
                  ",%" PRIu64 ",%" PRIu64 "\n",
                  NowNs(),
                  index,
                  EventName(event.type),
                  event.id,
                  event.circuit,
                  event.peer.b[0],
                  event.peer.b[1],
                  event.peer.b[2],
                  event.peer.b[3],
                  qn_err_name(event.err),
                  event.hops,
                  event.value,
                  event.up,
                  event.down);
    m_lines.emplace_back(index, line);
    m_eventCount++;
}

void
Recorder::WriteMoment()
{
    std::stable_sort(m_lines.begin(), m_lines.end(), [](const auto& a, const auto& b) {
        return a.first < b.first;
    });
    for (const auto& [node, line] : m_lines)
    {
        m_events.Write(line);
    }
    m_lines.clear();
}

void
Recorder::OnCircuitBuilt(uint32_t index, const qn_event& event)
{
    OnEvent(index, event);
    m_open[{index, event.id}] = m_circuits.size();
    CircuitRow row{index,
                   event.id,
                   event.hops,
                   NowNs(),
                   static_cast<int64_t>(event.value),
                   -1,
                   QN_OK,
                   NowNs() >= m_warmup,
                   {}};
    auto hops = m_simulation.GetMembers()[index].app->GetHops(event.id);
    std::copy(hops.begin(), hops.end(), row.path);
    m_circuits.push_back(row);
}

void
Recorder::OnCircuitEnded(uint32_t index, const qn_event& event)
{
    OnEvent(index, event);
    auto open = m_open.find({index, event.id});
    if (open == m_open.end())
    {
        m_circuits.push_back(
            {index, event.id, event.hops, -1, -1, NowNs(), event.err, NowNs() >= m_warmup, {}});
        return;
    }
    m_circuits[open->second].ended = NowNs();
    m_circuits[open->second].error = event.err;
    m_open.erase(open);
}

void
Recorder::OnLinkUp(uint32_t index, const qn_event& event)
{
    OnEvent(index, event);
    if (m_linkUp[index] != LISTED)
    {
        m_linkUp[index] = NowNs();
    }
}

void
Recorder::OnSnapshot(uint32_t index, const qn_event& event)
{
    OnEvent(index, event);
    bool first = m_linkUp[index] != LISTED && event.down > 0 &&
                 m_simulation.GetMembers()[index].app->GetMode() == QN_CLIENT;
    m_lists.push_back({NowNs(),
                       index,
                       event.id,
                       event.up,
                       event.down,
                       event.down > 0 ? NameOf(event.peer) : ListRow::NOBODY,
                       first ? NowNs() - m_linkUp[index] : ListRow::LATER});
    m_linkUp[index] = LISTED;
}

void
Recorder::OnStreamOpened(uint32_t index, const qn_event& event)
{
    OnEvent(index, event);
    m_asked[{index, event.id}] = {NowNs(), event.hops};
}

void
Recorder::OnStreamFirst(uint32_t index, const qn_event& event)
{
    OnEvent(index, event);
    auto asked = m_asked.find({index, event.id});
    if (asked != m_asked.end())
    {
        auto [at, hops] = asked->second;
        m_answers.push_back({static_cast<uint64_t>(NowNs() - at), hops, at >= m_warmup});
        m_asked.erase(asked);
    }
}

void
Recorder::OnFetched(uint32_t index, uint32_t workload, const SocksFetch& fetch)
{
    StreamRow row{};
    row.client = index;
    row.workload = workload - 1;
    row.route = fetch.GetRequest().user == "fast" ? QN_ROUTE_FAST : QN_ROUTE_PRIVACY;
    row.size = fetch.GetRequest().object;
    row.start = fetch.GetStartNs();
    row.first = fetch.GetFirstByteNs();
    row.last = fetch.GetLastByteNs();
    row.bytes = fetch.GetBytes();
    row.hops = fetch.GetHops();
    row.circuit = fetch.GetCircuit();
    fetch.GetRequest().host.copy(row.host, sizeof row.host - 1);
    row.answer = fetch.GetAnswerNs();
    row.outcome = fetch.GetOutcome();
    row.reply = fetch.GetReply();
    row.measured = row.start >= m_warmup;
    row.over = NowNs();
    m_streams.push_back(row);
}

/// Adds what the node did since the last sample.
void
Recorder::Add(SampleRow& row, uint32_t index)
{
    const NodeApp& app = *m_simulation.GetMembers()[index].app;
    Transport::HostStats host = m_simulation.GetTransport().GetStats(app.GetHost());
    qn_status status = app.GetStatus();
    const qn_counters& core = status.counters;
    Totals now{core.relayed,
               host.sent,
               host.received,
               core.cells_forward + core.cells_backward,
               core.app_down};
    Totals& last = m_last[index];
    row.relayed += now.relayed - last.relayed;
    row.sent += now.sent - last.sent;
    row.received += now.received - last.received;
    row.cells += now.cells - last.cells;
    row.delivered += now.delivered - last.delivered;
    row.unsent += host.unsent;
    row.links += status.links;
    row.circuits += status.circuits;
    row.streams += status.streams;
    last = now;
}

void
Recorder::Sample()
{
    SampleRow clients{};
    clients.at = NowNs();
    clients.node = -1;
    const std::vector<Member>& members = m_simulation.GetMembers();
    for (uint32_t i = 0; i < members.size(); i++)
    {
        if (members[i].app->GetMode() == QN_CLIENT)
        {
            Add(clients, i);
            continue;
        }
        SampleRow row{};
        row.at = NowNs();
        row.node = static_cast<int32_t>(i);
        row.id = members[i].app->GetStatus().id;
        Add(row, i);
        m_samples.push_back(row);
    }
    m_samples.push_back(clients);
    Simulator::Schedule(
        Ns(static_cast<int64_t>(m_simulation.GetScenario().interval)), &Recorder::Sample, this);
}

const std::vector<StreamRow>&
Recorder::GetStreams() const
{
    return m_streams;
}

const std::vector<CircuitRow>&
Recorder::GetCircuits() const
{
    return m_circuits;
}

const std::vector<ListRow>&
Recorder::GetLists() const
{
    return m_lists;
}

const std::vector<AnswerRow>&
Recorder::GetAnswers() const
{
    return m_answers;
}

const std::vector<SampleRow>&
Recorder::GetSamples() const
{
    return m_samples;
}

uint64_t
Recorder::GetEventCount() const
{
    return m_eventCount;
}

} // namespace qnet

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Listens to the trace sources of a simulation and keeps what the results need: one row per stream,
 * circuit and sampling interval. Every event is written to events.csv as it happens; of one moment
 * the lower node's come first, so that the order is the same however many processes there are.
 */
#ifndef QNET_SIM_RECORDER_H
#define QNET_SIM_RECORDER_H

#include <exception>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "output-file.h"
#include "simulation.h"

namespace qnet
{

struct StreamRow
{
    uint32_t client;   ///< node index
    uint32_t workload; ///< index into the scenario's
    qn_route route;
    uint64_t size;  ///< bytes asked for
    int64_t start;  ///< ns
    int64_t first;  ///< ns since start; -1 none
    int64_t last;   ///< ns since start; -1 none
    uint64_t bytes; ///< delivered
    uint8_t hops;
    uint64_t circuit;
    char host[64];  ///< of the web server, as the program named it, cut
    int64_t answer; ///< ns from the request, on an open stream, to the first byte; -1 none
    FetchOutcome outcome;
    uint8_t reply; ///< SOCKS
    bool measured; ///< started after the warm-up
    int64_t over;  ///< when this was known, ns: when it ended, or the run did
};

struct CircuitRow
{
    uint32_t node;
    uint64_t id;
    uint8_t hops;
    int64_t built;     ///< when, ns; -1 never
    int64_t took;      ///< build time, ns
    int64_t ended;     ///< when, ns; -1 not yet
    qn_err error;      ///< why it ended
    bool measured;     ///< built, or failed, after the warm-up
    qn_peerid path[3]; ///< `hops` of them, from the entry on; nothing but 0 when it was not built
};

/// A list that a node took into use.
struct ListRow
{
    static constexpr uint64_t NOBODY = 0;
    static constexpr int64_t LATER = -1;

    int64_t at; ///< ns
    uint32_t node;
    uint64_t version;
    uint64_t hash;  ///< the first bytes of its body's
    uint64_t bytes; ///< of the answer
    uint64_t from;  ///< who sent it, of the PeerID; NOBODY: it is its own, or one that it had kept
    int64_t took;   ///< of a client's first, ns since the client's last link came up; else LATER
};

/// From a stream's being open, when its program may ask, to the first byte of the answer.
struct AnswerRow
{
    uint64_t took; ///< ns
    uint8_t hops;
    bool measured; ///< opened after the warm-up
};

/// What one node, or all clients together, did in one interval.
struct SampleRow
{
    int64_t at;   ///< ns: the interval's end
    int32_t node; ///< -1: all clients
    qn_peerid id; ///< of nothing but 0: all clients, or the node has not been up
    uint64_t relayed;
    uint64_t sent;
    uint64_t received;
    uint64_t unsent; ///< at that moment
    uint64_t cells;
    uint64_t delivered; ///< application bytes to programs here
    uint32_t links;     ///< at that moment, as are circuits and streams
    uint32_t circuits;
    uint32_t streams;
};

class Recorder
{
  public:
    /// Connects to everything; before the run. Both outlive the recorder.
    Recorder(Simulation& simulation, OutputFile& events);
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    const std::vector<StreamRow>& GetStreams() const;
    const std::vector<CircuitRow>& GetCircuits() const;
    const std::vector<SampleRow>& GetSamples() const;
    const std::vector<ListRow>& GetLists() const; ///< in the order of time
    const std::vector<AnswerRow>& GetAnswers() const;
    uint64_t GetEventCount() const;
    /// After the run: puts everything in its order. Throws what went wrong with the event log.
    void Finish();
    /// After that: what this process of a parallel run recorded, and what another did.
    void Pack(Parcel& parcel) const;
    void AddRows(Parcel& parcel);

  private:
    struct Totals
    {
        uint64_t relayed = 0;
        uint64_t sent = 0;
        uint64_t received = 0;
        uint64_t cells = 0;
        uint64_t delivered = 0;
    };

    void OnEvent(uint32_t index, const qn_event& event);
    void WriteEvent(uint32_t index, const qn_event& event);
    void WriteMoment();
    void Order();
    void OnCircuitBuilt(uint32_t index, const qn_event& event);
    void OnCircuitEnded(uint32_t index, const qn_event& event);
    void OnLinkUp(uint32_t index, const qn_event& event);
    void OnSnapshot(uint32_t index, const qn_event& event);
    void OnStreamOpened(uint32_t index, const qn_event& event);
    void OnStreamFirst(uint32_t index, const qn_event& event);
    void OnFetched(uint32_t index, uint32_t workload, const SocksFetch& fetch);
    void Sample();
    void Add(SampleRow& row, uint32_t index);

    Simulation& m_simulation;
    int64_t m_warmup;
    std::vector<StreamRow> m_streams;
    std::vector<CircuitRow> m_circuits;
    std::map<std::pair<uint32_t, uint64_t>, size_t> m_open; ///< circuits not yet ended
    std::vector<SampleRow> m_samples;
    std::vector<ListRow> m_lists;
    std::vector<AnswerRow> m_answers;
    std::map<std::pair<uint32_t, uint64_t>, std::pair<int64_t, uint8_t>> m_asked; ///< time, hops
    std::vector<int64_t> m_linkUp; ///< ns, by node: its last link's; LISTED: it has a list
    std::vector<Totals> m_last;    ///< by node, at the last sample
    OutputFile& m_events;
    int64_t m_moment = 0;                                  ///< ns
    std::vector<std::pair<uint32_t, std::string>> m_lines; ///< of this moment's events, by node
    uint64_t m_eventCount = 0;
    std::exception_ptr m_failure;
};

} // namespace qnet

#endif

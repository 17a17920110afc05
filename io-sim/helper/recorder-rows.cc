// SPDX-License-Identifier: GPL-2.0-only
// The order of a recorder's rows, and how processes of a parallel run put theirs together.
#include <algorithm>
#include <tuple>

#include "recorder.h"

namespace qnet
{

namespace
{

constexpr qn_peerid NOBODY{};

int64_t
Began(const CircuitRow& row)
{
    return row.built >= 0 ? row.built : row.ended;
}

/// All clients' row of a time is the sum of what each process says of its own.
void
AddSample(SampleRow& sum, const SampleRow& row)
{
    sum.relayed += row.relayed;
    sum.sent += row.sent;
    sum.received += row.received;
    sum.unsent += row.unsent;
    sum.cells += row.cells;
    sum.delivered += row.delivered;
    sum.links += row.links;
    sum.circuits += row.circuits;
    sum.streams += row.streams;
    sum.id = qn_peerid_equal(&sum.id, &NOBODY) ? row.id : sum.id;
}

} // namespace

/// By time and who; rows of one client and moment stay in the order in which they happened.
void
Recorder::Order()
{
    auto stream = [](const StreamRow& row) {
        return std::make_tuple(row.over, row.workload, row.client);
    };
    auto circuit = [](const CircuitRow& row) { return std::make_pair(Began(row), row.node); };
    std::stable_sort(m_streams.begin(), m_streams.end(), [&](const auto& a, const auto& b) {
        return stream(a) < stream(b);
    });
    std::stable_sort(m_lists.begin(), m_lists.end(), [](const auto& a, const auto& b) {
        return std::tie(a.at, a.node) < std::tie(b.at, b.node);
    });
    std::stable_sort(m_circuits.begin(), m_circuits.end(), [&](const auto& a, const auto& b) {
        return circuit(a) < circuit(b);
    });
}

void
Recorder::Pack(Parcel& parcel) const
{
    parcel.PutAll(m_streams);
    parcel.PutAll(m_circuits);
    parcel.PutAll(m_samples);
    parcel.PutAll(m_lists);
    parcel.PutAll(m_answers);
    parcel.Put(m_eventCount);
}

/// Every process has a sample of every node, which is empty where the node is another's.
void
Recorder::AddRows(Parcel& parcel)
{
    std::vector<SampleRow> samples;
    parcel.TakeAll(m_streams);
    parcel.TakeAll(m_circuits);
    parcel.TakeAll(samples);
    parcel.TakeAll(m_lists);
    parcel.TakeAll(m_answers);
    m_eventCount += parcel.Take<uint64_t>();
    for (size_t i = 0; i < samples.size(); i++)
    {
        AddSample(m_samples.at(i), samples[i]);
    }
    Order();
}

} // namespace qnet

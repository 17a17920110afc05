// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * summary.json: the run in integers, the same on every machine; and what the scenario expected of
 * it.
 */
#ifndef QNET_SIM_SUMMARY_H
#define QNET_SIM_SUMMARY_H

#include <memory>
#include <string>
#include <vector>

#include <jansson.h>

#include "recorder.h"

namespace qnet
{

struct JsonDeleter
{
    void
    operator()(json_t* json) const
    {
        json_decref(json);
    }
};

using JsonPtr = std::unique_ptr<json_t, JsonDeleter>;

/// The keys that summary-faults.cc makes.
void PutFaults(json_t* out, const Simulation& s, const Recorder& r);
void PutJoining(json_t* out, const Simulation& s, const Recorder& r);
void PutViews(json_t* out, const Simulation& s, const Recorder& r);
void PutPromises(json_t* out, const Simulation& s, const Recorder& r);

JsonPtr MakeSummary(const Simulation& simulation, const Recorder& recorder);
/// Two-space indentation, a newline at the end.
std::string JsonText(const json_t* json);
/// The integer at a dotted path. \return false if there is none
bool JsonLookUp(const json_t* json, const std::string& path, uint64_t* out);

struct Verdict
{
    Expectation expectation;
    bool found;
    uint64_t actual;
    bool met;
};

std::vector<Verdict> Judge(const json_t* summary, const std::vector<Expectation>& expectations);

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Controls: people beside QNet's, who use the web as everybody does or another way past a censor.
 * What a censor does to them says what its verdicts on QNet are worth.
 *
 * A browser is real: TLS 1.3 and HTTP/2 of the profile that nodes play, at a site that is an
 * Origin. The others begin with recorded bytes (tests/vectors) in which everything drawn is drawn
 * again, and go on with random bytes in the records of their protocol: enough for whoever reads
 * first payloads, shapes, volumes, names, ports and addresses. How their servers answer probes is
 * scripted. Measured of it is that shadowsocks-libev 3.3.5 is silent to random bytes; assumed are
 * its silence to replays, that Tor's relay answers each hello alike and everything else by an
 * alert, and that the bare carrier's node closes.
 */
#ifndef QNET_SIM_CONTROL_FLOW_H
#define QNET_SIM_CONTROL_FLOW_H

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "draws.h"

namespace qnet
{

enum class ControlKind
{
    Browser,
    Shadowsocks,
    Tor,
    Bare
};

constexpr size_t CONTROL_KINDS = 4;
const char* ControlKindName(ControlKind kind);
/// Where its servers listen.
uint16_t ControlPort(ControlKind kind);

/// What clients of one kind begin with, and which of that is not used up yet: servers know it.
class ControlFlows
{
  public:
    /// \param recorded the text of a file in tests/vectors, rows of hex; not read for Bare
    /// Throws std::runtime_error when it holds no rows.
    ControlFlows(ControlKind kind, const std::string& recorded);

    ControlKind GetKind() const;
    /// The first payload of a new conn.
    std::string Issue(Draws& draws);
    /// \return whether it was issued, for the first time only
    bool Redeem(const std::string& payload);
    /// The server's answer before the client goes on; empty: there is none.
    std::string Flight(Draws& draws) const;
    /// `n` bytes of content in the records that this protocol has.
    std::string Content(Draws& draws, size_t n) const;
    uint64_t ContentSize(uint64_t n) const;

  private:
    struct Row
    {
        std::string first;
        std::string flight;
    };

    ControlKind m_kind;
    std::vector<Row> m_rows;
    std::set<std::string> m_issued; ///< as many as conns are being opened
};

} // namespace qnet

#endif

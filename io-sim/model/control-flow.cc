// SPDX-License-Identifier: GPL-2.0-only
#include "control-flow.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace qnet
{

namespace
{

constexpr size_t RECORD_MAX = 16384;
constexpr size_t RECORD_HEAD = 5;
constexpr size_t HELLO_RANDOM = 11; ///< in a ClientHello's record, 32 bytes; then 1 and the id's 32
constexpr size_t HELLO_ID = 44;
constexpr size_t SERVER_RANDOM = 11; ///< in a ServerHello's record
constexpr size_t BARE_MESSAGE = 48;  ///< a Noise XK message of a key and a tag

int
DigitOf(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// \return false: it is no row of hex
bool
Unhex(const std::string& text, std::string* out)
{
    out->clear();
    for (size_t i = 0; i + 1 < text.size(); i += 2)
    {
        int high = DigitOf(text[i]);
        int low = DigitOf(text[i + 1]);
        if (high < 0 || low < 0)
        {
            return false;
        }
        out->push_back(static_cast<char>(high * 16 + low));
    }
    return text.size() >= 64 && text.size() % 2 == 0;
}

void
DrawInto(Draws& draws, std::string& bytes, size_t at, size_t n)
{
    for (size_t i = at; i < std::min(at + n, bytes.size()); i++)
    {
        bytes[i] = static_cast<char>(draws.Below(256));
    }
}

std::string
Record(char type, std::string content)
{
    std::string header{type, 3, 3};
    header.push_back(static_cast<char>(content.size() >> 8));
    header.push_back(static_cast<char>(content.size()));
    return header + content;
}

} // namespace

const char*
ControlKindName(ControlKind kind)
{
    static const char* const names[CONTROL_KINDS] = {"browser", "shadowsocks", "tor", "bare"};
    return names[static_cast<size_t>(kind)];
}

uint16_t
ControlPort(ControlKind kind)
{
    static const uint16_t ports[CONTROL_KINDS] = {443, 8388, 9001, 7000};
    return ports[static_cast<size_t>(kind)];
}

ControlFlows::ControlFlows(ControlKind kind, const std::string& recorded)
    : m_kind(kind)
{
    std::istringstream lines(recorded);
    std::string line;
    while (std::getline(lines, line))
    {
        std::istringstream words(line);
        std::string word;
        std::string bytes;
        Row row;
        while (line[0] != '#' && words >> word)
        {
            if (Unhex(word, &bytes))
            {
                (row.first.empty() ? row.first : row.flight) = bytes;
            }
        }
        if (!row.first.empty())
        {
            m_rows.push_back(row);
        }
    }
    if (m_rows.empty() && (kind == ControlKind::Shadowsocks || kind == ControlKind::Tor))
    {
        throw std::runtime_error(std::string("the recorded flows of ") + ControlKindName(kind) +
                                 " hold no rows");
    }
}

ControlKind
ControlFlows::GetKind() const
{
    return m_kind;
}

std::string
ControlFlows::Issue(Draws& draws)
{
    std::string out;
    if (m_kind == ControlKind::Bare)
    {
        std::string message(BARE_MESSAGE, '\0');
        DrawInto(draws, message, 0, BARE_MESSAGE);
        out = Record(0x17, message);
    }
    else
    {
        out = m_rows[draws.Below(m_rows.size())].first;
        bool hello = m_kind == ControlKind::Tor;
        DrawInto(draws, out, hello ? HELLO_RANDOM : 0, hello ? 32 : out.size());
        DrawInto(draws, out, hello ? HELLO_ID : out.size(), 32);
    }
    m_issued.insert(out);
    return out;
}

bool
ControlFlows::Redeem(const std::string& payload)
{
    return m_issued.erase(payload) > 0;
}

std::string
ControlFlows::Flight(Draws& draws) const
{
    switch (m_kind)
    {
    case ControlKind::Browser:
    case ControlKind::Shadowsocks:
        break;
    case ControlKind::Tor: {
        std::string flight = m_rows.front().flight;
        DrawInto(draws, flight, SERVER_RANDOM, 32);
        return flight;
    }
    case ControlKind::Bare: {
        std::string message(BARE_MESSAGE, '\0');
        DrawInto(draws, message, 0, BARE_MESSAGE);
        return Record(0x17, message);
    }
    }
    return "";
}

uint64_t
ControlFlows::ContentSize(uint64_t n) const
{
    return m_kind == ControlKind::Shadowsocks ? n
                                              : n + (n + RECORD_MAX - 1) / RECORD_MAX * RECORD_HEAD;
}

std::string
ControlFlows::Content(Draws& draws, size_t n) const
{
    std::string out;
    while (n > 0)
    {
        std::string piece(std::min(n, RECORD_MAX), '\0');
        DrawInto(draws, piece, 0, piece.size());
        n -= piece.size();
        out += m_kind == ControlKind::Shadowsocks ? piece : Record(0x17, piece);
    }
    return out;
}

} // namespace qnet

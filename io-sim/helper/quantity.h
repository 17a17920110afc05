// SPDX-License-Identifier: GPL-2.0-only
/**
 * \file
 * Values with units, as scenarios write them: "30 Mbit/s", "50 KiB", "60 s", "5 %". Integers only;
 * "1.5 s" is accepted where the unit makes a whole number of it.
 */
#ifndef QNET_SIM_QUANTITY_H
#define QNET_SIM_QUANTITY_H

#include <cstdint>
#include <string>

namespace qnet
{

enum class Unit
{
    Count,    ///< a plain number
    Time,     ///< ns, us, ms, s, min, h; in ns
    Size,     ///< B, KiB, MiB, GiB; in bytes
    Rate,     ///< bit/s, kbit/s, Mbit/s, Gbit/s; in bit/s
    Permille, ///< %; in thousandths
    Millionth ///< %; in millionths
};

/// \return true and *out, or false and a sentence that says what would be right
bool ParseQuantity(const std::string& text, Unit unit, uint64_t* out, std::string* why);

/// "1.25 s", "340 ms", "5 MiB", "30 Mbit/s": for people.
std::string FormatQuantity(uint64_t value, Unit unit);

} // namespace qnet

#endif

// SPDX-License-Identifier: GPL-2.0-only
#include "quantity.h"

#include <cctype>
#include <vector>

namespace qnet
{

namespace
{

struct Scale
{
    const char* name;
    uint64_t factor;
};

struct UnitInfo
{
    std::vector<Scale> scales; ///< ascending
    const char* example;
};

constexpr uint64_t K = 1000;
constexpr uint64_t KI = 1024;

const UnitInfo&
Info(Unit unit)
{
    static const UnitInfo count{{{"", 1}}, "a whole number such as 100"};
    static const UnitInfo time{{{"ns", 1},
                                {"us", K},
                                {"ms", K * K},
                                {"s", K * K * K},
                                {"min", 60 * K * K * K},
                                {"h", 3600 * K * K * K}},
                               "a time such as \"20 ms\" or \"60 s\""};
    static const UnitInfo size{{{"B", 1}, {"KiB", KI}, {"MiB", KI * KI}, {"GiB", KI * KI * KI}},
                               "a size such as \"50 KiB\" or \"5 MiB\""};
    static const UnitInfo rate{
        {{"bit/s", 1}, {"kbit/s", K}, {"Mbit/s", K * K}, {"Gbit/s", K * K * K}},
        "a rate such as \"30 Mbit/s\""};
    static const UnitInfo permille{{{"%", 10}}, "a share such as \"5 %\""};
    static const UnitInfo millionth{{{"%", 10000}}, "a share such as \"0.1 %\""};
    switch (unit)
    {
    case Unit::Millionth:
        return millionth;
    case Unit::Count:
        return count;
    case Unit::Time:
        return time;
    case Unit::Size:
        return size;
    case Unit::Rate:
        return rate;
    case Unit::Permille:
        break;
    }
    return permille;
}

bool
IsDigit(char c)
{
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// Reads "12" or "12.5" from the front as digits and how many of them stand behind the point.
bool
ReadDecimal(const std::string& text, size_t* at, uint64_t* digits, unsigned* places)
{
    size_t i = *at;
    bool point = false;
    *digits = 0;
    *places = 0;
    for (; i < text.size() && (IsDigit(text[i]) || (text[i] == '.' && !point)); i++)
    {
        if (text[i] == '.')
        {
            point = true;
            continue;
        }
        auto digit = static_cast<uint64_t>(text[i] - '0');
        if (*digits > (UINT64_MAX - digit) / 10)
        {
            return false;
        }
        *digits = *digits * 10 + digit;
        *places += point ? 1 : 0;
    }
    bool ok = i > *at && IsDigit(text[i - 1]) && IsDigit(text[*at]) && *places <= 9;
    *at = i;
    return ok;
}

} // namespace

bool
ParseQuantity(const std::string& text, Unit unit, uint64_t* out, std::string* why)
{
    const UnitInfo& info = Info(unit);
    *why = "\"" + text + "\" is not " + info.example;
    size_t at = 0;
    uint64_t value = 0;
    unsigned places = 0;
    if (!ReadDecimal(text, &at, &value, &places))
    {
        return false;
    }
    while (at < text.size() && text[at] == ' ')
    {
        at++;
    }
    const std::string name = text.substr(at);
    for (const Scale& scale : info.scales)
    {
        if (name != scale.name)
        {
            continue;
        }
        if (value != 0 && scale.factor > UINT64_MAX / value)
        {
            *why = "\"" + text + "\" is too large";
            return false;
        }
        value *= scale.factor;
        for (; places > 0; places--)
        {
            if (value % 10 != 0)
            {
                *why = "\"" + text + "\" is not a whole number of " + info.scales[0].name;
                return false;
            }
            value /= 10;
        }
        *out = value;
        return true;
    }
    return false;
}

std::string
FormatQuantity(uint64_t value, Unit unit)
{
    if (unit == Unit::Permille)
    {
        std::string text = std::to_string(value / 10);
        return (value % 10 != 0 ? text + "." + std::to_string(value % 10) : text) + " %";
    }
    const std::vector<Scale>& scales = Info(unit).scales;
    const Scale* best = &scales[0];
    for (const Scale& scale : scales)
    {
        bool usual = std::string(scale.name) != "min" && std::string(scale.name) != "h";
        if (usual && value >= scale.factor)
        {
            best = &scale;
        }
    }
    uint64_t whole = value / best->factor;
    std::string text = std::to_string(whole);
    if (best->factor > 1 && whole < 100)
    {
        // Three significant digits are what a reader compares.
        unsigned places = whole < 10 ? 2 : 1;
        uint64_t power = places == 2 ? 100 : 10;
        uint64_t part = value % best->factor * power / best->factor;
        std::string digits = std::to_string(part);
        digits.insert(0, places - digits.size(), '0');
        while (!digits.empty() && digits.back() == '0')
        {
            digits.pop_back();
        }
        text += digits.empty() ? "" : "." + digits;
    }
    std::string name = best->name;
    return name.empty() ? text : text + " " + name;
}

} // namespace qnet

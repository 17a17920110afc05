#include "h2/date.h"

/* d: a digit, anything else: itself. The day and the month are three letters each. */
static const char form[] = "..., dd ... dddd dd:dd:dd GMT";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static unsigned number(const uint8_t *p, unsigned n)
{
    unsigned v = 0;

    for (unsigned i = 0; i < n; i++)
        v = v * 10 + (unsigned)(p[i] - '0');
    return v;
}

static bool fits(qn_slice s)
{
    if (s.n != sizeof form - 1)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';

        if (form[i] == 'd' ? !digit : form[i] != '.' && s.p[i] != (uint8_t)form[i])
            return false;
    }
    return true;
}

static unsigned month_of(const uint8_t *p) /* 1 to 12; 0: none */
{
    for (unsigned i = 0; i < 12; i++)
        if (memcmp(p, months + 3 * (size_t)i, 3) == 0)
            return i + 1;
    return 0;
}

static unsigned days_in(unsigned year, unsigned month)
{
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (month == 2)
        return leap ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int64_t qn_h2_date(qn_slice s)
{
    unsigned year, month, day, hour, minute, second;
    int64_t days = 0;

    if (!fits(s))
        return 0;
    day = number(s.p + 5, 2);
    month = month_of(s.p + 8);
    year = number(s.p + 12, 4);
    hour = number(s.p + 17, 2);
    minute = number(s.p + 20, 2);
    second = number(s.p + 23, 2);
    if (month == 0 || year < 1970 || day == 0 || day > days_in(year, month) || hour > 23 ||
        minute > 59 || second > 60)
        return 0;
    for (unsigned y = 1970; y < year; y++)
        days += days_in(y, 2) == 29 ? 366 : 365;
    for (unsigned m = 1; m < month; m++)
        days += days_in(year, m);
    return (days + day - 1) * 86400 + hour * 3600 + minute * 60 + second;
}

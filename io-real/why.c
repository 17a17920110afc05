#include "io-real/why.h"

#include <stdarg.h>
#include <stdio.h>

bool qn_why_say(qn_why why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(why, QN_WHY_MAX, format, args);
    va_end(args);
    return false;
}

#include "io-real/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

const char *qn_log_level_name(qn_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    return (unsigned)level < sizeof names / sizeof names[0] ? names[level] : "?";
}

void qn_log_stderr(void *ctx, qn_level level, const char *area, const char *text)
{
    char when[32] = "";
    struct timespec now;
    struct tm utc;

    (void)ctx;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)fprintf(stderr, "%s.%03ldZ %-5s %s: %s\n", when, now.tv_nsec / 1000000,
                  qn_log_level_name(level), area, text);
}

void qn_log_say(const qn_log *log, qn_level level, const char *area, const char *format, ...)
{
    char text[512];
    va_list args;

    if (level > log->level)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log->line(log->ctx, level, area, text);
}

#include "io-real/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

const char *qn_log_level_name(qn_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    return (unsigned)level < sizeof names / sizeof names[0] ? names[level] : "?";
}

bool qn_log_may(qn_log_rate *r, int64_t second, unsigned *left_out)
{
    *left_out = 0;
    if (r->second != second) {
        r->second = second;
        r->lines = 0;
    }
    if (r->lines == QN_LOG_LINES_PER_SECOND) {
        r->left_out++;
        return false;
    }
    r->lines++;
    *left_out = r->left_out;
    r->left_out = 0;
    return true;
}

static void write_line(qn_level level, const char *area, const char *text)
{
    char when[32] = "";
    struct timespec now;
    struct tm utc;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)fprintf(stderr, "%s.%03ldZ %-5s %s: %s\n", when, now.tv_nsec / 1000000,
                  qn_log_level_name(level), area, text);
}

void qn_log_stderr(void *ctx, qn_level level, const char *area, const char *text)
{
    unsigned left_out = 0;
    char note[64];

    if (level != QN_LOG_DEBUG && !qn_log_may(ctx, time(NULL), &left_out))
        return;
    if (left_out > 0) {
        (void)snprintf(note, sizeof note, "%u lines were left out", left_out);
        write_line(QN_LOG_WARN, "log", note);
    }
    write_line(level, area, text);
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

/* Log lines on stderr: "2024-05-01T12:00:00.123Z warn  link: text". */
#ifndef QN_REAL_LOG_H
#define QN_REAL_LOG_H

#include "qnet/env.h"

/* Fits qn_log.line; ctx is unused. */
void qn_log_stderr(void *ctx, qn_level level, const char *area, const char *text);
/* "error", "warn", "info", "debug". */
const char *qn_log_level_name(qn_level level);
/* The world's own lines, through the node's log and its level. */
void qn_log_say(const qn_log *log, qn_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif

/* Log lines on stderr: "2024-05-01T12:00:00.123Z warn  link: text". */
#ifndef QN_REAL_LOG_H
#define QN_REAL_LOG_H

#include "qnet/env.h"

#include <stdbool.h>

/* Strangers cause lines; what they may cause must not fill a disk. */
#define QN_LOG_LINES_PER_SECOND 50

typedef struct qn_log_rate {
    int64_t second;
    unsigned lines, left_out; /* of that second; since the last line written */
} qn_log_rate;

/* Whether a line may be written in this second; *left_out: how many were not since the last. */
bool qn_log_may(qn_log_rate *r, int64_t second, unsigned *left_out);
/* Fits qn_log.line; ctx is a qn_log_rate. It does not hold for debugging lines. */
void qn_log_stderr(void *ctx, qn_level level, const char *area, const char *text);
/* "error", "warn", "info", "debug". */
const char *qn_log_level_name(qn_level level);
/* The world's own lines, through the node's log and its level. */
void qn_log_say(const qn_log *log, qn_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif

/*
 * A program run beside the loop, for what it prints: the measuring of an origin. One at a time,
 * bounded in time and in output; it inherits nothing but /dev/null and the pipe.
 */
#ifndef QN_REAL_ERRAND_H
#define QN_REAL_ERRAND_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#define QN_ERRAND_SECONDS 120
#define QN_ERRAND_OUTPUT (256u << 10)

typedef struct qn_errand qn_errand;

/* Called from the loop, once. status: what the program exited with; -1: it was killed, for its time
 * or its output, or by somebody else. output is NUL-terminated and gone afterwards, as the errand
 * is. */
typedef void qn_errand_done(void *ctx, int status, const char *output, size_t n);

/* argv[0] is the program's path; the list ends with NULL. NULL: it could not be started. */
qn_errand *qn_errand_start(struct event_base *base, const char *const *argv, qn_errand_done *done,
                           void *ctx);
void qn_errand_kill(qn_errand *e); /* without done; NULL is fine */

#endif

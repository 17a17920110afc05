/*
 * What an exit keeps about its use, for those who answer complaints: for each hour and port how
 * many requests came to which end. No client, no destination, no time finer than the hour. In the
 * file exit-log of the state directory, one line for each hour and port; lines older than so many
 * days are dropped.
 */
#ifndef QN_REAL_EXIT_LOG_H
#define QN_REAL_EXIT_LOG_H

#include "io-real/log.h"
#include "io-real/store.h"
#include "qnet/err.h"

#include <event2/event.h>

#define QN_EXIT_LOG_PORTS                                                                          \
    32 /* told apart in an hour; the others are counted together, as port 0                        \
        */
#define QN_EXIT_LOG_DAYS_MAX 30

typedef struct qn_exit_log qn_exit_log;

/* Everything outlives it. `wall`: the clock, Unix seconds. NULL: out of memory. */
qn_exit_log *qn_exit_log_new(struct event_base *base, const qn_store *store, const int64_t *wall,
                             const qn_log *log, unsigned days);
/* One request that came to its end: QN_OK when it was opened, else why it was not. */
void qn_exit_log_count(qn_exit_log *l, uint16_t port, qn_err outcome);
/* Writes what was counted since the hour began. */
void qn_exit_log_free(qn_exit_log *l);

#endif

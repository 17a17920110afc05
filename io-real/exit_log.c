#include "io-real/exit_log.h"

#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOUR = 3600, DAY = 86400, HOUR_TEXT = 14, LINE_MAX_BYTES = 256, LOOK_SECONDS = 300 };

typedef enum outcome {
    OPENED,
    FORBIDDEN,
    LIMITED,
    UNRESOLVED,
    FORGED,
    REFUSED,
    LATE,
    FAILED,
    OUTCOMES
} outcome;

static const char *const outcome_name[OUTCOMES] = {"opened", "forbidden", "limited", "unresolved",
                                                   "forged", "refused",   "late",    "failed"};

typedef struct port_count {
    uint16_t port;
    uint64_t n[OUTCOMES];
} port_count;

struct qn_exit_log {
    const qn_store *store;
    const int64_t *wall;
    const qn_log *log;
    unsigned days;
    struct event ev;
    int64_t hour; /* when the counts' hour began */
    unsigned ports;
    port_count port[QN_EXIT_LOG_PORTS];
    bool others_used;
    port_count others;
};

static outcome outcome_of(qn_err err)
{
    switch (err) {
    case QN_OK:
        return OPENED;
    case QN_POLICY:
        return FORBIDDEN;
    case QN_LIMIT:
    case QN_BUSY:
        return LIMITED;
    case QN_RESOLVE:
        return UNRESOLVED;
    case QN_FORGED:
        return FORGED;
    case QN_REFUSED:
    case QN_UNREACHABLE:
        return REFUSED;
    case QN_TIMEOUT:
        return LATE;
    default:
        return FAILED;
    }
}

/* "2026-11-20T11Z": sorts as the hours do. */
static void hour_text(int64_t wall, char out[HOUR_TEXT + 1])
{
    time_t t = (time_t)wall;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL || strftime(out, HOUR_TEXT + 1, "%Y-%m-%dT%HZ", &tm) != HOUR_TEXT)
        memcpy(out, "0000-00-00T00Z", HOUR_TEXT + 1);
}

/* ---- the file -------------------------------------------------------------------------------- */

static size_t put_port(const port_count *c, const char *hour, char *out)
{
    size_t n = (size_t)snprintf(out, LINE_MAX_BYTES, "%s port=%u", hour, (unsigned)c->port);

    for (unsigned i = 0; i < OUTCOMES; i++)
        n += (size_t)snprintf(out + n, LINE_MAX_BYTES - n, " %s=%llu", outcome_name[i],
                              (unsigned long long)c->n[i]);
    out[n++] = '\n';
    return n;
}

/* Moves the lines that are still to be kept to the front; returns their length. A line that does
 * not begin with an hour is nobody's and goes. */
static size_t keep_young(char *p, size_t n, const char *oldest)
{
    size_t kept = 0;

    for (size_t at = 0; at < n;) {
        const char *end = memchr(p + at, '\n', n - at);
        size_t len = end != NULL ? (size_t)(end - p) + 1 - at : n - at;

        if (end != NULL && len > HOUR_TEXT && p[at + HOUR_TEXT - 1] == 'Z' &&
            memcmp(p + at, oldest, HOUR_TEXT) >= 0) {
            memmove(p + kept, p + at, len);
            kept += len;
        }
        at += len;
    }
    return kept;
}

static void write_out(qn_exit_log *l)
{
    char oldest[HOUR_TEXT + 1], hour[HOUR_TEXT + 1], *all;
    qn_span old = {0};
    qn_why why;
    size_t n = 0;

    (void)qn_store_read(l->store, "exit-log", &old, why);
    all = malloc(old.n + (size_t)LINE_MAX_BYTES * (QN_EXIT_LOG_PORTS + 1));
    if (all != NULL) {
        hour_text(*l->wall - (int64_t)l->days * DAY, oldest);
        hour_text(l->hour, hour);
        if (old.n > 0)
            memcpy(all, old.p, old.n);
        n = keep_young(all, old.n, oldest);
        for (unsigned i = 0; i < l->ports; i++)
            n += put_port(&l->port[i], hour, all + n);
        if (l->others_used)
            n += put_port(&l->others, hour, all + n);
        if (!qn_store_write(l->store, "exit-log", (qn_slice){(const uint8_t *)all, n}, why))
            qn_log_say(l->log, QN_LOG_ERROR, "store", "%s", why);
    }
    free(all);
    free(old.p);
}

/* ---- counting -------------------------------------------------------------------------------- */

/* Also when nothing was counted: what is too old goes all the same. */
static void next_hour(qn_exit_log *l)
{
    int64_t now = *l->wall - *l->wall % HOUR;

    if (now == l->hour)
        return;
    write_out(l);
    l->hour = now;
    l->ports = 0;
    l->others_used = false;
    l->others = (port_count){0};
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    next_hour(arg);
}

qn_exit_log *qn_exit_log_new(struct event_base *base, const qn_store *store, const int64_t *wall,
                             const qn_log *log, unsigned days)
{
    static const struct timeval every = {.tv_sec = LOOK_SECONDS};
    qn_exit_log *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    l->store = store;
    l->wall = wall;
    l->log = log;
    l->days = days;
    l->hour = *wall - *wall % HOUR;
    (void)event_assign(&l->ev, base, -1, EV_PERSIST, on_look, l);
    (void)event_add(&l->ev, &every);
    return l;
}

void qn_exit_log_count(qn_exit_log *l, uint16_t port, qn_err err)
{
    port_count *c = NULL;

    next_hour(l);
    for (unsigned i = 0; i < l->ports && c == NULL; i++)
        if (l->port[i].port == port)
            c = &l->port[i];
    if (c == NULL && l->ports < QN_EXIT_LOG_PORTS) {
        c = &l->port[l->ports++];
        *c = (port_count){.port = port};
    }
    if (c == NULL) {
        c = &l->others;
        l->others_used = true;
    }
    c->n[outcome_of(err)]++;
}

void qn_exit_log_free(qn_exit_log *l)
{
    write_out(l);
    (void)event_del(&l->ev);
    free(l);
}

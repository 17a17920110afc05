/*
 * The app streams of one circuit: the same code at both ends, the client opens and the exit
 * accepts.
 *
 * Both directions of a stream begin with QN_STREAM_BASE bytes of credit; more comes by CREDIT as
 * bytes leave memory (frame/credit.h). Streams end per direction by END{0} (half-close) or at once
 * and both ways by END{code}; a circuit that dies ends all of them with QN_APP_GONE, so a stream
 * is never cut short unnoticed (promise P1).
 *
 * Sending is late: bytes are taken from the application in place, behind the place of a cell's
 * headers, and become messages when the link asks for a cell. With more than QN_CELL_SMALL_DATA
 * bytes waiting that is an L cell filled where the bytes already lie; else messages of all streams
 * are packed into S cells. The owner (circuit or hop) seals what qn_apps_output returns, in order.
 *
 * Receiving: qn_apps_input takes the text of one opened cell, qn_apps_next turns it into events.
 * Whatever was credited is always accepted. Faults of the other end (a broken text, overrun, data
 * behind END, a stream that never was) make qn_apps_err answer them and every stream end; the owner
 * then closes the circuit. Messages of streams we have ended ourselves are ignored as long as their
 * bytes were credited before.
 */
#ifndef QN_CIRCUIT_APPS_H
#define QN_CIRCUIT_APPS_H

#include "base/addr.h"
#include "circuit/cell.h"
#include "circuit/pad.h"
#include "circuit/shared.h"

/* Why an app stream ended or did not open. 0 to 6 are SOCKS replies (RFC 1928 section 6). */
typedef enum qn_app_code {
    QN_APP_DONE = 0, /* fine: opened, or a clean end */
    QN_APP_FAILED = 1,
    QN_APP_POLICY = 2,
    QN_APP_NET_UNREACHABLE = 3,
    QN_APP_HOST_UNREACHABLE = 4,
    QN_APP_REFUSED = 5,
    QN_APP_TIMEOUT = 6,
    QN_APP_RESOLVE = 7,  /* SOCKS: host unreachable */
    QN_APP_RESET = 8,    /* the destination or the application reset its side; SOCKS: failure */
    QN_APP_TOO_MANY = 9, /* SOCKS: failure */
    QN_APP_GONE = 10,    /* the circuit went away; SOCKS: failure */
    QN_APP_RATE = 11     /* the exit grants this client no more for now; SOCKS: failure */
} qn_app_code;

qn_app_code qn_app_code_get(uint8_t wire); /* a number we do not know is QN_APP_FAILED */
uint8_t qn_app_socks(qn_app_code code);    /* RFC 1928 REP */
uint16_t qn_app_http(qn_app_code code);    /* status of an HTTP proxy */
qn_err qn_app_err(qn_app_code code);       /* QN_OK for DONE */
qn_app_code qn_app_of(qn_err err);         /* QN_APP_FAILED for what has no code */

struct qn_app; /* private: one stream */

typedef struct qn_app_run { /* bytes of one stream waiting to be cut into cells */
    qn_block *block;
    uint32_t sid;
    uint32_t off, len; /* in block */
} qn_app_run;

typedef struct qn_apps {
    qn_circuits *all;
    struct qn_app *v; /* by rising sid */
    uint32_t n, cap;
    uint32_t live;   /* of n: not yet ended both ways */
    uint32_t last;   /* highest sid so far */
    uint32_t urgent; /* OPEN, OPENED and CREDIT messages to write */
    uint32_t ends;   /* END messages to write */
    uint32_t wants;  /* streams whose room was asked for and was 0 */
    uint32_t cursor; /* sid: whose turn it is to hear of room */
    bool client, over, ping, ping_large, pong, room_news;
    qn_err err; /* sticky; with over: why */
    uint64_t ping_value, pong_value;
    uint64_t ignorable;           /* bytes credited to streams we ended, which may still come */
    qn_time quiet_since;          /* when the last live stream ended, or init */
    uint64_t taken, shown;        /* app bytes: from the application, and DATA to it */
    qn_app_run run[QN_APPS_RUNS]; /* ring */
    uint8_t run_head, run_n;
    uint8_t lent_n;
    uint32_t lent_sid; /* 0: no loan */
    qn_block *lent[QN_APPS_LEND];
    qn_piece text; /* being iterated */
    qn_msgs it;
    qn_pad pad;
} qn_apps;

typedef enum qn_app_event_type {
    QN_APP_EV_OPEN,   /* exit: dest. Answer qn_apps_opened; bytes may come before that */
    QN_APP_EV_OPENED, /* client: code; not DONE: the stream is over */
    QN_APP_EV_DATA,   /* piece: app bytes, a view into the cell. Say qn_apps_consumed later */
    QN_APP_EV_END,    /* code; DONE: nothing more comes; else the stream is over both ways */
    QN_APP_EV_ROOM,   /* qn_apps_room was 0 and is not any more */
    QN_APP_EV_PONG    /* value: what qn_apps_ping sent has come back */
} qn_app_event_type;

typedef struct qn_app_event {
    qn_app_event_type type;
    uint32_t sid;
    void *user; /* as set by qn_apps_open or qn_apps_set_user */
    qn_app_code code;
    qn_piece piece; /* borrowed */
    uint64_t value;
    qn_dest dest;
} qn_app_event;

void qn_apps_init(qn_apps *a, qn_circuits *all, bool client);
void qn_apps_clear(qn_apps *a); /* frees and returns credit; no events; may repeat */

/* Client: a new stream; bytes may follow at once. QN_BUSY: QN_CIRCUIT_APPS_MAX are open, or sids
 * are used up; QN_NOMEM; QN_STATE: the circuit has failed. */
QN_MUST_CHECK qn_err qn_apps_open(qn_apps *a, const qn_dest *dest, void *user, uint32_t *sid);
/* Exit: the user pointer of a stream that came by OPEN. */
void qn_apps_set_user(qn_apps *a, uint32_t sid, void *user);
/* Exit: the answer to OPEN. Not DONE: the stream is over. */
void qn_apps_opened(qn_apps *a, uint32_t sid, qn_app_code code);
/* Our direction ends. DONE (at an exit: once it has answered OPEN): after the bytes committed so
 * far; else at once, both ways, and what waits is dropped. A stream that is over is left alone,
 * here and below. */
void qn_apps_end(qn_apps *a, uint32_t sid, qn_app_code code);

/* How many bytes may be taken from the application now. When 0, ROOM follows once there is some
 * (unless the stream is over). */
size_t qn_apps_room(qn_apps *a, uint32_t sid);
/* Windows for those bytes, in order, at most QN_APPS_LEND of them; returns how many. They are lent
 * until the matching commit, and nothing else of this object may be called in between but
 * another space, which takes the loan back. 0 although there is room: no memory; ask later. */
unsigned qn_apps_space(qn_apps *a, uint32_t sid, qn_span *v, unsigned max);
void qn_apps_commit(qn_apps *a, uint32_t sid, size_t n); /* n = 0: nothing came */
/* For producers without windows: copies as much of p as there is room for, returns how much. */
size_t qn_apps_send(qn_apps *a, uint32_t sid, const void *p, size_t n);
/* n bytes shown by DATA have left our memory: their credit goes back to the sender, soon. */
void qn_apps_consumed(qn_apps *a, uint32_t sid, size_t n);
/* Asks the other end for a PONG with this value; one is under way at a time, the last wins. */
void qn_apps_ping(qn_apps *a, uint64_t value);
/* The same in a large cell, filled with zeros: for who measures what the way there carries. */
void qn_apps_ping_large(qn_apps *a, uint64_t value);

/* Whether qn_apps_output would return a cell. */
bool qn_apps_pending(const qn_apps *a);
/* The next cell, unsealed: its text is complete, its last QN_CELL_TAIL bytes are undefined.
 * QN_AGAIN: nothing to send. QN_NOMEM: nothing lost, ask later. May make room: drain qn_apps_next.
 */
QN_MUST_CHECK qn_err qn_apps_output(qn_apps *a, qn_piece *out);

/* An opened cell. The last one's events must have been drained (QN_STATE). QN_PROTO: a malformed
 * text. After an error qn_apps_err answers it too. */
QN_MUST_CHECK qn_err qn_apps_input(qn_apps *a, qn_piece cell);
/* The circuit is over: every stream ends with QN_APP_GONE (events follow). why != QN_OK is kept. */
void qn_apps_fail(qn_apps *a, qn_err why);
bool qn_apps_next(qn_apps *a, qn_app_event *ev);
qn_err qn_apps_err(const qn_apps *a);

/* One stream's numbers, for status. False: over. */
typedef struct qn_app_info {
    bool opened;
    uint64_t sent, received; /* app bytes */
} qn_app_info;
bool qn_apps_info(const qn_apps *a, uint32_t sid, qn_app_info *out);

#endif

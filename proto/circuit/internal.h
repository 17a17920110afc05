/* The table of app streams, as apps.c (streams), apps_in.c and apps_out.c share it. */
#ifndef QN_CIRCUIT_INTERNAL_H
#define QN_CIRCUIT_INTERNAL_H

#include "circuit/apps.h"

typedef struct qn_app {
    uint32_t sid;
    bool opened; /* OPENED said yes */
    bool live;   /* counts against QN_CIRCUIT_APPS_MAX */
    bool doomed; /* over; stays only until the message that says so is written */
    bool ended;  /* our application has ended its direction */
    bool told_end, got_end;
    bool wants; /* was told that there is no room */
    bool tell_open, tell_opened, tell_credit, tell_end;
    uint8_t opened_code, end_code;
    uint16_t dest_n;
    uint8_t *dest; /* until OPEN is written */
    void *user;
    qn_credit_tx tx;
    qn_credit_rx rx;
} qn_app;

/* A stream that is not over; NULL else. */
qn_app *qn__apps_find(const qn_apps *a, uint32_t sid);
/* A new stream behind all others; *out lives until the table changes. QN_NOMEM. */
QN_MUST_CHECK qn_err qn__apps_add(qn_apps *a, uint32_t sid, qn_app **out);
/* Sets a tell flag, counted in `count` (&a->urgent or &a->ends). */
void qn__apps_tell(bool *flag, uint32_t *count);
/* Takes the stream out; pointers into the table are void. */
void qn__apps_remove(qn_apps *a, qn_app *app);
/* Both directions have ended, or nearly: stops counting it, and removes it when nothing is left to
 * say or to consume. */
void qn__apps_settle(qn_apps *a, qn_app *app);
/* Whether there is room for another stream, here and at the other end. */
bool qn__apps_have_place(const qn_apps *a);
/* Bytes that may be taken now. */
size_t qn__apps_room(const qn_apps *a, const qn_app *app);
/* Whether bytes of the stream wait; and dropping them. */
bool qn__apps_waits(const qn_apps *a, uint32_t sid);
void qn__apps_purge(qn_apps *a, uint32_t sid);
void qn__apps_revoke(qn_apps *a);

#endif

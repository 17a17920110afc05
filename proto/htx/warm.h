/*
 * When a client asks its origin for something again, once the connection carries: an origin ends
 * those it is not asked anything on. docs/wire/htx.md, "Ends". This decides when and for what; the
 * request is browser.c's, and whether anything leaves at that time is client.c's.
 */
#ifndef QN_HTX_WARM_H
#define QN_HTX_WARM_H

#include "base/env.h"
#include "htx/target.h"

typedef struct qn_htx_warm {
    uint8_t path_n, path[QN_H2_PATH_MAX]; /* the page with the smallest answer */
    uint32_t largest;                     /* of it, bytes */
    bool document;                        /* it is a first page */
    qn_time idle;                         /* the origin's limit; QN_NEVER: it has none */
    qn_time at;                           /* the next request is worth its bytes from then on */
    uint32_t asked, most;                 /* requests made; the origin's limit, 0: none */
    uint32_t waits_for;                   /* the request under way; 0: none */
} qn_htx_warm;

/* QN_CONFIG: the target has no page that can be asked for. */
QN_MUST_CHECK qn_err qn_htx_warm_init(qn_htx_warm *w, const qn_htx_target *target);
/* A request left, this or any other of the connection. Draws when the next is due. */
void qn_htx_warm_asked(qn_htx_warm *w, qn_env *env, uint32_t id);
void qn_htx_warm_answered(qn_htx_warm *w, uint32_t id);
/* When the next request is due; QN_NEVER while one is under way, and at the origin's last. */
qn_time qn_htx_warm_due(const qn_htx_warm *w);

#endif

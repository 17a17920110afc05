/*
 * What a visit will look like on the wire, before its hello is written: the tag promises how many
 * records the first flight has (n1) and how long the second request's is (L2). Both follow from the
 * profile and the pages, so the visit is rehearsed against a server that says the least.
 */
#ifndef QN_HTX_PLAN_H
#define QN_HTX_PLAN_H

#include "base/env.h"
#include "htx/target.h"

/* A record's length for so many bytes of application data: the inner type and the tag. */
#define QN_HTX_SEALED(n) ((n) + 1 + QN_TAG)

typedef struct qn_htx_plan {
    uint8_t path_n[2], path[2][QN_H2_PATH_MAX]; /* the pages asked for, drawn */
    uint32_t largest[2];
    uint8_t requests; /* n1 */
    uint16_t first;   /* length of the first request's record */
    uint16_t second;  /* L2 */
} qn_htx_plan;

/* `resumed`: a ticket is offered; O may still want a full handshake, but n1 is a minimum.
 * QN_CONFIG: the target's pages, name or profile give no such visit; QN_NOMEM. */
QN_MUST_CHECK qn_err qn_htx_plan_make(qn_htx_plan *plan, qn_env *env, const qn_htx_target *target,
                                      bool resumed);
/* As what the second page is asked for. */
static inline qn_h2_kind qn_htx_plan_kind(const qn_htx_plan *plan)
{
    return qn_h2_kind_of(qn_slice_of(plan->path[1], plan->path_n[1]));
}

#endif

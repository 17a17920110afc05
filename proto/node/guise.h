/*
 * The browser a node plays when it dials, and whom that browser trusts: read once for all nodes of
 * a process that were given the same, when they share an intern table (dir/snapshot.h).
 */
#ifndef QN_NODE_GUISE_H
#define QN_NODE_GUISE_H

#include "crypto/x509.h"
#include "dir/snapshot.h"
#include "h2/profile.h"
#include "htx/shape_profile.h"
#include "qnet/htx.h"
#include "tls/profile.h"

typedef struct guise {
    qn_shared shared; /* first: it is what the table knows */
    qn_mem *mem;      /* the table's, or the node's own */
    size_t size;
    qn_tls_profile tls; /* all three point into `profile` */
    qn_h2_profile h2;
    qn_shape_profile shape;
    qn_roots *roots;
    uint8_t profile[]; /* a copy: it may outlive the node that came first */
} guise;

/* `intern` may be NULL. QN_CONFIG with a sentence in `why`, or QN_NOMEM. */
QN_MUST_CHECK qn_err guise_open(const guise **out, qn_env *env, struct qn_intern *intern,
                                const qn_htx_cfg *cfg, char why[160]);
void guise_close(const guise *g); /* by each who opened it; NULL is fine */

#endif

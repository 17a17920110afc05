/* What a client must know of a peer and its origin before it dials, beside what every carrier's
 * cfg says: the profile it plays, and key 128 of the peer's descriptor. docs/wire/htx.md. */
#ifndef QN_HTX_TARGET_H
#define QN_HTX_TARGET_H

#include "crypto/x509.h"
#include "h2/profile.h"
#include "qnet/htx.h"
#include "htx/shape_profile.h"
#include "tls/profile.h"
#include "tls/tickets.h"

typedef struct qn_htx_target {
    /* These three outlive the carrier; all else is copied. */
    const qn_tls_profile *tls; /* its date is the caller's to check */
    const qn_h2_profile *h2;   /* of the same file */
    qn_roots *roots;
    const qn_shape_profile *shape; /* of the same file as tls; outlives the carrier too */
    qn_slice name;                 /* the origin's, 1 to 253 bytes, lower case */
    qn_dh_public mirror;           /* of the epoch that holds env->wall + ahead */
    int64_t ahead; /* what O's Date said our clock is behind, seconds; 0 unless it was a visitor */
    const qn_htx_page *first, *second; /* key 4 and key 5: 1 to QN_HTX_PAGES_MAX each */
    uint8_t first_n, second_n;
    uint16_t max_record;    /* key 6 */
    qn_time idle;           /* after so long this browser closes a connection it does not use */
    qn_time site_idle;      /* key 7: and after so long the origin does; 0: never */
    uint32_t site_requests; /* key 7: the origin answers so many on one connection; 0: any */
    /* NULL, or tickets of earlier visits: one is used if there is one, and O's are kept. Outlives
     * the carrier. */
    qn_tls_tickets *tickets;
} qn_htx_target;

#endif

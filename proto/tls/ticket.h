/* What a server's NewSessionTicket leaves behind: a value, in memory only, good for one resumption.
 */
#ifndef QN_TLS_TICKET_H
#define QN_TLS_TICKET_H

#include "crypto/digest.h"
#include "base/limits.h"

/* Whoever keeps tickets keeps them apart by peer, origin and profile, drops them when the network
 * changes and uses each once: its identity is in clear and links two connections. */
typedef struct qn_tls_ticket {
    uint16_t suite;
    uint16_t id_n;
    uint8_t id[QN_TLS_TICKET_MAX];
    uint8_t psk[QN_MD_MAX]; /* as long as the suite's hash */
    uint32_t age_add;
    uint32_t lifetime; /* seconds, at most 7 days */
    qn_time received;
    bool early_data; /* the server would take 0-RTT, which this client never sends */
} qn_tls_ticket;

#endif

/*
 * A web site in memory, for worlds that need many connections to one: OpenSSL's server on TLS 1.3
 * and just enough HTTP/2 to be visited. The first request of a connection gets a page, the others a
 * document in one record. It never touches a socket.
 *
 * OpenSSL draws from its own generator, so no two runs have the same bytes.
 */
#ifndef QT_ORIGIN_H
#define QT_ORIGIN_H

#include "qnet/htx.h"

typedef struct qt_origin qt_origin;
typedef struct qt_visit qt_visit; /* one connection */

/* With an authority of its own and a certificate for `name`, both valid around `wall`. */
qt_origin *qt_origin_new(const char *name, int64_t wall);
void qt_origin_free(qt_origin *o);
qn_slice qt_origin_roots(const qt_origin *o); /* PEM */
/* Its facts, as origin-check would measure them, but for the address. */
qn_htx_origin qt_origin_facts(const qt_origin *o);
/* What the site says of the time; how it differs from `wall`, in seconds. */
void qt_origin_date(qt_origin *o, int64_t wall);

/* A PROXY header, version 2, may come first and is passed over. */
qt_visit *qt_visit_new(qt_origin *o);
void qt_visit_free(qt_visit *v);
void qt_visit_hear(qt_visit *v, const uint8_t *p, size_t n);
/* What it has to say; n == 0: nothing now. */
qn_slice qt_visit_peek(const qt_visit *v);
void qt_visit_consume(qt_visit *v, size_t n);
/* It hangs up when all has been said. */
bool qt_visit_over(const qt_visit *v);
void qt_visit_end(qt_visit *v); /* as a reload: GOAWAY, close_notify, and over */
unsigned qt_visit_requests(const qt_visit *v);

#endif

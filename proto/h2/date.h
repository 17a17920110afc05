/* The Date header (RFC 9110 5.6.7). */
#ifndef QN_H2_DATE_H
#define QN_H2_DATE_H

#include "base/bytes.h"

/* Unix seconds of an IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT"), the only form anybody sends;
 * 0 for everything else, and for years before 1970. The name of the day is not checked. */
int64_t qn_h2_date(qn_slice s);

#endif

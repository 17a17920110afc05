/*
 * A hosts file (hosts(5)) for the names of a lab's origins: a lab has no DNS of its own, and a
 * client that dials an own origin wants to see its name lead to the peer (docs/wire/htx.md).
 */
#ifndef QN_REAL_HOSTS_H
#define QN_REAL_HOSTS_H

#include "io-real/why.h"
#include "qnet/addr.h"

#define QN_HOSTS_MAX 4096 /* names of one file */

typedef struct qn_hosts qn_hosts;

/* NULL: why names the file, and the line that is not "ADDRESS NAME...". */
qn_hosts *qn_hosts_read(const char *path, qn_why why);
void qn_hosts_free(qn_hosts *h); /* NULL is fine */
/* The addresses of dest->name, at most max, each with dest->port; 0: it has none. */
unsigned qn_hosts_find(const qn_hosts *h, const qn_dest *dest, qn_addr *v, unsigned max);

#endif

/* Recorded first payloads: what browsers said to web servers, and what Shadowsocks said. */
#ifndef LAB_CAPTURES_H
#define LAB_CAPTURES_H

#include "support/qt.h"

typedef struct capture {
    qn_slice bytes;
    char ja4[40]; /* as the file says it; empty: it does not */
    bool retry;   /* the second hello of a connection: never a flow's first payload */
} capture;

/* All hellos under fingerprints/<browser>/; freed with lab_forget. */
size_t lab_browser(capture **out, const char *browser);
size_t lab_shadowsocks(capture **out);
/* What Tor's clients said first, and the relay's answers. */
size_t lab_tor(capture **hellos, capture **flights);
void lab_forget(capture *v, size_t n);

#endif

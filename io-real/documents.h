/* What the status surface tells, as JSON. Every field is read from the node at the time of asking.
 */
#ifndef QN_REAL_DOCUMENTS_H
#define QN_REAL_DOCUMENTS_H

#include "io-real/atlas.h"
#include "io-real/directory_http.h"
#include "io-real/env.h"
#include "io-real/lan.h"
#include "qnet/node.h"

#include <jansson.h>

#define QN_LIST_MAX 1000 /* circuits or peers in one document; "truncated" says there are more */

/* What there is to tell about; the world keeps it up to date. */
typedef struct qn_view {
    const qn_node *node;
    qn_real_env *env;
    const qn_network *network;
    const char *carrier;
    const qn_atlas_files *atlas; /* NULL: none */
    const char *profile;         /* the browser we look like; NULL: none */
    const char *profile_advice;
    const char *origin; /* the name of the web site behind us; NULL: none */
    int64_t origin_measured;
    const char *origin_advice;
    char exit_contact[128];  /* "": no exit */
    const char *exit_notice; /* "" or a URL */
    qn_mode mode;
    bool lab;
    qn_addr link, socks, status, directory_addr; /* family 0: no such listener */
    const qn_directory_http *directory;          /* NULL: not offered */
    const qn_lan *lan;                           /* NULL: not asked for */
    qn_time since;
    uint64_t bytes_in, bytes_out; /* through this process's conns */
    uint32_t conns;
} qn_view;

/* A new reference for "/status", "/circuits", "/peers", "/ping"; NULL for any other path. */
json_t *qn_document(const qn_view *v, const char *path);

#endif

/*
 * The directory over HTTP (docs/wire/directory.md, "Over HTTP"):
 *
 *     POST /api/relay/register             a signed descriptor, a signed heartbeat, or both
 *     GET  /api/relays/by-country          who is listed, by country; ?country=US: there
 *     GET  /api/relays/prune               removes the dead now; for who has the admin token
 *
 * Answers are JSON. It can do nothing that directory streams cannot, but prune.
 */
#ifndef QN_REAL_DIRECTORY_HTTP_H
#define QN_REAL_DIRECTORY_HTTP_H

#include "io-real/env.h"
#include "qnet/directory.h"

#include <event2/event.h>

#define QN_DIRECTORY_BURST 100 /* requests an address may make at once, whatever its rate */

typedef struct qn_directory_cfg {
    qn_node *node;
    qn_real_env *env;
    /* Around what happens to the node: stamps and buries before, drains after. */
    void (*enter)(void *world), (*settle)(void *world);
    void *world;
    uint32_t rate;     /* requests a second of one address; 0: any number */
    bool has_token;    /* else nobody may prune */
    qn_secret32 token; /* whoever prunes sends it as 64 hex digits */
} qn_directory_cfg;

typedef struct qn_directory_counts {
    uint32_t connections; /* open now */
    uint64_t accepted;
    uint64_t made_way; /* ended before their request, so that a newer one could come in */
    uint64_t late;     /* ended because request or reading took too long */
    uint64_t requests; /* that evhttp could read */
    uint64_t registered, refused; /* what POST led to */
    uint64_t listings;
    uint64_t rationed; /* 429 for the address's rate */
} qn_directory_counts;

typedef struct qn_directory_http qn_directory_http;

/* fd listens and is taken over. NULL: out of memory. */
qn_directory_http *qn_directory_http_new(struct event_base *base, int fd,
                                         const qn_directory_cfg *cfg);
void qn_directory_http_free(qn_directory_http *d); /* wipes the token */
void qn_directory_http_counts(const qn_directory_http *d, qn_directory_counts *out);

#endif

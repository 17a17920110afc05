/* Shared by this folder's files only. */
#ifndef LAB_CENSOR_INTERNAL_H
#define LAB_CENSOR_INTERNAL_H

#include "base/bytes.h"
#include "censor/censor.h"

#include <string.h>

struct censor_kind {
    const char *name;
    bool (*fits)(const censor_cfg *cfg);
    censor_verdict (*open)(censor *c, censor_flow *f, qn_time now); /* may be NULL */
    censor_verdict (*see)(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                          qn_slice bytes); /* may be NULL */
};

static inline censor_verdict pass(void)
{
    return (censor_verdict){.act = CENSOR_PASS};
}

/* The flow is caught: it stays blocked, and its ends are kept apart for cfg.penalty. */
censor_verdict censor_catch(censor *c, censor_flow *f, censor_act act, qn_time now);
/* Adds to f->first what of these bytes belongs there, and counts it as inspected. False: nothing
 * new, because the server has spoken, or the room is full. */
bool censor_first(censor *c, censor_flow *f, censor_direction direction, qn_slice bytes);
void censor_inspected(censor *c, censor_flow *f, size_t n); /* so many bytes of this flow */
/* Its number in the list; cfg->addresses_n: it is not listed. */
size_t censor_lists_address(const censor_cfg *cfg, const qn_addr *a);
/* A flow under the throttle: PASS, or LOSE. */
censor_verdict censor_police(censor *c, censor_flow *f, censor_direction direction, qn_time now,
                             size_t n);

/* ---- hellos ---------------------------------------------------------------------------------- */

/* Of a ClientHello (RFC 8446 4.1.2); slices point into what was read, lists are bodies as on the
 * wire, without their lengths. */
typedef struct censor_hello {
    uint16_t version;
    qn_slice ciphers;
    qn_slice extensions;
    qn_slice name; /* server_name; empty: none */
    qn_slice alpn; /* the first protocol */
    qn_slice versions;
    qn_slice signatures;
} censor_hello;

typedef enum censor_read {
    CENSOR_MORE, /* so far it may be one */
    CENSOR_NONE,
    CENSOR_HELLO
} censor_read;

/* One that lies in the first TLS record. Who splits it over records escapes this reader, as it does
 * some real ones. */
censor_read censor_hello_read(censor_hello *out, qn_slice bytes);
/* Whether the name is one of these, or beneath one. */
bool censor_names(const censor_cfg *cfg, qn_slice name);

#define CENSOR_JA4 36
/* FoxIO's JA4 over TCP, as text with its NUL. False: a list is longer than any browser's. */
bool censor_ja4_of(qn_env *env, const censor_hello *h, char out[CENSOR_JA4 + 1]);

#endif

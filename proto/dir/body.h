/*
 * Bodies of signed objects: maps of small unsigned keys, key 1 the version.
 *
 * A key below 128 that a reader does not know is refused with QN_VERSION; keys from 128 on may be
 * ignored, which is how later versions add what old nodes can do without.
 */
#ifndef QN_DIR_BODY_H
#define QN_DIR_BODY_H

#include "base/cbor.h"
#include "qnet/addr.h"

#define QN_BODY_VERSION 1
/* The keys 1..n as qn_body_end's mask; n <= 62. */
#define QN_BODY_KEYS(n) ((UINT64_C(2) << (n)) - 2)
/* Instants reach from 0 to 2^40 Unix seconds, so that sums of them never overflow. */
#define QN_BODY_TIME_MAX (INT64_C(1) << 40)

typedef struct qn_body {
    qn_cbor_r r;
    uint64_t pairs; /* still to come */
    uint64_t seen;  /* bit k: key k was there, k < 64 */
    int64_t last;
} qn_body;

void qn_body_open(qn_body *b, qn_slice in);
/* The next key; the caller then reads exactly one value from b->r. False: end or error. */
bool qn_body_next(qn_body *b, uint64_t *key);
/* QN_OK: well-formed to the last byte and every key of the mask was there (else QN_PROTO). */
QN_MUST_CHECK qn_err qn_body_end(const qn_body *b, uint64_t required);

/* Values. Readers set r->err to QN_PROTO when the value is out of range. */
void qn_body_unknown_key(qn_cbor_r *r, uint64_t key);
void qn_body_get_version(qn_cbor_r *r);                   /* QN_VERSION unless it is ours */
uint64_t qn_body_get_below(qn_cbor_r *r, uint64_t bound); /* 0 <= value < bound */
int64_t qn_body_get_time(qn_cbor_r *r);
/* 6 or 18 bytes: the IP address, then the port; port 0 is refused. */
void qn_body_put_addr(qn_cbor_w *w, const qn_addr *a);
void qn_body_get_addr(qn_cbor_r *r, qn_addr *a);
/* Printable ASCII of 1 to cap - 1 characters, NUL-terminated: its length, or 0. */
size_t qn_body_text(const char *text, size_t cap);
void qn_body_get_text(qn_cbor_r *r, char *out, size_t cap);

/* QN_EARLY, QN_EXPIRED or QN_OK for a window of Unix seconds, the end excluded, with
 * QN_CLOCK_SKEW_S of grace at the start. */
QN_MUST_CHECK qn_err qn_body_valid(int64_t from, int64_t until, int64_t wall);

#endif

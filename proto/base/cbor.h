/*
 * Deterministic CBOR (RFC 8949 section 4.2.1), the profile every signed object uses.
 *
 * Allowed: unsigned and negative integers, byte strings, text strings (valid UTF-8), arrays, maps,
 * false, true. Refused on decode, with QN_CANON: longer-than-needed heads, indefinite lengths,
 * unsorted or repeated map keys (bytewise order of the encoded key). Refused with QN_PROTO: tags,
 * floats, null, undefined and other simple values, reserved heads, depth over QN_CBOR_DEPTH,
 * invalid UTF-8, and (qn_cbor_end) trailing bytes. QN_TRUNCATED: the item ends early; a length or
 * count that the rest of the input cannot hold is refused at its head. docs/wire/cbor.md.
 */
#ifndef QN_BASE_CBOR_H
#define QN_BASE_CBOR_H

#include "base/env.h"

#define QN_CBOR_DEPTH 8 /* arrays and maps inside each other; our deepest object uses 4 */

/* Writer: into a caller's buffer. Errors are sticky: QN_FULL when the buffer is too small, QN_PROTO
 * for text that is not UTF-8; the item at fault and all later ones write nothing. */
typedef struct qn_cbor_w {
    uint8_t *p;
    size_t cap, n; /* n = bytes written */
    qn_err err;
} qn_cbor_w;

void qn_cbor_w_init(qn_cbor_w *w, uint8_t *p, size_t cap);
void qn_cbor_uint(qn_cbor_w *w, uint64_t v);
void qn_cbor_int(qn_cbor_w *w, int64_t v);
void qn_cbor_bytes(qn_cbor_w *w, const void *p, size_t n);
void qn_cbor_text(qn_cbor_w *w, const char *p, size_t n);
void qn_cbor_array(qn_cbor_w *w, uint64_t n);
void qn_cbor_map(qn_cbor_w *w, uint64_t pairs); /* the caller writes keys in canonical order */
void qn_cbor_bool(qn_cbor_w *w, bool v);
void qn_cbor_item(qn_cbor_w *w, qn_slice item); /* one that was written or checked before */

/* Reader: every call checks type (QN_PROTO when it is another) and canonical form; errors are
 * sticky in r->err and the value returned is then 0 / empty. Slices point into the input. */
typedef struct qn_cbor_r {
    const uint8_t *p, *end;
    qn_err err;
    uint8_t depth; /* arrays and maps around p, counted by qn_cbor_skip only */
} qn_cbor_r;

typedef enum qn_cbor_type {
    QN_CBOR_UINT,
    QN_CBOR_NINT,
    QN_CBOR_BYTES,
    QN_CBOR_TEXT,
    QN_CBOR_ARRAY,
    QN_CBOR_MAP,
    QN_CBOR_BOOL,
    QN_CBOR_NONE /* end of input or an item this profile refuses (err is set for the latter) */
} qn_cbor_type;

void qn_cbor_r_init(qn_cbor_r *r, const void *p, size_t n);
qn_cbor_type qn_cbor_peek(qn_cbor_r *r);
uint64_t qn_cbor_get_uint(qn_cbor_r *r);
int64_t qn_cbor_get_int(qn_cbor_r *r); /* either sign; QN_PROTO when int64_t cannot hold it */
qn_slice qn_cbor_get_bytes(qn_cbor_r *r);
void qn_cbor_get_fixed(qn_cbor_r *r, void *out, size_t n); /* a byte string of exactly n bytes */
qn_slice qn_cbor_get_text(qn_cbor_r *r);
bool qn_cbor_get_bool(qn_cbor_r *r);
uint64_t qn_cbor_get_array(qn_cbor_r *r); /* so many items follow; at most the bytes left */
uint64_t qn_cbor_get_map(qn_cbor_r *r);   /* so many pairs follow; see qn_cbor_key */
/* Skips one whole item, checking all of it. */
void qn_cbor_skip(qn_cbor_r *r);
qn_slice qn_cbor_get_item(qn_cbor_r *r); /* the same, and gives its bytes */
/* Inside a map of small unsigned keys: the next key; `last` starts at -1 and enforces the order. */
uint64_t qn_cbor_key(qn_cbor_r *r, int64_t *last);
/* QN_OK when all input was used and nothing failed. */
QN_MUST_CHECK qn_err qn_cbor_end(const qn_cbor_r *r);
/* A whole buffer is exactly one canonical item of this profile. */
QN_MUST_CHECK qn_err qn_cbor_check(const void *p, size_t n);

#endif

/*
 * Public documents made smaller for the way: one zstd frame (RFC 8878) each. Only whole documents
 * that anybody may read are packed, never a secret beside an attacker's text, so lengths give
 * nothing away.
 *
 * The bytes depend on the library's version, so nothing signed or hashed is ever the packed form.
 */
#ifndef QN_DIR_PACK_H
#define QN_DIR_PACK_H

#include "base/env.h"

/* Bytes on the heap of one owner. */
typedef struct qn_blob {
    uint8_t *p;
    size_t n, cap;
} qn_blob;
void qn_blob_clear(qn_blob *b, qn_mem *mem);
QN_MUST_CHECK qn_err qn_blob_new(qn_blob *b, qn_mem *mem, size_t cap); /* QN_NOMEM */

/* All memory of it, for a time or for good, is taken from mem. QN_NOMEM. */
QN_MUST_CHECK qn_err qn_pack(qn_blob *out, qn_mem *mem, qn_slice in);
/* Exactly one frame that says how long its content is: at most `max`, and checked before memory is
 * taken. QN_LIMIT: longer; QN_PROTO: no such frame, something behind it, or content of another
 * length; QN_NOMEM. */
QN_MUST_CHECK qn_err qn_unpack(qn_blob *out, qn_mem *mem, qn_slice in, size_t max);

#endif

/*
 * Header blocks of requests (RFC 7541), as two browsers encode them.
 *
 * Chromium's bytes are nghttp2's: a string is Huffman coded when that is shorter; a name is
 * referred to by its first entry in the static table, or else the newest of the other; :path and a
 * few more are never indexed, nor is a field larger than three quarters of the table. Firefox's
 * encoder: every string is Huffman coded, a name is referred to by its *last* entry in the tables,
 * :path is never indexed, and a field larger than half the table is not either. Both follow the
 * peer's SETTINGS_HEADER_TABLE_SIZE to any value and say so in front of the next block.
 */
#ifndef QN_H2_HPACK_H
#define QN_H2_HPACK_H

#include "base/env.h"
#include "h2/profile.h"

#define QN_H2_TABLE_FIRST 4096 /* the size before SETTINGS (RFC 9113 6.5.2) */
/* One entry per different field at most: what is in the table is not entered again. */
#define QN_H2_ENTRIES_MAX (QN_H2_KINDS * QN_H2_FIELDS_MAX)

typedef struct qn_h2_hpack {
    qn_mem *mem;
    qn_h2_field *entry; /* [0] is the oldest; slices are the caller's */
    bool plain;         /* Firefox's */
    uint16_t entries, room;
    uint32_t used;         /* as RFC 7541 4.1 counts */
    uint32_t size, lowest; /* of the table, as the peer said; least since told */
    bool resized;          /* and the next block must say it */
} qn_h2_hpack;

/* mem must outlive it. */
void qn_h2_hpack_init(qn_h2_hpack *h, bool plain, qn_mem *mem);
void qn_h2_hpack_clear(qn_h2_hpack *h);
/* The peer's SETTINGS_HEADER_TABLE_SIZE. */
void qn_h2_hpack_resize(qn_h2_hpack *h, uint32_t size);
/* Writes one block; the fields' bytes but those of :path must stay as long as h. QN_LIMIT: more
 * than cap bytes, QN_NOMEM; h is of no use after either. */
QN_MUST_CHECK qn_err qn_h2_hpack_block(qn_h2_hpack *h, const qn_h2_field *v, unsigned n,
                                       uint8_t *out, size_t cap, size_t *out_n);

#endif

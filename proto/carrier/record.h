/*
 * Records: on the wire exactly TLS 1.3's (RFC 8446 5.2), sealed with ChaCha20-Poly1305.
 *
 *     17 03 03 | length u16 | AEAD(content | inner type u8 | zeros) | tag[16]
 *
 * The nonce is iv xor sequence number, the additional data the five header bytes. Inner type 0x17
 * is frames, 0x15 a two-byte alert. Per direction a secret T gives key, iv and the next T; the
 * next one takes over after a record whose last frame is KEY_UPDATE, and the sequence restarts.
 * docs/wire/record.md.
 */
#ifndef QN_CARRIER_RECORD_H
#define QN_CARRIER_RECORD_H

#include "base/block.h"
#include "base/tally.h"
#include "crypto/crypto.h"

#define QN_RECORD_OVERHEAD (QN_RECORD_HEADER + 1 + QN_TAG)
#define QN_RECORD_BODY_MIN (1 + QN_TAG) /* an inner type alone */

typedef enum qn_inner { QN_INNER_ALERT = 0x15, QN_INNER_FRAMES = 0x17 } qn_inner;

/* One direction. Bytes only, no library context. */
typedef struct qn_record_keys {
    qn_key secret; /* T */
    qn_key key;
    uint8_t iv[12];
    uint64_t seq;
    uint64_t bytes; /* sealed or opened under this key */
    qn_time since;  /* when this key came into use */
} qn_record_keys;

/* Derives key and iv from T. */
QN_MUST_CHECK qn_err qn_record_keys_init(qn_record_keys *k, qn_env *env, const qn_key *secret);
/* The next secret replaces this one, which is wiped; on an error nothing changes. */
QN_MUST_CHECK qn_err qn_record_ratchet(qn_record_keys *k, qn_env *env);
/* A sender's: 10 minutes, 2^24 records or 64 GiB are reached. */
bool qn_record_rekey_due(const qn_record_keys *k, qn_time now);
void qn_record_keys_wipe(qn_record_keys *k);

/*
 * Seals a || b as one record and appends it to out; small records share a block. `a` is sealed
 * straight from where it lies; b.n <= QN_SEAL_TAIL_MAX, a.n + b.n <= QN_RECORD_CONTENT_MAX.
 * QN_NOMEM, QN_EXHAUSTED (2^48 records under one key) and QN_INTERNAL leave out and k as they were.
 */
QN_MUST_CHECK qn_err qn_record_seal(qn_record_keys *k, qn_env *env, qn_tally *tally, qn_slice a,
                                    qn_slice b, qn_inner inner, qn_queue *out);
/* The same with so many zeros behind the inner type; content and zeros together make at most
 * QN_RECORD_CONTENT_MAX. */
QN_MUST_CHECK qn_err qn_record_seal_padded(qn_record_keys *k, qn_env *env, qn_tally *tally,
                                           qn_slice a, qn_slice b, size_t zeros, qn_inner inner,
                                           qn_queue *out);
/*
 * Opens one whole record (header and body, n bytes) out of place; `record` stays as received.
 * content gets a fresh block and one reference of it (an empty content too). QN_AUTH: the tag;
 * QN_PROTO: no inner type, an unknown one, or an alert that is not two bytes; QN_NOMEM. k moves on
 * only on QN_OK.
 */
QN_MUST_CHECK qn_err qn_record_open(qn_record_keys *k, qn_env *env, qn_tally *tally,
                                    const uint8_t *record, size_t n, qn_piece *content,
                                    qn_inner *inner);

/* The record at the front of n bytes: QN_OK with *size = its whole length (which may exceed n);
 * QN_SHORT: fewer than five bytes, none wrong so far; QN_PROTO at the first wrong byte. */
QN_MUST_CHECK qn_err qn_record_track(const uint8_t *p, size_t n, size_t *size);

#endif

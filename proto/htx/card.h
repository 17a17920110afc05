/*
 * A peer's card: what a client must know of it, as deterministic CBOR. Key 128 of a descriptor, and
 * the content of an operator's contact in the network file. docs/wire/htx.md, "Keys and epochs".
 */
#ifndef QN_HTX_CARD_H
#define QN_HTX_CARD_H

#include "base/cbor.h"
#include "crypto/crypto.h"
#include "qnet/htx.h"

#define QN_HTX_EPOCH_S 604800
#define QN_HTX_EPOCH_GRACE_S 86400 /* a key is tried so long past its epoch, and before it */
#define QN_HTX_DESCRIPTOR_KEYS 3   /* mirror keys in a descriptor */

typedef struct qn_htx_card_key {
    qn_dh_public key;
    uint32_t epoch; /* floor(Unix time / QN_HTX_EPOCH_S) */
} qn_htx_card_key;

/* Slices point into what was read, or are those of the origin it was made from. */
typedef struct qn_htx_card {
    qn_htx_card_key key[QN_HTX_EPOCHS_MAX]; /* ascending, no epoch twice */
    uint8_t keys_n, names_n, first_n, second_n;
    bool mirror;
    qn_slice name[QN_HTX_NAMES_MAX];
    qn_htx_page first[QN_HTX_PAGES_MAX], second[QN_HTX_PAGES_MAX];
    uint16_t largest_record;
    uint32_t requests, seconds, idle;
} qn_htx_card;

/* What an origin's facts say on a card, which has no keys yet. QN_CONFIG: they are out of range. */
QN_MUST_CHECK qn_err qn_htx_card_of(qn_htx_card *card, const qn_htx_origin *origin);
/* One item. Sets w->err to QN_CONFIG for a card that no reader would take. */
void qn_htx_card_put(qn_cbor_w *w, const qn_htx_card *card);
/* A whole item and nothing else, with at most max_keys mirror keys. QN_CANON, QN_TRUNCATED,
 * QN_PROTO as base/cbor.h says, QN_PROTO also for a field out of range, QN_VERSION for a key below
 * 128 that is unknown. *card is unchanged after any error. */
QN_MUST_CHECK qn_err qn_htx_card_read(qn_htx_card *card, qn_slice item, unsigned max_keys);
/* The key of the epoch that holds this time. NULL: the card has none. */
const qn_dh_public *qn_htx_card_at(const qn_htx_card *card, int64_t wall);

#endif

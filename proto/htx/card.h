/*
 * A peer's card: what a client must know of it, as deterministic CBOR. Key 128 of a descriptor, and
 * the content of an operator's contact in the network file. docs/wire/htx.md, "Keys and epochs".
 */
#ifndef QN_HTX_CARD_H
#define QN_HTX_CARD_H

#include "base/cbor.h"
#include "crypto/crypto.h"
#include "qnet/htx.h"
#include "qnet/id.h"

/*
 * A node's epochs are its own: they begin at a moment of the week that its PeerID gives, so that
 * not all nodes of a list change their keys in one hour. A key is used from its epoch's begin on,
 * until a newer one is known, and through the next epoch: so a descriptor needs to name only one,
 * and a list from disk leads to its nodes for a week at least.
 */
#define QN_HTX_EPOCH_S 604800
#define QN_HTX_EPOCH_KEPT 1      /* a key is good for so many epochs after its own */
#define QN_HTX_LISTED_KEYS 1     /* mirror keys of a node that is listed: who has a list has news */
#define QN_HTX_DESCRIPTOR_KEYS 2 /* of one that is not: an invitation is to last for two weeks */

typedef struct qn_htx_card_key {
    qn_dh_public key;
    uint32_t epoch; /* the node's, as qn_htx_epoch counts them */
} qn_htx_card_key;

/* The epoch of this node that holds a time, and when one begins, Unix seconds. */
uint32_t qn_htx_epoch(const qn_peerid *id, int64_t wall);
int64_t qn_htx_epoch_start(const qn_peerid *id, uint32_t epoch);

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
/* The newest key that its node accepts at this time. NULL: the card has none. */
const qn_dh_public *qn_htx_card_at(const qn_htx_card *card, const qn_peerid *id, int64_t wall);
/* When the last of a card's keys is over. */
int64_t qn_htx_card_until(const qn_htx_card *card, const qn_peerid *id);

#endif

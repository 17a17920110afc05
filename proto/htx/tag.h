/*
 * The tag: Noise message 1, whose e is the hello's X25519 share and whose sealed payload is its
 * session_id. docs/wire/htx.md, "The tag".
 */
#ifndef QN_HTX_TAG_H
#define QN_HTX_TAG_H

#include "base/tally.h"
#include "noise/noise.h"
#include "htx/card.h"
#include "qnet/id.h"
#include "tls/hello.h"

#define QN_HTX_TAG_PAYLOAD 16
#define QN_HTX_SECOND_MIN 61 /* L2: longer than a control record, by which the hold tells them */

typedef struct qn_htx_tag {
    uint8_t requests; /* n1: application records of C's first flight */
    uint16_t second;  /* L2: length of its second request's record */
    uint32_t time;    /* Unix seconds */
    uint8_t nonce[6];
} qn_htx_tag;

void qn_htx_tag_put(const qn_htx_tag *t, uint8_t out[QN_HTX_TAG_PAYLOAD]);
/* QN_VERSION: another version; QN_PROTO: a field out of its range. *t is then untouched. */
QN_MUST_CHECK qn_err qn_htx_tag_get(qn_htx_tag *t, const uint8_t in[QN_HTX_TAG_PAYLOAD]);

/* What a tag names besides its hello. */
typedef struct qn_htx_place {
    uint8_t network[32];
    qn_peerid peer; /* P */
} qn_htx_place;

/* ---- C ----------------------------------------------------------------------------------------
 */

typedef struct qn_htx_tag_cfg {
    qn_htx_place place;
    qn_dh_public mirror;                 /* P's, of those it accepts at the tag's time */
    qn_key psk;                          /* zero for listed peers */
    qn_dh_secret own;                    /* static, for message 3 */
    qn_dh_secret e;                      /* of the hello's X25519 share */
    const qn_dh_public *own_pub, *e_pub; /* NULL: derived, each at the cost of an X25519 */
} qn_htx_tag_cfg;

/* Begins the handshake x and writes its first message's sealed part into the hello's session_id;
 * cut as qn_tls_hello_write gives it. Binders come after this. QN_AUTH: a mirror key of small
 * order. On any error x is cleared. */
QN_MUST_CHECK qn_err qn_htx_tag_seal(qn_noise *x, qn_env *env, const qn_htx_tag_cfg *cfg,
                                     const qn_htx_tag *tag, uint8_t *hello, size_t cut);

/* ---- P ----------------------------------------------------------------------------------------
 */

/* The epochs whose keys P tries at this time: this one and the last; near a boundary, as C's clock
 * may see it, the one behind that boundary too. Returns how many. */
#define QN_HTX_TRIED_MAX (2 + QN_HTX_EPOCH_KEPT)
unsigned qn_htx_tag_epochs(const qn_peerid *id, int64_t wall, uint32_t epochs[QN_HTX_TRIED_MAX]);

typedef struct qn_htx_mirror_key {
    qn_dh_secret secret;
    qn_dh_public pub;
} qn_htx_mirror_key;

typedef struct qn_htx_tag_judge {
    qn_htx_place place;
    const qn_htx_mirror_key *keys; /* of qn_htx_tag_epochs */
    const qn_key *psks;            /* a listed peer's: one, zero */
    const qn_slice *names;         /* the origin's, lower case */
    uint8_t keys_n, psks_n, names_n;
    int64_t floor;   /* the replay set's */
    qn_tally *tally; /* may be NULL */
} qn_htx_tag_judge;

/*
 * Is this hello tagged for us? QN_OK: x is past message 1 and tag filled. Otherwise QN_AUTH, with
 * no reason, and x cleared (or an error of our own). Every hello that has a share and a session_id
 * to look at costs the same: one X25519 for each key, one opening for each PSK under it, whatever
 * the first ones said.
 */
QN_MUST_CHECK qn_err qn_htx_tag_open(qn_noise *x, qn_env *env, const qn_htx_tag_judge *judge,
                                     qn_slice message, const qn_tls_hello *hello, qn_htx_tag *tag);

#endif

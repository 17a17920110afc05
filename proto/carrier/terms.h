/*
 * What two ends settle in the payloads of Noise messages 2 and 3, and the keys that follow: alike
 * for every kind of carrier. docs/wire/link.md, docs/wire/htx.md.
 *
 *     terms    version u8 (1), time u32, max record u16, ciphers u8, features u16, vouch 96
 *     choice   flags u8 (bit 0: a PeerID follows), [PeerID 32, vouch 96], cipher u8, frames
 *     vouch    identity 32, its signature 64 over the sender's static key of this handshake
 *
 * A vouch is carried, and looked at by nobody here: dir/vouch.h.
 */
#ifndef QN_CARRIER_TERMS_H
#define QN_CARRIER_TERMS_H

#include "carrier/carrier.h"
#include "carrier/record.h"
#include "noise/noise.h"
#include "qnet/id.h"

#define QN_TERMS_VERSION 1
#define QN_TERMS_SIZE (10 + QN_VOUCH_SIZE)

/* Bits of `ciphers`; a choice names a bit's number. */
enum { QN_TERMS_CHACHA20_POLY1305 = 0, QN_TERMS_AES_256_GCM = 1 };

typedef struct qn_terms {
    uint32_t time;       /* the responder's clock, Unix seconds */
    uint16_t max_record; /* of content: QN_RECORD_CONTENT_MIN to _MAX, both ways */
    uint8_t ciphers;     /* bit 0 is always set */
    uint16_t features;
    qn_vouch vouch;
} qn_terms;

void qn_terms_put(const qn_terms *t, uint8_t out[QN_TERMS_SIZE]);
/* QN_VERSION, QN_PROTO; *t is then untouched. */
QN_MUST_CHECK qn_err qn_terms_get(qn_terms *t, qn_slice in);

typedef struct qn_choice {
    bool claim; /* id is named, and vouched for */
    qn_peerid id;
    qn_vouch vouch;
    uint8_t cipher;
    qn_slice frames; /* may be empty */
} qn_choice;

#define QN_CHOICE_MAX (1 + 32 + QN_VOUCH_SIZE + 1) /* without frames */

/* out has room for QN_CHOICE_MAX + frames.n bytes. Returns the length. */
size_t qn_choice_put(const qn_choice *c, uint8_t *out);
/* offered: the ciphers of the terms. frames then lies in `in`. QN_PROTO; *c is then untouched. */
QN_MUST_CHECK qn_err qn_choice_get(qn_choice *c, qn_slice in, uint8_t offered);

/* After message 3: the record keys of both ways, as x's side uses them, and the resume secret. */
QN_MUST_CHECK qn_err qn_terms_split(const qn_noise *x, qn_env *env, qn_record_keys *tx,
                                    qn_record_keys *rx, qn_key *resume);

#endif

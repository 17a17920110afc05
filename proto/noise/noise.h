/*
 * The Noise Protocol Framework (revision 34), suite 25519_ChaChaPoly_SHA256.
 *
 * A pattern is data: which static keys are known beforehand, and one token list per message. The
 * product uses three, below; tests add others to run every published vector the tokens can
 * express. A message is computed on a copy and committed last, so a forged one leaves the
 * handshake exactly as it was.
 *
 *   XK        <- s   ...   -> e, es    <- e, ee    -> s, se      the pattern XKpsk0 adds a psk to
 *   XKpsk0    the same with psk in front of message 1's e        carriers; bare's PSK is all zero
 *   NK        <- s   ...   -> e, es    <- e, ee                  a hop behind the entry (cell.md)
 *
 * In: qn_noise_init, then write and read in turn. Out: qn_noise_split and qn_noise_hash.
 * docs/wire/noise.md has the same in bytes.
 */
#ifndef QN_NOISE_NOISE_H
#define QN_NOISE_NOISE_H

#include "crypto/crypto.h"

#define QN_NOISE_MESSAGE_MAX 65535 /* Noise 3: a message never exceeds this */

typedef enum qn_noise_token {
    QN_NOISE_END,
    QN_NOISE_E,
    QN_NOISE_S,
    QN_NOISE_EE,
    QN_NOISE_ES,
    QN_NOISE_SE,
    QN_NOISE_SS,
    QN_NOISE_PSK
} qn_noise_token;

/* Messages of the longest published pattern (X1K1: four); tokens of the longest message (KXpsk2's
 * second: six) and END. */
enum { QN_NOISE_MESSAGES = 4, QN_NOISE_TOKENS = 7 };

typedef struct qn_noise_pattern {
    const char *name;     /* "Noise_XK_25519_ChaChaPoly_SHA256"; enters the transcript */
    bool initiator_known; /* pre-message "-> s" */
    bool responder_known; /* pre-message "<- s" */
    bool has_psk;         /* some message has a PSK token, so every E is also mixed into the key */
    uint8_t messages;
    uint8_t message[QN_NOISE_MESSAGES][QN_NOISE_TOKENS]; /* message 0 is the initiator's */
} qn_noise_pattern;

extern const qn_noise_pattern qn_noise_xk, qn_noise_xkpsk0, qn_noise_nk;

typedef struct qn_noise {
    const qn_noise_pattern *pattern;
    bool initiator, has_s, has_e, has_rs, has_re, has_key, has_es, has_ee;
    uint8_t step; /* messages done */
    uint64_t n;
    qn_key k;
    qn_hash ck, h;
    qn_dh_secret s, e;
    qn_dh_public s_pub, e_pub, rs, re;
    qn_key psk, es, ee; /* es: see qn_noise_try; ee: qn_noise_prepare */
    qn_slice late;      /* these two: see qn_noise_mix_late */
    qn_key late_key;
} qn_noise;

typedef struct qn_noise_cfg {
    const qn_noise_pattern *pattern; /* must outlive the handshake */
    bool initiator;
    qn_slice prologue;
    const qn_dh_secret *s;     /* NULL when the pattern gives this side none */
    const qn_dh_public *s_pub; /* of s; NULL: derived, which costs one X25519 */
    const qn_dh_public *rs;    /* NULL when it is learned in the handshake */
    const qn_dh_secret *e;     /* NULL: drawn from env->rng when the E token is written */
    const qn_dh_public *e_pub; /* of e; NULL: derived, too */
    const qn_key *psk;         /* NULL: all zero, for patterns with a psk */
} qn_noise_cfg;

/* Everything of cfg is copied. QN_STATE: a key the pattern knows beforehand is missing. */
QN_MUST_CHECK qn_err qn_noise_init(qn_noise *x, qn_env *env, const qn_noise_cfg *cfg);
/* For a responder with several PSKs, which it tries on copies of one handshake before message 1:
 * the PSK of this try, and DH(s, re), which message 1 gives all of them alike and is paid for
 * once. */
void qn_noise_try(qn_noise *x, const qn_key *psk, const qn_key *es);
/* For whoever writes an E and then an EE next and has time now: draws e, unless it is there, and
 * computes DH(e, re), so that neither is left to do in qn_noise_write. QN_AUTH: a zero DH;
 * QN_STATE: re is not known. Nothing changes then. */
QN_MUST_CHECK qn_err qn_noise_prepare(qn_noise *x, qn_env *env);
/* Extra bytes both sides know, between messages: h = HASH(h || p). */
QN_MUST_CHECK qn_err qn_noise_mix_hash(qn_noise *x, qn_env *env, qn_slice p);
/* A secret from outside the pattern (a KEM's) enters the next message, between its tokens and its
 * payload: MixHash(p), MixKeyAndHash(key). p, not empty, stays where it is until that message is
 * written or read. */
void qn_noise_mix_late(qn_noise *x, qn_slice p, const qn_key *key);
/* Length of the next message, in either direction, for a payload of n bytes. */
size_t qn_noise_size(const qn_noise *x, size_t payload_n);
/* Writes exactly qn_noise_size(x, payload.n) bytes (at most QN_NOISE_MESSAGE_MAX) to out, which
 * must not overlap payload. QN_STATE: not our turn, or a key is missing; QN_AUTH: a zero DH with
 * the key the peer sent. The state is unchanged after any error. */
QN_MUST_CHECK qn_err qn_noise_write(qn_noise *x, qn_env *env, qn_slice payload, uint8_t *out);
/* Reads a whole message; payload has room for msg.n - qn_noise_size(x, 0) bytes, gets *n of them
 * and must not overlap msg. QN_AUTH: forged, or a zero DH; QN_TRUNCATED: shorter than the tokens;
 * QN_LIMIT: over QN_NOISE_MESSAGE_MAX; QN_STATE as in write. The state and *n are unchanged after
 * any error; payload then holds nothing usable. */
QN_MUST_CHECK qn_err qn_noise_read(qn_noise *x, qn_env *env, qn_slice msg, uint8_t *payload,
                                   size_t *n);
bool qn_noise_done(const qn_noise *x);
bool qn_noise_my_turn(const qn_noise *x);
/* The transcript so far; after the last message, the handshake hash that both sides share and a
 * channel may be bound to (Noise 11.2). */
const qn_hash *qn_noise_hash(const qn_noise *x);
/* After the last message (else QN_STATE): first = initiator to responder. Clear x afterwards. */
QN_MUST_CHECK qn_err qn_noise_split(const qn_noise *x, qn_env *env, qn_key *first, qn_key *second);
void qn_noise_clear(qn_noise *x); /* wipes; may repeat */

#endif

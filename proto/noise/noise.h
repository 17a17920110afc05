/*
 * The Noise Protocol Framework (revision 34), suite 25519_ChaChaPoly_SHA256.
 *
 * A pattern is data: pre-messages and one token list per message. The product uses three,
 * below; tests add others to run every published vector the tokens can express. A handshake is
 * computed on a copy and committed last, so a forged message leaves it exactly as it was.
 *
 *   XK        <- s   ...   -> e, es    <- e, ee    -> s, se      the bare carrier (docs/wire/link.md)
 *   XKpsk0    the same with psk before message 1                 HTX; bare uses the all-zero PSK
 *   NK        <- s   ...   -> e, es    <- e, ee                  a hop behind the entry (cell.md)
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

enum { QN_NOISE_MESSAGES = 4, QN_NOISE_TOKENS = 6 };

typedef struct qn_noise_pattern {
    const char *name; /* "Noise_XK_25519_ChaChaPoly_SHA256" */
    uint8_t pre_initiator[3], pre_responder[3]; /* of E, S; ended by END */
    uint8_t message[QN_NOISE_MESSAGES][QN_NOISE_TOKENS]; /* message 0 is the initiator's */
    uint8_t messages;
    bool has_psk;
} qn_noise_pattern;

extern const qn_noise_pattern qn_noise_xk, qn_noise_xkpsk0, qn_noise_nk;

typedef struct qn_noise {
    const qn_noise_pattern *pattern;
    bool initiator, has_s, has_e, has_rs, has_re, has_key;
    bool e_fixed; /* tests and HTX: `e` was supplied, not drawn */
    uint8_t step; /* messages done */
    uint8_t psk_used;
    uint64_t n;
    qn_key k;
    qn_hash ck, h;
    qn_dh_secret s, e;
    qn_dh_public s_pub, e_pub, rs, re;
    qn_key psk;
} qn_noise;

typedef struct qn_noise_cfg {
    const qn_noise_pattern *pattern;
    bool initiator;
    qn_slice prologue;
    const qn_dh_secret *s;        /* NULL when the pattern gives this side none */
    const qn_dh_public *rs;       /* NULL when it is learned in the handshake */
    const qn_dh_secret *e;        /* NULL: drawn from env->rng when the E token is written */
    const qn_key *psk;            /* NULL: all zero, for patterns with a psk */
} qn_noise_cfg;

QN_MUST_CHECK qn_err qn_noise_init(qn_noise *x, qn_env *env, const qn_noise_cfg *cfg);
/* Extra bytes both sides know: HTX's stream hashes and KEM ciphertext (h = HASH(h || p)). */
QN_MUST_CHECK qn_err qn_noise_mix_hash(qn_noise *x, qn_env *env, qn_slice p);
/* Length of the next message for a payload of n bytes. */
size_t qn_noise_size(const qn_noise *x, size_t payload_n);
/* Writes exactly qn_noise_size(x, payload.n) bytes to out. QN_STATE: not our turn. */
QN_MUST_CHECK qn_err qn_noise_write(qn_noise *x, qn_env *env, qn_slice payload, uint8_t *out);
/* Reads a whole message; payload gets *n bytes (at most msg.n). QN_AUTH: forged or a zero DH;
 * QN_TRUNCATED: shorter than the tokens; the state is unchanged in both cases. */
QN_MUST_CHECK qn_err qn_noise_read(qn_noise *x, qn_env *env, qn_slice msg, uint8_t *payload,
                                   size_t *n);
bool qn_noise_done(const qn_noise *x);
bool qn_noise_my_turn(const qn_noise *x);
/* After the last message: first = initiator to responder. Wipe x afterwards. */
QN_MUST_CHECK qn_err qn_noise_split(const qn_noise *x, qn_env *env, qn_key *first, qn_key *second);
void qn_noise_clear(qn_noise *x); /* wipes */

#endif

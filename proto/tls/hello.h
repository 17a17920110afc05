/*
 * ClientHellos: written as a profile's browser writes them, and read by whoever must recognise one.
 *
 * A hello here is the handshake message: type, u24 length, body. Positions are offsets into it.
 */
#ifndef QN_TLS_HELLO_H
#define QN_TLS_HELLO_H

#include "tls/profile.h"
#include "tls/share.h"
#include "tls/ticket.h"

#define QN_TLS_HELLO_RANDOM 6 /* offset of the 32 random bytes */
#define QN_TLS_HELLO_SESSION_ID                                                                    \
    39 /* offset of the session id, which browsers make 32 bytes long                              \
        */

/* ---- writing ------------------------------------------------------------------------------- */

enum { /* draws of RFC 8701 */
       QN_TLS_GREASE_CIPHER,
       QN_TLS_GREASE_GROUP, /* also the group of the GREASE share */
       QN_TLS_GREASE_EXT1,
       QN_TLS_GREASE_EXT2, /* never equal to the first */
       QN_TLS_GREASE_VERSION,
       QN_TLS_GREASE_SIGALG,
       QN_TLS_GREASES
};

/* What a browser draws once per connection: a hello repeated after HelloRetryRequest keeps it. */
typedef struct qn_tls_draw {
    uint8_t random[32], session_id[32];
    uint16_t grease[QN_TLS_GREASES];
    uint8_t order[QN_TLS_EXTENSIONS_MAX]; /* indices into the profile's extensions */
    uint8_t cookie_at;                    /* a cookie goes before the extension at this place */
    uint16_t ech_aead, ech_n;
    uint8_t ech_config, ech_enc[32], ech_payload[QN_TLS_ECH_PAYLOAD_MAX];
} qn_tls_draw;

typedef struct qn_tls_hello_spec {
    const qn_tls_profile *profile;
    qn_slice name;               /* server name, 1 to 255 bytes */
    const qn_tls_ticket *ticket; /* NULL: none offered */
    size_t binder;               /* bytes of its hash */
    uint16_t retry_group; /* answering a HelloRetryRequest: the only share; 0: the first hello */
    qn_slice cookie;      /* of that request; may be empty */
} qn_tls_hello_spec;

/* Bytes of the body of pre_shared_key that offers the ticket with a binder of so many bytes. */
size_t qn_tls_psk_size(const qn_tls_ticket *ticket, size_t binder);
/* `psk`: that, or 0 for a full handshake. */
void qn_tls_draw_make(qn_tls_draw *d, qn_env *env, const qn_tls_profile *profile, size_t psk);
/* The profile's browser would offer this ticket now (and the captures say what its size does). */
bool qn_tls_ticket_fits(const qn_tls_profile *profile, const qn_tls_ticket *ticket, size_t binder,
                        qn_time now);
/* Writes the hello with zero binders. *cut: where the binders list starts, or its end when there is
 * no ticket (RFC 8446 4.2.11.2). QN_LIMIT: over QN_TLS_HELLO_MAX, QN_INTERNAL: OpenSSL failed. */
QN_MUST_CHECK qn_err qn_tls_hello_write(const qn_tls_hello_spec *spec, const qn_tls_draw *d,
                                        qn_tls_shares *shares, qn_env *env,
                                        uint8_t out[QN_TLS_HELLO_MAX], size_t *n, size_t *cut);

/* ---- reading ------------------------------------------------------------------------------- */

/* Slices point into the message; empty when absent. */
typedef struct qn_tls_hello {
    qn_slice random, session_id;
    qn_slice name;   /* the one host name of server_name */
    qn_slice x25519; /* 32 bytes */
    qn_slice mlkem;  /* the hybrid share's encapsulation key, 1184 bytes, not yet checked */
    size_t cut;      /* as above: what comes before is bound by the binders */
    bool psk, early_data;
} qn_tls_hello;

/* Finds the hello at the start of a stream, in one record. QN_SHORT: more bytes are needed;
 * QN_PROTO: this is not one; QN_LIMIT: longer than QN_TLS_HELLO_MAX or in more than one record. */
QN_MUST_CHECK qn_err qn_tls_hello_find(const uint8_t *p, size_t n, qn_slice *message);
/* Strict: every vector ends where it must, no extension twice, pre_shared_key last, known
 * extensions well-formed. QN_PROTO; *out is then untouched. */
QN_MUST_CHECK qn_err qn_tls_hello_read(qn_slice message, qn_tls_hello *out);

#endif

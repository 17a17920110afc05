/*
 * A browser's ClientHello as data: what it always sends, and the rules for what it draws. The same
 * file says how it goes on in HTTP/2.
 *
 * A profile is one item of deterministic CBOR (base/cbor.h; docs/wire/tls.md has the keys), made
 * from captures by tools/profile-record. Its SHA-256 names it. Profiles age: a hello that the
 * browser stopped sending is itself a mark, so each says until when it may be used.
 */
#ifndef QN_TLS_PROFILE_H
#define QN_TLS_PROFILE_H

#include "crypto/crypto.h"

#define QN_TLS_GREASE 0x0a0a /* in a profile: one draw of RFC 8701 goes here */
#define QN_TLS_PROFILE_VERSION 1

typedef struct qn_tls_template {
    uint16_t type; /* QN_TLS_GREASE: a draw */
    qn_slice body; /* empty for those that are built: names, shares, ECH */
} qn_tls_template;

/* Slices point into the bytes that were read. */
typedef struct qn_tls_profile {
    qn_hash id; /* SHA-256 of those bytes */
    qn_slice name;
    int64_t captured, expires; /* Unix seconds */
    qn_slice ciphers;          /* u16 list */
    qn_tls_template ext[QN_TLS_EXTENSIONS_MAX];
    uint8_t ext_n;
    bool permuted; /* all but GREASE in a uniformly drawn order; else as listed */
    uint16_t share[QN_TLS_SHARES_MAX];
    uint8_t share_n;
    bool one_x25519; /* the hybrid share holds the X25519 share's key; else a key of its own */
    uint16_t ech_aead[QN_TLS_ECH_CHOICES_MAX]; /* one is drawn; none: no GREASE ECH */
    uint8_t ech_aead_n;
    uint16_t ech_size[2]
                     [QN_TLS_ECH_CHOICES_MAX]; /* payload bytes, to draw: [0] full, [1] resumed */
    uint8_t ech_size_n[2];
    uint16_t resumed_drops[QN_TLS_SHARES_MAX]; /* extensions that a resumed hello leaves out */
    uint8_t resumed_drops_n;
    /* Resumed, the payload is a size of ech_size[1] and, unless ech_step is 0, pre_shared_key's
     * body rounded up to whole steps. Captures show that for bodies whose rest is from ech_rest[0]
     * to ech_rest[1]: tickets that leave another one are not offered. */
    uint16_t ech_step, ech_rest[2];
    qn_slice http2;    /* an item of its own: h2/profile.h reads it */
    qn_slice shaping;  /* another: htx/shape_profile.h */
    uint16_t idle;     /* seconds after which it leaves an unused connection; 0: never by itself */
    bool farewell;     /* it leaves with GOAWAY and close_notify; else with a bare FIN */
    bool ccs_first;    /* an alert in Finished's place comes behind a change_cipher_spec */
    uint16_t pause[2]; /* milliseconds from a page's end to the next request: least and most seen */
} qn_tls_profile;

/* Reads and checks one; p must outlive it. QN_CANON, QN_PROTO, QN_TRUNCATED as base/cbor.h says;
 * QN_PROTO also for a template that this client could not honour (no TLS 1.3, a share of a group it
 * does not know), QN_LIMIT for too many entries, QN_VERSION for another format. */
QN_MUST_CHECK qn_err qn_tls_profile_read(qn_tls_profile *out, qn_env *env, qn_slice p);
/* QN_EXPIRED at and after its date. */
QN_MUST_CHECK qn_err qn_tls_profile_fresh(const qn_tls_profile *profile, int64_t wall);
/* The template's body of an extension; empty when it has none. `have` may be NULL. */
qn_slice qn_tls_profile_ext(const qn_tls_profile *profile, uint16_t type, bool *have);

#endif

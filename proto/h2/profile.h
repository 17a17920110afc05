/*
 * A browser's HTTP/2 as data: the part of a profile (tls/profile.h) that begins where the handshake
 * ends. docs/wire/h2.md has the keys.
 */
#ifndef QN_H2_PROFILE_H
#define QN_H2_PROFILE_H

#include "base/bytes.h"
#include "base/limits.h"
#include "qnet/err.h"

/* What a browser asks for, and so which headers it sends. */
typedef enum qn_h2_kind {
    QN_H2_DOCUMENT, /* a page somebody typed or followed */
    QN_H2_FETCH,    /* fetch() of a script */
    QN_H2_IMAGE,    /* these three stand in a page */
    QN_H2_STYLE,
    QN_H2_SCRIPT,
    QN_H2_ICON, /* the site's own, behind everything else */
    QN_H2_KINDS
} qn_h2_kind;

/* As what a page would ask for the path, told by its ending; anything unknown by fetch(). */
qn_h2_kind qn_h2_kind_of(qn_slice path);

/* An empty value is filled in by the request: ":authority", ":path", "referer". */
typedef struct qn_h2_field {
    qn_slice name, value;
} qn_h2_field;

typedef struct qn_h2_template {
    uint16_t weight; /* 1 to 256 (RFC 7540 5.3.2) */
    uint8_t n;
    qn_h2_field field[QN_H2_FIELDS_MAX];
} qn_h2_template;

typedef struct qn_h2_setting {
    uint16_t id;
    uint32_t value;
} qn_h2_setting;

/* Slices point into the bytes that were read. */
typedef struct qn_h2_profile {
    qn_h2_setting setting[QN_H2_SETTINGS_MAX]; /* in this order */
    uint8_t setting_n;
    uint32_t window;        /* credit for the connection in the first write */
    uint32_t stream_window; /* and for a stream behind its HEADERS; 0: none */
    int32_t first_stream;
    bool exclusive; /* priorities are exclusive; a stream depends on the last one no less urgent */
    bool joined;    /* frames that are ready together are one write; else each is its own */
    bool waits;     /* in a full handshake SETTINGS are acknowledged before the first request */
    bool plain_hpack; /* Firefox's encoder (h2/hpack.h); else nghttp2's, which is Chromium's */
    qn_h2_template kind[QN_H2_KINDS];
    uint32_t
        credit; /* bytes of a stream, or of all, that are credited together; 0: half a window */
} qn_h2_profile;

/* Reads and checks one item; it must outlive p. QN_CANON, QN_PROTO, QN_TRUNCATED as base/cbor.h
 * says; QN_PROTO also for what no browser sends; QN_LIMIT for too many entries. */
QN_MUST_CHECK qn_err qn_h2_profile_read(qn_h2_profile *out, qn_slice item);

#endif

/*
 * What an origin's ServerHello says to a bystander, read as it streams by: is it TLS 1.3, is it a
 * HelloRetryRequest, does it resume. docs/wire/htx.md, "The proof: when".
 */
#ifndef QN_HTX_SERVER_HELLO_H
#define QN_HTX_SERVER_HELLO_H

#include "base/bytes.h"

/* Header to compression method and the length of the extensions, with 32 bytes of session_id. */
#define QN_HTX_SERVER_HELLO_FIXED 76

typedef struct qn_htx_server_hello {
    uint8_t head[QN_HTX_SERVER_HELLO_FIXED];
    uint8_t ext[4]; /* type and length of the extension being read */
    uint8_t value[2];
    uint16_t n;        /* bytes of the message so far */
    uint16_t ext_at;   /* where this extension begins */
    uint16_t ext_size; /* with its header */
    bool tls13, resumed;
} qn_htx_server_hello;

/* The message's bytes in pieces; size: of the record it fills. False: not the answer a tagged
 * connection goes on with; feed nothing more. */
bool qn_htx_server_hello_feed(qn_htx_server_hello *h, const uint8_t session_id[32], uint16_t size,
                              qn_slice bytes);
/* After the record's last byte: it was whole, and TLS 1.3. */
bool qn_htx_server_hello_sound(const qn_htx_server_hello *h);

#endif

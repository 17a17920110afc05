/*
 * A TLS server for the client's tests: OpenSSL's libssl over memory, and a
 * throw-away certificate authority. Nothing of it is ours, and nothing of it
 * touches a socket.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include "fixture.h"

#include "tls/client.h"

#include <openssl/ssl.h>

typedef enum tls_key_kind { TLS_RSA, TLS_P256, TLS_P384, TLS_ED25519 } tls_key_kind;

/* A certificate and its key. */
typedef struct tls_identity {
    X509 *cert;
    EVP_PKEY *key;
} tls_identity;

/* Valid for [from, to] seconds around QT_EPOCH; issuer NULL: self-signed, a CA.
 * name: its DNS name. */
tls_identity tls_issue(const tls_identity *issuer, tls_key_kind kind, const char *name, long from,
                       long to);
void tls_identity_free(tls_identity *id);
/* Trusts the one certificate, given as PEM or DER. */
qn_roots *tls_trust(const tls_identity *ca, bool pem);

typedef struct tls_server {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in, *out; /* what the client sent; what it will read */
} tls_server;

/* Presents id (and, when it is not NULL, `middle` as an intermediate). */
void tls_server_open(tls_server *s, const tls_identity *id, const tls_identity *middle);
/* A new connection on the same context, so tickets stay good. */
void tls_server_again(tls_server *s);
void tls_server_close(tls_server *s);

/* What a client and its server did to each other. */
typedef struct tls_run {
    qn_tls_event established, ended;
    bool up, over;
    char alpn[16];
    qn_tls_ticket ticket[8];
    unsigned tickets;
    uint8_t data[1 << 17]; /* application data the client got */
    size_t data_n;
    uint8_t sent[1 << 18]; /* every byte the client sent */
    size_t sent_n;
} tls_run;

/* Moves bytes until both are quiet; the client reads `chunk` bytes at a time.
 */
void tls_pump(qn_tls *c, tls_server *s, size_t chunk, tls_run *run);

#endif

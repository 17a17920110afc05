/*
 * A server that says whatever a test wants, for what no stock server can be made to say: compressed
 * certificates, application settings, and everything malformed. It stands on the client's own key
 * schedule and records, which tls_rfc8448_test and OpenSSL vouch for.
 */
#ifndef TLS_SCRIPT_H
#define TLS_SCRIPT_H

#include "server.h"

#include "tls/protect.h"

typedef struct script {
    qt_env *t;
    qn_tls *c;
    uint8_t session_id[32];
    uint8_t hello[256]; /* the valid ServerHello for this client; tests may change it */
    size_t hello_n;
    qn_dh_secret secret;
    qn_slice client_share;
    qn_running transcript;
    qn_tls_schedule schedule;
    qn_tls_keys tx, rx;
    uint8_t server_secret[32];
    tls_run run;
    bool hold; /* keep what would be fed, for the test to feed later */
    uint8_t held[1 << 14];
    size_t held_n;
} script;

/* Takes the client's hello and prepares an answer under TLS_AES_128_GCM_SHA256 with X25519. */
void script_open(script *s, qt_env *t, qn_tls *c);
void script_close(script *s);
/* The client reads these bytes. */
void script_feed(script *s, const void *p, size_t n);
/* A record under the present keys; plaintext before script_keys. */
void script_record(script *s, uint8_t type, qn_slice content);
/* Sends the ServerHello as it stands in s->hello. */
void script_hello(script *s);
/* The same, and the keys that follow from it. */
void script_keys(script *s);
/* Wraps a body as a message, counts it in the transcript, and sends it in a record of its own. */
void script_message(script *s, uint8_t type, qn_slice body);
/* The body of a Certificate message. */
qn_slice script_chain(const tls_identity *leaf);
/* CertificateVerify by this identity (a P-256 key), Finished; then application keys. */
void script_verify(script *s, const tls_identity *leaf);
void script_finished(script *s);
/* All of it, up to the client's Finished. */
void script_shake(script *s, const tls_identity *leaf);
/* Opens the client's next record; its content type. */
uint8_t script_read(script *s, uint8_t *out, size_t *n);

#endif

#include "server.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

/* ---- certificates -------------------------------------------------------------------------- */

static EVP_PKEY *new_key(tls_key_kind kind)
{
    EVP_PKEY *key = NULL;

    switch (kind) {
    case TLS_RSA:
        key = EVP_RSA_gen(2048);
        break;
    case TLS_P256:
        key = EVP_EC_gen("P-256");
        break;
    case TLS_P384:
        key = EVP_EC_gen("P-384");
        break;
    case TLS_ED25519:
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    }
    ck_assert_ptr_nonnull(key);
    return key;
}

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    ck_assert_ptr_nonnull(ext);
    ck_assert_int_eq(X509_add_ext(cert, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

tls_identity tls_issue(const tls_identity *issuer, tls_key_kind kind, const char *name, long from,
                       long to)
{
    static long serial = 1;
    tls_identity id = {.cert = X509_new(), .key = new_key(kind)};
    X509_NAME *subject = X509_get_subject_name(id.cert);
    bool ca = strchr(name, '.') == NULL; /* names of authorities have no dot */
    EVP_PKEY *signer = issuer != NULL ? issuer->key : id.key;
    char text[128];

    ck_assert_int_eq(X509_set_version(id.cert, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(id.cert), serial++);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
    X509_set_issuer_name(id.cert, issuer != NULL ? X509_get_subject_name(issuer->cert) : subject);
    ASN1_TIME_set(X509_getm_notBefore(id.cert), (time_t)QT_EPOCH + from);
    ASN1_TIME_set(X509_getm_notAfter(id.cert), (time_t)QT_EPOCH + to);
    X509_set_pubkey(id.cert, id.key);
    extend(id.cert, NID_basic_constraints, ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (!ca) {
        (void)snprintf(text, sizeof text, "DNS:%s", name);
        extend(id.cert, NID_subject_alt_name, text);
    }
    ck_assert_int_gt(
        X509_sign(id.cert, signer, EVP_PKEY_is_a(signer, "ED25519") ? NULL : EVP_sha256()), 0);
    return id;
}

void tls_identity_free(tls_identity *id)
{
    X509_free(id->cert);
    EVP_PKEY_free(id->key);
    *id = (tls_identity){0};
}

qn_roots *tls_trust(const tls_identity *ca, bool pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    qn_roots *roots = NULL;
    char *p;
    long n;

    ck_assert_int_eq(pem ? PEM_write_bio_X509(bio, ca->cert) : i2d_X509_bio(bio, ca->cert), 1);
    n = BIO_get_mem_data(bio, &p);
    qt_assert_err(qn_roots_new(&roots, qn_slice_of(p, (size_t)n)), QN_OK);
    BIO_free(bio);
    return roots;
}

/* ---- connections --------------------------------------------------------------------------- */

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *n, const unsigned char *in,
                     unsigned in_n, void *arg)
{
    (void)ssl;
    (void)arg;
    return SSL_select_next_proto((unsigned char **)(uintptr_t)out, n, (const uint8_t *)"\x02h2", 3,
                                 in, in_n) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

void tls_server_again(tls_server *s)
{
    SSL_free(s->ssl);
    s->ssl = SSL_new(s->ctx);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    ck_assert(s->ssl != NULL && s->in != NULL && s->out != NULL);
    SSL_set_bio(s->ssl, s->in, s->out);
    SSL_set_accept_state(s->ssl);
}

void tls_server_open(tls_server *s, const tls_identity *id, const tls_identity *middle)
{
    *s = (tls_server){.ctx = SSL_CTX_new(TLS_server_method())};
    ck_assert_ptr_nonnull(s->ctx);
    ck_assert_int_eq(SSL_CTX_use_certificate(s->ctx, id->cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(s->ctx, id->key), 1);
    if (middle != NULL)
        ck_assert_int_eq((int)SSL_CTX_add1_chain_cert(s->ctx, middle->cert), 1);
    SSL_CTX_set_alpn_select_cb(s->ctx, choose_h2, NULL);
    SSL_CTX_set_session_id_context(s->ctx, (const uint8_t *)"test", 4);
    tls_server_again(s);
}

void tls_server_close(tls_server *s)
{
    SSL_free(s->ssl);
    SSL_CTX_free(s->ctx);
    *s = (tls_server){0};
}

/* ---- both together ------------------------------------------------------------------------- */

static void note_event(tls_run *run, qn_tls_event *ev)
{
    switch (ev->type) {
    case QN_TLS_ESTABLISHED:
        ck_assert(!run->up && !run->over && ev->alpn.n < sizeof run->alpn);
        run->up = true;
        run->established = *ev;
        if (ev->alpn.n > 0)
            memcpy(run->alpn, ev->alpn.p, ev->alpn.n);
        break;
    case QN_TLS_BYTES:
        ck_assert(run->up && !run->over);
        ck_assert_uint_le(run->data_n + ev->piece.len, sizeof run->data);
        memcpy(run->data + run->data_n, qn_piece_data(&ev->piece), ev->piece.len);
        run->data_n += ev->piece.len;
        qn_block_drop(ev->piece.block);
        break;
    case QN_TLS_TICKET:
        ck_assert(run->up && !run->over && run->tickets < QN_LEN(run->ticket));
        run->ticket[run->tickets++] = ev->ticket;
        break;
    case QN_TLS_ENDED:
        ck_assert(!run->over);
        run->over = true;
        run->ended = *ev;
        break;
    }
}

static void drain(qn_tls *c, tls_run *run)
{
    qn_tls_event ev;

    while (qn_tls_next(c, &ev))
        note_event(run, &ev);
}

static bool client_to_server(qn_tls *c, tls_server *s, tls_run *run)
{
    bool moved = false;
    qn_slice v[4];

    while (qn_tls_peek(c, v, 4) > 0) {
        ck_assert_uint_le(run->sent_n + v[0].n, sizeof run->sent);
        memcpy(run->sent + run->sent_n, v[0].p, v[0].n);
        run->sent_n += v[0].n;
        ck_assert_int_eq(BIO_write(s->in, v[0].p, (int)v[0].n), (int)v[0].n);
        qn_tls_consume(c, v[0].n);
        moved = true;
    }
    return moved;
}

static bool server_to_client(qn_tls *c, tls_server *s, size_t chunk, tls_run *run)
{
    bool moved = false;
    qn_span space;
    int n;

    while ((space = qn_tls_space(c)).n > 0) {
        n = BIO_read(s->out, space.p, (int)QN_MIN(space.n, chunk));
        if (n <= 0)
            break;
        qn_tls_commit(c, (size_t)n);
        drain(c, run);
        moved = true;
    }
    return moved;
}

void tls_pump(qn_tls *c, tls_server *s, size_t chunk, tls_run *run)
{
    uint8_t buf[1];

    do {
        drain(c, run);
        (void)client_to_server(c, s, run);
        (void)SSL_peek(s->ssl, buf, 1); /* makes the handshake and tickets go on */
    } while (server_to_client(c, s, chunk, run) || qn_tls_peek(c, &(qn_slice){0}, 1) > 0);
}

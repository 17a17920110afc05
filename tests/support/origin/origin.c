#include "support/origin/origin.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "base/engine.h"

enum { PAGE = 6000, DOCUMENT = 3000, PREFACE = 24, HEADER = 9, PROXY = 16, IN_MAX = 1 << 17 };
enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, GOAWAY = 7 };

struct qt_origin {
    char name[64];
    SSL_CTX *ctx;
    char *roots;
    size_t roots_n;
    int64_t date;
};

struct qt_visit {
    qt_origin *origin;
    SSL *ssl;
    BIO *in, *out;
    uint8_t plain[IN_MAX];
    size_t plain_n;
    uint8_t early[PROXY + 64]; /* until it is a PROXY header or is none */
    size_t early_n;
    bool announced, greeted, over;
    unsigned requests;
};

/* ---- certificates ---------------------------------------------------------------------------- */

static void extend(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    QN_ASSERT(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static X509 *issue(X509 *issuer, EVP_PKEY *signer, EVP_PKEY *key, const char *name, int64_t wall)
{
    static long serial = 1;
    X509 *cert = X509_new();
    char text[96];

    QN_ASSERT(cert != NULL && X509_set_version(cert, 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const uint8_t *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer != NULL ? issuer : cert));
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)wall - 86400);
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)wall + 10 * 365 * 86400L);
    X509_set_pubkey(cert, key);
    extend(cert, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");
    (void)snprintf(text, sizeof text, "DNS:%s", name);
    if (issuer != NULL)
        extend(cert, NID_subject_alt_name, text);
    QN_ASSERT(X509_sign(cert, signer, EVP_sha256()) > 0);
    return cert;
}

static void keep_roots(qt_origin *o, X509 *ca)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *p;

    QN_ASSERT(bio != NULL && PEM_write_bio_X509(bio, ca) == 1);
    o->roots_n = (size_t)BIO_get_mem_data(bio, &p);
    o->roots = malloc(o->roots_n);
    QN_ASSERT(o->roots != NULL);
    memcpy(o->roots, p, o->roots_n);
    BIO_free(bio);
}

static void certify(qt_origin *o, int64_t wall)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = issue(NULL, ca_key, ca_key, "test authority", wall);
    X509 *leaf = issue(ca, ca_key, key, o->name, wall);

    keep_roots(o, ca);
    QN_ASSERT(SSL_CTX_use_certificate(o->ctx, leaf) == 1 &&
              SSL_CTX_use_PrivateKey(o->ctx, key) == 1);
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

/* ---- the site -------------------------------------------------------------------------------- */

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

qt_origin *qt_origin_new(const char *name, int64_t wall)
{
    qt_origin *o = calloc(1, sizeof *o);

    QN_ASSERT(o != NULL && strlen(name) < sizeof o->name);
    memcpy(o->name, name, strlen(name) + 1);
    o->date = wall;
    o->ctx = SSL_CTX_new(TLS_server_method());
    QN_ASSERT(o->ctx != NULL);
    SSL_CTX_set_min_proto_version(o->ctx, TLS1_3_VERSION);
    SSL_CTX_set_alpn_select_cb(o->ctx, choose_h2, NULL);
    certify(o, wall);
    return o;
}

void qt_origin_free(qt_origin *o)
{
    if (o == NULL)
        return;
    SSL_CTX_free(o->ctx);
    free(o->roots);
    free(o);
}

qn_slice qt_origin_roots(const qt_origin *o)
{
    return qn_slice_of(o->roots, o->roots_n);
}

void qt_origin_date(qt_origin *o, int64_t wall)
{
    o->date = wall;
}

/* OpenSSL's: alerts of 19, an alert of its own and FIN after a fatal one, FIN after close_notify;
 * its first flight with a P-256 chain is over 600 bytes, a resumed one over 80. */
qn_htx_origin qt_origin_facts(const qt_origin *o)
{
    return (qn_htx_origin){.name = {qn_slice_of(o->name, strlen(o->name))},
                           .names_n = 1,
                           .flight = 500,
                           .flight_resumed = 80,
                           .alert = 19,
                           .on_fatal = {.alert = true},
                           .goaway = HEADER + 8 + 1 + 16,
                           .largest_record = 16384,
                           .first = {{qn_slice_of("/", 1), PAGE}},
                           .second = {{qn_slice_of("/news/latest.json", 17), DOCUMENT},
                                      {qn_slice_of("/assets/longer-name.js", 22), DOCUMENT}},
                           .first_n = 1,
                           .second_n = 2};
}

/* ---- a connection ---------------------------------------------------------------------------- */

qt_visit *qt_visit_new(qt_origin *o)
{
    qt_visit *v = calloc(1, sizeof *v);

    QN_ASSERT(v != NULL);
    v->origin = o;
    v->ssl = SSL_new(o->ctx);
    v->in = BIO_new(BIO_s_mem());
    v->out = BIO_new(BIO_s_mem());
    QN_ASSERT(v->ssl != NULL && v->in != NULL && v->out != NULL);
    SSL_set_bio(v->ssl, v->in, v->out);
    SSL_set_accept_state(v->ssl);
    return v;
}

void qt_visit_free(qt_visit *v)
{
    if (v != NULL)
        SSL_free(v->ssl);
    free(v);
}

static void frame(qt_visit *v, uint8_t type, uint8_t flags, uint32_t stream, const void *p,
                  size_t n)
{
    uint8_t out[HEADER + PAGE];

    QN_ASSERT(n <= PAGE);
    qn_put24(out, (uint32_t)n);
    out[3] = type;
    out[4] = flags;
    qn_put32(out + 5, stream);
    if (n > 0)
        memcpy(out + HEADER, p, n);
    (void)SSL_write(v->ssl, out, (int)(HEADER + n));
}

/* :status 200, and date as a literal without indexing under its name's static index (33). */
static void answer(qt_visit *v, uint32_t stream)
{
    static const uint8_t body[PAGE];
    uint8_t fields[40] = {0x88, 0x0f, 33 - 15, 29};
    time_t at = (time_t)v->origin->date;
    struct tm tm;

    (void)strftime((char *)fields + 4, 30, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
    frame(v, HEADERS, 4, stream, fields, 4 + 29);
    frame(v, DATA, 1, stream, body, v->requests++ == 0 ? PAGE : DOCUMENT);
}

static size_t one_frame(qt_visit *v, const uint8_t *p, size_t n)
{
    size_t size = n >= HEADER ? HEADER + qn_get24(p) : SIZE_MAX;
    uint32_t stream;

    if (size > n)
        return 0;
    stream = qn_get32(p + 5);
    if (p[3] == SETTINGS && (p[4] & 1) == 0)
        frame(v, SETTINGS, 1, 0, NULL, 0);
    else if (p[3] == PING && (p[4] & 1) == 0)
        frame(v, PING, 1, 0, p + HEADER, size - HEADER);
    else if (p[3] == HEADERS)
        answer(v, stream);
    return size;
}

static void understand(qt_visit *v)
{
    size_t at = 0, used;

    if (!v->greeted) {
        if (v->plain_n < PREFACE)
            return;
        v->greeted = true;
        at = PREFACE;
        frame(v, SETTINGS, 0, 0, "\x00\x03\x00\x00\x00\x80", 6);
    }
    while ((used = one_frame(v, v->plain + at, v->plain_n - at)) > 0)
        at += used;
    v->plain_n -= at;
    memmove(v->plain, v->plain + at, v->plain_n);
}

static void run(qt_visit *v)
{
    int n;

    while ((n = SSL_read(v->ssl, v->plain + v->plain_n, (int)(sizeof v->plain - v->plain_n))) > 0) {
        v->plain_n += (size_t)n;
        understand(v);
    }
    n = SSL_get_error(v->ssl, n);
    v->over |= n == SSL_ERROR_ZERO_RETURN || n == SSL_ERROR_SSL;
}

/* Returns how many of the bytes are a PROXY header's. */
static size_t pass_proxy(qt_visit *v, const uint8_t *p, size_t n)
{
    static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";
    size_t want = PROXY, take;

    if (v->announced)
        return 0;
    if (v->early_n == 0 && p[0] != signature[0]) {
        v->announced = true;
        return 0;
    }
    if (v->early_n >= PROXY)
        want += qn_get16(v->early + 14);
    take = QN_MIN(n, want - v->early_n);
    memcpy(v->early + v->early_n, p, take);
    v->early_n += take;
    QN_ASSERT(v->early_n < 12 || memcmp(v->early, signature, 12) == 0);
    if (v->early_n > PROXY && v->early_n == (size_t)PROXY + qn_get16(v->early + 14))
        v->announced = true;
    return take;
}

void qt_visit_hear(qt_visit *v, const uint8_t *p, size_t n)
{
    size_t skip;

    if (v->over)
        return;
    while (n > 0 && (skip = pass_proxy(v, p, n)) > 0) {
        p += skip;
        n -= skip;
    }
    if (n > 0)
        QN_ASSERT(BIO_write(v->in, p, (int)n) == (int)n);
    run(v);
}

qn_slice qt_visit_peek(const qt_visit *v)
{
    char *p;
    long n = BIO_get_mem_data(v->out, &p);

    return n > 0 ? qn_slice_of(p, (size_t)n) : (qn_slice){0};
}

void qt_visit_consume(qt_visit *v, size_t n)
{
    uint8_t sink[4096];

    while (n > 0) {
        int got = BIO_read(v->out, sink, (int)QN_MIN(n, sizeof sink));

        QN_ASSERT(got > 0);
        n -= (size_t)got;
    }
}

bool qt_visit_over(const qt_visit *v)
{
    return v->over;
}

void qt_visit_end(qt_visit *v)
{
    if (v->over)
        return;
    frame(v, GOAWAY, 0, 0, "\x7f\xff\xff\xff\0\0\0\0", 8);
    (void)SSL_shutdown(v->ssl);
    v->over = true;
}

unsigned qt_visit_requests(const qt_visit *v)
{
    return v->requests;
}

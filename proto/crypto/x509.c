#include "crypto/x509.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/crypto.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* A chain that was found good, for one name, and when that remains so: a certificate is judged
 * again when a clock leaves this window, and whenever its bytes differ. */
typedef struct verdict {
    qn_hash of;          /* the chain as it came, and the name */
    int64_t from, until; /* until: no longer */
    uint64_t used;       /* roots->uses when it was asked for last */
    EVP_PKEY *key;       /* the leaf's; NULL: an empty place */
} verdict;

enum { SET = 8 };

struct qn_roots {
    X509_STORE *store;
    uint64_t uses;
    verdict kept[QN_CHAINS_KEPT / SET][SET]; /* by the first bytes of the hash */
};

struct qn_cert_key; /* an EVP_PKEY */

static EVP_PKEY *key_of(const qn_cert_key *key)
{
    return (EVP_PKEY *)(uintptr_t)key;
}

/* One certificate that fills its bytes. */
static X509 *parse(qn_slice der)
{
    const uint8_t *p = der.p;
    X509 *cert;

    if (der.n > QN_TLS_MESSAGE_MAX)
        return NULL;
    cert = d2i_X509(NULL, &p, (long)der.n);
    if (cert != NULL && p != der.p + der.n) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* ---- roots --------------------------------------------------------------------------------- */

static bool add(X509_STORE *store, X509 *cert)
{
    bool fine = cert != NULL && X509_STORE_add_cert(store, cert) == 1;

    X509_free(cert);
    return fine;
}

/* Until the bundle ends; malformed text behind the last good certificate is a
 * fault too. */
static bool add_bundle(X509_STORE *store, qn_slice pem)
{
    BIO *bio = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    unsigned n = 0;
    bool fine = bio != NULL;
    X509 *cert;

    while (fine && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        fine = add(store, cert);
        n++;
    }
    fine = fine && n > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    BIO_free(bio);
    return fine;
}

qn_err qn_roots_new(qn_roots **out, qn_slice bytes)
{
    qn_roots *roots = OPENSSL_zalloc(sizeof *roots);
    X509_STORE *store = X509_STORE_new();
    bool fine = roots != NULL && store != NULL;

    if (fine && bytes.n > 0 && bytes.p[0] == 0x30) /* DER's SEQUENCE; PEM is text */
        fine = add(store, parse(bytes));
    else
        fine = fine && add_bundle(store, bytes);
    ERR_clear_error();
    if (!fine) {
        X509_STORE_free(store);
        OPENSSL_free(roots);
        return QN_CONFIG;
    }
    roots->store = store;
    *out = roots;
    return QN_OK;
}

void qn_roots_free(qn_roots *roots)
{
    if (roots == NULL)
        return;
    for (size_t i = 0; i < QN_CHAINS_KEPT; i++)
        EVP_PKEY_free(roots->kept[i / SET][i % SET].key);
    X509_STORE_free(roots->store);
    OPENSSL_free(roots);
}

/* ---- chains -------------------------------------------------------------------------------- */

static qn_err err_of(int code)
{
    switch (code) {
    case X509_V_OK:
        return QN_OK;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return QN_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return QN_EARLY;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return QN_UNKNOWN;
    default:
        return QN_AUTH;
    }
}

static bool demand(X509_STORE_CTX *ctx, qn_slice name, int64_t wall)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

    X509_VERIFY_PARAM_set_time(param, (time_t)wall);
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) == 1 &&
           X509_VERIFY_PARAM_set1_host(param, (const char *)name.p, name.n) == 1;
}

static bool seconds_of(const ASN1_TIME *t, int64_t *out)
{
    static const int64_t day = 86400;
    ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
    int days, seconds;
    bool fine = zero != NULL && ASN1_TIME_diff(&days, &seconds, zero, t) == 1;

    if (fine)
        *out = days * day + seconds;
    ASN1_TIME_free(zero);
    return fine;
}

/* While every certificate of the path that was found is valid. */
static bool window(const STACK_OF(X509) * path, verdict *v)
{
    int64_t from, until;

    v->from = INT64_MIN;
    v->until = INT64_MAX;
    for (int i = 0; i < sk_X509_num(path); i++) {
        const X509 *cert = sk_X509_value(path, i);

        if (!seconds_of(X509_get0_notBefore(cert), &from) ||
            !seconds_of(X509_get0_notAfter(cert), &until))
            return false;
        v->from = QN_MAX(v->from, from);
        v->until = QN_MIN(v->until, until);
    }
    return true;
}

/* v->until == v->from after QN_OK: not to be kept. */
static qn_err judge(const qn_roots *roots, X509 *leaf, STACK_OF(X509) * others, qn_slice name,
                    int64_t wall, verdict *v)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    qn_err err = QN_INTERNAL;

    if (ctx != NULL && X509_STORE_CTX_init(ctx, roots->store, leaf, others) == 1 &&
        demand(ctx, name, wall)) {
        int good = X509_verify_cert(ctx);

        err = good == 1 ? QN_OK : err_of(X509_STORE_CTX_get_error(ctx));
        if (good != 1 && err == QN_OK)
            err = QN_INTERNAL; /* no verdict at all */
        if (err == QN_OK && !window(X509_STORE_CTX_get0_chain(ctx), v))
            v->until = v->from;
    }
    X509_STORE_CTX_free(ctx);
    return err;
}

static qn_err verify_chain(const qn_roots *roots, const qn_slice *der, size_t n, qn_slice name,
                           int64_t wall, verdict *v)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    X509 *leaf = n > 0 ? parse(der[0]) : NULL;
    qn_err err = leaf != NULL ? QN_OK : QN_PROTO;

    for (size_t i = 1; i < n && err == QN_OK; i++) {
        X509 *cert = parse(der[i]);

        if (cert == NULL || sk_X509_push(others, cert) <= 0) {
            X509_free(cert);
            err = QN_PROTO;
        }
    }
    if (err == QN_OK)
        err = judge(roots, leaf, others, name, wall, v);
    if (err == QN_OK) {
        v->key = X509_get_pubkey(leaf);
        err = v->key != NULL ? QN_OK : QN_AUTH;
    }
    X509_free(leaf);
    sk_X509_pop_free(others, X509_free);
    return err;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

/* Every part with its length before it, so that no two chains have one hash. */
static qn_err name_chain(qn_env *env, const qn_slice *der, size_t n, qn_slice name, qn_hash *out)
{
    qn_slice part[2 * QN_TLS_CHAIN_MAX + 2];
    uint8_t length[QN_TLS_CHAIN_MAX + 1][4];

    for (size_t i = 0; i <= n; i++) {
        qn_slice s = i < n ? der[i] : name;

        qn_put32(length[i], (uint32_t)s.n);
        part[2 * i] = qn_slice_of(length[i], sizeof length[i]);
        part[2 * i + 1] = s;
    }
    return qn_sha256(env, part, 2 * (n + 1), out);
}

/* Where this chain's verdict is, or is to be: in place of the one that nobody has asked for
 * longest.
 */
static verdict *place_of(qn_roots *roots, const qn_hash *of)
{
    verdict *set = roots->kept[qn_get16(of->b) % QN_LEN(roots->kept)], *place = set;

    for (unsigned i = 0; i < SET; i++) {
        if (set[i].key != NULL && memcmp(set[i].of.b, of->b, sizeof of->b) == 0)
            return &set[i];
        if (set[i].used < place->used)
            place = &set[i];
    }
    return place;
}

static void keep(qn_roots *roots, const verdict *v)
{
    verdict *place = place_of(roots, &v->of);

    if (v->until <= v->from || EVP_PKEY_up_ref(v->key) != 1)
        return;
    EVP_PKEY_free(place->key);
    *place = *v;
    place->used = ++roots->uses;
}

qn_err qn_chain_verify(qn_roots *roots, qn_env *env, const qn_slice *der, size_t n, qn_slice name,
                       qn_cert_key **key)
{
    verdict v = {.key = NULL}, *known;
    qn_err err;

    QN_ASSERT(n <= QN_TLS_CHAIN_MAX);
    err = name_chain(env, der, n, name, &v.of);
    if (err != QN_OK)
        return err;
    known = place_of(roots, &v.of);
    if (known->key != NULL && memcmp(known->of.b, v.of.b, sizeof v.of.b) == 0 &&
        env->wall >= known->from && env->wall < known->until) {
        if (EVP_PKEY_up_ref(known->key) != 1)
            return QN_INTERNAL;
        known->used = ++roots->uses;
        *key = (qn_cert_key *)(void *)known->key;
        return QN_OK;
    }
    err = verify_chain(roots, der, n, name, env->wall, &v);
    if (err == QN_OK) {
        keep(roots, &v);
        *key = (qn_cert_key *)(void *)v.key;
    }
    ERR_clear_error();
    return err;
}

void qn_cert_key_free(qn_cert_key *key)
{
    EVP_PKEY_free(key_of(key));
}

/* ---- signatures ---------------------------------------------------------------------------- */

typedef struct scheme {
    uint16_t id;
    const char *md;
    const char *group; /* of an EC key; NULL: RSA-PSS */
} scheme;

static bool fits(EVP_PKEY *key, const scheme *s)
{
    char group[32];
    size_t n = 0;

    if (s->group == NULL)
        return EVP_PKEY_is_a(key, "RSA") == 1;
    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1 &&
           strcmp(group, s->group) == 0;
}

static bool verify(EVP_PKEY *key, const scheme *s, qn_slice message, qn_slice signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    bool fine =
        ctx != NULL && EVP_DigestVerifyInit_ex(ctx, &pctx, s->md, NULL, NULL, key, NULL) == 1;

    if (fine && s->group == NULL)
        fine = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    fine = fine && EVP_DigestVerify(ctx, signature.p, signature.n, message.p, message.n) == 1;
    EVP_MD_CTX_free(ctx);
    return fine;
}

qn_err qn_cert_verify(const qn_cert_key *key, uint16_t id, qn_slice message, qn_slice signature)
{
    static const scheme schemes[] = {
        {0x0403, "SHA256", "prime256v1"}, {0x0503, "SHA384", "secp384r1"},
        {0x0603, "SHA512", "secp521r1"},  {0x0804, "SHA256", NULL},
        {0x0805, "SHA384", NULL},         {0x0806, "SHA512", NULL},
    };
    qn_err err = QN_VERSION;

    for (size_t i = 0; i < QN_LEN(schemes); i++)
        if (schemes[i].id == id)
            err = fits(key_of(key), &schemes[i]) &&
                          verify(key_of(key), &schemes[i], message, signature)
                      ? QN_OK
                      : QN_AUTH;
    ERR_clear_error();
    return err;
}

#include "origin.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAYS 30
#define SAN_MAX 1200 /* "DNS:" and four names of up to 253 */

static bool extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;
    bool ok;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool fill(X509 *cert, X509 *issuer, EVP_PKEY *key, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    unsigned char serial[16];
    BIGNUM *n = NULL;
    bool ok = RAND_bytes(serial, sizeof serial) == 1;

    serial[0] &= 0x7f;
    n = BN_bin2bn(serial, sizeof serial, NULL);
    ok = ok && n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL &&
         X509_set_version(cert, X509_VERSION_3) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
         X509_gmtime_adj(X509_getm_notAfter(cert), DAYS * 86400L) != NULL &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                    -1, 0) == 1 &&
         X509_set_issuer_name(cert, X509_get_subject_name(issuer == NULL ? cert : issuer)) == 1 &&
         X509_set_pubkey(cert, key) == 1;
    BN_free(n);
    return ok;
}

/* issuer NULL: signed by itself. san NULL: an authority. */
static X509 *make(EVP_PKEY *key, const char *name, const char *san, X509 *issuer, EVP_PKEY *signer)
{
    X509 *cert = X509_new();
    bool ok = cert != NULL && fill(cert, issuer, key, name);

    issuer = issuer == NULL ? cert : issuer;
    ok = ok && extend(cert, issuer, NID_subject_key_identifier, "hash");
    if (san == NULL)
        ok = ok && extend(cert, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
             extend(cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    else
        ok = ok && extend(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
             extend(cert, issuer, NID_key_usage, "critical,digitalSignature") &&
             extend(cert, issuer, NID_ext_key_usage, "serverAuth") &&
             extend(cert, issuer, NID_subject_alt_name, san);
    ok = ok && extend(cert, issuer, NID_authority_key_identifier, "keyid") &&
         X509_sign(cert, signer, EVP_sha256()) > 0;
    if (!ok) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static FILE *create(const char *dir, const char *name, mode_t mode)
{
    char path[1024];
    int fd;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return NULL;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool store(const char *dir, const char *name, X509 *a, X509 *b)
{
    FILE *f = create(dir, name, 0644);
    bool ok = f != NULL && PEM_write_X509(f, a) == 1 && (b == NULL || PEM_write_X509(f, b) == 1);

    return (f == NULL || fclose(f) == 0) && ok;
}

static bool store_key(const char *dir, const char *name, EVP_PKEY *key)
{
    FILE *f = create(dir, name, 0600);
    bool ok = f != NULL && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;

    return (f == NULL || fclose(f) == 0) && ok;
}

/* ---- authorities ---------------------------------------------------------------------------- */

typedef struct authority {
    X509 *root, *issuer;
    EVP_PKEY *key; /* the issuer's */
} authority;

static void authority_free(authority *a)
{
    X509_free(a->root);
    X509_free(a->issuer);
    EVP_PKEY_free(a->key);
}

/* A root, and an intermediate as public chains have one. The root's key is forgotten. */
static bool authority_make(authority *a)
{
    EVP_PKEY *root = EVP_EC_gen("P-256");

    a->key = EVP_EC_gen("P-256");
    if (root != NULL && a->key != NULL)
        a->root = make(root, "QNet lab root", NULL, NULL, root);
    if (a->root != NULL)
        a->issuer = make(a->key, "QNet lab issuer", NULL, a->root, root);
    EVP_PKEY_free(root);
    return a->issuer != NULL;
}

static FILE *open_to_read(const char *dir, const char *name)
{
    char path[1024];

    return snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path ? fopen(path, "re")
                                                                              : NULL;
}

static X509 *load(const char *dir, const char *name)
{
    FILE *f = open_to_read(dir, name);
    X509 *cert = f != NULL ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

    if (f != NULL)
        (void)fclose(f);
    return cert;
}

static EVP_PKEY *load_key(const char *dir, const char *name)
{
    FILE *f = open_to_read(dir, name);
    EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

    if (f != NULL)
        (void)fclose(f);
    return key;
}

static bool authority_find(authority *a, const char *dir)
{
    a->issuer = load(dir, "issuer.pem");
    if (a->issuer == NULL)
        return authority_make(a) && store(dir, "ca.pem", a->root, NULL) &&
               store_key(dir, "issuer.key", a->key) && store(dir, "issuer.pem", a->issuer, NULL);
    a->root = load(dir, "ca.pem");
    a->key = load_key(dir, "issuer.key");
    return a->root != NULL && a->key != NULL;
}

/* Several origins may be started at once on one empty folder: one of them makes what is in it. */
static bool authority_of(authority *a, const char *dir)
{
    int lock;
    bool ok;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return false;
    lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = lock >= 0 && flock(lock, LOCK_EX) == 0 && authority_find(a, dir);
    if (lock >= 0)
        (void)close(lock);
    return ok;
}

/* The site's own key and chain; its authority from `ca`, or one of its own that nobody keeps. */
static bool make_all(const char *dir, const char *ca, const char *name, const char *san)
{
    EVP_PKEY *own = EVP_EC_gen("P-256");
    authority a = {0};
    X509 *leaf = NULL;
    bool ok = own != NULL && (ca != NULL ? authority_of(&a, ca) : authority_make(&a));

    if (ok)
        leaf = make(own, name, san, a.issuer, a.key);
    ok = leaf != NULL && store(dir, "ca.pem", a.root, NULL) && store_key(dir, "key.pem", own) &&
         store(dir, "chain.pem", leaf, a.issuer);
    X509_free(leaf);
    authority_free(&a);
    EVP_PKEY_free(own);
    return ok;
}

static bool san_of(char *out, size_t cap, char *const *names, int n)
{
    size_t used = 0;

    for (int i = 0; i < n; i++) {
        int wrote = snprintf(out + used, cap - used, "%sDNS:%s", i > 0 ? "," : "", names[i]);

        if (strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789.-") != strlen(names[i]) ||
            names[i][0] == '\0' || wrote < 0 || (size_t)wrote >= cap - used)
            return complain(false, "'%s' is not a DNS name", names[i]);
        used += (size_t)wrote;
    }
    return true;
}

bool cert_use(SSL_CTX *ctx, const char *dir, const char *ca, char *const *names, int n)
{
    char san[SAN_MAX], chain[1024], key[1024];
    bool fits = snprintf(chain, sizeof chain, "%s/chain.pem", dir) < (int)sizeof chain &&
                snprintf(key, sizeof key, "%s/key.pem", dir) < (int)sizeof key;

    if (!fits || !san_of(san, sizeof san, names, n))
        return false;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return complain(false, "%s: %s", dir, strerror(errno));
    if (access(chain, F_OK) != 0 && !make_all(dir, ca, names[0], san))
        return complain(false, "%s: cannot make certificates (is an old key.pem or ca.pem there?)",
                        dir);
    if (SSL_CTX_use_certificate_chain_file(ctx, chain) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return complain(false, "%s: chain.pem and key.pem do not fit", dir);
    for (int i = 0; i < n; i++)
        if (X509_check_host(SSL_CTX_get0_certificate(ctx), names[i], 0, 0, NULL) != 1)
            return complain(false, "%s: the certificate is not for %s; empty the folder", dir,
                            names[i]);
    if (X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx))) <= 0)
        return complain(false, "%s: the certificate has expired; empty the folder", dir);
    return true;
}

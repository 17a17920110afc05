#include "origin.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

static bool store_key(const char *dir, EVP_PKEY *key)
{
    FILE *f = create(dir, "key.pem", 0600);
    bool ok = f != NULL && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;

    return (f == NULL || fclose(f) == 0) && ok;
}

/* Root, an intermediate as public chains have one, and the site's own. Two keys are forgotten. */
static bool make_all(const char *dir, const char *name, const char *san)
{
    EVP_PKEY *root = EVP_EC_gen("P-256"), *middle = EVP_EC_gen("P-256"), *own = EVP_EC_gen("P-256");
    X509 *ca = NULL, *issuer = NULL, *leaf = NULL;
    bool ok = root != NULL && middle != NULL && own != NULL;

    if (ok)
        ca = make(root, "QNet lab root", NULL, NULL, root);
    if (ca != NULL)
        issuer = make(middle, "QNet lab issuer", NULL, ca, root);
    if (issuer != NULL)
        leaf = make(own, name, san, issuer, middle);
    ok = leaf != NULL && store(dir, "ca.pem", ca, NULL) && store_key(dir, own) &&
         store(dir, "chain.pem", leaf, issuer);
    X509_free(leaf);
    X509_free(issuer);
    X509_free(ca);
    EVP_PKEY_free(own);
    EVP_PKEY_free(middle);
    EVP_PKEY_free(root);
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

bool cert_use(SSL_CTX *ctx, const char *dir, char *const *names, int n)
{
    char san[SAN_MAX], chain[1024], key[1024];
    bool fits = snprintf(chain, sizeof chain, "%s/chain.pem", dir) < (int)sizeof chain &&
                snprintf(key, sizeof key, "%s/key.pem", dir) < (int)sizeof key;

    if (!fits || !san_of(san, sizeof san, names, n))
        return false;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return complain(false, "%s: %s", dir, strerror(errno));
    if (access(chain, F_OK) != 0 && !make_all(dir, names[0], san))
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

// SPDX-License-Identifier: GPL-2.0-only
#include "origin-authority.h"

#include <ctime>
#include <stdexcept>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace qnet
{

namespace
{

constexpr int64_t DAY = 86400;
constexpr int64_t VALID_BEFORE = 10 * DAY; ///< the epoch
constexpr int64_t VALID_AFTER = 80 * DAY;  ///< as public certificates of 2026: 90 days in all
constexpr size_t SERIAL_BYTES = 16;

void
Must(bool ok)
{
    if (!ok)
    {
        throw std::runtime_error("OpenSSL cannot make a simulated web site's certificate");
    }
}

void
Extend(X509* cert, X509* issuer, int nid, const std::string& value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    bool ok = extension != nullptr && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    Must(ok);
}

void
SetSerial(OSSL_LIB_CTX* context, X509* cert)
{
    unsigned char serial[SERIAL_BYTES];
    Must(RAND_bytes_ex(context, serial, sizeof serial, 0) == 1);
    serial[0] &= 0x7f;
    BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
    bool ok =
        number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != nullptr;
    BN_free(number);
    Must(ok);
}

int
ChooseHttp2(SSL*,
            const unsigned char** out,
            unsigned char* n,
            const unsigned char* offered,
            unsigned offeredN,
            void*)
{
    static const unsigned char ours[] = {2, 'h', '2'};
    unsigned char* chosen = nullptr;
    int rv = SSL_select_next_proto(&chosen, n, ours, sizeof ours, offered, offeredN);
    *out = chosen;
    return rv == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

OriginAuthority::OriginAuthority(uint64_t seed, int64_t epoch)
    : m_epoch(epoch)
{
    qn_drbg stream;
    qn_drbg_init(&stream, "qnet-sim-authority", seed, 0);
    SeededCrypto::DrawFrom(&stream);
    m_rootKey = MakeKey();
    m_root = Certify(m_rootKey.get(), "Simulated root", true, nullptr, m_rootKey.get());
    m_issuerKey = MakeKey();
    m_issuer = Certify(m_issuerKey.get(), "Simulated issuer", true, m_root.get(), m_rootKey.get());
    BIO* text = BIO_new(BIO_s_mem());
    bool ok = text != nullptr && PEM_write_bio_X509(text, m_root.get()) == 1;
    char* bytes = nullptr;
    long n = ok ? BIO_get_mem_data(text, &bytes) : 0;
    m_roots.assign(bytes, static_cast<size_t>(n));
    BIO_free(text);
    SeededCrypto::DrawFrom(nullptr);
    Must(ok);
}

SeededCrypto&
OriginAuthority::GetCrypto()
{
    return m_crypto;
}

OriginWorker&
OriginAuthority::GetWorker()
{
    return m_worker;
}

int64_t
OriginAuthority::GetEpoch() const
{
    return m_epoch;
}

const std::string&
OriginAuthority::GetRoots() const
{
    return m_roots;
}

SslPtr<EVP_PKEY>
OriginAuthority::MakeKey() const
{
    SslPtr<EVP_PKEY> key(EVP_PKEY_Q_keygen(m_crypto.Get(), nullptr, "EC", "P-256"));
    Must(key != nullptr);
    return key;
}

/// \param issuer null: signed by itself
SslPtr<X509>
OriginAuthority::Certify(
    EVP_PKEY* key, const std::string& name, bool authority, X509* issuer, EVP_PKEY* signer) const
{
    SslPtr<X509> made(X509_new_ex(m_crypto.Get(), nullptr));
    X509* cert = made.get();
    Must(cert != nullptr);
    X509* above = issuer != nullptr ? issuer : cert;
    auto from = static_cast<std::time_t>(m_epoch - VALID_BEFORE);
    auto until = static_cast<std::time_t>(m_epoch + VALID_AFTER);
    auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
    SetSerial(m_crypto.Get(), cert);
    Must(X509_set_version(cert, X509_VERSION_3) == 1 &&
         ASN1_TIME_set(X509_getm_notBefore(cert), from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(cert), until) != nullptr &&
         X509_NAME_add_entry_by_txt(
             X509_get_subject_name(cert), "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(cert, X509_get_subject_name(above)) == 1 &&
         X509_set_pubkey(cert, key) == 1);
    Extend(cert, above, NID_subject_key_identifier, "hash");
    Extend(
        cert, above, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    Extend(cert,
           above,
           NID_key_usage,
           authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!authority)
    {
        Extend(cert, above, NID_ext_key_usage, "serverAuth");
        Extend(cert, above, NID_subject_alt_name, "DNS:" + name);
    }
    Extend(cert, above, NID_authority_key_identifier, "keyid");
    Must(X509_sign(cert, signer, EVP_sha256()) > 0);
    return made;
}

SslPtr<SSL_CTX>
OriginAuthority::MakeServer(const std::string& name)
{
    SslPtr<EVP_PKEY> key = MakeKey();
    SslPtr<X509> leaf = Certify(key.get(), name, false, m_issuer.get(), m_issuerKey.get());
    SslPtr<SSL_CTX> server(SSL_CTX_new_ex(m_crypto.Get(), nullptr, TLS_server_method()));
    Must(server != nullptr && SSL_CTX_set_min_proto_version(server.get(), TLS1_3_VERSION) == 1 &&
         SSL_CTX_use_certificate(server.get(), leaf.get()) == 1 &&
         SSL_CTX_add1_chain_cert(server.get(), m_issuer.get()) == 1 &&
         SSL_CTX_use_PrivateKey(server.get(), key.get()) == 1);
    // Tickets that only name a session kept here: others have the computer's time in them.
    SSL_CTX_set_options(server.get(), SSL_OP_NO_TICKET);
    // Thousands of visits rest for the whole run: none keeps 34 KB of empty buffers.
    SSL_CTX_set_mode(server.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(server.get(), &ChooseHttp2, nullptr);
    return server;
}

} // namespace qnet

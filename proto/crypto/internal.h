#ifndef QN_CRYPTO_INTERNAL_H
#define QN_CRYPTO_INTERNAL_H

#include <openssl/evp.h>

struct qn_crypto {
    EVP_CIPHER_CTX *seal, *open;
    EVP_CIPHER *cipher;
    EVP_MD *sha256;
    EVP_MD_CTX *md;
};

#endif

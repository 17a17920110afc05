#ifndef QN_CRYPTO_INTERNAL_H
#define QN_CRYPTO_INTERNAL_H

#include "crypto/crypto.h"
#include "crypto/digest.h"

#include <openssl/evp.h>

struct qn_crypto {
    EVP_CIPHER_CTX *seal[QN_CIPHERS], *open[QN_CIPHERS];
    EVP_CIPHER *cipher[QN_CIPHERS];
    EVP_MD *md_of[QN_MDS];
    EVP_MD *sha3_256, *sha3_512, *shake128, *shake256; /* ML-KEM's */
    EVP_MD_CTX *md;
};

#endif

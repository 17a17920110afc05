// SPDX-License-Identifier: GPL-2.0-only
#include "seeded-crypto.h"

#include <cstring>
#include <stdexcept>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

namespace qnet
{

namespace
{

constexpr const char* NAME = "qnet-sim-seeded";
constexpr unsigned STRENGTH = 256;
constexpr size_t REQUEST_MAX = 65536;

thread_local qn_drbg* g_stream =
    nullptr; ///< what the thread's generators of the provider draw from

// ---- a random generator as OpenSSL's provider-rand(7) wants it; it has no state of its own

struct Generator
{
    int state;
};

void*
NewGenerator(void*, void*, const OSSL_DISPATCH*)
{
    return new Generator{EVP_RAND_STATE_UNINITIALISED};
}

void
FreeGenerator(void* generator)
{
    delete static_cast<Generator*>(generator);
}

int
Instantiate(void* generator, unsigned, int, const unsigned char*, size_t, const OSSL_PARAM[])
{
    static_cast<Generator*>(generator)->state = EVP_RAND_STATE_READY;
    return 1;
}

int
Uninstantiate(void* generator)
{
    static_cast<Generator*>(generator)->state = EVP_RAND_STATE_UNINITIALISED;
    return 1;
}

int
Generate(void*, unsigned char* out, size_t n, unsigned, int, const unsigned char*, size_t)
{
    if (g_stream == nullptr)
    {
        return 0;
    }
    qn_drbg_fill(g_stream, out, n);
    return 1;
}

int
EnableLocking(void*)
{
    return 1;
}

int
GetParameters(void* generator, OSSL_PARAM params[])
{
    OSSL_PARAM* state = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
    OSSL_PARAM* strength = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
    OSSL_PARAM* most = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);
    bool ok = (state == nullptr ||
               OSSL_PARAM_set_int(state, static_cast<Generator*>(generator)->state) == 1) &&
              (strength == nullptr || OSSL_PARAM_set_uint(strength, STRENGTH) == 1) &&
              (most == nullptr || OSSL_PARAM_set_size_t(most, REQUEST_MAX) == 1);
    return ok ? 1 : 0;
}

const OSSL_PARAM*
ListParameters(void*, void*)
{
    static const OSSL_PARAM known[] = {
        OSSL_PARAM_int(OSSL_RAND_PARAM_STATE, nullptr),
        OSSL_PARAM_uint(OSSL_RAND_PARAM_STRENGTH, nullptr),
        OSSL_PARAM_size_t(OSSL_RAND_PARAM_MAX_REQUEST, nullptr),
        OSSL_PARAM_END,
    };
    return known;
}

template <typename F>
OSSL_DISPATCH
Entry(int number, F* function)
{
    return {number, reinterpret_cast<void (*)()>(function)};
}

const OSSL_ALGORITHM*
Query(void*, int operation, int* cacheable)
{
    static const OSSL_DISPATCH functions[] = {
        Entry(OSSL_FUNC_RAND_NEWCTX, &NewGenerator),
        Entry(OSSL_FUNC_RAND_FREECTX, &FreeGenerator),
        Entry(OSSL_FUNC_RAND_INSTANTIATE, &Instantiate),
        Entry(OSSL_FUNC_RAND_UNINSTANTIATE, &Uninstantiate),
        Entry(OSSL_FUNC_RAND_GENERATE, &Generate),
        Entry(OSSL_FUNC_RAND_ENABLE_LOCKING, &EnableLocking),
        Entry(OSSL_FUNC_RAND_GETTABLE_CTX_PARAMS, &ListParameters),
        Entry(OSSL_FUNC_RAND_GET_CTX_PARAMS, &GetParameters),
        {0, nullptr},
    };
    static const OSSL_ALGORITHM algorithms[] = {
        {NAME, "provider=qnet-sim-seeded", functions, "the simulation's random bytes"},
        {nullptr, nullptr, nullptr, nullptr},
    };
    *cacheable = 0;
    return operation == OSSL_OP_RAND ? algorithms : nullptr;
}

int
Initialise(const OSSL_CORE_HANDLE* handle,
           const OSSL_DISPATCH*,
           const OSSL_DISPATCH** out,
           void** context)
{
    static const OSSL_DISPATCH functions[] = {
        Entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &Query),
        {0, nullptr},
    };
    *context = const_cast<OSSL_CORE_HANDLE*>(handle);
    *out = functions;
    return 1;
}

} // namespace

SeededCrypto::SeededCrypto()
    : m_context(OSSL_LIB_CTX_new()),
      m_seeded(nullptr),
      m_usual(nullptr)
{
    if (m_context == nullptr || OSSL_PROVIDER_add_builtin(m_context, NAME, &Initialise) != 1 ||
        RAND_set_DRBG_type(m_context, NAME, nullptr, nullptr, nullptr) != 1 ||
        (m_seeded = OSSL_PROVIDER_load(m_context, NAME)) == nullptr ||
        (m_usual = OSSL_PROVIDER_load(m_context, "default")) == nullptr)
    {
        throw std::runtime_error("OpenSSL cannot be given a random generator of our own");
    }
}

SeededCrypto::~SeededCrypto()
{
    OSSL_PROVIDER_unload(m_usual);
    OSSL_PROVIDER_unload(m_seeded);
    OSSL_LIB_CTX_free(m_context);
}

OSSL_LIB_CTX*
SeededCrypto::Get() const
{
    return m_context;
}

void
SeededCrypto::DrawFrom(qn_drbg* stream)
{
    g_stream = stream;
}

void
SslFree::operator()(SSL_CTX* p) const
{
    SSL_CTX_free(p);
}

void
SslFree::operator()(SSL* p) const
{
    SSL_free(p);
}

void
SslFree::operator()(EVP_PKEY* p) const
{
    EVP_PKEY_free(p);
}

void
SslFree::operator()(X509* p) const
{
    X509_free(p);
}

} // namespace qnet

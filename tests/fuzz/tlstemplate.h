/* A browser's template for the TLS targets, small and with every rule in it. */
#ifndef FZ_TEMPLATE_H
#define FZ_TEMPLATE_H

#include "tls/hello.h"

#define FZ_BODY(text)                                                                              \
    {                                                                                              \
        .p = (const uint8_t *)(text), .n = sizeof(text) - 1                                        \
    }

static inline qn_tls_profile fz_template(void)
{
    return (qn_tls_profile){
        .ciphers = FZ_BODY("\x0a\x0a\x13\x01\x13\x02\x13\x03"),
        .ext = {{QN_TLS_GREASE, {0}},
                {0, {0}},
                {10, FZ_BODY("\x00\x0a\x0a\x0a\x11\xec\x00\x1d\x00\x17\x00\x18")},
                {13, FZ_BODY("\x00\x08\x0a\x0a\x04\x03\x08\x04\x04\x01")},
                {16, FZ_BODY("\x00\x03\x02h2")},
                {27, FZ_BODY("\x02\x00\x02")},
                {43, FZ_BODY("\x02\x03\x04")},
                {51, {0}},
                {17613, FZ_BODY("\x00\x03\x02h2")},
                {65037, {0}}},
        .ext_n = 10,
        .permuted = true,
        .share = {QN_TLS_GREASE, 29},
        .share_n = 2,
        .ech_aead = {1},
        .ech_aead_n = 1,
        .ech_size = {{144}, {176}},
        .ech_size_n = {1, 1},
    };
}

#endif

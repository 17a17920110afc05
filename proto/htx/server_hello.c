#include "htx/server_hello.h"

#include "tls/numbers.h"

/* RFC 8446 4.1.3: SHA-256("HelloRetryRequest"). After one the final share is the sender's choice,
 * so the tag proves nothing about who goes on. */
static const uint8_t retry[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                  0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                  0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* type 1, length 3, version 2, random 32, session_id 1 + 32, suite 2, compression 1, extensions 2
 */
static bool fixed_is_fine(const qn_htx_server_hello *h, const uint8_t session_id[32], uint16_t size)
{
    const uint8_t *p = h->head;

    return p[0] == QN_TLS_SERVER_HELLO && qn_get24(p + 1) == size - 4u && p[4] == 3 && p[5] == 3 &&
           memcmp(p + 6, retry, sizeof retry) != 0 && p[38] == 32 &&
           memcmp(p + 39, session_id, 32) == 0 && p[73] == 0 &&
           qn_get16(p + 74) == size - QN_HTX_SERVER_HELLO_FIXED;
}

static bool extension_ends(qn_htx_server_hello *h)
{
    uint16_t type = qn_get16(h->ext), value = qn_get16(h->value);
    bool two = h->ext_size == sizeof h->ext + 2;

    h->ext_at = h->n;
    h->ext_size = 0;
    if (type == QN_TLS_X_VERSIONS)
        h->tls13 = two && value == 0x0304;
    if (type == QN_TLS_X_PSK)
        h->resumed = two;
    return type == QN_TLS_X_VERSIONS ? h->tls13 : type != QN_TLS_X_PSK || h->resumed;
}

/* One byte behind the fixed part. */
static bool extension_byte(qn_htx_server_hello *h, uint16_t size, uint8_t byte)
{
    uint16_t at = (uint16_t)(h->n - h->ext_at);

    h->n++;
    if (at < sizeof h->ext)
        h->ext[at] = byte;
    else if (at < sizeof h->ext + sizeof h->value)
        h->value[at - sizeof h->ext] = byte;
    if (at == sizeof h->ext - 1) {
        if (qn_get16(h->ext + 2) > size - h->n)
            return false;
        h->ext_size = (uint16_t)(sizeof h->ext + qn_get16(h->ext + 2));
    }
    return h->ext_size == 0 || h->n - h->ext_at < h->ext_size || extension_ends(h);
}

bool qn_htx_server_hello_feed(qn_htx_server_hello *h, const uint8_t session_id[32], uint16_t size,
                              qn_slice bytes)
{
    for (size_t i = 0; i < bytes.n; i++) {
        if (h->n >= QN_HTX_SERVER_HELLO_FIXED) {
            if (!extension_byte(h, size, bytes.p[i]))
                return false;
            continue;
        }
        h->head[h->n++] = bytes.p[i];
        if (h->n == QN_HTX_SERVER_HELLO_FIXED && !fixed_is_fine(h, session_id, size))
            return false;
        h->ext_at = h->n;
    }
    return true;
}

bool qn_htx_server_hello_sound(const qn_htx_server_hello *h)
{
    return h->n >= QN_HTX_SERVER_HELLO_FIXED && h->ext_at == h->n && h->tls13;
}

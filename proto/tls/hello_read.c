#include "tls/hello.h"

#include "tls/numbers.h"

qn_err qn_tls_hello_find(const uint8_t *p, size_t n, qn_slice *message)
{
    static const uint8_t start[2] = {QN_TLS_HANDSHAKE, 3};
    size_t record, size;

    if (memcmp(p, start, QN_MIN(n, sizeof start)) != 0 || (n >= 3 && (p[2] < 1 || p[2] > 3)))
        return QN_PROTO;
    if (n < QN_RECORD_HEADER)
        return QN_SHORT;
    record = qn_get16(p + 3);
    if (record < 4 || record > QN_RECORD_CONTENT_MAX)
        return QN_PROTO;
    if (record > QN_TLS_HELLO_MAX)
        return QN_LIMIT;
    if (n >= QN_RECORD_HEADER + 1 && p[5] != QN_TLS_CLIENT_HELLO)
        return QN_PROTO;
    if (n < QN_RECORD_HEADER + record)
        return QN_SHORT;
    size = 4 + qn_get24(p + 6);
    if (size > record)
        return QN_LIMIT;
    if (size < record)
        return QN_PROTO; /* nothing may follow a hello in its record */
    *message = qn_slice_of(p + QN_RECORD_HEADER, size);
    return QN_OK;
}

/* ---- extensions ---------------------------------------------------------------------------- */

static bool read_name(qn_slice body, qn_tls_hello *h)
{
    qn_tls_r r = qn_tls_reader(body), list = qn_tls_reader(qn_tls_vec(&r, 2));
    bool host = qn_tls_uint(&list, 1) == 0;

    h->name = qn_tls_vec(&list, 2);
    return qn_tls_done(&r) && qn_tls_done(&list) && host && h->name.n > 0;
}

static bool read_shares(qn_slice body, qn_tls_hello *h)
{
    qn_tls_r r = qn_tls_reader(body), list = qn_tls_reader(qn_tls_vec(&r, 2));

    while (!list.bad && list.n > 0) {
        uint32_t group = qn_tls_uint(&list, 2);
        qn_slice share = qn_tls_vec(&list, 2);

        if (share.n == 0)
            return false;
        if (group == QN_TLS_X25519) {
            if (share.n != 32 || h->x25519.n > 0)
                return false;
            h->x25519 = share;
        } else if (group == QN_TLS_HYBRID) {
            if (share.n != QN_MLKEM_EK + 32 || h->mlkem.n > 0)
                return false;
            h->mlkem = qn_slice_of(share.p, QN_MLKEM_EK);
        }
    }
    return qn_tls_done(&r) && qn_tls_done(&list);
}

/* As many binders as identities, each of a size that a hash has. */
static bool read_psk(qn_slice message, qn_slice body, qn_tls_hello *h)
{
    qn_tls_r r = qn_tls_reader(body), ids = qn_tls_reader(qn_tls_vec(&r, 2)), binders;
    unsigned n = 0;

    h->cut = r.bad ? 0 : (size_t)(r.p - message.p);
    binders = qn_tls_reader(qn_tls_vec(&r, 2));
    for (; !ids.bad && ids.n > 0; n++) {
        if (qn_tls_vec(&ids, 2).n == 0)
            return false;
        (void)qn_tls_uint(&ids, 4);
        if (qn_tls_vec(&binders, 1).n < 32)
            return false;
    }
    h->psk = true;
    return n > 0 && qn_tls_done(&r) && qn_tls_done(&ids) && qn_tls_done(&binders);
}

static bool read_extension(qn_slice message, uint32_t type, qn_slice body, qn_tls_hello *h)
{
    switch (type) {
    case QN_TLS_X_NAME:
        return read_name(body, h);
    case QN_TLS_X_SHARES:
        return read_shares(body, h);
    case QN_TLS_X_PSK:
        return read_psk(message, body, h);
    case QN_TLS_X_EARLY_DATA:
        h->early_data = true;
        return body.n == 0;
    default:
        return true;
    }
}

static bool read_extensions(qn_slice message, qn_slice all, qn_tls_hello *h)
{
    uint16_t seen[2 * QN_TLS_EXTENSIONS_MAX];
    qn_tls_r r = qn_tls_reader(all);
    unsigned n = 0;

    while (!r.bad && r.n > 0) {
        uint16_t type = (uint16_t)qn_tls_uint(&r, 2);
        qn_slice body = qn_tls_vec(&r, 2);

        if (r.bad || h->psk || n == QN_LEN(seen)) /* nothing comes behind pre_shared_key */
            return false;
        for (unsigned i = 0; i < n; i++)
            if (seen[i] == type)
                return false;
        seen[n++] = type;
        if (!read_extension(message, type, body, h))
            return false;
    }
    return qn_tls_done(&r);
}

qn_err qn_tls_hello_read(qn_slice message, qn_tls_hello *out)
{
    qn_tls_r r = qn_tls_reader(message);
    qn_tls_hello h = {.cut = message.n};
    bool type = qn_tls_uint(&r, 1) == QN_TLS_CLIENT_HELLO;
    qn_slice ciphers, compression, extensions;

    if (!type || qn_tls_uint(&r, 3) != r.n || qn_tls_uint(&r, 2) != 0x0303)
        return QN_PROTO;
    h.random = qn_tls_take(&r, 32);
    h.session_id = qn_tls_vec(&r, 1);
    ciphers = qn_tls_vec(&r, 2);
    compression = qn_tls_vec(&r, 1);
    extensions = qn_tls_vec(&r, 2);
    if (!qn_tls_done(&r) || h.session_id.n > 32 || ciphers.n == 0 || ciphers.n % 2 != 0 ||
        compression.n == 0 || memchr(compression.p, 0, compression.n) == NULL ||
        !read_extensions(message, extensions, &h))
        return QN_PROTO;
    *out = h;
    return QN_OK;
}

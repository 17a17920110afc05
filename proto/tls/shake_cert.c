/* The server's certificate and the proof that it holds its key (RFC
 * 8446 4.4.2, 4.4.3, RFC 8879). */
#include "tls/inflate.h"
#include "tls/internal.h"

static qn_tls_fault undecodable(void)
{
    return qn_tls_fault_of(QN_PROTO, QN_TLS_DECODE_ERROR);
}

/* What may stand beside a certificate: an OCSP answer or SCTs, if we offered to
 * take them. Both are read past; docs/wire/tls.md says why. */
static qn_tls_fault read_entry_extensions(const qn_tls *c, qn_slice all)
{
    qn_tls_r r = qn_tls_reader(all);

    while (!r.bad && r.n > 0) {
        uint16_t type = (uint16_t)qn_tls_uint(&r, 2);
        bool offered;

        (void)qn_tls_vec(&r, 2);
        (void)qn_tls_profile_ext(c->profile, type, &offered);
        if (!r.bad && (!offered || (type != 5 && type != 18)))
            return qn_tls_fault_of(QN_PROTO, QN_TLS_UNSUPPORTED_EXTENSION);
    }
    return qn_tls_done(&r) ? qn_tls_fine() : undecodable();
}

static qn_tls_fault read_chain(const qn_tls *c, qn_slice body, qn_slice *der, size_t *n)
{
    qn_tls_r r = qn_tls_reader(body), list;
    qn_slice context = qn_tls_vec(&r, 1);

    list = qn_tls_reader(qn_tls_vec(&r, 3));
    for (*n = 0; !list.bad && list.n > 0; (*n)++) {
        qn_tls_fault fault;

        if (*n == QN_TLS_CHAIN_MAX)
            return qn_tls_fault_of(QN_LIMIT, QN_TLS_BAD_CERTIFICATE);
        der[*n] = qn_tls_vec(&list, 3);
        fault = read_entry_extensions(c, qn_tls_vec(&list, 2));
        if (fault.err != QN_OK)
            return fault;
        if (der[*n].n == 0)
            return undecodable();
    }
    if (!qn_tls_done(&r) || !qn_tls_done(&list) || context.n > 0 || *n == 0)
        return undecodable();
    return qn_tls_fine();
}

/* Which alert a browser sends for each is still to be captured; the record
 * looks the same for all. */
static uint8_t alert_for(qn_err err)
{
    switch (err) {
    case QN_EXPIRED:
    case QN_EARLY:
        return QN_TLS_CERTIFICATE_EXPIRED;
    case QN_UNKNOWN:
        return QN_TLS_CERTIFICATE_UNKNOWN;
    case QN_AUTH:
        return QN_TLS_UNKNOWN_CA;
    default:
        return QN_TLS_BAD_CERTIFICATE;
    }
}

qn_tls_fault qn_tls_on_certificate(qn_tls *c, qn_slice body)
{
    qn_slice der[QN_TLS_CHAIN_MAX];
    size_t n;
    qn_tls_fault fault = read_chain(c, body, der, &n);
    qn_err err;

    if (fault.err != QN_OK)
        return fault;
    err =
        qn_chain_verify(c->roots, c->env, der, n, qn_slice_of(c->name, c->name_n), &c->shake->leaf);
    if (err == QN_OK)
        err = qn_sha256(c->env, &der[0], 1, &c->leaf);
    if (err != QN_OK)
        return qn_tls_fault_of(err, alert_for(err));
    c->state = QN_TLS_WANT_VERIFY;
    return qn_tls_fine();
}

qn_tls_fault qn_tls_on_compressed(qn_tls *c, qn_slice body)
{
    qn_tls_r r = qn_tls_reader(body);
    qn_tls_r offer = qn_tls_reader(qn_tls_profile_ext(c->profile, QN_TLS_X_COMPRESS, NULL));
    uint16_t algorithm = (uint16_t)qn_tls_uint(&r, 2);
    size_t n = qn_tls_uint(&r, 3);
    qn_slice packed = qn_tls_vec(&r, 3);
    qn_tls_fault fault;
    uint8_t *plain;
    qn_err err;

    if (!qn_tls_done(&r) || packed.n == 0)
        return undecodable();
    if (!qn_tls_lists(qn_tls_vec(&offer, 1), algorithm))
        return qn_tls_fault_of(QN_PROTO, QN_TLS_ILLEGAL_PARAMETER);
    if (algorithm != QN_TLS_BROTLI) /* Firefox offers zlib and zstd as well */
        return qn_tls_fault_of(QN_VERSION, QN_TLS_BAD_CERTIFICATE);
    if (n == 0 || n > QN_TLS_MESSAGE_MAX)
        return qn_tls_fault_of(QN_LIMIT, QN_TLS_BAD_CERTIFICATE);
    plain = qn_mem_get(&c->env->mem, n);
    if (plain == NULL)
        return qn_tls_ours(QN_NOMEM);
    err = qn_tls_inflate(c->env, packed, plain, n);
    fault = err == QN_OK ? qn_tls_on_certificate(c, qn_slice_of(plain, n))
                         : qn_tls_fault_of(err, QN_TLS_BAD_CERTIFICATE);
    qn_mem_put(&c->env->mem, plain, n);
    return fault;
}

qn_tls_fault qn_tls_on_verify(qn_tls *c, qn_slice body)
{
    static const char label[] = "TLS 1.3, server CertificateVerify"; /* with its zero byte */
    uint8_t signed_bytes[64 + sizeof label + QN_MD_MAX];
    qn_tls_r r = qn_tls_reader(body);
    qn_tls_r offer = qn_tls_reader(qn_tls_profile_ext(c->profile, QN_TLS_X_SIGALGS, NULL));
    uint16_t scheme = (uint16_t)qn_tls_uint(&r, 2);
    qn_slice signature = qn_tls_vec(&r, 2);
    qn_err err;

    if (!qn_tls_done(&r))
        return undecodable();
    if (!qn_tls_lists(qn_tls_vec(&offer, 2), scheme))
        return qn_tls_fault_of(QN_PROTO, QN_TLS_ILLEGAL_PARAMETER);
    memset(signed_bytes, ' ', 64);
    memcpy(signed_bytes + 64, label, sizeof label);
    err = qn_running_peek(&c->transcript, c->env, (qn_slice){0}, signed_bytes + 64 + sizeof label);
    if (err != QN_OK)
        return qn_tls_ours(err);
    err = qn_cert_verify(c->shake->leaf, scheme,
                         qn_slice_of(signed_bytes, 64 + sizeof label + qn_md_size(c->suite->md)),
                         signature);
    if (err == QN_VERSION) /* offered as the browser offers it, but not ours to
                              verify: ML-DSA, PKCS #1 */
        return qn_tls_fault_of(err, QN_TLS_ILLEGAL_PARAMETER);
    if (err != QN_OK)
        return qn_tls_fault_of(QN_AUTH, QN_TLS_DECRYPT_ERROR);
    c->state = QN_TLS_WANT_FINISHED;
    return qn_tls_fine();
}

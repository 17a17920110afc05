#include "tls/keys.h"

#include "tls/wire.h"

const qn_tls_suite *qn_tls_suite_of(uint16_t id)
{
    static const qn_tls_suite suites[] = {
        {0x1301, QN_AES_128_GCM, QN_SHA256},
        {0x1302, QN_AES_256_GCM, QN_SHA384},
        {0x1303, QN_CHACHA20_POLY1305, QN_SHA256},
    };

    for (size_t i = 0; i < QN_LEN(suites); i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

qn_err qn_tls_expand(qn_env *env, qn_md md, const uint8_t *secret, const char *label,
                     qn_slice context, uint8_t *out, size_t n)
{
    uint8_t info[2 + 1 + 18 + 1 + 255]; /* a ticket's nonce may be that long */
    qn_tls_w w = {.p = info, .cap = sizeof info};

    qn_tls_put_uint(&w, (uint32_t)n, 2);
    qn_tls_put_uint(&w, (uint32_t)strlen(label) + 6, 1);
    qn_tls_put(&w, "tls13 ", 6);
    qn_tls_put(&w, label, strlen(label));
    qn_tls_put_uint(&w, (uint32_t)context.n, 1);
    qn_tls_put(&w, context.p, context.n);
    QN_ASSERT(!w.bad);
    return qn_md_expand(env, md, secret, qn_slice_of(info, w.n), out, n);
}

static qn_err extract(qn_env *env, qn_md md, qn_slice salt, qn_slice material, uint8_t *out)
{
    static const uint8_t zeros[QN_MD_MAX];

    if (material.n == 0)
        material = qn_slice_of(zeros, qn_md_size(md));
    return qn_md_hmac(env, md, salt, &material, 1, out);
}

static qn_err derive_empty(qn_env *env, qn_md md, const uint8_t *secret, const char *label,
                           uint8_t *out)
{
    uint8_t empty[QN_MD_MAX];
    qn_err err = qn_md_hash(env, md, NULL, 0, empty);

    if (err != QN_OK)
        return err;
    return qn_tls_expand(env, md, secret, label, qn_slice_of(empty, qn_md_size(md)), out,
                         qn_md_size(md));
}

qn_err qn_tls_schedule_start(qn_tls_schedule *s, qn_env *env, qn_md md, qn_slice psk)
{
    s->md = md;
    return extract(env, md, (qn_slice){0}, psk, s->secret);
}

qn_err qn_tls_schedule_next(qn_tls_schedule *s, qn_env *env, qn_slice shared)
{
    uint8_t salt[QN_MD_MAX];
    qn_err err = derive_empty(env, s->md, s->secret, "derived", salt);

    if (err == QN_OK)
        err = extract(env, s->md, qn_slice_of(salt, qn_md_size(s->md)), shared, s->secret);
    qn_wipe(salt, sizeof salt);
    return err;
}

qn_err qn_tls_derive(const qn_tls_schedule *s, qn_env *env, const char *label,
                     const uint8_t *transcript, uint8_t *out)
{
    size_t n = qn_md_size(s->md);

    return qn_tls_expand(env, s->md, s->secret, label, qn_slice_of(transcript, n), out, n);
}

qn_err qn_tls_finished(qn_env *env, qn_md md, const uint8_t *secret, const uint8_t *transcript,
                       uint8_t *out)
{
    size_t n = qn_md_size(md);
    qn_slice message = qn_slice_of(transcript, n);
    uint8_t key[QN_MD_MAX];
    qn_err err = qn_tls_expand(env, md, secret, "finished", (qn_slice){0}, key, n);

    if (err == QN_OK)
        err = qn_md_hmac(env, md, qn_slice_of(key, n), &message, 1, out);
    qn_wipe(key, sizeof key);
    return err;
}

qn_err qn_tls_binder(qn_env *env, qn_md md, qn_slice psk, const uint8_t *transcript, uint8_t *out)
{
    qn_tls_schedule early;
    uint8_t key[QN_MD_MAX];
    qn_err err = qn_tls_schedule_start(&early, env, md, psk);

    if (err == QN_OK)
        err = derive_empty(env, md, early.secret, "res binder", key);
    if (err == QN_OK)
        err = qn_tls_finished(env, md, key, transcript, out);
    qn_wipe(&early, sizeof early);
    qn_wipe(key, sizeof key);
    return err;
}

#include "qnet/id.h"

#include "base/base32.h"
#include "crypto/crypto.h"

enum { MULTIHASH = 34, CHECKSUM = 4 };

qn_err qn_peerid_of(qn_env *env, const uint8_t public_key[32], qn_peerid *out)
{
    qn_slice part = qn_slice_of(public_key, 32);
    qn_hash h;
    qn_err err = qn_sha256(env, &part, 1, &h);

    if (err == QN_OK)
        memcpy(out->b, h.b, sizeof out->b);
    return err;
}

static qn_err checked(qn_env *env, const qn_peerid *id, uint8_t raw[MULTIHASH + CHECKSUM])
{
    static const char label[] = "qnet-peerid";
    qn_slice parts[2] = {qn_slice_of(label, sizeof label - 1), qn_slice_of(raw, MULTIHASH)};
    qn_hash h;
    qn_err err;

    raw[0] = 0x12; /* multihash: sha2-256 */
    raw[1] = 0x20; /* 32 bytes */
    memcpy(raw + 2, id->b, sizeof id->b);
    err = qn_sha256(env, parts, 2, &h);
    memcpy(raw + MULTIHASH, h.b, CHECKSUM);
    return err;
}

qn_err qn_peerid_text(qn_env *env, const qn_peerid *id, char out[QN_PEERID_TEXT + 1])
{
    uint8_t raw[MULTIHASH + CHECKSUM];
    qn_err err = checked(env, id, raw);

    _Static_assert(QN_BASE32_LEN(MULTIHASH + CHECKSUM) == QN_PEERID_TEXT, "61 characters");
    if (err == QN_OK)
        qn_base32_encode(out, raw, sizeof raw);
    return err;
}

qn_err qn_peerid_parse(qn_env *env, const char *text, size_t n, qn_peerid *out)
{
    uint8_t raw[MULTIHASH + CHECKSUM], again[MULTIHASH + CHECKSUM];
    qn_peerid id;
    qn_err err = qn_base32_decode(raw, sizeof raw, text, n);

    if (err != QN_OK)
        return err;
    memcpy(id.b, raw + 2, sizeof id.b);
    err = checked(env, &id, again);
    if (err != QN_OK)
        return err;
    if (memcmp(raw, again, sizeof raw) != 0)
        return QN_AUTH;
    *out = id;
    return QN_OK;
}

bool qn_peerid_equal(const qn_peerid *a, const qn_peerid *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

#include "carrier/record.h"

#include "base/limits.h"

static qn_err expand(qn_env *env, const qn_key *secret, const char *label, uint8_t *out, size_t n)
{
    qn_hash prk;
    qn_err err;

    memcpy(prk.b, secret->b, sizeof prk.b);
    err = qn_hkdf_expand(env, &prk, qn_slice_of(label, strlen(label)), out, n);
    qn_wipe(&prk, sizeof prk);
    return err;
}

qn_err qn_record_keys_init(qn_record_keys *k, qn_env *env, const qn_key *secret)
{
    qn_record_keys fresh = {.secret = *secret, .since = env->now};
    qn_err err = expand(env, secret, "qnet record v1 key", fresh.key.b, sizeof fresh.key.b);

    if (err == QN_OK)
        err = expand(env, secret, "qnet record v1 iv", fresh.iv, sizeof fresh.iv);
    if (err == QN_OK)
        *k = fresh;
    qn_wipe(&fresh, sizeof fresh);
    return err;
}

qn_err qn_record_ratchet(qn_record_keys *k, qn_env *env)
{
    qn_key next;
    qn_err err = expand(env, &k->secret, "qnet record v1 next", next.b, sizeof next.b);

    if (err == QN_OK)
        err = qn_record_keys_init(k, env, &next);
    qn_wipe(&next, sizeof next);
    return err;
}

bool qn_record_rekey_due(const qn_record_keys *k, qn_time now)
{
    return now - k->since >= QN_REKEY_AFTER || k->seq >= QN_REKEY_RECORDS ||
           k->bytes >= QN_REKEY_BYTES;
}

void qn_record_keys_wipe(qn_record_keys *k)
{
    qn_wipe(k, sizeof *k);
}

/* ---- sealing --------------------------------------------------------------------------------- */

/* The queue's last piece when `need` bytes fit behind it in a block that is ours alone, else a new
 * empty one. The piece is in the queue before anything is sealed, so no nonce is ever used for a
 * record that then has no place. */
static qn_piece *piece_with_room(qn_queue *out, qn_env *env, size_t need)
{
    qn_piece fresh = {0};

    if (out->n > 0) {
        qn_piece *tail = &out->v[(out->head + out->n - 1) & (out->cap - 1)];

        if (tail->block->refs == 1 && tail->block->cap - tail->off - tail->len >= need)
            return tail;
    }
    fresh.block = qn_block_get(env, need);
    if (fresh.block == NULL)
        return NULL;
    if (qn_queue_push(out, &env->mem, fresh) != QN_OK) {
        qn_block_drop(fresh.block);
        return NULL;
    }
    return &out->v[(out->head + out->n - 1) & (out->cap - 1)];
}

/* Content up to the last multiple of 128 goes through the AEAD where it lies; what is left, the
 * second slice, the inner type and zeros are sealed in place behind it, so that OpenSSL's Poly1305
 * keeps its eight-way path whatever the lengths are. */
static qn_err seal_content(const qn_record_keys *k, qn_env *env, qn_slice a, qn_slice b,
                           size_t zeros, qn_inner inner, uint8_t *record)
{
    size_t head = a.n - a.n % 128, n = a.n - head;
    uint8_t *body = record + QN_RECORD_HEADER, *rest = body + head;

    if (n > 0)
        memcpy(rest, a.p + head, n);
    if (b.n > 0)
        memcpy(rest + n, b.p, b.n);
    n += b.n;
    rest[n++] = (uint8_t)inner;
    memset(rest + n, 0, zeros);
    n += zeros;
    return qn_aead_seal(env, &k->key, qn_nonce_xor(k->iv, k->seq),
                        qn_slice_of(record, QN_RECORD_HEADER), qn_slice_of(a.p, head),
                        qn_slice_of(rest, n), body, rest + n);
}

qn_err qn_record_seal(qn_record_keys *k, qn_env *env, qn_tally *tally, qn_slice a, qn_slice b,
                      qn_inner inner, qn_queue *out)
{
    return qn_record_seal_padded(k, env, tally, a, b, 0, inner, out);
}

qn_err qn_record_seal_padded(qn_record_keys *k, qn_env *env, qn_tally *tally, qn_slice a,
                             qn_slice b, size_t zeros, qn_inner inner, qn_queue *out)
{
    size_t plain = a.n + b.n + 1 + zeros, size = QN_RECORD_HEADER + plain + QN_TAG;
    qn_piece *piece;
    uint8_t *record;
    qn_err err;

    QN_ASSERT(plain <= QN_RECORD_CONTENT_MAX + 1 && b.n <= QN_SEAL_TAIL_MAX);
    if (k->seq >= QN_RECORDS_HARD)
        return QN_EXHAUSTED;
    piece = piece_with_room(out, env, size);
    if (piece == NULL)
        return QN_NOMEM;
    record = qn_piece_data(piece) + piece->len;
    record[0] = 0x17;
    qn_put16(record + 1, 0x0303);
    qn_put16(record + 3, (uint16_t)(plain + QN_TAG));
    err = seal_content(k, env, a, b, zeros, inner, record);
    if (err != QN_OK)
        return err;
    k->seq++;
    k->bytes += plain;
    piece->len += (uint32_t)size;
    out->bytes += size;
    if (tally != NULL)
        tally->aead_bytes += plain;
    return QN_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Cuts the zero padding and the inner type off n opened bytes. */
static qn_err strip(const uint8_t *p, size_t *n, qn_inner *inner)
{
    while (*n > 0 && p[*n - 1] == 0)
        (*n)--;
    if (*n == 0)
        return QN_PROTO;
    (*n)--;
    if (p[*n] != QN_INNER_FRAMES && (p[*n] != QN_INNER_ALERT || *n != 2))
        return QN_PROTO;
    *inner = (qn_inner)p[*n];
    return *n <= QN_RECORD_CONTENT_MAX ? QN_OK : QN_PROTO;
}

qn_err qn_record_open(qn_record_keys *k, qn_env *env, qn_tally *tally, const uint8_t *record,
                      size_t n, qn_piece *content, qn_inner *inner)
{
    const uint8_t *body = record + QN_RECORD_HEADER;
    size_t plain, len;
    qn_inner type;
    qn_block *b;
    qn_err err;

    QN_ASSERT(n >= QN_RECORD_HEADER + QN_RECORD_BODY_MIN &&
              n <= QN_RECORD_HEADER + QN_RECORD_BODY_MAX);
    if (k->seq >= QN_RECORDS_HARD)
        return QN_EXHAUSTED;
    plain = len = n - QN_RECORD_HEADER - QN_TAG;
    b = qn_block_get(env, plain);
    if (b == NULL)
        return QN_NOMEM;
    err = qn_aead_open(env, &k->key, qn_nonce_xor(k->iv, k->seq),
                       qn_slice_of(record, QN_RECORD_HEADER), body, plain, body + plain, b->data);
    if (err == QN_OK)
        err = strip(b->data, &len, &type);
    if (err != QN_OK) {
        qn_block_drop(b);
        return err;
    }
    k->seq++;
    k->bytes += plain;
    if (tally != NULL)
        tally->aead_bytes += plain;
    *content = (qn_piece){.block = b, .len = (uint32_t)len};
    *inner = type;
    return QN_OK;
}

qn_err qn_record_track(const uint8_t *p, size_t n, size_t *size)
{
    static const uint8_t start[3] = {0x17, 0x03, 0x03};
    size_t body;

    if (memcmp(p, start, QN_MIN(n, sizeof start)) != 0)
        return QN_PROTO;
    if (n < QN_RECORD_HEADER)
        return QN_SHORT;
    body = qn_get16(p + 3);
    if (body < QN_RECORD_BODY_MIN || body > QN_RECORD_BODY_MAX)
        return QN_PROTO;
    *size = QN_RECORD_HEADER + body;
    return QN_OK;
}

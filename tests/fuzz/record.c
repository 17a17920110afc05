/*
 * Records under fixed keys, three ways (first byte): raw wire bytes to the tracker and the opener;
 * the fuzzer's bytes sealed as a TLSInnerPlaintext, whatever they are; and content sealed by the
 * product, opened as it is and with one byte changed.
 */
#include "fuzz.h"

#include "carrier/record.h"

typedef struct plain {
    uint8_t p[QN_RECORD_BODY_MAX - QN_TAG];
    size_t n;
} plain;

static qn_record_keys fixed_keys(qn_env *env)
{
    qn_record_keys k = {0};
    qn_key secret = {.b = {7}};

    FZ_CHECK(qn_record_keys_init(&k, env, &secret) == QN_OK);
    return k;
}

/* The answer for every prefix: SHORT, then for ever the same. */
static qn_err track(const uint8_t *p, size_t n, size_t *size)
{
    qn_err last = QN_SHORT;
    size_t cut;

    *size = 0;
    for (cut = 0; cut <= QN_MIN(n, (size_t)8); cut++) {
        size_t now = 0;
        qn_err err = qn_record_track(fz_exact(qn_slice_of(p, cut)).p, cut, &now);

        FZ_CHECK(last == QN_SHORT || (err == last && now == *size));
        FZ_CHECK(err == QN_OK || (now == 0 && (err == QN_SHORT || err == QN_PROTO)));
        FZ_CHECK(err != QN_SHORT || cut < QN_RECORD_HEADER);
        last = err;
        *size = now;
    }
    return last;
}

/* An error moves nothing. */
static qn_err open_record(qn_env *env, qn_record_keys *k, const uint8_t *record, size_t n,
                          qn_piece *content, qn_inner *inner)
{
    qn_record_keys before = *k;
    qn_err err = qn_record_open(k, env, NULL, record, n, content, inner);

    FZ_CHECK(err == QN_OK ? k->seq == before.seq + 1 : memcmp(k, &before, sizeof before) == 0);
    return err;
}

static void raw(qn_env *env, fz_in in)
{
    qn_record_keys k = fixed_keys(env);
    size_t size;
    qn_piece content;
    qn_inner inner;

    if (track(in.p, in.n, &size) != QN_OK || size > in.n)
        return;
    FZ_CHECK(size >= QN_RECORD_HEADER + QN_RECORD_BODY_MIN);
    FZ_CHECK(size <= QN_RECORD_HEADER + QN_RECORD_BODY_MAX);
    if (open_record(env, &k, fz_exact(qn_slice_of(in.p, size)).p, size, &content, &inner) == QN_OK)
        qn_block_drop(content.block);
}

/* What RFC 8446 5.4 and docs/wire/record.md say of an inner plaintext, once more. */
static bool inner_is_fine(const uint8_t *p, size_t n, size_t *content_n, qn_inner *inner)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    if (n == 0 || (p[n - 1] != 0x15 && p[n - 1] != 0x17) || n - 1 > QN_RECORD_CONTENT_MAX)
        return false;
    *content_n = n - 1;
    *inner = p[n - 1] == 0x15 ? QN_INNER_ALERT : QN_INNER_FRAMES;
    return *inner == QN_INNER_FRAMES || *content_n == 2;
}

static void sealed_inner(qn_env *env, fz_in in)
{
    static uint8_t record[QN_RECORD_HEADER + QN_RECORD_BODY_MAX];
    qn_slice text = fz_take(&in, QN_RECORD_BODY_MAX - QN_TAG);
    size_t n = QN_RECORD_HEADER + text.n + QN_TAG, want_n = 0;
    qn_record_keys k = fixed_keys(env);
    qn_inner want, inner;
    qn_piece content;
    qn_err err;

    if (text.n == 0)
        return;
    memcpy(record, "\x17\x03\x03", 3);
    qn_put16(record + 3, (uint16_t)(text.n + QN_TAG));
    FZ_CHECK(qn_aead_seal(env, &k.key, qn_nonce_xor(k.iv, 0), qn_slice_of(record, 5), text,
                          qn_slice_of(NULL, 0), record + 5, record + 5 + text.n) == QN_OK);
    err = open_record(env, &k, record, n, &content, &inner);
    if (!inner_is_fine(text.p, text.n, &want_n, &want)) {
        FZ_CHECK(err == QN_PROTO);
        return;
    }
    FZ_CHECK(err == QN_OK && inner == want && content.len == want_n);
    FZ_CHECK(want_n == 0 || memcmp(qn_piece_data(&content), text.p, want_n) == 0);
    qn_block_drop(content.block);
}

/* Several records, split as the fuzzer says, then one of them harmed. */
static void round_trip(qn_env *env, fz_in in)
{
    qn_record_keys tx = fixed_keys(env), rx = tx;
    qn_queue out = {0};
    uint32_t harm = fz_u32(&in);
    unsigned records = 0;

    while (in.n > 0 && records++ < 16) {
        qn_slice a = fz_take(&in, fz_u16(&in) % (QN_RECORD_CONTENT_MAX - QN_SEAL_TAIL_MAX));
        qn_slice b = fz_take(&in, fz_u16(&in) % QN_SEAL_TAIL_MAX);
        qn_piece content;
        qn_inner inner;
        qn_slice v;
        uint8_t *wire;

        FZ_CHECK(qn_record_seal(&tx, env, NULL, a, b, QN_INNER_FRAMES, &out) == QN_OK);
        FZ_CHECK(qn_queue_peek(&out, &v, 1) == 1);
        wire = qn_piece_data(qn_queue_head(&out));
        FZ_CHECK(v.n == a.n + b.n + QN_RECORD_OVERHEAD);
        wire[harm % v.n] ^= 0x10;
        if (harm % v.n >= QN_RECORD_HEADER)
            FZ_CHECK(open_record(env, &rx, wire, v.n, &content, &inner) == QN_AUTH);
        wire[harm % v.n] ^= 0x10;
        FZ_CHECK(open_record(env, &rx, wire, v.n, &content, &inner) == QN_OK);
        FZ_CHECK(content.len == a.n + b.n && inner == QN_INNER_FRAMES);
        FZ_CHECK(a.n == 0 || memcmp(qn_piece_data(&content), a.p, a.n) == 0);
        FZ_CHECK(b.n == 0 || memcmp(qn_piece_data(&content) + a.n, b.p, b.n) == 0);
        qn_block_drop(content.block);
        qn_queue_consume(&out, &env->mem, v.n);
        if (harm & 1) {
            FZ_CHECK(qn_record_ratchet(&tx, env) == QN_OK && qn_record_ratchet(&rx, env) == QN_OK);
            FZ_CHECK(tx.seq == 0 && memcmp(&tx.key, &rx.key, sizeof tx.key) == 0);
        }
        harm = harm * 5 + 1;
    }
    qn_queue_clear(&out, &env->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static void (*const ways[])(qn_env * env, fz_in in) = {raw, sealed_inner, round_trip};
    fz_in in = {p, n};
    unsigned way = fz_below(&in, QN_LEN(ways));
    fz_env t;

    fz_env_open(&t, 0);
    ways[way](&t.env, in);
    fz_env_close(&t);
    return 0;
}

void fz_seeds(void)
{
    fz_out *o = fz_out_new();
    fz_env t;
    qn_record_keys k;
    qn_queue out = {0};
    qn_slice v;

    fz_env_open(&t, 0);
    k = fixed_keys(&t.env);
    FZ_CHECK(qn_record_seal(&k, &t.env, NULL, qn_slice_of("content", 7), qn_slice_of("tail", 4),
                            QN_INNER_FRAMES, &out) == QN_OK);
    FZ_CHECK(qn_queue_peek(&out, &v, 1) == 1);
    fz_out_u8(o, 0);
    fz_out_bytes(o, v.p, v.n);
    fz_out_seed(o, "wire");
    qn_queue_clear(&out, &t.env.mem);
    fz_env_close(&t);
    fz_seed("inner-frames",
            "\x01"
            "content\x17\0\0\0",
            12);
    fz_seed("inner-alert", "\x01\x01\0\x15", 4);
    fz_seed("inner-zeros", "\x01\0\0\0\0", 5);
    o->n = 0;
    fz_out_u8(o, 2);
    fz_out_u32(o, 12345);
    for (unsigned i = 0; i < 4; i++) {
        fz_out_u16(o, 20 * i);
        fz_out_bytes(o, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 20 * i);
        fz_out_u16(o, 4);
        fz_out_bytes(o, "tail", 4);
    }
    fz_out_seed(o, "round-trip");
}

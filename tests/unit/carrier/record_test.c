/* Records: the document's bytes, exact sizes, no nonce twice, and nothing unverified gets out. */
#include "support/qt.h"

#include "carrier/record.h"
#include "frame/frame.h"

#include <stdlib.h>

static qt_env t;
static qn_record_keys tx, rx;
static qn_queue out;

static qn_key doc_secret(void)
{
    qn_slice hex = qt_doc_hex("record.md", "secret");
    qn_key k;

    ck_assert_uint_eq(hex.n, sizeof k.b);
    memcpy(k.b, hex.p, sizeof k.b);
    return k;
}

static void setup(void)
{
    qn_key secret = doc_secret();

    qt_env_open(&t, 1);
    out = (qn_queue){0};
    qt_assert_err(qn_record_keys_init(&tx, &t.env, &secret), QN_OK);
    qt_assert_err(qn_record_keys_init(&rx, &t.env, &secret), QN_OK);
}

static void teardown(void)
{
    qn_queue_clear(&out, &t.env.mem);
    qt_env_close(&t);
}

static qn_err seal(qn_slice a, qn_slice b, qn_inner inner)
{
    return qn_record_seal(&tx, &t.env, NULL, a, b, inner, &out);
}

/* Everything sealed so far, in one run; it has left. */
static qn_slice sealed(void)
{
    static uint8_t wire[64 * QN_BLOCK_LARGE];
    size_t n = 0;

    while (out.n > 0) {
        const qn_piece *p = qn_queue_head(&out);

        ck_assert_uint_le(n + p->len, sizeof wire);
        memcpy(wire + n, qn_piece_data(p), p->len);
        n += p->len;
        qn_queue_consume(&out, &t.env.mem, p->len);
    }
    return qn_slice_of(wire, n);
}

static void must_open(qn_slice record, qn_slice want, qn_inner want_inner)
{
    qn_piece content;
    qn_inner inner;
    size_t size;

    qt_assert_err(qn_record_track(record.p, record.n, &size), QN_OK);
    ck_assert_uint_eq(size, record.n);
    qt_assert_err(qn_record_open(&rx, &t.env, NULL, record.p, record.n, &content, &inner), QN_OK);
    qt_assert_bytes(qn_piece_data(&content), content.len, want);
    ck_assert_int_eq(inner, want_inner);
    qn_block_drop(content.block);
}

static void must_not_open(qn_slice record, qn_err want)
{
    qn_piece content;
    qn_inner inner;
    uint64_t seq = rx.seq;

    qt_assert_err(qn_record_open(&rx, &t.env, NULL, record.p, record.n, &content, &inner), want);
    ck_assert_uint_eq(rx.seq, seq);
}

static const qn_slice nothing;

/* ---- known answers --------------------------------------------------------------------------- */

START_TEST(document_examples_are_what_is_sealed)
{
    qn_slice ping = qt_doc_hex("frame.md", "ping"), update = qt_doc_hex("frame.md", "key-update");
    qn_slice record;

    qt_assert_bytes(tx.key.b, 32, qt_doc_hex("record.md", "key"));
    qt_assert_bytes(tx.iv, 12, qt_doc_hex("record.md", "iv"));
    qt_assert_err(seal(ping, nothing, QN_INNER_FRAMES), QN_OK);
    record = sealed();
    qt_assert_bytes(record.p, record.n, qt_doc_hex("record.md", "first"));
    tx.seq = 2; /* record 1 is the padded one, which we never write */
    qt_assert_err(seal(nothing, update, QN_INNER_FRAMES), QN_OK);
    record = sealed();
    qt_assert_bytes(record.p, record.n, qt_doc_hex("record.md", "update"));
    qt_assert_err(qn_record_ratchet(&tx, &t.env), QN_OK);
    qt_assert_bytes(tx.secret.b, 32, qt_doc_hex("record.md", "next"));
    qt_assert_err(seal(ping, nothing, QN_INNER_FRAMES), QN_OK);
    record = sealed();
    qt_assert_bytes(record.p, record.n, qt_doc_hex("record.md", "after"));
    qt_assert_err(seal(qn_slice_of("\x01", 2), nothing, QN_INNER_ALERT), QN_OK);
    record = sealed();
    qt_assert_bytes(record.p, record.n, qt_doc_hex("record.md", "alert"));
    qt_assert_err(seal(nothing, nothing, QN_INNER_FRAMES), QN_OK);
    record = sealed();
    qt_assert_bytes(record.p, record.n, qt_doc_hex("record.md", "empty"));
}
END_TEST

START_TEST(zeros_pad_to_any_length_and_open_to_the_content)
{
    static uint8_t content[QN_RECORD_CONTENT_MAX];
    static const size_t sizes[][3] = {{0, 0, 30},    {0, 0, 16384},      {1, 2, 1}, {127, 1, 400},
                                      {128, 0, 128}, {5000, 512, 10872}, {12, 0, 0}};
    uint8_t want[QN_RECORD_CONTENT_MAX];

    memset(content, 0x5a, sizeof content);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t *n = sizes[i];
        qn_slice record;

        memset(want, 0x5a, n[0] + n[1]);
        qt_assert_err(qn_record_seal_padded(&tx, &t.env, NULL, qn_slice_of(content, n[0]),
                                            qn_slice_of(content, n[1]), n[2], QN_INNER_FRAMES,
                                            &out),
                      QN_OK);
        record = sealed();
        ck_assert_uint_eq(record.n, n[0] + n[1] + n[2] + QN_RECORD_OVERHEAD);
        must_open(record, qn_slice_of(want, n[0] + n[1]), QN_INNER_FRAMES);
    }
    tx.seq = 1;
    qt_assert_err(qn_record_seal_padded(&tx, &t.env, NULL, qt_doc_hex("frame.md", "ping"), nothing,
                                        20, QN_INNER_FRAMES, &out),
                  QN_OK);
    qt_assert_bytes(qn_piece_data(qn_queue_head(&out)), out.bytes,
                    qt_doc_hex("record.md", "padded"));
}
END_TEST

START_TEST(document_examples_open)
{
    qn_slice ping = qt_doc_hex("frame.md", "ping");

    must_open(qt_doc_hex("record.md", "first"), ping, QN_INNER_FRAMES);
    must_open(qt_doc_hex("record.md", "padded"), ping, QN_INNER_FRAMES);
    must_open(qt_doc_hex("record.md", "update"), qt_doc_hex("frame.md", "key-update"),
              QN_INNER_FRAMES);
    qt_assert_err(qn_record_ratchet(&rx, &t.env), QN_OK);
    must_open(qt_doc_hex("record.md", "after"), ping, QN_INNER_FRAMES);
    must_open(qt_doc_hex("record.md", "alert"), qn_slice_of("\x01", 2), QN_INNER_ALERT);
    must_open(qt_doc_hex("record.md", "empty"), nothing, QN_INNER_FRAMES);
}
END_TEST

/* ---- sizes ----------------------------------------------------------------------------------- */

START_TEST(any_split_of_any_size_round_trips)
{
    static const size_t sizes[] = {0,    1,    2,    127,  128,   129,   255,   256,   1064,
                                   1447, 1472, 4096, 8191, 16255, 16256, 16296, 16383, 16384};
    qn_slice data = qt_noise(7, QN_RECORD_CONTENT_MAX);

    for (size_t i = 0; i < QN_LEN(sizes); i++)
        for (size_t tail = 0; tail <= QN_MIN(sizes[i], (size_t)QN_SEAL_TAIL_MAX); tail += 73) {
            size_t head = sizes[i] - tail;
            qn_slice record;

            qt_assert_err(
                seal(qn_slice_of(data.p, head), qn_slice_of(data.p + head, tail), QN_INNER_FRAMES),
                QN_OK);
            record = sealed();
            ck_assert_uint_eq(record.n, sizes[i] + QN_RECORD_OVERHEAD);
            must_open(record, qn_slice_of(data.p, sizes[i]), QN_INNER_FRAMES);
        }
}
END_TEST

START_TEST(small_records_share_a_block)
{
    for (unsigned i = 0; i < 20; i++)
        qt_assert_err(seal(qn_slice_of("0123456789", 10), nothing, QN_INNER_FRAMES), QN_OK);
    ck_assert_uint_eq(out.n, 1);
    ck_assert_uint_eq(out.bytes, 20 * (10 + QN_RECORD_OVERHEAD));
}
END_TEST

START_TEST(small_content_comes_in_a_small_block)
{
    qn_piece content;
    qn_inner inner;
    qn_slice first = qt_doc_hex("record.md", "first");

    qt_assert_err(qn_record_open(&rx, &t.env, NULL, first.p, first.n, &content, &inner), QN_OK);
    ck_assert_uint_eq(content.block->cap, QN_BLOCK_SMALL);
    qn_block_drop(content.block);
}
END_TEST

START_TEST(both_directions_count_their_plaintext)
{
    qn_tally tally = {0};
    qn_slice record;
    qn_piece content;
    qn_inner inner;

    qt_assert_err(
        qn_record_seal(&tx, &t.env, &tally, qn_slice_of("abc", 3), nothing, QN_INNER_FRAMES, &out),
        QN_OK);
    ck_assert_uint_eq(tally.aead_bytes, 4);
    record = sealed();
    qt_assert_err(qn_record_open(&rx, &t.env, &tally, record.p, record.n, &content, &inner), QN_OK);
    ck_assert_uint_eq(tally.aead_bytes, 8);
    qn_block_drop(content.block);
}
END_TEST

/* ---- refusals -------------------------------------------------------------------------------- */

START_TEST(every_flipped_byte_is_noticed_and_the_record_stays_as_it_was)
{
    qn_slice good = qt_doc_hex("record.md", "padded");
    uint8_t bad[128], before[128];

    rx.seq = 1;
    for (size_t i = 0; i < good.n; i++) {
        memcpy(bad, good.p, good.n);
        bad[i] ^= 0x20;
        memcpy(before, bad, good.n);
        must_not_open(qn_slice_of(bad, good.n), QN_AUTH);
        ck_assert_mem_eq(bad, before, good.n);
    }
    must_open(good, qt_doc_hex("frame.md", "ping"), QN_INNER_FRAMES);
}
END_TEST

START_TEST(replayed_and_skipped_records_are_refused)
{
    must_open(qt_doc_hex("record.md", "first"), qt_doc_hex("frame.md", "ping"), QN_INNER_FRAMES);
    must_not_open(qt_doc_hex("record.md", "first"), QN_AUTH);
    must_not_open(qt_doc_hex("record.md", "update"), QN_AUTH);
}
END_TEST

/* Seals raw inner bytes, to make what qn_record_seal never writes. */
static qn_slice forge(qn_slice inner)
{
    static uint8_t record[QN_RECORD_HEADER + QN_RECORD_BODY_MAX] = {0x17, 3, 3};

    qn_put16(record + 3, (uint16_t)(inner.n + QN_TAG));
    qt_assert_err(qn_aead_seal(&t.env, &rx.key, qn_nonce_xor(rx.iv, rx.seq),
                               qn_slice_of(record, QN_RECORD_HEADER), inner, nothing,
                               record + QN_RECORD_HEADER, record + QN_RECORD_HEADER + inner.n),
                  QN_OK);
    return qn_slice_of(record, QN_RECORD_HEADER + inner.n + QN_TAG);
}

START_TEST(verified_records_of_wrong_form_are_refused)
{
    static uint8_t large[QN_RECORD_CONTENT_MAX + 2];

    must_not_open(forge(qt_hex("00")), QN_PROTO); /* no inner type */
    must_not_open(forge(qt_hex("0000000000")), QN_PROTO);
    must_not_open(forge(qt_hex("aabb16")), QN_PROTO); /* handshake is no type of ours */
    must_not_open(forge(qt_hex("15")), QN_PROTO);     /* alerts are two bytes */
    must_not_open(forge(qt_hex("01020315")), QN_PROTO);
    memset(large, 1, sizeof large);
    large[sizeof large - 1] = QN_INNER_FRAMES; /* 16,385 bytes of content */
    must_not_open(forge(qn_slice_of(large, sizeof large)), QN_PROTO);
    must_open(forge(qt_hex("010215000000")), qt_hex("0102"), QN_INNER_ALERT);
}
END_TEST

START_TEST(the_tracker_sees_the_first_wrong_byte)
{
    static const struct {
        const char *hex;
        qn_err err;
    } v[] = {
        {"", QN_SHORT},           {"17", QN_SHORT},         {"1703", QN_SHORT},
        {"170303", QN_SHORT},     {"17030300", QN_SHORT},   {"1703030011", QN_OK},
        {"1703034100", QN_OK},    {"1703034101", QN_PROTO}, {"1703030010", QN_PROTO},
        {"16", QN_PROTO},         {"1702", QN_PROTO},       {"170301", QN_PROTO},
        {"170304", QN_PROTO},     {"1703030000", QN_PROTO}, {"474554202f", QN_PROTO},
        {"170303ffff", QN_PROTO},
    };

    for (size_t i = 0; i < QN_LEN(v); i++) {
        qn_slice p = qt_hex(v[i].hex);
        size_t size = 0;

        qt_assert_err(qn_record_track(p.p, p.n, &size), v[i].err);
        if (v[i].err == QN_OK)
            ck_assert_uint_eq(size, QN_RECORD_HEADER + qn_get16(p.p + 3));
    }
}
END_TEST

START_TEST(without_memory_nothing_moves)
{
    uint64_t seq = tx.seq;

    for (uint64_t i = 1; i <= 2; i++) {
        qt_alloc_fail_at(i);
        qt_assert_err(seal(qn_slice_of("abc", 3), nothing, QN_INNER_FRAMES), QN_NOMEM);
        ck_assert_uint_eq(tx.seq, seq);
        ck_assert_uint_eq(out.bytes, 0);
    }
    qt_alloc_fail_at(1);
    must_not_open(qt_doc_hex("record.md", "first"), QN_NOMEM);
    qt_alloc_fail_at(0);
    must_open(qt_doc_hex("record.md", "first"), qt_doc_hex("frame.md", "ping"), QN_INNER_FRAMES);
}
END_TEST

/* ---- nonces ---------------------------------------------------------------------------------- */

START_TEST(rekey_is_due_at_the_first_of_time_records_and_bytes)
{
    ck_assert(!qn_record_rekey_due(&tx, t.env.now));
    ck_assert(!qn_record_rekey_due(&tx, t.env.now + QN_REKEY_AFTER - 1));
    ck_assert(qn_record_rekey_due(&tx, t.env.now + QN_REKEY_AFTER));
    tx.seq = QN_REKEY_RECORDS - 1;
    ck_assert(!qn_record_rekey_due(&tx, t.env.now));
    tx.seq++;
    ck_assert(qn_record_rekey_due(&tx, t.env.now));
    qt_assert_err(qn_record_ratchet(&tx, &t.env), QN_OK);
    ck_assert_uint_eq(tx.seq, 0);
    ck_assert(!qn_record_rekey_due(&tx, t.env.now));
    tx.bytes = QN_REKEY_BYTES;
    ck_assert(qn_record_rekey_due(&tx, t.env.now));
}
END_TEST

typedef struct used {
    uint8_t key[32], nonce[12];
} used;

static int compare_used(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(used));
}

/* P2. Counters begin just below the hard stop and at 0, and ratchets fall in between. */
START_TEST(no_key_and_nonce_pair_repeats_across_ratchets_and_at_the_end)
{
    static used seen[4096];
    size_t n = 0;
    unsigned exhausted = 0;

    for (unsigned epoch = 0; epoch < 40; epoch++) {
        if (epoch % 4 == 1)
            tx.seq = QN_RECORDS_HARD - 2;
        for (unsigned i = 0; i < 50; i++) {
            qn_nonce nonce = qn_nonce_xor(tx.iv, tx.seq);
            qn_err err = seal(qn_slice_of("x", 1), nothing, QN_INNER_FRAMES);

            if (err == QN_EXHAUSTED) {
                exhausted++;
                continue;
            }
            qt_assert_err(err, QN_OK);
            memcpy(seen[n].key, tx.key.b, 32);
            memcpy(seen[n++].nonce, nonce.b, 12);
        }
        sealed();
        qt_assert_err(qn_record_ratchet(&tx, &t.env), QN_OK);
    }
    ck_assert_uint_eq(exhausted, 10 * 48);
    qsort(seen, n, sizeof seen[0], compare_used);
    for (size_t i = 1; i < n; i++)
        ck_assert(compare_used(&seen[i - 1], &seen[i]) != 0);
}
END_TEST

START_TEST(a_receiver_stops_at_the_end_too)
{
    rx.seq = QN_RECORDS_HARD;
    must_not_open(qt_doc_hex("record.md", "first"), QN_EXHAUSTED);
}
END_TEST

START_TEST(a_ratchet_leaves_nothing_of_the_old_secret)
{
    qn_record_keys old = tx;

    qt_assert_err(qn_record_ratchet(&tx, &t.env), QN_OK);
    ck_assert_mem_ne(tx.secret.b, old.secret.b, 32);
    ck_assert_mem_ne(tx.key.b, old.key.b, 32);
    ck_assert_mem_ne(tx.iv, old.iv, 12);
    qn_record_keys_wipe(&tx);
    for (size_t i = 0; i < sizeof tx; i++)
        ck_assert_uint_eq(((const uint8_t *)&tx)[i], 0);
}
END_TEST

static Suite *record_suite(void)
{
    Suite *s = suite_create("carrier/record");
    TCase *tc = tcase_create("record");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, document_examples_are_what_is_sealed);
    tcase_add_test(tc, document_examples_open);
    tcase_add_test(tc, zeros_pad_to_any_length_and_open_to_the_content);
    tcase_add_test(tc, any_split_of_any_size_round_trips);
    tcase_add_test(tc, small_records_share_a_block);
    tcase_add_test(tc, small_content_comes_in_a_small_block);
    tcase_add_test(tc, both_directions_count_their_plaintext);
    tcase_add_test(tc, every_flipped_byte_is_noticed_and_the_record_stays_as_it_was);
    tcase_add_test(tc, replayed_and_skipped_records_are_refused);
    tcase_add_test(tc, verified_records_of_wrong_form_are_refused);
    tcase_add_test(tc, the_tracker_sees_the_first_wrong_byte);
    tcase_add_test(tc, without_memory_nothing_moves);
    tcase_add_test(tc, rekey_is_due_at_the_first_of_time_records_and_bytes);
    tcase_add_test(tc, no_key_and_nonce_pair_repeats_across_ratchets_and_at_the_end);
    tcase_add_test(tc, a_receiver_stops_at_the_end_too);
    tcase_add_test(tc, a_ratchet_leaves_nothing_of_the_old_secret);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(record_suite)

/* PROOF, message 3 and what follows: known answers of an independent implementation, and whatever
 * else must not open. */
#include "support/json.h"

#include "htx/keys.h"

enum { VECTORS = 3 };

static qt_env t;
static const json_t *vectors;

/* One vector, and both handshakes after message 1. */
static struct {
    const json_t *json;
    qn_noise c, p;
    qn_hash passed, sent;
    qn_mlkem_dk mlkem;
    qn_mlkem_ek ek;
    bool hybrid;
    qn_terms offer;
    qn_choice choice;
} v;

static void copy(void *out, const char *key, size_t n)
{
    qn_slice s = qt_json_hex(v.json, key);

    ck_assert_uint_eq(s.n, n);
    memcpy(out, s.p, n);
}

static void copy_tag(void *out, const char *key)
{
    qn_slice s = qt_json_hex(qt_json_get(v.json, "tag"), key);

    ck_assert_uint_eq(s.n, 32);
    memcpy(out, s.p, 32);
}

/* Handshakes as message 1 leaves them (tag_test.c shows that it does). */
static void begin(void)
{
    qn_noise x = {.pattern = &qn_noise_xkpsk0, .has_e = true, .has_s = true, .step = 1};
    qn_dh_secret mirror;

    copy_tag(x.h.b, "hash_after");
    copy_tag(x.ck.b, "ck_after");
    v.c = v.p = x;
    v.c.initiator = v.c.has_rs = true;
    copy_tag(v.c.e.b, "e");
    qn_dh_derive(&v.c.e, &v.c.e_pub);
    copy_tag(v.c.s.b, "own");
    qn_dh_derive(&v.c.s, &v.c.s_pub);
    copy_tag(mirror.b, "mirror_secret");
    v.p.s = mirror;
    qn_dh_derive(&mirror, &v.p.s_pub);
    v.c.rs = v.p.s_pub;
    v.p.re = v.c.e_pub;
    v.p.has_re = true;
    copy(v.p.e.b, "answer_secret", 32);
    qn_dh_derive(&v.p.e, &v.p.e_pub);
}

static void copy_vouch(qn_vouch *out, const char *key)
{
    uint8_t bytes[QN_VOUCH_SIZE];

    copy(bytes, key, sizeof bytes);
    memcpy(out->identity.b, bytes, 32);
    memcpy(out->signature.b, bytes + 32, 64);
}

static void load(int i)
{
    memset(&v, 0, sizeof v);
    v.json = json_array_get(qt_json_get(vectors, "vectors"), (size_t)i);
    begin();
    copy(v.passed.b, "passed", 32);
    copy(v.sent.b, "sent", 32);
    v.hybrid = json_object_get(v.json, "mlkem_d") != NULL;
    if (v.hybrid) {
        qn_mlkem_secret secret;

        copy(secret.d, "mlkem_d", 32);
        copy(secret.z, "mlkem_z", 32);
        qt_assert_err(qn_mlkem_keygen(&t.env, &secret, &v.ek, &v.mlkem), QN_OK);
        qt_assert_bytes(v.ek.b, sizeof v.ek.b, qt_json_hex(v.json, "mlkem_ek"));
    }
    v.offer = (qn_terms){.time = (uint32_t)qt_json_int(v.json, "time"),
                         .max_record = (uint16_t)qt_json_int(v.json, "max_record"),
                         .ciphers = (uint8_t)qt_json_int(v.json, "ciphers"),
                         .features = (uint16_t)qt_json_int(v.json, "features")};
    copy_vouch(&v.offer.vouch, "vouch");
    v.choice.claim = qt_json_hex(v.json, "id").n > 0;
    if (v.choice.claim) {
        copy(v.choice.id.b, "id", 32);
        copy_vouch(&v.choice.vouch, "own_vouch");
    }
    v.choice.frames = qt_json_hex(v.json, "frames");
}

static void setup(void)
{
    qt_env_open(&t, 12);
    vectors = qt_vector_json("htx/keys.json");
    ck_assert_uint_eq(json_array_size(qt_json_get(vectors, "vectors")), VECTORS);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static qn_err write_proof(const qn_terms *offer, uint8_t *out, size_t *n)
{
    qn_htx_kem kem = {.offered = v.hybrid, .u.ek = v.ek};

    qt_assert_err(qn_htx_proof_prepare(&v.p, &t.env, &kem), QN_OK);
    return qn_htx_proof_write(&v.p, &t.env, &v.passed, &kem, offer, out, n);
}

static qn_err read_proof(qn_slice content, qn_terms *offer)
{
    return qn_htx_proof_read(&v.c, &t.env, &v.passed, v.hybrid ? &v.mlkem : NULL, content, offer);
}

static void must_be_offer(const qn_terms *got)
{
    ck_assert_uint_eq(got->time, v.offer.time);
    ck_assert_uint_eq(got->max_record, v.offer.max_record);
    ck_assert_uint_eq(got->ciphers, v.offer.ciphers);
    ck_assert_uint_eq(got->features, v.offer.features);
    ck_assert_mem_eq(&got->vouch, &v.offer.vouch, sizeof got->vouch);
}

static void read_right_proof(void)
{
    qn_terms got;

    qt_assert_err(read_proof(qt_json_hex(v.json, "proof"), &got), QN_OK);
    must_be_offer(&got);
}

/* ---- known answers ------------------------------------------------------------------------- */

static void check_lock(const qn_htx_lock *k, const char *lock, const char *record,
                       const char *content)
{
    qn_slice want = qt_json_hex(v.json, lock), whole = qt_json_hex(v.json, record);
    static uint8_t out[QN_BLOCK_LARGE];
    size_t n;

    ck_assert_mem_eq(k->key.b, want.p, 32);
    ck_assert_mem_eq(k->iv, want.p + 32, 12);
    qt_assert_err(qn_htx_lock_seal(k, &t.env, qt_json_hex(v.json, content), out, whole.n), QN_OK);
    qt_assert_bytes(out, whole.n, whole);
    qt_assert_err(qn_htx_lock_open(k, &t.env, whole.p, whole.n, out, &n), QN_OK);
    qt_assert_bytes(out, n, qt_json_hex(v.json, content));
}

START_TEST(a_client_derives_what_the_reference_does)
{
    uint8_t out[1024];
    qn_record_keys tx, rx;
    qn_htx_lock lock;
    qn_key resume;
    size_t n;

    load(_i);
    qt_assert_err(qn_htx_lock_proof(&lock, &t.env, &v.c), QN_OK);
    check_lock(&lock, "proof_lock", "proof_record", "proof");
    read_right_proof();
    qt_assert_err(qn_htx_lock_final(&lock, &t.env, &v.c), QN_OK);
    check_lock(&lock, "final_lock", "final_record", "final");
    qt_assert_err(qn_htx_final_write(&v.c, &t.env, &v.sent, &v.choice, out, &n), QN_OK);
    ck_assert_uint_le(n, QN_HTX_FINAL_CONTENT_MAX + v.choice.frames.n);
    qt_assert_bytes(out, n, qt_json_hex(v.json, "final"));
    qt_assert_bytes(qn_noise_hash(&v.c)->b, 32, qt_json_hex(v.json, "hash"));
    qt_assert_err(qn_terms_split(&v.c, &t.env, &tx, &rx, &resume), QN_OK);
    qt_assert_bytes(tx.secret.b, 32, qt_json_hex(v.json, "first"));
    qt_assert_bytes(rx.secret.b, 32, qt_json_hex(v.json, "second"));
    qt_assert_bytes(resume.b, 32, qt_json_hex(v.json, "resume"));
}
END_TEST

/* Its ciphertext is random, so the peer is held against the client instead of the reference. */
START_TEST(a_peer_and_its_client_derive_the_same)
{
    uint8_t proof[QN_HTX_PROOF_CONTENT_MAX], final[1024], plain[1024];
    qn_record_keys ctx, crx, ptx, prx;
    qn_terms offer;
    qn_choice choice;
    qn_key a, b;
    size_t n;

    load(_i);
    qt_assert_err(write_proof(&v.offer, proof, &n), QN_OK);
    ck_assert_uint_eq(n, qt_json_hex(v.json, "proof").n);
    if (!v.hybrid)
        qt_assert_bytes(proof, n, qt_json_hex(v.json, "proof"));
    qt_assert_err(read_proof(qn_slice_of(proof, n), &offer), QN_OK);
    must_be_offer(&offer);
    qt_assert_err(qn_htx_final_write(&v.c, &t.env, &v.sent, &v.choice, final, &n), QN_OK);
    qt_assert_err(
        qn_htx_final_read(&v.p, &t.env, &v.sent, qn_slice_of(final, n), 1, plain, &choice), QN_OK);
    ck_assert_int_eq(choice.claim, v.choice.claim);
    ck_assert_mem_eq(choice.id.b, v.choice.id.b, 32);
    ck_assert_mem_eq(&choice.vouch, &v.choice.vouch, sizeof choice.vouch);
    qt_assert_bytes(choice.frames.p, choice.frames.n, v.choice.frames);
    ck_assert_mem_eq(v.p.rs.b, v.c.s_pub.b, 32);
    qt_assert_err(qn_terms_split(&v.c, &t.env, &ctx, &crx, &a), QN_OK);
    qt_assert_err(qn_terms_split(&v.p, &t.env, &ptx, &prx, &b), QN_OK);
    ck_assert_mem_eq(&ctx, &prx, sizeof ctx);
    ck_assert_mem_eq(&crx, &ptx, sizeof crx);
    ck_assert_mem_eq(a.b, b.b, 32);
}
END_TEST

/* ---- what must not open -------------------------------------------------------------------- */

static void must_refuse_proof(qn_slice content)
{
    qn_noise before = v.c;
    qn_terms offer = {0};
    qn_err err = read_proof(content, &offer);

    ck_assert_int_eq(qn_err_band(err), QN_BAND_PEER);
    ck_assert_mem_eq(&before, &v.c, sizeof before);
    ck_assert_uint_eq(offer.max_record, 0);
}

START_TEST(a_changed_proof_is_refused_and_the_true_one_still_read)
{
    uint8_t content[QN_HTX_PROOF_CONTENT_MAX + 1];
    qn_slice right;

    load(_i);
    right = qt_json_hex(v.json, "proof");
    memcpy(content, right.p, right.n);
    content[right.n] = 0;
    for (size_t at = 0; at < right.n; at += at < 32 || at + 40 > right.n ? 1 : 97) {
        content[at] ^= 1;
        must_refuse_proof(qn_slice_of(content, right.n));
        content[at] ^= 1;
    }
    must_refuse_proof(qn_slice_of(content, right.n - 1));
    must_refuse_proof(qn_slice_of(content, right.n + 1));
    must_refuse_proof(qn_slice_of(content, 0));
    v.passed.b[0] ^= 1;
    must_refuse_proof(right);
    v.passed.b[0] ^= 1;
    v.mlkem.b[0] ^= v.hybrid;
    if (v.hybrid)
        must_refuse_proof(right);
    v.mlkem.b[0] ^= v.hybrid;
    read_right_proof();
}
END_TEST

START_TEST(an_offer_out_of_range_is_refused)
{
    static const qn_terms wrong[] = {{.max_record = 511, .ciphers = 1},
                                     {.max_record = 16385, .ciphers = 1},
                                     {.max_record = 512, .ciphers = 2},
                                     {.max_record = 512, .ciphers = 0}};
    uint8_t proof[QN_HTX_PROOF_CONTENT_MAX];
    size_t n;

    load(0);
    qt_assert_err(write_proof(&wrong[_i], proof, &n), QN_OK);
    must_refuse_proof(qn_slice_of(proof, n));
}
END_TEST

START_TEST(a_changed_final_is_refused_and_the_true_one_still_read)
{
    uint8_t proof[QN_HTX_PROOF_CONTENT_MAX], final[1024] = {0}, plain[1024];
    qn_terms offer;
    qn_choice choice = {0};
    qn_noise before;
    size_t n;

    load(_i);
    qt_assert_err(write_proof(&v.offer, proof, &n), QN_OK);
    qt_assert_err(read_proof(qn_slice_of(proof, n), &offer), QN_OK);
    qt_assert_err(qn_htx_final_write(&v.c, &t.env, &v.sent, &v.choice, final, &n), QN_OK);
    before = v.p;
    for (size_t at = 0; at <= n; at++) { /* at n: one byte too many */
        final[at] ^= 1;
        ck_assert_int_ne(qn_htx_final_read(&v.p, &t.env, &v.sent,
                                           qn_slice_of(final, at < n ? n : n + 1), 1, plain,
                                           &choice),
                         QN_OK);
        final[at] ^= 1;
        ck_assert_mem_eq(&before, &v.p, sizeof before);
    }
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_int_ne(
            qn_htx_final_read(&v.p, &t.env, &v.sent, qn_slice_of(final, cut), 1, plain, &choice),
            QN_OK);
    ck_assert_mem_eq(&before, &v.p, sizeof before);
    qt_assert_err(
        qn_htx_final_read(&v.p, &t.env, &v.sent, qn_slice_of(final, n), 1, plain, &choice), QN_OK);
}
END_TEST

START_TEST(a_cipher_that_was_not_offered_is_refused)
{
    uint8_t proof[QN_HTX_PROOF_CONTENT_MAX], final[1024], plain[1024];
    static const uint8_t cipher[] = {1, 2, 8, 255};
    qn_terms offer;
    qn_choice choice = {0};
    size_t n;

    load(0);
    qt_assert_err(write_proof(&v.offer, proof, &n), QN_OK);
    qt_assert_err(read_proof(qn_slice_of(proof, n), &offer), QN_OK);
    v.choice.cipher = cipher[_i];
    qt_assert_err(qn_htx_final_write(&v.c, &t.env, &v.sent, &v.choice, final, &n), QN_OK);
    qt_assert_err(
        qn_htx_final_read(&v.p, &t.env, &v.sent, qn_slice_of(final, n), 1, plain, &choice),
        QN_PROTO);
}
END_TEST

START_TEST(a_locked_record_opens_only_as_it_was)
{
    uint8_t record[200], out[200];
    qn_slice content = qt_noise(3, 100);
    qn_htx_lock lock;
    size_t n;

    load(0);
    qt_assert_err(qn_htx_lock_proof(&lock, &t.env, &v.c), QN_OK);
    qt_assert_err(qn_htx_lock_seal(&lock, &t.env, content, record, 121), QN_LIMIT);
    qt_assert_err(qn_htx_lock_seal(&lock, &t.env, content, record, 122), QN_OK);
    qt_assert_err(qn_htx_lock_seal(&lock, &t.env, content, record, sizeof record), QN_OK);
    for (size_t at = 0; at < sizeof record; at++) {
        record[at] ^= 0x10;
        qt_assert_err(qn_htx_lock_open(&lock, &t.env, record, sizeof record, out, &n), QN_AUTH);
        record[at] ^= 0x10;
    }
    qt_assert_err(qn_htx_lock_open(&lock, &t.env, record, 21, out, &n), QN_AUTH);
    qt_assert_err(qn_htx_lock_open(&lock, &t.env, record, sizeof record, out, &n), QN_OK);
    qt_assert_bytes(out, n, content);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx keys");
    TCase *tc = tcase_create("keys");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_client_derives_what_the_reference_does, 0, VECTORS);
    tcase_add_loop_test(tc, a_peer_and_its_client_derive_the_same, 0, VECTORS);
    tcase_add_loop_test(tc, a_changed_proof_is_refused_and_the_true_one_still_read, 0, VECTORS);
    tcase_add_loop_test(tc, an_offer_out_of_range_is_refused, 0, 4);
    tcase_add_loop_test(tc, a_changed_final_is_refused_and_the_true_one_still_read, 0, VECTORS);
    tcase_add_loop_test(tc, a_cipher_that_was_not_offered_is_refused, 0, 4);
    tcase_add_test(tc, a_locked_record_opens_only_as_it_was);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)

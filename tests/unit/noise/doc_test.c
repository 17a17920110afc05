/* docs/wire/noise.md shows a whole handshake in hex; this plays it. */
#include "support/qt.h"

#include "noise/noise.h"

static qt_env t;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static qn_dh_secret secret(const char *id)
{
    qn_slice hex = qt_doc_hex("noise.md", id);
    qn_dh_secret s;

    ck_assert_uint_eq(hex.n, sizeof s.b);
    memcpy(s.b, hex.p, sizeof s.b);
    return s;
}

static void pass(qn_noise *from, qn_noise *to, const char *id)
{
    qn_slice want = qt_doc_hex("noise.md", id);
    uint8_t wire[128], none[1];
    size_t n = qn_noise_size(from, 0);

    ck_assert_uint_le(n, sizeof wire);
    qt_assert_err(qn_noise_write(from, &t.env, (qn_slice){0}, wire), QN_OK);
    qt_assert_bytes(wire, n, want);
    qt_assert_err(qn_noise_read(to, &t.env, want, none, &n), QN_OK);
    ck_assert_uint_eq(n, 0);
}

START_TEST(the_documented_handshake_is_what_it_says)
{
    qn_dh_secret s_i = secret("initiator-static"), e_i = secret("initiator-ephemeral");
    qn_dh_secret s_r = secret("responder-static"), e_r = secret("responder-ephemeral");
    qn_dh_public rs;
    qn_noise i, r;
    qn_key first, second;

    qn_dh_derive(&s_r, &rs);
    qt_assert_err(
        qn_noise_init(
            &i, &t.env,
            &(qn_noise_cfg){
                .pattern = &qn_noise_xkpsk0, .initiator = true, .s = &s_i, .e = &e_i, .rs = &rs}),
        QN_OK);
    qt_assert_err(qn_noise_init(&r, &t.env,
                                &(qn_noise_cfg){.pattern = &qn_noise_xkpsk0, .s = &s_r, .e = &e_r}),
                  QN_OK);
    pass(&i, &r, "message-1");
    pass(&r, &i, "message-2");
    pass(&i, &r, "message-3");
    qt_assert_bytes(qn_noise_hash(&r)->b, sizeof(qn_hash), qt_doc_hex("noise.md", "hash"));
    qt_assert_err(qn_noise_split(&r, &t.env, &first, &second), QN_OK);
    qt_assert_bytes(first.b, sizeof first.b, qt_doc_hex("noise.md", "first"));
    qt_assert_bytes(second.b, sizeof second.b, qt_doc_hex("noise.md", "second"));
    qt_assert_err(qn_aead_rekey(&t.env, &first), QN_OK);
    qt_assert_bytes(first.b, sizeof first.b, qt_doc_hex("noise.md", "rekeyed"));
}
END_TEST

static Suite *doc_suite(void)
{
    Suite *s = suite_create("noise/doc");
    TCase *tc = tcase_create("doc");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_documented_handshake_is_what_it_says);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(doc_suite)

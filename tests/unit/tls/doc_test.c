/* docs/wire/tls.md shows a profile, the hello it makes, and the client's small messages; this makes
 * them. */
#include "fixture.h"

static qt_env t;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void count_up(uint8_t *p, size_t n, uint8_t from)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(from + i);
}

START_TEST(the_documented_profile_makes_the_documented_hello)
{
    qn_slice bytes = qt_doc_hex("tls.md", "profile");
    uint8_t out[QN_TLS_HELLO_MAX];
    qn_tls_shares shares;
    qn_tls_draw draw;
    qn_tls_profile p;
    size_t n, cut;

    qt_assert_err(qn_tls_profile_read(&p, &t.env, bytes), QN_OK);
    qt_assert_bytes(p.id.b, sizeof p.id.b, qt_doc_hex("tls.md", "profile-id"));
    qn_tls_draw_make(&draw, &t.env, &p, 0);
    count_up(draw.random, 32, 0);
    count_up(draw.session_id, 32, 0x20);
    draw.grease[QN_TLS_GREASE_CIPHER] = 0x1a1a;
    draw.grease[QN_TLS_GREASE_GROUP] = 0x2a2a;
    qn_tls_shares_draw(&shares, &t.env, false);
    count_up(shares.x25519.b, 32, 0x40);
    qn_dh_derive(&shares.x25519, &shares.x25519_pub);
    qt_assert_err(
        qn_tls_hello_write(&(qn_tls_hello_spec){.profile = &p, .name = qn_slice_of("a.example", 9)},
                           &draw, &shares, &t.env, out, &n, &cut),
        QN_OK);
    qt_assert_bytes(out, n, qt_doc_hex("tls.md", "hello"));
    ck_assert_uint_eq(cut, n);
}
END_TEST

START_TEST(the_shipped_profiles_have_the_documented_names)
{
    qn_tls_profile p = tls_profile(&t, tls_profiles[_i]);

    qt_assert_bytes(p.id.b, sizeof p.id.b, qt_doc_hex("tls.md", tls_profiles[_i]));
}
END_TEST

static Suite *doc_suite(void)
{
    Suite *s = suite_create("tls/doc");
    TCase *tc = tcase_create("doc");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_documented_profile_makes_the_documented_hello);
    tcase_add_loop_test(tc, the_shipped_profiles_have_the_documented_names, 0,
                        QN_LEN(tls_profiles));
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(doc_suite)

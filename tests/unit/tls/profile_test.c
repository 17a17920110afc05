/* Profiles: the shipped ones say what was captured, and nothing unsound is accepted. */
#include "fixture.h"

#include "base/cbor.h"

static qt_env t;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

START_TEST(chromium_says_what_was_captured)
{
    qn_tls_profile p = tls_profile(&t, "chromium-156");
    bool have;

    ck_assert_uint_eq(p.name.n, strlen("chromium-156"));
    ck_assert(p.permuted && !p.one_x25519);
    ck_assert_uint_eq(p.ext_n, 19);
    ck_assert_uint_eq(p.ext[0].type, QN_TLS_GREASE);
    ck_assert_uint_eq(p.ext[18].type, QN_TLS_GREASE);
    ck_assert_uint_eq(p.share_n, 3);
    ck_assert_uint_eq(p.ech_size_n[0], 4);
    ck_assert_uint_eq(p.ech_size_n[1], 4);
    ck_assert_uint_eq(p.resumed_drops_n, 0);
    ck_assert_uint_eq(p.ech_step, 0);
    ck_assert(p.ccs_first && !p.farewell);
    ck_assert_uint_eq(qn_tls_profile_ext(&p, 0xca34, &have).n, 186);
    ck_assert(have);
}
END_TEST

START_TEST(firefox_says_what_was_captured)
{
    qn_tls_profile p = tls_profile(&t, "firefox-esr-153");

    ck_assert(!p.permuted && p.one_x25519);
    ck_assert_uint_eq(p.ext_n, 17);
    ck_assert_uint_eq(p.ech_size[0][0], 239);
    ck_assert_uint_eq(p.ech_size[1][0], 239);
    ck_assert_uint_eq(p.resumed_drops_n, 1);
    ck_assert_uint_eq(p.resumed_drops[0], 35);
    ck_assert_uint_eq(p.ech_step, 32);
    ck_assert_uint_eq(p.ech_rest[0], 11);
    ck_assert_uint_eq(p.ech_rest[1], 27);
    ck_assert(!p.ccs_first && p.farewell);
}
END_TEST

START_TEST(its_hash_names_it)
{
    qn_slice bytes = tls_profile_bytes(tls_profiles[_i]);
    qn_tls_profile p = tls_profile(&t, tls_profiles[_i]);
    qn_hash h;

    qt_assert_err(qn_sha256(&t.env, &bytes, 1, &h), QN_OK);
    ck_assert_mem_eq(p.id.b, h.b, sizeof h.b);
}
END_TEST

START_TEST(it_ends_on_its_date)
{
    qn_tls_profile p = tls_profile(&t, tls_profiles[_i]);

    qt_assert_err(qn_tls_profile_fresh(&p, p.captured), QN_OK);
    qt_assert_err(qn_tls_profile_fresh(&p, p.expires - 1), QN_OK);
    qt_assert_err(qn_tls_profile_fresh(&p, p.expires), QN_EXPIRED);
}
END_TEST

START_TEST(cut_anywhere_it_is_refused)
{
    qn_slice bytes = tls_profile_bytes(tls_profiles[_i]);
    qn_tls_profile p;

    for (size_t n = 0; n < bytes.n; n++)
        ck_assert_int_ne(qn_tls_profile_read(&p, &t.env, qn_slice_of(bytes.p, n)), QN_OK);
}
END_TEST

/* Whatever is still accepted can be written as a hello, or is too long for one. */
START_TEST(any_changed_byte_is_refused_or_harmless)
{
    qn_slice bytes = tls_profile_bytes(tls_profiles[_i]);
    uint8_t copy[4096];
    tls_made made;

    ck_assert_uint_le(bytes.n, sizeof copy);
    for (size_t i = 0; i < bytes.n; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            qn_tls_profile p;

            memcpy(copy, bytes.p, bytes.n);
            copy[i] ^= (uint8_t)(1u << bit);
            if (qn_tls_profile_read(&p, &t.env, qn_slice_of(copy, bytes.n)) == QN_OK &&
                (i * 8 + bit) % 16 == 0)
                tls_make(&made, &t, &p, NULL);
        }
}
END_TEST

/* ---- unsound templates --------------------------------------------------------------------- */

typedef struct parts {
    uint64_t version;
    const char *ciphers;
    unsigned ext_n;
    struct {
        uint16_t type;
        const char *body;
    } ext[6];
    unsigned share_n;
    uint16_t share[3];
    bool one_x25519;
    unsigned aead_n, size_n;
    uint16_t size;
    uint16_t growth[3]; /* step, least rest, most rest */
    uint16_t pause[2];
} parts;

/* The least that is sound. */
static const parts plain = {
    .version = 1,
    .ciphers = "1301",
    .ext_n = 5,
    .ext = {{0, ""}, {10, "0006 11ec 001d 0017"}, {13, "0002 0403"}, {43, "02 0304"}, {51, ""}},
    .share_n = 1,
    .share = {29},
};

static qn_err verdict(const parts *x)
{
    uint8_t buf[512];
    qn_slice ciphers = qt_hex(x->ciphers);
    qn_tls_profile p;
    qn_cbor_w w;

    qn_cbor_w_init(&w, buf, sizeof buf);
    qn_cbor_map(&w, 14);
    qn_cbor_uint(&w, 0);
    qn_cbor_uint(&w, x->version);
    qn_cbor_uint(&w, 1);
    qn_cbor_text(&w, "x", 1);
    qn_cbor_uint(&w, 2);
    qn_cbor_uint(&w, 1);
    qn_cbor_uint(&w, 3);
    qn_cbor_uint(&w, 2);
    qn_cbor_uint(&w, 4);
    qn_cbor_bytes(&w, ciphers.p, ciphers.n);
    qn_cbor_uint(&w, 5);
    qn_cbor_array(&w, x->ext_n);
    for (unsigned i = 0; i < x->ext_n; i++) {
        qn_slice body = qt_hex(x->ext[i].body);

        qn_cbor_array(&w, 2);
        qn_cbor_uint(&w, x->ext[i].type);
        qn_cbor_bytes(&w, body.p, body.n);
    }
    qn_cbor_uint(&w, 6);
    qn_cbor_bool(&w, false);
    qn_cbor_uint(&w, 7);
    qn_cbor_array(&w, x->share_n);
    for (unsigned i = 0; i < x->share_n; i++)
        qn_cbor_uint(&w, x->share[i]);
    qn_cbor_uint(&w, 8);
    qn_cbor_bool(&w, x->one_x25519);
    qn_cbor_uint(&w, 9);
    qn_cbor_array(&w, 3);
    qn_cbor_array(&w, x->aead_n);
    for (unsigned i = 0; i < x->aead_n; i++)
        qn_cbor_uint(&w, 1);
    for (unsigned kind = 0; kind < 2; kind++) {
        qn_cbor_array(&w, x->size_n);
        for (unsigned i = 0; i < x->size_n; i++)
            qn_cbor_uint(&w, x->size);
    }
    qn_cbor_uint(&w, 10);
    qn_cbor_array(&w, 4);
    qn_cbor_array(&w, 0);
    for (unsigned i = 0; i < 3; i++)
        qn_cbor_uint(&w, x->growth[i]);
    qn_cbor_uint(&w, 11);
    qn_cbor_map(&w, 0);
    qn_cbor_uint(&w, 12);
    qn_cbor_array(&w, 4);
    qn_cbor_uint(&w, 0);
    qn_cbor_bool(&w, false);
    qn_cbor_bool(&w, false);
    qn_cbor_array(&w, 2);
    qn_cbor_uint(&w, x->pause[0]);
    qn_cbor_uint(&w, x->pause[1]);
    qn_cbor_uint(&w, 13);
    qn_cbor_map(&w, 0);
    qt_assert_err(w.err, QN_OK);
    return qn_tls_profile_read(&p, &t.env, qn_slice_of(buf, w.n));
}

START_TEST(the_least_template_is_sound)
{
    qt_assert_err(verdict(&plain), QN_OK);
}
END_TEST

START_TEST(unsound_templates_are_refused)
{
    parts x;

#define REFUSED(err, change)                                                                       \
    do {                                                                                           \
        x = plain;                                                                                 \
        change;                                                                                    \
        qt_assert_err(verdict(&x), (err));                                                         \
    } while (0)
    REFUSED(QN_VERSION, x.version = 2);
    REFUSED(QN_PROTO, x.ciphers = "c02b");               /* no suite of TLS 1.3 */
    REFUSED(QN_PROTO, x.ciphers = "130113");             /* half a suite */
    REFUSED(QN_PROTO, x.ext[0].body = "00");             /* names are built */
    REFUSED(QN_PROTO, x.ext[0].type = 1);                /* no name at all */
    REFUSED(QN_PROTO, x.ext[1].body = "0006 11ec 001d"); /* a list that ends early */
    REFUSED(QN_PROTO, x.ext[2].body = "0000");           /* no signature algorithm */
    REFUSED(QN_PROTO, x.ext[3].body = "02 0303");        /* TLS 1.2 only */
    REFUSED(QN_PROTO, x.ext[4].type = 17);               /* no shares */
    REFUSED(QN_PROTO, (x.ext_n = 6, x.ext[5].type = 13, x.ext[5].body = "0002 0403")); /* twice */
    REFUSED(QN_PROTO, (x.ext_n = 6, x.ext[5].type = 41, x.ext[5].body = ""));
    REFUSED(QN_PROTO, (x.ext_n = 6, x.ext[5].type = 65037, x.ext[5].body = "")); /* without sizes */
    REFUSED(QN_PROTO, (x.aead_n = 1, x.size_n = 1, x.size = 144)); /* sizes of no extension */
    REFUSED(QN_PROTO, x.share_n = 0);
    REFUSED(QN_PROTO, x.share[0] = 24);                  /* not among the groups */
    REFUSED(QN_PROTO, x.share[0] = 0x100);               /* not one we know */
    REFUSED(QN_PROTO, (x.share_n = 2, x.share[1] = 29)); /* twice */
    REFUSED(QN_PROTO, x.one_x25519 = true);              /* nothing to share it with */
    REFUSED(QN_LIMIT, (x.ext_n = 6, x.ext[5].type = 65037, x.ext[5].body = "", x.aead_n = 9));
    REFUSED(QN_PROTO, (x.ext_n = 6, x.ext[5].type = 65037, x.ext[5].body = "", x.aead_n = 1,
                       x.size_n = 1, x.size = 641));
    REFUSED(QN_PROTO, x.growth[0] = 32); /* of an ECH that is not there */
    REFUSED(QN_PROTO, x.growth[2] = 1);  /* rests of no step */
    REFUSED(QN_PROTO, (x.ext_n = 6, x.ext[5].type = 65037, x.ext[5].body = "", x.aead_n = 1,
                       x.size_n = 1, x.growth[0] = 32, x.growth[2] = 32)); /* no rest of 32 */
    REFUSED(QN_PROTO, (x.ext_n = 6, x.ext[5].type = 65037, x.ext[5].body = "", x.aead_n = 1,
                       x.size_n = 1, x.growth[0] = 641));
    REFUSED(QN_PROTO, (x.pause[0] = 2, x.pause[1] = 1));
    REFUSED(QN_PROTO, x.pause[1] = QN_TLS_PAUSE_MAX + 1);
#undef REFUSED
}
END_TEST

static Suite *profile_suite(void)
{
    Suite *s = suite_create("tls/profile");
    TCase *tc = tcase_create("profile");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, chromium_says_what_was_captured);
    tcase_add_test(tc, firefox_says_what_was_captured);
    tcase_add_loop_test(tc, its_hash_names_it, 0, QN_LEN(tls_profiles));
    tcase_add_loop_test(tc, it_ends_on_its_date, 0, QN_LEN(tls_profiles));
    tcase_add_loop_test(tc, cut_anywhere_it_is_refused, 0, QN_LEN(tls_profiles));
    tcase_add_loop_test(tc, any_changed_byte_is_refused_or_harmless, 0, QN_LEN(tls_profiles));
    tcase_add_test(tc, the_least_template_is_sound);
    tcase_add_test(tc, unsound_templates_are_refused);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(profile_suite)

/* RESUME: what proves the right to a link, and on which carrier. */
#include "link/resume.h"
#include "support/qt.h"

static const qn_key secret = {.b = {1, 2, 3}}, another = {.b = {1, 2, 4}};
static const qn_hash here = {.b = {7}}, elsewhere = {.b = {8}};

static qt_env t;
static qn_resume right;
static uint8_t wire[QN_FRAME_RESUME_SIZE];

static qn_frame read_back(void)
{
    qn_frame f;
    size_t used;

    qt_assert_err(qn_frame_get(&f, wire, sizeof wire, &used), QN_OK);
    ck_assert_uint_eq(used, sizeof wire);
    ck_assert_int_eq(f.type, QN_FRAME_RESUME);
    return f;
}

static void setup(void)
{
    qt_env_open(&t, 1);
    qt_assert_err(qn_resume_init(&right, &t.env, &secret), QN_OK);
    qt_assert_err(qn_resume_put(&right, &t.env, QN_RESUME_DIALLER, &here, 4660, wire), QN_OK);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static qn_err check(const qn_resume *r, qn_resume_side side, const qn_hash *carrier)
{
    qn_frame f = read_back();

    return qn_resume_check(r, &t.env, side, carrier, &f);
}

START_TEST(a_proof_holds_on_its_carrier_for_its_side)
{
    ck_assert_uint_ne(right.token, 0);
    ck_assert_uint_eq(read_back().received, 4660);
    qt_assert_err(check(&right, QN_RESUME_DIALLER, &here), QN_OK);
}
END_TEST

START_TEST(a_replayed_resume_is_refused)
{
    qt_assert_err(check(&right, QN_RESUME_DIALLER, &elsewhere), QN_AUTH);
}
END_TEST

START_TEST(a_reflected_resume_is_refused)
{
    qt_assert_err(check(&right, QN_RESUME_DIALLED, &here), QN_AUTH);
}
END_TEST

START_TEST(other_units_than_were_proved_are_refused)
{
    wire[QN_FRAME_HEADER + 8 + 7] ^= 1;
    qt_assert_err(check(&right, QN_RESUME_DIALLER, &here), QN_AUTH);
}
END_TEST

START_TEST(another_links_secret_proves_nothing)
{
    qn_resume other;

    qt_assert_err(qn_resume_init(&other, &t.env, &another), QN_OK);
    ck_assert_uint_ne(other.token, right.token);
    other.token = right.token;
    qt_assert_err(check(&other, QN_RESUME_DIALLER, &here), QN_AUTH);
}
END_TEST

START_TEST(every_bit_of_token_and_proof_counts)
{
    unsigned byte = _i < 8 ? (unsigned)_i : (unsigned)_i + 8;

    wire[QN_FRAME_HEADER + byte] ^= 0x10;
    qt_assert_err(check(&right, QN_RESUME_DIALLER, &here), QN_AUTH);
}
END_TEST

START_TEST(no_right_accepts_nothing)
{
    qn_resume none = {0};

    qt_assert_err(check(&none, QN_RESUME_DIALLER, &here), QN_AUTH);
}
END_TEST

START_TEST(resume_is_found_behind_what_is_the_carriers)
{
    qn_frame f;

    qt_assert_err(qn_resume_find(qt_hex("000002 00 ffff 000001 24 00 000000 30"), &f), QN_OK);
    ck_assert_int_eq(f.type, QN_FRAME_RESUME);
    ck_assert_uint_eq(f.body.n, 0);
    qt_assert_err(qn_resume_check(&right, &t.env, QN_RESUME_DIALLED, &here, &f), QN_UNKNOWN);
    qt_assert_err(qn_resume_find(qt_hex("000002 00 ffff 000001 24 00"), &f), QN_SHORT);
    qt_assert_err(qn_resume_find(qt_hex("000008 18 0000000000000002 000000 30"), &f), QN_STATE);
    qt_assert_err(qn_resume_find(qt_hex("000002 30 0000"), &f), QN_PROTO);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("link claim");
    TCase *c = tcase_create("resume");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_proof_holds_on_its_carrier_for_its_side);
    tcase_add_test(c, a_replayed_resume_is_refused);
    tcase_add_test(c, a_reflected_resume_is_refused);
    tcase_add_test(c, other_units_than_were_proved_are_refused);
    tcase_add_test(c, another_links_secret_proves_nothing);
    tcase_add_loop_test(c, every_bit_of_token_and_proof_counts, 0, 24);
    tcase_add_test(c, no_right_accepts_nothing);
    tcase_add_test(c, resume_is_found_behind_what_is_the_carriers);
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)

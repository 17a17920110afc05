/* Of one version one list is signed, whatever the clock does and however often one starts again. */
#include "node/signed.h"

#include "base/cbor.h"
#include "base/limits.h"
#include "support/qt.h"

static signed_versions s;
static qt_env t;

static qn_statement statement(int64_t version)
{
    return (qn_statement){.version = version, .until = version + QN_SNAPSHOT_LIVES_S};
}

static bool sign(int64_t version)
{
    qn_statement what = statement(version);

    if (signed_free(&s, version) != version)
        return false;
    signed_add(&s, &what);
    return true;
}

/* As it comes back from disk. */
static void restart(void)
{
    uint8_t file[SIGNED_FILE_MAX];
    size_t n = signed_write(&s, file);
    signed_versions again = {0};

    qt_assert_err(signed_read(&again, qn_slice_of(file, n)), QN_OK);
    ck_assert_uint_eq(again.n, s.n);
    ck_assert_mem_eq(again.v, s.v, s.n * sizeof s.v[0]);
    s = again;
}

static void setup(void)
{
    qt_env_open(&t, 1);
    s = (signed_versions){0};
}

static void teardown(void)
{
    qt_env_close(&t);
}

START_TEST(what_was_signed_is_spent_and_all_before_it)
{
    qn_statement other = statement(1200);

    ck_assert(sign(1200));
    ck_assert(sign(1203));
    ck_assert(!sign(1203));
    ck_assert(!sign(1201));
    ck_assert(!sign(300));
    ck_assert_int_eq(signed_free(&s, 1), 1204);
    ck_assert(!signed_may(&s, &other));
    other = statement(1203);
    ck_assert(signed_may(&s, &other)); /* the same once more */
    other.until++;
    ck_assert(!signed_may(&s, &other));
}
END_TEST

START_TEST(a_leap_leaves_what_lies_between_free)
{
    ck_assert(sign(3000));
    ck_assert(sign(90000));
    ck_assert(sign(90003));
    restart();
    ck_assert(sign(3003));
    ck_assert(!sign(3000));
    ck_assert(sign(89997));
    ck_assert(!sign(90000));
    ck_assert(!sign(90003));
    ck_assert(sign(90006));
}
END_TEST

/* Clocks that leap to and fro, over restarts: no version twice; and one that goes steadily may
 * always sign again soon after the last leap. */
START_TEST(no_version_is_signed_twice)
{
    enum { VERSIONS = 40000 };
    static bool was[VERSIONS];
    qn_env *env = &t.env;
    unsigned count = 0;
    int64_t at = 1;

    memset(was, 0, sizeof was);
    for (unsigned i = 0; i < 20000; i++) {
        if (qn_rng_below(env, 50) == 0)
            at = 1 + (int64_t)qn_rng_below(env, VERSIONS - 1);
        at += qn_rng_below(env, 8);
        at = at < VERSIONS ? at : 1;
        if (sign(at)) {
            ck_assert(!was[at]);
            was[at] = true;
            count++;
        }
        if (qn_rng_below(env, 10) == 0)
            restart();
    }
    ck_assert_uint_gt(count, 100);
}
END_TEST

START_TEST(files_of_before_are_read_and_damaged_ones_are_not)
{
    static const uint8_t empty_list[] = {0x80};
    uint8_t file[SIGNED_FILE_MAX], before[64];
    size_t n;
    qn_cbor_w w;

    ck_assert(sign(3000));
    ck_assert(sign(90000));
    n = signed_write(&s, file);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_ne(signed_read(&s, qn_slice_of(file, i)), QN_OK);
    ck_assert_int_ne(signed_read(&s, qn_slice_of(empty_list, 1)), QN_OK);
    qn_cbor_w_init(&w, before, sizeof before);
    qn_cbor_array(&w, 3);
    qn_cbor_uint(&w, 5000);
    qn_cbor_uint(&w, 8600);
    qn_cbor_bytes(&w, s.last.hash.b, sizeof s.last.hash.b);
    qt_assert_err(signed_read(&s, qn_slice_of(before, w.n)), QN_OK);
    ck_assert_int_eq(signed_free(&s, 1), 5001);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("node/signed");
    TCase *tc = tcase_create("signed");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_was_signed_is_spent_and_all_before_it);
    tcase_add_test(tc, a_leap_leaves_what_lies_between_free);
    tcase_add_test(tc, no_version_is_signed_twice);
    tcase_add_test(tc, files_of_before_are_read_and_damaged_ones_are_not);
    suite_add_tcase(all, tc);
    return all;
}

QT_MAIN(suite)

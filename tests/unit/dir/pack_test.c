/* Packed documents: what comes back, and what is refused before memory is taken. */
#include "unit/dir/fixture.h"

#include "dir/pack.h"

static qn_blob packed, back;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qn_blob_clear(&packed, &t.env.mem);
    qn_blob_clear(&back, &t.env.mem);
    qt_env_close(&t);
}

static qn_slice bytes(void)
{
    return qn_slice_of(packed.p, packed.n);
}

static qn_err unpack(qn_slice in, size_t max)
{
    qn_blob_clear(&back, &t.env.mem);
    return qn_unpack(&back, &t.env.mem, in, max);
}

START_TEST(what_is_packed_comes_back)
{
    static const size_t sizes[] = {1, 100, 70000, QN_SNAPSHOT_MAX};

    for (size_t i = 0; i < QN_LEN(sizes); i++) {
        qn_slice in = qt_noise(i, sizes[i]);

        qn_blob_clear(&packed, &t.env.mem);
        qt_assert_err(qn_pack(&packed, &t.env.mem, in), QN_OK);
        qt_assert_err(unpack(bytes(), QN_SNAPSHOT_MAX), QN_OK);
        qt_assert_bytes(back.p, back.n, in);
    }
}
END_TEST

START_TEST(the_same_document_gives_the_same_bytes)
{
    qn_slice in = qt_noise(1, 5000);

    qt_assert_err(qn_pack(&packed, &t.env.mem, in), QN_OK);
    qt_assert_err(qn_pack(&back, &t.env.mem, in), QN_OK);
    qt_assert_bytes(back.p, back.n, bytes());
}
END_TEST

/* 4 MiB of zeros are 200 bytes packed: who allows one byte less pays nothing for them. */
START_TEST(too_long_a_document_costs_nothing)
{
    uint8_t *zeros = qn_mem_get(&t.env.mem, QN_SNAPSHOT_MAX);

    qt_assert_err(qn_pack(&packed, &t.env.mem, qn_slice_of(zeros, QN_SNAPSHOT_MAX)), QN_OK);
    qn_mem_put(&t.env.mem, zeros, QN_SNAPSHOT_MAX);
    ck_assert_uint_lt(packed.n, 1000);
    t.env.mem.peak = t.env.mem.used;
    qt_assert_err(unpack(bytes(), QN_SNAPSHOT_MAX - 1), QN_LIMIT);
    ck_assert_uint_eq(t.env.mem.peak, t.env.mem.used);
    qt_assert_err(unpack(bytes(), QN_SNAPSHOT_MAX), QN_OK);
}
END_TEST

START_TEST(whatever_is_missing_or_too_much_is_refused)
{
    qn_slice in = qt_noise(3, 500);
    uint8_t *copy;

    qt_assert_err(qn_pack(&packed, &t.env.mem, in), QN_OK);
    for (size_t n = 0; n < packed.n; n++)
        qt_assert_err(unpack(qn_slice_of(packed.p, n), 1000), QN_PROTO);
    copy = qn_mem_get(&t.env.mem, packed.n + 1);
    memcpy(copy, packed.p, packed.n);
    qt_assert_err(unpack(qn_slice_of(copy, packed.n + 1), 1000), QN_PROTO);
    qn_mem_put(&t.env.mem, copy, packed.n + 1);
}
END_TEST

/* A frame may leave out the length of its content, name a dictionary, or be one to pass over. */
START_TEST(only_frames_that_say_how_long_they_are)
{
    static const struct {
        const char *hex;
        qn_err err;
    } v[] = {
        {"28b52ffd 20 03 190000 616263", QN_OK},       /* single segment, 3 bytes raw */
        {"28b52ffd 00 58 190000 616263", QN_PROTO},    /* a window, no length */
        {"28b52ffd 21 07 03 190000 616263", QN_PROTO}, /* dictionary 7 */
        {"28b52ffd 20 04 190000 616263", QN_PROTO},    /* says 4 bytes, has 3 */
        {"28b52ffd 20 02 190000 616263", QN_PROTO},    /* says 2 bytes, has 3 */
        {"28b52ffd 20 00 010000", QN_PROTO},           /* nothing */
        {"502a4d18 03000000 616263", QN_PROTO},        /* a skippable frame */
    };

    for (size_t i = 0; i < QN_LEN(v); i++) {
        qn_slice in = qt_hex(v[i].hex);

        qt_assert_err(unpack(in, 100), v[i].err);
    }
}
END_TEST

START_TEST(without_memory_nothing_is_left)
{
    qn_slice in = qt_noise(5, 3000);
    uint64_t used;

    qt_assert_err(qn_pack(&packed, &t.env.mem, in), QN_OK);
    used = t.env.mem.used;
    for (uint64_t i = 1; i <= 2; i++) {
        qt_alloc_fail_at(i);
        qt_assert_err(unpack(bytes(), 5000), QN_NOMEM);
        ck_assert_uint_eq(t.env.mem.used, used);
    }
    for (uint64_t i = 1; i <= 3; i++) {
        qt_alloc_fail_at(i);
        qt_assert_err(qn_pack(&back, &t.env.mem, in), QN_NOMEM);
        ck_assert_uint_eq(t.env.mem.used, used);
    }
    qt_alloc_fail_at(0);
}
END_TEST

static Suite *pack_suite(void)
{
    Suite *s = suite_create("dir/pack");
    TCase *tc = tcase_create("pack");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_is_packed_comes_back);
    tcase_add_test(tc, the_same_document_gives_the_same_bytes);
    tcase_add_test(tc, too_long_a_document_costs_nothing);
    tcase_add_test(tc, whatever_is_missing_or_too_much_is_refused);
    tcase_add_test(tc, only_frames_that_say_how_long_they_are);
    tcase_add_test(tc, without_memory_nothing_is_left);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(pack_suite)

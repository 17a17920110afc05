/* Onion layers: the table of cell.md, byte for byte, and what the layers refuse. */
#include "support/qt.h"

#include "circuit/onion.h"

#include <stdio.h>
#include <stdlib.h>

static qt_env t;
static qn_key k1, k2;
static qn_onion client[2], joint, end;
static uint8_t cell[QN_CELL_L];

/* What the vectors' filler is made of: 16 bytes from `filler_n`. */
static unsigned filler_n;

static void fill_counting(void *ctx, void *out, size_t n)
{
    uint8_t *p = out;

    (void)ctx;
    ck_assert_uint_eq(n, QN_TAG);
    for (unsigned i = 0; i < QN_TAG; i++)
        p[i] = (uint8_t)(0xa0 + i + filler_n);
}

static void fresh_layers(void)
{
    qn_onion_init(&client[0], &k1, &k2);
    qn_onion_init(&client[1], &k2, &k1);
    joint = client[0];
    end = client[1];
}

static void setup(void)
{
    qt_env_open(&t, 1);
    memset(&k1, 1, sizeof k1);
    memset(&k2, 2, sizeof k2);
    fresh_layers();
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void write_text(size_t size, unsigned n)
{
    for (size_t i = 0; i < qn_cell_text(size); i++)
        cell[i] = (uint8_t)(7 * i + 13 * n);
}

static bool is_text(size_t size, unsigned n)
{
    for (size_t i = 0; i < qn_cell_text(size); i++)
        if (cell[i] != (uint8_t)(7 * i + 13 * n))
            return false;
    return true;
}

/* ---- vectors --------------------------------------------------------------------------------- */

static qt_records vectors;

static const qt_record *vector_for(const char *class, unsigned n)
{
    for (size_t i = 0; i < vectors.n; i++)
        if (strcmp(qt_field(&vectors.v[i], "CLASS"), class) == 0 &&
            strtoul(qt_field(&vectors.v[i], "N"), NULL, 10) == n)
            return &vectors.v[i];
    return NULL;
}

static void compare(const qt_record *r, const char *key, size_t size)
{
    qn_slice whole = qn_slice_of(cell, size);
    qn_hash hash;

    if (size == QN_CELL_S) {
        qt_assert_bytes(cell, size, qt_field_hex(r, key));
        return;
    }
    qt_assert_err(qn_sha256(&t.env, &whole, 1, &hash), QN_OK);
    qt_assert_bytes(hash.b, sizeof hash.b, qt_field_hex(r, key));
}

/* Runs `last` cells of a class and compares those the file has; returns how many it had. */
static unsigned run_vectors(const char *class, size_t size, unsigned last, bool forward)
{
    unsigned compared = 0;

    for (filler_n = 0; filler_n < last; filler_n++) {
        const qt_record *r = vector_for(class, filler_n);

        write_text(size, filler_n);
        if (forward) {
            qt_assert_err(qn_onion_client_forward(client, 2, &t.env, cell, size), QN_OK);
            if (r != NULL)
                compare(r, "LEFT", size);
            qt_assert_err(qn_onion_joint_forward(&joint, &t.env, cell, size), QN_OK);
            if (r != NULL)
                compare(r, "RIGHT", size);
            qt_assert_err(qn_onion_end_forward(&end, &t.env, cell, size), QN_OK);
        } else {
            qt_assert_err(qn_onion_end_backward(&end, &t.env, cell, size), QN_OK);
            if (r != NULL)
                compare(r, "RIGHT", size);
            qt_assert_err(qn_onion_joint_backward(&joint, &t.env, cell, size), QN_OK);
            if (r != NULL)
                compare(r, "LEFT", size);
            qt_assert_err(qn_onion_client_backward(client, 2, &t.env, cell, size), QN_OK);
        }
        ck_assert(is_text(size, filler_n));
        compared += r != NULL;
    }
    return compared;
}

static void vector_keys(void)
{
    vectors = qt_vector_records("circuit/onion.txt", "N");
    qt_hex_into(k1.b, sizeof k1.b, qt_field(&vectors.v[0], "K1"));
    qt_hex_into(k2.b, sizeof k2.b, qt_field(&vectors.v[0], "K2"));
    qn_onion_init(&client[0], &k1, &k1);
    qn_onion_init(&client[1], &k2, &k2);
    joint = client[0];
    end = client[1];
    qt_assert_err(qn_onion_extended(&client[0], &t.env), QN_OK);
    qt_assert_err(qn_onion_extended(&joint, &t.env), QN_OK);
    t.env.rng.fill = fill_counting;
}

START_TEST(layers_agree_with_the_independent_script)
{
    bool forward = _i == 0;

    vector_keys();
    ck_assert_uint_eq(vectors.n, 9);
    ck_assert_uint_eq(run_vectors("S", QN_CELL_S, 129, forward), 7);
    vector_keys();
    ck_assert_uint_eq(run_vectors("L", QN_CELL_L, 2, forward), 2);
}
END_TEST

START_TEST(two_hops_have_the_right_hand_column)
{
    qn_onion one;

    vector_keys();
    qn_onion_init(&one, &k2, &k2);
    for (filler_n = 0; filler_n < 129; filler_n++) {
        const qt_record *r = vector_for("S", filler_n);

        write_text(QN_CELL_S, filler_n);
        qt_assert_err(qn_onion_client_forward(&one, 1, &t.env, cell, QN_CELL_S), QN_OK);
        if (r != NULL)
            compare(r, "RIGHT", QN_CELL_S);
        qt_assert_err(qn_onion_end_forward(&end, &t.env, cell, QN_CELL_S), QN_OK);
        ck_assert(is_text(QN_CELL_S, filler_n));
        qt_assert_err(qn_onion_end_backward(&end, &t.env, cell, QN_CELL_S), QN_OK);
        qt_assert_err(qn_onion_client_backward(&one, 1, &t.env, cell, QN_CELL_S), QN_OK);
        ck_assert(is_text(QN_CELL_S, filler_n));
    }
}
END_TEST

/* ---- tampering ------------------------------------------------------------------------------- */

static const size_t classes[] = {QN_CELL_S, QN_CELL_L};

/* A cell on its way is changed in front of the place that opens it. Every bit flipped must be
 * caught by that place, but for the filler, which nobody reads. */
typedef enum place { JOINT_FORWARD, END_FORWARD, CLIENT_OUTER, CLIENT_INNER, PLACES } place;

/* A cell as it arrives at the place, and the layers as they are then. */
static void arrive(place at, size_t size)
{
    fresh_layers();
    write_text(size, 0);
    if (at == JOINT_FORWARD || at == END_FORWARD)
        qt_assert_err(qn_onion_client_forward(client, 2, &t.env, cell, size), QN_OK);
    if (at == END_FORWARD)
        qt_assert_err(qn_onion_joint_forward(&joint, &t.env, cell, size), QN_OK);
    if (at == CLIENT_OUTER || at == CLIENT_INNER)
        qt_assert_err(qn_onion_end_backward(&end, &t.env, cell, size), QN_OK);
    if (at == CLIENT_OUTER)
        qt_assert_err(qn_onion_joint_backward(&joint, &t.env, cell, size), QN_OK);
}

/* CLIENT_INNER is a flip on the joint's far side: an honest joint seals it, the client catches it.
 */
static qn_err take(place at, size_t size)
{
    qn_err err = QN_OK;

    switch (at) {
    case JOINT_FORWARD:
        return qn_onion_joint_forward(&joint, &t.env, cell, size);
    case END_FORWARD:
        return qn_onion_end_forward(&end, &t.env, cell, size);
    case CLIENT_INNER:
        err = qn_onion_joint_backward(&joint, &t.env, cell, size);
        break;
    case CLIENT_OUTER:
    case PLACES:
        break;
    }
    return err == QN_OK ? qn_onion_client_backward(client, 2, &t.env, cell, size) : err;
}

static bool in_filler(place at, size_t size, size_t i)
{
    return (at == END_FORWARD || at == CLIENT_INNER) && i >= size - QN_TAG;
}

static unsigned caught, harmless, missed;

static void flip_each(place at, size_t size, size_t step)
{
    for (size_t i = 0; i < size; i += step) {
        qn_err err;

        arrive(at, size);
        cell[i] ^= (uint8_t)(1u << (i % 8));
        err = take(at, size);
        if (err == QN_AUTH)
            caught++;
        else if (err == QN_OK && in_filler(at, size, i) && (at == END_FORWARD || is_text(size, 0)))
            harmless++;
        else
            missed++;
    }
}

/* 4 places x (1,056 + 16,288) bytes = 69,376 flips, of which 4 x 16 lie in filler. */
START_TEST(one_bit_flipped_in_any_byte_is_caught_at_the_next_honest_place)
{
    for (unsigned class = 0; class < QN_LEN(classes); class ++)
        for (unsigned at = 0; at < PLACES; at++)
            flip_each((place)at, classes[class], 1);
    ck_assert_uint_eq(missed, 0);
    ck_assert_uint_eq(caught, 69312);
    ck_assert_uint_eq(harmless, 64);
}
END_TEST

START_TEST(a_failure_wipes_both_keys_and_stays)
{
    static const uint8_t zeros[sizeof(qn_key)];

    arrive(END_FORWARD, QN_CELL_S);
    cell[0] ^= 1;
    qt_assert_err(take(END_FORWARD, QN_CELL_S), QN_AUTH);
    ck_assert_mem_eq(end.forward.key.b, zeros, sizeof zeros);
    ck_assert_mem_eq(end.backward.key.b, zeros, sizeof zeros);
    qt_assert_err(take(END_FORWARD, QN_CELL_S), QN_EXHAUSTED);
    qt_assert_err(qn_onion_end_backward(&end, &t.env, cell, QN_CELL_S), QN_EXHAUSTED);
    qt_assert_err(qn_onion_extended(&end, &t.env), QN_EXHAUSTED);
}
END_TEST

START_TEST(the_client_wipes_every_layer_when_one_fails)
{
    arrive(CLIENT_INNER, QN_CELL_S);
    cell[0] ^= 1;
    qt_assert_err(take(CLIENT_INNER, QN_CELL_S), QN_AUTH);
    for (unsigned i = 0; i < 2; i++)
        ck_assert_uint_eq(client[i].forward.n, QN_LAYER_CELLS_MAX);
}
END_TEST

/* ---- order ----------------------------------------------------------------------------------- */

static uint8_t kept[2][QN_CELL_S];

static void two_cells(place at)
{
    arrive(at, QN_CELL_S);
    memcpy(kept[0], cell, QN_CELL_S);
    write_text(QN_CELL_S, 1);
    if (at == JOINT_FORWARD) {
        qt_assert_err(qn_onion_client_forward(client, 2, &t.env, cell, QN_CELL_S), QN_OK);
    } else {
        qt_assert_err(qn_onion_end_backward(&end, &t.env, cell, QN_CELL_S), QN_OK);
        qt_assert_err(qn_onion_joint_backward(&joint, &t.env, cell, QN_CELL_S), QN_OK);
    }
    memcpy(kept[1], cell, QN_CELL_S);
}

static qn_err take_kept(place at, unsigned i)
{
    memcpy(cell, kept[i], QN_CELL_S);
    return take(at, QN_CELL_S);
}

START_TEST(only_the_next_cell_opens)
{
    place at = _i == 0 ? JOINT_FORWARD : CLIENT_OUTER;

    two_cells(at); /* in order */
    qt_assert_err(take_kept(at, 0), QN_OK);
    qt_assert_err(take_kept(at, 1), QN_OK);
    two_cells(at); /* a replay */
    qt_assert_err(take_kept(at, 0), QN_OK);
    qt_assert_err(take_kept(at, 0), QN_AUTH);
    two_cells(at); /* the first one lost, or the two swapped */
    qt_assert_err(take_kept(at, 1), QN_AUTH);
    qt_assert_err(take_kept(at, 0), QN_EXHAUSTED);
}
END_TEST

START_TEST(a_cell_of_the_other_direction_does_not_open)
{
    arrive(END_FORWARD, QN_CELL_S);
    qt_assert_err(qn_onion_client_backward(&client[1], 1, &t.env, cell, QN_CELL_S), QN_AUTH);
}
END_TEST

START_TEST(filler_is_fresh_at_every_place_that_writes_it)
{
    uint8_t first[QN_TAG];

    arrive(END_FORWARD, QN_CELL_S);
    memcpy(first, cell + QN_CELL_S - QN_TAG, QN_TAG);
    arrive(END_FORWARD, QN_CELL_S);
    ck_assert_mem_ne(first, cell + QN_CELL_S - QN_TAG, QN_TAG);
}
END_TEST

/* ---- counters -------------------------------------------------------------------------------- */

START_TEST(the_key_steps_after_every_64_cells_and_never_back)
{
    qn_key before = end.backward.key, expect = before;

    qt_assert_err(qn_aead_rekey(&t.env, &expect), QN_OK);
    for (unsigned n = 0; n < 64; n++) {
        ck_assert_mem_eq(end.backward.key.b, before.b, sizeof before.b);
        qt_assert_err(qn_onion_end_backward(&end, &t.env, cell, QN_CELL_S), QN_OK);
    }
    ck_assert_mem_eq(end.backward.key.b, expect.b, sizeof expect.b);
    ck_assert_uint_eq(end.backward.n, 64);
    ck_assert_mem_ne(end.forward.key.b, expect.b, sizeof expect.b);
}
END_TEST

START_TEST(a_role_change_steps_both_keys_and_leaves_the_counters)
{
    qn_key forward = end.forward.key, backward = end.backward.key;

    end.forward.n = 5;
    end.backward.n = 6;
    qt_assert_err(qn_onion_extended(&end, &t.env), QN_OK);
    qt_assert_err(qn_aead_rekey(&t.env, &forward), QN_OK);
    qt_assert_err(qn_aead_rekey(&t.env, &backward), QN_OK);
    ck_assert_mem_eq(end.forward.key.b, forward.b, sizeof forward.b);
    ck_assert_mem_eq(end.backward.key.b, backward.b, sizeof backward.b);
    ck_assert_uint_eq(end.forward.n, 5);
    ck_assert_uint_eq(end.backward.n, 6);
}
END_TEST

START_TEST(a_cell_sealed_before_the_role_change_does_not_open_after_it)
{
    qt_assert_err(qn_onion_client_forward(&client[1], 1, &t.env, cell, QN_CELL_S), QN_OK);
    qt_assert_err(qn_onion_extended(&end, &t.env), QN_OK);
    qt_assert_err(qn_onion_joint_forward(&end, &t.env, cell, QN_CELL_S), QN_AUTH);
}
END_TEST

START_TEST(the_last_cell_is_2_to_the_32_minus_1)
{
    for (unsigned i = 0; i < 2; i++)
        client[i].forward.n = client[i].backward.n = QN_LAYER_CELLS_MAX - 2;
    joint = client[0];
    end = client[1];
    for (unsigned i = 0; i < 2; i++) {
        write_text(QN_CELL_S, i);
        qt_assert_err(qn_onion_client_forward(client, 2, &t.env, cell, QN_CELL_S), QN_OK);
        qt_assert_err(qn_onion_joint_forward(&joint, &t.env, cell, QN_CELL_S), QN_OK);
        qt_assert_err(qn_onion_end_forward(&end, &t.env, cell, QN_CELL_S), QN_OK);
        ck_assert(is_text(QN_CELL_S, i));
    }
    qt_assert_err(qn_onion_joint_forward(&joint, &t.env, cell, QN_CELL_S), QN_EXHAUSTED);
    qt_assert_err(qn_onion_end_forward(&end, &t.env, cell, QN_CELL_S), QN_EXHAUSTED);
    qt_assert_err(qn_onion_client_forward(client, 2, &t.env, cell, QN_CELL_S), QN_EXHAUSTED);
}
END_TEST

static Suite *onion_suite(void)
{
    Suite *s = suite_create("circuit/onion");
    TCase *tc = tcase_create("onion");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, layers_agree_with_the_independent_script, 0, 2);
    tcase_add_test(tc, two_hops_have_the_right_hand_column);
    tcase_add_test(tc, one_bit_flipped_in_any_byte_is_caught_at_the_next_honest_place);
    tcase_add_test(tc, a_failure_wipes_both_keys_and_stays);
    tcase_add_test(tc, the_client_wipes_every_layer_when_one_fails);
    tcase_add_loop_test(tc, only_the_next_cell_opens, 0, 2);
    tcase_add_test(tc, a_cell_of_the_other_direction_does_not_open);
    tcase_add_test(tc, filler_is_fresh_at_every_place_that_writes_it);
    tcase_add_test(tc, the_key_steps_after_every_64_cells_and_never_back);
    tcase_add_test(tc, a_role_change_steps_both_keys_and_leaves_the_counters);
    tcase_add_test(tc, a_cell_sealed_before_the_role_change_does_not_open_after_it);
    tcase_add_test(tc, the_last_cell_is_2_to_the_32_minus_1);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(onion_suite)

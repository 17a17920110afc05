/* Weights by measured capacity: the scale, the median, what co-signers bear, the message. */
#include "unit/dir/fixture.h"

#include "dir/agree.h"
#include "dir/capacity.h"

enum { RELAYS = 8, UNMEASURED = QN_CAPACITY_UNMEASURED };

static qn_registry r;

static void measured_by(qn_registry *x, uint8_t who)
{
    x->measures = true;
    x->me = who;
}

static void setup(void)
{
    fx_open(3, 2, false);
    fx_registry(&r, RELAYS);
    for (uint32_t i = 0; i < r.n; i++)
        r.v[i]->load = r.v[i]->load_before = 0;
    measured_by(&r, 0);
}

static void teardown(void)
{
    qn_registry_clear(&r);
    fx_close();
}

static void say(uint8_t who, uint16_t capacity)
{
    qn_registry_measured(&r, &r.v[0]->d.id, who, capacity);
}

static uint16_t weight(void)
{
    return qn_registry_weight(&r, r.v[0]);
}

START_TEST(capacity_is_proportional_up_to_a_bound)
{
    ck_assert_uint_eq(qn_capacity_of(QN_CAPACITY_STEP * 100, QN_SEC), 100);
    ck_assert_uint_eq(qn_capacity_of(QN_CAPACITY_STEP * 100, 2 * QN_SEC), 50);
    ck_assert_uint_eq(qn_capacity_of(1, 3600 * QN_SEC), 1);
    ck_assert_uint_eq(qn_capacity_of(1u << 30, 0), QN_WEIGHT_MAX);
    ck_assert_uint_eq(qn_capacity_of(0, 0), 1);
}
END_TEST

START_TEST(a_newcomer_weighs_little_until_most_have_measured_it)
{
    ck_assert_uint_eq(weight(), UNMEASURED);
    say(0, 400);
    ck_assert_uint_eq(weight(), UNMEASURED); /* the two others have said nothing */
    say(1, 300);
    ck_assert_uint_eq(weight(), 300);
    say(2, 500);
    ck_assert_uint_eq(weight(), 400);
}
END_TEST

START_TEST(a_lab_trusts_newcomers)
{
    ck_assert_uint_eq(qn_capacity_unmeasured(&net), UNMEASURED);
    net.lab = true;
    ck_assert_uint_eq(qn_capacity_unmeasured(&net), QN_WEIGHT_MAX);
    say(1, 300);
    say(2, 500);
    ck_assert_uint_eq(weight(), 500);
}
END_TEST

START_TEST(a_lone_operator_goes_by_what_it_measured)
{
    net.operators_n = 1;
    say(0, 77);
    ck_assert_uint_eq(weight(), 77);
}
END_TEST

/* Between what the honest say, whatever the third does. */
START_TEST(one_of_three_neither_lifts_nor_starves)
{
    say(0, 100);
    say(1, 200);
    say(2, QN_WEIGHT_MAX);
    ck_assert_uint_eq(weight(), 200);
    say(2, 1);
    ck_assert_uint_eq(weight(), 100);
}
END_TEST

START_TEST(who_signed_two_lists_has_no_say)
{
    net.distrusted = 1 << 2;
    say(2, QN_WEIGHT_MAX);
    say(1, QN_WEIGHT_MAX);
    ck_assert_uint_eq(weight(), UNMEASURED);
    say(0, 90);
    ck_assert_uint_eq(weight(), 90);
}
END_TEST

START_TEST(a_relay_can_only_make_itself_smaller)
{
    say(0, 200);
    say(1, 200);
    r.v[0]->load = 750;
    ck_assert_uint_eq(weight(), 50);
    r.v[0]->load = 1000;
    ck_assert_uint_eq(weight(), 1);
}
END_TEST

/* The others have to hear of it first. */
START_TEST(a_change_counts_when_it_has_settled)
{
    r.settle = QN_SETTLE;
    say(0, 200);
    say(1, 200);
    ck_assert_uint_eq(weight(), UNMEASURED);
    qt_env_step(&t, QN_SETTLE);
    ck_assert_uint_eq(weight(), 200);
}
END_TEST

START_TEST(a_weight_is_fair_from_half_to_double)
{
    say(0, 100);
    say(1, 100);
    qt_env_step(&t, QN_AGREE_GRACE);
    ck_assert(!qn_registry_weight_fair(&r, r.v[0], 49));
    ck_assert(qn_registry_weight_fair(&r, r.v[0], 50));
    ck_assert(qn_registry_weight_fair(&r, r.v[0], 200));
    ck_assert(!qn_registry_weight_fair(&r, r.v[0], 201));
}
END_TEST

START_TEST(what_was_true_just_now_is_still_fair)
{
    say(0, 400);
    say(1, 400);
    ck_assert(qn_registry_weight_fair(&r, r.v[0], UNMEASURED));
    qt_env_step(&t, QN_AGREE_GRACE);
    ck_assert(!qn_registry_weight_fair(&r, r.v[0], UNMEASURED));
}
END_TEST

/* An operator that starts again has forgotten everything: the list still says it. */
START_TEST(what_the_list_says_is_fair)
{
    qn_relay listed = {.d = r.v[0]->d, .weight = 800};
    qn_snapshot list = {.relays_n = 1, .relays = &listed};

    ck_assert(!qn_registry_weight_fair(&r, r.v[0], 800));
    r.list = &list;
    ck_assert(qn_registry_weight_fair(&r, r.v[0], 800));
    ck_assert(!qn_registry_weight_fair(&r, r.v[0], 801));
    r.list = NULL;
}
END_TEST

START_TEST(another_key_or_address_begins_again)
{
    qn_descriptor d = fx_relay(3);
    const qn_registration *e;

    d.sequence = 8;
    qn_registry_measured(&r, &r.v[0]->d.id, 0, 100);
    for (uint32_t i = 0; i < r.n; i++)
        qn_registry_measured(&r, &r.v[i]->d.id, 1, 100);
    qt_env_step(&t, 2 * QN_SEC);
    qt_assert_err(qn_registry_register(&r, fx_signed(&d, 3), NULL), QN_OK);
    e = qn_registry_find(&r, &d.id);
    ck_assert_uint_eq(e->told[1], 100); /* it says something else about itself, no more */
    d.sequence = 9;
    d.addrs[0].ip[0] = 11;
    qt_env_step(&t, 2 * QN_SEC);
    qt_assert_err(qn_registry_register(&r, fx_signed(&d, 3), NULL), QN_OK);
    e = qn_registry_find(&r, &d.id);
    ck_assert_uint_eq(e->told[1], 0);
    ck_assert_uint_eq(e->capacity, UNMEASURED);
}
END_TEST

/* ---- the message ----------------------------------------------------------------------------- */

START_TEST(what_one_measured_the_other_hears)
{
    qn_registry other;
    qn_blob said = {0};

    fx_registry(&other, RELAYS);
    measured_by(&other, 1);
    qn_registry_measured(&r, &r.v[2]->d.id, 0, 1000);
    qn_registry_measured(&r, &r.v[5]->d.id, 0, 7);
    qn_registry_measured(&r, &r.v[6]->d.id, 2, 9); /* not ours to tell */
    qt_assert_err(qn_measures_write(&said, &r, 0), QN_OK);
    qt_assert_err(qn_measures_take(&other, 0, qn_slice_of(said.p, said.n)), QN_OK);
    qn_blob_clear(&said, &t.env.mem);
    ck_assert_uint_eq(other.v[2]->told[0], 1000);
    ck_assert_uint_eq(other.v[5]->told[0], 7);
    ck_assert_uint_eq(other.v[6]->told[2], 0);
    qt_assert_err(qn_measures_write(&said, &r, r.measured), QN_OK);
    ck_assert_uint_eq(said.n, 0);
    qt_assert_err(qn_measures_write(&said, &r, r.measured - 1), QN_OK);
    qt_assert_err(qn_measures_take(&other, 2, qn_slice_of(said.p, said.n)), QN_OK);
    qn_blob_clear(&said, &t.env.mem);
    ck_assert_uint_eq(other.v[2]->told[2], 0);
    ck_assert_uint_eq(other.v[5]->told[2], 7);
    qn_registry_clear(&other);
}
END_TEST

static qn_slice pairs(unsigned n, const uint32_t *at, const uint64_t *capacity)
{
    static uint8_t out[1024];
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, sizeof out);
    qn_cbor_array(&w, n);
    for (unsigned i = 0; i < n; i++) {
        qn_cbor_array(&w, 2);
        qn_cbor_bytes(&w, r.v[at[i]]->d.id.b, 32);
        qn_cbor_uint(&w, capacity[i]);
    }
    return qn_slice_of(out, w.n);
}

/* All of it or nothing. */
START_TEST(a_broken_message_changes_nothing)
{
    static const uint32_t up[] = {1, 2}, twice[] = {2, 2}, down[] = {2, 1};
    static const uint64_t fine[] = {5, 6}, none[] = {5, 0}, much[] = {5, QN_WEIGHT_MAX + 1};
    qn_slice whole;

    qt_assert_err(qn_measures_take(&r, 1, pairs(2, twice, fine)), QN_CANON);
    qt_assert_err(qn_measures_take(&r, 1, pairs(2, down, fine)), QN_CANON);
    qt_assert_err(qn_measures_take(&r, 1, pairs(2, up, none)), QN_PROTO);
    ck_assert(qn_measures_take(&r, 1, pairs(2, up, much)) != QN_OK);
    qt_assert_err(qn_measures_take(&r, 0, pairs(2, up, fine)), QN_REFUSED); /* in our own name */
    whole = pairs(2, up, fine);
    for (size_t n = 0; n < whole.n; n++)
        ck_assert(qn_measures_take(&r, 1, qn_slice_of(whole.p, n)) != QN_OK);
    for (uint32_t i = 0; i < r.n; i++)
        ck_assert_uint_eq(r.v[i]->told[1] | r.v[i]->told[0], 0);
    qt_assert_err(qn_measures_take(&r, 1, whole), QN_OK);
    ck_assert_uint_eq(r.v[2]->told[1], 6);
}
END_TEST

/* ---- lists ----------------------------------------------------------------------------------- */

static qn_err offered_by(const qn_registry *proposer)
{
    qn_blob all = fx_snapshot(proposer, t.env.wall, t.env.wall + 3600, 2);
    qn_differences d;
    qn_signed_list l;
    qn_err err;

    qt_assert_err(qn_signed_list_open(&l, &t.env, &net, qn_slice_of(all.p, all.n)), QN_OK);
    err = qn_proposal_compare(&d, &r, &l, (qn_slice){0});
    qn_blob_clear(&all, &t.env.mem);
    return err;
}

/* And nobody is left out for want of a measurement. */
START_TEST(a_list_that_lifts_a_friend_is_not_signed)
{
    qn_registry liar;

    fx_registry(&liar, RELAYS);
    measured_by(&liar, 1);
    for (uint32_t i = 0; i < RELAYS; i++)
        liar.v[i]->load = 0;
    qt_assert_err(offered_by(&liar), QN_OK);
    liar.v[3]->capacity = 2 * UNMEASURED;
    qt_assert_err(offered_by(&liar), QN_OK);
    liar.v[3]->capacity++;
    qt_assert_err(offered_by(&liar), QN_POLICY);
    liar.v[3]->capacity = UNMEASURED / 2 - 1;
    qt_assert_err(offered_by(&liar), QN_POLICY);
    qn_registry_clear(&liar);
}
END_TEST

static Suite *capacity_suite(void)
{
    Suite *s = suite_create("dir/capacity");
    TCase *tc = tcase_create("capacity");

    tcase_add_checked_fixture(tc, setup, teardown);
    suite_add_tcase(s, tc);
    tcase_add_test(tc, capacity_is_proportional_up_to_a_bound);
    tcase_add_test(tc, a_newcomer_weighs_little_until_most_have_measured_it);
    tcase_add_test(tc, a_lab_trusts_newcomers);
    tcase_add_test(tc, a_lone_operator_goes_by_what_it_measured);
    tcase_add_test(tc, one_of_three_neither_lifts_nor_starves);
    tcase_add_test(tc, who_signed_two_lists_has_no_say);
    tcase_add_test(tc, a_relay_can_only_make_itself_smaller);
    tcase_add_test(tc, a_change_counts_when_it_has_settled);
    tcase_add_test(tc, a_weight_is_fair_from_half_to_double);
    tcase_add_test(tc, what_was_true_just_now_is_still_fair);
    tcase_add_test(tc, what_the_list_says_is_fair);
    tcase_add_test(tc, another_key_or_address_begins_again);
    tcase_add_test(tc, what_one_measured_the_other_hears);
    tcase_add_test(tc, a_broken_message_changes_nothing);
    tcase_add_test(tc, a_list_that_lifts_a_friend_is_not_signed);
    return s;
}

QT_MAIN(capacity_suite)

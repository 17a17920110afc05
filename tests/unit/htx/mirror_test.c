/* Mirror keys through weeks, restarts and wrong clocks. */
#include "support/qt.h"

#include "htx/mirror.h"
#include "htx/replay.h"

enum { WEEK = QN_HTX_EPOCH_S };

static qt_env t;
static qn_htx_mirror m;
static uint8_t file[QN_HTX_MIRROR_FILE_MAX];
static const qn_peerid id = {{1, 2, 3, 4}};

/* In the middle of an epoch, so that a day more or less is in the same. */
static int64_t middle(void)
{
    return qn_htx_epoch_start(&id, qn_htx_epoch(&id, QT_EPOCH)) + WEEK / 2;
}

static void setup(void)
{
    qt_env_open(&t, 1);
    t.env.wall = middle();
    qt_assert_err(qn_htx_mirror_init(&m, (qn_slice){0}), QN_OK);
    m.id = id;
}

static void teardown(void)
{
    qn_htx_mirror_wipe(&m);
    qt_env_close(&t);
}

static void pass(int64_t seconds)
{
    t.env.now += (qn_time)seconds * QN_SEC;
    t.env.wall += seconds;
}

static qn_dh_public key_now(void)
{
    qn_htx_card card;

    qn_htx_mirror_show(&m, t.env.wall, QN_HTX_LISTED_KEYS, &card);
    ck_assert_uint_eq(card.keys_n, QN_HTX_LISTED_KEYS);
    ck_assert_ptr_nonnull(qn_htx_card_at(&card, &id, t.env.wall));
    return *qn_htx_card_at(&card, &id, t.env.wall);
}

static bool tries(const qn_dh_public *key)
{
    qn_htx_mirror_key v[QN_HTX_TRIED_MAX];
    unsigned n = qn_htx_mirror_tried(&m, t.env.wall, v);

    for (unsigned i = 0; i < n; i++)
        if (memcmp(v[i].pub.b, key->b, sizeof key->b) == 0)
            return true;
    return false;
}

START_TEST(a_listed_node_makes_a_key_when_its_time_has_come)
{
    qn_htx_card card;
    qn_dh_public first;

    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    ck_assert(!qn_htx_mirror_turn(&m, &t.env));
    qn_htx_mirror_show(&m, t.env.wall, 3, &card);
    ck_assert_uint_eq(card.keys_n, 1);
    first = card.key[0].key;
    pass(WEEK);
    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    ck_assert_mem_ne(key_now().b, first.b, sizeof first.b);
}
END_TEST

START_TEST(one_who_invites_announces_the_next_before_its_time)
{
    qn_htx_card card;
    qn_dh_public second;

    m.ahead = 1;
    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    qn_htx_mirror_show(&m, t.env.wall, QN_HTX_DESCRIPTOR_KEYS, &card);
    ck_assert_uint_eq(card.keys_n, 2);
    second = card.key[1].key;
    ck_assert_mem_eq(qn_htx_card_at(&card, &id, t.env.wall)->b, card.key[0].key.b, 32);
    pass(WEEK);
    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    ck_assert_mem_eq(key_now().b, second.b, sizeof second.b);
    ck_assert_int_eq(qn_htx_card_until(&card, &id), middle() + WEEK / 2 + 2 * WEEK);
}
END_TEST

/* Whoever has an old list on disk goes by it for a week after the last key it may name was new. */
START_TEST(a_card_leads_to_its_node_as_long_as_it_says_and_no_longer)
{
    qn_htx_card card;

    (void)qn_htx_mirror_turn(&m, &t.env);
    qn_htx_mirror_show(&m, t.env.wall, QN_HTX_LISTED_KEYS, &card);
    for (unsigned hour = 0; hour < 24 * 7 * 3 / 2; hour++) {
        const qn_dh_public *known = qn_htx_card_at(&card, &id, t.env.wall);

        ck_assert_msg(known != NULL && tries(known), "hour %u", hour);
        ck_assert(tries(&(qn_dh_public){{0}}) == false);
        pass(3600);
        (void)qn_htx_mirror_turn(&m, &t.env);
    }
    ck_assert_int_eq(t.env.wall, qn_htx_card_until(&card, &id));
    ck_assert_ptr_null(qn_htx_card_at(&card, &id, t.env.wall));
}
END_TEST

START_TEST(a_key_is_gone_after_the_epoch_behind_its_own)
{
    qn_dh_public first;
    uint8_t used = 0;

    (void)qn_htx_mirror_turn(&m, &t.env);
    first = key_now();
    pass(WEEK / 2 + WEEK + QN_HTX_TAG_SKEW_S - 1);
    (void)qn_htx_mirror_turn(&m, &t.env);
    ck_assert(tries(&first)); /* by a clock that is behind */
    pass(1);
    (void)qn_htx_mirror_turn(&m, &t.env);
    ck_assert(!tries(&first));
    pass(600);
    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    ck_assert_uint_eq(m.n, 1); /* the epoch between was slept through */
    for (size_t i = 0; i < sizeof m.key[0]; i++)
        used |= ((const uint8_t *)&m.key[m.n])[i];
    ck_assert_uint_eq(used, 0);
}
END_TEST

/* Or a week's end would put a thousand descriptors into one hour's delta. */
START_TEST(nodes_change_their_keys_at_times_of_their_own)
{
    unsigned in_hour[24 * 7] = {0};

    for (unsigned i = 0; i < 10000; i++) {
        qn_peerid who;
        int64_t start;

        memcpy(who.b, qt_noise(i, sizeof who.b).p, sizeof who.b);
        start = qn_htx_epoch_start(&who, qn_htx_epoch(&who, QT_EPOCH));
        ck_assert_int_le(start, QT_EPOCH);
        ck_assert_int_gt(start + WEEK, QT_EPOCH);
        in_hour[(QT_EPOCH - start) / 3600]++;
    }
    for (unsigned h = 0; h < QN_LEN(in_hour); h++) /* 60 on average */
        ck_assert_msg(in_hour[h] > 20 && in_hour[h] < 120, "%u in hour %u", in_hour[h], h);
}
END_TEST

START_TEST(due_comes_in_time_for_every_turn)
{
    (void)qn_htx_mirror_turn(&m, &t.env);
    for (unsigned i = 0; i < 24 * 30; i++) {
        qn_time due = qn_htx_mirror_due(&m, &t.env);

        ck_assert_uint_gt(due, t.env.now);
        ck_assert_uint_le(due, t.env.now + 3600 * QN_SEC);
        pass((int64_t)((due - t.env.now + QN_SEC - 1) / QN_SEC));
        (void)qn_htx_mirror_turn(&m, &t.env);
        (void)key_now();
        ck_assert_uint_le(m.n, 3);
    }
}
END_TEST

START_TEST(a_restart_goes_on_with_what_was_stored)
{
    qn_dh_public before;
    qn_htx_mirror again;
    size_t n;

    (void)qn_htx_mirror_turn(&m, &t.env);
    before = key_now();
    qt_assert_err(qn_htx_mirror_save(&m, (qn_span){file, sizeof file}, &n), QN_OK);
    qt_assert_err(qn_htx_mirror_init(&again, qn_slice_of(file, n)), QN_OK);
    ck_assert(!again.used);
    again.used = true;
    qt_assert_err(qn_htx_mirror_save(&again, (qn_span){file, sizeof file}, &n), QN_OK);
    qt_assert_err(qn_htx_mirror_init(&again, qn_slice_of(file, n)), QN_OK);
    ck_assert(again.used);
    again.id = id;
    ck_assert(!qn_htx_mirror_turn(&again, &t.env));
    m = again;
    ck_assert_mem_eq(key_now().b, before.b, sizeof before.b);
}
END_TEST

START_TEST(a_damaged_file_gives_no_keys_at_all)
{
    qn_htx_mirror again;
    size_t n;

    (void)qn_htx_mirror_turn(&m, &t.env);
    qt_assert_err(qn_htx_mirror_save(&m, (qn_span){file, sizeof file}, &n), QN_OK);
    for (size_t cut = 1; cut < n; cut++) {
        ck_assert_int_ne(qn_htx_mirror_init(&again, qn_slice_of(file, cut)), QN_OK);
        ck_assert_uint_eq(again.n, 0);
    }
    file[1]++;
    qt_assert_err(qn_htx_mirror_init(&again, qn_slice_of(file, n)), QN_VERSION);
}
END_TEST

/* Set back to 1970 by an empty battery, or a year ahead by a wrong server, and right again. */
START_TEST(a_clock_that_jumps_and_comes_back_costs_no_key)
{
    int64_t away = _i == 0 ? 1000 - middle() : 52 * (int64_t)WEEK;
    qn_dh_public before;

    (void)qn_htx_mirror_turn(&m, &t.env);
    before = key_now();
    t.env.wall += away;
    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    (void)key_now();
    pass(500);
    (void)qn_htx_mirror_turn(&m, &t.env);
    t.env.wall -= away;
    (void)qn_htx_mirror_turn(&m, &t.env);
    ck_assert(tries(&before));
    ck_assert_mem_eq(key_now().b, before.b, sizeof before.b);
    pass(100); /* what was over for a moment is not over ten minutes later */
    (void)qn_htx_mirror_turn(&m, &t.env);
    ck_assert(tries(&before));
}
END_TEST

/* The secret itself, wherever whoever tries hellos has put it. */
START_TEST(a_key_that_is_over_leaves_no_copy_with_who_tried_it)
{
    qn_htx_mirror_key tried[QN_HTX_TRIED_MAX];
    qn_dh_secret first;

    (void)qn_htx_mirror_turn(&m, &t.env);
    pass(WEEK);
    (void)qn_htx_mirror_turn(&m, &t.env);
    pass(WEEK / 2 + QN_HTX_TAG_SKEW_S - 1);
    ck_assert_uint_eq(qn_htx_mirror_tried(&m, t.env.wall, tried), 2);
    first = tried[1].secret;
    pass(1);
    ck_assert_uint_eq(qn_htx_mirror_tried(&m, t.env.wall, tried), 1);
    for (unsigned i = 0; i < QN_HTX_TRIED_MAX; i++)
        ck_assert_mem_ne(tried[i].secret.b, first.b, sizeof first.b);
}
END_TEST

/* A founder's table is full; keys made for a time that never was give way, not the series. */
START_TEST(clocks_from_everywhere_cost_a_founder_no_key)
{
    static const int away[] = {100, 60, 200, 100, 70};
    qn_dh_public known[QN_HTX_EPOCHS_MAX];

    for (unsigned i = 0; i < QN_HTX_EPOCHS_MAX; i++) {
        t.env.wall = middle() + (int64_t)i * WEEK;
        (void)qn_htx_mirror_turn(&m, &t.env);
        known[i] = key_now();
    }
    for (unsigned i = 0; i < QN_LEN(away); i++) {
        t.env.wall = middle() + away[i] * (int64_t)WEEK;
        (void)qn_htx_mirror_turn(&m, &t.env);
        t.env.wall = middle();
        (void)qn_htx_mirror_turn(&m, &t.env);
    }
    for (unsigned i = 0; i < QN_HTX_EPOCHS_MAX; i++) {
        t.env.wall = middle() + (int64_t)i * WEEK;
        ck_assert_msg(tries(&known[i]), "week %u", i);
    }
}
END_TEST

START_TEST(clocks_from_everywhere_never_fill_the_table)
{
    for (unsigned i = 0; i < 200; i++) {
        t.env.wall = (int64_t)i * 40 * WEEK;
        (void)qn_htx_mirror_turn(&m, &t.env);
        (void)key_now();
        ck_assert_uint_le(m.n, QN_HTX_MIRROR_KEYS);
    }
}
END_TEST

START_TEST(a_founder_has_keys_for_a_year)
{
    qn_htx_origin o = {.name = {qn_slice_of("site.example", 12)},
                       .names_n = 1,
                       .largest_record = 16384,
                       .first = {{qn_slice_of("/", 1), 1}},
                       .second = {{qn_slice_of("/b", 2), 1}},
                       .first_n = 1,
                       .second_n = 1};
    uint8_t bytes[QN_HTX_CONTACT_CARD_MAX];
    qn_htx_card card;
    size_t n, card_n;

    qt_assert_err(qn_htx_found(&t.env, &id, &o, QN_HTX_EPOCHS_MAX, (qn_span){file, sizeof file}, &n,
                               (qn_span){bytes, sizeof bytes}, &card_n),
                  QN_OK);
    qt_assert_err(qn_htx_card_read(&card, qn_slice_of(bytes, card_n), QN_HTX_EPOCHS_MAX), QN_OK);
    qt_assert_err(qn_htx_mirror_init(&m, qn_slice_of(file, n)), QN_OK);
    m.id = id;
    ck_assert(!qn_htx_mirror_turn(&m, &t.env));
    for (unsigned week = 0; week < QN_HTX_EPOCHS_MAX; week++) {
        const qn_dh_public *known = qn_htx_card_at(&card, &id, t.env.wall);

        ck_assert_ptr_nonnull(known);
        ck_assert(tries(known));
        pass(WEEK);
        (void)qn_htx_mirror_turn(&m, &t.env);
        pass(600);
        (void)qn_htx_mirror_turn(&m, &t.env);
        t.env.wall -= 600;
    }
    ck_assert_ptr_nonnull(qn_htx_card_at(&card, &id, t.env.wall));
    ck_assert_ptr_null(qn_htx_card_at(&card, &id, t.env.wall + WEEK));
    (void)key_now();
    o.names_n = 0;
    qt_assert_err(qn_htx_found(&t.env, &id, &o, 1, (qn_span){file, sizeof file}, &n,
                               (qn_span){bytes, sizeof bytes}, &card_n),
                  QN_CONFIG);
}
END_TEST

static Suite *mirror_suite(void)
{
    Suite *s = suite_create("htx/mirror");
    TCase *tc = tcase_create("mirror");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_listed_node_makes_a_key_when_its_time_has_come);
    tcase_add_test(tc, one_who_invites_announces_the_next_before_its_time);
    tcase_add_test(tc, a_card_leads_to_its_node_as_long_as_it_says_and_no_longer);
    tcase_add_test(tc, a_key_is_gone_after_the_epoch_behind_its_own);
    tcase_add_test(tc, nodes_change_their_keys_at_times_of_their_own);
    tcase_add_test(tc, due_comes_in_time_for_every_turn);
    tcase_add_test(tc, a_restart_goes_on_with_what_was_stored);
    tcase_add_test(tc, a_damaged_file_gives_no_keys_at_all);
    tcase_add_loop_test(tc, a_clock_that_jumps_and_comes_back_costs_no_key, 0, 2);
    tcase_add_test(tc, a_key_that_is_over_leaves_no_copy_with_who_tried_it);
    tcase_add_test(tc, clocks_from_everywhere_cost_a_founder_no_key);
    tcase_add_test(tc, clocks_from_everywhere_never_fill_the_table);
    tcase_add_test(tc, a_founder_has_keys_for_a_year);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(mirror_suite)

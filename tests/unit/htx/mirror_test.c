/* Mirror keys through weeks, restarts and wrong clocks. */
#include "support/qt.h"

#include "htx/mirror.h"

enum { WEEK = QN_HTX_EPOCH_S, DAY = 86400 };

static qt_env t;
static qn_htx_mirror m;
static uint8_t file[QN_HTX_MIRROR_FILE_MAX];

/* In the middle of an epoch, so that a day more or less is in the same. */
static int64_t middle(void)
{
    return QT_EPOCH / WEEK * WEEK + WEEK / 2;
}

static void setup(void)
{
    qt_env_open(&t, 1);
    t.env.wall = middle();
    qt_assert_err(qn_htx_mirror_init(&m, (qn_slice){0}), QN_OK);
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

    qn_htx_mirror_show(&m, t.env.wall, QN_HTX_DESCRIPTOR_KEYS, &card);
    ck_assert_uint_eq(card.keys_n, QN_HTX_DESCRIPTOR_KEYS);
    ck_assert_ptr_nonnull(qn_htx_card_at(&card, t.env.wall));
    return *qn_htx_card_at(&card, t.env.wall);
}

static bool tries(const qn_dh_public *key)
{
    qn_htx_mirror_key v[2];
    unsigned n = qn_htx_mirror_tried(&m, t.env.wall, v);

    for (unsigned i = 0; i < n; i++)
        if (memcmp(v[i].pub.b, key->b, sizeof key->b) == 0)
            return true;
    return false;
}

START_TEST(three_are_made_and_announced_before_their_time)
{
    qn_htx_card card;
    qn_dh_public second;

    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    ck_assert(!qn_htx_mirror_turn(&m, &t.env));
    qn_htx_mirror_show(&m, t.env.wall, 3, &card);
    ck_assert_uint_eq(card.keys_n, 3);
    second = card.key[1].key;
    pass(WEEK);
    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    ck_assert_mem_eq(key_now().b, second.b, sizeof second.b);
}
END_TEST

START_TEST(a_key_is_gone_a_day_after_its_epoch)
{
    qn_dh_public first;
    uint8_t used = 0;

    (void)qn_htx_mirror_turn(&m, &t.env);
    first = key_now();
    pass(WEEK / 2 + DAY - 1);
    (void)qn_htx_mirror_turn(&m, &t.env);
    ck_assert(tries(&first));
    pass(1);
    (void)qn_htx_mirror_turn(&m, &t.env);
    pass(600);
    ck_assert(qn_htx_mirror_turn(&m, &t.env));
    ck_assert(!tries(&first));
    ck_assert_uint_eq(m.n, 3);
    for (size_t i = 0; i < sizeof m.key[0]; i++)
        used |= ((const uint8_t *)&m.key[m.n])[i];
    ck_assert_uint_eq(used, 0);
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
        ck_assert_uint_le(m.n, 4);
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
    qn_htx_mirror_key tried[2];
    qn_dh_secret first;

    (void)qn_htx_mirror_turn(&m, &t.env);
    pass(WEEK / 2 + DAY - 1);
    ck_assert_uint_eq(qn_htx_mirror_tried(&m, t.env.wall, tried), 2);
    first = tried[1].secret;
    pass(1);
    ck_assert_uint_eq(qn_htx_mirror_tried(&m, t.env.wall, tried), 1);
    for (unsigned i = 0; i < 2; i++)
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

    qt_assert_err(qn_htx_found(&t.env, &o, QN_HTX_EPOCHS_MAX, (qn_span){file, sizeof file}, &n,
                               (qn_span){bytes, sizeof bytes}, &card_n),
                  QN_OK);
    qt_assert_err(qn_htx_card_read(&card, qn_slice_of(bytes, card_n), QN_HTX_EPOCHS_MAX), QN_OK);
    qt_assert_err(qn_htx_mirror_init(&m, qn_slice_of(file, n)), QN_OK);
    ck_assert(!qn_htx_mirror_turn(&m, &t.env));
    for (unsigned week = 0; week < QN_HTX_EPOCHS_MAX; week++) {
        const qn_dh_public *known = qn_htx_card_at(&card, t.env.wall);

        ck_assert_ptr_nonnull(known);
        ck_assert(tries(known));
        pass(WEEK);
        (void)qn_htx_mirror_turn(&m, &t.env);
        pass(600);
        (void)qn_htx_mirror_turn(&m, &t.env);
        t.env.wall -= 600;
    }
    ck_assert_ptr_null(qn_htx_card_at(&card, t.env.wall));
    (void)key_now();
    o.names_n = 0;
    qt_assert_err(qn_htx_found(&t.env, &o, 1, (qn_span){file, sizeof file}, &n,
                               (qn_span){bytes, sizeof bytes}, &card_n),
                  QN_CONFIG);
}
END_TEST

static Suite *mirror_suite(void)
{
    Suite *s = suite_create("htx/mirror");
    TCase *tc = tcase_create("mirror");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, three_are_made_and_announced_before_their_time);
    tcase_add_test(tc, a_key_is_gone_a_day_after_its_epoch);
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

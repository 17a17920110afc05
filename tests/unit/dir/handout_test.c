/* Rationing: what accounts are given, and what many of them learn. */
#include "qnet/handout.h"

#include "support/qt.h"

#include "base/bytes.h"
#include "base/limits.h"

enum { ENTRIES = 1000, DAY = 86400 };

static const qn_secret32 key = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}};
static const qn_handout_policy policy = {.every_days = 7, .young_days = 30, .young_percent = 10};
static qn_peerid pool[ENTRIES];
static bool learnt[ENTRIES];

static void fill(uint32_t n)
{
    memset(learnt, 0, sizeof learnt);
    for (uint32_t i = 0; i < n; i++) {
        memset(pool[i].b, 7, sizeof pool[i].b);
        qn_put32(pool[i].b, i);
    }
    qn_handout_arrange(&key, pool, n);
}

static qn_err pick(qn_handout_account *a, uint32_t who, bool lost, int64_t wall, uint32_t n,
                   uint32_t *place)
{
    uint8_t name[4];

    qn_put32(name, who);
    return qn_handout_pick(&key, &policy, a, qn_slice_of(name, sizeof name), lost, wall, pool, n,
                           place);
}

static uint32_t give(qn_handout_account *a, uint32_t who, bool lost, int64_t wall)
{
    uint32_t place = 0;

    qt_assert_err(pick(a, who, lost, wall, ENTRIES, &place), QN_OK);
    learnt[place] = true;
    return place;
}

static unsigned known(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ENTRIES; i++)
        n += learnt[i];
    return n;
}

START_TEST(who_asks_again_gets_the_same)
{
    qn_handout_account a = {0}, b;
    uint32_t first;

    fill(ENTRIES);
    first = give(&a, 1, false, QT_EPOCH);
    b = a;
    for (int day = 0; day < 30; day++)
        ck_assert_uint_eq(give(&a, 1, false, QT_EPOCH + day * DAY), first);
    ck_assert_mem_eq(&a, &b, sizeof a);
    ck_assert_uint_eq(known(), 1);
}
END_TEST

START_TEST(any_number_of_new_accounts_learns_the_small_shelf)
{
    fill(ENTRIES);
    for (uint32_t who = 0; who < 20000; who++) {
        qn_handout_account a = {0};

        ck_assert_uint_lt(give(&a, who, false, QT_EPOCH), 100);
    }
    ck_assert_uint_eq(known(), 100);
}
END_TEST

/* However they claim losses: young all the time. */
START_TEST(a_hundred_that_burn_entries_learn_the_small_shelf)
{
    fill(ENTRIES);
    for (uint32_t who = 0; who < 100; who++) {
        qn_handout_account a = {0};

        (void)give(&a, who, false, QT_EPOCH);
        for (int day = 7; day < 180; day += 7)
            (void)give(&a, who, true, QT_EPOCH + day * DAY);
    }
    ck_assert_uint_le(known(), 100);
}
END_TEST

START_TEST(a_patient_account_learns_one_entry_in_each_youth)
{
    qn_handout_account a = {0};
    int64_t wall = QT_EPOCH;

    fill(ENTRIES);
    for (int youth = 0; youth < 6; youth++) {
        ck_assert_uint_lt(give(&a, 1, youth > 0, wall), 100);
        wall += 30 * DAY;
        ck_assert_uint_ge(give(&a, 1, false, wall), 100);
        wall += 7 * DAY;
    }
    ck_assert_uint_le(known(), 12);
    ck_assert_uint_eq(a.turn, 5);
}
END_TEST

START_TEST(losses_are_rationed)
{
    qn_handout_account a = {0}, was;
    uint32_t first, place = 12345;

    fill(ENTRIES);
    first = give(&a, 1, false, QT_EPOCH);
    was = a;
    qt_assert_err(pick(&a, 1, true, QT_EPOCH + 7 * DAY - 1, ENTRIES, &place), QN_QUOTA);
    ck_assert_uint_eq(place, 12345);
    ck_assert_mem_eq(&a, &was, sizeof a);
    ck_assert_uint_eq(give(&a, 1, false, QT_EPOCH + 7 * DAY), first);
    ck_assert_uint_ne(give(&a, 1, true, QT_EPOCH + 7 * DAY), first);
    qt_assert_err(pick(&a, 1, true, QT_EPOCH + 8 * DAY, ENTRIES, &place), QN_QUOTA);
}
END_TEST

/* However small the shelf: what does not work is not given again. */
START_TEST(what_is_lost_does_not_come_back_at_once)
{
    uint32_t place = 0, last = 0;

    fill(30);
    for (uint32_t who = 0; who < 200; who++) {
        qn_handout_account a = {0};

        qt_assert_err(pick(&a, who, false, QT_EPOCH, 30, &last), QN_OK);
        for (int day = 7; day < 70; day += 7) {
            qt_assert_err(pick(&a, who, true, QT_EPOCH + day * DAY, 30, &place), QN_OK);
            ck_assert_uint_ne(place, last);
            qt_assert_err(pick(&a, who, false, QT_EPOCH + day * DAY + 1, 30, &last), QN_OK);
            ck_assert_uint_eq(place, last);
        }
    }
}
END_TEST

START_TEST(an_old_account_that_loses_is_young_again)
{
    qn_handout_account a = {0};

    fill(ENTRIES);
    (void)give(&a, 1, false, QT_EPOCH);
    ck_assert_uint_ge(give(&a, 1, false, QT_EPOCH + 30 * DAY), 100);
    ck_assert_uint_lt(give(&a, 1, true, QT_EPOCH + 40 * DAY), 100);
    ck_assert_uint_lt(give(&a, 1, false, QT_EPOCH + 69 * DAY), 100);
    ck_assert_uint_ge(give(&a, 1, false, QT_EPOCH + 70 * DAY), 100);
}
END_TEST

/* Nobody else is moved when an entry leaves. */
START_TEST(an_entry_that_goes_concerns_its_own)
{
    enum { PEOPLE = 2000 };
    static qn_handout_account a[PEOPLE];
    static qn_peerid had[PEOPLE];
    qn_peerid gone;
    uint32_t place, moved = 0;

    fill(ENTRIES);
    memset(a, 0, sizeof a);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        a[i].since = a[i].given = QT_EPOCH;
        had[i] = pool[give(&a[i], i, false, QT_EPOCH + 60 * DAY)];
    }
    gone = pool[500];
    memmove(&pool[500], &pool[501], (ENTRIES - 501) * sizeof pool[0]);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        qt_assert_err(pick(&a[i], i, false, QT_EPOCH + 61 * DAY, ENTRIES - 1, &place), QN_OK);
        moved += !qn_peerid_equal(&pool[place], &had[i]);
        if (!qn_peerid_equal(&had[i], &gone))
            continue;
        ck_assert(!qn_peerid_equal(&pool[place], &gone));
        moved--;
    }
    ck_assert_uint_le(moved, PEOPLE / 100); /* the shelves' border moved by at most one entry */
}
END_TEST

START_TEST(old_accounts_are_spread)
{
    static unsigned guests[ENTRIES];
    unsigned most = 0;

    fill(ENTRIES);
    memset(guests, 0, sizeof guests);
    for (uint32_t i = 0; i < 9000; i++) {
        qn_handout_account a = {.since = QT_EPOCH, .given = QT_EPOCH};

        most = QN_MAX(most, ++guests[give(&a, i, false, QT_EPOCH + 60 * DAY)]);
    }
    ck_assert_uint_le(most, 30); /* 10 on average */
    ck_assert_uint_ge(known(), 890);
}
END_TEST

START_TEST(small_pools_work)
{
    qn_handout_account a = {0};
    uint32_t place;

    qt_assert_err(pick(&a, 1, false, QT_EPOCH, 0, &place), QN_GONE);
    ck_assert_int_eq(a.since, 0);
    fill(1);
    qt_assert_err(pick(&a, 1, false, QT_EPOCH, 1, &place), QN_OK);
    qt_assert_err(pick(&a, 1, false, QT_EPOCH + 60 * DAY, 1, &place), QN_OK);
    ck_assert_uint_eq(place, 0);
    fill(2);
    ck_assert_uint_eq(qn_handout_young(&policy, 2), 1);
    qt_assert_err(pick(&a, 1, false, QT_EPOCH + 60 * DAY, 2, &place), QN_OK);
    ck_assert_uint_eq(place, 1);
}
END_TEST

/* The pool's order tells nothing: any order gives the same shelves. */
START_TEST(arranging_forgets_the_order)
{
    static qn_peerid once[ENTRIES];

    fill(ENTRIES);
    memcpy(once, pool, sizeof once);
    for (uint32_t i = 0; i < ENTRIES / 2; i++) {
        qn_peerid was = pool[i];

        pool[i] = pool[ENTRIES - 1 - i];
        pool[ENTRIES - 1 - i] = was;
    }
    qn_handout_arrange(&key, pool, ENTRIES);
    ck_assert_mem_eq(once, pool, sizeof once);
}
END_TEST

static Suite *handout_suite(void)
{
    Suite *s = suite_create("dir handout");
    TCase *tc = tcase_create("handout");

    tcase_add_test(tc, who_asks_again_gets_the_same);
    tcase_add_test(tc, any_number_of_new_accounts_learns_the_small_shelf);
    tcase_add_test(tc, a_hundred_that_burn_entries_learn_the_small_shelf);
    tcase_add_test(tc, a_patient_account_learns_one_entry_in_each_youth);
    tcase_add_test(tc, losses_are_rationed);
    tcase_add_test(tc, what_is_lost_does_not_come_back_at_once);
    tcase_add_test(tc, an_old_account_that_loses_is_young_again);
    tcase_add_test(tc, an_entry_that_goes_concerns_its_own);
    tcase_add_test(tc, old_accounts_are_spread);
    tcase_add_test(tc, small_pools_work);
    tcase_add_test(tc, arranging_forgets_the_order);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(handout_suite)

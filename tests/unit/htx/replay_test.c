/* Each tag is answered once, whatever the clock, the memory or a flood of others does. */
#include "support/qt.h"

#include "base/limits.h"
#include "htx/mirror.h"
#include "htx/replay.h"

static qt_env t;
static qn_htx_replay r;

static void setup(void)
{
    qt_env_open(&t, 12);
    qn_htx_replay_init(&r, &t.env, true);
}

static void teardown(void)
{
    qn_htx_replay_clear(&r);
    qt_env_close(&t);
}

static qn_err enter(int64_t time, uint32_t which)
{
    uint8_t random[32] = {0}, id[32] = {9};

    qn_put32(random + 28, which);
    return qn_htx_replay_enter(&r, time, random, id);
}

START_TEST(a_tag_is_answered_once)
{
    uint8_t random[32] = {1}, id[32] = {2};

    qt_assert_err(qn_htx_replay_enter(&r, t.env.wall, random, id), QN_OK);
    qt_assert_err(qn_htx_replay_enter(&r, t.env.wall, random, id), QN_STALE);
    id[31] ^= 1;
    qt_assert_err(qn_htx_replay_enter(&r, t.env.wall, random, id), QN_OK);
    random[31] ^= 1;
    qt_assert_err(qn_htx_replay_enter(&r, t.env.wall, random, id), QN_OK);
}
END_TEST

/* The last moment at which its time is still accepted, and as early as it was ever accepted. */
START_TEST(a_tag_is_known_for_as_long_as_it_could_be_tagged)
{
    int64_t time = t.env.wall + QN_HTX_TAG_SKEW_S;

    qt_assert_err(enter(time, 1), QN_OK);
    qt_env_step(&t, 2 * QN_HTX_TAG_SKEW_S * QN_SEC);
    qt_assert_err(enter(t.env.wall, 2), QN_OK);
    qt_assert_err(enter(time, 1), QN_STALE);
}
END_TEST

START_TEST(what_is_over_makes_room)
{
    for (uint32_t i = 0; i < 1000; i++) {
        qt_assert_err(enter(t.env.wall, i), QN_OK);
        qt_env_step(&t, 10 * QN_SEC);
    }
    ck_assert_uint_le(r.n, QN_HTX_REPLAY_KEEP_S / 10 + 2);
    ck_assert_uint_eq(r.cap, 64);
    ck_assert_uint_eq(r.known.n, r.n);
}
END_TEST

START_TEST(at_its_bound_the_oldest_gives_way)
{
    for (uint32_t i = 0; i < QN_HTX_REPLAY_MAX; i++)
        qt_assert_err(enter(t.env.wall, i), QN_OK);
    qt_assert_err(enter(t.env.wall, 0), QN_STALE);
    qt_assert_err(enter(t.env.wall, QN_HTX_REPLAY_MAX), QN_OK);
    ck_assert_uint_eq(r.n, QN_HTX_REPLAY_MAX);
    ck_assert_uint_eq(r.known.n, QN_HTX_REPLAY_MAX);
    qt_assert_err(enter(t.env.wall, 1), QN_STALE);
    qt_assert_err(enter(t.env.wall, QN_HTX_REPLAY_MAX), QN_STALE);
    qt_assert_err(enter(t.env.wall, 0), QN_OK); /* it was the oldest */
}
END_TEST

START_TEST(what_could_not_be_entered_may_not_be_answered)
{
    uint32_t entered = 0;

    t.env.mem.limit = t.env.mem.used + 4000;
    while (enter(t.env.wall, entered) == QN_OK)
        entered++;
    qt_assert_err(enter(t.env.wall, entered), QN_NOMEM);
    for (uint32_t i = 0; i < entered; i++)
        qt_assert_err(enter(t.env.wall, i), QN_STALE);
    ck_assert_uint_eq(r.known.n, r.n);
}
END_TEST

START_TEST(a_restart_answers_no_tag_that_may_have_been_answered)
{
    qn_htx_replay_clear(&r);
    qn_htx_replay_init(&r, &t.env, false);
    ck_assert_int_eq(qn_htx_replay_floor(&r), t.env.wall + QN_HTX_TAG_SKEW_S);
    qt_assert_err(enter(t.env.wall + QN_HTX_TAG_SKEW_S - 1, 1), QN_STALE);
    qt_assert_err(enter(t.env.wall + QN_HTX_TAG_SKEW_S, 1), QN_OK);
}
END_TEST

START_TEST(a_clock_that_went_back_answers_nothing_again)
{
    int64_t time = t.env.wall;

    ck_assert_int_eq(qn_htx_replay_floor(&r), 0);
    qt_assert_err(enter(time, 1), QN_OK);
    t.env.wall += 3600; /* forward: the entry is over */
    qt_assert_err(enter(t.env.wall, 2), QN_OK);
    t.env.wall -= 3600;
    qt_assert_err(enter(time, 1), QN_STALE);
    ck_assert_int_eq(qn_htx_replay_floor(&r), time + QN_HTX_TAG_SKEW_S);
    t.env.wall += QN_HTX_TAG_SKEW_S;
    qt_assert_err(enter(t.env.wall, 3), QN_OK);
    t.env.wall -= 1; /* as little as clocks are corrected by: no reason to refuse anybody */
    qt_assert_err(enter(t.env.wall + 1, 4), QN_OK);
}
END_TEST

START_TEST(two_seconds_back_are_already_too_many)
{
    t.env.wall -= 2;
    ck_assert_int_eq(qn_htx_replay_floor(&r), t.env.wall + QN_HTX_TAG_SKEW_S);
}
END_TEST

/* ---- across a restart of the program -----------------------------------------------------------
 */

static uint8_t disk[1 << 12];
static size_t disk_n;

static void append_news(void)
{
    disk_n += QN_HTX_REPLAY_ENTRY *
              (size_t)qn_htx_replay_news(&r, disk + disk_n, (uint32_t)(sizeof disk - disk_n) / 16);
}

static void restart(void)
{
    qn_htx_replay_clear(&r);
    qn_htx_replay_init(&r, &t.env, false);
    qt_assert_err(qn_htx_replay_load(&r, qn_slice_of(disk, disk_n)), QN_OK);
}

START_TEST(a_restart_knows_what_was_appended)
{
    disk_n = qn_htx_replay_size(&r);
    qn_htx_replay_save(&r, disk);
    for (uint32_t i = 0; i < 70; i++) {
        qt_assert_err(enter(t.env.wall, i), QN_OK);
        append_news();
    }
    ck_assert_uint_eq(qn_htx_replay_news(&r, disk + disk_n, 1), 0);
    restart();
    for (uint32_t i = 0; i < 70; i++)
        qt_assert_err(enter(t.env.wall, i), QN_STALE);
    qt_assert_err(enter(t.env.wall, 70), QN_OK); /* nothing is refused unseen */
    disk_n = qn_htx_replay_size(&r);
    qn_htx_replay_save(&r, disk);
    restart();
    qt_assert_err(enter(t.env.wall, 70), QN_STALE);
}
END_TEST

START_TEST(an_entry_cut_short_was_never_answered)
{
    disk_n = qn_htx_replay_size(&r);
    qn_htx_replay_save(&r, disk);
    qt_assert_err(enter(t.env.wall, 1), QN_OK);
    qt_assert_err(enter(t.env.wall, 2), QN_OK);
    append_news();
    disk_n -= 7;
    restart();
    qt_assert_err(enter(t.env.wall, 1), QN_STALE);
    qt_assert_err(enter(t.env.wall, 2), QN_OK);
}
END_TEST

START_TEST(a_clock_set_back_meanwhile_is_noticed)
{
    disk_n = qn_htx_replay_size(&r);
    qn_htx_replay_save(&r, disk);
    qt_assert_err(enter(t.env.wall, 1), QN_OK);
    append_news();
    t.env.wall -= 1000;
    restart();
    qt_assert_err(enter(t.env.wall + 89, 3), QN_STALE);
    qt_assert_err(enter(t.env.wall + 90, 3), QN_OK);
}
END_TEST

/* Two restarts: at the first the tags are over, at the second the clock says that they are not. */
START_TEST(what_was_over_at_one_restart_is_still_known_at_the_next)
{
    int64_t then = t.env.wall;

    disk_n = qn_htx_replay_size(&r);
    qn_htx_replay_save(&r, disk);
    for (uint32_t i = 0; i < 5; i++)
        qt_assert_err(enter(then, i), QN_OK);
    append_news();
    t.env.wall = then + 5000;
    restart();
    disk_n = qn_htx_replay_size(&r);
    qn_htx_replay_save(&r, disk);
    t.env.wall = then;
    restart();
    for (uint32_t i = 0; i < 5; i++)
        qt_assert_err(enter(then, i), QN_STALE);
}
END_TEST

START_TEST(what_is_no_such_file_is_refused_with_its_floor)
{
    qn_htx_replay_clear(&r);
    qn_htx_replay_init(&r, &t.env, false);
    qt_assert_err(qn_htx_replay_load(&r, qn_slice_of(disk, 15)), QN_PROTO);
    qt_assert_err(enter(t.env.wall, 1), QN_STALE);
    qt_assert_err(enter(t.env.wall + 90, 1), QN_OK);
}
END_TEST

/* ---- one for several nodes --------------------------------------------------------------------
 */

static qn_err enter_first(qn_htx_replay *set, int64_t time)
{
    static const uint8_t random[32] = {7}, id[32] = {8};

    return qn_htx_replay_enter(set, time, random, id);
}

START_TEST(a_set_of_several_nodes_is_as_strict_as_one_of_their_own)
{
    qn_slice none = {0};
    uint8_t file[QN_HTX_MIRROR_FILE_MAX];
    qn_htx_mirror keys;
    qn_htx_replay *set;
    size_t n;

    qt_assert_err(qn_htx_replay_new(&set, &t.env, none, none), QN_OK);
    qt_assert_err(enter_first(set, t.env.wall), QN_OK); /* nobody can hold a tag */
    disk_n = qn_htx_replay_size(set);
    qn_htx_replay_save(set, disk);
    qn_htx_replay_free(set);

    qt_assert_err(qn_htx_mirror_init(&keys, none), QN_OK);
    (void)qn_htx_mirror_turn(&keys, &t.env);
    keys.used = true;
    qt_assert_err(qn_htx_mirror_save(&keys, (qn_span){file, sizeof file}, &n), QN_OK);
    qt_assert_err(qn_htx_replay_new(&set, &t.env, qn_slice_of(file, n), none), QN_OK);
    qt_assert_err(enter_first(set, t.env.wall), QN_STALE); /* the set of these keys is lost */
    qn_htx_replay_free(set);

    qt_assert_err(qn_htx_replay_new(&set, &t.env, qn_slice_of(file, n), qn_slice_of(disk, disk_n)),
                  QN_OK);
    qt_assert_err(enter_first(set, t.env.wall), QN_STALE);
    qt_assert_err(enter_first(set, t.env.wall + 1), QN_STALE);
    qn_htx_replay_free(set);
    qn_htx_mirror_wipe(&keys);
}
END_TEST

static Suite *replay_suite(void)
{
    Suite *s = suite_create("htx/replay");
    TCase *tc = tcase_create("replay");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_tag_is_answered_once);
    tcase_add_test(tc, a_tag_is_known_for_as_long_as_it_could_be_tagged);
    tcase_add_test(tc, what_is_over_makes_room);
    tcase_add_test(tc, at_its_bound_the_oldest_gives_way);
    tcase_add_test(tc, what_could_not_be_entered_may_not_be_answered);
    tcase_add_test(tc, a_restart_answers_no_tag_that_may_have_been_answered);
    tcase_add_test(tc, a_clock_that_went_back_answers_nothing_again);
    tcase_add_test(tc, two_seconds_back_are_already_too_many);
    tcase_add_test(tc, a_restart_knows_what_was_appended);
    tcase_add_test(tc, an_entry_cut_short_was_never_answered);
    tcase_add_test(tc, a_clock_set_back_meanwhile_is_noticed);
    tcase_add_test(tc, what_was_over_at_one_restart_is_still_known_at_the_next);
    tcase_add_test(tc, what_is_no_such_file_is_refused_with_its_floor);
    tcase_add_test(tc, a_set_of_several_nodes_is_as_strict_as_one_of_their_own);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(replay_suite)

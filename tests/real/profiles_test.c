/* Which browser is played: by name, by path, drawn once; and until when. */
#include "nodes/qnet/profiles.h"

#include "support/qt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[64], folder[96];
static qn_store state;
static qn_why why;
static char name[PROFILE_NAME_MAX], path[QN_STORE_PATH_MAX];

static void ship(const char *file)
{
    char at[160];
    FILE *f;

    (void)snprintf(at, sizeof at, "%s/%s", folder, file);
    f = fopen(at, "w");
    ck_assert_ptr_nonnull(f);
    (void)fclose(f);
}

static void make_root(void)
{
    char dir[96];

    (void)strcpy(root, "/tmp/qnet-profiles.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    (void)snprintf(folder, sizeof folder, "%s/profiles", root);
    (void)snprintf(dir, sizeof dir, "%s/state", root);
    ck_assert_int_eq(mkdir(folder, 0755), 0);
    ck_assert_msg(qn_store_open(&state, dir, why), "%s", why);
    ship("chromium-156.cbor");
    ship("firefox-esr-153.cbor");
    ship("README");
}

static void remove_root(void)
{
    char command[128];

    qn_store_close(&state);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

static bool find(const char *setting, uint64_t seed)
{
    qt_env t;
    bool ok;

    qt_env_open(&t, seed);
    ok = profile_find(setting, folder, &state, &t.env, name, path, why);
    qt_env_close(&t);
    return ok;
}

START_TEST(a_name_is_one_of_those_shipped)
{
    ck_assert_msg(find("firefox-esr-153", 1), "%s", why);
    ck_assert_str_eq(name, "firefox-esr-153");
    ck_assert_str_eq(strrchr(path, '/'), "/firefox-esr-153.cbor");
    ck_assert(!find("netscape-4", 1));
    ck_assert_ptr_nonnull(strstr(why, "'netscape-4' is none of those shipped (chromium-156, "
                                      "firefox-esr-153)"));
    ck_assert(!find("README", 1));
}
END_TEST

START_TEST(a_path_is_taken_as_it_is)
{
    ck_assert(find("./mine.cbor", 1));
    ck_assert_str_eq(path, "./mine.cbor");
    ck_assert_str_eq(name, "mine.cbor");
}
END_TEST

START_TEST(one_is_drawn_once_and_both_are_drawn)
{
    bool chromium = false, firefox = false;

    for (uint64_t seed = 0; seed < 32; seed++) {
        char first[PROFILE_NAME_MAX];

        qn_store_remove(&state, "profile");
        ck_assert_msg(find("", seed), "%s", why);
        (void)strcpy(first, name);
        chromium |= strcmp(first, "chromium-156") == 0;
        firefox |= strcmp(first, "firefox-esr-153") == 0;
        for (uint64_t later = 100; later < 104; later++) {
            ck_assert(find("", later));
            ck_assert_str_eq(name, first);
        }
    }
    ck_assert(chromium && firefox);
}
END_TEST

START_TEST(a_kept_name_that_is_no_longer_shipped_is_drawn_again)
{
    ck_assert(qn_store_write(&state, "profile", qn_slice_of("chromium-120\n", 13), why));
    ck_assert(find("", 1));
    ck_assert_ptr_nonnull(strstr("chromium-156 firefox-esr-153", name));
}
END_TEST

START_TEST(a_profile_warns_for_two_weeks_and_then_has_ended)
{
    const int64_t until = QT_EPOCH, fortnight = PROFILE_WARN_SECONDS;

    ck_assert_int_eq(profile_judge(until, until - fortnight - 1), PROFILE_FRESH);
    ck_assert_int_eq(profile_judge(until, until - fortnight), PROFILE_ENDS_SOON);
    ck_assert_int_eq(profile_judge(until, until - 1), PROFILE_ENDS_SOON);
    ck_assert_int_eq(profile_judge(until, until), PROFILE_ENDED);
    profile_advise("chromium-156", until, PROFILE_ENDED, why);
    ck_assert_ptr_nonnull(strstr(why, "chromium-156 ended on 2023-11-14"));
    ck_assert_ptr_nonnull(strstr(why, "tools/profile-record"));
    profile_advise("chromium-156", until, PROFILE_ENDS_SOON, why);
    ck_assert_ptr_nonnull(strstr(why, "ends on 2023-11-14"));
}
END_TEST

static Suite *profiles_suite(void)
{
    Suite *suite = suite_create("profiles");
    TCase *t = tcase_create("profiles");

    tcase_add_checked_fixture(t, make_root, remove_root);
    tcase_add_test(t, a_name_is_one_of_those_shipped);
    tcase_add_test(t, a_path_is_taken_as_it_is);
    tcase_add_test(t, one_is_drawn_once_and_both_are_drawn);
    tcase_add_test(t, a_kept_name_that_is_no_longer_shipped_is_drawn_again);
    tcase_add_test(t, a_profile_warns_for_two_weeks_and_then_has_ended);
    suite_add_tcase(suite, t);
    return suite;
}

QT_MAIN(profiles_suite)

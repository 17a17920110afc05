/* The state directory: what is refused, what survives, and that nothing is ever half written. */
#include "io-real/store.h"

#include "support/qt.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64], dir[96];

static void make_root(void)
{
    (void)strcpy(root, "/tmp/qnet-store.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    (void)snprintf(dir, sizeof dir, "%s/state", root);
}

static void remove_root(void)
{
    char command[128];

    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_dir(const char *name)
{
    static char path[160];

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static qn_store opened(void)
{
    qn_store s;
    qn_why why;

    ck_assert_msg(qn_store_open(&s, dir, why), "%s", why);
    return s;
}

static void write_text(const qn_store *s, const char *name, const char *text)
{
    qn_why why;

    ck_assert_msg(qn_store_write(s, name, qn_slice_of(text, strlen(text)), why), "%s", why);
}

static void assert_holds(const qn_store *s, const char *name, const char *text)
{
    qn_span got;
    qn_why why;

    ck_assert_int_eq(qn_store_read(s, name, &got, why), QN_FOUND);
    qt_assert_bytes(got.p, got.n, qn_slice_of(text, strlen(text)));
    free(got.p);
}

START_TEST(a_fresh_directory_is_private_and_empty_of_keys)
{
    qn_store s = opened();
    struct stat st;
    qn_keys keys;
    qn_why why;

    ck_assert_int_eq(stat(dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    ck_assert_int_eq(qn_store_read_keys(&s, &keys, why), QN_ABSENT);
    qn_store_close(&s);
}
END_TEST

START_TEST(a_replaced_secret_is_overwritten_where_it_lay)
{
    qn_store s = opened();
    qn_why why;
    uint8_t was[10];
    struct stat st;
    int old;

    write_text(&s, "mirror-keys", "0123456789");
    old = open(in_dir("mirror-keys"), O_RDONLY);
    ck_assert_msg(qn_store_write_secret(&s, "mirror-keys", qn_slice_of("new", 3), why), "%s", why);
    assert_holds(&s, "mirror-keys", "new");
    ck_assert_int_eq(stat(in_dir("mirror-keys"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(read(old, was, sizeof was), sizeof was);
    for (size_t i = 0; i < sizeof was; i++)
        ck_assert_uint_eq(was[i], 0);
    (void)close(old);
    qn_store_remove(&s, "mirror-keys");
    ck_assert_msg(qn_store_write_secret(&s, "mirror-keys", qn_slice_of("x", 1), why), "%s", why);
    qn_store_close(&s);
}
END_TEST

START_TEST(what_is_appended_stands_behind_what_was_there)
{
    qn_store s = opened();
    qn_why why;
    struct stat st;

    ck_assert_msg(qn_store_write(&s, "replay", qn_slice_of("one", 3), why), "%s", why);
    ck_assert_msg(qn_store_append(&s, "replay", qn_slice_of("two", 3), why), "%s", why);
    assert_holds(&s, "replay", "onetwo");
    ck_assert_int_eq(stat(in_dir("replay"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    write_text(&s, "replay", "0");
    ck_assert(qn_store_append(&s, "replay", qn_slice_of("1", 1), why));
    assert_holds(&s, "replay", "01");
    ck_assert(!qn_store_append(&s, "no/such", qn_slice_of("1", 1), why));
    ck_assert_ptr_nonnull(strstr(why, "no/such could not be written"));
    qn_store_close(&s);
}
END_TEST

/* A full disk, by way of the kernel's limit on a file's size; the disk has room again afterwards.
 */
START_TEST(a_file_that_misses_a_part_is_none)
{
    struct rlimit before, small = {.rlim_cur = 5, .rlim_max = RLIM_INFINITY};
    qn_store s = opened();
    qn_span bytes;
    qn_why why;

    ck_assert(!qn_store_append(&s, "replay", qn_slice_of("tail", 4), why)); /* of what? */
    ck_assert_int_eq(qn_store_read(&s, "replay", &bytes, why), QN_ABSENT);
    write_text(&s, "replay", "key");
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert(!qn_store_append(&s, "replay", qn_slice_of("entry", 5), why));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert(!qn_store_append(&s, "replay", qn_slice_of("later", 5), why));
    ck_assert_int_eq(qn_store_read(&s, "replay", &bytes, why), QN_ABSENT);
    qn_store_close(&s);
}
END_TEST

START_TEST(keys_come_back_as_they_were_in_files_of_their_owner)
{
    qn_store s = opened();
    qn_keys keys, got;
    struct stat st;
    qn_why why;

    memcpy(&keys, qt_noise(1, sizeof keys).p, sizeof keys);
    ck_assert(qn_store_write_keys(&s, &keys, why));
    ck_assert_int_eq(qn_store_read_keys(&s, &got, why), QN_FOUND);
    ck_assert_mem_eq(&keys, &got, sizeof keys);
    ck_assert_int_eq(stat(in_dir("identity.key"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    qn_store_close(&s);
}
END_TEST

START_TEST(a_key_others_can_read_is_refused_with_the_command_that_mends_it)
{
    qn_store s = opened();
    qn_secret32 key = {{1}};
    qn_why why;

    ck_assert(qn_store_write_key(&s, "link", &key, why));
    ck_assert_int_eq(chmod(in_dir("link.key"), 0640), 0);
    ck_assert_int_eq(qn_store_read_key(&s, "link", &key, why), QN_UNUSABLE);
    ck_assert_ptr_nonnull(strstr(why, "link.key"));
    ck_assert_ptr_nonnull(strstr(why, "chmod 600"));
    qn_store_close(&s);
}
END_TEST

/* Every byte of a key file counts: flipped, missing or one too many, it is no key. */
START_TEST(a_damaged_key_is_refused_and_not_replaced)
{
    qn_store s = opened();
    qn_secret32 key = {{7}};
    qn_span text;
    qn_why why;

    ck_assert(qn_store_write_key(&s, "onion", &key, why));
    ck_assert_int_eq(qn_store_read(&s, "onion.key", &text, why), QN_FOUND);
    for (size_t i = 0; i < text.n; i++) {
        text.p[i] ^= 0x80;
        ck_assert(qn_store_write(&s, "onion.key", qn_slice_of(text.p, text.n), why));
        text.p[i] ^= 0x80;
        ck_assert_int_eq(qn_store_read_key(&s, "onion", &key, why), QN_UNUSABLE);
        ck_assert(qn_store_write(&s, "onion.key", qn_slice_of(text.p, i), why));
        ck_assert_int_eq(qn_store_read_key(&s, "onion", &key, why), QN_UNUSABLE);
    }
    ck_assert(qn_store_write(&s, "link.key", qn_slice_of(text.p, text.n), why));
    ck_assert_int_eq(qn_store_read_key(&s, "link", &key, why), QN_UNUSABLE);
    free(text.p);
    qn_store_close(&s);
}
END_TEST

START_TEST(a_missing_key_beside_others_is_a_fault_not_a_reason_to_make_new_ones)
{
    qn_store s = opened();
    qn_keys keys = {{{1}}, {{2}}, {{3}}};
    qn_why why;

    ck_assert(qn_store_write_keys(&s, &keys, why));
    qn_store_remove(&s, "onion.key");
    ck_assert_int_eq(qn_store_read_keys(&s, &keys, why), QN_UNUSABLE);
    ck_assert_ptr_nonnull(strstr(why, "onion.key"));
    qn_store_close(&s);
}
END_TEST

START_TEST(a_symlink_or_a_pipe_is_no_key)
{
    qn_store s = opened();
    qn_secret32 key = {{1}};
    qn_why why;

    ck_assert(qn_store_write_key(&s, "link", &key, why));
    ck_assert_int_eq(symlinkat("link.key", s.dir, "onion.key"), 0);
    ck_assert_int_eq(qn_store_read_key(&s, "onion", &key, why), QN_UNUSABLE);
    ck_assert_int_eq(mkfifoat(s.dir, "identity.key", 0600), 0);
    ck_assert_int_eq(qn_store_read_key(&s, "identity", &key, why), QN_UNUSABLE);
    qn_store_close(&s);
}
END_TEST

START_TEST(a_directory_open_to_others_is_refused)
{
    qn_store s;
    qn_why why;

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    ck_assert_int_eq(chmod(dir, 0750), 0);
    ck_assert(!qn_store_open(&s, dir, why));
    ck_assert_ptr_nonnull(strstr(why, "chmod 700"));
}
END_TEST

START_TEST(two_processes_never_share_a_directory)
{
    qn_store first = opened(), second;
    qn_why why;

    ck_assert(!qn_store_open(&second, dir, why));
    ck_assert_ptr_nonnull(strstr(why, "another qnet process"));
    ck_assert(qn_store_open_shared(&second, dir, why));
    qn_store_close(&second);
    qn_store_close(&first);
    second = opened();
    qn_store_close(&second);
}
END_TEST

START_TEST(a_full_disk_leaves_the_old_content_and_no_debris)
{
    qn_store s = opened();
    struct rlimit tiny = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY}, was;
    qn_slice big = qt_noise(2, 64 << 10);
    qn_why why;

    write_text(&s, "snapshot", "old");
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &was), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert(!qn_store_write(&s, "snapshot", big, why));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &was), 0);
    ck_assert_ptr_nonnull(strstr(why, "still there"));
    assert_holds(&s, "snapshot", "old");
    ck_assert_int_eq(faccessat(s.dir, "snapshot.new", F_OK, 0), -1);
    qn_store_close(&s);
}
END_TEST

START_TEST(a_leftover_of_a_crash_is_overwritten)
{
    qn_store s = opened();

    write_text(&s, "snapshot", "old");
    write_text(&s, "snapshot.new", "half a snaps");
    ck_assert_int_eq(chmod(in_dir("snapshot.new"), 0644), 0);
    write_text(&s, "snapshot", "fresh");
    assert_holds(&s, "snapshot", "fresh");
    qn_store_close(&s);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("real/store");
    TCase *t = tcase_create("store");

    tcase_add_checked_fixture(t, make_root, remove_root);
    tcase_add_test(t, a_fresh_directory_is_private_and_empty_of_keys);
    tcase_add_test(t, a_replaced_secret_is_overwritten_where_it_lay);
    tcase_add_test(t, what_is_appended_stands_behind_what_was_there);
    tcase_add_test(t, a_file_that_misses_a_part_is_none);
    tcase_add_test(t, keys_come_back_as_they_were_in_files_of_their_owner);
    tcase_add_test(t, a_key_others_can_read_is_refused_with_the_command_that_mends_it);
    tcase_add_test(t, a_damaged_key_is_refused_and_not_replaced);
    tcase_add_test(t, a_missing_key_beside_others_is_a_fault_not_a_reason_to_make_new_ones);
    tcase_add_test(t, a_symlink_or_a_pipe_is_no_key);
    tcase_add_test(t, a_directory_open_to_others_is_refused);
    tcase_add_test(t, two_processes_never_share_a_directory);
    tcase_add_test(t, a_full_disk_leaves_the_old_content_and_no_debris);
    tcase_add_test(t, a_leftover_of_a_crash_is_overwritten);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

/* What is said about an origin: that it does not answer, has changed, or was measured long ago. */
#include "nodes/qnet/origin_watch.h"

#include "io-real/sockets.h"
#include "support/qt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static origin_file o;
static qn_why why;

static void make_origin(void)
{
    memset(&o, 0, sizeof o);
    o.measured = 1000000;
    (void)strcpy(o.name[0], "site.example");
    o.names_n = 1;
    o.addr = (qn_addr){.family = 4, .ip = {127, 0, 0, 1}};
    memset(o.certificate, 0xab, sizeof o.certificate);
}

START_TEST(one_that_answers_and_one_that_does_not)
{
    int listener = qn_socket_listen(&o.addr);

    ck_assert_int_ge(listener, 0);
    why[0] = '\0';
    ck_assert_msg(origin_answers(&o, why), "%s", why);
    ck_assert_str_eq(why, "");
    (void)close(listener);
    ck_assert(!origin_answers(&o, why));
    ck_assert_ptr_nonnull(
        strstr(why, "does not answer (Connection refused): start the web server"));
    (void)strcpy(o.unix_path, "/nowhere/site.sock");
    ck_assert(!origin_answers(&o, why));
    ck_assert_ptr_nonnull(strstr(why, "the origin at unix:/nowhere/site.sock"));
}
END_TEST

static void read_back(int status, const char *json)
{
    origin_check_read(&o, status, json, strlen(json), why);
}

START_TEST(what_the_check_found_is_passed_on)
{
    char good[200] = "{\"fit\":true,\"findings\":[],\"origin\":{\"certificate\":\"";

    for (int i = 0; i < 32; i++)
        (void)strcat(good, "ab");
    (void)strcat(good, "\"}}");
    read_back(0, good);
    ck_assert_str_eq(why, "");
    read_back(1,
              "{\"fit\":false,\"findings\":[{\"level\":\"warning\",\"id\":\"a\",\"text\":\"slow\"},"
              "{\"level\":\"unfit\",\"id\":\"tls13\",\"text\":\"it speaks TLS 1.2 only.\"}]}");
    ck_assert_ptr_nonnull(strstr(why, ": it speaks TLS 1.2 only."));
    read_back(0, "{\"findings\":[],\"origin\":{\"certificate\":\"00\"}}");
    ck_assert_ptr_nonnull(strstr(why, "has another certificate than when it was measured"));
}
END_TEST

START_TEST(a_check_that_failed_is_no_good_news)
{
    static const char *const outputs[] = {"", "Segmentation fault", "{\"fit\":true"};

    for (size_t i = 0; i < 3; i++) {
        read_back(-1, outputs[i]);
        ck_assert_ptr_nonnull(strstr(why, "could not be measured"));
    }
    read_back(0, "[]");
    ck_assert_ptr_nonnull(strstr(why, "could not be measured"));
}
END_TEST

START_TEST(an_old_measurement_says_so)
{
    origin_age_advice(&o, o.measured + ORIGIN_STALE_SECONDS, why);
    ck_assert_str_eq(why, "");
    origin_age_advice(&o, o.measured + INT64_C(3) * 86400, why);
    ck_assert_ptr_nonnull(strstr(why, "was measured 3 days ago"));
}
END_TEST

static void write_origin(const char *path, int64_t measured, int goaway)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    (void)fprintf(f,
                  "{\"version\":1,\"measured\":%lld,\"mode\":\"own\",\"names\":[\"a.test\"],"
                  "\"address\":\"127.0.0.1:1\",\"flight\":{\"full\":9,\"resumed\":9},\"alert\":19,"
                  "\"after_fatal\":{\"alert\":true,\"end\":\"fin\"},"
                  "\"after_notify\":{\"alert\":true,\"end\":\"fin\"},\"goaway\":%d,"
                  "\"max_record\":512,\"limits\":{\"requests\":0,\"seconds\":0,\"idle\":0},"
                  "\"first\":[[\"/\",1]],\"second\":[[\"/\",1]],\"certificate\":"
                  "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}",
                  (long long)measured, goaway);
    (void)fclose(f);
}

START_TEST(a_file_measured_anew_is_fine_unless_it_says_something_else)
{
    char path[] = "/tmp/qnet-origin.XXXXXX";
    origin_file run;

    (void)close(mkstemp(path));
    write_origin(path, 1000000, 34);
    ck_assert_msg(origin_file_read(path, &run, why), "%s", why);
    origin_reread_advice(path, &run, 1000100, why);
    ck_assert_str_eq(why, "");
    origin_reread_advice(path, &run, 1000000 + 2 * ORIGIN_STALE_SECONDS, why);
    ck_assert_ptr_nonnull(strstr(why, "measured 4 days ago"));
    write_origin(path, 1000000 + ORIGIN_STALE_SECONDS, 34);
    origin_reread_advice(path, &run, 1000000 + 2 * ORIGIN_STALE_SECONDS, why);
    ck_assert_str_eq(why, "");
    write_origin(path, 1000060, 35);
    origin_reread_advice(path, &run, 1000120, why);
    ck_assert_ptr_nonnull(strstr(why, "anew 1 minutes ago and says something else now: restart"));
    (void)unlink(path);
    origin_reread_advice(path, &run, 1000120, why);
    ck_assert_ptr_nonnull(strstr(why, path));
}
END_TEST

/* The program is beside this test as it is beside qnet. */
START_TEST(the_command_says_all_that_the_file_says)
{
    static const char *const own[] = {"--name", "site.example", "--mode",  "own",   "--proxy",
                                      "--ca",   "/ca.pem",      "--quick", "--json"};
    static const char *const mirror[] = {"--name", "site.example", "--mode",  "mirror",
                                         "--ca",   "/ca.pem",      "--quick", "--json"};
    origin_check c;

    origin_check_make(&c, &o, "/ca.pem");
    if (c.argv[0] == NULL)
        return; /* built without it */
    ck_assert_str_eq(c.argv[1], "127.0.0.1:0");
    for (size_t i = 0; i < 9; i++)
        ck_assert_str_eq(c.argv[2 + i], own[i]);
    ck_assert_ptr_null(c.argv[11]);
    o.mirror = true;
    (void)strcpy(o.unix_path, "/run/site.sock");
    origin_check_make(&c, &o, "/ca.pem");
    ck_assert_str_eq(c.argv[1], "unix:/run/site.sock");
    for (size_t i = 0; i < 8; i++)
        ck_assert_str_eq(c.argv[2 + i], mirror[i]);
}
END_TEST

static Suite *origin_watch_suite(void)
{
    Suite *suite = suite_create("origin_watch");
    TCase *t = tcase_create("origin_watch");

    tcase_add_checked_fixture(t, make_origin, NULL);
    tcase_add_test(t, one_that_answers_and_one_that_does_not);
    tcase_add_test(t, what_the_check_found_is_passed_on);
    tcase_add_test(t, a_check_that_failed_is_no_good_news);
    tcase_add_test(t, an_old_measurement_says_so);
    tcase_add_test(t, a_file_measured_anew_is_fine_unless_it_says_something_else);
    tcase_add_test(t, the_command_says_all_that_the_file_says);
    suite_add_tcase(suite, t);
    return suite;
}

QT_MAIN(origin_watch_suite)

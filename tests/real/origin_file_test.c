/* The origin file: what is in it is understood, and every fault is named. */
#include "nodes/qnet/origin_file.h"

#include "support/qt.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char good[] =
    "{\"version\":1,\"measured\":1763632000,\"mode\":\"own\","
    "\"names\":[\"site.example\",\"www.site.example\"],\"address\":\"127.0.0.1:8443\","
    "\"flight\":{\"full\":4321,\"resumed\":210},\"alert\":19,"
    "\"after_fatal\":{\"alert\":true,\"end\":\"rst\"},"
    "\"after_notify\":{\"alert\":false,\"end\":\"fin\"},\"goaway\":34,\"max_record\":16384,"
    "\"limits\":{\"requests\":1000,\"seconds\":3600,\"idle\":75},"
    "\"first\":[[\"/\",1234],[\"/about\",900]],\"second\":[[\"/photo.bmp\",4000]],"
    "\"certificate\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddee0f\"}";

static origin_file o;
static qn_why why;

static bool parse(const char *text)
{
    return origin_file_parse("site.origin", text, strlen(text), &o, why);
}

START_TEST(everything_is_understood)
{
    ck_assert_msg(parse(good), "%s", why);
    ck_assert_int_eq(o.measured, 1763632000);
    ck_assert(!o.mirror);
    ck_assert_uint_eq(o.names_n, 2);
    ck_assert_str_eq(o.name[1], "www.site.example");
    ck_assert_uint_eq(o.addr.family, 4);
    ck_assert_uint_eq(o.addr.port, 8443);
    ck_assert_str_eq(o.unix_path, "");
    ck_assert_uint_eq(o.flight_full, 4321);
    ck_assert_uint_eq(o.flight_resumed, 210);
    ck_assert_uint_eq(o.alert, 19);
    ck_assert(o.after_fatal.alert && o.after_fatal.rst);
    ck_assert(!o.after_notify.alert && !o.after_notify.rst);
    ck_assert_uint_eq(o.goaway, 34);
    ck_assert_uint_eq(o.max_record, 16384);
    ck_assert_uint_eq(o.requests, 1000);
    ck_assert_uint_eq(o.seconds, 3600);
    ck_assert_uint_eq(o.idle, 75);
    ck_assert_uint_eq(o.first.n, 2);
    ck_assert_str_eq(o.first.v[1].path, "/about");
    ck_assert_uint_eq(o.second.v[0].largest, 4000);
    ck_assert_uint_eq(o.certificate[1], 0x11);
    ck_assert_uint_eq(o.certificate[31], 0x0f);
}
END_TEST

/* The good file with one member, "outer" or "outer.inner", set to `value` (JSON), or taken out. */
static char *changed(const char *key, const char *value)
{
    json_t *top = json_loads(good, 0, NULL), *at = top;
    const char *dot = strchr(key, '.');
    char outer[32], *text;

    ck_assert_ptr_nonnull(top);
    if (dot != NULL) {
        (void)snprintf(outer, sizeof outer, "%.*s", (int)(dot - key), key);
        at = json_object_get(top, outer);
        key = dot + 1;
    }
    if (value != NULL)
        ck_assert_int_eq(json_object_set_new(at, key, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
    else
        ck_assert_int_eq(json_object_del(at, key), 0);
    text = json_dumps(top, 0);
    json_decref(top);
    return text;
}

static void refused(const char *key, const char *value, const char *says)
{
    char *text = changed(key, value);
    origin_file before = o;

    ck_assert_msg(!parse(text), "%s = %s was taken", key, value != NULL ? value : "nothing");
    ck_assert_msg(strstr(why, says) != NULL, "%s: '%s' is not in: %s", key, says, why);
    ck_assert_msg(strncmp(why, "site.origin: ", 13) == 0, "%s", why);
    ck_assert_msg(strstr(why, "tools/origin-check") != NULL, "%s", why);
    ck_assert_mem_eq(&before, &o, sizeof o);
    free(text);
}

START_TEST(every_missing_key_is_named)
{
    static const char *const keys[] = {"version",     "measured",        "mode",
                                       "names",       "address",         "flight",
                                       "alert",       "after_fatal",     "after_notify",
                                       "goaway",      "max_record",      "limits",
                                       "first",       "second",          "certificate",
                                       "flight.full", "flight.resumed",  "limits.requests",
                                       "limits.idle", "after_fatal.end", "limits.seconds"};
    char says[64];

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        (void)snprintf(says, sizeof says, ": %s ", keys[i]);
        refused(keys[i], NULL, says);
    }
    refused("after_notify.alert", NULL, "after_notify.alert must be true or false");
}
END_TEST

START_TEST(a_key_that_does_not_belong_is_named)
{
    refused("goway", "34", "goway is not a key");
    refused("flight.half", "1", "flight.half is not a key");
    refused("limits.bytes", "1", "limits.bytes is not a key");
    refused("after_fatal.close", "1", "after_fatal.close is not a key");
}
END_TEST

typedef struct fault {
    const char *key, *value;
} fault;

START_TEST(values_of_another_kind_or_range_are_named)
{
    static const fault faults[] = {
        {"version", "2"},
        {"measured", "0"},
        {"measured", "\"today\""},
        {"mode", "\"theirs\""},
        {"mode", "1"},
        {"names", "[]"},
        {"names", "[\"a.b\",\"a.b\",\"a.b\",\"a.b\",\"a.b\"]"},
        {"names", "[\"Site.example\"]"},
        {"names", "[\"\"]"},
        {"names", "[\"a..b\"]"},
        {"names", "[1]"},
        {"names", "\"site.example\""},
        {"address", "\"localhost:443\""},
        {"address", "\"127.0.0.1\""},
        {"address", "\"unix:relative\""},
        {"flight", "[]"},
        {"flight.full", "0"},
        {"flight.full", "12.5"},
        {"alert", "18"},
        {"alert", "16641"},
        {"alert", "true"},
        {"after_fatal", "\"fin\""},
        {"after_fatal.end", "\"close\""},
        {"goaway", "-1"},
        {"max_record", "511"},
        {"max_record", "16385"},
        {"limits.requests", "-1"},
        {"limits.idle", "4294967296"},
        {"first", "[]"},
        {"first", "[[\"/\"]]"},
        {"first", "[[\"/\",1,2]]"},
        {"first", "[[\"about\",1]]"},
        {"first", "[[\"/a b\",1]]"},
        {"second", "[[\"/\",0]]"},
        {"second", "{\"/\":1}"},
        {"certificate", "\"00\""},
        {"certificate", "\"00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff\""},
    };
    char says[64];

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        (void)snprintf(says, sizeof says, ": %s must be ", faults[i].key);
        refused(faults[i].key, faults[i].value, says);
    }
}
END_TEST

START_TEST(a_unix_socket_is_an_address)
{
    char *text = changed("address", "\"unix:/run/site.sock\"");

    ck_assert_msg(parse(text), "%s", why);
    ck_assert_str_eq(o.unix_path, "/run/site.sock");
    ck_assert_uint_eq(o.addr.family, 0);
    free(text);
}
END_TEST

START_TEST(what_is_no_json_object_is_named)
{
    ck_assert(!parse("{\"version\":1,\n\"version\":1}"));
    ck_assert_ptr_nonnull(strstr(why, "site.origin line 2 is not JSON"));
    ck_assert(!parse("[]"));
    ck_assert_ptr_nonnull(strstr(why, "must be one object"));
    ck_assert(!parse(""));
    ck_assert(!origin_file_read("/nowhere/site.origin", &o, why));
    ck_assert_ptr_nonnull(strstr(why, "/nowhere/site.origin"));
}
END_TEST

START_TEST(it_is_stale_after_two_days)
{
    ck_assert(parse(good));
    ck_assert_int_eq(origin_file_stale(&o, 1763632000 + ORIGIN_STALE_SECONDS), 0);
    ck_assert_int_eq(origin_file_stale(&o, 1763632001 + ORIGIN_STALE_SECONDS),
                     ORIGIN_STALE_SECONDS + 1);
}
END_TEST

static Suite *origin_file_suite(void)
{
    Suite *suite = suite_create("origin_file");
    TCase *t = tcase_create("origin_file");

    tcase_add_test(t, everything_is_understood);
    tcase_add_test(t, every_missing_key_is_named);
    tcase_add_test(t, a_key_that_does_not_belong_is_named);
    tcase_add_test(t, values_of_another_kind_or_range_are_named);
    tcase_add_test(t, a_unix_socket_is_an_address);
    tcase_add_test(t, what_is_no_json_object_is_named);
    tcase_add_test(t, it_is_stale_after_two_days);
    suite_add_tcase(suite, t);
    return suite;
}

QT_MAIN(origin_file_suite)

/* A lab's hosts file: names to addresses, and a line that is neither is named. */
#include "io-real/hosts.h"
#include "io-real/store.h"

#include "support/qt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static qn_why why;

static qn_hosts *read_bytes(const char *text, size_t n)
{
    char path[] = "/tmp/qnet-hosts.XXXXXX";
    int fd = mkstemp(path);
    qn_hosts *h;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, n), (ssize_t)n);
    (void)close(fd);
    h = qn_hosts_read(path, why);
    (void)unlink(path);
    return h;
}

static qn_hosts *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static qn_dest dest(const char *name)
{
    qn_dest d = {.port = 443};

    (void)strcpy(d.name, name);
    return d;
}

START_TEST(names_lead_to_all_their_addresses_and_the_port_asked_for)
{
    qn_hosts *h = read_text("# a lab\n127.0.0.1 a.test b.test # two\n\n  ::1\ta.test\r\n");
    qn_dest a = dest("A.test"), b = dest("b.test"), c = dest("c.test");
    qn_addr v[4];

    ck_assert_msg(h != NULL, "%s", why);
    ck_assert_uint_eq(qn_hosts_find(h, &a, v, 4), 2);
    ck_assert_uint_eq(v[0].family, 4);
    ck_assert_uint_eq(v[0].port, 443);
    ck_assert_uint_eq(v[1].family, 6);
    ck_assert_uint_eq(v[1].ip[15], 1);
    ck_assert_uint_eq(qn_hosts_find(h, &a, v, 1), 1);
    ck_assert_uint_eq(qn_hosts_find(h, &b, v, 4), 1);
    ck_assert_uint_eq(qn_hosts_find(h, &c, v, 4), 0);
    qn_hosts_free(h);
}
END_TEST

START_TEST(an_empty_file_has_no_names)
{
    qn_hosts *h = read_text("");
    qn_dest a = dest("a.test");
    qn_addr v[1];

    ck_assert_ptr_nonnull(h);
    ck_assert_uint_eq(qn_hosts_find(h, &a, v, 1), 0);
    qn_hosts_free(h);
}
END_TEST

START_TEST(a_line_that_is_none_is_named)
{
    static const char *const wrong[] = {"127.0.0.1 a\nlocalhost b\n", "127.0.0.1 a\n127.0.0.2\n",
                                        "127.0.0.1 a\n127.0.0.1:80 b"};

    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_null(read_text(wrong[i]));
        ck_assert_ptr_nonnull(strstr(why, " line 2: not an address with its names"));
    }
    ck_assert_ptr_null(qn_hosts_read("/nowhere/hosts", why));
    ck_assert_ptr_nonnull(strstr(why, "/nowhere/hosts"));
}
END_TEST

START_TEST(there_is_a_bound_of_names)
{
    size_t n = 0;
    char *text = malloc((QN_HOSTS_MAX + 1) * 16);
    qn_hosts *h;

    for (unsigned i = 0; i < QN_HOSTS_MAX; i++)
        n += (size_t)sprintf(text + n, "10.0.0.1 %u\n", i);
    h = read_bytes(text, n);
    ck_assert_ptr_nonnull(h);
    qn_hosts_free(h);
    n += (size_t)sprintf(text + n, "10.0.0.1 x\n");
    ck_assert_ptr_null(read_bytes(text, n));
    free(text);
}
END_TEST

static Suite *hosts_suite(void)
{
    Suite *suite = suite_create("hosts");
    TCase *t = tcase_create("hosts");

    tcase_add_test(t, names_lead_to_all_their_addresses_and_the_port_asked_for);
    tcase_add_test(t, an_empty_file_has_no_names);
    tcase_add_test(t, a_line_that_is_none_is_named);
    tcase_add_test(t, there_is_a_bound_of_names);
    suite_add_tcase(suite, t);
    return suite;
}

QT_MAIN(hosts_suite)

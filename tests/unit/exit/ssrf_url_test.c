/* Hosts that name parsers of browsers turn into addresses: here an address in its proper form is
 * judged as one, and everything else stays a name. */
#include "support/json.h"

#include "base/ipjudge.h"
#include "base/limits.h"
#include "exit/policy.h"

#include <stdio.h>

static qn_policy p;
static unsigned literals, names, unusable;

static bool to_dest(qn_dest *d, const char *host, size_t n)
{
    *d = (qn_dest){.type = 3, .port = 80, .name_len = (uint8_t)n};
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)host[i] <= ' ' || host[i] == 127)
            return false; /* qn_dest_get takes no such name from the wire */
    if (n == 0 || n > QN_NAME_MAX)
        return false;
    memcpy(d->name, host, n);
    return true;
}

/* Either refused, or a global address, or only a name. */
static void judge(const char *host, size_t n)
{
    bool resolve = false;
    qn_addr a = {0};
    qn_dest d;

    if (!to_dest(&d, host, n)) {
        unusable++;
        return;
    }
    if (qn_policy_dest(&p, &d, &resolve, &a) != QN_OK) {
        literals++;
        return;
    }
    if (resolve) {
        names++;
        return;
    }
    literals++;
    ck_assert_msg(qn_ip_global(&a), "%.*s", (int)n, host);
}

/* As it stands in the input: behind "//" and a user, before a port and a path. */
static void judge_raw(const char *input)
{
    const char *from = strstr(input, "//"), *at;
    size_t n;

    if (from == NULL)
        return;
    from += 2;
    n = strcspn(from, "/\\?#");
    at = memchr(from, '@', n);
    if (at != NULL) {
        n -= (size_t)(at + 1 - from);
        from = at + 1;
    }
    judge(from, n);
    if (from[0] != '[')
        judge(from, strcspn(from, ":/\\?#"));
}

/* What a browser's parser made of it, as it writes it back: an address must be known as one. */
static void judge_parsed(const char *host)
{
    char text[QN_ADDR_TEXT];
    bool resolve = true;
    qn_addr want, got;
    qn_dest d;

    judge(host, strlen(host));
    if (strlen(host) + 3 > sizeof text)
        return;
    (void)snprintf(text, sizeof text, "%.50s:1", host);
    if (qn_addr_parse(&want, text) != QN_OK || !to_dest(&d, host, strlen(host)))
        return;
    want.port = 80;
    qt_assert_err(qn_policy_dest(&p, &d, &resolve, &got), qn_ip_global(&want) ? QN_OK : QN_POLICY);
    ck_assert(!resolve == qn_ip_global(&want));
}

START_TEST(what_a_browser_reads_as_an_address_is_judged_or_only_a_name)
{
    json_t *rows = qt_vector_json("ssrf-url/urltestdata.json"), *row;
    unsigned read = 0;
    size_t i;

    qt_assert_err(qn_policy_init(&p, NULL, 0, NULL, 0), QN_OK);
    json_array_foreach(rows, i, row)
    {
        const char *host = json_string_value(json_object_get(row, "hostname"));

        if (!json_is_object(row))
            continue;
        read++;
        judge_raw(qt_json_text(row, "input"));
        if (host != NULL && host[0] != '\0')
            judge_parsed(host);
    }
    ck_assert_uint_eq(read, 891);
    ck_assert_uint_gt(literals, 40);
    ck_assert_uint_gt(names, 500);
    ck_assert_uint_gt(unusable, 50);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exit/ssrf-url");
    TCase *tc = tcase_create("hosts");

    tcase_add_test(tc, what_a_browser_reads_as_an_address_is_judged_or_only_a_name);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)

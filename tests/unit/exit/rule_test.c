/* Rules as an operator writes them: every part is checked, and every fault has its sentence. */
#include "support/qt.h"

#include "exit/rule.h"

static qn_rule parse(const char *text)
{
    const char *what = NULL;
    qn_rule r;

    ck_assert_msg(qn_rule_parse(&r, text, &what) == QN_OK, "%s: %s", text, what);
    ck_assert_ptr_null(what);
    return r;
}

START_TEST(reads_each_form)
{
    qn_rule r = parse("accept *:*");

    ck_assert(r.accept && r.target == QN_RULE_ANY && r.ports.first == 1 && r.ports.last == 65535);
    r = parse("reject  192.0.2.0/24:25");
    ck_assert(!r.accept && r.target == QN_RULE_PREFIX && r.prefix.family == 4 && r.bits == 24);
    ck_assert(r.prefix.port == 0 && r.ports.first == 25 && r.ports.last == 25);
    r = parse("reject [2001:db8::]/32:1-1024");
    ck_assert(r.target == QN_RULE_PREFIX && r.prefix.family == 6 && r.bits == 32);
    ck_assert(r.ports.first == 1 && r.ports.last == 1024);
    r = parse("accept [2001:db8::1]:80");
    ck_assert(r.target == QN_RULE_PREFIX && r.bits == 128);
    r = parse("accept 0.0.0.0/0:80");
    ck_assert(r.target == QN_RULE_PREFIX && r.bits == 0);
    r = parse("accept Mail.Example.ORG:587");
    ck_assert(r.target == QN_RULE_NAME);
    ck_assert_str_eq(r.name, "mail.example.org");
    r = parse("accept *.example.org:*");
    ck_assert(r.target == QN_RULE_BELOW);
    ck_assert_str_eq(r.name, "example.org");
}
END_TEST

static const struct {
    const char *text, *what;
} wrong[] = {
    {"", "begin with"},
    {"allow *:80", "begin with"},
    {"accept", "begin with"},
    {"accept\t*:80", "begin with"},
    {"accept *", "no ports"},
    {"accept :80", "no ports"},
    {"accept *:", "ports are"},
    {"accept *:0", "ports are"},
    {"accept *:65536", "ports are"},
    {"accept *:80x", "ports are"},
    {"accept *:-80", "ports are"},
    {"accept *:80-", "ports are"},
    {"accept *:80-90-100", "ports are"},
    {"accept *: 80", "ports are"},
    {"accept *:90-80", "ends before"},
    {"accept 10.0.0.0/33:80", "length"},
    {"accept 10.0.0.0/:80", "length"},
    {"accept 10.0.0.0/8x:80", "length"},
    {"accept [2001:db8::]/129:80", "length"},
    {"accept 10.0.0.1/8:80", "bits set"},
    {"accept [2001:db8::1]/32:80", "bits set"},
    {"accept 2001:db8::/32:80", "prefix is not"},
    {"accept 10.0.0/8:80", "prefix is not"},
    {"accept 10.0.0.256:80", "target is not"},
    {"accept 2130706433:80", "target is not"},
    {"accept 127.1:80", "target is not"},
    {"accept 2001:db8::1:80", "target is not"},
    {"accept a..b:80", "target is not"},
    {"accept .example.org:80", "target is not"},
    {"accept example.org.:80", "target is not"},
    {"accept *example.org:80", "target is not"},
    {"accept *.*.org:80", "target is not"},
    {"accept *.:80", "target is not"},
    {"accept a b:80", "target is not"},
    {"accept ex\xc3\xa4mple.org:80", "target is not"},
};

START_TEST(says_what_is_wrong)
{
    qn_rule r = {.bits = 77};
    const char *what = NULL;

    qt_assert_err(qn_rule_parse(&r, wrong[_i].text, &what), QN_CONFIG);
    ck_assert_msg(strstr(what, wrong[_i].what) != NULL, "%s: %s", wrong[_i].text, what);
    ck_assert_uint_eq(r.bits, 77);
}
END_TEST

START_TEST(names_and_labels_are_bounded)
{
    char text[400] = "accept ";
    const char *what;
    qn_rule r;

    for (unsigned i = 0; i < 127; i++) /* 253 characters */
        strcat(text, i == 0 ? "a" : ".a");
    strcat(text, ":80");
    ck_assert_uint_eq(strlen(parse(text).name), 253);
    memmove(text + 8, text + 7, strlen(text + 7) + 1);
    qt_assert_err(qn_rule_parse(&r, text, &what), QN_CONFIG);
    memset(text, 'x', sizeof text);
    memcpy(text, "accept ", 7);
    strcpy(text + 7 + 63, ":1");
    (void)parse(text);
    strcpy(text + 7 + 63, "x:1");
    qt_assert_err(qn_rule_parse(&r, text, &what), QN_CONFIG);
}
END_TEST

START_TEST(a_name_is_matched_whole_and_below_starts_at_a_dot)
{
    static const struct {
        const char *rule, *name;
        bool match;
    } v[] = {
        {"accept example.org:80", "example.org", true},
        {"accept example.org:80", "EXAMPLE.org.", true},
        {"accept example.org:80", "a.example.org", false},
        {"accept example.org:80", "example.or", false},
        {"accept example.org:80", "example.org..", false},
        {"accept *.example.org:80", "a.example.org", true},
        {"accept *.example.org:80", "a.b.EXAMPLE.org.", true},
        {"accept *.example.org:80", "example.org", false},
        {"accept *.example.org:80", ".example.org", false},
        {"accept *.example.org:80", "aexample.org", false},
        {"accept *.example.org:80", "notexample.org", false},
        {"accept *.example.org:80", "a.example.org.net", false},
    };

    for (unsigned i = 0; i < QN_LEN(v); i++) {
        qn_rule r = parse(v[i].rule);
        qn_dest d = {.type = 3, .name_len = (uint8_t)strlen(v[i].name), .port = 80};

        memcpy(d.name, v[i].name, d.name_len);
        ck_assert_msg(qn_rule_names(&r, &d) == v[i].match, "%s on %s", v[i].rule, v[i].name);
        d.type = 1;
        ck_assert(!qn_rule_names(&r, &d));
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("exit/rule");
    TCase *tc = tcase_create("rule");

    tcase_add_test(tc, reads_each_form);
    tcase_add_loop_test(tc, says_what_is_wrong, 0, QN_LEN(wrong));
    tcase_add_test(tc, names_and_labels_are_bounded);
    tcase_add_test(tc, a_name_is_matched_whole_and_below_starts_at_a_dot);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)

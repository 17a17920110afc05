/* Where an exit opens sockets: never to its own host or net unless its operator listed it. */
#include "support/qt.h"

#include "exit/policy.h"

#include <stdio.h>

static qn_policy p;

static qn_addr addr(const char *text)
{
    qn_addr a;

    qt_assert_err(qn_addr_parse(&a, text), QN_OK);
    return a;
}

static qn_dest name(const char *text, uint16_t port)
{
    qn_dest d = {.type = 3, .name_len = (uint8_t)strlen(text), .port = port};

    memcpy(d.name, text, d.name_len);
    return d;
}

static qn_dest literal(const char *text)
{
    qn_addr a = addr(text);
    qn_dest d = {.type = a.family == 4 ? 1 : 4, .port = a.port};

    memcpy(d.ip, a.ip, sizeof d.ip);
    return d;
}

static void setup(void)
{
    qt_assert_err(qn_policy_init(&p, NULL, 0, NULL, 0), QN_OK);
}

static qn_err judge(const char *text)
{
    qn_addr a = addr(text);
    qn_dest d = literal(text);

    return qn_policy_judge(&p, &d, &a);
}

/* ---- ports ----------------------------------------------------------------------------------- */

START_TEST(web_ports_pass_and_others_do_not)
{
    for (unsigned port = 0; port <= 65535; port++) {
        qn_addr a = addr("8.8.8.8:1");
        qn_dest d = literal("8.8.8.8:1");

        a.port = d.port = (uint16_t)port;
        qt_assert_err(qn_policy_judge(&p, &d, &a), port == 80 || port == 443 ? QN_OK : QN_POLICY);
    }
}
END_TEST

START_TEST(operators_add_ports)
{
    static const uint16_t more[] = {8443, 22, 443, 8443, 65535};
    qn_policy_said said;

    qt_assert_err(qn_policy_init(&p, more, 5, NULL, 0), QN_OK);
    qt_assert_err(judge("8.8.8.8:22"), QN_OK);
    qt_assert_err(judge("8.8.8.8:8443"), QN_OK);
    qt_assert_err(judge("8.8.8.8:65535"), QN_OK);
    qt_assert_err(judge("8.8.8.8:25"), QN_POLICY);
    qt_assert_err(qn_policy_say(&p, &said), QN_OK);
    ck_assert_uint_eq(said.singles_n, 5);
    ck_assert_uint_eq(said.ranges_n, 0);
    ck_assert_mem_eq(said.singles, ((uint16_t[]){22, 80, 443, 8443, 65535}),
                     5 * sizeof said.singles[0]);
}
END_TEST

START_TEST(a_full_configuration_fits_and_one_more_does_not)
{
    uint16_t ports[QN_EXIT_PORTS_MAX + 1];
    qn_policy_said said;
    qn_allow allow[QN_EXIT_ALLOW_MAX + 1];

    for (unsigned i = 0; i <= QN_EXIT_PORTS_MAX; i++)
        ports[i] = (uint16_t)(1000 + 2 * i);
    for (unsigned i = 0; i <= QN_EXIT_ALLOW_MAX; i++) {
        allow[i] = (qn_allow){.prefix = addr("10.0.0.1:1"), .bits = 32};
        allow[i].prefix.port = (uint16_t)(2000 + 2 * i);
    }
    qt_assert_err(qn_policy_init(&p, ports, QN_EXIT_PORTS_MAX, allow, QN_EXIT_ALLOW_MAX), QN_OK);
    qt_assert_err(qn_policy_say(&p, &said), QN_OK);
    ck_assert_uint_eq(said.singles_n, QN_POLICY_SINGLES);
    for (unsigned i = 1; i < said.singles_n; i++)
        ck_assert_uint_lt(said.singles[i - 1], said.singles[i]);
    qt_assert_err(qn_policy_init(&p, ports, QN_EXIT_PORTS_MAX + 1, NULL, 0), QN_CONFIG);
    qt_assert_err(qn_policy_init(&p, NULL, 0, allow, QN_EXIT_ALLOW_MAX + 1), QN_CONFIG);
}
END_TEST

START_TEST(refuses_a_meaningless_configuration)
{
    static const uint16_t zero = 0;
    qn_allow v[] = {
        {.prefix = addr("10.0.0.0:80"), .bits = 33},
        {.prefix = addr("[fd00::]:80"), .bits = 129},
        {.prefix = addr("10.0.0.1:80"), .bits = 8},
        {.prefix = addr("[fd00::1]:80"), .bits = 64},
        {.prefix = {.family = 4}, .bits = 0},
        {.prefix = {.family = 0, .port = 80}},
        {.prefix = addr("10.64.0.0:80"), .bits = 9},
        {.prefix = addr("10.0.0.0:80"), .bits = 8, .port_last = 79},
    };
    qn_policy before;

    memcpy(&before, &p, sizeof p);
    qt_assert_err(qn_policy_init(&p, &zero, 1, NULL, 0), QN_CONFIG);
    for (unsigned i = 0; i < QN_LEN(v); i++)
        qt_assert_err(qn_policy_init(&p, NULL, 0, &v[i], 1), QN_CONFIG);
    ck_assert_mem_eq(&before, &p, sizeof p);
}
END_TEST

START_TEST(a_range_of_ports_is_allowed_and_listed_to_its_ends)
{
    qn_allow range = {.prefix = addr("127.0.0.0:8000"), .bits = 8, .port_last = 8999};
    qn_policy_said said;
    qn_addr own = addr("127.0.0.1:8088");

    qt_assert_err(qn_policy_init(&p, NULL, 0, &range, 1), QN_OK);
    qt_assert_err(qn_policy_say(&p, &said), QN_OK);
    ck_assert_uint_eq(said.singles_n, 2);
    ck_assert_uint_eq(said.ranges_n, 1);
    ck_assert_uint_eq(said.ranges[0].first, 8000);
    ck_assert_uint_eq(said.ranges[0].last, 8999);
    qt_assert_err(qn_policy_own(&p, &own), QN_OK);
    qt_assert_err(judge("127.0.0.1:7999"), QN_POLICY);
    qt_assert_err(judge("127.0.0.1:8000"), QN_OK);
    qt_assert_err(judge("127.9.9.9:8999"), QN_OK);
    qt_assert_err(judge("127.0.0.1:9000"), QN_POLICY);
    qt_assert_err(judge("127.0.0.1:8088"), QN_POLICY);
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    qn_err err;
} judged[] = {
    {"93.184.216.34:443", QN_OK},
    {"[2606:4700::1111]:443", QN_OK},
    {"[::ffff:808:808]:80", QN_OK},
    {"0.0.0.0:80", QN_POLICY},
    {"10.0.0.1:80", QN_POLICY},
    {"100.64.0.1:80", QN_POLICY},
    {"127.0.0.1:80", QN_POLICY},
    {"127.255.255.254:80", QN_POLICY},
    {"169.254.169.254:80", QN_POLICY},
    {"172.31.255.255:80", QN_POLICY},
    {"192.168.0.1:80", QN_POLICY},
    {"224.0.0.251:80", QN_POLICY},
    {"255.255.255.255:80", QN_POLICY},
    {"[::]:80", QN_POLICY},
    {"[::1]:80", QN_POLICY},
    {"[::ffff:7f00:1]:80", QN_POLICY},
    {"[::ffff:a9fe:a9fe]:80", QN_POLICY},
    {"[::7f00:1]:80", QN_POLICY},
    {"[64:ff9b::a9fe:a9fe]:80", QN_POLICY},
    {"[2002:7f00:1::]:80", QN_POLICY},
    {"[fe80::1]:80", QN_POLICY},
    {"[fec0::1]:80", QN_POLICY},
    {"[fd12::1]:80", QN_POLICY},
    {"[ff02::1]:80", QN_POLICY},
};

START_TEST(judges_binary_addresses_however_they_came)
{
    qn_addr a = addr(judged[_i].text), got = {0};
    qn_dest d = literal(judged[_i].text);
    bool resolve = true;

    qt_assert_err(qn_policy_judge(&p, &d, &a), judged[_i].err);
    qt_assert_err(qn_policy_pick(&p, &d, &a, 1, &got), judged[_i].err);
    ck_assert(qn_addr_equal(&a, &got) == (judged[_i].err == QN_OK));
    memset(&got, 0, sizeof got);
    qt_assert_err(qn_policy_dest(&p, &d, &resolve, &got), judged[_i].err);
    ck_assert(resolve == (judged[_i].err != QN_OK)); /* untouched on refusal */
    ck_assert(qn_addr_equal(&a, &got) == (judged[_i].err == QN_OK));
}
END_TEST

START_TEST(names_are_names_whatever_they_look_like)
{
    static const char *const v[] = {
        "example.org",    "example.org.",
        "localhost",      "127.0.0.1.",
        "0x7f.1",         "2130706433",
        "0177.0.0.1",     "127.1",
        "[::1",           "::1]",
        "fe80::1%eth0",   "metadata.google.internal",
        "1.2.3.4.nip.io", "::ffff:127.0.0.1",
    };
    qn_dest web = name(v[_i], 443), mail = name(v[_i], 25);
    bool resolve = false;
    qn_addr a;

    qt_assert_err(qn_policy_dest(&p, &web, &resolve, &a), QN_OK);
    ck_assert(resolve);
    qt_assert_err(qn_policy_dest(&p, &mail, &resolve, &a), QN_POLICY);
}
END_TEST

START_TEST(an_address_sent_as_a_name_is_judged_at_once)
{
    static const char *const never[] = {"127.0.0.1", "::1",  "[::1]", "[::ffff:7f00:1]",
                                        "10.1.2.3",  "[::]", "::"};
    qn_dest d = name("8.8.8.8", 443);
    bool resolve = true;
    qn_addr a = {0}, want = addr("8.8.8.8:443");

    qt_assert_err(qn_policy_dest(&p, &d, &resolve, &a), QN_OK);
    ck_assert(!resolve && qn_addr_equal(&a, &want));
    for (unsigned i = 0; i < QN_LEN(never); i++) {
        d = name(never[i], 443);
        qt_assert_err(qn_policy_dest(&p, &d, &resolve, &a), QN_POLICY);
    }
}
END_TEST

/* ---- rules ----------------------------------------------------------------------------------- */

static qn_rule rules[QN_RULES_MAX + 1];
static unsigned rules_n;

static void use_rules(const char *const *text, unsigned n)
{
    const char *what;

    for (rules_n = 0; rules_n < n; rules_n++)
        ck_assert_msg(qn_rule_parse(&rules[rules_n], text[rules_n], &what) == QN_OK, "%s: %s",
                      text[rules_n], what);
    qt_assert_err(qn_policy_rules(&p, rules, rules_n), QN_OK);
}

/* Asked for by name, answered with this address; RESOLVE: refused before anything was resolved. */
static qn_err visit(const char *host, const char *answer)
{
    qn_addr a = addr(answer), got;
    qn_dest d = name(host, a.port);
    bool resolve = false;

    if (qn_policy_dest(&p, &d, &resolve, &got) != QN_OK)
        return QN_RESOLVE;
    ck_assert(resolve);
    return qn_policy_pick(&p, &d, &a, 1, &got);
}

START_TEST(the_first_rule_that_matches_decides)
{
    static const char *const v[] = {
        "accept *.good.example:22",   "reject bad.example:*", "reject 9.9.9.0/24:80-443",
        "accept 9.0.0.0/8:1000-1010", "reject *:443",         "accept *:5222"};

    use_rules(v, QN_LEN(v));
    qt_assert_err(visit("a.good.example", "8.8.8.8:22"), QN_OK);
    qt_assert_err(visit("A.Good.Example.", "8.8.8.8:22"), QN_OK);
    qt_assert_err(visit("good.example", "8.8.8.8:22"), QN_RESOLVE);
    qt_assert_err(visit("notgood.example", "8.8.8.8:22"), QN_RESOLVE);
    qt_assert_err(visit("a.good.example", "127.0.0.1:22"), QN_POLICY);
    qt_assert_err(visit("bad.example", "8.8.8.8:80"), QN_RESOLVE);
    qt_assert_err(visit("bad.example.", "8.8.8.8:5222"), QN_RESOLVE);
    qt_assert_err(visit("x.bad.example", "8.8.8.8:80"), QN_OK);
    qt_assert_err(visit("other.example", "9.9.9.9:80"), QN_POLICY);
    qt_assert_err(visit("other.example", "9.9.8.9:1005"), QN_OK);
    qt_assert_err(visit("other.example", "8.8.8.8:1005"), QN_POLICY);
    qt_assert_err(visit("other.example", "8.8.8.8:443"), QN_RESOLVE);
    qt_assert_err(judge("[::ffff:909:909]:80"), QN_POLICY); /* the IPv4 address inside counts */
    qt_assert_err(judge("8.8.8.8:5222"), QN_OK);
    qt_assert_err(judge("8.8.8.8:80"), QN_OK); /* what no rule is about, as without rules */
    qt_assert_err(judge("8.8.8.8:81"), QN_POLICY);
}
END_TEST

START_TEST(no_rule_opens_what_is_not_global)
{
    static const char *const v[] = {"accept 127.0.0.0/8:*", "accept [::]/0:*", "accept *:*"};

    use_rules(v, QN_LEN(v));
    for (unsigned i = 0; i < QN_LEN(judged); i++)
        qt_assert_err(judge(judged[i].text), judged[i].err);
}
END_TEST

START_TEST(a_lab_destination_needs_no_rule_but_a_rule_refuses_it)
{
    static const char *const v[] = {"reject no.example:*", "reject 127.0.0.2:*"};
    qn_allow lab = {.prefix = addr("127.0.0.0:8000"), .bits = 8};

    qt_assert_err(qn_policy_init(&p, NULL, 0, &lab, 1), QN_OK);
    use_rules(v, QN_LEN(v));
    qt_assert_err(visit("yes.example", "127.0.0.1:8000"), QN_OK);
    qt_assert_err(visit("no.example", "127.0.0.1:8000"), QN_RESOLVE);
    qt_assert_err(visit("yes.example", "127.0.0.2:8000"), QN_POLICY);
}
END_TEST

START_TEST(says_what_is_open_to_everybody)
{
    static const char *const v[] = {"accept one.example:7000", "reject *:1000-1009",
                                    "accept *:1000-1999",      "reject 8.0.0.0/8:*",
                                    "accept *:65534-65535",    "reject *:80"};
    qn_policy_said said;

    use_rules(v, QN_LEN(v));
    qt_assert_err(qn_policy_say(&p, &said), QN_OK);
    ck_assert_uint_eq(said.singles_n, 1);
    ck_assert_uint_eq(said.singles[0], 443);
    ck_assert_uint_eq(said.ranges_n, 2);
    ck_assert(said.ranges[0].first == 1010 && said.ranges[0].last == 1999);
    ck_assert(said.ranges[1].first == 65534 && said.ranges[1].last == 65535);
}
END_TEST

/* Readers that know no ranges want one port at least. */
START_TEST(a_range_gives_its_first_port_where_no_single_is_open)
{
    static const char *const two[] = {"accept *:5-6", "reject *:*"};
    static const char *const all[] = {"accept *:*"};
    static const char *const none[] = {"reject *:*"};
    qn_policy_said said;
    const char *what;

    use_rules(two, 2);
    qt_assert_err(qn_policy_say(&p, &said), QN_OK);
    ck_assert(said.singles_n == 2 && said.ranges_n == 0);
    ck_assert(said.singles[0] == 5 && said.singles[1] == 6);
    use_rules(all, 1);
    qt_assert_err(qn_policy_say(&p, &said), QN_OK);
    ck_assert(said.singles_n == 1 && said.ranges_n == 1 && said.singles[0] == 1);
    ck_assert(said.ranges[0].first == 2 && said.ranges[0].last == 65535);
    qt_assert_err(qn_rule_parse(&rules[0], none[0], &what), QN_OK);
    qt_assert_err(qn_policy_rules(&p, rules, 1), QN_CONFIG);
}
END_TEST

START_TEST(rules_that_cannot_be_told_are_refused)
{
    char text[32];
    const char *what;

    for (unsigned i = 0; i < QN_POLICY_RANGES + 1; i++) {
        (void)snprintf(text, sizeof text, "accept *:%u-%u", 1000 + 10 * i, 1005 + 10 * i);
        qt_assert_err(qn_rule_parse(&rules[i], text, &what), QN_OK);
    }
    qt_assert_err(qn_policy_rules(&p, rules, QN_POLICY_RANGES), QN_OK);
    qt_assert_err(qn_policy_rules(&p, rules, QN_POLICY_RANGES + 1), QN_CONFIG);
    qt_assert_err(qn_policy_rules(&p, rules, QN_RULES_MAX + 1), QN_CONFIG);
    ck_assert_uint_eq(p.rules_n, QN_POLICY_RANGES);
}
END_TEST

START_TEST(picks_the_first_answer_that_passes)
{
    qn_addr v[] = {addr("127.0.0.1:80"), addr("[::1]:80"), addr("9.9.9.9:80"), addr("8.8.8.8:80")};
    qn_addr got = {0};
    qn_dest d = name("example.org", 80);

    qt_assert_err(qn_policy_pick(&p, &d, v, 4, &got), QN_OK);
    ck_assert(qn_addr_equal(&got, &v[2]));
    qt_assert_err(qn_policy_pick(&p, &d, v, 2, &got), QN_POLICY);
    qt_assert_err(qn_policy_pick(&p, &d, v, 0, &got), QN_RESOLVE);
    ck_assert(qn_addr_equal(&got, &v[2]));
}
END_TEST

/* ---- the operator's list --------------------------------------------------------------------- */

START_TEST(listed_addresses_pass_with_their_port_only)
{
    qn_allow v[] = {{.prefix = addr("127.0.0.1:18080"), .bits = 32},
                    {.prefix = addr("10.32.0.0:80"), .bits = 12},
                    {.prefix = addr("[fd00::]:22"), .bits = 8}};
    qn_dest d = name("lab.example", 18080);
    bool resolve = false;
    qn_addr a;

    qt_assert_err(qn_policy_init(&p, NULL, 0, v, 3), QN_OK);
    qt_assert_err(judge("127.0.0.1:18080"), QN_OK);
    qt_assert_err(judge("[::ffff:7f00:1]:18080"), QN_OK);
    qt_assert_err(judge("127.0.0.1:80"), QN_POLICY);
    qt_assert_err(judge("127.0.0.2:18080"), QN_POLICY);
    qt_assert_err(judge("10.47.1.1:80"), QN_OK);
    qt_assert_err(judge("10.47.1.1:443"), QN_POLICY);
    qt_assert_err(judge("10.48.1.1:80"), QN_POLICY);
    qt_assert_err(judge("[fdff::1]:22"), QN_OK);
    qt_assert_err(judge("[fc00::1]:22"), QN_POLICY);
    qt_assert_err(judge("8.8.8.8:18080"), QN_POLICY);           /* the port is for that address */
    qt_assert_err(qn_policy_dest(&p, &d, &resolve, &a), QN_OK); /* some answer might pass */
    ck_assert(resolve);
}
END_TEST

START_TEST(own_listeners_are_refused_even_when_listed)
{
    qn_allow v = {.prefix = addr("127.0.0.0:1088"), .bits = 8};
    qn_addr own = addr("127.0.0.1:1088"), public = addr("8.8.4.4:443");

    qt_assert_err(qn_policy_init(&p, NULL, 0, &v, 1), QN_OK);
    qt_assert_err(judge("127.0.0.1:1088"), QN_OK);
    qt_assert_err(qn_policy_own(&p, &own), QN_OK);
    qt_assert_err(qn_policy_own(&p, &public), QN_OK);
    qt_assert_err(judge("127.0.0.1:1088"), QN_POLICY);
    qt_assert_err(judge("[::ffff:7f00:1]:1088"), QN_POLICY);
    qt_assert_err(judge("127.0.0.2:1088"), QN_OK);
    qt_assert_err(judge("8.8.4.4:443"), QN_POLICY);
    qt_assert_err(judge("[::ffff:808:404]:443"), QN_POLICY);
    qt_assert_err(judge("[64:ff9b::808:404]:443"), QN_POLICY);
    qt_assert_err(judge("8.8.4.4:80"), QN_OK);
}
END_TEST

START_TEST(a_wildcard_listener_guards_every_local_address)
{
    qn_allow v[] = {{.prefix = {.family = 4, .port = 443}, .bits = 0},
                    {.prefix = {.family = 6, .port = 443}, .bits = 0}};
    qn_addr any = {.family = _i == 0 ? 4 : 6, .port = 443};

    qt_assert_err(qn_policy_init(&p, NULL, 0, v, 2), QN_OK);
    qt_assert_err(judge("192.168.1.1:443"), QN_OK);
    qt_assert_err(qn_policy_own(&p, &any), QN_OK);
    qt_assert_err(judge("192.168.1.1:443"), QN_POLICY);
    qt_assert_err(judge("[::1]:443"), QN_POLICY);
    qt_assert_err(judge("0.0.0.0:443"), QN_POLICY);
    qt_assert_err(judge("8.8.8.8:443"), QN_OK); /* the Internet is not this host */
}
END_TEST

START_TEST(listeners_are_bounded)
{
    qn_addr own = addr("127.0.0.1:1");

    for (unsigned i = 0; i < QN_POLICY_OWN; i++)
        qt_assert_err(qn_policy_own(&p, &own), QN_OK);
    qt_assert_err(qn_policy_own(&p, &own), QN_CONFIG);
}
END_TEST

static Suite *policy_suite(void)
{
    Suite *s = suite_create("exit/policy");
    TCase *tc = tcase_create("policy");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, web_ports_pass_and_others_do_not);
    tcase_add_test(tc, operators_add_ports);
    tcase_add_test(tc, a_full_configuration_fits_and_one_more_does_not);
    tcase_add_test(tc, refuses_a_meaningless_configuration);
    tcase_add_test(tc, a_range_of_ports_is_allowed_and_listed_to_its_ends);
    tcase_add_loop_test(tc, judges_binary_addresses_however_they_came, 0, QN_LEN(judged));
    tcase_add_loop_test(tc, names_are_names_whatever_they_look_like, 0, 14);
    tcase_add_test(tc, an_address_sent_as_a_name_is_judged_at_once);
    tcase_add_test(tc, the_first_rule_that_matches_decides);
    tcase_add_test(tc, no_rule_opens_what_is_not_global);
    tcase_add_test(tc, a_lab_destination_needs_no_rule_but_a_rule_refuses_it);
    tcase_add_test(tc, says_what_is_open_to_everybody);
    tcase_add_test(tc, a_range_gives_its_first_port_where_no_single_is_open);
    tcase_add_test(tc, rules_that_cannot_be_told_are_refused);
    tcase_add_test(tc, picks_the_first_answer_that_passes);
    tcase_add_test(tc, listed_addresses_pass_with_their_port_only);
    tcase_add_test(tc, own_listeners_are_refused_even_when_listed);
    tcase_add_loop_test(tc, a_wildcard_listener_guards_every_local_address, 0, 2);
    tcase_add_test(tc, listeners_are_bounded);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(policy_suite)

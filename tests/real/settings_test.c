/* Settings: which source wins, what a file may say, and that every refusal names its source. */
#include "nodes/qnet/config.h"
#include "nodes/qnet/settings.h"
#include "nodes/qnet/values.h"

#include "support/qt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static settings s;
static qn_why why;

static bool read_text(const char *text)
{
    char path[] = "/tmp/qnet-settings.XXXXXX";
    int fd = mkstemp(path);
    bool ok;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    settings_init(&s);
    ok = settings_read_file(&s, path, why);
    (void)unlink(path);
    return ok;
}

START_TEST(the_higher_origin_wins_in_any_order)
{
    char source[320];

    for (int order = 0; order < 2; order++) {
        settings_init(&s);
        ck_assert_str_eq(settings_text(&s, KEY_ROUTE), "fast");
        for (int i = 0; i < 2; i++)
            ck_assert(i == order ? settings_add(&s, KEY_ROUTE, "cli", FROM_COMMAND_LINE, 0, why)
                                 : settings_add(&s, KEY_ROUTE, "file", FROM_FILE, 3, why));
        ck_assert_str_eq(settings_text(&s, KEY_ROUTE), "cli");
        ck_assert_str_eq(settings_source(&s, KEY_ROUTE, source), "--route");
    }
}
END_TEST

START_TEST(only_stealth_mode_beats_the_command_line)
{
    settings_init(&s);
    ck_assert_int_eq(setenv("STEALTH_MODE", "relay", 1), 0);
    ck_assert_int_eq(setenv("STEALTH_SOCKS_PORT", "1111", 1), 0);
    ck_assert(settings_add(&s, KEY_MODE, "exit", FROM_COMMAND_LINE, 0, why));
    ck_assert(settings_add(&s, KEY_SOCKS_PORT, "2222", FROM_COMMAND_LINE, 0, why));
    ck_assert(settings_read_environment(&s, why));
    (void)unsetenv("STEALTH_MODE");
    (void)unsetenv("STEALTH_SOCKS_PORT");
    ck_assert_str_eq(settings_text(&s, KEY_MODE), "relay");
    ck_assert_str_eq(settings_text(&s, KEY_SOCKS_PORT), "2222");
}
END_TEST

START_TEST(a_list_is_replaced_whole)
{
    settings_init(&s);
    ck_assert(settings_add(&s, KEY_EXIT_PORTS, "1", FROM_FILE, 1, why));
    ck_assert(settings_add(&s, KEY_EXIT_PORTS, "2", FROM_FILE, 1, why));
    ck_assert_uint_eq(s.v[KEY_EXIT_PORTS].n, 2);
    ck_assert(settings_add(&s, KEY_EXIT_PORTS, "3", FROM_COMMAND_LINE, 0, why));
    ck_assert_uint_eq(s.v[KEY_EXIT_PORTS].n, 1);
    for (int i = 1; i < QN_EXIT_PORTS_MAX; i++)
        ck_assert(settings_add(&s, KEY_EXIT_PORTS, "4", FROM_COMMAND_LINE, 0, why));
    ck_assert(!settings_add(&s, KEY_EXIT_PORTS, "5", FROM_COMMAND_LINE, 0, why));
}
END_TEST

START_TEST(reads_a_file)
{
    config c;

    ck_assert_msg(
        read_text("# comment\nmode: exit\nlisten: 127.0.0.1:0\nlab: true\ncarrier: bare\n"
                  "state: /s\nexit.contact: a@b\nmemory.max: 64 MiB\n"
                  "exit.allow: [\"127.0.0.1:80\", \"10.0.0.0/8:443\"]\nexit.ports: 8080\n"),
        "%s", why);
    ck_assert_msg(config_of(&s, &c, why), "%s", why);
    ck_assert(config_can_run(&c, why));
    ck_assert_int_eq(c.mode, QN_EXIT);
    ck_assert_uint_eq(c.memory_max, 64u << 20);
    ck_assert_uint_eq(c.exit_allow_n, 2);
    ck_assert_uint_eq(c.exit_allow[1].bits, 8);
    ck_assert_uint_eq(c.exit_ports[0], 8080);
    ck_assert(!c.socks.on);
    ck_assert_uint_eq(c.listen.family, 4);
    ck_assert_uint_eq(c.listen.port, 0);
}
END_TEST

START_TEST(only_a_lab_has_exits_without_limits_unless_set)
{
    config c;

    ck_assert(read_text("mode: exit\nlisten: 192.0.2.1:1\nexit.contact: a@b\nexit.idle: off\n"));
    ck_assert_msg(config_of(&s, &c, why), "%s", why);
    ck_assert_uint_eq(c.exit_limits.connections, 20);
    ck_assert_uint_eq(c.exit_limits.per_destination, 5);
    ck_assert_uint_eq(c.exit_limits.requests, 100);
    ck_assert_uint_eq(c.exit_limits.rate, 10u << 20);
    ck_assert_uint_eq(c.exit_limits.rate_all, 100u << 20);
    ck_assert_uint_eq(c.exit_limits.idle, 0);
    ck_assert(read_text("mode: exit\nlisten: 127.0.0.1:1\nexit.contact: a@b\nlab: true\n"
                        "exit.client.rate: 1 MiB\n"));
    ck_assert_msg(config_of(&s, &c, why), "%s", why);
    ck_assert_uint_eq(c.exit_limits.connections, 0);
    ck_assert_uint_eq(c.exit_limits.rate, 1u << 20);
}
END_TEST

START_TEST(an_empty_file_sets_nothing)
{
    config c;

    ck_assert(read_text("# nothing\n"));
    ck_assert(config_of(&s, &c, why));
    ck_assert_int_eq(c.mode, QN_CLIENT);
    ck_assert(c.socks.on);
    ck_assert_uint_eq(c.socks.port, 1088);
    ck_assert_uint_eq(c.status.port, 8088);
    ck_assert(!config_can_run(&c, why));
}
END_TEST

typedef struct wrong {
    const char *text, *says;
} wrong;

static const wrong wrong_files[] = {
    {"mode: relay\nlissten: 127.0.0.1:1\n",
     "line 2: 'lissten' is not a setting, did you mean 'listen'"},
    {"frobnicate: 1\n", "line 1: 'frobnicate' is not a setting;"},
    {"mode: relay\n\nmode: exit\n", "line 3: mode is set twice"},
    {"mode:\n", "line 1: the value is empty"},
    {"mode: [relay]\n", "values are plain texts"},
    {"exit.allow: [[\"127.0.0.1:1\"]]\n", "values are plain texts"},
    {"exit: {allow: x}\n", "'exit' is not a setting"},
    {"mode: {a: b}\n", "values are plain texts"},
    {"- mode\n", "'key: value' lines"},
    {"mode: relay\n---\nmode: exit\n", "one document only"},
    {"mode: \"relay\n", "is not YAML"},
    {"mode: &a relay\nroute: *a\n", "values are plain texts"},
};

START_TEST(refuses_file)
{
    ck_assert(!read_text(wrong_files[_i].text));
    ck_assert_msg(strstr(why, wrong_files[_i].says) != NULL, "%s", why);
}
END_TEST

static const wrong wrong_values[] = {
    {"mode: rely\n", "mode: 'rely' is not client, relay, bootstrap, exit or super"},
    {"socks.port: 65536\n", "socks.port: '65536' is not a port"},
    {"socks.port: -1\n", "socks.port: '-1' is not a port"},
    {"status.port: 80x\n", "status.port"},
    {"memory.max: 512\n", "a size with its unit"},
    {"memory.max: 512 MB\n", "a size with its unit"},
    {"lab: yes\n", "true or false"},
    {"carrier: tls\n", "carrier: 'tls' is not htx or bare"},
    {"exit.rule: [accept *:22, 'accept 10.0.0.1/8:80']\n",
     "exit.rule: rule 2, 'accept 10.0.0.1/8:80', is not a rule: its prefix has bits set"},
    {"exit.client.rate: 9 GiB\n", "at most '8 GiB', or 'off'"},
    {"exit.idle: 0\n", "exit.idle: '0' is not a number from 1 to 1000000, or 'off'"},
    {"loops: 0\n", "loops: '0' is not a number from 1 to 16"},
    {"loops: 17\n", "loops: '17' is not a number from 1 to 16"},
    {"loops: 2\n", "a client has one loop"},
    {"mode: relay\nlisten: 127.0.0.1:1\nloops: 9\n", "each needs 128 MiB"},
    {"discovery.lan: maybe\n", "discovery.lan: 'maybe' is not true or false"},
    {"discovery.lan: true\n", "announces the node to everybody nearby"},
    {"mode: relay\nlisten: 127.0.0.1:1\ndirectory.listed: false\ndiscovery.lan: true\n",
     "announces the node to everybody nearby"},
    {"drain: 0\n", "a number of seconds from 1 to 3600"},
    {"roots: /tmp/ca.pem\n", "which only a lab network may"},
    {"hosts: /tmp/hosts\n", "which only a lab network may"},
    {"origin.file: /tmp/o\n", "of a node that others dial over htx"},
    {"lab: true\ncarrier: bare\nmode: relay\nlisten: 127.0.0.1:1\norigin.file: /tmp/o\n",
     "of a node that others dial over htx"},
    {"country: de\n", "two capital letters"},
    {"route.country: CHE\n", "two capital letters"},
    {"exit.connections: 0\n", "a number from 1 to 60000"},
    {"lab: true\nexit.allow: 127.0.0.1\n", "an address or prefix with its port"},
    {"lab: true\nexit.allow: 10.0.0.0/33:80\n", "an address or prefix with its port"},
    {"exit.allow: 127.0.0.1:80\n", "only a lab network"},
    {"carrier: bare\n",
     "the bare carrier has no disguise: it is for tests; say --carrier bare together "
     "with --lab"},
    {"listen: 127.0.0.1:1\n", "a client has no listener"},
    {"mode: relay\n", "--listen ADDR:PORT"},
    {"mode: relay\nlisten: 0.0.0.0:9000\n", "wildcard"},
    {"mode: exit\nlisten: 127.0.0.1:9000\n", "exit.contact"},
};

START_TEST(refuses_value)
{
    config c;

    ck_assert_msg(read_text(wrong_values[_i].text), "%s", why);
    ck_assert(!config_of(&s, &c, why));
    ck_assert_msg(strstr(why, wrong_values[_i].says) != NULL, "%s", why);
}
END_TEST

START_TEST(htx_is_what_nobody_asks_for)
{
    config c;

    ck_assert(read_text("mode: relay\nlisten: 127.0.0.1:1\nstate: s\n"));
    ck_assert_msg(config_of(&s, &c, why), "%s", why);
    ck_assert(!c.bare);
    ck_assert_uint_eq(c.drain, 300);
    ck_assert_str_eq(c.roots, "/etc/ssl/certs/ca-certificates.crt");
    ck_assert(!config_can_run(&c, why));
    ck_assert_ptr_nonnull(strstr(why, "tools/origin-check"));
    ck_assert(read_text("mode: relay\nlisten: 127.0.0.1:1\nstate: s\norigin.file: o\n"
                        "lab: true\nroots: r\nhosts: h\nprofile: p\ndrain: 1\n"));
    ck_assert_msg(config_of(&s, &c, why) && config_can_run(&c, why), "%s", why);
    ck_assert_str_eq(c.profile, "p");
    ck_assert_str_eq(c.hosts, "h");
    ck_assert_uint_eq(c.drain, 1);
}
END_TEST

/* The promise behind "nothing turns a check off", as far as names go. */
START_TEST(no_setting_turns_a_check_off)
{
    static const char *const never[] = {"insecure", "verify", "check", "tag",  "replay",
                                        "shap",     "skip",   "no-",   "trust"};

    for (unsigned k = 0; k < KEYS; k++)
        for (unsigned i = 0; i < sizeof never / sizeof never[0]; i++)
            ck_assert_ptr_null(strstr(key_table[k].flag, never[i]));
}
END_TEST

START_TEST(a_wrong_value_names_its_line)
{
    config c;

    ck_assert(read_text("route: fast\nlog.level: loud\n"));
    ck_assert(!config_of(&s, &c, why));
    ck_assert_msg(strstr(why, "line 2") != NULL, "%s", why);
}
END_TEST

static const char *const bad_allows[] = {"",
                                         "127.0.0.1",
                                         "127.0.0.1:0",
                                         "127.0.0.1/:80",
                                         "127.0.0.1/8",
                                         "/8:80",
                                         "::1:80",
                                         "[::1]/129:80",
                                         "[::1]:80/8",
                                         "1.2.3.4/ 8:80",
                                         "1.2.3/8:80",
                                         "1.2.3.4/8:",
                                         "a.example:80",
                                         "1.2.3.4/00000000008:80",
                                         "127.0.0.1:80-79",
                                         "127.0.0.1:80-",
                                         "127.0.0.1:80-65536",
                                         "127.0.0.1-127.0.0.2:80"};

START_TEST(refuses_allow)
{
    qn_allow a;

    ck_assert(!value_allow(bad_allows[_i], &a));
}
END_TEST

START_TEST(reads_allow)
{
    qn_allow a;

    ck_assert(value_allow("127.0.0.1:80", &a));
    ck_assert_uint_eq(a.bits, 32);
    ck_assert_uint_eq(a.prefix.port, 80);
    ck_assert(value_allow("[fd00::]/8:443", &a));
    ck_assert_uint_eq(a.bits, 8);
    ck_assert_uint_eq(a.prefix.family, 6);
    ck_assert(value_allow("0.0.0.0/0:1", &a));
    ck_assert_uint_eq(a.bits, 0);
    ck_assert_uint_eq(a.port_last, 0);
    ck_assert(value_allow("127.0.0.0/8:1024-65535", &a));
    ck_assert_uint_eq(a.prefix.port, 1024);
    ck_assert_uint_eq(a.port_last, 65535);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("real/settings");
    TCase *t = tcase_create("settings");

    tcase_add_test(t, the_higher_origin_wins_in_any_order);
    tcase_add_test(t, only_stealth_mode_beats_the_command_line);
    tcase_add_test(t, a_list_is_replaced_whole);
    tcase_add_test(t, reads_a_file);
    tcase_add_test(t, only_a_lab_has_exits_without_limits_unless_set);
    tcase_add_test(t, an_empty_file_sets_nothing);
    tcase_add_loop_test(t, refuses_file, 0, (int)QN_LEN(wrong_files));
    tcase_add_loop_test(t, refuses_value, 0, (int)QN_LEN(wrong_values));
    tcase_add_test(t, a_wrong_value_names_its_line);
    tcase_add_test(t, htx_is_what_nobody_asks_for);
    tcase_add_test(t, no_setting_turns_a_check_off);
    tcase_add_loop_test(t, refuses_allow, 0, (int)QN_LEN(bad_allows));
    tcase_add_test(t, reads_allow);
    suite_add_tcase(all, t);
    return all;
}

QT_MAIN(suite)

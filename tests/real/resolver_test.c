/* An exit's DNS: a signed zone served on loopback, its trust anchor, and what must fail. */
#include "io-real/resolver.h"
#include "io-real/dns_answer.h"
#include "io-real/sockets.h"
#include "support/qt.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ZONE_ANCHOR QT_VECTORS_DIR "/dns/signed.example.anchor"

/* ---- a name server that has its answers from a file ------------------------------------------ */

typedef struct server {
    int fd;
    qn_addr at;
    struct event *ev;
    unsigned asked;
    bool silent;
} server;

static struct event_base *base;
static server dns;

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* The name of a question as text, lower case; its type behind it. */
static size_t question(const uint8_t *p, char name[256], unsigned *type)
{
    size_t at = 0, n = 0;

    while (p[at] != 0) {
        for (unsigned i = 1; i <= p[at]; i++) {
            char c = (char)p[at + i];

            name[n++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        name[n++] = '.';
        at += 1u + p[at];
    }
    name[n > 0 ? n - 1 : 0] = '\0';
    *type = get16(p + at + 1);
    return at + 5;
}

/* The line of the file for it; otherwise the answer is SERVFAIL. */
static size_t find(const char *name, unsigned type, uint8_t *out, unsigned *rcode, unsigned *counts)
{
    qn_slice file = qt_vector_file("dns/signed.example.answers");
    const char *p = (const char *)file.p, *end = p + file.n;

    while (p < end) {
        const char *next = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
        char have[256];
        unsigned kind;
        int hex;

        if (sscanf(p, "%255s %u %u %u %u %n", have, &kind, rcode, &counts[0], &counts[1], &hex) ==
                5 &&
            kind == type && strcmp(have, name) == 0) {
            size_t n = 0;

            for (p += hex; p + 1 < next - 0 && *p != '\n'; p += 2) {
                char two[3] = {p[0], p[1], '\0'};

                out[n++] = (uint8_t)strtoul(two, NULL, 16);
            }
            return n;
        }
        p = next;
    }
    *rcode = 2;
    counts[0] = counts[1] = 0;
    return 0;
}

static void on_query(evutil_socket_t fd, short what, void *arg)
{
    static const uint8_t opt[11] = {0, 0, 41, 16, 0, 0, 0, 0x80, 0, 0, 0}; /* 4096 bytes, DO */
    uint8_t query[512], reply[4096];
    char name[256] = "";
    unsigned type, rcode, counts[2];
    qn_sockaddr from = {.len = sizeof from.u};
    ssize_t got = recvfrom(fd, query, sizeof query, 0, &from.u.any, &from.len);
    size_t n;

    (void)what;
    (void)arg;
    dns.asked++;
    if (got < 17 || dns.silent)
        return;
    n = 12 + question(query + 12, name, &type);
    memcpy(reply, query, n);
    n += find(name, type, reply + n, &rcode, counts);
    memcpy(reply + n, opt, sizeof opt);
    n += sizeof opt;
    put16(reply + 2, 0x8180u | rcode);
    put16(reply + 6, counts[0]);
    put16(reply + 8, counts[1]);
    put16(reply + 10, 1);
    ck_assert_int_eq(sendto(fd, reply, n, 0, &from.u.any, from.len), (ssize_t)n);
}

static void serve(void)
{
    qn_sockaddr sa;

    dns = (server){.at = {.family = 4, .ip = {127, 0, 0, 1}}};
    dns.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sa = qn_sockaddr_of(&dns.at);
    ck_assert(dns.fd >= 0 && bind(dns.fd, &sa.u.any, sa.len) == 0);
    ck_assert_int_eq(getsockname(dns.fd, &sa.u.any, &sa.len), 0);
    dns.at = qn_addr_of(&sa.u.any);
    dns.ev = event_new(base, dns.fd, EV_READ | EV_PERSIST, on_query, NULL);
    ck_assert_int_eq(event_add(dns.ev, NULL), 0);
}

/* ---- asking ---------------------------------------------------------------------------------- */

typedef struct said {
    unsigned answers, n;
    qn_err why;
    qn_addr v[QN_RESOLVE_ADDRS];
} said;

static said last;
static qn_resolver *r;

static void on_answer(void *ctx, uint32_t query, const qn_addr *v, unsigned n, qn_err why)
{
    (void)ctx;
    (void)query;
    ck_assert((why == QN_OK) == (n > 0));
    last.answers++;
    last.n = n;
    last.why = why;
    memcpy(last.v, v, n * sizeof *v);
    (void)event_base_loopbreak(base);
}

static qn_dest name(const char *text)
{
    qn_dest d = {.type = 3, .port = 443, .name_len = (uint8_t)strlen(text)};

    memcpy(d.name, text, d.name_len);
    return d;
}

static qn_err ask(const char *text)
{
    qn_dest d = name(text);

    last = (said){0};
    ck_assert(qn_resolver_ask(r, 7, &d));
    ck_assert_uint_eq(last.answers, 0); /* never from inside ask */
    (void)event_base_dispatch(base);
    ck_assert_uint_eq(last.answers, 1);
    return last.why;
}

static bool has(const char *text)
{
    qn_addr a;

    qt_assert_err(qn_addr_parse(&a, text), QN_OK);
    for (unsigned i = 0; i < last.n; i++)
        if (qn_addr_equal(&a, &last.v[i]))
            return true;
    return false;
}

static void setup(void)
{
    qn_why why = "";

    base = event_base_new();
    serve();
    r = qn_resolver_new(base, &dns.at, ZONE_ANCHOR, on_answer, NULL, why);
    ck_assert_msg(r != NULL, "%s", why);
}

static void teardown(void)
{
    qn_resolver_free(r);
    event_free(dns.ev);
    (void)close(dns.fd);
    event_base_free(base);
}

/* ---- claims ---------------------------------------------------------------------------------- */

START_TEST(a_signed_name_has_both_kinds_of_address)
{
    qt_assert_err(ask("www.signed.example"), QN_OK);
    ck_assert_uint_eq(last.n, 2);
    ck_assert(has("93.184.216.34:443") && has("[2606:2800:220:1::1]:443"));
    ck_assert_uint_eq(last.v[0].family, 4);
    qt_assert_err(ask("WWW.Signed.Example."), QN_OK);
    qt_assert_err(ask("alias.signed.example"), QN_OK);
    ck_assert_uint_eq(last.n, 2);
}
END_TEST

/* Which of them may be connected to is for the exit's judgement, so all are handed on. */
START_TEST(addresses_are_told_as_they_are)
{
    qt_assert_err(ask("mixed.signed.example"), QN_OK);
    ck_assert(last.n == 2 && has("127.0.0.1:443") && has("93.184.216.34:443"));
    qt_assert_err(ask("inner.signed.example"), QN_OK);
    ck_assert(last.n == 2 && has("10.1.2.3:443") && has("[fd00::1]:443"));
}
END_TEST

START_TEST(what_the_signatures_do_not_allow_fails_as_forged)
{
    static const char *const v[] = {"forged.signed.example", "stripped.signed.example",
                                    "late.signed.example"};

    for (unsigned i = 0; i < QN_LEN(v); i++) {
        qt_assert_err(ask(v[i]), QN_FORGED);
        ck_assert_uint_eq(last.n, 0);
    }
}
END_TEST

START_TEST(a_name_that_is_proven_not_to_exist_does_not_resolve)
{
    qt_assert_err(ask("nobody.signed.example"), QN_RESOLVE);
}
END_TEST

START_TEST(an_answer_is_kept)
{
    unsigned asked;

    qt_assert_err(ask("www.signed.example"), QN_OK);
    asked = dns.asked;
    qt_assert_err(ask("www.signed.example"), QN_OK);
    ck_assert_uint_eq(dns.asked, asked);
}
END_TEST

/* Only a parser of numbers makes addresses of these; an exit's resolver has none. */
START_TEST(no_number_is_an_address)
{
    static const char *const v[] = {"2130706433", "0x7f.1",     "127.1", "0177.0.0.1",
                                    "127.0.0.1",  "0x7f000001", "::1"};

    for (unsigned i = 0; i < QN_LEN(v); i++) {
        qt_assert_err(ask(v[i]), QN_RESOLVE);
        ck_assert_uint_eq(last.n, 0);
    }
}
END_TEST

START_TEST(names_with_escapes_are_not_asked)
{
    qn_dest d = name("w\\119w.signed.example");

    ck_assert(!qn_resolver_ask(r, 1, &d));
}
END_TEST

START_TEST(the_machines_own_names_are_told_and_left_to_the_judgement)
{
    qt_assert_err(ask("localhost"), QN_OK);
    ck_assert(has("127.0.0.1:443"));
    ck_assert_uint_eq(dns.asked, 0);
}
END_TEST

START_TEST(queries_under_way_are_bounded)
{
    unsigned asked = 0;
    qn_dest d;

    dns.silent = true;
    do {
        char text[32];

        (void)snprintf(text, sizeof text, "n%u.signed.example", asked);
        d = name(text);
    } while (qn_resolver_ask(r, asked + 1, &d) && ++asked < 100000);
    ck_assert_uint_eq(asked, QN_RESOLVES_MAX);
    ck_assert(!qn_resolver_ask(r, 9999, &d));
    qn_resolver_cancel(r, 17); /* whoever leaves makes room */
    qn_resolver_cancel(r, 17);
    ck_assert(qn_resolver_ask(r, 9999, &d));
}
END_TEST

/* Its list of addresses that are not asked is one libunbound reads. */
START_TEST(works_from_the_root_too)
{
    qn_addr none = {0};
    qn_why why = "";

    qn_resolver_free(r);
    r = qn_resolver_new(base, &none, ZONE_ANCHOR, on_answer, NULL, why);
    ck_assert_msg(r != NULL, "%s", why);
}
END_TEST

START_TEST(says_what_is_wrong_with_the_anchor)
{
    char path[] = "/tmp/qnet-anchor.XXXXXX";
    qn_why why = "";
    int fd = mkstemp(path);

    ck_assert(qn_resolver_new(base, &dns.at, "/nonexistent", on_answer, NULL, why) == NULL);
    ck_assert_msg(strstr(why, "dns.anchor") != NULL, "%s", why);
    ck_assert_int_eq(write(fd, "rubbish\n", 8), 8);
    ck_assert(qn_resolver_new(base, &dns.at, path, on_answer, NULL, why) == NULL);
    ck_assert_msg(strstr(why, "trust anchor") != NULL, "%s", why);
    (void)close(fd);
    (void)unlink(path);
}
END_TEST

/* ---- the message ----------------------------------------------------------------------------- */

static const uint8_t message[] = {
    0,    1,   0x81, 0x80, 0, 1, 0, 3, 0, 0,  0,  0,            /* one question, three answers */
    1,    'a', 0,    0,    1, 0, 1,                             /* a. A? */
    0xc0, 12,  0,    5,    0, 1, 0, 0, 0, 60, 0,  3, 1, 'b', 0, /* CNAME b. */
    1,    'b', 0,    0,    1, 0, 1, 0, 0, 0,  60, 0, 4, 9,   9, 9, 9,  /* A 9.9.9.9 */
    1,    'b', 0,    0,    1, 0, 3, 0, 0, 0,  60, 0, 4, 8,   8, 8, 8}; /* of class CH */

START_TEST(reads_addresses_of_class_in_alone)
{
    qn_addr v[2];

    ck_assert_int_eq(qn_dns_addresses(message, sizeof message, 80, v, 2), 1);
    ck_assert(v[0].family == 4 && v[0].ip[0] == 9 && v[0].port == 80);
    ck_assert_int_eq(qn_dns_addresses(message, sizeof message, 80, v, 0), 0);
}
END_TEST

START_TEST(a_message_that_ends_early_has_none)
{
    for (size_t n = 0; n < sizeof message; n++) {
        uint8_t *p = malloc(n + 1); /* so that a sanitizer sees one byte too far */
        qn_addr v[2];

        memcpy(p + 1, message, n);
        ck_assert_int_eq(qn_dns_addresses(p + 1, n, 80, v, 2), -1);
        free(p);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("real resolver");
    TCase *t = tcase_create("zone"), *m = tcase_create("message");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_signed_name_has_both_kinds_of_address);
    tcase_add_test(t, addresses_are_told_as_they_are);
    tcase_add_test(t, what_the_signatures_do_not_allow_fails_as_forged);
    tcase_add_test(t, a_name_that_is_proven_not_to_exist_does_not_resolve);
    tcase_add_test(t, an_answer_is_kept);
    tcase_add_test(t, no_number_is_an_address);
    tcase_add_test(t, names_with_escapes_are_not_asked);
    tcase_add_test(t, the_machines_own_names_are_told_and_left_to_the_judgement);
    tcase_add_test(t, queries_under_way_are_bounded);
    tcase_add_test(t, works_from_the_root_too);
    tcase_add_test(t, says_what_is_wrong_with_the_anchor);
    suite_add_tcase(s, t);
    tcase_add_test(m, reads_addresses_of_class_in_alone);
    tcase_add_test(m, a_message_that_ends_early_has_none);
    suite_add_tcase(s, m);
    return s;
}

QT_MAIN(suite)

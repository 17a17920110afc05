/* The names of sites: asked as a browser asks, and bounded. */
#include "io-real/lookup.h"
#include "io-real/sockets.h"
#include "support/qt.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void no_answer(void *ctx, uint32_t query, const qn_addr *v, unsigned n)
{
    (void)ctx;
    (void)query;
    (void)v;
    (void)n;
}

/* A name server on loopback that reads nothing. */
static int silent_server(qn_addr *at)
{
    qn_sockaddr sa;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    *at = (qn_addr){.family = 4, .ip = {127, 0, 0, 1}};
    sa = qn_sockaddr_of(at);
    ck_assert(fd >= 0 && bind(fd, &sa.u.any, sa.len) == 0);
    ck_assert_int_eq(getsockname(fd, &sa.u.any, &sa.len), 0);
    *at = qn_addr_of(&sa.u.any);
    return fd;
}

START_TEST(queries_under_way_are_bounded)
{
    struct event_base *base = event_base_new();
    qn_addr at;
    int fd = silent_server(&at);
    qn_lookup *r = qn_lookup_new(base, &at, no_answer, NULL);
    unsigned asked = 0;
    qn_dest d = {.type = 3, .port = 80};

    ck_assert(r != NULL);
    do {
        d.name_len = (uint8_t)snprintf(d.name, sizeof d.name, "n%u.example", asked);
    } while (qn_lookup_ask(r, asked + 1, &d) && ++asked < 100000);
    ck_assert_uint_eq(asked, QN_LOOKUPS_MAX);
    qn_lookup_free(r);
    event_base_free(base);
    (void)close(fd);
}
END_TEST

/* Asks once, and returns whether the name stood in the query as it was written. */
static bool sent_as_written(void)
{
    static const uint8_t name[] = "\x14"
                                  "abcdefghijklmnopqrst\x07"
                                  "example";
    struct event_base *base = event_base_new();
    qn_addr at;
    int fd = silent_server(&at);
    qn_lookup *r = qn_lookup_new(base, &at, no_answer, NULL);
    qn_dest d = {.type = 3, .port = 443, .name = "abcdefghijklmnopqrst.example", .name_len = 28};
    uint8_t query[512];
    ssize_t n;

    ck_assert(r != NULL && qn_lookup_ask(r, 1, &d));
    (void)event_base_loop(base, EVLOOP_NONBLOCK);
    n = recv(fd, query, sizeof query, 0);
    qn_lookup_free(r);
    event_base_free(base);
    (void)close(fd);
    return memmem(query, n > 0 ? (size_t)n : 0, name, sizeof name) != NULL;
}

/* Mixed case makes forged answers harder, and is what no browser sends. */
START_TEST(a_visitors_question_is_a_browsers)
{
    ck_assert(sent_as_written());
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("real lookup");
    TCase *t = tcase_create("bounds");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, queries_under_way_are_bounded);
    tcase_add_test(t, a_visitors_question_is_a_browsers);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

/* The status surface's request reader: who is answered, who is not, and why. */
#include "io-real/request.h"

#include "support/qt.h"

#include <string.h>

enum { PORT = 8088 };

static unsigned parse(const char *text, qn_request *out)
{
    return qn_request_parse(qn_slice_of(text, strlen(text)), PORT, out);
}

START_TEST(reads_path_and_method)
{
    qn_request r;

    ck_assert_uint_eq(parse("GET /status HTTP/1.1\r\nHost: 127.0.0.1:8088\r\n\r\n", &r), 200);
    ck_assert_str_eq(r.path, "/status");
    ck_assert(!r.head);
    ck_assert_uint_eq(parse("HEAD / HTTP/1.0\r\nhost:  LOCALHOST:8088 \r\nA: b\r\n\r\n", &r), 200);
    ck_assert_str_eq(r.path, "/");
    ck_assert(r.head);
}
END_TEST

typedef struct refusal {
    const char *text;
    unsigned status;
} refusal;

#define OURS "Host: 127.0.0.1:8088\r\n"

static const refusal refusals[] = {
    {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
    {"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 403},
    {"GET / HTTP/1.1\r\nHost: 127.0.0.1:80880\r\n\r\n", 403},
    {"GET / HTTP/1.1\r\nHost: 127.0.0.1:8088.evil.example\r\n\r\n", 403},
    {"GET / HTTP/1.1\r\nHost: [::1]:8088\r\n\r\n", 403},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 403},
    {"GET / HTTP/1.1\r\n" OURS "Origin: null\r\n\r\n", 403},
    {"GET / HTTP/1.1\r\n" OURS "oRiGiN:http://127.0.0.1:8088\r\n\r\n", 403},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" OURS OURS "\r\n", 400},
    {"GET / HTTP/1.1\r\n" OURS "Host: evil.example\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : 127.0.0.1:8088\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" OURS " folded\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" OURS "no colon\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" OURS ": no name\r\n\r\n", 400},
    {"GET / HTTP/1.1\n" OURS "\n\n", 400},
    {"GET / HTTP/1.1\r\n" OURS, 400},
    {"GET  / HTTP/1.1\r\n" OURS "\r\n", 400},
    {"GET http://127.0.0.1:8088/ HTTP/1.1\r\n" OURS "\r\n", 400},
    {"GET /\r\n" OURS "\r\n", 400},
    {" / HTTP/1.1\r\n" OURS "\r\n", 400},
    {"", 400},
    {"\r\n", 400},
    {"GET / HTTP/2.0\r\n" OURS "\r\n", 505},
    {"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
     "HTTP/1.1\r\n" OURS "\r\n",
     414},
    {"POST / HTTP/1.1\r\n" OURS "Content-Length: 3\r\n\r\n", 405},
    {"POST /api/relay/register HTTP/1.1\r\n" OURS "Content-Length: 3\r\n\r\n", 404},
    {"GET /api/relays/by-country?country=US HTTP/1.1\r\n" OURS "\r\n", 404},
    {"DELETE /api/relays/prune HTTP/1.1\r\n" OURS "\r\n", 404},
    {"POST /api/relay/register HTTP/1.1\r\n" OURS "Origin: null\r\n\r\n", 403},
    {"OPTIONS / HTTP/1.1\r\n" OURS "\r\n", 405},
    {"get / HTTP/1.1\r\n" OURS "\r\n", 405},
    {"GET / HTTP/1.1\r\n" OURS "Content-Length: 3\r\n\r\n", 413},
    {"GET / HTTP/1.1\r\n" OURS "Transfer-Encoding: chunked\r\n\r\n", 413},
};

START_TEST(refuses)
{
    qn_request r;

    ck_assert_uint_eq(parse(refusals[_i].text, &r), refusals[_i].status);
}
END_TEST

START_TEST(a_unix_socket_takes_any_host_but_no_origin)
{
    static const char any[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                      page[] = "GET / HTTP/1.1\r\nHost: x\r\nOrigin: y\r\n\r\n";
    qn_request r;

    ck_assert_uint_eq(qn_request_parse(qn_slice_of(any, strlen(any)), 0, &r), 200);
    ck_assert_uint_eq(qn_request_parse(qn_slice_of(page, strlen(page)), 0, &r), 403);
}
END_TEST

/* A NUL, a bare CR or a cut anywhere never reads as a request. */
START_TEST(no_prefix_and_no_control_byte_is_a_request)
{
    char text[] = "GET /status HTTP/1.1\r\n" OURS "\r\n";
    size_t n = strlen(text);
    qn_request r;

    for (size_t cut = 0; cut < n; cut++)
        ck_assert_uint_ne(qn_request_parse(qn_slice_of(text, cut), PORT, &r), 200);
    for (size_t i = 0; i < n; i++) {
        char was = text[i];

        text[i] = '\0';
        ck_assert_uint_ne(qn_request_parse(qn_slice_of(text, n), PORT, &r), 200);
        text[i] = was == '\r' ? '\n' : '\r';
        ck_assert_uint_ne(qn_request_parse(qn_slice_of(text, n), PORT, &r), 200);
        text[i] = was;
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("real/request");
    TCase *t = tcase_create("request");

    tcase_add_test(t, reads_path_and_method);
    tcase_add_loop_test(t, refuses, 0, (int)QN_LEN(refusals));
    tcase_add_test(t, a_unix_socket_takes_any_host_but_no_origin);
    tcase_add_test(t, no_prefix_and_no_control_byte_is_a_request);
    suite_add_tcase(s, t);
    return s;
}

QT_MAIN(suite)

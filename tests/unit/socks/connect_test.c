/* HTTP CONNECT on the SOCKS port, as programs send it, in any pieces, and as strangers do. */
#include "support/qt.h"

#include "circuit/apps.h"
#include "crypto/crypto.h"
#include "socks/socks.h"

#include <stdio.h>

static qt_env t;
static qn_socks s;

static void setup(void)
{
    qt_env_open(&t, 1);
    qn_socks_init(&s);
}

static void teardown(void)
{
    qn_socks_clear(&s);
    qt_env_close(&t);
}

/* What push said last; *left: bytes it did not take. */
static qn_err push(const char *text, size_t step, size_t *left)
{
    size_t n = strlen(text);
    qn_err err = QN_SHORT;

    while (n > 0 && err == QN_SHORT) {
        size_t used;

        err = qn_socks_push(&s, &t.env, qn_slice_of(text, QN_MIN(step, n)), &used);
        text += used;
        n -= used;
    }
    *left = n;
    return err;
}

static qn_err ask(const char *text)
{
    size_t left;

    qn_socks_clear(&s);
    qn_socks_init(&s);
    return push(text, SIZE_MAX, &left);
}

static unsigned status(void)
{
    qn_slice say = qn_socks_peek(&s);
    unsigned code = 0;

    ck_assert_uint_gt(say.n, 12);
    ck_assert_int_eq(sscanf((const char *)say.p, "HTTP/1.1 %u ", &code), 1);
    return code;
}

START_TEST(takes_requests_in_pieces_of_any_size)
{
    static const char text[] = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n"
                               "User-Agent: curl/8\r\n\r\n\x16\x03\x01";

    for (size_t step = 1; step <= sizeof text; step++) {
        size_t left;

        qn_socks_init(&s);
        qt_assert_err(push(text, step, &left), QN_OK);
        ck_assert_uint_eq(left, 3); /* the stream's */
        ck_assert_int_eq((int)s.state, QN_SOCKS_ASKED);
        ck_assert(s.dest.type == 3 && s.dest.port == 443);
        ck_assert_str_eq(s.dest.name, "example.org");
        ck_assert(!s.has_route);
        qn_socks_reply(&s, QN_SOCKS_OK, 200);
        ck_assert_uint_eq(status(), 200);
        ck_assert_int_eq((int)s.state, QN_SOCKS_REPLIED);
        qn_socks_consume(&s, qn_socks_peek(&s).n);
        ck_assert_uint_eq(qn_socks_peek(&s).n, 0);
    }
}
END_TEST

START_TEST(addresses_are_addresses)
{
    qt_assert_err(ask("CONNECT 192.0.2.1:80 HTTP/1.0\n\n"), QN_OK);
    ck_assert(s.dest.type == 1 && s.dest.port == 80 && s.dest.ip[0] == 192);
    qt_assert_err(ask("CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n"), QN_OK);
    ck_assert(s.dest.type == 4 && s.dest.ip[15] == 1);
    qt_assert_err(ask("CONNECT 0x7f.1:443 HTTP/1.1\r\n\r\n"), QN_OK);
    ck_assert(s.dest.type == 3); /* only a name */
}
END_TEST

static const char *const wrong[] = {
    "CONNECT example.org HTTP/1.1\r\n",
    "CONNECT example.org: HTTP/1.1\r\n",
    "CONNECT example.org:0 HTTP/1.1\r\n",
    "CONNECT example.org:65536 HTTP/1.1\r\n",
    "CONNECT example.org:+80 HTTP/1.1\r\n",
    "CONNECT :80 HTTP/1.1\r\n",
    "CONNECT  example.org:80 HTTP/1.1\r\n",
    "CONNECT example.org:80  HTTP/1.1\r\n",
    "CONNECT example.org:80\r\n",
    "CONNECT \r\n",
    "CONNECT example.org:80 HTTP/2.0\r\n",
    "CONNECT example.org:80 HTTP/1.1 \r\n",
    "CONNECT http://example.org:80 HTTP/1.1\r\n",
    "CONNECT u@example.org:80 HTTP/1.1\r\n",
    "CONNECT [::1:80 HTTP/1.1\r\n",
    "CONNECT ::1:80 HTTP/1.1\r\n",
    "CONNECT a\tb:80 HTTP/1.1\r\n",
    "CONNECT a:80 HTTP/1.1\r\nHost\r\n",
    "CONNECT a:80 HTTP/1.1\r\n: x\r\n",
    "CONNECT a:80 HTTP/1.1\r\nHost : x\r\n",
    "CONNECT a:80 HTTP/1.1\r\nA: x\r\n folded: y\r\n",
    "CONNECT a:80 HTTP/1.1\r\nProxy-Authorization: Digest x\r\n",
    "CONNECT a:80 HTTP/1.1\r\nProxy-Authorization: Basic\r\n",
    "CONNECT a:80 HTTP/1.1\r\nProxy-Authorization: Basic dTp\r\n",
    "CONNECT a:80 HTTP/1.1\r\nProxy-Authorization: Basic dT_w\r\n",
    "CONNECT a:80 HTTP/1.1\r\nProxy-Authorization: Basic dXVw\r\n", /* no colon */
    "CONNECT a:80 HTTP/1.1\r\nProxy-Authorization: Basic dTpw\r\nproxy-authorization: Basic "
    "dTpw\r\n",
};

START_TEST(refuses_what_is_malformed_at_its_line)
{
    qt_assert_err(ask(wrong[_i]), QN_PROTO);
    ck_assert_int_eq((int)s.state, QN_SOCKS_ENDED);
    ck_assert_ptr_nonnull(s.why);
    ck_assert_uint_eq(status(), 400);
}
END_TEST

START_TEST(credentials_count_as_those_of_socks)
{
    /* docs/wire/socks.md: user privacy+mail, password x */
    qt_assert_err(ask("CONNECT example.org:443 HTTP/1.1\r\n"
                      "pROXY-aUTHORIZATION:  bAsIc  cHJpdmFjeSttYWlsOng=\r\n\r\n"),
                  QN_OK);
    ck_assert(s.has_route && s.route == QN_ROUTE_PRIVACY);
    qt_assert_bytes(s.isolation, sizeof s.isolation, qt_doc_hex("socks.md", "isolation"));
    qt_assert_err(ask("CONNECT a:1 HTTP/1.1\r\nProxy-Authorization: Basic Og==\r\n\r\n"), QN_OK);
    ck_assert(!s.has_route);
}
END_TEST

/* So that the longest two texts that SOCKS takes are taken here. */
START_TEST(the_longest_credentials_fit)
{
    static const char digits[] = "QUFB"; /* AAA */
    char text[1200] = "CONNECT a:80 HTTP/1.1\r\nProxy-Authorization: Basic ";
    uint8_t message[513];
    qn_slice parts[2] = {qn_slice_of("qnet-isolation", 14), qn_slice_of(message, 513)};
    qn_hash h;

    for (unsigned i = 0; i < 85; i++) /* 255 bytes */
        strcat(text, digits);
    strcat(text, "OkFB"); /* ':' and two of the next 255 */
    for (unsigned i = 0; i < 84; i++)
        strcat(text, digits);
    strcat(text, "QQ==\r\n\r\n");
    qt_assert_err(ask(text), QN_OK);
    memset(message, 'A', sizeof message);
    message[0] = 1;
    message[1] = message[257] = 255;
    qt_assert_err(qn_sha256(&t.env, parts, 2, &h), QN_OK);
    ck_assert_mem_eq(s.isolation, h.b, sizeof s.isolation);
}
END_TEST

START_TEST(long_fields_pass_and_the_head_is_bounded)
{
    char text[9000] = "CONNECT a:80 HTTP/1.1\r\nCookie: ";
    size_t n = strlen(text);

    memset(text + n, 'x', 7000);
    strcpy(text + n + 7000, "\r\n\r\n");
    qt_assert_err(ask(text), QN_OK);
    memset(text + n, 'x', 8200);
    strcpy(text + n + 8200, "\r\n\r\n");
    qt_assert_err(ask(text), QN_PROTO);
    ck_assert_uint_eq(status(), 400);
}
END_TEST

START_TEST(a_request_line_longer_than_any_name_is_refused)
{
    char text[2000] = "CONNECT ";

    memset(text + 8, 'x', 900);
    strcpy(text + 908, ":80 HTTP/1.1\r\n");
    qt_assert_err(ask(text), QN_PROTO);
    memset(text + 8, 'x', 255);
    strcpy(text + 263, ":80 HTTP/1.1\r\n\r\n");
    qt_assert_err(ask(text), QN_OK);
    memset(text + 8, 'x', 256);
    strcpy(text + 264, ":80 HTTP/1.1\r\n\r\n");
    qt_assert_err(ask(text), QN_PROTO);
}
END_TEST

START_TEST(fields_are_counted)
{
    char text[1000] = "CONNECT a:80 HTTP/1.1\r\n";

    for (unsigned i = 0; i < 32; i++)
        strcat(text, "A: b\r\n");
    strcat(text, "\r\n");
    qt_assert_err(ask(text), QN_OK);
    strcpy(text + strlen(text) - 2, "A: b\r\n\r\n");
    qt_assert_err(ask(text), QN_PROTO);
}
END_TEST

START_TEST(each_reason_has_its_status)
{
    static const struct {
        qn_app_code code;
        unsigned status;
    } v[] = {{QN_APP_POLICY, 403},           {QN_APP_RATE, 429},    {QN_APP_TOO_MANY, 503},
             {QN_APP_RESOLVE, 502},          {QN_APP_REFUSED, 502}, {QN_APP_TIMEOUT, 504},
             {QN_APP_HOST_UNREACHABLE, 502}, {QN_APP_FAILED, 500}};

    for (unsigned i = 0; i < QN_LEN(v); i++) {
        qt_assert_err(ask("CONNECT a:80 HTTP/1.1\r\n\r\n"), QN_OK);
        qn_socks_reply(&s, qn_app_socks(v[i].code), qn_app_http(v[i].code));
        ck_assert_uint_eq(status(), v[i].status);
        ck_assert_int_eq((int)s.state, QN_SOCKS_ENDED);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("socks/connect");
    TCase *tc = tcase_create("connect");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, takes_requests_in_pieces_of_any_size);
    tcase_add_test(tc, addresses_are_addresses);
    tcase_add_loop_test(tc, refuses_what_is_malformed_at_its_line, 0, QN_LEN(wrong));
    tcase_add_test(tc, credentials_count_as_those_of_socks);
    tcase_add_test(tc, the_longest_credentials_fit);
    tcase_add_test(tc, long_fields_pass_and_the_head_is_bounded);
    tcase_add_test(tc, a_request_line_longer_than_any_name_is_refused);
    tcase_add_test(tc, fields_are_counted);
    tcase_add_test(tc, each_reason_has_its_status);
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(suite)

/* SOCKS5 as clients speak it, in any pieces, and as strangers do. */
#include "support/qt.h"

#include "base/limits.h"
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

/* Pushes in pieces of `step`; what push said last, and in *left what it did not take. */
static qn_err push(qn_slice in, size_t step, size_t *left)
{
    qn_err err = QN_SHORT;

    while (in.n > 0 && err == QN_SHORT) {
        size_t used, piece = QN_MIN(step, in.n);

        err = qn_socks_push(&s, &t.env, qn_slice_of(in.p, piece), &used);
        ck_assert(used <= piece && (err != QN_SHORT || used == piece));
        in = qn_slice_of(in.p + used, in.n - used);
    }
    *left = in.n;
    return err;
}

/* Everything peek offers, taken in pieces of 3. */
static qn_slice answer(void)
{
    static uint8_t out[1024];
    size_t n = 0;

    for (qn_slice p = qn_socks_peek(&s); p.n > 0; p = qn_socks_peek(&s)) {
        size_t take = QN_MIN(p.n, (size_t)3);

        ck_assert_uint_le(n + take, sizeof out);
        memcpy(out + n, p.p, take);
        n += take;
        qn_socks_consume(&s, take);
    }
    return qn_slice_of(out, n);
}

static void answers(const char *hex)
{
    qn_slice got = answer();

    qt_assert_bytes(got.p, got.n, qt_hex(hex));
}

static qn_err say(const char *hex)
{
    size_t left;
    qn_err err = push(qt_hex(hex), SIZE_MAX, &left);

    ck_assert_uint_eq(left, 0);
    return err;
}

/* ---- whole conversations --------------------------------------------------------------------- */

#define GREET "05 01 00"
#define LOGIN "05 02 00 02  01 04 66617374 01 78" /* user "fast", password "x" */

static const struct {
    const char *sent, *dest;
    bool login;
} talks[] = {
    {GREET " 05 01 00 01 5db8d822 0050", "93.184.216.34:80", false},
    {GREET " 05 01 00 03 0b 6578616d706c652e6f7267 01bb", "example.org:443", false},
    {GREET " 05 01 00 04 26064700000000000000000000001111 0050", "[2606:4700::1111]:80", false},
    {LOGIN " 05 01 00 03 01 78 ffff", "x:65535", true},
    {"05 01 02  01 00 00  05 01 00 01 01020304 0001", "1.2.3.4:1", true},
    {"05 03 01 00 03"
     " 05 01 00 01 01020304 0001",
     "1.2.3.4:1", false},
};

START_TEST(takes_requests_in_pieces_of_any_size)
{
    qn_slice in = qt_hex(talks[_i].sent);

    for (size_t step = 1; step <= in.n; step++) {
        char dest[QN_DEST_TEXT];
        size_t left;

        qn_socks_init(&s);
        qt_assert_err(push(in, step, &left), QN_OK);
        ck_assert_uint_eq(left, 0);
        ck_assert_int_eq((int)s.state, QN_SOCKS_ASKED);
        qn_dest_text(&s.dest, dest);
        ck_assert_str_eq(dest, talks[_i].dest);
        answers(talks[_i].login ? "05 02 01 00" : "05 00");
        qn_socks_reply(&s, QN_SOCKS_OK, 200);
        ck_assert_int_eq((int)s.state, QN_SOCKS_REPLIED);
        answers("05 00 00 01 00000000 0000");
    }
}
END_TEST

START_TEST(answers_step_by_step_to_clients_that_wait)
{
    qt_assert_err(say("05 02 00 02"), QN_SHORT);
    answers("05 02");
    qt_assert_err(say("01 01 61 01 62"), QN_SHORT);
    answers("01 00");
    qt_assert_err(say("05 01 00 01 01020304 0050"), QN_OK);
    answers("");
    qn_socks_reply(&s, QN_SOCKS_OK, 200);
    answers("05 00 00 01 00000000 0000");
}
END_TEST

/* Sends one example of docs/wire/socks.md and expects another as the answer. */
static void converse(const char *sent, qn_err want, const char *got)
{
    qn_slice in = qt_doc_hex("socks.md", sent), out;
    size_t left;

    qt_assert_err(push(in, SIZE_MAX, &left), want);
    ck_assert_uint_eq(left, 0);
    out = answer();
    if (got != NULL)
        qt_assert_bytes(out.p, out.n, qt_doc_hex("socks.md", got));
    else
        ck_assert_uint_eq(out.n, 0);
}

START_TEST(the_documents_conversation)
{
    char dest[QN_DEST_TEXT];
    qn_slice reply;

    converse("greeting", QN_SHORT, "method");
    converse("credentials", QN_SHORT, "accepted");
    converse("request", QN_OK, NULL);
    qn_dest_text(&s.dest, dest);
    ck_assert_str_eq(dest, "example.org:443");
    ck_assert(s.has_route && s.route == QN_ROUTE_PRIVACY);
    qt_assert_bytes(s.isolation, sizeof s.isolation, qt_doc_hex("socks.md", "isolation"));
    qn_socks_reply(&s, QN_SOCKS_OK, 200);
    reply = answer();
    qt_assert_bytes(reply.p, reply.n, qt_doc_hex("socks.md", "reply"));
}
END_TEST

START_TEST(what_follows_the_request_is_the_streams)
{
    qn_slice in = qt_hex(GREET " 05 01 00 01 01020304 0050 474554202f");

    for (size_t step = 1; step <= in.n; step++) {
        size_t left;

        qn_socks_init(&s);
        qt_assert_err(push(in, step, &left), QN_OK);
        ck_assert_uint_eq(left, 5);
        qt_assert_err(qn_socks_push(&s, &t.env, qt_hex("00"), &left), QN_STATE);
        ck_assert_uint_eq(left, 0);
    }
}
END_TEST

START_TEST(every_byte_missing_means_more_is_needed)
{
    qn_slice in = qt_hex(LOGIN " 05 01 00 03 0b 6578616d706c652e6f7267 01bb");

    for (size_t n = 0; n < in.n; n++) {
        size_t left;

        qn_socks_init(&s);
        qt_assert_err(push(qn_slice_of(in.p, n), SIZE_MAX, &left), QN_SHORT);
    }
}
END_TEST

START_TEST(the_longest_credentials_and_name_fit)
{
    uint8_t in[3 + 513 + 262] = {5, 1, 2, 1, 255};
    size_t left;

    memset(in + 5, 'u', 255);
    in[260] = 255;
    memset(in + 261, 'p', 255);
    memcpy(in + 516, (uint8_t[]){5, 1, 0, 3, 255}, 5);
    memset(in + 521, 'n', 255);
    in[776] = in[777] = 1;
    qt_assert_err(push(qn_slice_of(in, sizeof in), 1, &left), QN_OK);
    ck_assert_uint_eq(s.dest.name_len, QN_NAME_MAX);
    ck_assert_uint_eq(strlen(s.dest.name), QN_NAME_MAX);
}
END_TEST

START_TEST(the_longest_list_of_methods_fits)
{
    uint8_t in[257] = {5, 255};
    size_t left;

    memset(in + 2, 0x80, 254);
    in[256] = 2;
    qt_assert_err(push(qn_slice_of(in, sizeof in), 1, &left), QN_SHORT);
    answers("05 02");
}
END_TEST

START_TEST(every_reply_code_has_its_bytes)
{
    char want[32];

    qt_assert_err(say(GREET " 05 01 00 01 01020304 0050"), QN_OK);
    answers("05 00");
    qn_socks_reply(&s, (uint8_t)_i, 500);
    ck_assert_int_eq((int)s.state, _i == QN_SOCKS_OK ? QN_SOCKS_REPLIED : QN_SOCKS_ENDED);
    (void)snprintf(want, sizeof want, "05 %02x 00 01 00000000 0000", (unsigned)_i);
    answers(want);
}
END_TEST

/* ---- refusals -------------------------------------------------------------------------------- */

static const struct {
    const char *sent;
    qn_err err;
    const char *answer;
} wrong[] = {
    {"05 01 01", QN_PROTO, "05 ff"}, /* GSSAPI only */
    {"05 00", QN_PROTO, "05 ff"},    /* nothing offered */
    {"05 02 03 80", QN_PROTO, "05 ff"},
    {"04", QN_VERSION, ""}, /* SOCKS4 */
    {"00", QN_PROTO, ""},
    {"16", QN_PROTO, ""},               /* a TLS hello */
    {"61", QN_PROTO, ""},               /* 'a' */
    {"05 01 02 00", QN_PROTO, "05 02"}, /* credentials of version 0 */
    {"05 01 02 05", QN_PROTO, "05 02"}, /* a request in their place */
    {GREET " 04", QN_PROTO, "05 00  05 01 00 01 00000000 0000"},
    {GREET " 05 02", QN_PROTO, "05 00  05 07 00 01 00000000 0000"}, /* BIND */
    {GREET " 05 03", QN_PROTO, "05 00  05 07 00 01 00000000 0000"}, /* UDP ASSOCIATE */
    {GREET " 05 00", QN_PROTO, "05 00  05 07 00 01 00000000 0000"},
    {GREET " 05 f0", QN_PROTO, "05 00  05 07 00 01 00000000 0000"}, /* Tor's RESOLVE */
    {GREET " 05 01 01", QN_PROTO, "05 00  05 01 00 01 00000000 0000"},
    {GREET " 05 01 00 00", QN_PROTO, "05 00  05 08 00 01 00000000 0000"},
    {GREET " 05 01 00 02", QN_PROTO, "05 00  05 08 00 01 00000000 0000"},
    {GREET " 05 01 00 05", QN_PROTO, "05 00  05 08 00 01 00000000 0000"},
    {GREET " 05 01 00 03 00 0050", QN_PROTO, "05 00  05 01 00 01 00000000 0000"},      /* no name */
    {GREET " 05 01 00 03 02 7800 0050", QN_PROTO, "05 00  05 01 00 01 00000000 0000"}, /* a NUL */
    {GREET " 05 01 00 03 02 780a 0050", QN_PROTO, "05 00  05 01 00 01 00000000 0000"},
    {GREET " 05 01 00 01 01020304 0000", QN_PROTO, "05 00  05 01 00 01 00000000 0000"}, /* port 0 */
};

START_TEST(refuses_with_the_right_answer_at_the_right_byte)
{
    qn_slice in = qt_hex(wrong[_i].sent);

    for (size_t step = 1; step <= in.n; step++) {
        size_t left;

        qn_socks_init(&s);
        qt_assert_err(push(in, step, &left), wrong[_i].err);
        ck_assert_uint_eq(left, 0); /* it is the last byte that is wrong */
        ck_assert_int_eq((int)s.state, QN_SOCKS_ENDED);
        ck_assert_ptr_nonnull(s.why);
        answers(wrong[_i].answer);
        qt_assert_err(qn_socks_push(&s, &t.env, in, &left), QN_STATE);
    }
}
END_TEST

START_TEST(tells_a_web_browser_where_it_is)
{
    static const char *const first[] = {"GET / HTTP/1.1\r\n", "CONNECTS x:443 HTTP/1.1\r\n",
                                        "POST /", "HEAD /", "OPTIONS *"};
    size_t left;
    qn_slice got;

    qt_assert_err(push(qn_slice_of(first[_i], strlen(first[_i])), SIZE_MAX, &left), QN_VERSION);
    ck_assert_int_eq((int)s.state, QN_SOCKS_ENDED);
    got = answer();
    ck_assert_uint_gt(got.n, 60);
    ck_assert_mem_eq(got.p, "HTTP/1.1 501 ", 13);
    ck_assert_uint_eq(got.p[got.n - 1], '\n');
}
END_TEST

/* ---- credentials ----------------------------------------------------------------------------- */

static void login(const char *user, const char *password)
{
    uint8_t in[600] = {5, 1, 2, 1};
    size_t n = 4, left;

    in[n++] = (uint8_t)strlen(user);
    memcpy(in + n, user, strlen(user));
    n += strlen(user);
    in[n++] = (uint8_t)strlen(password);
    memcpy(in + n, password, strlen(password));
    n += strlen(password);
    qn_socks_init(&s);
    qt_assert_err(push(qn_slice_of(in, n), 7, &left), QN_SHORT);
    ck_assert_int_eq((int)s.state, QN_SOCKS_REQUEST);
}

static const struct {
    const char *user;
    bool has_route;
    qn_route route;
} users[] = {
    {"fast", true, QN_ROUTE_FAST},
    {"privacy", true, QN_ROUTE_PRIVACY},
    {"fast+tab1", true, QN_ROUTE_FAST},
    {"privacy+", true, QN_ROUTE_PRIVACY},
    {"privacy+fast", true, QN_ROUTE_PRIVACY},
    {"Fast", false, QN_ROUTE_FAST},
    {"fas", false, QN_ROUTE_FAST},
    {"faster", false, QN_ROUTE_FAST},
    {"privac", false, QN_ROUTE_FAST},
    {"+fast", false, QN_ROUTE_FAST},
    {"direct", false, QN_ROUTE_FAST},
    {"", false, QN_ROUTE_FAST},
    {"alice", false, QN_ROUTE_FAST},
};

START_TEST(the_user_name_chooses_the_route)
{
    login(users[_i].user, "secret");
    ck_assert(s.has_route == users[_i].has_route);
    if (users[_i].has_route)
        ck_assert_int_eq((int)s.route, (int)users[_i].route);
}
END_TEST

START_TEST(equal_credentials_share_a_key_and_others_do_not)
{
    static const char *const v[][2] = {
        {"a", "b"}, {"ab", ""}, {"", "ab"}, {"a", "c"}, {"fast+a", "b"}, {"", ""},
    };
    uint8_t key[QN_LEN(v)][16], zero[16] = {0};

    for (size_t i = 0; i < QN_LEN(v); i++) {
        login(v[i][0], v[i][1]);
        memcpy(key[i], s.isolation, 16);
        login(v[i][0], v[i][1]);
        ck_assert_mem_eq(key[i], s.isolation, 16);
        ck_assert_mem_ne(key[i], zero, 16);
        for (size_t j = 0; j < i; j++)
            ck_assert_mem_ne(key[i], key[j], 16);
    }
    qn_socks_init(&s);
    qt_assert_err(say(GREET), QN_SHORT);
    ck_assert_mem_eq(s.isolation, zero, 16);
    ck_assert(!s.has_route);
}
END_TEST

START_TEST(clearing_forgets)
{
    static const uint8_t zero[QN_SOCKS_LINE_MAX];

    login("user", "password");
    qn_socks_clear(&s);
    ck_assert_mem_eq(s.in, zero, sizeof s.in);
    ck_assert_mem_eq(s.isolation, zero, 16);
    ck_assert_uint_eq(qn_socks_peek(&s).n, 0);
    ck_assert_int_eq((int)s.state, QN_SOCKS_ENDED);
}
END_TEST

START_TEST(noise_never_does_more_than_end_it)
{
    qn_slice noise = qt_noise((uint64_t)_i, 2000);
    uint8_t *p = (uint8_t *)(uintptr_t)noise.p;
    size_t left;

    p[0] = 5;
    p[1] &= 7;
    (void)push(noise, 13, &left);
    ck_assert_int_ge((int)s.state, QN_SOCKS_GREETING);
    ck_assert_uint_le(answer().n, 16);
}
END_TEST

static Suite *socks_suite(void)
{
    Suite *suite = suite_create("socks/socks");
    TCase *tc = tcase_create("socks");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, takes_requests_in_pieces_of_any_size, 0, QN_LEN(talks));
    tcase_add_test(tc, answers_step_by_step_to_clients_that_wait);
    tcase_add_test(tc, the_documents_conversation);
    tcase_add_test(tc, what_follows_the_request_is_the_streams);
    tcase_add_test(tc, every_byte_missing_means_more_is_needed);
    tcase_add_test(tc, the_longest_credentials_and_name_fit);
    tcase_add_test(tc, the_longest_list_of_methods_fits);
    tcase_add_loop_test(tc, every_reply_code_has_its_bytes, 0, QN_SOCKS_ATYP + 1);
    tcase_add_loop_test(tc, refuses_with_the_right_answer_at_the_right_byte, 0, QN_LEN(wrong));
    tcase_add_loop_test(tc, tells_a_web_browser_where_it_is, 0, 5);
    tcase_add_loop_test(tc, the_user_name_chooses_the_route, 0, QN_LEN(users));
    tcase_add_test(tc, equal_credentials_share_a_key_and_others_do_not);
    tcase_add_test(tc, clearing_forgets);
    tcase_add_loop_test(tc, noise_never_does_more_than_end_it, 0, 200);
    suite_add_tcase(suite, tc);
    return suite;
}

QT_MAIN(socks_suite)

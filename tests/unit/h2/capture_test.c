/* Byte for byte what the browsers sent: frames, HPACK, and which frames share a TLS record. */
#include "fixture.h"

#include "support/json.h"

#include <nghttp2/nghttp2.h>

#define RECORD 17 /* inner type and tag: what a record's length has on top of the write */
#define FIELDS 32

typedef struct fields {
    unsigned n;
    char name[FIELDS][64], value[FIELDS][320];
} fields;

typedef struct replay {
    qn_h2 *h;
    qn_h2_profile profile;
    nghttp2_hd_inflater *inflater; /* reads the capture: paths of later requests are only there */
    fields request;
    const json_t *records; /* of the capture, from the first write on */
    size_t record;
    uint8_t sent[8192]; /* what was not yet compared */
    size_t n;
    uint32_t done; /* last stream of the server's that was answered: they are odd */
    bool greeted;  /* SETTINGS of the server were pushed */
} replay;

static qt_env t;

static void setup(void)
{
    qt_env_open(&t, 1);
}

static void teardown(void)
{
    qt_env_close(&t);
}

static void inflate(nghttp2_hd_inflater *inflater, qn_slice block, fields *out)
{
    out->n = 0;
    while (block.n > 0) {
        int flags = 0;
        nghttp2_nv nv;
        ssize_t used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.p, block.n, 1);

        ck_assert_int_ge(used, 0);
        block = (qn_slice){block.p + used, block.n - (size_t)used};
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            ck_assert_uint_lt(out->n, FIELDS);
            (void)snprintf(out->name[out->n], sizeof out->name[0], "%s", (const char *)nv.name);
            (void)snprintf(out->value[out->n++], sizeof out->value[0], "%s",
                           (const char *)nv.value);
        }
    }
    ck_assert_int_eq(nghttp2_hd_inflate_end_headers(inflater), 0);
}

static const char *field(const fields *f, const char *name)
{
    for (unsigned i = 0; i < f->n; i++)
        if (strcmp(f->name[i], name) == 0)
            return f->value[i];
    return "";
}

/* Writes are records: the capture has their lengths. */
static void collect(replay *r)
{
    qn_slice w;

    while ((w = qn_h2_peek(r->h)).n > 0) {
        const json_t *record = json_array_get(r->records, r->record++);

        if (record != NULL)
            ck_assert_int_eq(qt_json_int(record, "length"), (json_int_t)w.n + RECORD);
        ck_assert_uint_le(r->n + w.n, sizeof r->sent);
        memcpy(r->sent + r->n, w.p, w.n);
        r->n += w.n;
        qn_h2_consume(r->h, w.n);
    }
}

/* The next bytes sent are these; with nothing to compare the test dies. */
static void expect(replay *r, const void *want, size_t n)
{
    ck_assert_uint_ge(r->n, n);
    ck_assert_msg(memcmp(r->sent, want, n) == 0, "sent %s\nnot  %s", qt_unhex(r->sent, n),
                  qt_unhex(want, n));
    r->n -= n;
    memmove(r->sent, r->sent + n, r->n);
}

static size_t captured_frame(const json_t *frame, uint8_t *out)
{
    static const char *const types[] = {"DATA",       "HEADERS",  "PRIORITY",
                                        "RST_STREAM", "SETTINGS", "PUSH_PROMISE",
                                        "PING",       "GOAWAY",   "WINDOW_UPDATE"};
    size_t n = (size_t)qt_json_int(frame, "len");
    uint8_t type = 0;

    while (strcmp(types[type], qt_json_text(frame, "type")) != 0)
        ck_assert_uint_lt(++type, QN_LEN(types));
    qn_put24(out, (uint32_t)n);
    out[3] = type;
    out[4] = (uint8_t)qt_json_int(frame, "flags");
    qn_put32(out + 5, (uint32_t)qt_json_int(frame, "stream"));
    if (type == NGHTTP2_HEADERS) {
        const json_t *priority = qt_json_get(frame, "priority");
        qn_slice block = qt_json_hex(frame, "block_hex");

        qn_put32(out + 9, (uint32_t)qt_json_int(priority, "excl") << 31 |
                              (uint32_t)qt_json_int(priority, "dep"));
        out[13] = (uint8_t)(qt_json_int(priority, "weight") - 1);
        memcpy(out + 14, block.p, block.n);
    } else if (type == NGHTTP2_WINDOW_UPDATE) {
        qn_put32(out + 9, (uint32_t)qt_json_int(frame, "increment"));
    } else {
        const json_t *settings = qt_json_get(frame, "settings");

        for (size_t i = 0; i < json_array_size(settings); i++) {
            const json_t *pair = json_array_get(settings, i);

            qn_put16(out + 9 + 6 * i, (uint16_t)json_integer_value(json_array_get(pair, 0)));
            qn_put32(out + 11 + 6 * i, (uint32_t)json_integer_value(json_array_get(pair, 1)));
        }
    }
    return 9 + n;
}

static void greet(replay *r)
{
    if (r->greeted)
        return;
    r->greeted = true;
    h2_push_hex(r->h, H2_SETTINGS);
}

/* Ends every open stream below `stream` but the one that the captured priority depends on. */
static void finish_before(replay *r, uint32_t stream, uint32_t but)
{
    qn_h2_event ev;

    greet(r);
    for (uint32_t s = QN_MAX(r->done + 2, (uint32_t)r->profile.first_stream); s < stream; s += 2)
        if (s != but) {
            h2_answer(r->h, s, "200", NULL, true);
            r->done = s;
        }
    while (qn_h2_next(r->h, &ev))
        ck_assert_int_ne(ev.type, QN_H2_FAILED);
}

static void ask(replay *r, const json_t *frame)
{
    uint32_t stream = (uint32_t)qt_json_int(frame, "stream"), id;
    const char *path;
    qn_h2_kind kind;

    inflate(r->inflater, qt_json_hex(frame, "block_hex"), &r->request);
    path = field(&r->request, ":path");
    kind = strcmp(field(&r->request, "sec-fetch-dest"), "document") == 0
               ? QN_H2_DOCUMENT
               : qn_h2_kind_of(h2_text(path));
    if (stream > (uint32_t)r->profile.first_stream)
        finish_before(r, stream, (uint32_t)qt_json_int(qt_json_get(frame, "priority"), "dep"));
    qt_assert_err(qn_h2_request(r->h, kind, h2_text(path), 1000, &id), QN_OK);
}

static void replay_open(replay *r, const json_t *sample, unsigned browser)
{
    const json_t *frames = qt_json_get(sample, "frames");
    const json_t *first = NULL;
    size_t i = 0;

    *r = (replay){.profile = h2_profile(&t, browser)};
    r->done = (uint32_t)r->profile.first_stream - 2;
    ck_assert_int_eq(nghttp2_hd_inflate_new(&r->inflater), 0);
    ck_assert_int_eq(nghttp2_hd_inflate_change_table_size(r->inflater, 65536), 0);
    while (strcmp(qt_json_text(json_array_get(frames, i), "type"), "HEADERS") != 0)
        i++;
    first = json_array_get(frames, i);
    inflate(r->inflater, qt_json_hex(first, "block_hex"), &r->request);
    nghttp2_hd_inflate_del(r->inflater);
    ck_assert_int_eq(nghttp2_hd_inflate_new(&r->inflater), 0);
    ck_assert_int_eq(nghttp2_hd_inflate_change_table_size(r->inflater, 65536), 0);
    r->h = h2_open(&t, &r->profile, field(&r->request, ":authority"),
                   json_is_true(qt_json_get(sample, "resumed")));
}

static unsigned play(const json_t *sample, unsigned browser)
{
    const json_t *frames = qt_json_get(sample, "frames");
    json_t *records = json_copy(qt_json_get(sample, "client_tls_records"));
    uint8_t want[2048];
    unsigned requests = 0;
    replay r;

    for (unsigned i = 0; i < 3; i++) /* hello, change_cipher_spec, Finished */
        ck_assert_int_eq(json_array_remove(records, 0), 0);
    replay_open(&r, sample, browser);
    r.records = records;
    collect(&r);
    expect(&r, NGHTTP2_CLIENT_MAGIC, 24);
    for (size_t i = 0; i < json_array_size(frames); i++) {
        const json_t *frame = json_array_get(frames, i);
        bool headers = strcmp(qt_json_text(frame, "type"), "HEADERS") == 0;

        memset(want, 0, sizeof want);
        if (headers)
            ask(&r, frame);
        else if (qt_json_int(frame, "flags") == 1)
            greet(&r);
        collect(&r);
        expect(&r, want, captured_frame(frame, want));
        requests += headers;
    }
    /* A capture ends with its twelfth frame, which can be between a request and its credit. */
    ck_assert(r.n == 0 || (r.n == 13 && r.profile.stream_window > 0 && requests > 1));
    qn_h2_free(r.h);
    nghttp2_hd_inflate_del(r.inflater);
    json_decref(records);
    return requests;
}

START_TEST(every_captured_connection_is_reproduced)
{
    static const struct {
        unsigned samples, requests;
    } all[] = {{15, 39}, {14, 30}};
    char name[64];
    json_t *samples;
    unsigned requests = 0;

    (void)snprintf(name, sizeof name, "fingerprints/%s/http2.json", h2_browsers[_i]);
    samples = qt_vector_json(name);
    ck_assert_uint_eq(json_array_size(samples), all[_i].samples);
    for (size_t i = 0; i < json_array_size(samples); i++)
        requests += play(json_array_get(samples, i), (unsigned)_i);
    ck_assert_uint_eq(requests, all[_i].requests);
}
END_TEST

/* SETTINGS | WINDOW_UPDATE | PRIORITY | pseudo-headers, as Akamai's paper of 2017 writes them. */
static void akamai(const uint8_t *p, size_t n, char *out, size_t cap)
{
    nghttp2_hd_inflater *inflater;
    fields f;
    size_t at = 24 + 9, used = 0;

    for (size_t end = at + qn_get24(p + 24); at < end; at += 6)
        used += (size_t)snprintf(out + used, cap - used, "%s%u:%u", used > 0 ? ";" : "",
                                 qn_get16(p + at), qn_get32(p + at + 2));
    used += (size_t)snprintf(out + used, cap - used, "|%u|0|", qn_get32(p + at + 9));
    at += 13;
    while (p[at + 3] != NGHTTP2_HEADERS)
        at += 9 + qn_get24(p + at);
    ck_assert_uint_lt(at, n);
    ck_assert_int_eq(nghttp2_hd_inflate_new(&inflater), 0);
    inflate(inflater, qn_slice_of(p + at + 14, qn_get24(p + at) - 5), &f);
    nghttp2_hd_inflate_del(inflater);
    for (unsigned i = 0; i < 4; i++)
        used += (size_t)snprintf(out + used, cap - used, "%s%c", i > 0 ? "," : "", f.name[i][1]);
}

START_TEST(the_akamai_string_is_the_browser_s)
{
    static const char *const want[] = {"1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p",
                                       "1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s"};
    qn_h2_profile p = h2_profile(&t, (unsigned)_i);
    qn_h2 *h = h2_open(&t, &p, "www.example", true);
    uint8_t sent[2048];
    char got[128];
    size_t n;

    (void)h2_ask(h, QN_H2_DOCUMENT, "/");
    (void)h2_taken(h, sent, sizeof sent, &n);
    akamai(sent, n, got, sizeof got);
    ck_assert_str_eq(got, want[_i]);
    qn_h2_free(h);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("h2 captures");
    TCase *c = tcase_create("browsers");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, every_captured_connection_is_reproduced, 0, QN_LEN(h2_browsers));
    tcase_add_loop_test(c, the_akamai_string_is_the_browser_s, 0, QN_LEN(h2_browsers));
    suite_add_tcase(s, c);
    return s;
}

QT_MAIN(suite)

/*
 * A server that says anything, in any cuts, to either browser's connection (byte 0: browser in bit
 * 0, cuts). Each request gets at most one RESPONSE, then no more body than was allowed, then one
 * DONE; FAILED is the last word; writes are frames; memory stays below a bound and comes back.
 */
#include "fuzz.h"

#include "h2/h2.h"
#include "tls/profile.h"

enum { ASKED = 4, LARGEST = 4096 };

typedef struct talk {
    struct {
        bool answered, done;
        uint64_t body;
    } of[ASKED + 1]; /* by id, from 1 */
    bool going, failed;
} talk;

static const qn_h2_profile *profile_of(unsigned browser)
{
    static qn_h2_profile read[2];
    static uint8_t file[2][4096];
    static const char *const paths[] = {FZ_PROFILES "/chromium-156.cbor",
                                        FZ_PROFILES "/firefox-esr-153.cbor"};

    if (read[browser].setting_n == 0) {
        FILE *f = fopen(paths[browser], "rb");
        qn_tls_profile tls;
        fz_env e;
        size_t n;

        FZ_CHECK(f != NULL);
        n = fread(file[browser], 1, sizeof file[browser], f);
        (void)fclose(f);
        fz_env_open(&e, 0);
        FZ_CHECK(qn_tls_profile_read(&tls, &e.env, qn_slice_of(file[browser], n)) == QN_OK);
        FZ_CHECK(qn_h2_profile_read(&read[browser], tls.http2) == QN_OK);
        fz_env_close(&e);
    }
    return &read[browser];
}

static void told(talk *t, const qn_h2_event *ev)
{
    FZ_CHECK(!t->failed);
    if (ev->type == QN_H2_FAILED || ev->type == QN_H2_GOAWAY) {
        FZ_CHECK(ev->type == QN_H2_FAILED || !t->going);
        t->failed = ev->type == QN_H2_FAILED;
        t->going = true;
        return;
    }
    FZ_CHECK(ev->id >= 1 && ev->id <= ASKED && !t->of[ev->id].done);
    if (ev->type == QN_H2_RESPONSE) {
        FZ_CHECK(!t->of[ev->id].answered && ev->status >= 200 && ev->status <= 999);
        t->of[ev->id].answered = true;
    } else if (ev->type == QN_H2_BODY) {
        FZ_CHECK(t->of[ev->id].answered && ev->n > 0);
        t->of[ev->id].body += ev->n;
    } else {
        FZ_CHECK(t->of[ev->id].body <= LARGEST && (ev->err != QN_OK || t->of[ev->id].answered));
        t->of[ev->id].done = true;
    }
}

static void listen_to(qn_h2 *h, talk *t)
{
    qn_h2_event ev;
    qn_slice w;

    while ((w = qn_h2_peek(h)).n > 0) {
        FZ_CHECK(w.n >= 9);
        qn_h2_consume(h, w.n);
    }
    while (qn_h2_next(h, &ev))
        told(t, &ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    qn_h2_cfg cfg = {.authority = {(const uint8_t *)"a.example", 9}};
    fz_in in = {p, QN_MIN(n, (size_t)1 << 16)};
    uint32_t how = fz_u8(&in), cuts = how, id;
    talk t = {0};
    qn_h2 *h;
    fz_env e;

    cfg.profile = profile_of(how & 1);
    cfg.resumed = how < 128;
    fz_env_open(&e, 0);
    FZ_CHECK(qn_h2_new(&h, &e.env, &cfg) == QN_OK);
    for (unsigned i = 0; i < ASKED; i++)
        FZ_CHECK(qn_h2_request(h, (qn_h2_kind)(i % QN_H2_KINDS), qn_slice_of("/x", 2), LARGEST,
                               &id) == QN_OK);
    listen_to(h, &t);
    while (in.n > 0 && !t.failed) {
        size_t part = how < 2 ? in.n : 1 + (cuts >> 16) % 64;

        FZ_CHECK(qn_h2_push(h, fz_exact(fz_take(&in, part))) == QN_OK);
        cuts = cuts * UINT32_C(1664525) + UINT32_C(1013904223);
        listen_to(h, &t);
    }
    FZ_CHECK(e.env.mem.peak < 512 << 10);
    qn_h2_free(h);
    fz_env_close(&e);
    return 0;
}

#define SETTINGS "\0\0\0\4\0\0\0\0\0"

static void seed(const char *name, unsigned how, const void *p, size_t n)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, how);
    fz_out_bytes(o, SETTINGS, 9);
    fz_out_bytes(o, p, n);
    fz_out_seed(o, name);
}

void fz_seeds(void)
{
    static const char answer[] = "\0\0\1\1\4\0\0\0\1\x88\0\0\3\0\1\0\0\0\1abc";
    static const char dated[] = "\0\0\x21\1\5\0\0\0\3\x88\x0f\x12\x1d"
                                "Fri, 20 Nov 2026 08:00:00 GMT";
    static const char ends[] = "\0\0\x8\7\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\4\3\0\0\0\0\3\0\0\0\7";
    static const char settings[] = "\0\0\xc\4\0\0\0\0\0\0\1\0\0\0\0\0\3\0\0\0\1"
                                   "\0\0\x8\6\0\0\0\0\0"
                                   "12345678\0\0\4\x8\0\0\0\0\0\0\0\1\0";

    seed("answer", 0, answer, sizeof answer - 1);
    seed("dated", 1, dated, sizeof dated - 1);
    seed("ends", 2, ends, sizeof ends - 1);
    seed("settings", 3, settings, sizeof settings - 1);
}

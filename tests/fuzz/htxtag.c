/*
 * What a stranger's first bytes meet: the hello finder (in any cuts) and reader, then the judge of
 * tags. First byte: raw bytes from the wire, or a tagged hello with some bytes changed. Only an
 * unchanged one (up to its binders) may be taken for tagged, and then says what was put in.
 */
#include "fuzz.h"

#include "htx/greeting.h"
#include "htx/tag.h"

static const qn_slice names[] = {{(const uint8_t *)"site.example", 12}};

typedef struct world {
    fz_env t;
    qn_htx_tag_cfg cfg;
    qn_htx_mirror_key key;
    qn_htx_tag tag;
    uint8_t record[QN_RECORD_HEADER + QN_TLS_HELLO_MAX];
    size_t n; /* of the message */
} world;

/* A small hello with a name, a share and TLS 1.3. */
static void make_hello(world *w, const qn_dh_public *e)
{
    static const uint8_t before[] = {
        0,   2,   0x13, 1,  1, 0,  0, 70, /* suites, compression, 70 bytes */
        0,   0,   0,    17, 0, 15, 0, 0,  12, 's', 'i', 't', 'e', '.', 'e', 'x', 'a', 'm', 'p',
        'l', 'e', 0,    43, 0, 3,  2, 3,  4,  0,   51,  0,   38,  0,   36,  0,   29,  0,   32};
    uint8_t *p = w->record;

    w->n = 4 + 2 + 32 + 33 + sizeof before + 32;
    memset(p, 0, sizeof w->record);
    p[0] = 22;
    p[1] = 3;
    p[2] = 1;
    qn_put16(p + 3, (uint16_t)w->n);
    p[5] = 1;
    qn_put24(p + 6, (uint32_t)(w->n - 4));
    p[9] = p[10] = 3;
    memset(p + 11, 0x77, 32);
    p[43] = 32;
    memcpy(p + 76, before, sizeof before);
    memcpy(p + 76 + sizeof before, e->b, 32);
}

static void open_world(world *w)
{
    qn_dh_public e;
    qn_noise x;

    memset(w, 0, sizeof *w);
    fz_env_open(&w->t, 3);
    qn_dh_generate(&w->t.env, &w->key.secret, &w->key.pub);
    qn_dh_generate(&w->t.env, &w->cfg.e, &e);
    w->cfg.own.b[0] = 5;
    w->cfg.mirror = w->key.pub;
    w->tag = (qn_htx_tag){.requests = 3, .second = 100, .time = (uint32_t)FZ_EPOCH};
    make_hello(w, &e);
    FZ_CHECK(qn_htx_tag_seal(&x, &w->t.env, &w->cfg, &w->tag, w->record + QN_RECORD_HEADER, w->n) ==
             QN_OK);
    qn_noise_clear(&x);
}

/* The finder's verdict on the whole, for any cuts; at most one hello is kept. */
static void greet(world *w, qn_slice wire)
{
    qn_slice message = {0}, record = {0};
    qn_err whole = qn_tls_hello_find(wire.p, wire.n, &message);

    for (size_t cut = 1; cut < 4000; cut = cut * 7 + 3) {
        qn_htx_greeting g = {0};
        qn_err err = QN_SHORT;
        size_t at = 0, behind = 0;

        while (err == QN_SHORT && at < wire.n) {
            size_t n = QN_MIN(cut, wire.n - at);

            err = qn_htx_greeting_feed(&g, &w->t.env, wire.p + at, n, &record, &behind);
            at += n;
        }
        FZ_CHECK(err == whole && w->t.env.mem.used <= QN_RECORD_HEADER + QN_TLS_HELLO_MAX);
        if (err == QN_OK) {
            FZ_CHECK(record.n == QN_RECORD_HEADER + message.n && at - behind == record.n);
            FZ_CHECK(memcmp(record.p, wire.p, record.n) == 0);
        }
        qn_htx_greeting_clear(&g, &w->t.env);
    }
}

/* QN_OK: tagged. */
static qn_err meet(world *w, qn_slice wire, qn_htx_tag *tag)
{
    const qn_htx_tag_judge judge = {.keys = &w->key,
                                    .keys_n = 1,
                                    .psks = &w->cfg.psk,
                                    .psks_n = 1,
                                    .names = names,
                                    .names_n = 1};
    qn_tls_hello hello;
    qn_slice message;
    qn_noise x;
    qn_err err = qn_tls_hello_find(wire.p, wire.n, &message);

    if (err == QN_OK)
        err = qn_tls_hello_read(message, &hello);
    if (err == QN_OK)
        err = qn_htx_tag_open(&x, &w->t.env, &judge, message, &hello, tag);
    if (err == QN_OK)
        qn_noise_clear(&x);
    return err;
}

static void changed(world *w, fz_in in)
{
    uint8_t same[sizeof w->record];
    size_t n = QN_RECORD_HEADER + w->n;
    qn_htx_tag got;
    qn_err err;

    memcpy(same, w->record, n);
    while (in.n > 0) {
        size_t at = fz_u16(&in) % n;

        w->record[at] = fz_u8(&in);
    }
    err = meet(w, fz_exact(qn_slice_of(w->record, n)), &got);
    /* the record's minor version is bound by nothing */
    if (memcmp(same, w->record, 2) == 0 && memcmp(same + 3, w->record + 3, n - 3) == 0 &&
        w->record[2] == 1) {
        FZ_CHECK(err == QN_OK && got.requests == 3 && got.second == 100);
        return;
    }
    FZ_CHECK(err != QN_OK || memcmp(same + 5, w->record + 5, n - 5) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static world w;
    fz_in in = {p, n};
    qn_htx_tag tag;

    open_world(&w);
    if (fz_u8(&in) & 1) {
        changed(&w, in);
    } else {
        greet(&w, in.n > 0 ? fz_exact(qn_slice_of(in.p, in.n)) : qn_slice_of("", 0));
        FZ_CHECK(meet(&w, fz_exact(qn_slice_of(in.p, in.n)), &tag) != QN_OK ||
                 in.n >= QN_RECORD_HEADER + w.n);
    }
    fz_env_close(&w.t);
    return 0;
}

void fz_seeds(void)
{
    static world w;
    fz_out *o = fz_out_new();

    open_world(&w);
    fz_out_u8(o, 0);
    fz_out_bytes(o, w.record, QN_RECORD_HEADER + w.n);
    fz_out_seed(o, "tagged");
    fz_seed("unchanged", "\x01", 1);
    fz_seed("changed", "\x01\x00\x30\xff\x00\x10\x01", 7);
    fz_env_close(&w.t);
}

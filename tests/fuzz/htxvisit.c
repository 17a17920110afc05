/*
 * A connection at P before the switch: a tagged hello (changed, if the fuzzer says so), then
 * records and raw bytes of both sides in any cuts, ends, refused memory. Each side is given a
 * prefix of what the other said; all of it, unless the connection failed or its proof is due.
 */
#include "fuzz.h"

#include "base/engine.h"
#include "htx/visit.h"
#include "tls/numbers.h"

enum { SAID = 1 << 16 };

static const qn_slice name = {(const uint8_t *)"site.example", 12};

typedef struct game {
    fz_env t;
    qn_htx_replay replay;
    qn_htx_mirror_key key;
    qn_key psk;
    qn_htx_site site;
    qn_htx_visit v;
    uint8_t said[2][SAID];
    size_t said_n[2], heard[2];
    uint8_t hello[512];
    size_t hello_n;
    bool over;
} game;

/* A small hello, as tests/fuzz/htxtag.c has one; its tag asks for three records and one of 100. */
static void make_hello(game *g)
{
    static const uint8_t before[] = {0,   2,   0x13, 1,   1,   0,   0,   70,  0,   0,   0,   17,
                                     0,   15,  0,    0,   12,  's', 'i', 't', 'e', '.', 'e', 'x',
                                     'a', 'm', 'p',  'l', 'e', 0,   43,  0,   3,   2,   3,   4,
                                     0,   51,  0,    38,  0,   36,  0,   29,  0,   32};
    const qn_htx_tag tag = {.requests = 3, .second = 100, .time = (uint32_t)FZ_EPOCH};
    qn_htx_tag_cfg cfg = {.mirror = g->key.pub, .own = {.b = {5}}};
    size_t n = 4 + 2 + 32 + 33 + sizeof before + 32;
    uint8_t *p = g->hello;
    qn_dh_public e;
    qn_noise x;

    qn_dh_generate(&g->t.env, &cfg.e, &e);
    p[0] = QN_TLS_HANDSHAKE;
    p[1] = 3;
    p[2] = 1;
    qn_put16(p + 3, (uint16_t)n);
    p[5] = QN_TLS_CLIENT_HELLO;
    qn_put24(p + 6, (uint32_t)(n - 4));
    p[9] = p[10] = 3;
    p[43] = 32;
    memcpy(p + 76, before, sizeof before);
    memcpy(p + 76 + sizeof before, e.b, 32);
    FZ_CHECK(qn_htx_tag_seal(&x, &g->t.env, &cfg, &tag, p + QN_RECORD_HEADER, n) == QN_OK);
    qn_noise_clear(&x);
    g->hello_n = QN_RECORD_HEADER + n;
}

static void open_game(game *g)
{
    const qn_htx_splice_cfg cfg = {.origin = {.family = 4, .port = 1}};

    memset(g, 0, sizeof *g);
    fz_env_open(&g->t, 4);
    qn_dh_generate(&g->t.env, &g->key.secret, &g->key.pub);
    qn_htx_replay_init(&g->replay, &g->t.env, true);
    make_hello(g);
    g->site = (qn_htx_site){.judge = {.keys = &g->key,
                                      .keys_n = 1,
                                      .psks = &g->psk,
                                      .psks_n = 1,
                                      .names = &name,
                                      .names_n = 1},
                            .replay = &g->replay,
                            .flight = 200,
                            .flight_r = 60,
                            .alert = 19,
                            .proven = true};
    qn_htx_visit_init(&g->v, &g->t.env, NULL, &g->site, &cfg);
    qn_htx_visit_opened(&g->v, 1);
}

static void drain(game *g)
{
    qn_carrier_event ev;

    while (qn_htx_visit_next(&g->v, &ev))
        g->over |= ev.type == QN_CARRIER_LOST;
}

static bool proving(const game *g)
{
    return g->v.state == QN_HTX_VISIT_PROVE;
}

/* As much of it as the visit reads now. */
static void say(game *g, unsigned who, const uint8_t *p, size_t n, size_t cut)
{
    while (n > 0 && !g->over && !proving(g)) {
        qn_span space = qn_htx_visit_space(&g->v, (uint8_t)who);
        size_t k = QN_MIN(QN_MIN(n, cut), space.n);

        if (k == 0 || g->said_n[who] + k > SAID)
            return;
        memcpy(space.p, p, k);
        memcpy(g->said[who] + g->said_n[who], p, k);
        g->said_n[who] += k;
        qn_htx_visit_commit(&g->v, (uint8_t)who, k);
        drain(g);
        p += k;
        n -= k;
    }
}

static void hear(game *g, unsigned who, size_t most)
{
    qn_slice v[4];
    unsigned n = qn_htx_visit_peek(&g->v, (uint8_t)who, v, QN_LEN(v));
    size_t total = 0;

    for (unsigned i = 0; i < n && most > 0; i++) {
        size_t k = QN_MIN(v[i].n, most);

        FZ_CHECK(g->heard[who] + k <= g->said_n[!who]);
        FZ_CHECK(memcmp(v[i].p, g->said[!who] + g->heard[who], k) == 0);
        g->heard[who] += k;
        total += k;
        most -= k;
    }
    qn_htx_visit_consume(&g->v, (uint8_t)who, total);
    drain(g);
}

static void say_record(game *g, unsigned who, fz_in *in, size_t cut)
{
    static const uint8_t types[] = {QN_TLS_DATA, QN_TLS_CCS, QN_TLS_HANDSHAKE, QN_TLS_ALERT};
    static uint8_t record[QN_RECORD_HEADER + 4096];
    uint8_t kind = fz_u8(in);
    size_t n = fz_u16(in) % 4096;
    uint8_t *p = record + QN_RECORD_HEADER;

    record[0] = types[kind % 4];
    record[1] = record[2] = 3;
    memset(p, 1, n);
    if (record[0] == QN_TLS_HANDSHAKE) {
        n = 86;
        memset(p, 0, n);
        p[0] = QN_TLS_SERVER_HELLO;
        p[3] = 82;
        p[4] = p[5] = 3;
        p[38] = 32;
        memcpy(p + 39, g->hello + QN_RECORD_HEADER + QN_TLS_HELLO_SESSION_ID, 32);
        memcpy(p + 71, "\x13\x01\0\0\x0a\0\x2b\0\x02\x03\x04\0\x33\0\0", 15);
    }
    qn_put16(record + 3, (uint16_t)n);
    say(g, who, record, QN_RECORD_HEADER + n, cut);
}

static void one(game *g, fz_in *in)
{
    unsigned what = fz_u8(in), who = what >> 7;
    size_t cut = what & 0x40 ? 1 + fz_u8(in) : SAID;

    switch (what % 8) {
    case 0:
        qn_htx_visit_tick(&g->v);
        break;
    case 1: {
        qn_slice raw = fz_chunk(in);

        say(g, who, raw.p, raw.n, cut);
        break;
    }
    case 2:
        if (!g->over && !proving(g))
            qn_htx_visit_ended(&g->v, (uint8_t)who, (qn_ending)(fz_u8(in) % 3));
        drain(g);
        break;
    case 3:
        fz_fail_at(fz_u8(in) % 16);
        break;
    case 4: {
        size_t at = fz_u16(in) % g->hello_n;

        g->hello[at] ^= fz_u8(in);
        break;
    }
    case 5:
        say(g, 0, g->hello, g->hello_n, cut);
        break;
    case 6:
        hear(g, who, cut);
        break;
    default:
        say_record(g, who, in, cut);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static game g;
    fz_in in = {p, n};

    open_game(&g);
    for (unsigned ops = 0; ops < 128 && in.n > 0 && !proving(&g); ops++)
        one(&g, &in);
    fz_fail_at(0);
    hear(&g, 1, SAID);
    hear(&g, 0, SAID);
    if (proving(&g)) {
        FZ_CHECK(g.heard[0] + g.v.held.len == g.said_n[1] && g.heard[1] == g.said_n[0]);
        FZ_CHECK(g.v.held.len >= g.v.record && g.v.tied != NULL);
    } else if (g.v.state == QN_HTX_VISIT_SPLICE) {
        FZ_CHECK(g.v.tied == NULL && g.v.held.block == NULL && g.v.hello == NULL);
    }
    qn_htx_visit_clear(&g.v);
    qn_htx_replay_clear(&g.replay);
    fz_env_close(&g.t);
    return 0;
}

static void seed_record(fz_out *o, unsigned who, unsigned kind, unsigned n)
{
    fz_out_u8(o, who << 7 | 7);
    fz_out_u8(o, kind);
    fz_out_u16(o, n);
    fz_out_u8(o, 0x06);
    fz_out_u8(o, 0x86);
}

void fz_seeds(void)
{
    static const struct {
        unsigned who, kind, n;
    } visit[] = {{1, 2, 0},   {1, 1, 1},  {1, 0, 415}, {0, 1, 1},    {0, 0, 53},
                 {0, 0, 87},  {0, 0, 46}, {1, 0, 234}, {1, 0, 2000}, {0, 0, 26},
                 {0, 0, 100}, {1, 0, 30}, {1, 0, 1300}};
    fz_out *o = fz_out_new();

    fz_out_u8(o, 5);
    fz_out_u8(o, 0x86);
    fz_out_u8(o, 0);
    for (unsigned i = 0; i < QN_LEN(visit); i++)
        seed_record(o, visit[i].who, visit[i].kind, visit[i].n);
    fz_out_seed(o, "proof");
    fz_seed("changed", "\x04\x00\x20\x01\x05\x00\x87\x02\x00\x00\x06", 11);
    fz_seed("origin-first", "\x81\x00\x02hi\x05\x06\x86", 8);
}

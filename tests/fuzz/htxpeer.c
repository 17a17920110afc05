/*
 * A peer from PROOF on. The way there is a script; its client knows its keys, so that steps can be
 * message 3, good records with any frames and alerts, as well as bytes that are neither, and what
 * the origin says, ends, time and refused memory.
 *
 * While nobody has proved himself, the origin hears what the client said and the client what the
 * origin said, but for PROOF and the record it stood for.
 */
#include "fuzz.h"

#include "base/engine.h"
#include "htx/peer.h"
#include "tls/numbers.h"
#include "../unit/htx/shape_item.h"

enum { RAW, FINAL, FRAMES, ALERT, ORIGIN, ORIGIN_RECORD, SEAL, BUSY, WAIT, END, FAIL, CONSUME };
enum { CLOSE = CONSUME + 1, STEPS, SAID = 1 << 18, SECOND = 100, R = 1300 };

static const qn_slice name = {(const uint8_t *)"site.example", 12};

typedef struct game {
    fz_env t, client;
    qn_htx_replay replay;
    qn_htx_mirror_key key;
    qn_key psk;
    qn_htx_site site;
    qn_carrier *c;
    qn_noise x;
    qn_htx_transcript sent, heard;
    qn_htx_lock final;
    qn_record_keys tx, rx;
    bool keyed, established, raw, lost, out[2];
    uint8_t said[2][SAID]; /* by the client, by the origin */
    uint8_t got[2][SAID];  /* by the client, by the origin */
    size_t said_n[2], got_n[2], proof_at;
    uint8_t hello[512];
    size_t hello_n;
} game;

static game g;

/* A small hello, as tests/fuzz/htxtag.c has one. */
static void make_hello(void)
{
    static const uint8_t before[] = {0,   2,   0x13, 1,   1,   0,   0,   70,  0,   0,   0,   17,
                                     0,   15,  0,    0,   12,  's', 'i', 't', 'e', '.', 'e', 'x',
                                     'a', 'm', 'p',  'l', 'e', 0,   43,  0,   3,   2,   3,   4,
                                     0,   51,  0,    38,  0,   36,  0,   29,  0,   32};
    const qn_htx_tag tag = {.requests = 3, .second = SECOND, .time = (uint32_t)FZ_EPOCH};
    qn_htx_tag_cfg cfg = {.mirror = g.key.pub, .own = {.b = {5}}};
    size_t n = 4 + 2 + 32 + 33 + sizeof before + 32;
    uint8_t *p = g.hello;
    qn_dh_public e;

    qn_dh_generate(&g.client.env, &cfg.e, &e);
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
    FZ_CHECK(qn_htx_tag_seal(&g.x, &g.client.env, &cfg, &tag, p + QN_RECORD_HEADER, n) == QN_OK);
    g.hello_n = QN_RECORD_HEADER + n;
}

/* ---- what a world and a link do ----------------------------------------------------------------
 */

static void take(qn_slice s)
{
    qn_frame f;
    size_t used;
    qn_err err = QN_OK;

    for (; s.n > 0 && err == QN_OK; s.p += used, s.n -= used) {
        err = qn_frame_get(&f, s.p, s.n, &used);
        if (err == QN_OK && f.type == QN_FRAME_CLOSE && f.stream == 0)
            err = QN_GONE;
        else if (err == QN_OK && f.type >= QN_FRAME_KEY_UPDATE && f.type != QN_FRAME_CLOSE)
            err = g.c->kind->frame(g.c, &f, used == s.n);
    }
    if (err != QN_OK)
        g.c->kind->close(g.c, qn_close_of(err));
}

static void drain(void)
{
    qn_carrier_event ev;

    while (qn_carrier_next(g.c, &ev)) {
        FZ_CHECK(!g.lost);
        switch (ev.type) {
        case QN_CARRIER_DIAL:
            qn_carrier_opened(g.c, 1);
            break;
        case QN_CARRIER_ESTABLISHED:
            FZ_CHECK(g.keyed && !g.established);
            g.established = true;
            break;
        case QN_CARRIER_RECORD:
            FZ_CHECK(g.established && !g.raw);
            take(qn_slice_of(qn_piece_data(&ev.piece), ev.piece.len));
            qn_block_drop(ev.piece.block);
            break;
        case QN_CARRIER_RAW:
            FZ_CHECK(g.established && !g.raw);
            g.raw = true;
            break;
        case QN_CARRIER_RESET:
            g.out[ev.leg] |= !ev.drain;
            break;
        case QN_CARRIER_LOST:
            g.lost = true;
            break;
        default:
            break;
        }
    }
    FZ_CHECK(!(g.lost || g.raw) || g.c->kind->room(g.c) == 0);
    FZ_CHECK(g.t.env.mem.used < 1u << 20);
}

static void say(unsigned leg, const uint8_t *p, size_t n)
{
    while (n > 0 && !g.out[leg]) {
        qn_span s = qn_carrier_space(g.c, (uint8_t)leg);
        size_t k = QN_MIN(n, s.n);

        if (k == 0 || g.said_n[leg] + k > SAID)
            return;
        memcpy(s.p, p, k);
        memcpy(g.said[leg] + g.said_n[leg], p, k);
        g.said_n[leg] += k;
        qn_carrier_commit(g.c, (uint8_t)leg, k);
        drain();
        p += k;
        n -= k;
    }
}

/* Nothing but the other side's bytes, in order; at the client PROOF for R. */
static void must_be_said(unsigned leg, const uint8_t *p, size_t n)
{
    size_t proof = leg == 0 ? g.proof_at : SIZE_MAX;

    for (size_t i = 0; i < n; i++, g.got_n[leg]++) {
        size_t at = g.got_n[leg];

        FZ_CHECK(at < SAID);
        g.got[leg][at] = p[i];
        if (g.established || (at >= proof && at < proof + QN_RECORD_HEADER + R))
            continue;
        FZ_CHECK(at < g.said_n[!leg] && p[i] == g.said[!leg][at]);
    }
}

static void hear(unsigned leg)
{
    qn_slice v[4];
    unsigned n;

    while (!g.out[leg] && (n = qn_carrier_peek(g.c, (uint8_t)leg, v, QN_LEN(v))) > 0) {
        size_t total = 0;

        for (unsigned i = 0; i < n; i++) {
            must_be_said(leg, v[i].p, v[i].n);
            total += v[i].n;
        }
        qn_carrier_consume(g.c, (uint8_t)leg, total);
        drain();
    }
}

static void tick(void)
{
    for (unsigned i = 0; i < 8 && qn_carrier_due(g.c) <= g.t.env.now; i++) {
        hear(0);
        hear(1);
        qn_carrier_tick(g.c);
        drain();
    }
    FZ_CHECK(qn_carrier_due(g.c) > g.t.env.now);
}

/* ---- the way to PROOF --------------------------------------------------------------------------
 */

static void say_record(unsigned leg, uint8_t type, size_t n)
{
    static uint8_t record[QN_RECORD_HEADER + 4096];
    uint8_t *p = record + QN_RECORD_HEADER;

    memset(p, 1, n);
    if (type == QN_TLS_HANDSHAKE) {
        memset(p, 0, n);
        p[0] = QN_TLS_SERVER_HELLO;
        p[3] = 82;
        p[4] = p[5] = 3;
        p[38] = 32;
        memcpy(p + 39, g.hello + QN_RECORD_HEADER + QN_TLS_HELLO_SESSION_ID, 32);
        memcpy(p + 71, "\x13\x01\0\0\x0a\0\x2b\0\x02\x03\x04\0\x33\0\0", 15);
    }
    record[0] = type;
    record[1] = record[2] = 3;
    qn_put16(record + 3, (uint16_t)n);
    say(leg, record, QN_RECORD_HEADER + n);
    hear(!leg);
    tick();
}

static void open_proof(void)
{
    uint8_t content[QN_RECORD_HEADER + R];
    qn_htx_lock proof;
    qn_terms offer;
    qn_hash hash;
    qn_env *env = &g.client.env;
    size_t n;

    FZ_CHECK(g.got_n[0] == g.proof_at + QN_RECORD_HEADER + R);
    FZ_CHECK(qn_htx_transcript_add(&g.heard, qn_slice_of(g.got[0], g.proof_at)) == QN_OK);
    FZ_CHECK(qn_htx_transcript_hash(&g.heard, env, &hash) == QN_OK);
    FZ_CHECK(qn_htx_lock_proof(&proof, env, &g.x) == QN_OK);
    FZ_CHECK(qn_htx_lock_open(&proof, env, g.got[0] + g.proof_at, QN_RECORD_HEADER + R, content,
                              &n) == QN_OK);
    FZ_CHECK(qn_htx_proof_read(&g.x, env, &hash, NULL, qn_slice_of(content, n), &offer) == QN_OK);
    FZ_CHECK(qn_htx_lock_final(&g.final, env, &g.x) == QN_OK);
}

static void open_game(void)
{
    static const struct {
        uint8_t leg, type;
        uint16_t n;
    } script[] = {{1, QN_TLS_HANDSHAKE, 86}, {1, QN_TLS_CCS, 1},     {1, QN_TLS_DATA, 415},
                  {0, QN_TLS_CCS, 1},        {0, QN_TLS_DATA, 53},   {0, QN_TLS_DATA, 87},
                  {0, QN_TLS_DATA, 46},      {1, QN_TLS_DATA, 2000}, {0, QN_TLS_DATA, SECOND},
                  {1, QN_TLS_DATA, 30},      {1, QN_TLS_DATA, R}};
    qn_carrier_cfg cfg = {.origin = {.family = 4, .port = 1}, .site = &g.site};

    memset(&g, 0, sizeof g);
    fz_env_open(&g.t, 4);
    fz_env_open(&g.client, 5);
    qn_dh_generate(&g.t.env, &g.key.secret, &g.key.pub);
    qn_htx_replay_init(&g.replay, &g.t.env, true);
    make_hello();
    g.site = (qn_htx_site){.judge = {.keys = &g.key,
                                     .keys_n = 1,
                                     .psks = &g.psk,
                                     .psks_n = 1,
                                     .names = &name,
                                     .names_n = 1},
                           .replay = &g.replay,
                           .proven = true,
                           .shape = &shape_item,
                           .flight = 200,
                           .flight_r = 60,
                           .alert = 19,
                           .goaway = 34,
                           .max_record = 16384,
                           .idle = 75 * QN_SEC,
                           .drain = 300};
    FZ_CHECK(qn_carrier_htx.create(&g.c, &g.t.env, &cfg) == QN_OK);
    FZ_CHECK(qn_htx_transcript_init(&g.sent, &g.client.env) == QN_OK);
    FZ_CHECK(qn_htx_transcript_init(&g.heard, &g.client.env) == QN_OK);
    g.proof_at = SIZE_MAX / 2;
    drain();
    say(0, g.hello, g.hello_n);
    tick();
    for (unsigned i = 0; i < QN_LEN(script); i++) {
        if (i + 1 == QN_LEN(script))
            g.proof_at = g.said_n[1];
        say_record(script[i].leg, script[i].type, script[i].n);
    }
    FZ_CHECK(((qn_htx_peer *)g.c)->state == QN_HTX_PEER_HOLD);
    open_proof();
}

/* ---- steps -------------------------------------------------------------------------------------
 */

/* Good only if nothing but small records came before it. */
static void say_final(qn_slice frames)
{
    static uint8_t content[QN_HTX_FINAL_CONTENT_MAX + 1024], record[2048];
    qn_choice choice = {.frames = frames};
    qn_env *env = &g.client.env;
    qn_noise x = g.x;
    qn_hash hash;
    qn_key resume;
    size_t n;

    if (g.keyed || frames.n > 1024)
        return;
    fz_fail_at(0); /* the client has memory */
    qn_htx_transcript_clear(&g.sent);
    FZ_CHECK(qn_htx_transcript_init(&g.sent, env) == QN_OK);
    if (qn_htx_transcript_add(&g.sent, qn_slice_of(g.said[0], g.said_n[0])) != QN_OK)
        return;
    FZ_CHECK(qn_htx_transcript_hash(&g.sent, env, &hash) == QN_OK);
    FZ_CHECK(qn_htx_final_write(&x, env, &hash, &choice, content, &n) == QN_OK);
    FZ_CHECK(qn_terms_split(&x, env, &g.tx, &g.rx, &resume) == QN_OK);
    FZ_CHECK(qn_htx_lock_seal(&g.final, env, qn_slice_of(content, n), record,
                              QN_RECORD_OVERHEAD + n + 7) == QN_OK);
    g.keyed = true;
    say(0, record, QN_RECORD_OVERHEAD + n + 7);
}

static void say_sealed(qn_slice content, qn_inner inner)
{
    qn_queue q = {0};
    qn_slice v;

    if (!g.keyed || content.n > QN_RECORD_CONTENT_MAX)
        return;
    if (qn_record_seal(&g.tx, &g.client.env, NULL, content, qn_slice_of(NULL, 0), inner, &q) ==
            QN_OK &&
        qn_queue_peek(&q, &v, 1) == 1)
        say(0, v.p, v.n);
    qn_queue_clear(&q, &g.client.env.mem);
}

static void seal(void)
{
    static uint8_t out[QN_RECORD_CONTENT_MAX];
    size_t room = g.established ? g.c->kind->room(g.c) : 0, n;

    if (room < QN_FRAME_PING_SIZE)
        return;
    n = qn_frame_put_ping(out, 2);
    n += g.c->kind->own(g.c, out + n, room - n);
    FZ_CHECK(n <= room);
    (void)g.c->kind->seal(g.c, qn_slice_of(out, n), qn_slice_of(NULL, 0));
    drain();
}

static void end(unsigned leg, qn_ending how)
{
    if (how == QN_END_RESET)
        g.out[leg] = true;
    qn_carrier_ended(g.c, (uint8_t)leg, how);
    drain();
}

static void step(fz_in *in)
{
    static uint8_t record[QN_RECORD_HEADER + 20000];
    unsigned leg;
    qn_slice s;

    switch (fz_below(in, STEPS)) {
    case RAW:
        s = fz_chunk(in);
        say(0, s.p, s.n);
        break;
    case FINAL:
        say_final(fz_chunk(in));
        break;
    case FRAMES:
        say_sealed(fz_chunk(in), QN_INNER_FRAMES);
        break;
    case ALERT:
        s = fz_take(in, 2);
        if (s.n == 2)
            say_sealed(s, QN_INNER_ALERT);
        break;
    case ORIGIN:
        s = fz_chunk(in);
        say(1, s.p, s.n);
        break;
    case ORIGIN_RECORD:
        memcpy(record, "\x17\3\3", 3);
        qn_put16(record + 3, (uint16_t)(17 + fz_u16(in) % (QN_RECORD_BODY_MAX - 16)));
        say(1, record, QN_RECORD_HEADER + (size_t)qn_get16(record + 3));
        break;
    case SEAL:
        seal();
        break;
    case BUSY:
        g.c->kind->busy(g.c, fz_u8(in) % 2 == 1);
        drain();
        break;
    case WAIT:
        fz_env_step(&g.t, fz_u8(in) * 5 * QN_SEC);
        tick();
        break;
    case END:
        leg = fz_below(in, 2);
        end(leg, (qn_ending)fz_below(in, 3));
        break;
    case FAIL:
        fz_fail_at(fz_u8(in));
        break;
    case CLOSE:
        if (g.established)
            g.c->kind->close(g.c, fz_u16(in));
        drain();
        break;
    default:
        hear(fz_below(in, 2));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {.p = p, .n = n};

    open_game();
    for (unsigned steps = 0; steps < 128 && in.n > 0; steps++)
        step(&in);
    fz_fail_at(0);
    hear(0);
    hear(1);
    qn_carrier_destroy(g.c);
    qn_htx_transcript_clear(&g.sent);
    qn_htx_transcript_clear(&g.heard);
    qn_htx_replay_clear(&g.replay);
    fz_env_close(&g.client);
    fz_env_close(&g.t);
    return 0;
}

/* ---- seeds -------------------------------------------------------------------------------------
 */

static fz_out *linked(const void *frames, size_t n)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, FINAL);
    fz_out_chunk(o, "", 0);
    fz_out_u8(o, SEAL);
    fz_out_u8(o, ORIGIN_RECORD);
    fz_out_u16(o, 3000);
    fz_out_u8(o, FRAMES);
    fz_out_chunk(o, frames, n);
    fz_out_u8(o, SEAL);
    fz_out_u8(o, CONSUME);
    fz_out_u8(o, 0);
    return o;
}

void fz_seeds(void)
{
    static const uint8_t data[33] = {0, 0, 29, 0x24, 0, 0x17, 3, 3, 0, 23, 1, 2, 3};
    static const uint8_t limit[] = {0, 0, 9, 0x24, 1, 0, 0, 0, 0, 0, 2, 0, 0};
    static const uint8_t over[] = {0, 0, 4, 0x24, 2, 0, 1, 44, 0, 0, 0, 0x1c};
    static const uint8_t close[] = {0, 0, 6, 0x20, 0, 0, 0, 0, 0, 0};
    static const uint8_t alien[70] = {0x17, 3, 3, 0, 65};
    fz_out *o = linked(close, sizeof close);

    fz_out_u8(o, ALERT);
    fz_out_bytes(o, "\1\0", 2);
    fz_out_seed(o, "close");
    fz_out_seed(linked(data, sizeof data), "data");
    fz_out_seed(linked(limit, sizeof limit), "limit");
    fz_out_seed(linked(over, sizeof over), "end");
    o = fz_out_new();
    fz_out_u8(o, ORIGIN_RECORD);
    fz_out_u16(o, 100);
    fz_out_u8(o, RAW);
    fz_out_chunk(o, alien, sizeof alien);
    fz_out_seed(o, "hold");
    o = linked(limit, sizeof limit);
    fz_out_u8(o, BUSY);
    fz_out_u8(o, 1);
    fz_out_u8(o, END);
    fz_out_u8(o, 1);
    fz_out_u8(o, 0);
    fz_out_u8(o, SEAL);
    fz_out_u8(o, WAIT);
    fz_out_u8(o, 70);
    fz_out_seed(o, "drain");
    o = linked(limit, sizeof limit);
    fz_out_u8(o, RAW);
    fz_out_chunk(o, alien, 12);
    fz_out_u8(o, WAIT);
    fz_out_u8(o, 20);
    fz_out_u8(o, ORIGIN);
    fz_out_chunk(o, alien, 24);
    fz_out_seed(o, "raw");
}

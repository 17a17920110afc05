/*
 * A peer behind the switch, its keys known to the fuzzer, and what a link and a world do meanwhile.
 * The carrier is put where the switch leaves it; its origin connection never got further than the
 * hello, so that whatever is carried is that connection's end.
 *
 * Each step is one byte and what it needs: raw bytes, a record's frames, an alert, our own frames,
 * time, an ending, an allocation that fails.
 */
#include "fuzz.h"

#include "htx/client.h"
#include "tls/profile.h"
#include "../unit/htx/shape_item.h"

enum { RAW, FRAMES, ALERT, SEAL, WAIT, END, FAIL, CONSUME, STEPS };

typedef struct game {
    fz_env t, peer;
    qn_carrier *c;
    qn_record_keys tx;
    bool lost;
} game;

static qn_tls_profile tls;
static qn_h2_profile h2;

static void load(fz_env *t)
{
    static uint8_t file[4096];
    FILE *f = fopen(FZ_PROFILES "/chromium-156.cbor", "rb");
    size_t n;

    FZ_CHECK(f != NULL);
    n = fread(file, 1, sizeof file, f);
    (void)fclose(f);
    FZ_CHECK(qn_tls_profile_read(&tls, &t->env, qn_slice_of(file, n)) == QN_OK);
    FZ_CHECK(qn_h2_profile_read(&h2, tls.http2) == QN_OK);
}

static void open_game(game *g)
{
    static const char path[] = "/a", other[] = "/a-second-page";
    qn_htx_page first = {qn_slice_of(path, 2), 1000}, second = {qn_slice_of(other, 14), 1000};
    qn_htx_target target = {.tls = &tls,
                            .h2 = &h2,
                            .shape = &shape_item,
                            .name = qn_slice_of("site.example", 12),
                            .first = &first,
                            .second = &second,
                            .first_n = 1,
                            .second_n = 1,
                            .max_record = 16384,
                            .idle = QN_SEC};
    qn_carrier_cfg cfg = {.initiator = true, .htx = &target};
    qn_key secret[2] = {{{1}}, {{2}}};
    qn_dh_secret mirror;
    qn_htx_client *c;
    qn_slice v;

    fz_env_open(&g->t, 1);
    fz_env_open(&g->peer, 2);
    if (tls.ext_n == 0)
        load(&g->t);
    qn_dh_generate(&g->peer.env, &mirror, &target.mirror);
    FZ_CHECK(qn_htx_client_kind.create(&g->c, &g->t.env, &cfg) == QN_OK);
    qn_carrier_opened(g->c, 0);
    FZ_CHECK(qn_carrier_peek(g->c, 0, &v, 1) == 1);
    qn_carrier_consume(g->c, 0, v.n);
    c = (qn_htx_client *)g->c;
    FZ_CHECK(qn_record_keys_init(&c->traffic.tx, &g->t.env, &secret[0]) == QN_OK);
    FZ_CHECK(qn_record_keys_init(&c->traffic.rx, &g->t.env, &secret[1]) == QN_OK);
    FZ_CHECK(qn_record_keys_init(&g->tx, &g->peer.env, &secret[1]) == QN_OK);
    qn_htx_traffic_begin(
        &c->traffic,
        &(qn_shape_cfg){.profile = &shape_item, .client = true, .max_record = 16384, .pick = 1});
    qn_htx_client_phase(c, QN_HTX_CARRYING, QN_NEVER);
}

/* Frames as a link takes them; its own it forgets. */
static void take(game *g, qn_slice s)
{
    qn_frame f;
    size_t used;
    qn_err err = QN_OK;

    for (; s.n > 0 && err == QN_OK; s.p += used, s.n -= used) {
        err = qn_frame_get(&f, s.p, s.n, &used);
        if (err == QN_OK && f.type >= QN_FRAME_KEY_UPDATE && f.type != QN_FRAME_CLOSE)
            err = g->c->kind->frame(g->c, &f, used == s.n);
    }
    if (err != QN_OK)
        g->c->kind->close(g->c, qn_close_of(err));
}

static void drain(game *g)
{
    qn_carrier_event ev;

    while (qn_carrier_next(g->c, &ev)) {
        FZ_CHECK(!g->lost);
        FZ_CHECK(ev.type != QN_CARRIER_DIAL && ev.type != QN_CARRIER_ESTABLISHED && ev.leg == 0);
        g->lost = ev.type == QN_CARRIER_LOST;
        if (ev.type != QN_CARRIER_RECORD)
            continue;
        take(g, qn_slice_of(qn_piece_data(&ev.piece), ev.piece.len));
        qn_block_drop(ev.piece.block);
    }
    FZ_CHECK(qn_carrier_due(g->c) > g->t.env.now);
    FZ_CHECK(!g->lost || g->c->kind->room(g->c) == 0);
    FZ_CHECK(g->t.env.mem.used < 2u << 20);
}

static void hear(game *g, const uint8_t *p, size_t n)
{
    qn_span s = qn_carrier_space(g->c, 0);

    n = QN_MIN(n, s.n);
    if (n == 0)
        return;
    memcpy(s.p, p, n);
    qn_carrier_commit(g->c, 0, n);
    drain(g);
}

static void say(game *g, qn_slice content, qn_inner inner)
{
    qn_queue q = {0};
    qn_slice v;

    if (content.n > QN_RECORD_CONTENT_MAX)
        return;
    if (qn_record_seal(&g->tx, &g->peer.env, NULL, content, qn_slice_of(NULL, 0), inner, &q) ==
            QN_OK &&
        qn_queue_peek(&q, &v, 1) == 1)
        hear(g, v.p, v.n);
    qn_queue_clear(&q, &g->peer.env.mem);
}

/* What the link does when it has something to say: a PING, and whatever the carrier adds. */
static void seal(game *g)
{
    static uint8_t out[QN_RECORD_CONTENT_MAX];
    size_t room = g->c->kind->room(g->c), n;

    if (room == 0)
        return;
    n = qn_frame_put_ping(out, 2);
    n += g->c->kind->own(g->c, out + n, room - n);
    FZ_CHECK(n <= room);
    (void)g->c->kind->seal(g->c, qn_slice_of(out, n), qn_slice_of(NULL, 0));
    drain(g);
}

static void consume(game *g)
{
    qn_slice v;

    if (qn_carrier_peek(g->c, 0, &v, 1) > 0)
        qn_carrier_consume(g->c, 0, v.n);
    drain(g);
}

static void step(game *g, fz_in *in)
{
    qn_slice s;

    switch (fz_below(in, STEPS)) {
    case RAW:
        s = fz_chunk(in);
        hear(g, s.p, s.n);
        break;
    case FRAMES:
        say(g, fz_chunk(in), QN_INNER_FRAMES);
        break;
    case ALERT:
        say(g, fz_take(in, 2), QN_INNER_ALERT);
        break;
    case SEAL:
        seal(g);
        break;
    case WAIT:
        fz_env_step(&g->t, fz_u8(in) * 10 * QN_SEC);
        if (qn_carrier_due(g->c) <= g->t.env.now)
            qn_carrier_tick(g->c);
        drain(g);
        break;
    case END:
        qn_carrier_ended(g->c, 0, (qn_ending)fz_below(in, 3));
        drain(g);
        break;
    case FAIL:
        fz_fail_at(fz_u8(in));
        break;
    default:
        consume(g);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {.p = p, .n = n};
    game g = {0};

    open_game(&g);
    while (in.n > 0)
        step(&g, &in);
    fz_fail_at(0);
    qn_carrier_destroy(g.c);
    fz_env_close(&g.peer);
    fz_env_close(&g.t);
    return 0;
}

static fz_out *with_frames(const void *frames, size_t n)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, FRAMES);
    fz_out_chunk(o, frames, n);
    fz_out_u8(o, SEAL);
    fz_out_u8(o, CONSUME);
    return o;
}

void fz_seeds(void)
{
    static const uint8_t data[] = {0, 0, 29, 0x24, 0, 0x17, 3, 3, 0, 23, 1, 2, 3};
    static const uint8_t limit[] = {0, 0, 9, 0x24, 1, 0, 0, 0, 0, 0, 2, 0, 0};
    static const uint8_t end[] = {0, 0, 4, 0x24, 2, 0, 1, 44, 0, 0, 0, 0x1c};
    uint8_t whole[33] = {0};
    fz_out *o;

    memcpy(whole, data, sizeof data);
    fz_out_seed(with_frames(whole, sizeof whole), "data");
    fz_out_seed(with_frames(limit, sizeof limit), "limit");
    fz_out_seed(with_frames(end, sizeof end), "end");
    o = fz_out_new();
    fz_out_u8(o, RAW);
    fz_out_chunk(o, whole + 5, 28);
    fz_out_seed(o, "damage");
    o = fz_out_new();
    fz_out_u8(o, ALERT);
    fz_out_bytes(o, "\1\0", 2);
    fz_out_u8(o, END);
    fz_out_u8(o, 0);
    fz_out_seed(o, "alert");
}

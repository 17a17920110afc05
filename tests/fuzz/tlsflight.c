/*
 * What a server sends to the client, its keys known to the fuzzer. First byte: 0 raw bytes from the
 * start on; 1 messages under the handshake keys of a full handshake; 2 messages after a resumed
 * one. Then chunks: a content type and a record's content.
 */
#include "fuzz.h"

#include "tls/client.h"
#include "tls/numbers.h"
#include "tls/protect.h"
#include "tlstemplate.h"

/* A self-signed certificate of nobody, only so that there is a root. */
static const uint8_t root[] = {
    0x30, 0x82, 0x01, 0x75, 0x30, 0x82, 0x01, 0x1b, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x14, 0x54,
    0x91, 0x6a, 0x67, 0xdb, 0x66, 0x3a, 0x98, 0xea, 0x0b, 0xcf, 0x72, 0xd9, 0x6c, 0x7a, 0x09, 0x46,
    0xf3, 0x8e, 0xd7, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x30,
    0x0f, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x04, 0x66, 0x75, 0x7a, 0x7a,
    0x30, 0x20, 0x17, 0x0d, 0x32, 0x36, 0x31, 0x31, 0x32, 0x30, 0x30, 0x38, 0x33, 0x39, 0x30, 0x38,
    0x5a, 0x18, 0x0f, 0x32, 0x31, 0x32, 0x36, 0x31, 0x30, 0x32, 0x37, 0x30, 0x38, 0x33, 0x39, 0x30,
    0x38, 0x5a, 0x30, 0x0f, 0x31, 0x0d, 0x30, 0x0b, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x04, 0x66,
    0x75, 0x7a, 0x7a, 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0xa7, 0xe5,
    0x2f, 0x53, 0x39, 0xc2, 0xc0, 0x84, 0xa8, 0x90, 0x0d, 0x72, 0x63, 0xfc, 0x3f, 0xbb, 0x57, 0x75,
    0x0d, 0x51, 0x32, 0xb2, 0x5a, 0x66, 0xf5, 0x27, 0x34, 0xfd, 0xc3, 0x1d, 0x5f, 0xf9, 0xd4, 0xbf,
    0x6f, 0xa3, 0x0e, 0x6a, 0x01, 0x6d, 0x7d, 0xeb, 0xd0, 0xdc, 0x7b, 0x52, 0xe9, 0x02, 0x2e, 0x02,
    0x48, 0x49, 0x48, 0xca, 0x8c, 0x34, 0x29, 0xad, 0xc8, 0xce, 0x28, 0x5c, 0x72, 0xdc, 0xa3, 0x53,
    0x30, 0x51, 0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d, 0x0e, 0x04, 0x16, 0x04, 0x14, 0x08, 0xe9, 0x61,
    0xfd, 0x8f, 0x89, 0x0a, 0xfe, 0x49, 0xe4, 0xf8, 0x14, 0x3d, 0xaf, 0xf2, 0xec, 0x60, 0x4e, 0x7e,
    0x16, 0x30, 0x1f, 0x06, 0x03, 0x55, 0x1d, 0x23, 0x04, 0x18, 0x30, 0x16, 0x80, 0x14, 0x08, 0xe9,
    0x61, 0xfd, 0x8f, 0x89, 0x0a, 0xfe, 0x49, 0xe4, 0xf8, 0x14, 0x3d, 0xaf, 0xf2, 0xec, 0x60, 0x4e,
    0x7e, 0x16, 0x30, 0x0f, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x05, 0x30, 0x03,
    0x01, 0x01, 0xff, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x03,
    0x48, 0x00, 0x30, 0x45, 0x02, 0x20, 0x18, 0x2a, 0x90, 0x04, 0x72, 0xbe, 0x9e, 0xea, 0xc5, 0xef,
    0x85, 0xaa, 0x67, 0x30, 0x41, 0xff, 0x8d, 0x77, 0xdd, 0x7c, 0x0f, 0xd8, 0x93, 0x65, 0x86, 0x2f,
    0xf1, 0xc8, 0x4d, 0x4d, 0xdf, 0xdc, 0x02, 0x21, 0x00, 0xef, 0x49, 0x19, 0xc5, 0x85, 0xe5, 0x1a,
    0x72, 0x81, 0x9b, 0xe4, 0xc7, 0xff, 0x1c, 0x49, 0xd1, 0xda, 0x08, 0x13, 0x6b, 0xf7, 0x80, 0x78,
    0x14, 0xf2, 0xee, 0x9d, 0x46, 0x38, 0x5b, 0x84, 0x5e,
};

typedef struct game {
    fz_env t;
    qn_tls *c;
    qn_running transcript;
    qn_tls_schedule schedule;
    qn_tls_keys tx;
    bool over;
} game;

/* Events until quiet; ENDED is the last. */
static void drain(game *g)
{
    qn_tls_event ev;

    while (qn_tls_next(g->c, &ev)) {
        FZ_CHECK(!g->over);
        g->over = ev.type == QN_TLS_ENDED;
        if (ev.type == QN_TLS_BYTES)
            qn_block_drop(ev.piece.block);
        if (ev.type == QN_TLS_TICKET)
            FZ_CHECK(ev.ticket.id_n > 0 && ev.ticket.lifetime <= 7 * 86400);
    }
}

static void feed(game *g, const uint8_t *p, size_t n)
{
    while (n > 0 && !g->over) {
        qn_span space = qn_tls_space(g->c);
        size_t part = QN_MIN(n, space.n);

        FZ_CHECK(part > 0);
        memcpy(space.p, p, part);
        qn_tls_commit(g->c, part);
        drain(g);
        p += part;
        n -= part;
    }
}

static void send_record(game *g, uint8_t type, qn_slice content)
{
    qn_queue out = {0};

    FZ_CHECK(qn_tls_seal(&g->tx, &g->t.env, type, 0x0303, content, &out) == QN_OK);
    feed(g, qn_piece_data(qn_queue_head(&out)), qn_queue_head(&out)->len);
    qn_queue_clear(&out, &g->t.env.mem);
}

static void say(game *g, qn_slice message)
{
    FZ_CHECK(qn_running_add(&g->transcript, message) == QN_OK);
    send_record(g, QN_TLS_HANDSHAKE, message);
}

/* The hello the client sent. */
static qn_tls_hello hello_of(game *g, uint8_t *copy)
{
    qn_tls_hello h;
    qn_slice v, message;

    FZ_CHECK(qn_tls_peek(g->c, &v, 1) == 1);
    memcpy(copy, v.p, v.n);
    FZ_CHECK(qn_tls_hello_find(copy, v.n, &message) == QN_OK);
    FZ_CHECK(qn_tls_hello_read(message, &h) == QN_OK);
    FZ_CHECK(qn_running_add(&g->transcript, message) == QN_OK);
    return h;
}

/* A ServerHello that it must accept, and the keys that follow. */
static void answer(game *g, const qn_tls_ticket *ticket)
{
    uint8_t copy[QN_RECORD_HEADER + QN_TLS_HELLO_MAX], m[160], hash[48], secret[48];
    qn_tls_hello h = hello_of(g, copy);
    qn_tls_w w = {.p = m, .cap = sizeof m};
    qn_dh_secret ours;
    qn_dh_public pub, theirs;
    qn_key shared;
    size_t start, ext;
    qn_slice psk = ticket != NULL ? qn_slice_of(ticket->psk, 32) : (qn_slice){0};

    qn_dh_generate(&g->t.env, &ours, &pub);
    qn_tls_put_uint(&w, QN_TLS_SERVER_HELLO, 1);
    start = qn_tls_open(&w, 3);
    qn_tls_put_uint(&w, 0x0303, 2);
    qn_tls_put(&w, pub.b, 32);
    qn_tls_put_uint(&w, 32, 1);
    qn_tls_put(&w, h.session_id.p, 32);
    qn_tls_put(&w, "\x13\x01\x00", 3);
    ext = qn_tls_open(&w, 2);
    qn_tls_put(&w, "\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x24\x00\x1d\x00\x20", 14);
    qn_tls_put(&w, pub.b, 32);
    if (ticket != NULL)
        qn_tls_put(&w, "\x00\x29\x00\x02\x00\x00", 6);
    qn_tls_shut(&w, ext, 2);
    qn_tls_shut(&w, start, 3);
    say(g, qn_slice_of(m, w.n));
    memcpy(theirs.b, h.x25519.p, 32);
    FZ_CHECK(qn_dh(&ours, &theirs, &shared) == QN_OK);
    FZ_CHECK(qn_tls_schedule_start(&g->schedule, &g->t.env, QN_SHA256, psk) == QN_OK);
    FZ_CHECK(qn_tls_schedule_next(&g->schedule, &g->t.env, qn_slice_of(shared.b, 32)) == QN_OK);
    FZ_CHECK(qn_running_peek(&g->transcript, &g->t.env, (qn_slice){0}, hash) == QN_OK);
    FZ_CHECK(qn_tls_derive(&g->schedule, &g->t.env, "s hs traffic", hash, secret) == QN_OK);
    FZ_CHECK(qn_tls_keys_init(&g->tx, &g->t.env, qn_tls_suite_of(0x1301), secret) == QN_OK);
}

/* EncryptedExtensions and Finished, as a resumed handshake ends. */
static void finish(game *g)
{
    uint8_t hash[48], m[36] = {QN_TLS_FINISHED, 0, 0, 32}, secret[48];
    qn_env *env = &g->t.env;

    say(g, qn_slice_of("\x08\x00\x00\x02\x00\x00", 6));
    FZ_CHECK(qn_running_peek(&g->transcript, env, (qn_slice){0}, hash) == QN_OK);
    FZ_CHECK(qn_tls_finished(env, QN_SHA256, g->tx.secret, hash, m + 4) == QN_OK);
    say(g, qn_slice_of(m, sizeof m));
    FZ_CHECK(!g->over && qn_tls_send(g->c, qn_slice_of("x", 1)) == QN_OK);
    FZ_CHECK(qn_running_peek(&g->transcript, env, (qn_slice){0}, hash) == QN_OK);
    FZ_CHECK(qn_tls_schedule_next(&g->schedule, env, (qn_slice){0}) == QN_OK);
    FZ_CHECK(qn_tls_derive(&g->schedule, env, "s ap traffic", hash, secret) == QN_OK);
    FZ_CHECK(qn_tls_keys_init(&g->tx, env, qn_tls_suite_of(0x1301), secret) == QN_OK);
}

static void play(game *g, fz_in in, const qn_tls_ticket *ticket, unsigned mode)
{
    if (mode == 0) {
        feed(g, in.p, in.n);
        return;
    }
    answer(g, mode == 2 ? ticket : NULL);
    if (mode == 2)
        finish(g);
    while (in.n > 0 && !g->over) {
        uint8_t type = fz_u8(&in);
        qn_slice content = fz_chunk(&in);

        content.n = QN_MIN(content.n, (size_t)QN_RECORD_CONTENT_MAX);
        send_record(g, type, content);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};
    unsigned mode = fz_u8(&in) % 3;
    qn_tls_profile profile = fz_template();
    qn_tls_ticket ticket = {.suite = 0x1301, .id_n = 48, .lifetime = 60, .received = QN_SEC};
    qn_tls_cfg cfg = {.profile = &profile,
                      .name = qn_slice_of("a.example", 9),
                      .ticket = mode == 2 ? &ticket : NULL};
    qn_roots *roots;
    game g = {.over = false};

    fz_env_open(&g.t, 1);
    FZ_CHECK(qn_roots_new(&roots, qn_slice_of(root, sizeof root)) == QN_OK);
    FZ_CHECK(qn_running_init(&g.transcript, &g.t.env, QN_SHA256) == QN_OK);
    cfg.roots = roots;
    FZ_CHECK(qn_tls_create(&g.c, &g.t.env, &cfg) == QN_OK);
    FZ_CHECK(qn_tls_start(g.c, NULL) == QN_OK);
    play(&g, in, &ticket, mode);
    FZ_CHECK(g.t.env.mem.peak < 2u << 20);
    qn_tls_eof(g.c);
    drain(&g);
    FZ_CHECK(g.over);
    qn_tls_destroy(g.c);
    qn_running_clear(&g.transcript);
    qn_roots_free(roots);
    fz_env_close(&g.t);
    return 0;
}

static void seed(const char *name, unsigned mode, uint8_t type, const void *p, size_t n)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, mode);
    fz_out_u8(o, type);
    fz_out_chunk(o, p, n);
    fz_out_seed(o, name);
}

void fz_seeds(void)
{
    static const uint8_t extensions[] = {8, 0, 0, 11, 0, 9, 0, 16, 0, 5, 0, 3, 2, 'h', '2'};
    static const uint8_t ticket[] = {4, 0, 0, 22, 0, 0, 2, 88, 0, 0, 0, 7, 1,
                                     0, 0, 8, 1,  2, 3, 4, 5,  6, 7, 8, 0, 0};
    uint8_t chain[32 + sizeof root] = {8, 0, 0, 2, 0, 0, 11};
    fz_out *o = fz_out_new();

    qn_put24(chain + 7, sizeof root + 9);
    qn_put24(chain + 11, sizeof root + 5);
    qn_put24(chain + 14, sizeof root);
    memcpy(chain + 17, root, sizeof root);
    seed("extensions", 1, QN_TLS_HANDSHAKE, extensions, sizeof extensions);
    seed("chain", 1, QN_TLS_HANDSHAKE, chain, 17 + sizeof root + 2);
    seed("ticket", 2, QN_TLS_HANDSHAKE, ticket, sizeof ticket);
    seed("update", 2, QN_TLS_HANDSHAKE, "\x18\x00\x00\x01\x01", 5);
    seed("data", 2, QN_TLS_DATA, "hello", 5);
    seed("alert", 2, QN_TLS_ALERT, "\x01\x00", 2);
    fz_out_u8(o, 0);
    fz_out_bytes(o, "\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x04\x02\x00\x00\x00", 15);
    fz_out_seed(o, "raw");
}

/*
 * The moment to speak: a visit as the fuzzer plays it (records of both sides, what C's socket took,
 * time), once with every record in one piece and once cut as the fuzzer says. Both must come to the
 * same verdict; bytes are never kept from C once a connection is untied, and PROOF needs every
 * step.
 */
#include "fuzz.h"

#include "htx/watch.h"
#include "tls/numbers.h"

enum { OPS = 64 };

static const qn_htx_watch_cfg cfg = {
    .session_id = {1}, .requests = 3, .second = 100, .flight = 200, .flight_r = 60, .alert = 19};

typedef struct play {
    qn_htx_watch w;
    qn_time now;
    uint8_t held[4 * QN_RECORD_BODY_MAX];
    size_t held_n;
    uint64_t passed, sent, proved;
    bool data[2]; /* C, O: an application record was seen */
} play;

/* A sound ServerHello of 86 bytes, for seeds and as what the fuzzer may change one byte of. */
static size_t server_hello(uint8_t *p)
{
    memset(p, 0, 86);
    p[0] = QN_TLS_SERVER_HELLO;
    p[3] = 82;
    p[4] = p[5] = 3;
    p[38] = 32;
    p[39] = 1;
    qn_put16(p + 71, 0x1301);
    qn_put16(p + 74, 10);
    qn_put16(p + 76, QN_TLS_X_VERSIONS);
    p[79] = 2;
    p[80] = 3;
    p[81] = 4;
    qn_put16(p + 82, 51);
    return 86;
}

static void origin(play *p, const uint8_t *bytes, size_t n)
{
    size_t used = 0, record = 0;
    qn_htx_word word;

    FZ_CHECK(p->held_n + n <= sizeof p->held);
    memcpy(p->held + p->held_n, bytes, n);
    p->held_n += n;
    word = qn_htx_watch_origin(&p->w, p->now, fz_exact(qn_slice_of(p->held, p->held_n)).p,
                               p->held_n, &used, &record);
    FZ_CHECK(used <= p->held_n);
    FZ_CHECK(word != QN_HTX_PASS || used == p->held_n);
    FZ_CHECK(word == QN_HTX_PASS || p->w.state == QN_HTX_ARMED);
    memmove(p->held, p->held + used, p->held_n - used);
    p->held_n -= used;
    p->passed += used;
    if (word == QN_HTX_HOLD)
        FZ_CHECK(p->held_n < QN_RECORD_HEADER + QN_RECORD_BODY_MAX);
    if (word == QN_HTX_PROVE) {
        FZ_CHECK(record <= p->held_n && record >= QN_RECORD_HEADER + QN_HTX_PROOF_MIN);
        FZ_CHECK(p->w.done > cfg.requests && p->w.hello.tls13 && p->sent > 200);
        if (p->proved == 0)
            p->proved = p->passed;
        /* the owner would switch here; untied, so that the play goes on */
        qn_htx_watch_ended(&p->w);
    }
}

static void say(play *p, bool client, const uint8_t *bytes, size_t n, uint32_t cut)
{
    while (n > 0) {
        size_t k = cut == 0 ? n : QN_MIN(n, (size_t)(1 + cut % 37));

        if (client)
            qn_htx_watch_client(&p->w, p->now, fz_exact(qn_slice_of(bytes, k)).p, k);
        else
            origin(p, bytes, k);
        bytes += k;
        n -= k;
        cut = cut == 0 ? 0 : cut * 1103515245u + 12345u;
        cut |= cut != 0;
    }
}

static void change(fz_in *in, uint8_t *p, size_t n)
{
    size_t at = fz_u8(in) % n;

    p[at] ^= fz_u8(in);
}

static size_t make_record(fz_in *in, uint8_t out[QN_RECORD_HEADER + 4096])
{
    static const uint8_t types[] = {QN_TLS_DATA, QN_TLS_CCS, QN_TLS_HANDSHAKE, QN_TLS_ALERT};
    uint8_t kind = fz_u8(in);
    size_t n = fz_u16(in) % 4096;

    out[0] = types[kind % 4];
    out[1] = out[2] = 3;
    if (kind & 0x10)
        change(in, out, QN_RECORD_HEADER);
    memset(out + QN_RECORD_HEADER, 1, n);
    if (out[0] == QN_TLS_HANDSHAKE) {
        n = server_hello(out + QN_RECORD_HEADER);
        if (kind & 0x20)
            change(in, out + QN_RECORD_HEADER, n);
    }
    qn_put16(out + 3, (uint16_t)n);
    return QN_RECORD_HEADER + n;
}

static void play_all(play *p, fz_in in, bool cut)
{
    static uint8_t record[QN_RECORD_HEADER + 4096];
    uint32_t seed = fz_u32(&in) | 1;

    memset(p, 0, sizeof *p);
    p->now = QN_SEC;
    qn_htx_watch_init(&p->w, &cfg);
    for (unsigned op = 0; op < OPS && in.n > 0; op++) {
        uint8_t what = fz_u8(&in);

        switch (what % 8) {
        case 0:
            qn_htx_watch_sent(&p->w, p->passed - p->sent);
            p->sent = p->passed;
            break;
        case 1:
            p->now += fz_u8(&in) * QN_SEC;
            break;
        case 2:
            qn_htx_watch_ended(&p->w);
            break;
        case 3:
        case 4: {
            qn_slice raw = fz_chunk(&in);

            if (raw.n <= 4096 && p->held_n + raw.n <= 2 * QN_RECORD_BODY_MAX)
                say(p, what % 8 == 3, raw.p, raw.n, cut ? seed : 0);
            break;
        }
        default:
            say(p, what & 0x80, record, make_record(&in, record), cut ? seed : 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static play whole, cut;

    play_all(&whole, (fz_in){p, n}, false);
    play_all(&cut, (fz_in){p, n}, true);
    FZ_CHECK(whole.w.state == cut.w.state && whole.proved == cut.proved);
    FZ_CHECK(whole.passed == cut.passed && whole.held_n == cut.held_n);
    FZ_CHECK(whole.w.state == QN_HTX_ARMED || whole.held_n == 0 || whole.proved != 0);
    return 0;
}

static void seed_record(fz_out *o, bool client, unsigned kind, unsigned n)
{
    fz_out_u8(o, client ? 0x85 : 0x05);
    fz_out_u8(o, kind);
    fz_out_u16(o, n);
}

void fz_seeds(void)
{
    fz_out *o = fz_out_new();

    fz_out_u32(o, 7);
    seed_record(o, false, 2, 0);
    seed_record(o, false, 1, 1);
    seed_record(o, false, 0, 36);
    seed_record(o, false, 0, 415);
    fz_out_u8(o, 0);
    seed_record(o, true, 1, 1);
    seed_record(o, true, 0, 53);
    seed_record(o, true, 0, 87);
    seed_record(o, true, 0, 462);
    seed_record(o, false, 0, 234);
    seed_record(o, false, 0, 2000);
    fz_out_u8(o, 0);
    seed_record(o, true, 0, 26);
    seed_record(o, true, 0, 100);
    seed_record(o, false, 0, 300);
    seed_record(o, false, 0, 1300);
    fz_out_seed(o, "visit");
    o->n = 0;
    fz_out_u32(o, 9);
    seed_record(o, true, 0, 50);
    fz_out_seed(o, "garbage");
}

/*
 * The bare carrier and a hostile wire. The first byte chooses the play:
 *   0, 1  a stranger's bytes, to a responder and to an initiator that dialled;
 *   2     a peer with the right keys whose records hold anything;
 *   3     two honest peers and a wire that harms, cuts and repeats what passes.
 * A stranger costs at most 4 KiB (promise P3); LOST comes once and last; due is never in the past;
 * what arrives as a record is what was sealed; all memory comes back.
 */
#include "fuzz.h"

#include "carrier/bare.h"

enum { STRANGER_MAX = 4096, RECORDS = 64 };

typedef struct side {
    fz_env t;
    qn_carrier *c;
    bool up, lost;
    unsigned records;
    uint32_t sum[RECORDS]; /* of each record's content, as it came */
    size_t drained;
} side;

typedef struct play {
    side a, b; /* a initiates */
    unsigned sealed[2];
    uint32_t sum[2][RECORDS]; /* of what each sealed */
} play;

static uint32_t sum_of(const uint8_t *p, size_t n)
{
    uint32_t s = (uint32_t)n + 1;

    for (size_t i = 0; i < n; i++)
        s = (s ^ p[i]) * UINT32_C(16777619);
    return s;
}

static void open_side(side *x, bool initiator, uint16_t max_record)
{
    qn_dh_secret responder = {.b = {7, 7, 7}}, initiators = {.b = {8, 8, 8}};
    qn_carrier_cfg cfg = {.initiator = initiator,
                          .own_key = initiator ? initiators : responder,
                          .claim = true,
                          .max_record = max_record};

    *x = (side){0};
    fz_env_open(&x->t, initiator ? 0 : 1);
    memset(cfg.responder.b, 0xbb, sizeof cfg.responder.b);
    qn_dh_derive(&responder, &cfg.responder_key);
    FZ_CHECK(qn_carrier_bare.create(&x->c, &x->t.env, &cfg) == QN_OK);
    if (initiator)
        qn_carrier_opened(x->c, 0);
}

static void close_side(side *x)
{
    qn_carrier_destroy(x->c);
    fz_env_close(&x->t);
}

/* As a link would: frames of the carrier's own go back to it. */
static void take_record(side *x, qn_piece piece)
{
    const uint8_t *p = qn_piece_data(&piece);
    size_t at = 0, used;
    qn_frame f;

    if (x->records < RECORDS)
        x->sum[x->records] = sum_of(p, piece.len);
    x->records++;
    while (at < piece.len && qn_frame_get(&f, p + at, piece.len - at, &used) == QN_OK) {
        at += used;
        if (f.type == QN_FRAME_KEY_UPDATE || f.type == QN_FRAME_CARRIER)
            if (x->c->kind->frame(x->c, &f, at == piece.len) != QN_OK) {
                x->c->kind->close(x->c, QN_CLOSE_MALFORMED);
                break;
            }
    }
    qn_block_drop(piece.block);
}

static void drain(side *x)
{
    qn_carrier_event ev;

    while (qn_carrier_next(x->c, &ev)) {
        FZ_CHECK(!x->lost);
        switch (ev.type) {
        case QN_CARRIER_ESTABLISHED:
            FZ_CHECK(!x->up);
            x->up = true;
            break;
        case QN_CARRIER_RECORD:
            FZ_CHECK(x->up);
            take_record(x, ev.piece);
            break;
        case QN_CARRIER_LOST:
            x->lost = true;
            FZ_CHECK(x->c->kind->room(x->c) == 0 && qn_carrier_space(x->c, 0).n == 0);
            break;
        default:
            break;
        }
    }
    FZ_CHECK(qn_carrier_due(x->c) == QN_NEVER || qn_carrier_due(x->c) > x->t.env.now);
    if (!x->up)
        FZ_CHECK(x->t.env.mem.used <= STRANGER_MAX);
}

static void give(side *x, qn_slice bytes)
{
    while (bytes.n > 0) {
        qn_span s = qn_carrier_space(x->c, 0);
        size_t n = QN_MIN(s.n, bytes.n);

        if (n == 0)
            return;
        memcpy(s.p, bytes.p, n);
        qn_carrier_commit(x->c, 0, n);
        drain(x);
        bytes = (qn_slice){bytes.p + n, bytes.n - n};
    }
}

/* What waits to be written, at most `max` bytes, into buf. */
static size_t take_out(side *x, uint8_t *buf, size_t max)
{
    qn_slice v[4];
    unsigned k = qn_carrier_peek(x->c, 0, v, QN_LEN(v));
    size_t n = 0;

    for (unsigned i = 0; i < k && n < max; i++) {
        size_t part = QN_MIN(v[i].n, max - n);

        memcpy(buf + n, v[i].p, part);
        n += part;
    }
    if (n > 0)
        qn_carrier_consume(x->c, 0, n);
    return n;
}

static void end_or_wait(side *x, fz_in *in)
{
    uint8_t what = fz_u8(in);

    switch (what & 7) {
    case 0:
        qn_carrier_ended(x->c, 0, QN_END_EOF);
        break;
    case 1:
        qn_carrier_ended(x->c, 0, QN_END_RESET);
        break;
    case 2:
        qn_carrier_ended(x->c, 0, QN_END_WRITE_FAILED);
        break;
    case 3:
        x->c->kind->close(x->c, QN_CLOSE_DONE);
        break;
    default:
        fz_env_step(&x->t, (qn_time)what * 10 * QN_MS);
        if (qn_carrier_due(x->c) <= x->t.env.now)
            qn_carrier_tick(x->c);
        break;
    }
    drain(x);
}

/* ---- plays 0 and 1 --------------------------------------------------------------------------- */

static void stranger(fz_in *in, bool to_initiator)
{
    side x;

    open_side(&x, to_initiator, 0);
    drain(&x);
    while (in->n > 0) {
        if (fz_u8(in) % 8 == 7)
            end_or_wait(&x, in);
        else
            give(&x, fz_exact(fz_chunk(in)));
        FZ_CHECK(!x.up && x.t.env.mem.peak <= STRANGER_MAX);
    }
    close_side(&x);
}

/* ---- plays 2 and 3 --------------------------------------------------------------------------- */

static void carry(side *from, side *to)
{
    static uint8_t wire[1 << 16];
    size_t n;

    while ((n = take_out(from, wire, sizeof wire)) > 0)
        give(to, qn_slice_of(wire, n));
}

static void meet(play *p, uint16_t max_record)
{
    open_side(&p->b, false, max_record);
    open_side(&p->a, true, 0);
    for (unsigned i = 0; i < 3; i++) {
        carry(&p->a, &p->b);
        carry(&p->b, &p->a);
    }
    FZ_CHECK(p->a.up && p->b.up);
}

static void seal(play *p, unsigned who, qn_slice content)
{
    side *x = who == 0 ? &p->a : &p->b;
    const qn_carrier_kind *kind = x->c->kind;
    static uint8_t whole[QN_RECORD_CONTENT_MAX + QN_FRAME_HEADER];
    size_t n = QN_MIN(content.n, kind->room(x->c)), own;

    if (kind->room(x->c) < QN_FRAME_HEADER || p->sealed[who] >= RECORDS)
        return;
    n = QN_MIN(n, kind->room(x->c) - QN_FRAME_HEADER);
    if (n > 0)
        memcpy(whole, content.p, n);
    own = kind->own(x->c, whole + n, QN_FRAME_HEADER);
    if (n + own > 0 &&
        kind->seal(x->c, qn_slice_of(whole, n), qn_slice_of(whole + n, own)) == QN_OK)
        p->sum[who][p->sealed[who]++] = sum_of(whole, n + own);
}

/* Whoever received something received exactly what was sealed, from its beginning. */
static void check_records(const play *p)
{
    const side *ends[2] = {&p->b, &p->a};

    for (unsigned who = 0; who < 2; who++) {
        FZ_CHECK(ends[who]->records <= p->sealed[who]);
        for (unsigned i = 0; i < ends[who]->records; i++)
            FZ_CHECK(ends[who]->sum[i] == p->sum[who][i]);
    }
}

static void any_content(fz_in *in)
{
    play p = {0};

    meet(&p, fz_u8(in) & 1 ? 512 : 0);
    while (in->n > 0) {
        uint8_t what = fz_u8(in);
        unsigned who = what & 1;

        if (what >= 0xe0)
            end_or_wait(who == 0 ? &p.a : &p.b, in);
        else
            seal(&p, who, fz_chunk(in));
        carry(&p.a, &p.b);
        carry(&p.b, &p.a);
        check_records(&p);
    }
    close_side(&p.a);
    close_side(&p.b);
}

static void bad_wire(fz_in *in)
{
    static uint8_t wire[1 << 16];
    play p = {0};

    meet(&p, 0);
    while (in->n > 0) {
        uint8_t what = fz_u8(in);
        unsigned who = what & 1;
        side *from = who == 0 ? &p.a : &p.b, *to = who == 0 ? &p.b : &p.a;
        size_t n, at;

        seal(&p, who, fz_chunk(in));
        n = take_out(from, wire, 1 + fz_u16(in));
        at = n > 0 ? fz_u16(in) % n : 0;
        if ((what & 6) == 2 && n > 0)
            wire[at] ^= (uint8_t)(1u << (what >> 3 & 7));
        give(to, qn_slice_of(wire, n));
        if ((what & 6) == 4)
            give(to, qn_slice_of(wire + at, n - at));
        check_records(&p);
    }
    close_side(&p.a);
    close_side(&p.b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};

    switch (fz_below(&in, 4)) {
    case 0:
        stranger(&in, false);
        break;
    case 1:
        stranger(&in, true);
        break;
    case 2:
        any_content(&in);
        break;
    default:
        bad_wire(&in);
        break;
    }
    return 0;
}

/* ---- seeds ----------------------------------------------------------------------------------- */

static void seed_stranger(void)
{
    static uint8_t wire[256], much[3000];
    fz_out *o = fz_out_new();
    side a;
    size_t n;

    open_side(&a, true, 0);
    n = take_out(&a, wire, sizeof wire);
    close_side(&a);
    wire[9] ^= 1; /* genuine but for one bit */
    fz_out_u8(o, 0);
    fz_out_u8(o, 0);
    fz_out_chunk(o, wire, n / 2);
    fz_out_u8(o, 0);
    fz_out_chunk(o, wire + n / 2, n - n / 2);
    fz_out_seed(o, "stranger");
    o->p[0] = 1;
    fz_out_seed(o, "stranger-dialled");
    o->n = 0; /* announces a full record and sends some of it */
    fz_out_u16(o, 0);
    memcpy(much, "\x17\x03\x03\x40\x00", 5);
    fz_out_chunk(o, much, sizeof much);
    fz_out_seed(o, "stranger-announces-much");
}

void fz_seeds(void)
{
    static const uint8_t update[] = {0, 0, 0, QN_FRAME_KEY_UPDATE};
    static const uint8_t hello[] = {0, 0, 7, QN_FRAME_STREAM, 0, 0, 0, 1, 1, 'h', 'i'};
    fz_out *o = fz_out_new();

    fz_out_bytes(o, "\2\1", 2);
    for (unsigned i = 0; i < 4; i++) {
        fz_out_u8(o, i);
        fz_out_chunk(o, hello, sizeof hello);
        fz_out_u8(o, i);
        fz_out_chunk(o, update, sizeof update);
    }
    fz_out_bytes(o, "\xe1\x80\xe0\x00", 4);
    fz_out_seed(o, "key-update");
    for (unsigned how = 0; how < 4; how++) {
        char name[16];

        o->n = 0;
        fz_out_bytes(o, "\2\0\0", 3);
        fz_out_chunk(o, hello, sizeof hello);
        fz_out_u8(o, 0xe0 + how % 2);
        fz_out_u8(o, how);
        fz_out_u8(o, 1);
        fz_out_chunk(o, hello, sizeof hello);
        (void)snprintf(name, sizeof name, "ending-%u", how);
        fz_out_seed(o, name);
    }
    for (unsigned what = 0; what < 6; what += 2) {
        char name[16];

        o->n = 0;
        fz_out_u8(o, 3);
        for (unsigned i = 0; i < 6; i++) {
            fz_out_u8(o, i == 4 ? what + i % 2 : i % 2);
            fz_out_chunk(o, hello, sizeof hello);
            fz_out_u16(o, i < 2 ? 5 : 500);
            fz_out_u16(o, 7);
        }
        (void)snprintf(name, sizeof name, "wire-%u", what);
        fz_out_seed(o, name);
    }
    seed_stranger();
}

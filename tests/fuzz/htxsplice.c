/*
 * The splice against a model of it: two streams of counting bytes, read, written and ended as the
 * fuzzer says, memory refused where it says. What each side is given is a prefix of what the other
 * said; all of it, if both ended in order.
 */
#include "fuzz.h"

#include "base/engine.h"
#include "htx/splice.h"

typedef struct side {
    uint64_t said, heard; /* bytes; byte i of a side is (i * 7 + side) */
    bool eof, finish, over;
} side;

typedef struct game {
    qn_htx_splice s;
    fz_env t;
    side side[2];
    size_t intro; /* bytes of it that leg 1 will hear in front */
    bool joined, lost;
    qn_err err;
} game;

static uint8_t byte_of(unsigned who, uint64_t i)
{
    return (uint8_t)(i * 7 + who);
}

static void drain(game *g)
{
    qn_carrier_event ev;

    while (qn_htx_splice_next(&g->s, &ev)) {
        FZ_CHECK(!g->lost && ev.leg < 2);
        switch (ev.type) {
        case QN_CARRIER_DIAL:
            break;
        case QN_CARRIER_FINISH:
            FZ_CHECK(!g->side[ev.leg].finish && g->side[!ev.leg].eof);
            FZ_CHECK(ev.leg == 0 || g->joined);
            g->side[ev.leg].finish = true;
            break;
        case QN_CARRIER_CLOSE:
            FZ_CHECK(g->side[0].eof && g->side[1].eof);
            g->side[ev.leg].over = true;
            break;
        case QN_CARRIER_RESET:
            g->side[ev.leg].over = true;
            break;
        case QN_CARRIER_LOST:
            g->lost = true;
            g->err = ev.err;
            break;
        default:
            FZ_CHECK(false);
        }
    }
}

static void read_side(game *g, unsigned who, size_t most)
{
    qn_span space = qn_htx_splice_space(&g->s, (uint8_t)who);
    size_t n = QN_MIN(space.n, most);

    FZ_CHECK(space.n <= QN_HTX_SPLICE_MAX);
    if (n == 0 || g->side[who].eof)
        return;
    for (size_t i = 0; i < n; i++)
        space.p[i] = byte_of(who, g->side[who].said + i);
    g->side[who].said += n;
    qn_htx_splice_commit(&g->s, (uint8_t)who, n);
    drain(g);
}

static void hear(game *g, unsigned who, const uint8_t *p, size_t n)
{
    side *me = &g->side[who];

    for (size_t i = 0; i < n; i++, me->heard++) {
        if (who == 1 && me->heard < g->intro)
            continue;
        FZ_CHECK(p[i] == byte_of(!who, me->heard - (who == 1 ? g->intro : 0)));
    }
}

static void write_side(game *g, unsigned who, size_t most)
{
    qn_slice v[8];
    unsigned count = qn_htx_splice_peek(&g->s, (uint8_t)who, v, QN_LEN(v));
    size_t total = 0;

    FZ_CHECK(count == 0 || who == 0 || g->joined);
    for (unsigned k = 0; k < count && most > 0; k++) {
        size_t n = QN_MIN(v[k].n, most);

        hear(g, who, v[k].p, n);
        most -= n;
        total += n;
    }
    qn_htx_splice_consume(&g->s, (uint8_t)who, total);
    drain(g);
}

static void end_side(game *g, unsigned who, unsigned how)
{
    static const qn_ending endings[] = {QN_END_EOF, QN_END_EOF, QN_END_WRITE_FAILED, QN_END_RESET};

    if (who == 1 && !g->joined)
        how = 3;
    if (endings[how % 4] == QN_END_EOF) {
        if (g->side[who].eof)
            return;
        g->side[who].eof = true;
    }
    qn_htx_splice_ended(&g->s, (uint8_t)who, endings[how % 4]);
    drain(g);
}

static void one(game *g, fz_in *in)
{
    unsigned what = fz_u8(in), who = what >> 7;

    switch (what % 8) {
    case 0:
        if (!g->joined && !g->side[1].over && !g->lost) {
            g->joined = true;
            qn_htx_splice_opened(&g->s, 1);
            drain(g);
        }
        break;
    case 1:
        end_side(g, who, fz_u8(in));
        break;
    case 2:
        fz_fail_at(fz_u8(in) % 8);
        break;
    case 3:
    case 4:
        read_side(g, who, 1 + fz_u16(in));
        break;
    default:
        write_side(g, who, 1 + fz_u16(in));
    }
    FZ_CHECK(g->s.leg[0].out.bytes <= QN_HTX_SPLICE_MAX);
    FZ_CHECK(g->s.leg[1].out.bytes <= QN_HTX_SPLICE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static game g;
    fz_in in = {p, n};
    qn_htx_splice_cfg cfg = {.origin = {.family = 4, .port = 1},
                             .client = {.family = 4, .port = 2},
                             .local = {.family = 4, .port = 3}};

    memset(&g, 0, sizeof g);
    fz_env_open(&g.t, 0);
    cfg.proxy = fz_u8(&in) & 1;
    g.intro = cfg.proxy ? 28 : 0;
    qn_htx_splice_init(&g.s, &g.t.env, &cfg);
    drain(&g);
    for (unsigned ops = 0; ops < 256 && in.n > 0; ops++)
        one(&g, &in);
    if (g.lost && g.err == QN_OK) {
        FZ_CHECK(g.side[0].heard == g.side[1].said);
        FZ_CHECK(g.side[1].heard == g.side[0].said + g.intro);
    }
    qn_htx_splice_clear(&g.s);
    fz_fail_at(0);
    fz_env_close(&g.t);
    return 0;
}

void fz_seeds(void)
{
    static const uint8_t orderly[] = {1,    0x00, 0x03, 0x10, 0x00, 0x85, 0xff, 0xff,
                                      0x83, 0x40, 0x00, 0x05, 0xff, 0xff, 0x01, 0x00,
                                      0x81, 0x00, 0x05, 0xff, 0xff, 0x85, 0xff, 0xff};
    static const uint8_t reset[] = {0,    0x03, 0x01, 0x00, 0x00, 0x85, 0x00, 0x10, 0x83, 0x7f,
                                    0xff, 0x81, 0x03, 0x05, 0xff, 0xff, 0x05, 0xff, 0xff};
    static const uint8_t deaf[] = {1,    0x00, 0x81, 0x02, 0x03, 0x10, 0x00, 0x83,
                                   0x10, 0x00, 0x05, 0xff, 0xff, 0x81, 0x00};

    fz_seed("orderly", orderly, sizeof orderly);
    fz_seed("reset", reset, sizeof reset);
    fz_seed("deaf", deaf, sizeof deaf);
}

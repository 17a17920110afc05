/*
 * A directory stream: bytes 0 and 1 choose the reader's bound and the seed of the cuts. Whatever
 * the cuts, the same messages come out; each is written again and must be the same bytes; memory
 * follows what arrived, not what was announced.
 */
#include "fuzz.h"

#include "dir/message.h"

typedef struct story { /* what a reader told, in one hash */
    uint64_t sum;
    unsigned messages;
    qn_err err;
} story;

static void note(story *s, const void *p, size_t n)
{
    const uint8_t *b = p;

    for (size_t i = 0; i < n; i++)
        s->sum = (s->sum ^ b[i]) * UINT64_C(1099511628211);
}

static void write_again(const qn_dir_message *m, const qn_dir_reader *r)
{
    uint8_t head[QN_DIR_HEAD_MAX];
    size_t n = qn_dir_message_head(m, head);

    FZ_CHECK(n + m->bytes.n == (size_t)4 + r->need);
    FZ_CHECK(memcmp(head, r->head, 4) == 0 && memcmp(head + 4, r->buf, n - 4) == 0);
    FZ_CHECK(m->bytes.n == 0 || m->bytes.p == r->buf + n - 4);
}

static void take_message(story *s, const qn_dir_message *m, const qn_dir_reader *r)
{
    write_again(m, r);
    s->messages++;
    note(s, &m->type, sizeof m->type);
    note(s, m->bytes.p, m->bytes.n);
    note(s, &m->version, sizeof m->version);
    note(s, &m->code, sizeof m->code);
}

static story tell(qn_slice in, uint32_t max, uint32_t cuts)
{
    story s = {.sum = 1};
    qn_dir_reader r;
    size_t arrived = 0;
    fz_env t;

    fz_env_open(&t, 0);
    qn_dir_reader_init(&r, max);
    while (in.n > 0 && s.err == QN_OK) {
        size_t part = cuts == 0 ? in.n : QN_MIN(in.n, (size_t)1 + (cuts >> 16) % 40);
        qn_slice piece = fz_exact(qn_slice_of(in.p, part));

        cuts = cuts == 0 ? 0 : cuts * UINT32_C(1664525) + UINT32_C(1013904223);
        in = (qn_slice){in.p + part, in.n - part};
        arrived += part;
        while (s.err == QN_OK) {
            size_t used = 0;
            qn_dir_message m;
            qn_err err = qn_dir_reader_push(&r, &t.env, piece, &used, &m);

            FZ_CHECK(used <= piece.n);
            FZ_CHECK(t.env.mem.used <= QN_MAX(arrived * 2, (size_t)1024));
            piece = (qn_slice){piece.p + used, piece.n - used};
            if (err == QN_OK)
                take_message(&s, &m, &r);
            else if (err != QN_SHORT)
                s.err = err;
            FZ_CHECK(err != QN_SHORT || piece.n == 0);
            FZ_CHECK(err != QN_OK || qn_dir_reader_idle(&r));
            if (err == QN_SHORT)
                break;
        }
    }
    qn_dir_reader_clear(&r, &t.env);
    fz_env_close(&t);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};
    uint32_t max = fz_below(&in, 2) ? QN_DIR_MESSAGE_MAX : QN_DIR_REQUEST_MAX;
    uint32_t cuts = fz_u8(&in) + 1u;
    story whole = tell(qn_slice_of(in.p, in.n), max, 0);
    story parts = tell(qn_slice_of(in.p, in.n), max, cuts);

    FZ_CHECK(whole.sum == parts.sum && whole.messages == parts.messages);
    FZ_CHECK(whole.err == parts.err);
    return 0;
}

static void put(fz_out *o, const qn_dir_message *m)
{
    uint8_t head[QN_DIR_HEAD_MAX];

    fz_out_bytes(o, head, qn_dir_message_head(m, head));
    fz_out_bytes(o, m->bytes.p, m->bytes.n);
}

void fz_seeds(void)
{
    static const uint8_t body[700] = {1, 2, 3};
    qn_dir_message reg = {.type = QN_DIR_REGISTER, .bytes = {body, 600}};
    qn_dir_message beat = {.type = QN_DIR_HEARTBEAT, .bytes = {body, 130}};
    qn_dir_message list = {
        .type = QN_DIR_LIST, .version = UINT64_C(1700000000), .root = 1, .bytes = {body, 32}};
    qn_dir_message ok = {.type = QN_DIR_OK}, same = {.type = QN_DIR_UNCHANGED};
    qn_dir_message error = {.type = QN_DIR_ERROR, .code = 409, .bytes = qn_slice_of("stale", 5)};
    qn_dir_message snap = {.type = QN_DIR_SNAPSHOT, .bytes = {body, 700}};
    qn_dir_message introduce = {.type = QN_DIR_INTRODUCE, .version = 77, .bytes = {body, 600}};
    qn_dir_message news = {.type = QN_DIR_NEWS, .bytes = {body, 160}};
    qn_dir_message proven = {.type = QN_DIR_PROVEN, .version = 77};
    qn_dir_message moor = {.type = QN_DIR_MOOR, .bytes = {body, 600}};
    fz_out *o = fz_out_new();

    fz_out_u16(o, 3);
    put(o, &reg);
    put(o, &beat);
    put(o, &list);
    fz_out_seed(o, "requests");
    o->n = 0;
    fz_out_u16(o, 0x0105);
    put(o, &ok);
    put(o, &error);
    put(o, &snap);
    put(o, &same);
    fz_out_seed(o, "answers");
    o->n = 0;
    fz_out_u16(o, 3);
    put(o, &introduce);
    put(o, &news);
    put(o, &proven);
    put(o, &moor);
    fz_out_seed(o, "discovery");
    o->n = 0;
    fz_out_u16(o, 0);
    fz_out_u32(o, QN_DIR_REQUEST_MAX);
    fz_out_bytes(o, body, 20);
    fz_out_seed(o, "announces-much");
}

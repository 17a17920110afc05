/*
 * A cell's text, and cells that arrive in parts. The first byte chooses: a text is walked and its
 * messages written again; a stream of pieces must give the same cells as their bytes put together.
 */
#include "fuzz.h"

#include "circuit/cell.h"

static void walk(qn_slice text)
{
    static uint8_t again[1 << 16];
    size_t n = 0, used;
    qn_msgs it;
    qn_msg m;

    if (text.n > sizeof again)
        return;
    text = fz_exact(text);
    qn_msgs_init(&it, text.p, text.n);
    while (qn_msgs_next(&it, &m)) {
        FZ_CHECK(m.data >= text.p && m.data + m.len <= text.p + text.n);
        FZ_CHECK(m.cmd != QN_CMD_NONE && m.cmd <= QN_CMD_DROP);
        qn_msg_head(again + n, m.cmd, m.flags, m.len, m.sid);
        memcpy(again + n + QN_MSG_HEADER, m.data, m.len);
        n += (size_t)QN_MSG_HEADER + m.len;
    }
    used = n;
    FZ_CHECK(n <= text.n && (n == 0 || memcmp(again, text.p, n) == 0));
    FZ_CHECK(it.err == QN_OK || it.err == QN_PROTO);
    FZ_CHECK(qn_msgs_check(text.p, text.n) == it.err);
    FZ_CHECK(!qn_msgs_next(&it, &m)); /* once ended, for good */
    for (; it.err == QN_OK && used < text.n; used++)
        FZ_CHECK(text.p[used] == 0);
}

/* One piece of n pattern bytes at an odd offset, given with `more`. */
static qn_err give(qn_cell_in *in, qn_env *env, uint32_t n, bool more, uint8_t fill, qn_piece *out)
{
    qn_piece piece = {.off = QN_STREAM_HEADER + 3, .len = n};
    qn_err err;

    piece.block = qn_block_get(env, piece.off + n);
    FZ_CHECK(piece.block != NULL);
    memset(qn_piece_data(&piece), fill, n);
    err = qn_cell_in_put(in, env, piece, more, out);
    qn_block_drop(piece.block);
    return err;
}

static void parts(fz_in in)
{
    static uint8_t want[QN_CELL_L + 1];
    uint32_t have = 0;
    qn_cell_in cell = {0};
    fz_env t;

    fz_env_open(&t, 0);
    while (in.n > 0) {
        uint32_t n = fz_u16(&in);
        uint8_t what = fz_u8(&in);
        bool more = (what & 1) != 0, fits;
        qn_piece out;
        qn_err err;

        n = (what & 2) != 0   ? QN_CELL_S - QN_MIN(have, QN_CELL_S)
            : (what & 4) != 0 ? QN_CELL_L - have
                              : n % (QN_CELL_L + 20);
        n = QN_MIN(n, (uint32_t)(QN_BLOCK_LARGE - QN_STREAM_HEADER - 3));
        fits = n > 0 && (more ? have + n < QN_CELL_L : qn_cell_sized(have + n));
        err = give(&cell, &t.env, n, more, what, &out);
        FZ_CHECK(err == (!fits ? QN_PROTO : more ? QN_SHORT : QN_OK));
        if (!fits)
            break;
        memset(want + have, what, n);
        have += n;
        if (more)
            continue;
        FZ_CHECK(out.len == have && out.off >= QN_STREAM_HEADER);
        FZ_CHECK(memcmp(qn_piece_data(&out), want, have) == 0);
        qn_block_drop(out.block);
        have = 0;
        FZ_CHECK(t.env.mem.used == 0); /* between cells it costs nothing */
    }
    qn_cell_in_clear(&cell);
    fz_env_close(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};

    if (fz_below(&in, 2) == 0)
        walk(qn_slice_of(in.p, in.n));
    else
        parts(in);
    return 0;
}

static void put(fz_out *o, uint8_t cmd, uint8_t flags, uint32_t sid, const void *data, uint16_t n)
{
    uint8_t head[QN_MSG_HEADER];

    qn_msg_head(head, cmd, flags, n, sid);
    fz_out_bytes(o, head, sizeof head);
    fz_out_bytes(o, data, n);
}

void fz_seeds(void)
{
    static const uint8_t zeros[121];
    static const uint8_t open[] = {1, 93, 184, 216, 34, 0, 80};
    fz_out *o = fz_out_new();

    fz_out_u8(o, 0);
    put(o, QN_CMD_OPEN, 0, 1, open, sizeof open);
    put(o, QN_CMD_DATA, 0, 1, "GET / HTTP/1.0\r\n\r\n", 18);
    put(o, QN_CMD_CREDIT, 0, 1, "\0\0\0\0\0\2\0\0", 8);
    put(o, QN_CMD_END, 0, 1, "\0", 1);
    fz_out_bytes(o, zeros, 40);
    fz_out_seed(o, "stream");
    o->n = 0;
    fz_out_u8(o, 0);
    put(o, QN_CMD_OPENED, 0, 2, "\0", 1);
    put(o, QN_CMD_PING, QN_MSG_ANSWER, 0, "12345678", 8);
    put(o, QN_CMD_DROP, 0, 0, "dropped", 7);
    fz_out_seed(o, "answers");
    for (uint8_t cmd = QN_CMD_EXTEND; cmd <= QN_CMD_CREATED; cmd++) {
        char name[16];

        o->n = 0;
        fz_out_u8(o, 0);
        put(o, cmd, 0, 0, zeros, 89);
        (void)snprintf(name, sizeof name, "handshake-%u", cmd);
        fz_out_seed(o, name);
    }
    fz_seed("parts-s", "\x01\0\x10\x01\0\x20\x01\0\0\x02", 10);
    fz_seed("parts-l", "\x01\x10\0\x01\x10\0\x09\0\0\x04", 10);
    fz_seed("parts-whole", "\x01\0\0\x02\0\0\x04", 7);
}

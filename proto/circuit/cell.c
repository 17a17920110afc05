#include "circuit/cell.h"

qn_err qn_cell_get(qn_env *env, size_t size, qn_piece *out)
{
    qn_block *b = qn_block_get(env, QN_STREAM_HEADER + size);

    QN_ASSERT(qn_cell_sized(size));
    if (b == NULL)
        return QN_NOMEM;
    *out = (qn_piece){.block = b, .off = QN_STREAM_HEADER, .len = (uint32_t)size};
    return QN_OK;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* What each command allows. Handshake messages keep their own sizes (create.h). */
static const struct {
    uint16_t min, max; /* of len */
    bool stream;       /* sid != 0; else sid == 0 */
    uint8_t flags;
} rules[] = {
    [QN_CMD_EXTEND] = {1, QN_MSG_DATA_S, false, 0},
    [QN_CMD_EXTENDED] = {1, QN_MSG_DATA_S, false, 0},
    [QN_CMD_CREATE] = {1, QN_MSG_DATA_S, false, 0},
    [QN_CMD_CREATED] = {1, QN_MSG_DATA_S, false, 0},
    [QN_CMD_OPEN] = {1, 1 + 1 + QN_NAME_MAX + 2, true, 0},
    [QN_CMD_OPENED] = {1, 1, true, 0},
    [QN_CMD_DATA] = {1, QN_MSG_DATA_L, true, 0},
    [QN_CMD_END] = {1, 1, true, 0},
    [QN_CMD_CREDIT] = {8, 8, true, 0},
    [QN_CMD_PING] = {8, 8, false, QN_MSG_ANSWER},
    [QN_CMD_DROP] = {0, QN_MSG_DATA_L, false, 0},
    [QN_CMD_PAD] = {1, 1, false, QN_MSG_ANSWER},
};

static bool allowed(const qn_msg *m)
{
    return m->cmd != QN_CMD_NONE && m->cmd < QN_LEN(rules) && m->len >= rules[m->cmd].min &&
           m->len <= rules[m->cmd].max && (m->sid != 0) == rules[m->cmd].stream &&
           (m->flags & ~rules[m->cmd].flags) == 0;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

void qn_msgs_init(qn_msgs *it, const uint8_t *text, size_t n)
{
    *it = (qn_msgs){.p = text, .left = n};
}

static bool stop(qn_msgs *it, qn_err err)
{
    it->err = err;
    it->left = 0;
    return false;
}

bool qn_msgs_next(qn_msgs *it, qn_msg *m)
{
    qn_msg got;

    if (it->left == 0)
        return false;
    if (it->p[0] == QN_CMD_NONE || it->left < QN_MSG_HEADER)
        return stop(it, all_zero(it->p, it->left) ? QN_OK : QN_PROTO);
    got = (qn_msg){.cmd = it->p[0],
                   .flags = it->p[1],
                   .len = qn_get16(it->p + 2),
                   .sid = qn_get32(it->p + 4),
                   .data = it->p + QN_MSG_HEADER};
    if (!allowed(&got) || got.len > it->left - QN_MSG_HEADER)
        return stop(it, QN_PROTO);
    it->p += QN_MSG_HEADER + got.len;
    it->left -= QN_MSG_HEADER + got.len;
    *m = got;
    return true;
}

qn_err qn_msgs_check(const uint8_t *text, size_t n)
{
    qn_msgs it;
    qn_msg m;

    qn_msgs_init(&it, text, n);
    while (qn_msgs_next(&it, &m))
        ;
    return it.err;
}

void qn_msg_head(uint8_t *p, uint8_t cmd, uint8_t flags, uint16_t len, uint32_t sid)
{
    p[0] = cmd;
    p[1] = flags;
    qn_put16(p + 2, len);
    qn_put32(p + 4, sid);
}

/* ---- cells that arrive in parts -------------------------------------------------------------- */

/* The class is known only at the end, so the copy starts small and moves to a large block when it
 * outgrows an S cell. */
static qn_err make_room(qn_cell_in *in, qn_env *env, size_t need)
{
    qn_block *b;

    if (in->block != NULL && need <= in->block->cap)
        return QN_OK;
    b = qn_block_get(env, need);
    if (b == NULL)
        return QN_NOMEM;
    if (in->have > 0)
        memcpy(b->data + QN_STREAM_HEADER, in->block->data + QN_STREAM_HEADER, in->have);
    qn_block_drop(in->block);
    in->block = b;
    return QN_OK;
}

qn_err qn_cell_in_put(qn_cell_in *in, qn_env *env, qn_piece piece, bool more, qn_piece *out)
{
    size_t have = in->have + (size_t)piece.len;

    if (piece.len == 0 || (more ? have >= QN_CELL_L : !qn_cell_sized(have)))
        return QN_PROTO;
    if (in->block == NULL && !more) {
        QN_ASSERT(piece.off >= QN_STREAM_HEADER);
        *out = piece;
        qn_block_ref(piece.block);
        return QN_OK;
    }
    if (make_room(in, env, QN_STREAM_HEADER + have) != QN_OK)
        return QN_NOMEM;
    memcpy(in->block->data + QN_STREAM_HEADER + in->have, qn_piece_data(&piece), piece.len);
    in->have = (uint32_t)have;
    if (more)
        return QN_SHORT;
    *out = (qn_piece){.block = in->block, .off = QN_STREAM_HEADER, .len = in->have};
    *in = (qn_cell_in){0};
    return QN_OK;
}

void qn_cell_in_clear(qn_cell_in *in)
{
    qn_block_drop(in->block);
    *in = (qn_cell_in){0};
}

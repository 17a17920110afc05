#include "htx/traffic.h"

#include "base/engine.h"

void qn_htx_traffic_init(qn_htx_traffic *t, qn_env *env, qn_tally *tally)
{
    *t = (qn_htx_traffic){.env = env, .tally = tally};
    qn_htx_carry_init(&t->carry);
}

void qn_htx_traffic_begin(qn_htx_traffic *t, const qn_shape_cfg *cfg)
{
    t->max_record = cfg->max_record;
    qn_shape_init(&t->shape, t->env, cfg);
}

void qn_htx_traffic_clear(qn_htx_traffic *t)
{
    qn_record_keys_wipe(&t->tx);
    qn_record_keys_wipe(&t->rx);
    qn_htx_carry_clear(&t->carry, &t->env->mem);
    qn_block_drop(t->part.block);
    t->part = (qn_piece){0};
}

/* ---- out --------------------------------------------------------------------------------------
 */

size_t qn_htx_traffic_room(const qn_htx_traffic *t, const qn_queue *out)
{
    return qn_outflow_open(&t->outflow, out->bytes) ? qn_shape_room(&t->shape) : 0;
}

/* The link's last word is a record of its own (link/out.c). */
static bool is_farewell(qn_slice frames)
{
    qn_frame f;
    size_t used;

    return frames.n == QN_FRAME_CLOSE_SIZE &&
           qn_frame_get(&f, frames.p, frames.n, &used) == QN_OK && f.type == QN_FRAME_CLOSE &&
           f.stream == 0;
}

/* Zeros that bring a record of n bytes of content to this length. */
static size_t zeros_to(size_t length, size_t n)
{
    n += 1 + QN_TAG;
    return length > n ? length - n : 0;
}

static size_t zeros_of(const qn_htx_traffic *t, bool farewell, qn_slice a, qn_slice b)
{
    size_t n = a.n + b.n;

    if (farewell)
        return zeros_to(t->farewell, n);
    return t->carry.claim.end ? zeros_to(t->end, n) : qn_shape_zeros(&t->shape, a, b);
}

qn_err qn_htx_traffic_seal(qn_htx_traffic *t, qn_slice a, qn_slice b, qn_queue *out)
{
    bool farewell = b.n == 0 && is_farewell(a);
    size_t zeros = zeros_of(t, farewell, a, b);
    qn_err err = qn_record_seal_padded(&t->tx, t->env, t->tally, a, b, zeros, QN_INNER_FRAMES, out);

    if (err == QN_NOMEM)
        return err;
    if (err == QN_OK && t->rekeying)
        err = qn_record_ratchet(&t->tx, t->env);
    t->rekeying = false;
    if (err == QN_OK) {
        t->close_sent |= farewell;
        qn_shape_sealed(&t->shape, a, b, zeros);
        qn_htx_carry_sealed(&t->carry, &t->env->mem);
    }
    return err;
}

/* An idle direction keeps its key until it next speaks: there is nothing new under it to lose. */
size_t qn_htx_traffic_own(qn_htx_traffic *t, uint8_t *out, size_t room, bool leaves)
{
    bool space = room >= QN_FRAME_HEADER;
    size_t n = qn_htx_carry_own(&t->carry, out, space && !t->reticent ? room - QN_FRAME_HEADER : 0);

    t->rekeying = space && (leaves || n > 0) && qn_record_rekey_due(&t->tx, t->env->now);
    return n + (t->rekeying ? qn_frame_put_header(out + n, QN_FRAME_KEY_UPDATE, 0) : 0);
}

qn_err qn_htx_traffic_answer(qn_htx_traffic *t, qn_queue *out)
{
    qn_slice none = {0};
    qn_err err = QN_OK;
    size_t zeros;

    while (err == QN_OK && (zeros = qn_shape_answer(&t->shape)) > 0)
        err = qn_record_seal_padded(&t->tx, t->env, t->tally, none, none, zeros, QN_INNER_FRAMES,
                                    out);
    return err == QN_NOMEM ? QN_OK : err;
}

qn_err qn_htx_traffic_alert(qn_htx_traffic *t, uint8_t level, uint8_t description, size_t length,
                            qn_queue *out)
{
    uint8_t said[2] = {level, description};

    return qn_record_seal_padded(&t->tx, t->env, t->tally, qn_slice_of(said, sizeof said),
                                 qn_slice_of(NULL, 0), zeros_to(length, sizeof said),
                                 QN_INNER_ALERT, out);
}

qn_err qn_htx_traffic_finish(qn_htx_traffic *t, qn_queue *out)
{
    uint8_t *frame = t->env->engine->gather;
    qn_err err = QN_OK;

    t->rekeying = false;
    while (err == QN_OK && t->carry.started > 0) {
        size_t n = qn_htx_carry_rest(&t->carry, frame, t->max_record);

        err = qn_htx_traffic_seal(t, qn_slice_of(frame, n), qn_slice_of(NULL, 0), out);
    }
    return err;
}

/* ---- in ---------------------------------------------------------------------------------------
 */

qn_err qn_htx_traffic_open(qn_htx_traffic *t, const uint8_t *record, size_t n, qn_piece *content,
                           uint8_t alert[2])
{
    qn_inner inner;
    qn_piece piece;
    qn_err err = qn_record_open(&t->rx, t->env, t->tally, record, n, &piece, &inner);

    if (err != QN_OK)
        return err;
    if (inner == QN_INNER_FRAMES && piece.len <= t->max_record) {
        t->close_got |= is_farewell(qn_slice_of(qn_piece_data(&piece), piece.len));
        qn_shape_opened(&t->shape, qn_slice_of(qn_piece_data(&piece), piece.len));
        *content = piece;
        return QN_OK;
    }
    if (inner == QN_INNER_ALERT)
        memcpy(alert, qn_piece_data(&piece), 2);
    qn_block_drop(piece.block);
    return inner == QN_INNER_ALERT ? QN_GONE : QN_PROTO;
}

qn_err qn_htx_traffic_frame(qn_htx_traffic *t, const qn_frame *f, bool last, qn_htx_note *note,
                            bool *noted)
{
    qn_err err;

    *noted = f->type == QN_FRAME_CARRIER;
    if (*noted) {
        err = qn_htx_carry_got(&t->carry, f->body, note);
        return err == QN_CREDIT ? QN_PROTO : err; /* alert 10, not the link's own code */
    }
    return f->type == QN_FRAME_KEY_UPDATE && last ? qn_record_ratchet(&t->rx, t->env) : QN_PROTO;
}

/* Moves bytes up to the end of the record, or of its header while that is incomplete. */
static qn_err add(qn_piece *part, qn_slice *data, size_t *want)
{
    uint8_t *p = part->block->data;
    qn_err err = qn_record_track(p, part->len, want);
    size_t n = (err == QN_OK ? *want : QN_RECORD_HEADER) - part->len;

    n = QN_MIN(n, data->n);
    memcpy(p + part->len, data->p, n);
    part->len += (uint32_t)n;
    data->p += n;
    data->n -= n;
    return qn_record_track(p, part->len, want);
}

qn_err qn_htx_traffic_gather(qn_htx_traffic *t, qn_slice *data, qn_piece *whole)
{
    size_t want;
    qn_err err = QN_OK;

    if (t->part.block == NULL)
        t->part = (qn_piece){.block = qn_block_get(t->env, QN_RECORD_HEADER + QN_RECORD_BODY_MAX)};
    if (t->part.block == NULL)
        return QN_NOMEM;
    while (data->n > 0) {
        err = add(&t->part, data, &want);
        if (err == QN_OK && t->part.len == want) {
            *whole = t->part;
            t->part = (qn_piece){0};
            return QN_OK;
        }
        if (err != QN_OK && err != QN_SHORT)
            return err;
    }
    return QN_SHORT;
}

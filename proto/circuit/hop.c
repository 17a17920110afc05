#include "circuit/hop.h"

#include "frame/frame.h"

void qn_hop_init(qn_hop *h, qn_circuits *all, const qn_peerid *prev)
{
    *h = (qn_hop){.all = all, .born = all->env->now, .since = all->env->now};
    if (prev != NULL) {
        h->prev = *prev;
        h->has_prev = true;
    }
}

static void drop(qn_piece *p)
{
    qn_block_drop(p->block);
    *p = (qn_piece){0};
}

void qn_hop_clear(qn_hop *h)
{
    if (h->all == NULL)
        return;
    drop(&h->piece);
    drop(&h->shown);
    if (h->apps != NULL) {
        qn_apps_clear(h->apps);
        qn_mem_put(&h->all->env->mem, h->apps, sizeof *h->apps);
    }
    qn_wipe(h, sizeof *h);
}

static void enter(qn_hop *h, qn_hop_state state)
{
    h->state = (uint8_t)state;
    h->since = h->all->env->now;
}

static void die(qn_hop *h, qn_err why)
{
    if (h->state == QN_HOP_DEAD)
        return;
    enter(h, QN_HOP_DEAD);
    h->why = why;
    h->asks = false;
    drop(&h->piece);
    qn_onion_wipe(&h->onion);
    qn_aead_forget(h->all->env);
    if (h->apps != NULL)
        qn_apps_fail(h->apps, why);
}

/* ---- building -------------------------------------------------------------------------------- */

/* The cell's text becomes this one message; data may lie in the cell itself. */
static void rewrite(uint8_t *cell, uint8_t cmd, const uint8_t *data, size_t n)
{
    memmove(cell + QN_MSG_HEADER, data, n);
    qn_msg_head(cell, cmd, 0, (uint16_t)n, 0);
    memset(cell + QN_MSG_HEADER + n, 0, QN_CELL_S - QN_MSG_HEADER - n);
}

static void show(qn_hop *h, qn_piece cell, bool onward)
{
    QN_ASSERT(h->piece.block == NULL);
    h->piece = cell;
    h->onward = onward;
    qn_block_ref(cell.block);
}

/* EXTEND's data: PeerID and what CREATE is to carry, which is between the client and that node. */
static qn_err extend(qn_hop *h, qn_piece cell, qn_slice data, qn_hop_state state)
{
    qn_peerid id;

    if (data.n <= sizeof id.b)
        return QN_PROTO;
    memcpy(id.b, data.p, sizeof id.b);
    if (qn_peerid_equal(&id, &h->all->self) || (h->has_prev && qn_peerid_equal(&id, &h->prev)))
        return QN_REFUSED;
    h->next = id;
    h->asks = true;
    rewrite(qn_piece_data(&cell), QN_CMD_CREATE, data.p + sizeof id.b, data.n - sizeof id.b);
    show(h, cell, true);
    enter(h, state);
    return QN_OK;
}

static qn_err create(qn_hop *h, qn_piece cell, qn_slice data)
{
    uint8_t reply[QN_CREATED_SIZE];
    qn_err err;

    if (data.n > 0 && data.p[0] != QN_CREATE_NK)
        return QN_VERSION;
    if (data.n != QN_CREATE_SIZE)
        return QN_PROTO;
    err = qn_create_answer(h->all, data.p, reply, &h->onion);
    if (err != QN_OK)
        return err;
    rewrite(qn_piece_data(&cell), QN_CMD_CREATED, reply, sizeof reply);
    show(h, cell, false);
    enter(h, QN_HOP_END);
    return QN_OK;
}

static qn_err first_cell(qn_hop *h, qn_piece cell)
{
    const uint8_t *text = qn_piece_data(&cell);
    qn_slice data;

    if (cell.len != QN_CELL_S)
        return QN_PROTO;
    if (qn_create_only(text, QN_CELL_TEXT_S, QN_CMD_EXTEND, &data) == QN_OK)
        return extend(h, cell, data, QN_HOP_ENTRY_WAITS);
    if (qn_create_only(text, QN_CELL_TEXT_S, QN_CMD_CREATE, &data) == QN_OK)
        return create(h, cell, data);
    return QN_PROTO;
}

/* CREATED from the next hop: its data is the client's business too. */
static qn_err created(qn_hop *h, qn_piece cell)
{
    uint8_t *text = qn_piece_data(&cell);
    bool entry = h->state == QN_HOP_ENTRY_WAITS;
    qn_slice data;
    qn_err err;

    if (cell.len != QN_CELL_S)
        return QN_PROTO;
    err = qn_create_only(text, QN_CELL_TEXT_S, QN_CMD_CREATED, &data);
    if (err != QN_OK)
        return err;
    rewrite(text, QN_CMD_EXTENDED, data.p, data.n);
    if (!entry) {
        err = qn_onion_end_backward(&h->onion, h->all->env, text, cell.len);
        if (err == QN_OK)
            err = qn_onion_extended(&h->onion, h->all->env);
        if (err != QN_OK)
            return err;
        h->all->counts.aead_bytes += QN_CELL_TEXT_S;
    }
    show(h, cell, false);
    enter(h, entry ? QN_HOP_PIPE : QN_HOP_JOINT);
    return QN_OK;
}

void qn_hop_extend_ok(qn_hop *h)
{
    if (h->state == QN_HOP_ENTRY_WAITS || h->state == QN_HOP_END_WAITS)
        h->linked = true;
}

void qn_hop_extend_failed(qn_hop *h, qn_err why)
{
    if (h->state == QN_HOP_ENTRY_WAITS || h->state == QN_HOP_END_WAITS)
        die(h, why == QN_OK ? QN_REFUSED : why);
}

void qn_hop_closed(qn_hop *h, qn_err why)
{
    die(h, why);
}

/* ---- an end's cells -------------------------------------------------------------------------- */

static qn_err need_apps(qn_hop *h)
{
    if (h->apps != NULL)
        return QN_OK;
    h->apps = qn_mem_get(&h->all->env->mem, sizeof *h->apps);
    if (h->apps == NULL)
        return QN_NOMEM;
    qn_apps_init(h->apps, h->all, false);
    return QN_OK;
}

static qn_err end_cell(qn_hop *h, qn_piece cell)
{
    uint8_t *text = qn_piece_data(&cell);
    qn_slice data;
    qn_err err = qn_onion_end_forward(&h->onion, h->all->env, text, cell.len);

    if (err != QN_OK)
        return err;
    h->all->counts.aead_bytes += qn_cell_text(cell.len);
    if (text[0] == QN_CMD_EXTEND) { /* only before anything else was said */
        if (h->apps != NULL || cell.len != QN_CELL_S ||
            qn_create_only(text, QN_CELL_TEXT_S, QN_CMD_EXTEND, &data) != QN_OK)
            return QN_PROTO;
        return extend(h, cell, data, QN_HOP_END_WAITS);
    }
    err = need_apps(h);
    return err == QN_OK ? qn_apps_input(h->apps, cell) : err;
}

bool qn_hop_pending(const qn_hop *h)
{
    return h->state == QN_HOP_END && h->apps != NULL && qn_apps_pending(h->apps);
}

qn_err qn_hop_output(qn_hop *h, qn_piece *out)
{
    qn_piece cell;
    qn_err err;

    if (!qn_hop_pending(h))
        return QN_AGAIN;
    err = qn_apps_output(h->apps, &cell);
    if (err != QN_OK)
        return err;
    err = qn_onion_end_backward(&h->onion, h->all->env, qn_piece_data(&cell), cell.len);
    if (err != QN_OK) {
        qn_block_drop(cell.block);
        die(h, err);
        return err;
    }
    h->all->counts.aead_bytes += qn_cell_text(cell.len);
    h->all->counts.cells_backward++;
    *out = cell;
    return QN_OK;
}

qn_apps *qn_hop_apps(qn_hop *h)
{
    return h->apps;
}

/* ---- cells that pass ------------------------------------------------------------------------- */

static qn_err pass(qn_hop *h, qn_piece cell, bool onward)
{
    h->all->counts.relayed += cell.len;
    show(h, cell, onward);
    return QN_OK;
}

static qn_err joint_cell(qn_hop *h, qn_piece cell, bool onward)
{
    uint8_t *p = qn_piece_data(&cell);
    qn_err err = onward ? qn_onion_joint_forward(&h->onion, h->all->env, p, cell.len)
                        : qn_onion_joint_backward(&h->onion, h->all->env, p, cell.len);

    if (err != QN_OK)
        return err;
    h->all->counts.aead_bytes += qn_cell_text(cell.len) + QN_TAG;
    return pass(h, cell, onward);
}

static qn_err forward(qn_hop *h, qn_piece cell)
{
    switch ((qn_hop_state)h->state) {
    case QN_HOP_NEW:
        return first_cell(h, cell);
    case QN_HOP_PIPE:
        return pass(h, cell, true);
    case QN_HOP_END:
        return end_cell(h, cell);
    case QN_HOP_JOINT:
        return joint_cell(h, cell, true);
    case QN_HOP_ENTRY_WAITS: /* nothing is sent between EXTEND and its answer */
    case QN_HOP_END_WAITS:
    case QN_HOP_DEAD:
        break;
    }
    return QN_PROTO;
}

static qn_err backward(qn_hop *h, qn_piece cell)
{
    switch ((qn_hop_state)h->state) {
    case QN_HOP_ENTRY_WAITS:
    case QN_HOP_END_WAITS:
        return h->linked && h->piece.block == NULL ? created(h, cell) : QN_PROTO;
    case QN_HOP_PIPE:
        return pass(h, cell, false);
    case QN_HOP_JOINT:
        return joint_cell(h, cell, false);
    case QN_HOP_NEW: /* there is no next stream */
    case QN_HOP_END:
    case QN_HOP_DEAD:
        break;
    }
    return QN_PROTO;
}

void qn_hop_forward(qn_hop *h, qn_piece cell)
{
    qn_err err;

    if (h->state == QN_HOP_DEAD)
        return;
    h->all->counts.cells_forward++;
    err = qn_cell_sized(cell.len) ? forward(h, cell) : QN_PROTO;
    if (err != QN_OK)
        die(h, err);
}

void qn_hop_backward(qn_hop *h, qn_piece cell)
{
    qn_err err;

    if (h->state == QN_HOP_DEAD)
        return;
    h->all->counts.cells_backward++;
    err = qn_cell_sized(cell.len) ? backward(h, cell) : QN_PROTO;
    if (err != QN_OK)
        die(h, err);
}

/* ---- events and time ------------------------------------------------------------------------- */

static bool next_cell(qn_hop *h, qn_hop_event *ev)
{
    if (h->piece.block == NULL || (h->onward && !h->linked))
        return false;
    h->shown = h->piece;
    h->piece = (qn_piece){0};
    ev->type = h->onward ? QN_HOP_EV_FORWARD : QN_HOP_EV_BACKWARD;
    ev->piece = h->shown;
    return true;
}

static bool next_app(qn_hop *h, qn_hop_event *ev)
{
    bool got = h->apps != NULL && qn_apps_next(h->apps, &ev->app);

    if (h->apps != NULL && qn_apps_err(h->apps) != QN_OK)
        die(h, qn_apps_err(h->apps));
    ev->type = QN_HOP_EV_APP;
    return got;
}

bool qn_hop_next(qn_hop *h, qn_hop_event *ev)
{
    drop(&h->shown);
    if (h->asks) {
        h->asks = false;
        ev->type = QN_HOP_EV_EXTEND;
        ev->id = h->next;
        return true;
    }
    if (next_cell(h, ev) || next_app(h, ev))
        return true;
    if (h->state != QN_HOP_DEAD || h->reported)
        return false;
    h->reported = true;
    ev->type = QN_HOP_EV_DEAD;
    ev->why = h->why;
    return true;
}

static qn_time last_moment(const qn_hop *h)
{
    switch ((qn_hop_state)h->state) {
    case QN_HOP_NEW:
    case QN_HOP_ENTRY_WAITS:
    case QN_HOP_END_WAITS:
        return h->since + QN_CIRCUIT_BUILD_TIMEOUT;
    case QN_HOP_DEAD:
        return QN_NEVER;
    case QN_HOP_PIPE:
    case QN_HOP_END:
    case QN_HOP_JOINT:
        break;
    }
    return h->born + QN_CIRCUIT_AGE_MAX + QN_CIRCUIT_BUILD_TIMEOUT;
}

static bool pads(const qn_hop *h)
{
    return h->state == QN_HOP_END && h->apps != NULL;
}

qn_time qn_hop_due(const qn_hop *h)
{
    qn_time last = last_moment(h);

    return pads(h) ? QN_MIN(last, qn_pad_due(&h->apps->pad)) : last;
}

void qn_hop_tick(qn_hop *h)
{
    if (pads(h))
        qn_pad_tick(&h->apps->pad, h->all->env);
    if (h->all->env->now >= last_moment(h))
        die(h, QN_TIMEOUT);
}

/* ---- CLOSE ----------------------------------------------------------------------------------- */

uint16_t qn_circuit_close_code(qn_err why)
{
    switch (why) {
    case QN_OK:
        return QN_CLOSE_DONE;
    case QN_REFUSED:
    case QN_VERSION:
    case QN_UNKNOWN:
    case QN_UNREACHABLE:
    case QN_BUSY:
        return QN_CLOSE_REFUSED;
    default:
        return QN_CLOSE_GONE;
    }
}

qn_err qn_circuit_close_err(uint16_t code)
{
    switch (code) {
    case QN_CLOSE_DONE:
        return QN_OK;
    case QN_CLOSE_REFUSED:
        return QN_REFUSED;
    default:
        return QN_GONE;
    }
}

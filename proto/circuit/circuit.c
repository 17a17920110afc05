#include "circuit/circuit.h"

#include "circuit/internal.h"

void qn_circuit_init(qn_circuit *c, qn_circuits *all, const qn_hop_key *hops, unsigned n)
{
    QN_ASSERT(n >= 2 && n <= QN_HOPS_MAX);
    *c = (qn_circuit){.all = all, .hops_n = (uint8_t)n, .started = all->env->now};
    for (unsigned i = 0; i < n; i++)
        c->hop[i] = hops[i];
    qn_apps_init(&c->apps, all, true);
}

static void drop_handshake(qn_circuit *c)
{
    if (c->noise != NULL)
        qn_noise_clear(c->noise);
    qn_mem_put(&c->all->env->mem, c->noise, sizeof *c->noise);
    c->noise = NULL;
}

static void wipe_layers(qn_circuit *c)
{
    for (unsigned i = 0; i < QN_LEN(c->layer); i++)
        qn_onion_wipe(&c->layer[i]);
    qn_aead_forget(c->all->env);
}

void qn_circuit_clear(qn_circuit *c)
{
    if (c->all == NULL)
        return;
    drop_handshake(c);
    qn_apps_clear(&c->apps);
    qn_wipe(c, sizeof *c);
}

static void end(qn_circuit *c, qn_err why)
{
    if (c->state == QN_CIRCUIT_ENDED)
        return;
    c->failed = c->state == QN_CIRCUIT_BUILDING ? (uint8_t)(c->layers + 1) : QN_HOP_NONE;
    c->state = QN_CIRCUIT_ENDED;
    c->why = why;
    c->news = true;
    drop_handshake(c);
    wipe_layers(c);
    qn_apps_fail(&c->apps, why);
}

void qn_circuit_end(qn_circuit *c)
{
    end(c, QN_OK);
}

void qn_circuit_closed(qn_circuit *c, qn_err why)
{
    bool entry = c->state == QN_CIRCUIT_BUILDING && !c->asked;

    if (c->state == QN_CIRCUIT_ENDED)
        return;
    end(c, why == QN_OK ? QN_GONE : why); /* ending in order is the client's to say */
    if (entry && c->layers == 0)
        c->failed = 0;
}

/* ---- building -------------------------------------------------------------------------------- */

static qn_err ask(qn_circuit *c, qn_piece *out)
{
    const qn_hop_key *hop = &c->hop[c->layers + 1];
    uint8_t data[QN_EXTEND_SIZE];
    qn_err err;

    c->noise = qn_mem_get(&c->all->env->mem, sizeof *c->noise);
    if (c->noise == NULL)
        return QN_NOMEM;
    memcpy(data, hop->id.b, sizeof hop->id.b);
    err = qn_create_begin(c->noise, c->all, hop, data + sizeof hop->id.b);
    if (err == QN_OK)
        err = qn_create_cell(c->all->env, QN_CMD_EXTEND, data, sizeof data, out);
    if (err != QN_OK)
        drop_handshake(c);
    return err;
}

/* The text of a backward cell, after its layers. */
static qn_err open_text(qn_circuit *c, qn_piece cell)
{
    uint8_t *p = qn_piece_data(&cell);
    size_t t = qn_cell_text(cell.len);

    if (c->layers == 0)
        return QN_OK;
    c->all->counts.aead_bytes += c->layers == 2 ? 2 * t + QN_TAG : t;
    return qn_onion_client_backward(c->layer, c->layers, c->all->env, p, cell.len);
}

static qn_err extended(qn_circuit *c, qn_piece cell)
{
    qn_slice data;
    qn_err err;

    if (!c->asked || cell.len != QN_CELL_S)
        return QN_PROTO;
    err = qn_create_only(qn_piece_data(&cell), QN_CELL_TEXT_S, QN_CMD_EXTENDED, &data);
    if (err == QN_OK && data.n != QN_CREATED_SIZE)
        err = QN_PROTO;
    if (err == QN_OK)
        err = qn_create_finish(c->noise, c->all, data.p, &c->layer[c->layers]);
    if (err == QN_OK && c->layers > 0)
        err = qn_onion_extended(&c->layer[c->layers - 1], c->all->env);
    if (err != QN_OK)
        return err;
    drop_handshake(c);
    c->asked = false;
    c->trip = c->all->env->now - c->asked_at;
    if (++c->layers < c->hops_n - 1)
        return QN_OK;
    c->state = QN_CIRCUIT_OPEN;
    c->news = true;
    c->built = c->apps.quiet_since = c->all->env->now;
    qn_pad_ask(&c->apps.pad, c->all->padding);
    return QN_OK;
}

void qn_circuit_input(qn_circuit *c, qn_piece cell)
{
    qn_err err;

    if (c->state == QN_CIRCUIT_ENDED)
        return;
    c->all->counts.cells_backward++;
    err = qn_cell_sized(cell.len) ? open_text(c, cell) : QN_PROTO;
    if (err == QN_OK)
        err = c->state == QN_CIRCUIT_OPEN ? qn_apps_input(&c->apps, cell) : extended(c, cell);
    if (err != QN_OK)
        end(c, err);
}

/* ---- sending --------------------------------------------------------------------------------- */

bool qn_circuit_pending(const qn_circuit *c)
{
    return c->state == QN_CIRCUIT_BUILDING
               ? !c->asked
               : c->state == QN_CIRCUIT_OPEN && qn_apps_pending(&c->apps);
}

static qn_err seal_text(qn_circuit *c, qn_piece cell)
{
    size_t t = qn_cell_text(cell.len);

    c->all->counts.cells_forward++;
    if (c->layers == 0)
        return QN_OK;
    c->all->counts.aead_bytes += c->layers == 2 ? 2 * t + QN_TAG : t;
    return qn_onion_client_forward(c->layer, c->layers, c->all->env, qn_piece_data(&cell),
                                   cell.len);
}

qn_err qn_circuit_output(qn_circuit *c, qn_piece *out)
{
    bool building = c->state == QN_CIRCUIT_BUILDING;
    qn_piece cell = {0};
    qn_err err;

    if (!qn_circuit_pending(c))
        return QN_AGAIN;
    err = building ? ask(c, &cell) : qn_apps_output(&c->apps, &cell);
    if (err == QN_NOMEM)
        return err;
    if (err == QN_OK)
        err = seal_text(c, cell);
    if (err != QN_OK) {
        qn_block_drop(cell.block);
        end(c, err);
        return err;
    }
    c->asked = building;
    if (building)
        c->asked_at = c->all->env->now;
    *out = cell;
    return QN_OK;
}

/* ---- app streams ----------------------------------------------------------------------------- */

bool qn_circuit_usable(const qn_circuit *c)
{
    bool dirty = c->used != 0 && c->all->env->now - c->used >= QN_CIRCUIT_DIRTY;

    return c->state == QN_CIRCUIT_OPEN && !dirty && qn__apps_have_place(&c->apps);
}

qn_err qn_circuit_open(qn_circuit *c, const qn_dest *dest, void *user, uint32_t *sid)
{
    qn_err err = qn_circuit_usable(c) ? qn_apps_open(&c->apps, dest, user, sid) : QN_STATE;

    if (err == QN_OK && c->used == 0)
        c->used = c->all->env->now;
    return err;
}

qn_apps *qn_circuit_apps(qn_circuit *c)
{
    return &c->apps;
}

/* ---- events and time ------------------------------------------------------------------------- */

bool qn_circuit_next(qn_circuit *c, qn_circuit_event *ev)
{
    bool got;

    if (c->news && c->state == QN_CIRCUIT_OPEN) {
        c->news = false;
        ev->type = QN_CIRCUIT_EV_BUILT;
        return true;
    }
    got = qn_apps_next(&c->apps, &ev->app);
    if (qn_apps_err(&c->apps) != QN_OK)
        end(c, qn_apps_err(&c->apps));
    ev->type = QN_CIRCUIT_EV_APP;
    if (got || !c->news)
        return got;
    c->news = false;
    ev->type = QN_CIRCUIT_EV_ENDED;
    ev->why = c->why;
    ev->hop = c->failed;
    return true;
}

/* When it is over, by its age or for want of use. */
static qn_time last_moment(const qn_circuit *c)
{
    qn_time old = c->started + QN_CIRCUIT_AGE_MAX;

    switch ((qn_circuit_state)c->state) {
    case QN_CIRCUIT_BUILDING:
        return c->started + QN_CIRCUIT_BUILD_TIMEOUT;
    case QN_CIRCUIT_OPEN:
        return c->apps.live > 0 ? old : QN_MIN(old, c->apps.quiet_since + QN_CIRCUIT_IDLE);
    case QN_CIRCUIT_ENDED:
        break;
    }
    return QN_NEVER;
}

qn_time qn_circuit_due(const qn_circuit *c)
{
    qn_time last = last_moment(c);

    return c->state == QN_CIRCUIT_OPEN ? QN_MIN(last, qn_pad_due(&c->apps.pad)) : last;
}

void qn_circuit_tick(qn_circuit *c)
{
    if (c->state == QN_CIRCUIT_OPEN)
        qn_pad_tick(&c->apps.pad, c->all->env);
    if (c->all->env->now >= last_moment(c))
        end(c, c->state == QN_CIRCUIT_BUILDING ? QN_TIMEOUT : QN_OK);
}

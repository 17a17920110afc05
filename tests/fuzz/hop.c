/*
 * One hop of somebody's circuit, and neighbours that say anything. The harness holds a client's
 * keys, so hostile texts arrive properly sealed as well as not at all.
 *
 * The hop dies at most once and last, asks for one EXTEND, never emits a cell that is not one,
 * tells every app stream of its end, and gives all memory and credit back.
 */
#include "fuzz.h"

#include "circuit/create.h"
#include "circuit/hop.h"

enum { SIDS = 64 };

typedef struct world {
    fz_env t;
    qn_budget budget;
    qn_circuits all, clients;
    qn_hop_key us;
    qn_hop hop;
    qn_noise noise; /* the client's, between CREATE and CREATED */
    qn_onion onion; /* the client's layer, once CREATED came */
    bool asked, has_layer, joint, dead, extends;
    unsigned open; /* app streams that have not ended */
    bool stream[SIDS];
} world;

static void open_world(world *w)
{
    qn_dh_secret secret = {.b = {5, 5, 5}};

    memset(w, 0, sizeof *w);
    fz_env_open(&w->t, 0);
    w->budget.limit = 1 << 20;
    w->all = (qn_circuits){.env = &w->t.env, .budget = &w->budget, .keys_n = 1};
    memset(w->all.self.b, 0x11, 32);
    FZ_CHECK(qn_onion_key_init(&w->t.env, &secret, &w->all.keys[0]) == QN_OK);
    w->clients = w->all;
    w->us = (qn_hop_key){.id = w->all.self, .onion = w->all.keys[0].pub};
    qn_hop_init(&w->hop, &w->all, NULL);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* The client reads what comes back: CREATED gives it the layer. */
static void client_reads(world *w, qn_piece cell)
{
    qn_slice data;

    if (w->has_layer && !w->joint) {
        uint8_t copy[QN_CELL_L];

        memcpy(copy, qn_piece_data(&cell), cell.len);
        FZ_CHECK(qn_onion_client_backward(&w->onion, 1, &w->t.env, copy, cell.len) == QN_OK);
        FZ_CHECK(qn_msgs_check(copy, qn_cell_text(cell.len)) == QN_OK);
        if (copy[0] == QN_CMD_EXTENDED) {
            w->joint = true;
            FZ_CHECK(qn_onion_extended(&w->onion, &w->t.env) == QN_OK);
        }
    } else if (w->asked && !w->has_layer) {
        FZ_CHECK(qn_create_only(qn_piece_data(&cell), QN_CELL_TEXT_S, QN_CMD_CREATED, &data) ==
                 QN_OK);
        FZ_CHECK(data.n == QN_CREATED_SIZE);
        FZ_CHECK(qn_create_finish(&w->noise, &w->clients, data.p, &w->onion) == QN_OK);
        w->has_layer = true;
    }
}

static void on_app(world *w, const qn_app_event *ev)
{
    bool *open = &w->stream[ev->sid % SIDS];

    if (ev->type == QN_APP_EV_OPEN) {
        w->open += !*open;
        *open = true;
        if (ev->sid % 3 != 0)
            qn_apps_opened(qn_hop_apps(&w->hop), ev->sid,
                           ev->sid % 5 ? QN_APP_DONE : QN_APP_REFUSED);
    } else if (ev->type == QN_APP_EV_DATA) {
        (void)qn_apps_send(qn_hop_apps(&w->hop), ev->sid, qn_piece_data(&ev->piece), ev->piece.len);
        qn_apps_consumed(qn_hop_apps(&w->hop), ev->sid, ev->piece.len);
    } else if (ev->type == QN_APP_EV_END && ev->code == QN_APP_DONE && ev->sid % 3 != 0) {
        qn_apps_end(qn_hop_apps(&w->hop), ev->sid, QN_APP_DONE);
    }
}

static void drain(world *w)
{
    qn_hop_event ev;

    while (qn_hop_next(&w->hop, &ev)) {
        FZ_CHECK(!w->dead);
        switch (ev.type) {
        case QN_HOP_EV_FORWARD:
            FZ_CHECK(qn_cell_sized(ev.piece.len) && ev.piece.off >= QN_STREAM_HEADER);
            break;
        case QN_HOP_EV_BACKWARD:
            FZ_CHECK(qn_cell_sized(ev.piece.len) && ev.piece.off >= QN_STREAM_HEADER);
            client_reads(w, ev.piece);
            break;
        case QN_HOP_EV_EXTEND:
            FZ_CHECK(!w->extends && !qn_peerid_equal(&ev.id, &w->all.self));
            w->extends = true;
            break;
        case QN_HOP_EV_APP:
            on_app(w, &ev.app);
            break;
        case QN_HOP_EV_DEAD:
            w->dead = true;
            break;
        }
    }
    FZ_CHECK(qn_hop_due(&w->hop) > w->t.env.now);
}

/* ---- cells ----------------------------------------------------------------------------------- */

static qn_piece cell_of(world *w, size_t size, qn_slice bytes)
{
    qn_piece cell = {0};

    if (qn_cell_get(&w->t.env, size, &cell) != QN_OK)
        return cell;
    memset(qn_piece_data(&cell), 0, size);
    if (bytes.n > 0)
        memcpy(qn_piece_data(&cell), bytes.p, QN_MIN(bytes.n, size));
    return cell;
}

static void give(world *w, qn_piece cell, bool forward)
{
    if (cell.block == NULL)
        return;
    if (forward)
        qn_hop_forward(&w->hop, cell);
    else
        qn_hop_backward(&w->hop, cell);
    drain(w);
    qn_block_drop(cell.block);
}

/* A text under the client's layer: readable by an end, or rubbish to a joint. */
static void give_sealed(world *w, size_t size, qn_slice text)
{
    qn_piece cell = cell_of(w, size, text);

    if (cell.block != NULL && w->has_layer &&
        qn_onion_client_forward(&w->onion, 1, &w->t.env, qn_piece_data(&cell), size) != QN_OK)
        memset(qn_piece_data(&cell), 1, size);
    give(w, cell, true);
}

static void create(world *w)
{
    uint8_t data[QN_CREATE_SIZE];
    qn_piece cell;

    if (w->asked || qn_create_begin(&w->noise, &w->clients, &w->us, data) != QN_OK)
        return;
    w->asked = w->hop.state == QN_HOP_NEW;
    if (qn_create_cell(&w->t.env, QN_CMD_CREATE, data, sizeof data, &cell) == QN_OK)
        give(w, cell, true);
}

static void extend(world *w, bool sealed, fz_in *in)
{
    uint8_t data[QN_EXTEND_SIZE], text[QN_CELL_TEXT_S] = {0};
    qn_slice given = fz_take(in, fz_u8(in));
    size_t n = 32 + given.n % 100;

    memset(data, 0x22, sizeof data);
    if (given.n > 0)
        memcpy(data, given.p, QN_MIN(given.n, sizeof data));
    n = QN_MIN(n, sizeof data);
    qn_msg_head(text, QN_CMD_EXTEND, 0, (uint16_t)n, 0);
    memcpy(text + QN_MSG_HEADER, data, n);
    if (sealed)
        give_sealed(w, QN_CELL_S, qn_slice_of(text, sizeof text));
    else
        give(w, cell_of(w, QN_CELL_S, qn_slice_of(text, sizeof text)), true);
}

static void created(world *w, fz_in *in)
{
    uint8_t text[QN_CELL_TEXT_S] = {0};
    uint16_t n = 1 + fz_u8(in);

    qn_msg_head(text, QN_CMD_CREATED, 0, n, 0);
    give(w, cell_of(w, QN_CELL_S, qn_slice_of(text, sizeof text)), false);
}

static void take_output(world *w)
{
    qn_piece cell;

    while (qn_hop_output(&w->hop, &cell) == QN_OK) {
        FZ_CHECK(qn_cell_sized(cell.len));
        client_reads(w, cell);
        qn_block_drop(cell.block);
        drain(w);
    }
}

static void act(world *w, fz_in *in)
{
    uint8_t what = fz_u8(in);
    size_t size = what & 0x80 ? QN_CELL_L : QN_CELL_S;

    switch (what & 15) {
    case 0:
        give(w, cell_of(w, size, fz_chunk(in)), true);
        break;
    case 1:
        give(w, cell_of(w, size, fz_chunk(in)), false);
        break;
    case 2:
    case 3:
    case 4:
        give_sealed(w, size, fz_chunk(in));
        break;
    case 5:
        create(w);
        break;
    case 6:
    case 7:
        extend(w, (what & 1) != 0, in);
        break;
    case 8:
        created(w, in);
        break;
    case 9:
        qn_hop_extend_ok(&w->hop);
        break;
    case 10:
        qn_hop_extend_failed(&w->hop, (what & 16) ? QN_BUSY : QN_UNKNOWN);
        break;
    case 11:
        if (what & 0x40)
            qn_hop_closed(&w->hop, (what & 16) ? QN_OK : QN_GONE);
        break;
    case 12:
        fz_env_step(&w->t, fz_u8(in) * 100 * QN_MS);
        qn_hop_tick(&w->hop);
        break;
    case 13:
        fz_fail_at(1 + (what >> 4));
        break;
    default:
        take_output(w);
        break;
    }
    drain(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static world w;
    fz_in in = {p, n};

    open_world(&w);
    while (in.n > 0)
        act(&w, &in);
    fz_fail_at(0);
    qn_hop_closed(&w.hop, QN_GONE);
    drain(&w);
    FZ_CHECK(w.dead);
    qn_hop_clear(&w.hop);
    qn_noise_clear(&w.noise);
    FZ_CHECK(w.budget.used == 0);
    fz_env_close(&w.t);
    return 0;
}

/* ---- seeds ----------------------------------------------------------------------------------- */

static size_t put(uint8_t *p, uint8_t cmd, uint32_t sid, const void *data, uint16_t n)
{
    qn_msg_head(p, cmd, 0, n, sid);
    memcpy(p + QN_MSG_HEADER, data, n);
    return QN_MSG_HEADER + (size_t)n;
}

void fz_seeds(void)
{
    fz_out *o = fz_out_new();
    uint8_t text[256];
    size_t n;

    fz_out_u8(o, 5);
    fz_out_u8(o, 2);
    n = put(text, QN_CMD_OPEN, 1, "\1\x5d\xb8\xd8\x22\0\x50", 7);
    n += put(text + n, QN_CMD_DATA, 1, "GET /", 5);
    n += put(text + n, QN_CMD_OPEN, 3, "\1\x5d\xb8\xd8\x22\0\x50", 7);
    fz_out_chunk(o, text, n);
    fz_out_u8(o, 14);
    fz_out_u8(o, 0x82);
    n = put(text, QN_CMD_CREDIT, 1, "\0\0\0\0\0\2\0\0", 8);
    n += put(text + n, QN_CMD_PING, 0, "12345678", 8);
    n += put(text + n, QN_CMD_END, 1, "\0", 1);
    n += put(text + n, QN_CMD_END, 3, "\x08", 1);
    fz_out_chunk(o, text, n);
    fz_out_u8(o, 14);
    fz_out_seed(o, "end");
    o->n = 0;
    fz_out_bytes(o, "\x06\x00\x09\x08\x30", 5); /* entry: EXTEND, ok, CREATED */
    fz_out_u8(o, 0x80);
    fz_out_chunk(o, text, n);
    fz_out_u8(o, 1);
    fz_out_chunk(o, text, n);
    fz_out_seed(o, "pipe");
    o->n = 0;
    fz_out_bytes(o, "\x05\x07\x00\x09\x08\x30", 6); /* joint */
    fz_out_u8(o, 2);
    fz_out_chunk(o, text, n);
    fz_out_u8(o, 0x81);
    fz_out_chunk(o, text, n);
    fz_out_seed(o, "joint");
    fz_seed("refused", "\x05\x07\x00\x1a", 4);
    fz_seed("timeout", "\x06\x00\x0c\xff", 4);
}

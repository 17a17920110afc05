/*
 * A client's circuit (two or three hops) whose entry says anything. The harness plays the hops
 * honestly until the input says otherwise, and holds their keys, so hostile texts may arrive
 * properly sealed.
 *
 * BUILT and ENDED come once each and in that order; what leaves is always a cell the hops can open;
 * app streams all hear of the end; memory and credit come back.
 */
#include "fuzz.h"

#include "circuit/circuit.h"

typedef struct world {
    fz_env t;
    qn_budget budget;
    qn_circuits client, at[3];
    qn_circuit c;
    qn_onion layer[2]; /* as hop 1 and hop 2 hold them */
    unsigned layers, hops;
    bool built, ended, broken; /* broken: the entry has spoken out of turn */
    uint8_t answer[QN_CREATED_SIZE];
    bool has_answer;
    uint32_t last;
    unsigned streams;
} world;

static void open_world(world *w, unsigned hops)
{
    qn_hop_key keys[3];

    memset(w, 0, sizeof *w);
    fz_env_open(&w->t, 0);
    w->budget.limit = 1 << 20;
    w->hops = hops;
    w->client = (qn_circuits){.env = &w->t.env, .budget = &w->budget};
    memset(w->client.self.b, 0xcc, 32);
    for (unsigned i = 0; i < hops; i++) {
        qn_dh_secret secret = {.b = {9, (uint8_t)i, 9}};

        w->at[i] = w->client;
        memset(w->at[i].self.b, (int)(0x11 * (i + 1)), 32);
        w->at[i].keys_n = 1;
        FZ_CHECK(qn_onion_key_init(&w->t.env, &secret, &w->at[i].keys[0]) == QN_OK);
        keys[i] = (qn_hop_key){.id = w->at[i].self, .onion = w->at[i].keys[0].pub};
    }
    qn_circuit_init(&w->c, &w->client, keys, hops);
}

static void on_app(world *w, const qn_app_event *ev)
{
    if (ev->type == QN_APP_EV_OPENED && ev->code != QN_APP_DONE)
        w->streams--;
    else if (ev->type == QN_APP_EV_DATA)
        qn_apps_consumed(qn_circuit_apps(&w->c), ev->sid, ev->piece.len);
}

static void drain(world *w)
{
    qn_circuit_event ev;

    while (qn_circuit_next(&w->c, &ev)) {
        FZ_CHECK(!w->ended);
        switch (ev.type) {
        case QN_CIRCUIT_EV_BUILT:
            FZ_CHECK(!w->built);
            w->built = true;
            break;
        case QN_CIRCUIT_EV_APP:
            FZ_CHECK(w->built);
            on_app(w, &ev.app);
            break;
        case QN_CIRCUIT_EV_ENDED:
            FZ_CHECK((ev.hop == QN_HOP_NONE) == w->built);
            w->ended = true;
            break;
        }
    }
    FZ_CHECK(qn_circuit_due(&w->c) > w->t.env.now);
}

/* ---- the hops, honest ------------------------------------------------------------------------ */

/* Opens a forward cell with as many layers as there are hops behind the entry. */
static void open_cell(world *w, uint8_t *cell, size_t size)
{
    if (w->layers == 2)
        FZ_CHECK(qn_onion_joint_forward(&w->layer[0], &w->t.env, cell, size) == QN_OK);
    if (w->layers > 0)
        FZ_CHECK(qn_onion_end_forward(&w->layer[w->layers - 1], &w->t.env, cell, size) == QN_OK);
}

static void hop_reads(world *w, qn_piece cell)
{
    uint8_t *p = qn_piece_data(&cell);
    qn_slice data;

    FZ_CHECK(qn_cell_sized(cell.len));
    if (w->broken)
        return;
    open_cell(w, p, cell.len);
    FZ_CHECK(qn_msgs_check(p, qn_cell_text(cell.len)) == QN_OK);
    if (p[0] != QN_CMD_EXTEND)
        return;
    FZ_CHECK(qn_create_only(p, QN_CELL_TEXT_S, QN_CMD_EXTEND, &data) == QN_OK);
    FZ_CHECK(data.n == QN_EXTEND_SIZE);
    FZ_CHECK(memcmp(data.p, w->at[w->layers + 1].self.b, 32) == 0);
    FZ_CHECK(qn_create_answer(&w->at[w->layers + 1], data.p + 32, w->answer,
                              &w->layer[w->layers]) == QN_OK);
    w->has_answer = true;
}

static void take_output(world *w)
{
    qn_piece cell;

    while (qn_circuit_output(&w->c, &cell) == QN_OK) {
        hop_reads(w, cell);
        qn_block_drop(cell.block);
        drain(w);
    }
}

/* A text from the innermost hop, as it looks when it leaves the entry. */
static void say(world *w, size_t size, const uint8_t *text, size_t n)
{
    qn_piece cell;
    uint8_t *p;
    qn_err err = QN_OK;

    if (qn_cell_get(&w->t.env, size, &cell) != QN_OK)
        return;
    p = qn_piece_data(&cell);
    memset(p, 0, size);
    memcpy(p, text, QN_MIN(n, qn_cell_text(size)));
    if (w->layers > 0)
        err = qn_onion_end_backward(&w->layer[w->layers - 1], &w->t.env, p, size);
    if (w->layers == 2 && err == QN_OK)
        err = qn_onion_joint_backward(&w->layer[0], &w->t.env, p, size);
    if (err == QN_OK)
        qn_circuit_input(&w->c, cell);
    drain(w);
    qn_block_drop(cell.block);
}

static void extended(world *w)
{
    uint8_t text[QN_MSG_HEADER + QN_CREATED_SIZE];
    bool over = w->ended;

    if (!w->has_answer)
        return;
    w->has_answer = false;
    qn_msg_head(text, QN_CMD_EXTENDED, 0, QN_CREATED_SIZE, 0);
    memcpy(text + QN_MSG_HEADER, w->answer, QN_CREATED_SIZE);
    say(w, QN_CELL_S, text, sizeof text);
    if (w->layers > 0)
        FZ_CHECK(qn_onion_extended(&w->layer[w->layers - 1], &w->t.env) == QN_OK);
    w->layers++;
    w->broken |= !over && w->ended;
}

/* ---- and not honest -------------------------------------------------------------------------- */

static void raw(world *w, size_t size, qn_slice bytes)
{
    qn_piece cell;

    w->broken = true;
    if (qn_cell_get(&w->t.env, size, &cell) != QN_OK)
        return;
    memset(qn_piece_data(&cell), 0, size);
    if (bytes.n > 0)
        memcpy(qn_piece_data(&cell), bytes.p, QN_MIN(bytes.n, size));
    qn_circuit_input(&w->c, cell);
    drain(w);
    qn_block_drop(cell.block);
}

static void open_stream(world *w)
{
    qn_dest d = {.type = 1, .port = 80, .ip = {93, 184, 216, 34}};

    if (qn_circuit_open(&w->c, &d, NULL, &w->last) == QN_OK) {
        FZ_CHECK(w->built && !w->ended);
        w->streams++;
    }
}

static void act(world *w, fz_in *in)
{
    static const uint8_t bytes[20000] = {1};
    uint8_t what = fz_u8(in);
    size_t size = what & 0x80 ? QN_CELL_L : QN_CELL_S;
    uint32_t sid = w->last - QN_MIN((uint32_t)(what >> 4), w->last);
    qn_slice s;

    switch (what & 15) {
    case 0:
    case 1:
        take_output(w);
        break;
    case 2:
    case 3:
        extended(w);
        break;
    case 4:
        raw(w, size, fz_chunk(in));
        break;
    case 5:
    case 6:
        s = fz_chunk(in);
        say(w, size, s.p, s.n);
        break;
    case 7:
        open_stream(w);
        break;
    case 8:
        (void)qn_apps_send(qn_circuit_apps(&w->c), sid, bytes, fz_u16(in) % sizeof bytes);
        break;
    case 9:
        qn_apps_end(qn_circuit_apps(&w->c), sid, (what & 0x80) ? QN_APP_RESET : QN_APP_DONE);
        break;
    case 10:
        qn_apps_ping(qn_circuit_apps(&w->c), what);
        break;
    case 11:
        fz_env_step(&w->t, fz_u8(in) * QN_SEC);
        qn_circuit_tick(&w->c);
        break;
    case 12:
        fz_fail_at(1u + (what >> 4));
        break;
    case 13:
        if (what & 0x40)
            qn_circuit_closed(&w->c, (what & 0x80) ? QN_REFUSED : QN_GONE);
        break;
    default:
        if (what == 0xff)
            qn_circuit_end(&w->c);
        break;
    }
    drain(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static world w;
    fz_in in = {p, n};

    open_world(&w, 2 + fz_below(&in, 2));
    while (in.n > 0)
        act(&w, &in);
    fz_fail_at(0);
    qn_circuit_end(&w.c);
    drain(&w);
    FZ_CHECK(w.ended);
    qn_circuit_clear(&w.c);
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
    uint8_t text[256];
    fz_out *o = fz_out_new();
    size_t n;

    for (unsigned hops = 2; hops <= 3; hops++) {
        o->n = 0;
        fz_out_u8(o, hops - 2);
        for (unsigned i = 1; i < hops; i++)
            fz_out_bytes(o, "\0\2", 2);
        fz_out_bytes(o, "\7\0\x08\x20\x00\0", 6); /* open, send 8192 */
        n = put(text, QN_CMD_OPENED, 1, "\0", 1);
        n += put(text + n, QN_CMD_DATA, 1, "HTTP/1.0 200 OK\r\n\r\n", 19);
        fz_out_u8(o, 5);
        fz_out_chunk(o, text, n);
        n = put(text, QN_CMD_CREDIT, 1, "\0\0\0\0\0\4\0\0", 8);
        n += put(text + n, QN_CMD_PING, 0, "12345678", 8);
        n += put(text + n, QN_CMD_END, 1, "\0", 1);
        fz_out_u8(o, 0x85);
        fz_out_chunk(o, text, n);
        fz_out_bytes(o, "\0\x09\x0a\0\x0b\x40\xff", 7);
        fz_out_seed(o, hops == 2 ? "two-hops" : "three-hops");
    }
    fz_seed("build-timeout", "\1\0\2\0\x0b\x0f", 6);
    fz_seed("refused", "\0\0\xcd", 3);
    o->n = 0;
    fz_out_bytes(o, "\1\0\2\0", 4);
    fz_out_u8(o, 4);
    fz_out_chunk(o, text, n);
    fz_out_seed(o, "raw-while-building");
}

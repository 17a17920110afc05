/*
 * App streams of a circuit. The first byte chooses the play: two honest ends whose applications do
 * anything, or one end (client or exit) and a peer whose texts say anything.
 *
 * Honest ends never accuse each other, and what one application gave the other gets, in order.
 * Against a hostile peer: credit is never exceeded either way, a stream ends once, and memory and
 * budget come back.
 */
#include "fuzz.h"

#include "circuit/apps.h"

enum { SIDS = 600 };

typedef struct seen { /* of one stream, at one end */
    bool open, opened, ended, got_end;
    uint64_t sent, got, held;
    uint64_t may, granted; /* hostile play: limits either way */
} seen;

typedef struct side {
    fz_env t;
    qn_circuits all;
    qn_budget budget;
    qn_apps apps;
    bool client, over, honest;
    struct side *peer;
    uint32_t highest;
    seen s[SIDS];
} side;

static uint8_t pattern(const side *from, uint32_t sid, uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7 + sid * 17 + (from->client ? 3 : 128));
}

static void open_side(side *x, bool client, uint64_t budget)
{
    memset(x, 0, sizeof *x);
    fz_env_open(&x->t, client);
    x->client = client;
    x->budget.limit = budget;
    x->all = (qn_circuits){.env = &x->t.env, .budget = &x->budget};
    qn_apps_init(&x->apps, &x->all, client);
}

static void close_side(side *x)
{
    qn_apps_clear(&x->apps);
    FZ_CHECK(x->budget.used == 0);
    fz_env_close(&x->t);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void on_data(side *x, seen *s, const qn_app_event *ev)
{
    const uint8_t *p = qn_piece_data(&ev->piece);

    FZ_CHECK(s->open && !s->got_end && ev->piece.len > 0 && (s->opened || !x->client));
    for (uint32_t i = 0; x->honest && i < ev->piece.len; i++)
        FZ_CHECK(p[i] == pattern(x->peer, ev->sid, s->got + i));
    s->got += ev->piece.len;
    s->held += ev->piece.len;
    FZ_CHECK(x->honest || s->got <= s->granted);
}

static void on_end(side *x, seen *s, const qn_app_event *ev)
{
    FZ_CHECK(s->open && (!s->got_end || ev->code != QN_APP_DONE));
    s->got_end = true;
    if (x->honest && ev->code == QN_APP_DONE) /* all of it came first */
        FZ_CHECK(s->got == x->peer->s[ev->sid].sent);
    if (ev->code != QN_APP_DONE)
        s->open = false;
}

static void on_event(side *x, const qn_app_event *ev)
{
    seen *s = &x->s[ev->sid % SIDS];

    switch (ev->type) {
    case QN_APP_EV_OPEN:
        FZ_CHECK(!x->client && ev->sid > x->highest);
        x->highest = ev->sid;
        *s = (seen){.open = true, .may = QN_STREAM_BASE, .granted = QN_STREAM_BASE};
        break;
    case QN_APP_EV_OPENED:
        FZ_CHECK(x->client && s->open && !s->opened);
        s->opened = s->open = ev->code == QN_APP_DONE;
        break;
    case QN_APP_EV_DATA:
        on_data(x, s, ev);
        break;
    case QN_APP_EV_END:
        on_end(x, s, ev);
        break;
    case QN_APP_EV_ROOM:
        FZ_CHECK(s->open && qn_apps_room(&x->apps, ev->sid) > 0);
        break;
    case QN_APP_EV_PONG:
        break;
    }
}

static void drain(side *x)
{
    qn_app_event ev;

    while (qn_apps_next(&x->apps, &ev))
        on_event(x, &ev);
    if (qn_apps_err(&x->apps) != QN_OK)
        x->over = true;
    for (unsigned i = 0; x->over && i < SIDS; i++)
        FZ_CHECK(!x->s[i].open || (x->s[i].ended && x->s[i].got_end));
}

/* ---- what an application does ---------------------------------------------------------------- */

static void open_stream(side *x, fz_in *in)
{
    uint8_t what = fz_u8(in);
    qn_dest d = {.type = 3, .port = 80, .name_len = what, .name = "x"};
    uint32_t sid;

    memset(d.name, 'n', sizeof d.name - 1);
    d.name_len = what == 0 ? 1 : what;
    d.name[d.name_len] = '\0';
    if (!x->client || x->highest + 2 >= SIDS || qn_apps_open(&x->apps, &d, NULL, &sid) != QN_OK)
        return;
    FZ_CHECK(sid > x->highest);
    x->highest = sid;
    x->s[sid] = (seen){.open = true, .may = QN_STREAM_BASE, .granted = QN_STREAM_BASE};
}

static uint32_t some_sid(const side *x, fz_in *in)
{
    uint32_t back = fz_u8(in);

    return x->highest > back ? x->highest - back : x->highest;
}

static void send_some(side *x, uint32_t sid, size_t n)
{
    seen *s = &x->s[sid % SIDS];
    qn_span v[8];
    unsigned k = qn_apps_space(&x->apps, sid, v, QN_LEN(v));
    size_t done = 0;

    FZ_CHECK(k == 0 || (s->open && !s->ended && (x->client || s->opened)));
    for (unsigned i = 0; i < k && done < n; i++)
        for (size_t j = 0; j < v[i].n && done < n; j++, done++)
            v[i].p[j] = pattern(x, sid, s->sent + done);
    if (k > 0)
        qn_apps_commit(&x->apps, sid, done);
    s->sent += done;
    FZ_CHECK(x->honest || s->sent <= s->may);
}

static void answer(side *x, uint32_t sid, uint8_t what)
{
    seen *s = &x->s[sid % SIDS];

    if (x->client || !s->open || s->opened)
        return;
    qn_apps_opened(&x->apps, sid, what % 8 == 0 ? QN_APP_REFUSED : QN_APP_DONE);
    s->opened = s->open = what % 8 != 0;
}

static void end_stream(side *x, uint32_t sid, uint8_t what)
{
    seen *s = &x->s[sid % SIDS];
    bool error = what % 4 == 0;

    if (!s->open || (!error && (s->ended || (!x->client && !s->opened))))
        return;
    qn_apps_end(&x->apps, sid, error ? QN_APP_RESET : QN_APP_DONE);
    s->ended = true;
    s->open = s->open && !error;
}

static void consume(side *x, uint32_t sid, uint64_t n)
{
    seen *s = &x->s[sid % SIDS];

    n = QN_MIN(n, s->held);
    if (s->open)
        qn_apps_consumed(&x->apps, sid, (size_t)n);
    s->held -= n;
}

static void act(side *x, fz_in *in)
{
    uint32_t sid = some_sid(x, in);

    if (sid == 0 || x->over) {
        if (!x->over)
            open_stream(x, in);
        return;
    }
    switch (fz_below(in, 8)) {
    case 0:
        open_stream(x, in);
        break;
    case 1:
        send_some(x, sid, fz_u8(in));
        break;
    case 2:
        send_some(x, sid, fz_u16(in) * (size_t)2);
        break;
    case 3:
        answer(x, sid, fz_u8(in));
        break;
    case 4:
        end_stream(x, sid, fz_u8(in));
        break;
    case 5:
        consume(x, sid, fz_u16(in) * UINT64_C(4));
        break;
    case 6:
        qn_apps_ping(&x->apps, fz_u8(in));
        break;
    default:
        fz_env_step(&x->t, fz_u8(in) * 20 * QN_MS);
        break;
    }
}

/* ---- two honest ends ------------------------------------------------------------------------- */

/* One cell travels. False: none was ready. */
static bool carry(side *from, side *to)
{
    qn_piece cell;

    if (from->over || qn_apps_output(&from->apps, &cell) != QN_OK)
        return false;
    FZ_CHECK(qn_cell_sized(cell.len));
    drain(from);
    if (!to->over)
        FZ_CHECK(qn_apps_input(&to->apps, cell) == QN_OK);
    qn_block_drop(cell.block);
    drain(to);
    return true;
}

static void honest(fz_in *in)
{
    static side v[2];
    unsigned k;

    for (k = 0; k < 2; k++) {
        open_side(&v[k], k == 0, QN_CREDIT_BUDGET);
        v[k].honest = true;
        v[k].peer = &v[1 - k];
    }
    while (in->n > 0) {
        uint8_t what = fz_u8(in);

        k = what & 1;
        if (what < 200) {
            act(&v[k], in);
            drain(&v[k]);
        } else {
            for (unsigned cells = what & 31; cells > 0 && carry(&v[k], &v[1 - k]); cells--)
                ;
        }
        FZ_CHECK(!v[0].over && !v[1].over);
    }
    do /* all is said, and nobody complains */
        k = carry(&v[0], &v[1]) + 2u * carry(&v[1], &v[0]);
    while (k != 0);
    FZ_CHECK(!v[0].over && !v[1].over);
    close_side(&v[0]);
    close_side(&v[1]);
}

/* ---- a hostile peer -------------------------------------------------------------------------- */

/* What leaves is read as the peer would: its CREDIT is what we allowed. */
static void read_cell(side *x, qn_piece cell)
{
    qn_msgs it;
    qn_msg m;

    qn_msgs_init(&it, qn_piece_data(&cell), qn_cell_text(cell.len));
    while (qn_msgs_next(&it, &m)) {
        seen *s = &x->s[m.sid % SIDS];

        if (m.cmd == QN_CMD_CREDIT) {
            FZ_CHECK(qn_get64(m.data) >= s->granted);
            s->granted = qn_get64(m.data);
        }
        FZ_CHECK(m.cmd >= QN_CMD_OPEN && m.cmd <= QN_CMD_PING);
    }
    FZ_CHECK(it.err == QN_OK);
}

/* A text of messages with plausible fields. */
static size_t make_text(side *x, fz_in *in, uint8_t *text, size_t cap)
{
    static const uint16_t lens[] = {0, 0, 0, 0, 0, 7, 1, 0, 1, 8, 8, 0};
    unsigned count = 1 + fz_below(in, 12);
    size_t n = 0;

    while (count-- > 0 && n + 400 < cap) {
        size_t most = QN_MIN(cap - n - QN_MSG_HEADER, (size_t)QN_MSG_DATA_L);
        uint8_t cmd = (uint8_t)(QN_CMD_OPEN + fz_below(in, 7));
        uint32_t sid = cmd >= QN_CMD_PING   ? 0
                       : cmd == QN_CMD_OPEN ? x->highest + 1 + count % 2
                                            : some_sid(x, in);
        uint16_t len = lens[cmd];

        if (cmd == QN_CMD_DATA) { /* a small one, or all that fits */
            len = 1 + fz_u8(in);
            len = len == 256 ? (uint16_t)most : len;
        }
        qn_msg_head(text + n, cmd, 0, len, sid);
        memset(text + n + QN_MSG_HEADER, 0, len);
        if (cmd == QN_CMD_CREDIT) {
            uint64_t limit = (uint64_t)fz_u16(in) << 4;

            qn_put64(text + n + QN_MSG_HEADER, limit);
            x->s[sid % SIDS].may = QN_MAX(x->s[sid % SIDS].may, limit);
        } else if (cmd == QN_CMD_OPEN) {
            memcpy(text + n + QN_MSG_HEADER, "\1\x5d\xb8\xd8\x22\0\x50", 7);
        } else if (len == 1) {
            text[n + QN_MSG_HEADER] = (uint8_t)(fz_u8(in) & 1);
        }
        n += QN_MSG_HEADER + (size_t)len;
    }
    return n;
}

static void hear(side *x, fz_in *in, bool raw)
{
    static uint8_t text[QN_CELL_TEXT_L];
    bool large = fz_u8(in) & 1;
    size_t size = large ? QN_CELL_L : QN_CELL_S;
    qn_piece cell;
    qn_slice given;
    qn_err err;

    memset(text, 0, sizeof text);
    if (raw) {
        given = fz_take(in, qn_cell_text(size));
        if (given.n > 0)
            memcpy(text, given.p, given.n);
    } else {
        (void)make_text(x, in, text, qn_cell_text(size));
    }
    if (qn_cell_get(&x->t.env, size, &cell) != QN_OK)
        return;
    memcpy(qn_piece_data(&cell), text, qn_cell_text(size));
    err = qn_apps_input(&x->apps, cell);
    FZ_CHECK(err == QN_OK || (x->over && err == QN_STATE) || err == qn_apps_err(&x->apps));
    qn_block_drop(cell.block);
    drain(x);
}

static void hostile(fz_in *in, bool client)
{
    static side x;
    qn_piece cell;

    open_side(&x, client, (uint64_t)fz_u8(in) << 14);
    while (in->n > 0) {
        uint8_t what = fz_u8(in);

        if (what < 60)
            hear(&x, in, what < 10);
        else if (what < 70)
            fz_fail_at(1 + what % 5u);
        else if (what < 140)
            act(&x, in);
        else if (qn_apps_output(&x.apps, &cell) == QN_OK) {
            read_cell(&x, cell);
            qn_block_drop(cell.block);
        }
        drain(&x);
    }
    fz_fail_at(0);
    if (!x.over) {
        qn_apps_fail(&x.apps, QN_GONE);
        x.over = true;
        drain(&x);
    }
    close_side(&x);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};
    unsigned how = fz_below(&in, 3);

    if (how == 0)
        honest(&in);
    else
        hostile(&in, how == 1);
    return 0;
}

void fz_seeds(void)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, 0);
    for (unsigned i = 0; i < 6; i++)
        fz_out_bytes(o, "\0\0\0\x40", 4); /* client opens */
    fz_out_bytes(o, "\xdc", 1);           /* cells go to the exit */
    for (unsigned i = 0; i < 6; i++) {
        fz_out_u8(o, 1);
        fz_out_u8(o, i);
        fz_out_bytes(o, "\3\1", 2); /* opened */
        fz_out_u8(o, 1);
        fz_out_u8(o, i);
        fz_out_bytes(o, "\2\x60\0", 3); /* data */
        fz_out_u8(o, 0);
        fz_out_u8(o, i);
        fz_out_bytes(o, "\1\x60", 2);
    }
    fz_out_bytes(o, "\xdd\xdc\x00\x01\x05\x40\x00\x00\x02\x04\x01\x01\x02\x04\x01\xdd\xdc", 17);
    fz_out_seed(o, "honest");
    o->n = 0;
    fz_out_bytes(o, "\0\0\0\xff", 4); /* honest; the first stream */
    for (unsigned i = 0; i < 3; i++)
        fz_out_bytes(o, "\0\0\0\xff", 4); /* OPENs for more than one cell */
    fz_out_bytes(o, "\0\0\1\x40\xdc", 5); /* and data of the last */
    fz_out_seed(o, "opens-that-do-not-fit");
    for (unsigned client = 0; client < 2; client++) {
        o->n = 0;
        fz_out_u8(o, 1 + (1 - client));
        fz_out_u8(o, 0x20);
        for (unsigned i = 0; i < 10; i++) {
            fz_out_bytes(o, "\x50\0\0\x05", 4);                          /* open (a client) */
            fz_out_bytes(o, "\x20\0\x04\0\1\0\2\0\3\0\4\0\0\1\0\0", 16); /* a text */
            fz_out_bytes(o, "\x50\0\3\1\x50\0\2\x10\0\xa0", 10);
        }
        fz_out_seed(o, client ? "hostile-exit" : "hostile-client");
    }
    o->n = 0;
    fz_out_bytes(o, "\2\0\x20\0\0\0", 6); /* to an exit: OPEN */
    for (unsigned i = 0; i < 6; i++)      /* and more DATA than it allowed */
        fz_out_bytes(o, "\x20\1\0\2\0\xff", 6);
    fz_out_seed(o, "overrun");
}

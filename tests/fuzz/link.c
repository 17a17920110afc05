/*
 * A link whose peer says anything, above a carrier that is the fuzzer: it decides how much room
 * there is and whether a record can be sealed. What the link seals is read back as a peer would.
 *
 * Held throughout: neither side's credit is ever exceeded, events come in the promised order, due
 * is never in the past, and at the end every byte of memory and credit has come back.
 */
#include "fuzz.h"

#include "link/link.h"

enum { STREAMS = 96, VERBS = 13 };

typedef struct known { /* one stream, from both ends */
    uint32_t id;
    bool open;          /* at our end */
    uint64_t held;      /* data shown to us and not returned */
    uint64_t grant;     /* the limit we told the peer */
    uint64_t sent, may; /* data we sealed; what the peer allowed */
} known;

typedef struct world {
    qn_carrier carrier; /* first: the link holds a pointer to it */
    fz_env t;
    qn_link link;
    qn_budget budget;
    known s[STREAMS];
    unsigned n;
    uint16_t room;
    bool attached, refuse_seal, closed, over;
    bool own;    /* the carrier wants to say something itself */
    bool strict; /* until a resumption makes the link repeat itself */
    uint64_t units, may_units;
    uint64_t
        may[1024];    /* what the peer allowed, by stream id (those that share a place share it) */
    uint32_t highest; /* id the peer opened */
} world;

static known *find(world *w, uint32_t id)
{
    for (unsigned i = 0; i < w->n; i++)
        if (w->s[i].id == id)
            return &w->s[i];
    return NULL;
}

static known *add(world *w, uint32_t id)
{
    known *k = &w->s[w->n];

    if (w->n == STREAMS)
        return NULL;
    w->n++;
    *k = (known){.id = id, .open = true, .grant = QN_STREAM_BASE};
    return k;
}

/* ---- the carrier: a peer reads what is sealed ---------------------------------------------------
 */

static void peer_reads(world *w, const qn_frame *f)
{
    known *k = f->stream != 0 ? find(w, f->stream) : NULL;

    w->units += qn_frame_units(f);
    if (w->strict)
        FZ_CHECK(w->units <= w->may_units);
    if (f->type == QN_FRAME_STREAM && k != NULL) {
        k->sent += f->body.n;
        if (w->strict)
            FZ_CHECK(k->sent <= QN_MAX(w->may[k->id % QN_LEN(w->may)], (uint64_t)QN_STREAM_BASE));
    }
    if (f->type == QN_FRAME_WINDOW && k != NULL) {
        FZ_CHECK(!w->strict || f->limit >= k->grant);
        k->grant = QN_MAX(k->grant, f->limit);
    }
}

static void read_sealed(world *w, qn_slice s)
{
    while (s.n > 0) {
        qn_frame f;
        size_t used;

        FZ_CHECK(qn_frame_get(&f, s.p, s.n, &used) == QN_OK);
        peer_reads(w, &f);
        s = (qn_slice){s.p + used, s.n - used};
    }
}

static size_t fake_room(const qn_carrier *c)
{
    return ((const world *)(const void *)c)->room;
}

static qn_err fake_seal(qn_carrier *c, qn_slice a, qn_slice b)
{
    world *w = (world *)(void *)c;

    FZ_CHECK(!w->closed && a.n + b.n > 0 && a.n + b.n <= w->room && b.n <= QN_SEAL_TAIL_MAX);
    if (w->refuse_seal)
        return QN_NOMEM;
    w->own = false;
    read_sealed(w, a);
    read_sealed(w, b);
    return QN_OK;
}

static size_t fake_own(qn_carrier *c, uint8_t *out, size_t room)
{
    const world *w = (const world *)(const void *)c;

    return w->own && room >= QN_FRAME_HEADER ? qn_frame_put_header(out, QN_FRAME_CARRIER, 0) : 0;
}

static qn_err fake_frame(qn_carrier *c, const qn_frame *f, bool last)
{
    (void)c;
    return f->type == QN_FRAME_CARRIER || (f->type == QN_FRAME_KEY_UPDATE && last) ? QN_OK
                                                                                   : QN_PROTO;
}

static void fake_close(qn_carrier *c, uint16_t code)
{
    world *w = (world *)(void *)c;

    (void)code;
    FZ_CHECK(!w->closed);
    w->closed = true;
    w->attached = false;
}

static const qn_carrier_kind fake = {.name = "fuzz",
                                     .legs = 1,
                                     .room = fake_room,
                                     .seal = fake_seal,
                                     .own = fake_own,
                                     .frame = fake_frame,
                                     .close = fake_close};

/* ---- events ---------------------------------------------------------------------------------- */

static void on_new(world *w, const qn_link_event *ev)
{
    known *k;

    FZ_CHECK((ev->id & 1) == (w->link.initiator ? 0u : 1u) && ev->id > w->highest);
    w->highest = ev->id;
    k = add(w, ev->id);
    if (k == NULL) {
        qn_link_close(&w->link, ev->id, QN_CLOSE_LIMIT);
        return;
    }
    qn_link_set_user(&w->link, ev->id, k);
}

static void on_event(world *w, const qn_link_event *ev)
{
    known *k = find(w, ev->id);

    FZ_CHECK(!w->over);
    switch (ev->type) {
    case QN_LINK_STREAM_NEW:
        FZ_CHECK(k == NULL);
        on_new(w, ev);
        break;
    case QN_LINK_STREAM_DATA:
        FZ_CHECK(k != NULL && k->open && ev->user == k);
        FZ_CHECK(ev->piece.len > 0 || ev->fin);
        FZ_CHECK(ev->piece.len == 0 || ev->piece.off >= QN_STREAM_HEADER);
        k->held += ev->piece.len;
        FZ_CHECK(k->held <= QN_STREAM_WINDOW_MAX);
        break;
    case QN_LINK_STREAM_ROOM:
        FZ_CHECK(k != NULL && k->open && qn_link_writable(&w->link, ev->id) > 0);
        break;
    case QN_LINK_STREAM_CLOSED:
        FZ_CHECK(k != NULL && k->open && ev->user == k);
        k->open = false;
        break;
    case QN_LINK_PONG:
    case QN_LINK_LEFT:
        break;
    case QN_LINK_CLOSED:
        for (unsigned i = 0; i < w->n; i++)
            FZ_CHECK(!w->s[i].open);
        w->over = true;
        break;
    }
}

static void drain(world *w)
{
    qn_link_event ev;

    while (qn_link_next(&w->link, &ev))
        on_event(w, &ev);
}

/* What the peer allows by this content, should the link take all of it. */
static void note_allowed(world *w, qn_slice s)
{
    qn_frame f;
    size_t used;

    while (s.n > 0 && qn_frame_get(&f, s.p, s.n, &used) == QN_OK) {
        uint64_t *may = f.stream == 0 ? &w->may_units : &w->may[f.stream % QN_LEN(w->may)];

        if (f.type == QN_FRAME_WINDOW)
            *may = QN_MAX(*may, f.limit);
        s = (qn_slice){s.p + used, s.n - used};
    }
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static void input(world *w, qn_slice content)
{
    qn_piece piece = {.len = (uint32_t)content.n};

    if (!w->attached)
        return;
    note_allowed(w, content);
    piece.block = qn_block_get(&w->t.env, content.n + 1);
    if (piece.block == NULL)
        return;
    memset(piece.block->data, 0xee, piece.block->cap);
    if (content.n > 0)
        memcpy(piece.block->data, content.p, content.n);
    qn_link_input(&w->link, piece);
    drain(w);
}

static uint32_t some_id(world *w, fz_in *in)
{
    uint8_t what = fz_u8(in);

    return what < 128 && w->n > 0 ? w->s[what % w->n].id : what % 24u;
}

/* One frame that decodes; what it allows us is noted before the link sees it. */
static size_t make_frame(world *w, fz_in *in, uint8_t *out)
{
    uint8_t what = fz_u8(in), flags = (uint8_t)(what >> 6 == 3 ? 0 : what >> 6);
    uint32_t id = some_id(w, in);
    uint64_t limit = (uint64_t)fz_u16(in) << (what >> 3 & 7) * 4;
    size_t n;

    switch (what & 7) {
    case 0:
    case 1:
        n = QN_MIN((size_t)limit % 2000, (size_t)2000);
        if (n == 0)
            flags = QN_FRAME_FIN;
        (void)qn_frame_put_stream(out, id, n, flags);
        memset(out + QN_STREAM_HEADER, (int)(1 + what % 4), n);
        return QN_STREAM_HEADER + n;
    case 2:
        return id != 0 ? qn_frame_put_window(out, id, limit) : 0;
    case 3:
        limit += w->may_units;
        n = (what & 8) ? (size_t)w->units : fz_u16(in);
        return qn_frame_put_link_window(out, n, limit);
    case 4:
        return qn_frame_put_ping(out, limit);
    case 5:
        return qn_frame_put_close(out, id, (uint16_t)limit);
    case 6:
        return qn_frame_put_header(out, QN_FRAME_CARRIER, 0);
    default:
        return qn_frame_put_header(out, QN_FRAME_KEY_UPDATE, 0);
    }
}

static void input_frames(world *w, fz_in *in)
{
    static uint8_t content[QN_RECORD_CONTENT_MAX];
    unsigned frames = 1 + fz_below(in, 8);
    size_t n = 0;

    while (frames-- > 0 && n < sizeof content - 2100)
        n += make_frame(w, in, content + n);
    input(w, qn_slice_of(content, n));
}

static void open_stream(world *w, fz_in *in)
{
    qn_stream_kind kind = (qn_stream_kind)(1 + fz_below(in, 4));
    uint32_t id;
    known *k;

    if (w->n == STREAMS || qn_link_open(&w->link, kind, NULL, &id) != QN_OK)
        return;
    k = add(w, id);
    qn_link_set_user(&w->link, id, k);
}

static void send_some(world *w, fz_in *in)
{
    static const uint8_t bytes[QN_FRAME_DATA_MAX] = {1, 2, 3};
    uint32_t id = some_id(w, in);
    size_t n = fz_u16(in) % (QN_FRAME_DATA_MAX + 1), may = qn_link_writable(&w->link, id);
    qn_err err = qn_link_send_bytes(&w->link, id, bytes, n, (fz_u8(in) & 7) == 0);
    known *k = find(w, id);

    FZ_CHECK(err != QN_OK || n <= may || n == 0);
    FZ_CHECK(err != QN_FULL || n > may);
    FZ_CHECK(err != QN_UNKNOWN || k == NULL || !k->open);
}

static void give_back(world *w, fz_in *in)
{
    known *k = find(w, some_id(w, in));
    uint64_t n = fz_u16(in);

    if (k == NULL || !k->open)
        return;
    n = QN_MIN(n * 2, k->held);
    k->held -= n;
    qn_link_returned(&w->link, k->id, (size_t)n);
}

static void close_stream(world *w, fz_in *in)
{
    uint32_t id = some_id(w, in);
    known *k = find(w, id);

    qn_link_close(&w->link, id, fz_u16(in));
    if (k != NULL)
        k->open = false;
}

static void attach(world *w, uint64_t received)
{
    bool exact = received == w->units;

    if (w->closed || w->over || qn_link_attach(&w->link, &w->carrier, received) != QN_OK)
        return;
    w->attached = true;
    w->strict = w->strict && exact;
}

static void pass_time(world *w, fz_in *in)
{
    fz_env_step(&w->t, (qn_time)fz_u16(in) * QN_MS);
    if (qn_link_due(&w->link) <= w->t.env.now)
        qn_link_tick(&w->link);
}

static void act(world *w, fz_in *in)
{
    switch (fz_below(in, VERBS)) {
    case 0:
        input(w, fz_take(in, fz_u16(in) % QN_RECORD_CONTENT_MAX));
        break;
    case 1:
    case 2:
        input_frames(w, in);
        break;
    case 3:
        open_stream(w, in);
        break;
    case 4:
        send_some(w, in);
        break;
    case 5:
        give_back(w, in);
        break;
    case 6:
        close_stream(w, in);
        break;
    case 7:
        pass_time(w, in);
        break;
    case 8:
        w->own = true;
        qn_link_ping(&w->link);
        break;
    case 9:
        if (w->attached)
            qn_link_detach(&w->link);
        w->attached = false;
        break;
    case 10:
        attach(w, (fz_u8(in) & 1) ? fz_u16(in) : w->units);
        break;
    case 11:
        fz_fail_at(1 + fz_below(in, 16));
        break;
    default:
        if (fz_u8(in) == 0xff)
            qn_link_shut(&w->link, QN_CLOSE_DONE);
        w->refuse_seal = (fz_u8(in) & 15) == 15;
        w->room = (uint16_t)(fz_u16(in) % (QN_RECORD_CONTENT_MAX + 1));
        w->room = w->room < QN_RECORD_CONTENT_MIN ? 0 : w->room;
        break;
    }
}

/* What the peer made us hold beyond the bases was paid from the node's budget (promise P4). */
static void check_budget(const world *w)
{
    uint64_t beyond = 0;

    for (unsigned i = 0; i < w->n; i++)
        if (w->s[i].open && w->s[i].held > QN_STREAM_BASE)
            beyond += w->s[i].held - QN_STREAM_BASE;
    FZ_CHECK(w->budget.used <= w->budget.limit && beyond <= w->budget.limit);
}

/* What every world does after a verb. */
static void settle(world *w)
{
    drain(w);
    if (w->attached)
        (void)qn_link_fill(&w->link);
    drain(w);
    FZ_CHECK(qn_link_due(&w->link) > w->t.env.now);
    check_budget(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static world w;
    fz_in in = {p, n};
    uint8_t what = fz_u8(&in);

    memset(&w, 0, sizeof w);
    w.carrier.kind = &fake;
    w.room = QN_RECORD_CONTENT_MAX;
    w.attached = w.strict = true;
    fz_env_open(&w.t, 0);
    w.budget.limit = (what & 2) ? QN_CREDIT_BUDGET : (uint64_t)(what & 0xf0) << 12;
    qn_link_init(&w.link, &w.t.env,
                 &(qn_link_cfg){.initiator = (what & 1) != 0, .budget = &w.budget});
    w.may_units = w.link.log.tx.limit;
    FZ_CHECK(qn_link_attach(&w.link, &w.carrier, 0) == QN_OK);
    while (in.n > 0) {
        act(&w, &in);
        settle(&w);
    }
    fz_fail_at(0);
    qn_link_shut(&w.link, QN_CLOSE_DONE);
    w.refuse_seal = false;
    w.room = QN_RECORD_CONTENT_MAX;
    settle(&w);
    FZ_CHECK(w.over);
    qn_link_clear(&w.link);
    FZ_CHECK(w.budget.used == 0);
    fz_env_close(&w.t);
    return 0;
}

/* ---- seeds ----------------------------------------------------------------------------------- */

static void put_input(fz_out *o, const uint8_t *p, size_t n)
{
    fz_out_u8(o, 0);
    fz_out_u16(o, (unsigned)n);
    fz_out_bytes(o, p, n);
}

static void seed_conversation(void)
{
    fz_out *o = fz_out_new();
    uint8_t b[256];
    size_t n;

    fz_out_u8(o, 2); /* responder, full budget */
    n = qn_frame_put_stream(b, 1, 6, 0);
    memcpy(b + n, "\1hello", 6);
    put_input(o, b, n + 6);
    fz_out_bytes(o, "\x04\x00\x01\x00\x01", 5);         /* send 256 on stream 1 */
    fz_out_bytes(o, "\x05\x00\x00\x05", 4);             /* return 5 */
    fz_out_bytes(o, "\x03\x00\x04\x01\x03\x00\x01", 7); /* open, send */
    n = qn_frame_put_window(b, 1, 1 << 20);
    n += qn_frame_put_link_window(b + n, 10, 1 << 20);
    n += qn_frame_put_stream(b + n, 1, 0, QN_FRAME_FIN);
    put_input(o, b, n);
    fz_out_bytes(o, "\x07\x00\x80\x08", 4); /* time, ping */
    n = qn_frame_put_ping(b, 3);
    n += qn_frame_put_close(b + n, 1, QN_CLOSE_DONE);
    n += qn_frame_put_close(b + n, 0, QN_CLOSE_DONE);
    put_input(o, b, n);
    fz_out_seed(o, "conversation");
}

static void seed_resume(void)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, 3);
    for (unsigned i = 0; i < 4; i++) {
        fz_out_bytes(o, "\x03\x00\x04", 3); /* open, send 8192 */
        fz_out_u8(o, i);
        fz_out_bytes(o, "\x20\x00\x01", 3);
    }
    fz_out_bytes(o, "\x09\x0c\x00\x00\x02\x00\x0a\x00", 8); /* detach, room 512, attach exactly */
    fz_out_bytes(o, "\x04\x00\x20\x00\x00\x09\x0a\x01\x00\x10", 10);
    fz_out_bytes(o, "\x0b\x03\x04\x01\x20\x00\x01\x06\x00\x00\x05", 11);
    fz_out_seed(o, "resume");
}

static void seed_flood(void)
{
    fz_out *o = fz_out_new();
    uint8_t b[QN_STREAM_HEADER + 12000];

    memset(b, 1, sizeof b);
    fz_out_u8(o, 0x10);
    for (unsigned i = 0; i < 5; i++) {
        (void)qn_frame_put_stream(b, 1, 12000, 0);
        put_input(o, b, sizeof b);
        if (i == 2)
            fz_out_bytes(o, "\x05\x00\x60\x00", 4);
    }
    (void)qn_frame_put_stream(b, 1, 12000, 0);
    fz_out_seed(o, "flood");
}

static void seed_frames(void)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, 2);
    for (unsigned i = 0; i < 40; i++) { /* verb 1: frames of every kind */
        fz_out_bytes(o, "\x01\x03", 2);
        for (unsigned k = 0; k < 4; k++) {
            fz_out_u8(o, (i * 5 + k) & 0x3f);
            fz_out_u8(o, 0x80 + 1 + 2 * (i / 8));
            fz_out_u16(o, 300 + i);
        }
    }
    fz_out_seed(o, "frames");
}

void fz_seeds(void)
{
    seed_conversation();
    seed_resume();
    seed_flood();
    seed_frames();
}

#include "duo.h"

#include "base/engine.h"
#include "shape_item.h"

static uint8_t scratch[1 << 18];

static void put(htx_buf *b, const void *p, size_t n)
{
    ck_assert_uint_le(b->n + n, sizeof b->p);
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

static size_t whole(const htx_buf *b)
{
    size_t n = b->n >= 5 ? 5u + qn_get16(b->p + 3) : SIZE_MAX;

    return n <= b->n ? n : 0;
}

static void enter(htx_duo *d, unsigned who)
{
    bool counts = who == d->fails && d->fail_at > d->requests;

    qt_alloc_fail_at(counts ? d->fail_at - d->requests : 0);
    d->entered = d->clock != NULL ? d->clock() : 0;
}

static void leave(htx_duo *d, unsigned who)
{
    d->spent[who] += d->clock != NULL ? d->clock() - d->entered : 0;
    if (who == d->fails)
        d->requests += qt_alloc_requests();
    qt_alloc_fail_at(0);
}

/* ---- the wire ---------------------------------------------------------------------------------
 */

static void see(htx_duo *d, unsigned who, char what, uint8_t type, uint16_t length)
{
    ck_assert_uint_lt(d->seen_n, QN_LEN(d->seen));
    d->seen[d->seen_n++] =
        (htx_duo_seen){.who = (uint8_t)who, .what = what, .type = type, .length = length};
}

/* Whole records pass by the hands; what an end leaves unfinished goes on with its FIN. */
static void travel(htx_duo *d, unsigned who, const uint8_t *p, size_t n)
{
    htx_duo_wire *x = &d->wire[who];

    put(&d->log.said[who], p, n);
    put(&x->made, p, n);
    for (size_t k; (k = whole(&x->made)) > 0; htx_buf_cut(&x->made, k)) {
        size_t out = k;

        memcpy(scratch, x->made.p, k);
        see(d, who, 'r', scratch[0], (uint16_t)(k - 5));
        if (d->hands != NULL)
            d->hands(d, who, scratch, &out);
        d->count[who]++;
        put(&x->on, scratch, out);
    }
}

static void hang_up_leg(htx_duo *d, unsigned who, bool reset)
{
    htx_duo_wire *x = &d->wire[who];

    if (x->fin || x->rst)
        return;
    put(&x->on, x->made.p, x->made.n);
    x->made.n = 0;
    x->fin = !reset;
    x->rst = reset;
    see(d, who, reset ? 'x' : 'f', 0, 0);
}

/* ---- the links, as far as a carrier needs one ---------------------------------------------------
 */

static qn_err frame(htx_duo *d, unsigned who, const qn_frame *f, bool last)
{
    qn_carrier *c = d->end[who].c;
    qn_err err;

    enter(d, who);
    err = c->kind->frame(c, f, last);
    leave(d, who);
    return err;
}

static void close_link(htx_duo *d, unsigned who, uint16_t code)
{
    qn_carrier *c = d->end[who].c;

    enter(d, who);
    c->kind->close(c, code);
    leave(d, who);
}

static void on_record(htx_duo *d, unsigned who, qn_piece piece)
{
    qn_slice s = qn_slice_of(qn_piece_data(&piece), piece.len);
    htx_duo_end *e = &d->end[who];
    qn_frame f;
    size_t used;

    for (; s.n > 0; s.p += used, s.n -= used) {
        qn_err err = qn_frame_get(&f, s.p, s.n, &used);

        if (err == QN_OK && f.type == QN_FRAME_CLOSE && f.stream == 0) {
            put(&e->frames, s.p, used);
            close_link(d, who, f.code); /* as a link that was told */
            break;
        }
        if (err == QN_OK && f.type >= QN_FRAME_KEY_UPDATE && f.type != QN_FRAME_CLOSE)
            err = frame(d, who, &f, used == s.n);
        else if (err == QN_OK)
            put(&e->frames, s.p, used);
        if (err != QN_OK) {
            close_link(d, who, qn_close_of(err));
            break;
        }
    }
    qn_block_drop(piece.block);
}

qn_err htx_duo_say(htx_duo *d, unsigned who, qn_slice frames)
{
    static uint8_t out[QN_RECORD_CONTENT_MAX];
    const qn_carrier *c = d->end[who].c;
    size_t room = c->kind->room(c), n = frames.n;
    qn_err err = QN_AGAIN;

    if (room == 0)
        return QN_AGAIN;
    if (n > 0)
        memcpy(out, frames.p, n);
    enter(d, who);
    n += c->kind->own(d->end[who].c, out + n, room - n);
    if (n > 0)
        err = c->kind->seal(d->end[who].c, qn_slice_of(out, n), (qn_slice){0});
    leave(d, who);
    return err;
}

/* ---- events -------------------------------------------------------------------------------------
 */

static void on_event(htx_duo *d, unsigned who, qn_carrier_event *ev)
{
    htx_duo_end *e = &d->end[who];

    ck_assert_msg(!e->lost, "an event after LOST");
    switch (ev->type) {
    case QN_CARRIER_DIAL:
        ck_assert(who == DUO_PEER && ev->leg == 1 && !e->leg[1].open);
        e->leg[1].open = true;
        qn_carrier_opened(e->c, 1);
        break;
    case QN_CARRIER_ESTABLISHED:
        ck_assert(!e->established);
        e->established = true;
        e->est = ev->est;
        break;
    case QN_CARRIER_RECORD:
        ck_assert(e->established && !e->raw);
        on_record(d, who, ev->piece);
        break;
    case QN_CARRIER_FINISH:
        e->leg[ev->leg].finish = true;
        break;
    case QN_CARRIER_CLOSE:
        e->leg[ev->leg].close = true;
        break;
    case QN_CARRIER_RESET:
        e->leg[ev->leg].reset = true;
        if (!ev->drain)
            e->leg[ev->leg].open = false;
        break;
    case QN_CARRIER_RAW:
        ck_assert(e->established && !e->raw);
        e->raw = true;
        e->err = ev->err;
        break;
    case QN_CARRIER_LOST:
        e->lost = true;
        if (!e->raw)
            e->err = ev->err;
        break;
    }
}

static void drain(htx_duo *d, unsigned who)
{
    htx_duo_end *e = &d->end[who];
    qn_carrier_event ev;
    bool any;

    do {
        enter(d, who);
        any = qn_carrier_next(e->c, &ev);
        leave(d, who);
        if (any)
            on_event(d, who, &ev);
    } while (any);
}

/* ---- sockets ------------------------------------------------------------------------------------
 */

/* Takes at most a chunk of what the leg offers. */
static size_t take(htx_duo *d, unsigned who, uint8_t leg, uint8_t *out)
{
    qn_carrier *c = d->end[who].c;
    qn_slice v[4];
    size_t n = 0, max = QN_MIN(d->chunk, (size_t)60000);

    for (unsigned i = 0, k = qn_carrier_peek(c, leg, v, 4); i < k && n < max; i++) {
        size_t part = QN_MIN(v[i].n, max - n);

        memcpy(out + n, v[i].p, part);
        n += part;
    }
    if (n > 0) {
        enter(d, who);
        qn_carrier_consume(c, leg, n);
        leave(d, who);
        drain(d, who);
    }
    return n;
}

static size_t give(htx_duo *d, unsigned who, uint8_t leg, htx_buf *from)
{
    qn_carrier *c = d->end[who].c;
    qn_span s = qn_carrier_space(c, leg);
    size_t n = QN_MIN(QN_MIN(from->n, d->chunk), s.n);

    if (n == 0)
        return 0;
    memcpy(s.p, from->p, n);
    if (leg == 0)
        put(&d->log.heard[who], from->p, n);
    htx_buf_cut(from, n);
    enter(d, who);
    qn_carrier_commit(c, leg, n);
    leave(d, who);
    drain(d, who);
    memset(d->end[who].t->env.engine->scratch, 0xee, 64); /* it is everybody's */
    return n;
}

static void ended(htx_duo *d, unsigned who, uint8_t leg, qn_ending how)
{
    enter(d, who);
    qn_carrier_ended(d->end[who].c, leg, how);
    leave(d, who);
    drain(d, who);
}

static bool speak(htx_duo *d, unsigned who)
{
    htx_duo_end *e = &d->end[who];
    static uint8_t copy[1 << 16];
    qn_slice left;
    size_t n;

    if (e->leg[0].open && e->established && !e->lost && !d->link_quiet)
        while (htx_duo_say(d, who, (qn_slice){0}) == QN_OK)
            continue;
    n = e->leg[0].open ? take(d, who, 0, copy) : 0;
    travel(d, who, copy, n);
    if ((!e->leg[0].open || qn_carrier_peek(e->c, 0, &left, 1) == 0) &&
        (e->leg[0].finish || e->leg[0].close || e->leg[0].reset))
        hang_up_leg(d, who, e->leg[0].reset);
    return n > 0;
}

static bool hear(htx_duo *d, unsigned who)
{
    htx_duo_end *e = &d->end[who];
    htx_duo_wire *x = &d->wire[!who];
    size_t n = 0;

    if (e->leg[0].open && !e->leg[0].close && !e->leg[0].reset)
        n = give(d, who, 0, &x->on);

    if (n == 0 && (x->fin || x->rst) && (x->rst || x->on.n == 0) && !e->leg[0].eof &&
        !e->leg[0].broken && !e->lost && !e->leg[0].reset) {
        e->leg[0].eof = x->fin;
        e->leg[0].broken = x->rst;
        if (x->rst)
            e->leg[0].open = false;
        ended(d, who, 0, x->rst ? QN_END_RESET : QN_END_EOF);
        return true;
    }
    return n > 0;
}

static bool origin_hears(htx_duo *d)
{
    htx_duo_end *e = &d->end[DUO_PEER];
    static uint8_t copy[1 << 16];
    size_t n = e->leg[1].open && !d->o_rst ? take(d, DUO_PEER, 1, copy) : 0;

    put(&d->log.to_origin, copy, n);
    if (n > 0)
        ck_assert_int_eq(BIO_write(d->w->site.tls.in, copy, (int)n), (int)n);
    htx_site_run(&d->w->site);
    /* OpenSSL's server ends after damage, as nginx does: its alert has been written. */
    if (d->w->site.closed && !d->o_rst)
        d->o_fin = true;
    return n > 0;
}

static bool origin_speaks(htx_duo *d)
{
    htx_duo_end *e = &d->end[DUO_PEER];
    int n = BIO_read(d->w->site.tls.out, scratch, 16384);
    size_t given;

    if (n > 0) {
        put(&d->of_origin, scratch, (size_t)n);
        put(&d->log.of_origin, scratch, (size_t)n);
    }
    given = e->leg[1].open ? give(d, DUO_PEER, 1, &d->of_origin) : 0;
    if (n <= 0 && given == 0 && (d->o_fin || d->o_rst) && (d->o_rst || d->of_origin.n == 0) &&
        e->leg[1].open && !e->leg[1].eof && !e->leg[1].broken && !e->lost) {
        e->leg[1].eof = d->o_fin;
        e->leg[1].broken = d->o_rst;
        if (d->o_rst)
            e->leg[1].open = false;
        ended(d, DUO_PEER, 1, d->o_rst ? QN_END_RESET : QN_END_EOF);
        return true;
    }
    return n > 0 || given > 0;
}

static bool tick(htx_duo *d, unsigned who)
{
    htx_duo_end *e = &d->end[who];

    if (e->lost || qn_carrier_due(e->c) > e->t->env.now)
        return false;
    enter(d, who);
    qn_carrier_tick(e->c);
    leave(d, who);
    drain(d, who);
    return true;
}

static void pass(htx_duo *d, qn_time by)
{
    qt_env_step(d->end[DUO_CLIENT].t, by);
    qt_env_step(d->end[DUO_PEER].t, by);
}

bool htx_duo_step(htx_duo *d)
{
    bool any = speak(d, DUO_CLIENT);

    any = hear(d, DUO_PEER) || any;
    any = origin_hears(d) || any;
    any = tick(d, DUO_PEER) || any;
    any = (!d->o_silent && origin_speaks(d)) || any;
    any = speak(d, DUO_PEER) || any;
    any = hear(d, DUO_CLIENT) || any;
    any = tick(d, DUO_CLIENT) || any;
    if (any || !htx_reads(d->end[DUO_CLIENT].c))
        return any;
    pass(d, qn_carrier_due(d->end[DUO_CLIENT].c) - d->end[DUO_CLIENT].t->env.now);
    return true;
}

void htx_duo_run(htx_duo *d)
{
    for (unsigned i = 0; i < 1000000; i++)
        if (!htx_duo_step(d))
            return;
    qt_die("client, peer and origin never came to rest");
}

void htx_duo_wait(htx_duo *d, qn_time by)
{
    pass(d, by);
    htx_duo_run(d);
}

void htx_duo_inject(htx_duo *d, unsigned who, qn_slice bytes)
{
    put(&d->wire[who].on, bytes.p, bytes.n);
}

void htx_duo_origin_ends(htx_duo *d, bool reset)
{
    d->o_fin = !reset;
    d->o_rst = reset;
}

const char *htx_duo_story(const htx_duo *d, unsigned from)
{
    static char out[2][4096];
    static unsigned turn;
    char *p = out[turn ^= 1];
    size_t n = 0;

    p[0] = 0;
    for (unsigned i = from; i < d->seen_n && n < sizeof out[0] - 16; i++)
        if (d->seen[i].what == 'r')
            n += (size_t)snprintf(p + n, sizeof out[0] - n, "%c%u ", "CP"[d->seen[i].who],
                                  d -> seen[i].length);
    for (unsigned who = 0; who < 2; who++)
        for (unsigned i = from; i < d->seen_n; i++)
            if (d->seen[i].who == who && d->seen[i].what != 'r')
                n += (size_t)snprintf(p + n, sizeof out[0] - n, "%c%c ", "CP"[who],
                                      d -> seen[i].what);
    return p;
}

/* ---- life ---------------------------------------------------------------------------------------
 */

void htx_duo_open(htx_duo *d, htx_world *w, unsigned profile)
{
    memset(d, 0, sizeof *d);
    htx_world_open(w, profile);
    d->w = w;
    d->end[DUO_CLIENT].t = &w->t;
    d->end[DUO_PEER].t = &w->peer.t;
    d->chunk = SIZE_MAX;
    qn_htx_replay_init(&d->replay, &w->peer.t.env, true);
    d->site = (qn_htx_site){.shape = &shape_item,
                            .judge = {.keys = &w->peer.key,
                                      .keys_n = 1,
                                      .psks = &d->psk,
                                      .psks_n = 1,
                                      .names = &w->target.name,
                                      .names_n = 1,
                                      .place.peer = w->cfg.responder},
                            .replay = &d->replay,
                            .proven = true,
                            .flight = 500,
                            .flight_r = 80,
                            .alert = 19,
                            .goaway = 34,
                            .after_fatal = {.alert = false, .reset = false},
                            .after_notify = {.alert = true, .reset = false},
                            .max_record = 4096,
                            .idle = 60 * QN_SEC,
                            .drain = QN_HTX_DRAIN_S};
    memcpy(d->site.judge.place.network, w->cfg.network, 32);
}

static void hang_up(htx_duo *d)
{
    for (unsigned who = 0; who < 2; who++) {
        htx_duo_end *e = &d->end[who];
        qt_env *t = e->t;

        qn_carrier_destroy(e->c);
        memset(e, 0, sizeof *e);
        e->t = t;
    }
}

void htx_duo_close(htx_duo *d)
{
    hang_up(d);
    qn_htx_replay_clear(&d->replay);
    htx_world_close(d->w);
}

static void create(htx_duo *d, unsigned who, const qn_carrier_cfg *cfg)
{
    qn_err err;

    enter(d, who);
    err = qn_carrier_htx.create(&d->end[who].c, &d->end[who].t->env, cfg);
    leave(d, who);
    if (err != QN_OK) {
        qt_assert_err(err, QN_NOMEM);
        d->end[who].c = NULL;
        d->end[who].lost = true;
    }
}

void htx_duo_dial(htx_duo *d)
{
    qn_carrier_cfg peer = {.responder = d->w->cfg.responder,
                           .origin = {.family = 4, .port = 443},
                           .tally = d->peer_tally,
                           .site = &d->site};

    hang_up(d);
    tls_server_again(&d->w->site.tls);
    d->w->site.in.n = 0;
    d->w->site.requests = 0;
    d->w->site.greeted = d->w->site.closed = false;
    memset(d->wire, 0, sizeof d->wire);
    d->of_origin.n = d->log.to_origin.n = d->log.of_origin.n = 0;
    for (unsigned who = 0; who < 2; who++)
        d->log.said[who].n = d->log.heard[who].n = 0;
    d->o_fin = d->o_rst = d->o_silent = false;
    d->count[0] = d->count[1] = 0;
    d->seen_n = 0;
    d->requests = 0;
    memcpy(peer.network, d->w->cfg.network, 32);
    create(d, DUO_PEER, &peer);
    create(d, DUO_CLIENT, &d->w->cfg);
    for (unsigned who = 0; who < 2; who++)
        if (d->end[who].c == NULL)
            return;
    d->end[DUO_CLIENT].leg[0].open = d->end[DUO_PEER].leg[0].open = true;
    drain(d, DUO_PEER);
    enter(d, DUO_CLIENT);
    qn_carrier_opened(d->end[DUO_CLIENT].c, 0);
    leave(d, DUO_CLIENT);
    drain(d, DUO_CLIENT);
}

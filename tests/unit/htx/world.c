#include "world.h"
#include "shape_item.h"

static uint8_t scratch[1 << 18];

static void put(htx_buf *b, const void *p, size_t n)
{
    ck_assert_uint_le(b->n + n, sizeof b->p);
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

void htx_buf_cut(htx_buf *b, size_t n)
{
    b->n -= n;
    memmove(b->p, b->p + n, b->n);
}

/* The whole length of the record at the front; 0: it is not complete. */
static size_t whole(const htx_buf *b)
{
    size_t n = b->n >= 5 ? 5u + qn_get16(b->p + 3) : SIZE_MAX;

    return n <= b->n ? n : 0;
}

/* Only what the client asks for is counted, and may fail. */
static void enter(const htx_world *w)
{
    qt_alloc_fail_at(w->fail_at > w->requests ? w->fail_at - w->requests : 0);
}

static void leave(htx_world *w)
{
    w->requests += qt_alloc_requests();
    qt_alloc_fail_at(0);
}

/* ---- the peer ------------------------------------------------------------------------------ */

static void to_origin(htx_world *w, const uint8_t *p, size_t n)
{
    if (n > 0)
        ck_assert_int_eq(BIO_write(w->site.tls.in, p, (int)n), (int)n);
}

static void to_client(htx_world *w, const uint8_t *p, size_t n)
{
    htx_peer *x = &w->peer;

    put(&w->to_c, p, n);
    if (x->mode == HTX_SPLICE)
        qt_assert_err(qn_htx_transcript_add(&x->passed, qn_slice_of(p, n)), QN_OK);
}

static void peer_hello(htx_world *w)
{
    htx_peer *x = &w->peer;
    qn_slice message, name = w->target.name;
    qn_key psk = w->cfg.psk != NULL ? *w->cfg.psk : (qn_key){0};
    qn_htx_tag_judge judge = {.place.peer = w->cfg.responder,
                              .keys = &x->key,
                              .keys_n = 1,
                              .psks = &psk,
                              .psks_n = 1,
                              .names = &name,
                              .names_n = 1};
    qn_htx_watch_cfg watch = {.flight = 500, .flight_r = 80, .alert = 19};
    qn_tls_hello hello;
    qn_htx_tag tag;

    if (qn_tls_hello_find(x->c.p, x->c.n, &message) != QN_OK)
        return;
    x->hello_seen = true;
    memcpy(judge.place.network, w->cfg.network, 32);
    qt_assert_err(qn_tls_hello_read(message, &hello), QN_OK);
    x->tagged = qn_htx_tag_open(&x->x, &x->t.env, &judge, message, &hello, &tag) == QN_OK;
    x->kem.offered = hello.mlkem.n > 0;
    if (x->kem.offered)
        memcpy(x->kem.u.ek.b, hello.mlkem.p, sizeof x->kem.u.ek.b);
    if (x->tagged) {
        qt_assert_err(qn_htx_lock_proof(&x->proof, &x->t.env, &x->x), QN_OK);
        memcpy(watch.session_id, hello.session_id.p, 32);
        watch.requests = tag.requests;
        watch.second = tag.second;
        qn_htx_watch_init(&x->watch, &watch);
    }
    qt_assert_err(qn_htx_transcript_add(&x->heard, qn_slice_of(x->c.p, whole(&x->c))), QN_OK);
    htx_buf_cut(&x->c, whole(&x->c));
}

static void peer_prove(htx_world *w, size_t record)
{
    htx_peer *x = &w->peer;
    uint8_t content[QN_HTX_PROOF_CONTENT_MAX];
    qn_hash hash;
    size_t n;

    qt_assert_err(qn_htx_transcript_hash(&x->passed, &x->t.env, &hash), QN_OK);
    hash.b[0] ^= x->bad_hash;
    qt_assert_err(qn_htx_proof_prepare(&x->x, &x->t.env, &x->kem), QN_OK);
    qt_assert_err(qn_htx_proof_write(&x->x, &x->t.env, &hash, &x->kem, &x->offer, content, &n),
                  QN_OK);
    qt_assert_err(qn_htx_lock_seal(&x->proof, &x->t.env, qn_slice_of(content, n), scratch, record),
                  QN_OK);
    scratch[record / 2] ^= x->spoil_proof;
    qt_assert_err(qn_htx_lock_final(&x->final, &x->t.env, &x->x), QN_OK);
    x->mode = HTX_HOLD;
    to_client(w, scratch, record);
}

/* O's bytes that are not understood lie in x->o; what may go, goes. */
static void peer_from_origin(htx_world *w)
{
    htx_peer *x = &w->peer;

    if (x->mode == HTX_SPLICE && x->tagged) {
        size_t used = 0, record = 0;
        qn_htx_word word =
            qn_htx_watch_origin(&x->watch, x->t.env.now, x->o.p, x->o.n, &used, &record);

        to_client(w, x->o.p, used);
        htx_buf_cut(&x->o, used);
        if (word == QN_HTX_PROVE && !x->mute_proof)
            peer_prove(w, record);
        if (word == QN_HTX_PROVE && x->mute_proof) {
            x->tagged = false;
            peer_from_origin(w);
        }
    } else if (x->mode == HTX_SPLICE) {
        to_client(w, x->o.p, x->o.n);
        x->o.n = 0;
    } else if (x->mode == HTX_QNET) {
        for (size_t n; (n = whole(&x->o)) > 0; htx_buf_cut(&x->o, n))
            qt_assert_err(qn_htx_carry_send(&x->carry, &x->t.env, qn_slice_of(x->o.p, n)), QN_OK);
    }
}

static bool peer_final(htx_world *w, size_t n)
{
    htx_peer *x = &w->peer;
    static uint8_t plain[QN_BLOCK_LARGE], frames[QN_BLOCK_LARGE];
    size_t got;
    qn_hash hash;

    if (qn_htx_lock_open(&x->final, &x->t.env, x->c.p, n, plain, &got) != QN_OK)
        return false;
    qt_assert_err(qn_htx_transcript_hash(&x->heard, &x->t.env, &hash), QN_OK);
    qt_assert_err(qn_htx_final_read(&x->x, &x->t.env, &hash, qn_slice_of(plain, got),
                                    x->offer.ciphers, frames, &x->choice),
                  QN_OK);
    qt_assert_err(qn_terms_split(&x->x, &x->t.env, &x->tx, &x->rx, &x->resume), QN_OK);
    x->mode = HTX_QNET;
    return true;
}

static void peer_frames(htx_world *w, qn_slice content)
{
    htx_peer *x = &w->peer;
    qn_htx_note note;
    qn_frame f;
    size_t used;

    for (; content.n > 0; content.p += used, content.n -= used) {
        qt_assert_err(qn_frame_get(&f, content.p, content.n, &used), QN_OK);
        if (f.type != QN_FRAME_CARRIER) {
            put(&x->frames, content.p, used);
            if (f.type == QN_FRAME_KEY_UPDATE)
                qt_assert_err(qn_record_ratchet(&x->rx, &x->t.env), QN_OK);
            continue;
        }
        qt_assert_err(qn_htx_carry_got(&x->carry, f.body, &note), QN_OK);
        if (note.kind == QN_HTX_DATA)
            to_origin(w, note.data.p, note.data.n);
    }
}

static void peer_record(htx_world *w, size_t n)
{
    htx_peer *x = &w->peer;
    qn_piece piece;
    qn_inner inner;

    qt_assert_err(qn_record_open(&x->rx, &x->t.env, NULL, x->c.p, n, &piece, &inner), QN_OK);
    if (inner == QN_INNER_ALERT) {
        x->alerted = true;
        memcpy(x->alert, qn_piece_data(&piece), 2);
    } else {
        peer_frames(w, qn_slice_of(qn_piece_data(&piece), piece.len));
    }
    qn_block_drop(piece.block);
}

static void peer_from_client(htx_world *w, const uint8_t *p, size_t n)
{
    htx_peer *x = &w->peer;

    if (x->mode == HTX_SPLICE)
        to_origin(w, p, n);
    if (x->hello_seen && x->tagged && x->mode == HTX_SPLICE)
        qn_htx_watch_client(&x->watch, x->t.env.now, p, n);
    put(&x->c, p, n);
    if (!x->hello_seen)
        peer_hello(w);
    for (size_t k; x->hello_seen && (k = whole(&x->c)) > 0; htx_buf_cut(&x->c, k)) {
        if (x->mode == HTX_QNET) {
            peer_record(w, k);
            continue;
        }
        if (x->mode == HTX_HOLD && peer_final(w, k))
            continue;
        qt_assert_err(qn_htx_transcript_add(&x->heard, qn_slice_of(x->c.p, k)), QN_OK);
        if (x->mode == HTX_HOLD) {
            ck_assert_uint_le(k, 5 + 60);
            x->passed_small++;
            to_origin(w, x->c.p, k);
        }
    }
    peer_from_origin(w);
}

/* Carried bytes leave in records of their own. */
static void peer_fill(htx_world *w)
{
    htx_peer *x = &w->peer;
    static uint8_t out[QN_RECORD_CONTENT_MAX];
    size_t n;

    while (x->mode == HTX_QNET && (n = qn_htx_carry_own(&x->carry, out, x->offer.max_record)) > 0) {
        htx_world_say(w, qn_slice_of(out, n), QN_INNER_FRAMES);
        qn_htx_carry_sealed(&x->carry, &x->t.env.mem);
    }
}

void htx_world_say(htx_world *w, qn_slice frames, qn_inner inner)
{
    qn_queue q = {0};
    qn_slice v;

    qt_assert_err(
        qn_record_seal(&w->peer.tx, &w->peer.t.env, NULL, frames, (qn_slice){0}, inner, &q), QN_OK);
    ck_assert_uint_eq(qn_queue_peek(&q, &v, 1), 1);
    put(&w->to_c, v.p, v.n);
    qn_queue_clear(&q, &w->peer.t.env.mem);
}

/* ---- the client ---------------------------------------------------------------------------- */

static void note_records(htx_world *w, const uint8_t *p, size_t n)
{
    put(&w->from_c, p, n);
    for (size_t k; (k = whole(&w->from_c)) > 0; htx_buf_cut(&w->from_c, k)) {
        ck_assert_uint_lt(w->records, QN_LEN(w->length));
        w->type[w->records] = w->from_c.p[0];
        w->length[w->records++] = (uint16_t)(k - 5);
    }
}

static qn_err frame(htx_world *w, const qn_frame *f, bool last)
{
    qn_err err;

    enter(w);
    err = w->c->kind->frame(w->c, f, last);
    leave(w);
    return err;
}

static void on_record(htx_world *w, qn_piece piece)
{
    qn_slice s = qn_slice_of(qn_piece_data(&piece), piece.len);
    qn_frame f;
    size_t used;

    for (; s.n > 0; s.p += used, s.n -= used) {
        qn_err err = qn_frame_get(&f, s.p, s.n, &used);

        if (err == QN_OK && f.type >= QN_FRAME_KEY_UPDATE && f.type != QN_FRAME_CLOSE)
            err = frame(w, &f, used == s.n);
        else if (err == QN_OK)
            put(&w->frames, s.p, used);
        if (err != QN_OK) { /* as a link does it */
            w->c->kind->close(w->c, qn_close_of(err));
            break;
        }
    }
    qn_block_drop(piece.block);
}

void htx_world_drain(htx_world *w)
{
    qn_carrier_event ev;
    qn_time due;

    for (;;) {
        bool any;

        enter(w);
        any = qn_carrier_next(w->c, &ev);
        leave(w);
        if (!any)
            break;
        ck_assert_msg(!w->lost, "an event after LOST");
        ck_assert_uint_eq(ev.leg, 0);
        switch (ev.type) {
        case QN_CARRIER_ESTABLISHED:
            ck_assert(!w->established);
            w->established = true;
            w->est = ev.est;
            break;
        case QN_CARRIER_RECORD:
            ck_assert(w->established);
            on_record(w, ev.piece);
            break;
        case QN_CARRIER_CLOSE:
            w->closed = true;
            break;
        case QN_CARRIER_RESET:
            w->reset = true;
            break;
        case QN_CARRIER_RAW:
            w->raw = true;
            break;
        case QN_CARRIER_LOST:
            w->lost = true;
            w->err = ev.err;
            break;
        case QN_CARRIER_DIAL:
        case QN_CARRIER_FINISH:
            ck_abort_msg("an initiator has one leg");
        }
    }
    due = qn_carrier_due(w->c);
    ck_assert_msg(due == QN_NEVER || due > w->t.env.now, "due lies in the past");
}

qn_err htx_world_seal(htx_world *w, qn_slice frames)
{
    static uint8_t out[QN_RECORD_CONTENT_MAX];
    size_t room = w->c->kind->room(w->c), n = frames.n;
    qn_err err = QN_AGAIN;

    if (room == 0)
        return QN_AGAIN;
    if (n > 0)
        memcpy(out, frames.p, n);
    enter(w);
    n += w->c->kind->own(w->c, out + n, room - n);
    if (n > 0)
        err = w->c->kind->seal(w->c, qn_slice_of(out, n), (qn_slice){0});
    leave(w);
    return err;
}

static bool client_speaks(htx_world *w)
{
    qn_slice v[4];
    size_t n = 0, max = QN_MIN(w->chunk, sizeof scratch);

    for (unsigned i = 0, k = qn_carrier_peek(w->c, 0, v, 4); i < k && n < max; i++) {
        size_t part = QN_MIN(v[i].n, max - n);

        memcpy(scratch + n, v[i].p, part);
        n += part;
    }
    if (n == 0)
        return false;
    enter(w);
    qn_carrier_consume(w->c, 0, n);
    leave(w);
    note_records(w, scratch, n);
    {
        static uint8_t copy[sizeof scratch];

        memcpy(copy, scratch, n);
        peer_from_client(w, copy, n);
    }
    htx_world_drain(w);
    return true;
}

static bool client_hears(htx_world *w)
{
    qn_span s = qn_carrier_space(w->c, 0);
    size_t n = QN_MIN(QN_MIN(w->to_c.n, w->chunk), s.n);

    if (n == 0 || w->lost)
        return false;
    memcpy(s.p, w->to_c.p, n);
    if (w->flip_at > w->to_c_total && w->flip_at <= w->to_c_total + n)
        s.p[w->flip_at - w->to_c_total - 1] ^= 1;
    w->to_c_total += n;
    htx_buf_cut(&w->to_c, n);
    qn_carrier_commit(w->c, 0, n);
    htx_world_drain(w);
    if (w->peer.tagged && w->peer.mode == HTX_SPLICE)
        qn_htx_watch_sent(&w->peer.watch, n);
    return true;
}

static bool origin_speaks(htx_world *w)
{
    int n = BIO_read(w->site.tls.out, scratch, (int)QN_MIN(w->chunk, 16384));

    if (n <= 0)
        return false;
    put(&w->peer.o, scratch, (size_t)n);
    peer_from_origin(w);
    return true;
}

bool htx_world_step(htx_world *w)
{
    bool any;

    if (w->established && !w->lost)
        while (htx_world_seal(w, (qn_slice){0}) == QN_OK)
            ;
    any = client_speaks(w);
    htx_site_run(&w->site);
    any = origin_speaks(w) || any;
    peer_fill(w);
    any = client_hears(w) || any;
    if (any || !htx_reads(w->c))
        return any;
    htx_world_wait(w, qn_carrier_due(w->c) - w->t.env.now);
    return true;
}

void htx_world_run(htx_world *w)
{
    for (unsigned i = 0; i < 1000000; i++)
        if (!htx_world_step(w))
            return;
    qt_die("client and origin never came to rest");
}

void htx_world_wait(htx_world *w, qn_time by)
{
    qt_env_step(&w->t, by);
    qt_env_step(&w->peer.t, by);
    enter(w);
    if (qn_carrier_due(w->c) <= w->t.env.now)
        qn_carrier_tick(w->c);
    leave(w);
    htx_world_drain(w);
}

void htx_world_origin_writes(htx_world *w, qn_slice plain)
{
    ck_assert_int_eq(SSL_write(w->site.tls.ssl, plain.p, (int)plain.n), (int)plain.n);
}

void htx_world_origin_objects(htx_world *w)
{
    static const uint8_t damaged[64] = {0x17, 3, 3, 0, 59};
    int n;

    ck_assert_int_eq(BIO_write(w->site.tls.in, damaged, sizeof damaged), sizeof damaged);
    htx_site_run(&w->site);
    n = BIO_read(w->site.tls.out, scratch, sizeof scratch);
    ck_assert_int_gt(n, 0);
    put(&w->to_c, scratch, (size_t)n);
}

/* ---- life ---------------------------------------------------------------------------------- */

static qn_htx_page page(const char *path)
{
    return (qn_htx_page){.path = qn_slice_of(path, strlen(path)), .largest = 100000};
}

void htx_world_open(htx_world *w, unsigned profile)
{
    memset(w, 0, sizeof *w);
    htx_nonces_forget();
    qt_env_open(&w->t, 7);
    qt_env_open(&w->peer.t, 8);
    w->profile = profile;
    w->chunk = SIZE_MAX;
    w->tls = tls_profile(&w->t, tls_profiles[profile]);
    qt_assert_err(qn_h2_profile_read(&w->h2, w->tls.http2), QN_OK);
    w->ca = tls_issue(NULL, TLS_P256, "authority", -1000, 1000);
    w->leaf = tls_issue(&w->ca, TLS_P256, DECOY, -1000, 1000);
    w->roots = tls_trust(&w->ca, true);
    tls_server_open(&w->site.tls, &w->leaf, NULL);
    w->site.status = "88";
    w->site.settings = "0003 00000080";
    w->site.page = 6000;
    w->site.second = 3000;
    w->first[0] = page("/");
    w->first[1] = page("/index.html");
    w->second[0] = page("/news/latest.json");
    w->second[1] = page("/assets/a-longer-name-of-a-script.js");
    qn_dh_generate(&w->peer.t.env, &w->peer.key.secret, &w->peer.key.pub);
    w->target = (qn_htx_target){.tls = &w->tls,
                                .h2 = &w->h2,
                                .shape = &shape_item,
                                .roots = w->roots,
                                .name = qn_slice_of(DECOY, strlen(DECOY)),
                                .mirror = w->peer.key.pub,
                                .first = w->first,
                                .second = w->second,
                                .first_n = 2,
                                .second_n = 2,
                                .max_record = 8192,
                                .idle = 300 * QN_SEC};
    w->cfg = (qn_carrier_cfg){.initiator = true, .htx = &w->target, .claim = true};
    memset(w->cfg.network, 0x4e, sizeof w->cfg.network);
    memset(w->cfg.responder.b, 0xbb, sizeof w->cfg.responder.b);
    memset(w->cfg.own_id.b, 0xaa, sizeof w->cfg.own_id.b);
    memset(w->cfg.vouch.signature.b, 0xab, sizeof w->cfg.vouch.signature.b);
    memset(w->cfg.own_key.b, 0x11, sizeof w->cfg.own_key.b);
    memset(w->cfg.responder_key.b, 0x22, sizeof w->cfg.responder_key.b);
    w->peer.offer = (qn_terms){.time = (uint32_t)QT_EPOCH + 3, .max_record = 4096, .ciphers = 1};
    memset(w->peer.offer.vouch.identity.b, 0xac, sizeof w->peer.offer.vouch.identity.b);
}

static void hang_up(htx_world *w)
{
    qn_htx_carry_clear(&w->peer.carry, &w->peer.t.env.mem);
    qn_htx_transcript_clear(&w->peer.passed);
    qn_htx_transcript_clear(&w->peer.heard);
    qn_carrier_destroy(w->c);
    w->c = NULL;
}

void htx_world_close(htx_world *w)
{
    hang_up(w);
    tls_server_close(&w->site.tls);
    qn_roots_free(w->roots);
    tls_identity_free(&w->leaf);
    tls_identity_free(&w->ca);
    qt_env_close(&w->peer.t);
    qt_env_close(&w->t);
}

static void fresh_peer(htx_world *w)
{
    htx_peer *x = &w->peer;

    x->mode = HTX_SPLICE;
    x->tagged = x->hello_seen = x->alerted = false;
    x->c.n = x->o.n = x->frames.n = 0;
    x->passed_small = 0;
    qn_htx_carry_init(&x->carry);
    qt_assert_err(qn_htx_transcript_init(&x->passed, &x->t.env), QN_OK);
    qt_assert_err(qn_htx_transcript_init(&x->heard, &x->t.env), QN_OK);
}

qn_err htx_world_dial(htx_world *w)
{
    qn_err err;

    hang_up(w);
    tls_server_again(&w->site.tls);
    w->site.in.n = 0;
    w->site.requests = 0;
    w->site.greeted = w->site.closed = false;
    w->to_c.n = w->from_c.n = w->frames.n = 0;
    w->established = w->raw = w->lost = w->closed = w->reset = false;
    w->records = 0;
    w->to_c_total = 0;
    fresh_peer(w);
    w->requests = 0;
    enter(w);
    err = qn_htx_client_kind.create(&w->c, &w->t.env, &w->cfg);
    leave(w);
    if (err != QN_OK) {
        w->c = NULL;
        return err;
    }
    enter(w);
    qn_carrier_opened(w->c, 0);
    leave(w);
    htx_world_drain(w);
    return QN_OK;
}

/* The browser's part: nothing here is ever different from a visit until PROOF has opened. */
#include "htx/client.h"

#include "htx/tag.h"
#include "htx/watch.h"
#include "tls/numbers.h"

enum {
    CONTROL_MAX = 60 - 1 - QN_TAG, /* content of a record that the peer's hold lets pass */
    TAG_STEP_S = 10
};

#define WARM_AGAIN QN_SEC /* without memory for a request */

/* ---- beginning and end ----------------------------------------------------------------------- */

static void drop_hope(qn_htx_client *c)
{
    qn_htx_hope *hope = c->hope;

    if (hope == NULL)
        return;
    qn_htx_transcript_clear(&hope->heard);
    qn_htx_transcript_clear(&hope->sent);
    qn_wipe(hope, sizeof *hope);
    qn_mem_put(&c->env->mem, hope, sizeof *hope);
    c->hope = NULL;
}

/* The origin connection is over, whatever becomes of the carrier. */
static void drop_browser(qn_htx_client *c)
{
    if (c->h2 != NULL)
        qn_h2_free(c->h2);
    qn_tls_destroy(c->tls);
    qn_block_drop(c->traffic.part.block);
    c->traffic.part = (qn_piece){0};
    c->h2 = NULL;
    c->tls = NULL;
}

void qn_htx_browser_clear(qn_htx_client *c)
{
    drop_hope(c);
    drop_browser(c);
}

void qn_htx_browser_give_up(qn_htx_client *c)
{
    drop_hope(c);
    qn_htx_client_phase(c, QN_HTX_VISITOR, c->env->now + c->idle);
}

static bool offers_hybrid(const qn_tls_profile *profile)
{
    for (unsigned i = 0; i < profile->share_n; i++)
        if (profile->share[i] == QN_TLS_HYBRID)
            return true;
    return false;
}

static qn_err make_tag(qn_htx_client *c, const qn_carrier_cfg *cfg)
{
    const qn_tls_shares *secrets = qn_tls_secrets(c->tls);
    qn_slice hello = qn_tls_prologue(c->tls);
    qn_htx_tag_cfg tag = {.place.peer = cfg->responder,
                          .mirror = cfg->htx->mirror,
                          .own = cfg->own_key,
                          .own_pub = cfg->own_public,
                          .e = secrets->x25519,
                          .e_pub = &secrets->x25519_pub};
    int64_t at = c->env->wall + cfg->htx->ahead;
    qn_htx_tag said = {.requests = c->plan.requests,
                       .second = c->plan.second,
                       .time = (uint32_t)(at - at % TAG_STEP_S)};
    uint8_t copy[QN_TLS_HELLO_MAX];
    qn_err err;

    memcpy(tag.place.network, cfg->network, sizeof tag.place.network);
    if (cfg->psk != NULL)
        tag.psk = *cfg->psk;
    qn_rng_fill(c->env, said.nonce, sizeof said.nonce);
    memcpy(copy, hello.p, hello.n);
    err = qn_htx_tag_seal(&c->hope->noise, c->env, &tag, &said, copy, hello.n);
    qn_wipe(&tag, sizeof tag);
    if (err != QN_OK)
        return err == QN_AUTH ? QN_CONFIG : err;
    memcpy(c->hope->session_id, copy + QN_TLS_HELLO_SESSION_ID, sizeof c->hope->session_id);
    c->hope->hybrid = offers_hybrid(cfg->htx->tls);
    if (c->hope->hybrid)
        c->hope->mlkem = secrets->dk;
    if (c->tally != NULL)
        c->tally->dh += cfg->own_public == NULL ? 3 : 2; /* public keys: e, s; es */
    return qn_htx_lock_proof(&c->hope->proof, c->env, &c->hope->noise);
}

static qn_err make_hope(qn_htx_client *c, const qn_carrier_cfg *cfg)
{
    qn_htx_hope *hope = qn_mem_get(&c->env->mem, sizeof *hope);
    qn_err err;

    if (hope == NULL)
        return QN_NOMEM;
    c->hope = hope;
    hope->responder = cfg->responder;
    hope->own_id = cfg->own_id;
    hope->vouch = cfg->vouch;
    hope->claim = cfg->claim;
    hope->max_record = cfg->htx->max_record;
    err = qn_htx_transcript_init(&hope->heard, c->env);
    if (err == QN_OK)
        err = qn_htx_transcript_init(&hope->sent, c->env);
    return err == QN_OK ? make_tag(c, cfg) : err;
}

/* Tickets of this peer and origin only: one shown elsewhere would link both connections. */
static qn_err find_ticket(qn_htx_client *c, const qn_carrier_cfg *cfg, qn_tls_ticket *ticket,
                          bool *found)
{
    const qn_htx_target *target = cfg->htx;
    qn_slice peer = qn_slice_of(cfg->responder.b, sizeof cfg->responder.b);
    qn_err err = qn_tls_tickets_key(c->env, peer, target->tls, target->name, &c->place);

    c->tickets = target->tickets;
    *found = err == QN_OK &&
             qn_tls_tickets_take(c->tickets, &c->place, target->tls, c->env->now, ticket);
    return err;
}

qn_err qn_htx_browser_init(qn_htx_client *c, const qn_carrier_cfg *cfg)
{
    const qn_htx_target *target = cfg->htx;
    qn_tls_cfg tls = {.profile = target->tls, .roots = target->roots, .name = target->name};
    qn_tls_ticket ticket;
    bool resumes = false;
    qn_err err = QN_OK;

    if (target->name.n == 0 || target->name.n > sizeof c->name)
        return QN_CONFIG;
    c->name_n = (uint8_t)target->name.n;
    memcpy(c->name, target->name.p, target->name.n);
    c->tls_profile = target->tls;
    c->h2_profile = target->h2;
    c->shape_profile = target->shape;
    c->idle = target->idle;
    err = qn_htx_warm_init(&c->warm, target);
    if (err != QN_OK)
        return err;
    if (target->tickets != NULL)
        err = find_ticket(c, cfg, &ticket, &resumes);
    if (resumes)
        tls.ticket = &ticket;
    if (err == QN_OK)
        err = qn_htx_plan_make(&c->plan, c->env, target, resumes);
    if (err == QN_OK)
        err = qn_tls_create(&c->tls, c->env, &tls);
    if (resumes)
        qn_wipe(&ticket, sizeof ticket);
    return err == QN_OK ? make_hope(c, cfg) : err;
}

qn_err qn_htx_browser_start(qn_htx_client *c)
{
    qn_err err = qn_tls_start(c->tls, c->hope->session_id);

    qn_htx_client_phase(c, QN_HTX_LOADING, c->env->now + QN_HTX_VISIT_MAX);
    return err == QN_OK ? qn_htx_browser_flush(c) : err;
}

/* ---- out ------------------------------------------------------------------------------------- */

/* Whole records leave: they are part of what message 3 vouches for. */
static qn_err note_sent(qn_htx_client *c, qn_slice s)
{
    for (size_t at = 0; at < s.n; at += QN_RECORD_HEADER + qn_get16(s.p + at + 3))
        c->hope->spoilt |= s.p[at] == QN_TLS_DATA && qn_get16(s.p + at + 3) == c->plan.second;
    return qn_htx_transcript_add(&c->hope->sent, s);
}

static qn_err send_records(qn_htx_client *c, qn_slice s)
{
    qn_err err;

    if (c->phase == QN_HTX_CARRYING)
        return qn_htx_carry_send(&c->traffic.carry, c->env, s);
    err = qn_queue_append(&c->out, c->env, s.p, s.n);
    return err == QN_OK && c->hope != NULL ? note_sent(c, s) : err;
}

static qn_err move_records(qn_htx_client *c)
{
    const qn_queue *to = c->phase == QN_HTX_CARRYING ? &c->traffic.carry.out : &c->out;
    qn_err err = QN_OK;
    qn_slice v;

    while (err == QN_OK && to->bytes < QN_TLS_OUT_MAX && qn_tls_peek(c->tls, &v, 1) > 0) {
        err = send_records(c, v);
        if (err == QN_OK)
            qn_tls_consume(c->tls, v.n);
    }
    return err;
}

/* A write is a record; but while PROOF may come, only those the hold lets pass. */
qn_err qn_htx_browser_flush(qn_htx_client *c)
{
    size_t max = c->phase == QN_HTX_WAITING ? CONTROL_MAX : QN_RECORD_CONTENT_MAX;
    qn_err err = QN_OK;
    qn_slice w;

    if (c->tls == NULL)
        return QN_OK;
    while (c->h2 != NULL && err == QN_OK && (w = qn_h2_peek(c->h2)).n > 0) {
        w.n = QN_MIN(w.n, max);
        err = qn_tls_send(c->tls, w);
        if (err == QN_OK)
            qn_h2_consume(c->h2, w.n);
    }
    if (err != QN_OK && err != QN_FULL && err != QN_STATE)
        return err;
    return move_records(c);
}

/* ---- the two requests ------------------------------------------------------------------------ */

static qn_err request(qn_htx_client *c, qn_h2_kind kind, qn_slice path, uint32_t largest,
                      uint32_t *id)
{
    qn_err err = qn_h2_request(c->h2, kind, path, largest, id);

    if (err == QN_OK) {
        qn_htx_warm_asked(&c->warm, c->env, *id);
        c->heard = c->traffic.carry.got;
        c->largest = largest;
    }
    return err;
}

static qn_err ask(qn_htx_client *c, unsigned i, qn_h2_kind kind, uint32_t *id)
{
    return request(c, kind, qn_slice_of(c->plan.path[i], c->plan.path_n[i]), c->plan.largest[i],
                   id);
}

qn_err qn_htx_browser_warm(qn_htx_client *c)
{
    qn_slice path = qn_slice_of(c->warm.path, c->warm.path_n);
    qn_h2_kind kind = c->warm.document ? QN_H2_DOCUMENT : qn_h2_kind_of(path);
    uint32_t id;
    qn_err err;

    if (c->h2 == NULL || c->env->now < qn_htx_warm_due(&c->warm))
        return QN_OK;
    err = request(c, kind, path, c->warm.largest, &id);
    if (err == QN_NOMEM)
        c->warm.at = c->env->now + WARM_AGAIN;
    else if (err != QN_OK) /* the origin wants no more, and will end it */
        c->warm.at = QN_NEVER;
    return err == QN_NOMEM ? err : QN_OK;
}

static qn_err on_established(qn_htx_client *c, const qn_tls_event *ev)
{
    qn_h2_cfg cfg = {.profile = c->h2_profile,
                     .authority = qn_slice_of(c->name, c->name_n),
                     .resumed = ev->resumed};
    qn_err err;

    if (ev->alpn.n != 2 || memcmp(ev->alpn.p, "h2", 2) != 0)
        return QN_PROTO;
    if (ev->retried) /* the peer has untied it: its tag was good for the first hello only */
        qn_htx_browser_give_up(c);
    err = qn_h2_new(&c->h2, c->env, &cfg);
    return err == QN_OK ? ask(c, 0, QN_H2_DOCUMENT, &c->page_id) : err;
}

/* A browser reads what it was given before it asks for more. Between named nodes no cover is
 * claimed (docs/limits.md), and others wait for the circuit that such a link begins: the shortest
 * will do. */
static qn_time draw_pause(const qn_htx_client *c)
{
    const uint16_t *pause = c->tls_profile->pause;
    uint32_t range = c->hope->claim ? 0 : (uint32_t)(pause[1] - pause[0]) * 1000;

    return pause[0] * QN_MS + qn_rng_below(c->env, range + 1) * QN_US;
}

static qn_err on_page(qn_htx_client *c, qn_err how)
{
    qn_err err = qn_htx_browser_flush(c);

    if (c->hope == NULL || err != QN_OK)
        return err;
    if (how != QN_OK || !c->healthy) {
        qn_htx_browser_give_up(c);
        return QN_OK;
    }
    c->ask_at = c->env->now + draw_pause(c);
    c->deadline = c->ask_at;
    return QN_OK;
}

qn_err qn_htx_browser_ask(qn_htx_client *c)
{
    bool planned = !c->hope->spoilt;
    qn_err err = ask(c, 1, qn_htx_plan_kind(&c->plan), &c->second_id);

    c->ask_at = 0;
    if (err != QN_OK)
        return err;
    planned = planned && QN_HTX_SEALED(qn_h2_peek(c->h2).n) == c->plan.second;
    err = qn_htx_browser_flush(c);
    if (err != QN_OK)
        return err;
    if (planned)
        qn_htx_client_phase(c, QN_HTX_WAITING, c->env->now + QN_HTX_VISIT_MAX);
    else /* the peer waits for another length */
        qn_htx_browser_give_up(c);
    return QN_OK;
}

static qn_err on_answer(qn_htx_client *c, const qn_h2_event *ev)
{
    switch (ev->type) {
    case QN_H2_RESPONSE:
        if (ev->id == c->page_id)
            c->healthy = qn_h2_healthy(ev->status);
        if (ev->date != 0) {
            c->dated = true;
            c->ahead = ev->date - c->env->wall;
        }
        return QN_OK;
    case QN_H2_DONE:
        qn_htx_warm_answered(&c->warm, ev->id);
        if (ev->id == c->page_id)
            return on_page(c, ev->err);
        if (c->phase == QN_HTX_WAITING)
            qn_htx_browser_give_up(c);
        return QN_OK;
    case QN_H2_GOAWAY:
        if (c->phase == QN_HTX_LOADING)
            qn_htx_browser_give_up(c);
        return QN_OK;
    case QN_H2_FAILED:
        return ev->err;
    case QN_H2_BODY:
        return QN_OK;
    }
    return QN_INTERNAL;
}

static qn_err on_bytes(qn_htx_client *c, qn_slice s)
{
    return c->h2 != NULL ? qn_h2_push(c->h2, s) : QN_GONE;
}

/* An origin that closes is answered by Firefox, unless the connection is no longer the origin's. */
static qn_err answer_close(qn_htx_client *c)
{
    if (!c->tls_profile->farewell || c->h2 == NULL || c->phase == QN_HTX_CARRYING)
        return QN_OK;
    for (qn_slice w; (w = qn_h2_peek(c->h2)).n > 0;) /* too late for these */
        qn_h2_consume(c->h2, w.n);
    qn_h2_leave(c->h2);
    return qn_tls_answer_close(c->tls, qn_h2_peek(c->h2));
}

qn_err qn_htx_browser_leave(qn_htx_client *c)
{
    qn_err err;

    if (!c->tls_profile->farewell || c->h2 == NULL)
        return QN_OK;
    qn_h2_leave(c->h2);
    err = qn_htx_browser_flush(c);
    if (err == QN_OK)
        err = qn_tls_close(c->tls);
    return err == QN_OK ? qn_htx_browser_flush(c) : err;
}

static qn_err on_tls(qn_htx_client *c, const qn_tls_event *ev)
{
    qn_err err;

    switch (ev->type) {
    case QN_TLS_ESTABLISHED:
        return on_established(c, ev);
    case QN_TLS_BYTES:
        err = on_bytes(c, qn_slice_of(qn_piece_data(&ev->piece), ev->piece.len));
        qn_block_drop(ev->piece.block);
        return err;
    case QN_TLS_TICKET:
        if (c->tickets != NULL)
            qn_tls_tickets_put(c->tickets, &c->place, &ev->ticket);
        return QN_OK;
    case QN_TLS_ENDED:
        if (ev->err != QN_OK)
            return ev->err;
        err = answer_close(c);
        return err == QN_OK ? QN_GONE : err;
    }
    return QN_INTERNAL;
}

static qn_err take_events(qn_htx_client *c)
{
    qn_tls_event said;
    qn_h2_event ev;
    qn_err err = QN_OK;

    while (err == QN_OK && qn_tls_next(c->tls, &said))
        err = on_tls(c, &said);
    while (err == QN_OK && c->h2 != NULL && qn_h2_next(c->h2, &ev))
        err = on_answer(c, &ev);
    return err;
}

/* The last word of the browser (an alert, GOAWAY) goes out even when its connection ends. */
static qn_err drain(qn_htx_client *c)
{
    qn_err err = take_events(c), sent = qn_htx_browser_flush(c);

    if (sent != QN_OK && err == QN_OK)
        err = sent;
    if (err == QN_OK || c->phase != QN_HTX_CARRYING || qn_err_band(err) == QN_BAND_OURS)
        return err;
    drop_browser(c); /* the link goes on without it */
    qn_htx_carry_end(&c->traffic.carry, false, 0);
    return QN_OK;
}

/* ---- PROOF ----------------------------------------------------------------------------------- */

/* As long as one of the profile's requests that has room for it, drawn: the length of the visit's
 * last request once more, each time, would tell a link from a page. */
static size_t final_size(const qn_htx_client *c, size_t content)
{
    const qn_shape_profile *p = c->shape_profile;
    size_t least = QN_MAX(QN_HTX_SEALED(content), (size_t)QN_HTX_FINAL_MIN);
    uint32_t at = 0;

    while (at < p->request_n && p->request[at] < least)
        at++;
    if (at < p->request_n)
        least = p->request[at + qn_rng_below(c->env, p->request_n - at)];
    return QN_RECORD_HEADER + least;
}

static qn_err send_final(qn_htx_client *c)
{
    qn_htx_hope *hope = c->hope;
    qn_choice choice = {.claim = hope->claim,
                        .id = hope->own_id,
                        .vouch = hope->vouch,
                        .cipher = QN_TERMS_CHACHA20_POLY1305};
    uint8_t content[QN_HTX_FINAL_CONTENT_MAX];
    qn_htx_lock lock;
    qn_hash sent;
    qn_piece piece = {0};
    size_t n;
    qn_err err = qn_htx_lock_final(&lock, c->env, &hope->noise);

    if (err == QN_OK)
        err = qn_htx_transcript_hash(&hope->sent, c->env, &sent);
    if (err == QN_OK)
        err = qn_htx_final_write(&hope->noise, c->env, &sent, &choice, content, &n);
    if (err == QN_OK) {
        piece.len = (uint32_t)final_size(c, n);
        piece.block = qn_block_get(c->env, piece.len);
        err = piece.block == NULL ? QN_NOMEM : QN_OK;
    }
    if (err == QN_OK)
        err =
            qn_htx_lock_seal(&lock, c->env, qn_slice_of(content, n), piece.block->data, piece.len);
    if (err == QN_OK)
        err = qn_queue_push(&c->out, &c->env->mem, piece);
    if (err != QN_OK)
        qn_block_drop(piece.block);
    qn_wipe(&lock, sizeof lock);
    return err;
}

/* From here on only QNet's keys count. */
static qn_err switch_over(qn_htx_client *c, const qn_terms *offer)
{
    qn_htx_hope *hope = c->hope;
    qn_established est = {.known = true,
                          .peer = hope->responder,
                          .peer_key = hope->noise.rs,
                          .vouch = offer->vouch,
                          .max_record = offer->max_record,
                          .wall = offer->time,
                          .features = offer->features};
    qn_err err = send_final(c);

    if (err == QN_OK)
        err = qn_terms_split(&hope->noise, c->env, &c->traffic.tx, &c->traffic.rx, &est.resume);
    if (err != QN_OK)
        return err;
    est.hash = *qn_noise_hash(&hope->noise);
    c->est = est;
    c->est_due = true;
    qn_htx_traffic_begin(&c->traffic, &(qn_shape_cfg){.profile = c->shape_profile,
                                                      .client = true,
                                                      .relays = hope->claim,
                                                      .max_record = offer->max_record,
                                                      .pick = est.hash.b[0]});
    if (c->tally != NULL) {
        c->tally->dh += 2; /* ee, se */
        c->tally->handshakes++;
    }
    c->named = hope->claim;
    drop_hope(c);
    qn_htx_client_phase(c, QN_HTX_CARRYING, QN_NEVER);
    return QN_OK;
}

static qn_err read_proof(qn_htx_client *c, const uint8_t *record, size_t n, uint8_t *plain,
                         qn_terms *offer)
{
    qn_htx_hope *hope = c->hope;
    qn_hash heard;
    size_t got;
    qn_err err = qn_htx_lock_open(&hope->proof, c->env, record, n, plain, &got);

    if (err == QN_OK)
        err = qn_htx_transcript_hash(&hope->heard, c->env, &heard);
    if (err == QN_OK)
        err = qn_htx_proof_read(&hope->noise, c->env, &heard, hope->hybrid ? &hope->mlkem : NULL,
                                qn_slice_of(plain, got), offer);
    if (err == QN_OK && offer->max_record > hope->max_record)
        err = QN_PROTO;
    return err;
}

/* A record that is not the origin's. QN_OK: it was PROOF, and we have switched. */
static qn_err try_proof(qn_htx_client *c, const uint8_t *record, size_t n)
{
    qn_terms offer;
    qn_block *b;
    qn_err err;

    if (c->phase != QN_HTX_WAITING || n < QN_RECORD_HEADER + QN_HTX_PROOF_MIN)
        return QN_AUTH;
    b = qn_block_get(c->env, n);
    if (b == NULL)
        return QN_NOMEM;
    err = read_proof(c, record, n, b->data, &offer);
    qn_block_drop(b);
    return err == QN_OK ? switch_over(c, &offer) : err;
}

/* ---- in -------------------------------------------------------------------------------------- */

qn_err qn_htx_browser_record(qn_htx_client *c, const uint8_t *record, size_t n)
{
    bool carried = c->phase == QN_HTX_CARRYING;
    qn_err err = qn_tls_record(c->tls, record, n);

    if (err == QN_AUTH && !carried) {
        err = try_proof(c, record, n);
        if (err == QN_OK)
            return QN_OK;
    }
    if (err != QN_OK && qn_err_band(err) != QN_BAND_PEER && err != QN_STATE)
        return err;
    if (err != QN_OK)
        qn_tls_damaged(c->tls);
    if (c->hope != NULL) {
        err = qn_htx_transcript_add(&c->hope->heard, qn_slice_of(record, n));
        if (err != QN_OK)
            return err;
    }
    return drain(c);
}

qn_err qn_htx_browser_misframed(qn_htx_client *c, qn_err err)
{
    qn_err ended;

    qn_tls_misframed(c->tls, err);
    ended = drain(c);
    return ended != QN_OK ? ended : err;
}

qn_err qn_htx_browser_eof(qn_htx_client *c)
{
    qn_tls_eof(c->tls);
    return drain(c);
}

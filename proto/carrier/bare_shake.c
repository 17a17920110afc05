/*
 * The bare handshake: Noise XKpsk0, each message in the shell of a record.
 *
 *     1 -> e, es    empty                                              48 bytes
 *     2 <- e, ee    version u8 (1), time u32, max record u16,
 *                   ciphers u8 (bit 0: ChaCha20-Poly1305), features u16,
 *                   vouch                                            154
 *     3 -> s, se    flags u8 (bit 0: a PeerID follows), [PeerID 32, vouch],
 *                   cipher u8 (0: the bit's number)                  66 or 194
 */
#include "carrier/bare.h"

#include "carrier/terms.h"

static void count_dh(qn_bare *c, unsigned n)
{
    if (c->tally != NULL)
        c->tally->dh += n;
}

qn_err qn_bare_shake_init(qn_bare *c, const qn_carrier_cfg *cfg)
{
    static const char name[12] = "qnet-bare-v1"; /* without the NUL */
    uint8_t prologue[sizeof name + 32 + 32];
    qn_bare_shake *s = qn_mem_get(&c->env->mem, sizeof *s);

    if (s == NULL)
        return QN_NOMEM;
    c->shake = s;
    s->responder = cfg->responder;
    s->responder_key = cfg->responder_key;
    s->own_id = cfg->own_id;
    s->vouch = cfg->vouch;
    s->claim = cfg->claim;
    memcpy(prologue, name, sizeof name);
    memcpy(prologue + sizeof name, cfg->network, 32);
    memcpy(prologue + sizeof name + 32, cfg->responder.b, 32);
    count_dh(c, cfg->own_public == NULL ? 1 : 0);
    return qn_noise_init(&s->noise, c->env,
                         &(qn_noise_cfg){.pattern = &qn_noise_xkpsk0,
                                         .initiator = cfg->initiator,
                                         .prologue = qn_slice_of(prologue, sizeof prologue),
                                         .s = &cfg->own_key,
                                         .s_pub = cfg->own_public,
                                         .rs = cfg->initiator ? &cfg->responder_key : NULL,
                                         .psk = cfg->psk});
}

void qn_bare_shake_free(qn_bare *c)
{
    if (c->shake == NULL)
        return;
    qn_noise_clear(&c->shake->noise);
    qn_wipe(c->shake, sizeof *c->shake);
    qn_mem_put(&c->env->mem, c->shake, sizeof *c->shake);
    c->shake = NULL;
}

static qn_err send_message(qn_bare *c, qn_slice payload)
{
    uint8_t record[QN_RECORD_HEADER + QN_BARE_MESSAGE_MAX] = {0x17, 0x03, 0x03};
    size_t n = qn_noise_size(&c->shake->noise, payload.n);
    qn_err err;

    QN_ASSERT(n <= QN_BARE_MESSAGE_MAX);
    qn_put16(record + 3, (uint16_t)n);
    err = qn_noise_write(&c->shake->noise, c->env, payload, record + QN_RECORD_HEADER);
    if (err != QN_OK)
        return err;
    return qn_queue_append(&c->out, c->env, record, QN_RECORD_HEADER + n);
}

qn_err qn_bare_shake_start(qn_bare *c)
{
    count_dh(c, 2); /* e, es */
    return send_message(c, qn_slice_of(NULL, 0));
}

/* Both sides know every secret: record keys, the resume secret, and no handshake state any more. */
static qn_err establish(qn_bare *c, qn_established *est)
{
    const qn_noise *x = &c->shake->noise;
    qn_err err = qn_terms_split(x, c->env, &c->tx, &c->rx, &est->resume);

    if (err != QN_OK)
        return err;
    est->hash = *qn_noise_hash(x);
    est->max_record = c->max_record;
    if (c->tally != NULL)
        c->tally->handshakes++;
    qn_bare_shake_free(c);
    return QN_OK;
}

/* ---- the responder --------------------------------------------------------------------------- */

static qn_err read_first(qn_bare *c, qn_slice body)
{
    const qn_terms terms = {.time = (uint32_t)c->env->wall,
                            .max_record = c->max_record,
                            .ciphers = 1u << QN_TERMS_CHACHA20_POLY1305,
                            .vouch = c->shake->vouch};
    uint8_t none[QN_BARE_MESSAGE_MAX], reply[QN_TERMS_SIZE];
    size_t n;
    qn_err err;

    count_dh(c, 1); /* es: all a stranger costs */
    err = qn_noise_read(&c->shake->noise, c->env, body, none, &n);
    if (err != QN_OK)
        return err;
    if (n != 0)
        return QN_PROTO;
    qn_terms_put(&terms, reply);
    count_dh(c, 2); /* e, ee */
    err = send_message(c, qn_slice_of(reply, sizeof reply));
    return err == QN_OK ? QN_AGAIN : err;
}

static qn_err read_final(qn_bare *c, qn_slice body, qn_established *est)
{
    uint8_t p[QN_BARE_MESSAGE_MAX];
    qn_established got = {0};
    qn_choice choice;
    size_t n;
    qn_err err;

    count_dh(c, 1); /* se */
    err = qn_noise_read(&c->shake->noise, c->env, body, p, &n);
    if (err != QN_OK)
        return err;
    err = qn_choice_get(&choice, qn_slice_of(p, n), 1u << QN_TERMS_CHACHA20_POLY1305);
    if (err != QN_OK || choice.frames.n > 0)
        return QN_PROTO;
    got.known = choice.claim;
    got.peer = choice.id;
    got.vouch = choice.vouch;
    got.peer_key = c->shake->noise.rs;
    *est = got;
    return establish(c, est);
}

/* ---- the initiator --------------------------------------------------------------------------- */

static qn_err send_final(qn_bare *c)
{
    const qn_choice choice = {.claim = c->shake->claim,
                              .id = c->shake->own_id,
                              .vouch = c->shake->vouch,
                              .cipher = QN_TERMS_CHACHA20_POLY1305};
    uint8_t p[QN_CHOICE_MAX];
    size_t n = qn_choice_put(&choice, p);

    count_dh(c, 1); /* se */
    return send_message(c, qn_slice_of(p, n));
}

static qn_err read_reply(qn_bare *c, qn_slice body, qn_established *est)
{
    qn_established got = {
        .known = true, .peer = c->shake->responder, .peer_key = c->shake->responder_key};
    uint8_t p[QN_BARE_MESSAGE_MAX];
    qn_terms terms;
    size_t n;
    qn_err err;

    count_dh(c, 1); /* ee */
    err = qn_noise_read(&c->shake->noise, c->env, body, p, &n);
    if (err == QN_OK)
        err = qn_terms_get(&terms, qn_slice_of(p, n));
    if (err == QN_OK)
        err = send_final(c);
    if (err != QN_OK)
        return err;
    got.wall = terms.time;
    got.features = terms.features;
    got.vouch = terms.vouch;
    c->max_record = got.max_record = terms.max_record;
    *est = got;
    return establish(c, est);
}

qn_err qn_bare_shake_read(qn_bare *c, qn_slice body, qn_established *est)
{
    if (c->initiator)
        return read_reply(c, body, est);
    return c->shake->noise.step == 0 ? read_first(c, body) : read_final(c, body, est);
}

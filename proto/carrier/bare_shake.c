/*
 * The bare handshake: Noise XKpsk0, each message in the shell of a record.
 *
 *     1 -> e, es    empty                                              48 bytes
 *     2 <- e, ee    version u8 (1), time u32, max record u16,
 *                   ciphers u8 (bit 0: ChaCha20-Poly1305), features u16  58
 *     3 -> s, se    flags u8 (bit 0: a PeerID follows), [PeerID 32],
 *                   cipher u8 (0: the bit's number)                  66 or 98
 */
#include "carrier/bare.h"

enum { VERSION = 1, CIPHER_CHACHA = 0, FLAG_PEERID = 1, REPLY_SIZE = 10, FINAL_MAX = 34 };

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
    static const char label[] = "qnet htx v1 resume"; /* one label for every kind of carrier */
    const qn_noise *x = &c->shake->noise;
    qn_key first, second;
    qn_err err = qn_noise_split(x, c->env, &first, &second);

    if (err == QN_OK)
        err = qn_record_keys_init(&c->tx, c->env, c->initiator ? &first : &second);
    if (err == QN_OK)
        err = qn_record_keys_init(&c->rx, c->env, c->initiator ? &second : &first);
    if (err == QN_OK)
        err = qn_hkdf_expand(c->env, &x->ck, qn_slice_of(label, sizeof label - 1), est->resume.b,
                             sizeof est->resume.b);
    qn_wipe(&first, sizeof first);
    qn_wipe(&second, sizeof second);
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
    uint8_t none[QN_BARE_MESSAGE_MAX], reply[REPLY_SIZE] = {VERSION};
    size_t n;
    qn_err err;

    count_dh(c, 1); /* es: all a stranger costs */
    err = qn_noise_read(&c->shake->noise, c->env, body, none, &n);
    if (err != QN_OK)
        return err;
    if (n != 0)
        return QN_PROTO;
    qn_put32(reply + 1, (uint32_t)c->env->wall);
    qn_put16(reply + 5, c->max_record);
    reply[7] = 1u << CIPHER_CHACHA;
    count_dh(c, 2); /* e, ee */
    err = send_message(c, qn_slice_of(reply, sizeof reply));
    return err == QN_OK ? QN_AGAIN : err;
}

static qn_err read_final(qn_bare *c, qn_slice body, qn_established *est)
{
    uint8_t p[QN_BARE_MESSAGE_MAX];
    qn_established got = {0};
    size_t n;
    qn_err err;

    count_dh(c, 1); /* se */
    err = qn_noise_read(&c->shake->noise, c->env, body, p, &n);
    if (err != QN_OK)
        return err;
    if (n < 2 || (p[0] & ~FLAG_PEERID) != 0)
        return QN_PROTO;
    got.known = (p[0] & FLAG_PEERID) != 0;
    if (n != (got.known ? FINAL_MAX : 2u) || p[n - 1] != CIPHER_CHACHA)
        return QN_PROTO;
    if (got.known)
        memcpy(got.peer.b, p + 1, sizeof got.peer.b);
    got.peer_key = c->shake->noise.rs;
    *est = got;
    return establish(c, est);
}

/* ---- the initiator --------------------------------------------------------------------------- */

static qn_err parse_reply(const uint8_t *p, size_t n, qn_established *got)
{
    if (n < 1)
        return QN_PROTO;
    if (p[0] != VERSION)
        return QN_VERSION;
    if (n != REPLY_SIZE || (p[7] & 1u << CIPHER_CHACHA) == 0)
        return QN_PROTO;
    got->wall = qn_get32(p + 1);
    got->max_record = qn_get16(p + 5);
    got->features = qn_get16(p + 8);
    if (got->max_record < QN_RECORD_CONTENT_MIN || got->max_record > QN_RECORD_CONTENT_MAX)
        return QN_PROTO;
    return QN_OK;
}

static qn_err send_final(qn_bare *c)
{
    uint8_t p[FINAL_MAX] = {0};
    size_t n = 1;

    if (c->shake->claim) {
        p[0] = FLAG_PEERID;
        memcpy(p + 1, c->shake->own_id.b, 32);
        n += 32;
    }
    p[n++] = CIPHER_CHACHA;
    count_dh(c, 1); /* se */
    return send_message(c, qn_slice_of(p, n));
}

static qn_err read_reply(qn_bare *c, qn_slice body, qn_established *est)
{
    qn_established got = {
        .known = true, .peer = c->shake->responder, .peer_key = c->shake->responder_key};
    uint8_t p[QN_BARE_MESSAGE_MAX];
    size_t n;
    qn_err err;

    count_dh(c, 1); /* ee */
    err = qn_noise_read(&c->shake->noise, c->env, body, p, &n);
    if (err == QN_OK)
        err = parse_reply(p, n, &got);
    if (err == QN_OK)
        err = send_final(c);
    if (err != QN_OK)
        return err;
    c->max_record = got.max_record;
    *est = got;
    return establish(c, est);
}

qn_err qn_bare_shake_read(qn_bare *c, qn_slice body, qn_established *est)
{
    if (c->initiator)
        return read_reply(c, body, est);
    return c->shake->noise.step == 0 ? read_first(c, body) : read_final(c, body, est);
}

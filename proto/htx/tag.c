#include "htx/tag.h"

#include "base/limits.h"
#include "htx/replay.h"

enum { VERSION = 1, REQUESTS_MIN = 3, REQUESTS_MAX = 8, SESSION_ID = 32 };

static const char domain[] = "qnet-htx-mirror-v1";

#define PROLOGUE_MAX (sizeof domain - 1 + 64 + QN_TLS_HELLO_MAX)

void qn_htx_tag_put(const qn_htx_tag *t, uint8_t out[QN_HTX_TAG_PAYLOAD])
{
    out[0] = VERSION;
    out[1] = 0;
    out[2] = t->requests;
    out[3] = 0;
    qn_put32(out + 4, t->time);
    qn_put16(out + 8, t->second);
    memcpy(out + 10, t->nonce, sizeof t->nonce);
}

qn_err qn_htx_tag_get(qn_htx_tag *t, const uint8_t in[QN_HTX_TAG_PAYLOAD])
{
    uint8_t requests = in[2];
    uint16_t second = qn_get16(in + 8);

    if (in[0] != VERSION)
        return QN_VERSION;
    if (in[1] != 0 || in[3] != 0 || requests < REQUESTS_MIN || requests > REQUESTS_MAX ||
        second < QN_HTX_SECOND_MIN || second > QN_RECORD_BODY_MAX)
        return QN_PROTO;
    *t = (qn_htx_tag){.requests = requests, .second = second, .time = qn_get32(in + 4)};
    memcpy(t->nonce, in + 10, sizeof t->nonce);
    return QN_OK;
}

/* What C may use: from its oldest by a clock that is behind, to its newest by one that is ahead. */
unsigned qn_htx_tag_epochs(const qn_peerid *id, int64_t wall, uint32_t epochs[QN_HTX_TRIED_MAX])
{
    uint32_t first = qn_htx_epoch(id, wall - QN_HTX_TAG_SKEW_S);
    uint32_t last = qn_htx_epoch(id, wall + QN_HTX_TAG_SKEW_S);
    unsigned n = 0;

    for (uint32_t e = last; n < QN_HTX_TRIED_MAX && e + QN_HTX_EPOCH_KEPT >= first; e--) {
        epochs[n++] = e;
        if (e == 0)
            break;
    }
    return n;
}

/* Returns the length. message: at most QN_TLS_HELLO_MAX bytes of hello, up to its cut. */
static size_t make_prologue(const qn_htx_place *place, qn_slice message, uint8_t out[PROLOGUE_MAX])
{
    uint8_t *p = out;

    QN_ASSERT(message.n >= QN_TLS_HELLO_SESSION_ID + SESSION_ID && message.n <= QN_TLS_HELLO_MAX);
    memcpy(p, domain, sizeof domain - 1);
    p += sizeof domain - 1;
    memcpy(p, place->network, sizeof place->network);
    p += sizeof place->network;
    memcpy(p, place->peer.b, sizeof place->peer.b);
    p += sizeof place->peer.b;
    memcpy(p, message.p, message.n);
    memset(p + QN_TLS_HELLO_SESSION_ID, 0, SESSION_ID);
    return (size_t)(p - out) + message.n;
}

/* ---- C ----------------------------------------------------------------------------------------
 */

static qn_err seal(qn_noise *x, qn_env *env, const qn_noise_cfg *cfg, const qn_htx_tag *tag,
                   uint8_t session_id[SESSION_ID])
{
    uint8_t payload[QN_HTX_TAG_PAYLOAD], message[32 + SESSION_ID];
    qn_err err = qn_noise_init(x, env, cfg);

    qn_htx_tag_put(tag, payload);
    if (err == QN_OK)
        err = qn_noise_write(x, env, qn_slice_of(payload, sizeof payload), message);
    if (err == QN_OK)
        memcpy(session_id, message + 32, SESSION_ID); /* e is in the hello already */
    else
        qn_noise_clear(x);
    return err;
}

qn_err qn_htx_tag_seal(qn_noise *x, qn_env *env, const qn_htx_tag_cfg *cfg, const qn_htx_tag *tag,
                       uint8_t *hello, size_t cut)
{
    uint8_t prologue[PROLOGUE_MAX];
    qn_noise_cfg noise = {.pattern = &qn_noise_xkpsk0,
                          .initiator = true,
                          .s = &cfg->own,
                          .s_pub = cfg->own_pub,
                          .rs = &cfg->mirror,
                          .e = &cfg->e,
                          .e_pub = cfg->e_pub,
                          .psk = &cfg->psk};

    noise.prologue =
        qn_slice_of(prologue, make_prologue(&cfg->place, qn_slice_of(hello, cut), prologue));
    return seal(x, env, &noise, tag, hello + QN_TLS_HELLO_SESSION_ID);
}

/* ---- P ----------------------------------------------------------------------------------------
 */

/* One hello as Noise sees it, and what has opened so far. */
typedef struct trial {
    qn_slice prologue;
    uint8_t message[32 + SESSION_ID];
    qn_dh_public e;
    qn_noise *x; /* the handshake that opened */
    bool opened;
    uint8_t payload[QN_HTX_TAG_PAYLOAD];
} trial;

static qn_err try_psk(trial *t, qn_env *env, const qn_noise *base, const qn_key *psk,
                      const qn_key *es)
{
    uint8_t payload[QN_HTX_TAG_PAYLOAD];
    qn_noise x = *base;
    size_t n;
    qn_err err;

    qn_noise_try(&x, psk, es);
    err = qn_noise_read(&x, env, qn_slice_of(t->message, sizeof t->message), payload, &n);
    if (err == QN_OK) {
        *t->x = x;
        memcpy(t->payload, payload, sizeof payload);
        t->opened = true;
    }
    qn_noise_clear(&x);
    return err == QN_AUTH ? QN_OK : err;
}

/* A share of small order gives zero, and nothing opens under it; it is tried like any other. */
static qn_err try_key(trial *t, qn_env *env, const qn_htx_tag_judge *judge,
                      const qn_htx_mirror_key *key)
{
    qn_noise_cfg cfg = {.pattern = &qn_noise_xkpsk0,
                        .prologue = t->prologue,
                        .s = &key->secret,
                        .s_pub = &key->pub};
    qn_key es = {0};
    qn_noise base;
    bool zero = qn_dh(&key->secret, &t->e, &es) != QN_OK;
    qn_err err = qn_noise_init(&base, env, &cfg);

    for (unsigned i = 0; i < judge->psks_n && err == QN_OK; i++)
        err = try_psk(t, env, &base, &judge->psks[i], &es);
    if (zero)
        t->opened = false;
    qn_noise_clear(&base);
    qn_wipe(&es, sizeof es);
    return err;
}

static bool named(const qn_htx_tag_judge *judge, qn_slice name)
{
    bool found = false;

    for (unsigned i = 0; i < judge->names_n; i++)
        found |= judge->names[i].n == name.n && memcmp(judge->names[i].p, name.p, name.n) == 0;
    return found && name.n > 0;
}

static bool timely(const qn_env *env, const qn_htx_tag_judge *judge, uint32_t time)
{
    int64_t ahead = (int64_t)time - env->wall;

    return ahead >= -QN_HTX_TAG_SKEW_S && ahead <= QN_HTX_TAG_SKEW_S && time >= judge->floor;
}

static qn_err judge_trial(trial *t, qn_env *env, const qn_htx_tag_judge *judge,
                          const qn_tls_hello *hello, qn_htx_tag *tag)
{
    qn_htx_tag got = {0};
    qn_err err = QN_OK;

    for (unsigned i = 0; i < judge->keys_n && err == QN_OK; i++)
        err = try_key(t, env, judge, &judge->keys[i]);
    if (judge->tally != NULL)
        judge->tally->dh += judge->keys_n;
    if (err != QN_OK)
        return err;
    if (!t->opened || qn_htx_tag_get(&got, t->payload) != QN_OK || !timely(env, judge, got.time) ||
        !named(judge, hello->name))
        return QN_AUTH;
    *tag = got;
    return QN_OK;
}

qn_err qn_htx_tag_open(qn_noise *x, qn_env *env, const qn_htx_tag_judge *judge, qn_slice message,
                       const qn_tls_hello *hello, qn_htx_tag *tag)
{
    uint8_t prologue[PROLOGUE_MAX];
    trial t = {.x = x};
    qn_err err;

    qn_noise_clear(x);
    if (hello->x25519.n != 32 || hello->session_id.n != SESSION_ID || hello->early_data ||
        message.n > QN_TLS_HELLO_MAX)
        return QN_AUTH;
    t.prologue = qn_slice_of(
        prologue, make_prologue(&judge->place, qn_slice_of(message.p, hello->cut), prologue));
    memcpy(t.e.b, hello->x25519.p, 32);
    memcpy(t.message, hello->x25519.p, 32);
    memcpy(t.message + 32, hello->session_id.p, SESSION_ID);
    err = judge_trial(&t, env, judge, hello, tag);
    if (err != QN_OK)
        qn_noise_clear(x);
    return err;
}

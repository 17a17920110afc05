#include "htx/mirror.h"

#include "base/limits.h"
#include "htx/replay.h"

enum { VERSION = 1 };
#define ERASE_AFTER (600 * QN_SEC)
#define LOOK_AGAIN (3600 * QN_SEC)

static uint32_t epoch_of(const qn_htx_mirror *m, int64_t wall)
{
    return qn_htx_epoch(&m->id, wall);
}

void qn_htx_mirror_wipe(qn_htx_mirror *m)
{
    qn_wipe(m, sizeof *m);
}

static void take_out(qn_htx_mirror *m, unsigned i)
{
    unsigned behind = m->n - i - 1u;

    memmove(&m->key[i], &m->key[i + 1], behind * sizeof m->key[0]);
    memmove(&m->epoch[i], &m->epoch[i + 1], behind * sizeof m->epoch[0]);
    m->n--;
    qn_wipe(&m->key[m->n], sizeof m->key[0]);
}

static void put_in(qn_htx_mirror *m, uint32_t epoch, const qn_dh_secret *secret)
{
    unsigned i = m->n++;

    for (; i > 0 && m->epoch[i - 1] > epoch; i--) {
        m->key[i] = m->key[i - 1];
        m->epoch[i] = m->epoch[i - 1];
    }
    m->epoch[i] = epoch;
    m->key[i].secret = *secret;
    qn_dh_derive(secret, &m->key[i].pub);
}

static const qn_htx_mirror_key *find(const qn_htx_mirror *m, uint32_t epoch)
{
    for (unsigned i = 0; i < m->n; i++)
        if (m->epoch[i] == epoch)
            return &m->key[i];
    return NULL;
}

static bool needed(const qn_htx_mirror *m, uint32_t epoch, uint32_t now)
{
    return epoch + UINT64_C(1) + QN_HTX_EPOCH_KEPT >= now && epoch <= now + m->ahead;
}

/* A clock that was elsewhere for a while left keys behind, which give way: the latest first, since
 * a founder's series lies before them. Those of a clock that was behind are over, and go so. */
static void make_room(qn_htx_mirror *m, uint32_t now)
{
    for (unsigned i = m->n; m->n == QN_HTX_MIRROR_KEYS && i-- > 0;)
        if (!needed(m, m->epoch[i], now))
            take_out(m, i);
}

static bool make(qn_htx_mirror *m, qn_env *env, uint32_t epoch)
{
    qn_dh_secret secret;

    if (find(m, epoch) != NULL)
        return false;
    make_room(m, epoch_of(m, env->wall));
    qn_rng_fill(env, secret.b, sizeof secret.b);
    put_in(m, epoch, &secret);
    qn_wipe(&secret, sizeof secret);
    return true;
}

/* Nobody whose clock is near enough for a tag uses it then. */
static int64_t over_at(const qn_htx_mirror *m, uint32_t epoch)
{
    return qn_htx_epoch_start(&m->id, epoch) + (1 + QN_HTX_EPOCH_KEPT) * QN_HTX_EPOCH_S +
           QN_HTX_TAG_SKEW_S;
}

static bool erase(qn_htx_mirror *m, const qn_env *env)
{
    bool some = false;

    if (m->n == 0 || over_at(m, m->epoch[0]) > env->wall) {
        m->doomed = 0;
        return false;
    }
    if (m->doomed == 0)
        m->doomed = QN_MAX(env->now, (qn_time)1);
    if (env->now - m->doomed < ERASE_AFTER)
        return false;
    while (m->n > 0 && over_at(m, m->epoch[0]) <= env->wall) {
        take_out(m, 0);
        some = true;
    }
    m->doomed = 0;
    return some;
}

bool qn_htx_mirror_turn(qn_htx_mirror *m, qn_env *env)
{
    uint32_t now = epoch_of(m, env->wall);
    bool changed = erase(m, env);

    for (uint32_t ahead = 0; ahead <= m->ahead; ahead++)
        changed |= make(m, env, now + ahead);
    return changed;
}

qn_time qn_htx_mirror_due(const qn_htx_mirror *m, const qn_env *env)
{
    qn_time due = env->now + LOOK_AGAIN;
    int64_t next = qn_htx_epoch_start(&m->id, epoch_of(m, env->wall) + 1) - env->wall;

    if (next > 0 && next < 3600)
        due = env->now + (qn_time)next * QN_SEC;
    return m->doomed != 0 ? QN_MIN(due, m->doomed + ERASE_AFTER) : due;
}

uint8_t qn_htx_mirror_tried(const qn_htx_mirror *m, int64_t wall,
                            qn_htx_mirror_key out[QN_HTX_TRIED_MAX])
{
    uint32_t epochs[QN_HTX_TRIED_MAX];
    unsigned n = qn_htx_tag_epochs(&m->id, wall, epochs);
    uint8_t found = 0;

    qn_wipe(out, QN_HTX_TRIED_MAX * sizeof *out); /* a key that is over leaves its last copy here */
    for (unsigned i = 0; i < n; i++) {
        const qn_htx_mirror_key *k = find(m, epochs[i]);

        if (k != NULL)
            out[found++] = *k;
    }
    return found;
}

void qn_htx_mirror_show(const qn_htx_mirror *m, int64_t wall, unsigned most, qn_htx_card *card)
{
    card->keys_n = 0;
    for (unsigned i = 0; i < m->n && card->keys_n < most; i++)
        if (m->epoch[i] >= epoch_of(m, wall))
            card->key[card->keys_n++] =
                (qn_htx_card_key){.key = m->key[i].pub, .epoch = m->epoch[i]};
}

/* ---- the stored form: [version, used, [[epoch, secret], ...]] ---------------------------------
 */

qn_err qn_htx_mirror_save(const qn_htx_mirror *m, qn_span out, size_t *n)
{
    qn_cbor_w w;

    if (out.n < QN_HTX_MIRROR_FILE_MAX)
        return QN_CONFIG;
    qn_cbor_w_init(&w, out.p, out.n);
    qn_cbor_array(&w, 3);
    qn_cbor_uint(&w, VERSION);
    qn_cbor_bool(&w, m->used);
    qn_cbor_array(&w, m->n);
    for (unsigned i = 0; i < m->n; i++) {
        qn_cbor_array(&w, 2);
        qn_cbor_uint(&w, m->epoch[i]);
        qn_cbor_bytes(&w, m->key[i].secret.b, sizeof m->key[i].secret.b);
    }
    *n = w.n;
    return w.err == QN_OK ? QN_OK : QN_INTERNAL;
}

static qn_err get_keys(qn_htx_mirror *m, qn_cbor_r *r)
{
    uint64_t count = qn_cbor_get_array(r);

    if (count > QN_HTX_MIRROR_KEYS)
        return QN_LIMIT;
    for (uint64_t i = 0; i < count && r->err == QN_OK; i++) {
        uint64_t pair = qn_cbor_get_array(r), epoch = qn_cbor_get_uint(r);
        qn_dh_secret secret;

        qn_cbor_get_fixed(r, secret.b, sizeof secret.b);
        if (r->err == QN_OK &&
            (pair != 2 || epoch > UINT32_MAX || (i > 0 && epoch <= m->epoch[m->n - 1])))
            r->err = QN_PROTO;
        if (r->err == QN_OK)
            put_in(m, (uint32_t)epoch, &secret);
        qn_wipe(&secret, sizeof secret);
    }
    return qn_cbor_end(r);
}

qn_err qn_htx_mirror_init(qn_htx_mirror *m, qn_slice stored)
{
    qn_cbor_r r;
    qn_err err;

    *m = (qn_htx_mirror){0};
    if (stored.n == 0)
        return QN_OK;
    qn_cbor_r_init(&r, stored.p, stored.n);
    if (qn_cbor_get_array(&r) != 3 && r.err == QN_OK)
        r.err = QN_PROTO;
    if (qn_cbor_get_uint(&r) != VERSION && r.err == QN_OK)
        r.err = QN_VERSION;
    m->used = qn_cbor_get_bool(&r);
    err = r.err == QN_OK ? get_keys(m, &r) : r.err;
    if (err != QN_OK)
        qn_htx_mirror_wipe(m);
    return err;
}

/* ---- founding -------------------------------------------------------------------------------- */

qn_err qn_htx_found(qn_env *env, const qn_peerid *id, const qn_htx_origin *origin, unsigned epochs,
                    qn_span keys, size_t *keys_n, qn_span card, size_t *card_n)
{
    uint32_t now = qn_htx_epoch(id, env->wall);
    qn_htx_mirror m = {.id = *id};
    qn_htx_card shown;
    qn_cbor_w w;
    qn_err err = qn_htx_card_of(&shown, origin);

    if (err != QN_OK || epochs < 1 || epochs > QN_HTX_EPOCHS_MAX)
        return QN_CONFIG;
    for (uint32_t i = 0; i < epochs; i++)
        (void)make(&m, env, now + i);
    qn_htx_mirror_show(&m, env->wall, epochs, &shown);
    qn_cbor_w_init(&w, card.p, card.n);
    qn_htx_card_put(&w, &shown);
    err = w.err == QN_OK ? qn_htx_mirror_save(&m, keys, keys_n) : QN_CONFIG;
    if (err == QN_OK)
        *card_n = w.n;
    qn_htx_mirror_wipe(&m);
    return err;
}

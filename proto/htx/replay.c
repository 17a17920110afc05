#include "htx/replay.h"

#include "base/limits.h"
#include "htx/mirror.h"

enum { FIRST_CAP = 64 };

void qn_htx_replay_init(qn_htx_replay *r, qn_env *env, bool fresh)
{
    uint64_t seed = 0;

    *r = (qn_htx_replay){.env = env, .wall = env->wall};
    qn_rng_fill(env, r->key, sizeof r->key);
    qn_rng_fill(env, &seed, sizeof seed);
    qn_map_init(&r->known, seed);
    if (!fresh)
        r->floor = env->wall + QN_HTX_TAG_SKEW_S;
}

void qn_htx_replay_clear(qn_htx_replay *r)
{
    qn_mem_put(&r->env->mem, r->ring, r->cap * sizeof *r->ring);
    qn_map_clear(&r->known, &r->env->mem);
    r->ring = NULL;
    r->cap = r->head = r->n = r->news = 0;
}

static void drop_oldest(qn_htx_replay *r)
{
    qn_map_del(&r->known, &r->env->mem, r->ring[r->head].name);
    r->head = (r->head + 1) % r->cap;
    r->n--;
    r->news = QN_MIN(r->news, r->n);
}

/* A clock that has gone back makes times valid again whose entries are gone. */
int64_t qn_htx_replay_floor(qn_htx_replay *r)
{
    int64_t wall = r->env->wall;

    if (wall < r->wall - 1 && r->floor < wall + QN_HTX_TAG_SKEW_S)
        r->floor = wall + QN_HTX_TAG_SKEW_S;
    r->wall = wall;
    return r->floor;
}

static qn_err grow(qn_htx_replay *r)
{
    qn_mem *mem = &r->env->mem;
    uint32_t cap = r->cap != 0 ? 2 * r->cap : FIRST_CAP;
    struct qn_htx_replay_entry *ring = qn_mem_get(mem, cap * sizeof *ring);

    if (ring == NULL)
        return QN_NOMEM;
    for (uint32_t i = 0; i < r->n; i++)
        ring[i] = r->ring[(r->head + i) % r->cap];
    qn_mem_put(mem, r->ring, r->cap * sizeof *r->ring);
    r->ring = ring;
    r->cap = cap;
    r->head = 0;
    return QN_OK;
}

/* Entries leave in the order they came; one whose time is over behind one whose is not only stays
 * longer, and can match nothing but itself. */
static void drop_over(qn_htx_replay *r)
{
    while (r->n > 0 && r->ring[r->head].until < r->env->wall)
        drop_oldest(r);
}

static qn_err make_room(qn_htx_replay *r)
{
    if (r->n < r->cap)
        return QN_OK;
    if (r->cap < QN_HTX_REPLAY_MAX)
        return grow(r);
    drop_oldest(r);
    return QN_OK;
}

static qn_err put_in(qn_htx_replay *r, uint64_t name, int64_t until)
{
    qn_err err = make_room(r);

    if (err == QN_OK)
        err = qn_map_set(&r->known, &r->env->mem, name, r);
    if (err == QN_OK)
        r->ring[(r->head + r->n++) % r->cap] =
            (struct qn_htx_replay_entry){.name = name, .until = until};
    return err;
}

qn_err qn_htx_replay_enter(qn_htx_replay *r, int64_t tag_time, const uint8_t random[32],
                           const uint8_t session_id[32])
{
    uint8_t both[64];
    uint64_t name;
    qn_err err;

    memcpy(both, random, 32);
    memcpy(both + 32, session_id, 32);
    name = qn_siphash(r->key, qn_slice_of(both, sizeof both));
    if (tag_time < qn_htx_replay_floor(r) || qn_map_get(&r->known, name) != NULL)
        return QN_STALE;
    drop_over(r);
    err = put_in(r, name, tag_time + QN_HTX_REPLAY_KEEP_S);
    r->news += err == QN_OK;
    return err;
}

/* ---- as bytes -------------------------------------------------------------------------------- */

static const struct qn_htx_replay_entry *entry(const qn_htx_replay *r, uint32_t i)
{
    return &r->ring[(r->head + i) % r->cap];
}

static void put_entry(const qn_htx_replay *r, uint32_t i, uint8_t *out)
{
    qn_put64(out, entry(r, i)->name);
    qn_put64(out + 8, (uint64_t)entry(r, i)->until);
}

/* The clock went back while we were away: no tag was ever taken that was so far ahead. */
static bool behind(const qn_htx_replay *r)
{
    return r->n > 0 &&
           entry(r, r->n - 1)->until > r->env->wall + QN_HTX_REPLAY_KEEP_S + QN_HTX_TAG_SKEW_S;
}

/* What is over is taken too, and so written again: the clock of this start may be wrong. */
qn_err qn_htx_replay_load(qn_htx_replay *r, qn_slice bytes)
{
    uint8_t key[sizeof r->key];
    qn_err err = QN_OK;

    if (bytes.n < QN_HTX_REPLAY_HEAD)
        return QN_PROTO;
    qn_htx_replay_clear(r);
    memcpy(key, r->key, sizeof key);
    memcpy(r->key, bytes.p, sizeof r->key);
    for (size_t at = QN_HTX_REPLAY_HEAD; bytes.n - at >= QN_HTX_REPLAY_ENTRY && err == QN_OK;
         at += QN_HTX_REPLAY_ENTRY) {
        uint64_t name = qn_get64(bytes.p + at), until = qn_get64(bytes.p + at + 8);

        if (until <= INT64_MAX && qn_map_get(&r->known, name) == NULL)
            err = put_in(r, name, (int64_t)until);
    }
    if (err == QN_OK) {
        r->floor = behind(r) ? r->env->wall + QN_HTX_TAG_SKEW_S : 0;
    } else {
        qn_htx_replay_clear(r);
        memcpy(r->key, key, sizeof r->key);
    }
    return err;
}

size_t qn_htx_replay_size(const qn_htx_replay *r)
{
    return QN_HTX_REPLAY_HEAD + (size_t)r->n * QN_HTX_REPLAY_ENTRY;
}

void qn_htx_replay_save(const qn_htx_replay *r, uint8_t *out)
{
    memcpy(out, r->key, sizeof r->key);
    for (uint32_t i = 0; i < r->n; i++)
        put_entry(r, i, out + QN_HTX_REPLAY_HEAD + (size_t)i * QN_HTX_REPLAY_ENTRY);
}

uint32_t qn_htx_replay_news(qn_htx_replay *r, uint8_t *out, uint32_t max)
{
    uint32_t n = QN_MIN(r->news, max);

    for (uint32_t i = 0; i < n; i++)
        put_entry(r, r->n - r->news + i, out + (size_t)i * QN_HTX_REPLAY_ENTRY);
    r->news -= n;
    return n;
}

/* ---- one for several nodes ------------------------------------------------------------------- */

static bool keys_are_new(qn_slice mirror_keys)
{
    qn_htx_mirror m;
    bool used = qn_htx_mirror_init(&m, mirror_keys) == QN_OK && m.used;

    qn_htx_mirror_wipe(&m);
    return !used;
}

qn_err qn_htx_replay_new(qn_htx_replay **out, qn_env *env, qn_slice mirror_keys, qn_slice replay)
{
    qn_htx_replay *r = qn_mem_get(&env->mem, sizeof *r);
    qn_err err = QN_OK;

    if (r == NULL)
        return QN_NOMEM;
    qn_htx_replay_init(r, env, keys_are_new(mirror_keys));
    if (replay.n > 0)
        err = qn_htx_replay_load(r, replay);
    if (err == QN_NOMEM) {
        qn_htx_replay_free(r);
        return err;
    }
    *out = r;
    return QN_OK;
}

void qn_htx_replay_free(qn_htx_replay *r)
{
    qn_env *env;

    if (r == NULL)
        return;
    env = r->env;
    qn_htx_replay_clear(r);
    qn_mem_put(&env->mem, r, sizeof *r);
}

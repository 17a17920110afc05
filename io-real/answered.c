#include "io-real/answered.h"

#include <pthread.h>
#include <stdlib.h>

enum { MEMORY_MAX = 32 << 20, REWRITE_BYTES = 5 << 20 }; /* a full set is 1 MiB as a file */

struct qn_answered_set {
    pthread_mutex_t lock; /* over all below */
    qn_real_env env;
    const qn_store *store;
    qn_htx_replay *set;
    size_t appended; /* bytes, since the file was written whole */
    qn_htx_answered verbs;
};

static int64_t floor_of(void *ctx)
{
    qn_answered_set *s = ctx;
    int64_t when;

    (void)pthread_mutex_lock(&s->lock);
    qn_real_env_stamp(&s->env);
    when = qn_htx_replay_floor(s->set);
    (void)pthread_mutex_unlock(&s->lock);
    return when;
}

static bool write_whole(qn_answered_set *s, qn_why why)
{
    size_t n = qn_htx_replay_size(s->set);
    uint8_t *bytes = malloc(n);
    bool ok;

    if (bytes == NULL)
        return qn_why_say(why, "out of memory");
    qn_htx_replay_save(s->set, bytes);
    ok = qn_store_write(s->store, "replay", (qn_slice){bytes, n}, why);
    free(bytes);
    if (ok)
        s->appended = 0;
    return ok;
}

/* An entry that cannot be written is one that a restart forgets; the proof goes out all the same,
 * as with a node's own set. */
static void keep(qn_answered_set *s)
{
    uint8_t entry[QN_HTX_REPLAY_ENTRY];
    qn_why why;
    bool ok = true;

    while (ok && qn_htx_replay_news(s->set, entry, 1) == 1) {
        ok = qn_store_append(s->store, "replay", (qn_slice){entry, sizeof entry}, why);
        s->appended += sizeof entry;
    }
    if (ok && s->appended > REWRITE_BYTES)
        ok = write_whole(s, why);
    if (!ok)
        qn_log_say(&s->env.env.log, QN_LOG_ERROR, "store", "%s", why);
}

static qn_err enter(void *ctx, int64_t tag_time, const uint8_t random[32],
                    const uint8_t session_id[32])
{
    qn_answered_set *s = ctx;
    qn_err err;

    (void)pthread_mutex_lock(&s->lock);
    qn_real_env_stamp(&s->env);
    err = qn_htx_replay_enter(s->set, tag_time, random, session_id);
    if (err == QN_OK)
        keep(s);
    (void)pthread_mutex_unlock(&s->lock);
    return err;
}

qn_answered_set *qn_answered_new(const qn_store *store, qn_level log, qn_slice mirror_keys,
                                 qn_slice replay, qn_why why)
{
    qn_answered_set *s = calloc(1, sizeof *s);

    (void)qn_why_say(why, "out of memory");
    if (s == NULL)
        return NULL;
    (void)pthread_mutex_init(&s->lock, NULL);
    s->store = store;
    s->verbs = (qn_htx_answered){.floor = floor_of, .enter = enter, .ctx = s};
    if (qn_real_env_open(&s->env, log, MEMORY_MAX) &&
        qn_htx_replay_new(&s->set, &s->env.env, mirror_keys, replay) == QN_OK &&
        write_whole(s, why))
        return s;
    qn_answered_free(s);
    return NULL;
}

void qn_answered_free(qn_answered_set *s)
{
    if (s == NULL)
        return;
    qn_htx_replay_free(s->set);
    qn_real_env_close(&s->env);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

const qn_htx_answered *qn_answered_verbs(const qn_answered_set *s)
{
    return &s->verbs;
}

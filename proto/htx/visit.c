#include "htx/visit.h"

#include "base/engine.h"

void qn_htx_visit_init(qn_htx_visit *v, qn_env *env, qn_tally *tally, const qn_htx_site *site,
                       const qn_htx_splice_cfg *cfg)
{
    *v = (qn_htx_visit){.env = env, .tally = tally, .site = site};
    qn_htx_splice_init(&v->splice, env, cfg);
}

/* ---- becoming a splice ------------------------------------------------------------------------
 */

static void drop_hello(qn_htx_visit *v)
{
    qn_mem_put(&v->env->mem, v->hello, v->hello_n);
    v->hello = NULL;
    v->hello_n = 0;
}

static void drop_tied(qn_htx_visit *v)
{
    qn_htx_tied *t = v->tied;

    if (t == NULL)
        return;
    qn_htx_transcript_clear(&t->to_c);
    qn_htx_transcript_clear(&t->to_o);
    qn_wipe(t, sizeof *t);
    qn_mem_put(&v->env->mem, t, sizeof *t);
    v->tied = NULL;
}

static void drop_held(qn_htx_visit *v)
{
    qn_block_drop(v->held.block);
    v->held = (qn_piece){0};
}

/* Nobody's but the origin's from here on. What was held back is C's. */
static void untie(qn_htx_visit *v)
{
    if (v->held.len > 0) {
        memcpy(v->env->engine->scratch, qn_piece_data(&v->held), v->held.len);
        qn_htx_splice_commit(&v->splice, 1, v->held.len);
        drop_held(v);
    }
    v->state = QN_HTX_VISIT_SPLICE;
    qn_htx_greeting_clear(&v->greeting, v->env);
    drop_hello(v);
    drop_tied(v);
}

void qn_htx_visit_leave(qn_htx_visit *v)
{
    untie(v);
}

void qn_htx_visit_clear(qn_htx_visit *v)
{
    drop_held(v);
    untie(v);
    qn_htx_splice_clear(&v->splice);
}

/* ---- the hello --------------------------------------------------------------------------------
 */

/* n bytes of C in the scratch. */
static void greet(qn_htx_visit *v, size_t n)
{
    size_t behind = 0;
    qn_slice record;
    qn_err err =
        qn_htx_greeting_feed(&v->greeting, v->env, v->env->engine->scratch, n, &record, &behind);

    if (err == QN_SHORT)
        return;
    if (err == QN_OK && behind == 0)
        v->hello = qn_mem_get(&v->env->mem, record.n);
    if (v->hello == NULL) {
        untie(v);
        return;
    }
    v->hello_n = record.n;
    memcpy(v->hello, record.p, record.n);
    qn_htx_greeting_clear(&v->greeting, v->env);
    v->state = QN_HTX_VISIT_JUDGING;
}

static qn_err tie(qn_htx_visit *v, const qn_tls_hello *hello, qn_htx_tied *t)
{
    qn_htx_watch_cfg cfg = {.requests = t->tag.requests,
                            .second = t->tag.second,
                            .flight = v->site->flight,
                            .flight_r = v->site->flight_r,
                            .alert = v->site->alert};
    qn_err err;

    memcpy(cfg.session_id, hello->session_id.p, sizeof cfg.session_id);
    memcpy(t->random, hello->random.p, sizeof t->random);
    t->kem.offered = hello->mlkem.n > 0;
    if (t->kem.offered)
        memcpy(t->kem.u.ek.b, hello->mlkem.p, sizeof t->kem.u.ek.b);
    qn_htx_watch_init(&t->watch, &cfg);
    err = qn_htx_transcript_init(&t->to_c, v->env);
    if (err == QN_OK)
        err = qn_htx_transcript_init(&t->to_o, v->env);
    return err;
}

static int64_t floor_of(const qn_htx_site *s)
{
    return s->answered != NULL ? s->answered->floor(s->answered->ctx)
                               : qn_htx_replay_floor(s->replay);
}

/* x has been opened with one of its keys. */
static qn_vouch vouch_of(const qn_htx_site *s, const qn_noise *x)
{
    const qn_htx_mirror_key *keys = s->judge.keys;
    unsigned i = 0;

    if (s->vouches == NULL)
        return (qn_vouch){0};
    while (memcmp(keys[i].pub.b, x->s_pub.b, sizeof x->s_pub.b) != 0)
        i++;
    return s->vouches[i];
}

static qn_err judge(qn_htx_visit *v)
{
    qn_slice message = qn_slice_of(v->hello + QN_RECORD_HEADER, v->hello_n - QN_RECORD_HEADER);
    qn_htx_tag_judge judge = v->site->judge;
    qn_tls_hello hello;
    qn_htx_tag tag;
    qn_noise x;
    qn_err err = qn_tls_hello_read(message, &hello);

    judge.floor = floor_of(v->site);
    judge.tally = v->tally;
    if (err == QN_OK)
        err = qn_htx_tag_open(&x, v->env, &judge, message, &hello, &tag);
    if (err == QN_OK && !v->site->proven)
        err = QN_AUTH; /* it would not know when to speak */
    if (err != QN_OK) {
        qn_noise_clear(&x);
        return err;
    }
    v->tied = qn_mem_get(&v->env->mem, sizeof *v->tied);
    if (v->tied != NULL) {
        v->tied->x = x;
        v->tied->tag = tag;
        v->tied->vouch = vouch_of(v->site, &x);
        err = tie(v, &hello, v->tied);
    }
    qn_noise_clear(&x);
    return v->tied != NULL ? err : QN_NOMEM;
}

/* The rest of the work, while C's next request is on its way. */
static bool may_prepare(const qn_htx_visit *v)
{
    return v->state == QN_HTX_VISIT_TIED && !v->tied->prepared &&
           (v->tied->watch.state == QN_HTX_SECOND || v->tied->watch.state == QN_HTX_ARMED);
}

static bool prepare(qn_htx_visit *v)
{
    qn_htx_tied *t = v->tied;

    t->prepared = qn_htx_proof_prepare(&t->x, v->env, &t->kem) == QN_OK;
    if (v->tally != NULL)
        v->tally->dh += 2; /* e_P, ee */
    return t->prepared;
}

qn_time qn_htx_visit_due(const qn_htx_visit *v)
{
    return v->state == QN_HTX_VISIT_JUDGING || may_prepare(v) ? v->env->now : QN_NEVER;
}

static void judge_now(qn_htx_visit *v)
{
    if (v->state != QN_HTX_VISIT_JUDGING)
        return;
    if (judge(v) != QN_OK) {
        untie(v);
        return;
    }
    drop_hello(v);
    v->state = QN_HTX_VISIT_TIED;
}

void qn_htx_visit_tick(qn_htx_visit *v)
{
    judge_now(v);
    if (may_prepare(v) && !prepare(v))
        untie(v);
}

/* ---- bytes ------------------------------------------------------------------------------------
 */

qn_span qn_htx_visit_space(const qn_htx_visit *v, uint8_t leg)
{
    qn_span space = qn_htx_splice_space(&v->splice, leg);
    size_t held = leg == 1 ? v->held.len : 0;

    if (v->state == QN_HTX_VISIT_PROVE || v->state == QN_HTX_VISIT_ANSWERED)
        return (qn_span){0};
    /* Held bytes are put in front again, and may all have to go to C after all. With one record's
     * worth held there is always room for its end. */
    return (qn_span){.p = space.p == NULL ? NULL : space.p + held,
                     .n = space.n > held ? space.n - held : 0};
}

static void commit_client(qn_htx_visit *v, size_t n)
{
    const uint8_t *p = v->env->engine->scratch;

    if (v->state == QN_HTX_VISIT_GREETING) {
        greet(v, n);
    } else if (v->state == QN_HTX_VISIT_TIED) {
        qn_htx_watch_client(&v->tied->watch, v->env->now, p, n);
        if (qn_htx_transcript_add(&v->tied->to_o, qn_slice_of(p, n)) != QN_OK)
            qn_htx_watch_ended(&v->tied->watch);
    }
    qn_htx_splice_commit(&v->splice, 0, n);
    if (v->state == QN_HTX_VISIT_TIED && v->tied->watch.state == QN_HTX_UNTIED)
        untie(v);
}

/* What may not pass yet waits in a block of its own. */
static qn_err stow(qn_htx_visit *v, const uint8_t *p, size_t n)
{
    drop_held(v);
    if (n == 0)
        return QN_OK;
    v->held.block = qn_block_get(v->env, n);
    if (v->held.block == NULL)
        return QN_NOMEM;
    memcpy(v->held.block->data, p, n);
    v->held.len = (uint32_t)n;
    return QN_OK;
}

static qn_err enter(const qn_htx_site *s, const qn_htx_tied *t)
{
    const uint8_t *id = t->watch.cfg.session_id;

    return s->answered != NULL ? s->answered->enter(s->answered->ctx, t->tag.time, t->random, id)
                               : qn_htx_replay_enter(s->replay, t->tag.time, t->random, id);
}

/* The tag is used up now, and only now. */
static bool may_answer(qn_htx_visit *v)
{
    return (v->tied->prepared || prepare(v)) && enter(v->site, v->tied) == QN_OK;
}

/* n bytes of O in the scratch. */
static void follow(qn_htx_visit *v, size_t n)
{
    uint8_t *p = v->env->engine->scratch;
    qn_htx_tied *t = v->tied;
    qn_htx_word word;
    size_t used;

    word = qn_htx_watch_origin(&t->watch, v->env->now, p, n, &used, &v->record);
    if (word == QN_HTX_PROVE && !may_answer(v)) {
        qn_htx_watch_ended(&t->watch);
        word = qn_htx_watch_origin(&t->watch, v->env->now, p, n, &used, &v->record);
    }
    /* Without memory or a hash nothing is lost but the proof. */
    if (qn_htx_transcript_add(&t->to_c, qn_slice_of(p, used)) != QN_OK ||
        stow(v, p + used, n - used) != QN_OK) {
        qn_htx_watch_ended(&t->watch);
        drop_held(v);
        used = n;
    }
    qn_htx_splice_commit(&v->splice, 1, used);
    if (t->watch.state == QN_HTX_UNTIED)
        untie(v);
    else if (word == QN_HTX_PROVE)
        v->state = QN_HTX_VISIT_PROVE;
}

static void commit_origin(qn_htx_visit *v, size_t n)
{
    size_t held = v->held.len;

    judge_now(v); /* an origin that answers before the tick came */
    if (v->state == QN_HTX_VISIT_GREETING)
        untie(v); /* an origin that speaks first has not heard a hello */
    if (v->state != QN_HTX_VISIT_TIED) {
        qn_htx_splice_commit(&v->splice, 1, n);
        return;
    }
    if (held > 0)
        memcpy(v->env->engine->scratch, qn_piece_data(&v->held), held);
    follow(v, held + n);
}

void qn_htx_visit_commit(qn_htx_visit *v, uint8_t leg, size_t n)
{
    QN_ASSERT(v->state != QN_HTX_VISIT_PROVE && v->state != QN_HTX_VISIT_ANSWERED);
    if (n == 0)
        return;
    if (leg == 1) {
        commit_origin(v, n);
        return;
    }
    if (v->state == QN_HTX_VISIT_JUDGING)
        untie(v); /* nobody speaks between a hello and its answer */
    commit_client(v, n);
}

unsigned qn_htx_visit_peek(const qn_htx_visit *v, uint8_t leg, qn_slice *s, unsigned max)
{
    return qn_htx_splice_peek(&v->splice, leg, s, max);
}

void qn_htx_visit_consume(qn_htx_visit *v, uint8_t leg, size_t n)
{
    qn_htx_splice_consume(&v->splice, leg, n);
    if (leg == 0 && v->state == QN_HTX_VISIT_TIED)
        qn_htx_watch_sent(&v->tied->watch, n);
}

void qn_htx_visit_answer(qn_htx_visit *v, const uint8_t *proof)
{
    QN_ASSERT(v->state == QN_HTX_VISIT_PROVE);
    memmove(v->env->engine->scratch, proof, v->record);
    qn_htx_splice_commit(&v->splice, 1, v->record);
    drop_held(v);
    v->state = QN_HTX_VISIT_ANSWERED;
}

void qn_htx_visit_refuse(qn_htx_visit *v)
{
    QN_ASSERT(v->state == QN_HTX_VISIT_PROVE);
    untie(v);
}

void qn_htx_visit_release(qn_htx_visit *v)
{
    QN_ASSERT(v->state == QN_HTX_VISIT_ANSWERED);
    untie(v);
}

/* ---- what happened ----------------------------------------------------------------------------
 */

void qn_htx_visit_opened(qn_htx_visit *v, uint8_t leg)
{
    qn_htx_splice_opened(&v->splice, leg);
}

void qn_htx_visit_ended(qn_htx_visit *v, uint8_t leg, qn_ending how)
{
    QN_ASSERT(v->state != QN_HTX_VISIT_ANSWERED);
    untie(v);
    qn_htx_splice_ended(&v->splice, leg, how);
}

bool qn_htx_visit_next(qn_htx_visit *v, qn_carrier_event *ev)
{
    return qn_htx_splice_next(&v->splice, ev);
}

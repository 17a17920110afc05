/* Several loops in one process: made, run and ended together. */
#include "io-real/loops.h"
#include "io-real/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool qn__loops_post(qn_world *to, qn_mail *m)
{
    return qn_mailbox_post(to->loops->v[to->place].mail, m);
}

void qn__loops_post_all(const qn_world *w, qn_mail_kind kind)
{
    for (unsigned i = 1; w->loops != NULL && i < w->loops->n; i++)
        (void)qn_mailbox_post(w->loops->v[i].mail, &(qn_mail){.kind = kind, .fd = -1});
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Of what all of them may have together. 0 stays 0: no limit, or the default. */
static uint64_t part_of(uint64_t all, unsigned n)
{
    return all == 0 ? 0 : all / n + (all % n != 0);
}

/* What one of them is told: its part of the limits, and whose tags are answered. */
static void share_out(qn_loops *l, const qn_world_cfg *cfg, qn_world_cfg *mine, qn_htx_cfg *htx)
{
    qn_node_cfg *node = &mine->node;

    *mine = *cfg;
    node->exit_conns_max = (uint32_t)part_of(node->exit_conns_max, l->n);
    node->exit_limits.rate_all = part_of(node->exit_limits.rate_all, l->n);
    if (l->answered != NULL) {
        *htx = *cfg->node.htx;
        htx->answered = qn_answered_verbs(l->answered);
        node->htx = htx;
    }
}

static qn_opened open_answered(qn_loops *l, const qn_world_cfg *cfg, qn_why why)
{
    const qn_htx_cfg *htx = cfg->node.htx;

    if (htx == NULL || htx->origin == NULL)
        return QN_OPENED;
    l->answered = qn_answered_new(cfg->store, cfg->env->env.log.level, htx->stored_mirror_keys,
                                  htx->stored_replay, why);
    return l->answered != NULL ? QN_OPENED : QN_OPEN_FAILED;
}

static bool adopt(qn_loops *l, unsigned place, qn_world *w)
{
    loop *one = &l->v[place];

    w->loops = l;
    one->world = w;
    one->mail = qn_mailbox_new(w->base, qn__loops_read, w);
    return one->mail != NULL;
}

static qn_opened open_follower(qn_loops *l, unsigned place, const qn_world_cfg *cfg, qn_why why)
{
    const qn_world *leader = l->v[0].world;
    loop *one = &l->v[place];
    qn_world_cfg mine = *cfg;
    qn_opened result;

    if (!qn_real_env_open(&one->env, cfg->env->env.log.level, cfg->env->env.mem.limit))
        return QN_OPEN_FAILED;
    mine.env = &one->env;
    mine.node.follower = true;
    mine.node.listen = leader->view.link;
    result = qn__world_make(&one->world, &mine, place, leader, why);
    explicit_bzero(&mine.node, sizeof mine.node);
    return result == QN_OPENED && !adopt(l, place, one->world) ? QN_OPEN_FAILED : result;
}

static qn_opened open_all(qn_loops *l, const qn_world_cfg *cfg, qn_why why)
{
    qn_opened result = qn__world_make(&l->v[0].world, cfg, 0, NULL, why);

    if (result == QN_OPENED && !adopt(l, 0, l->v[0].world))
        result = QN_OPEN_FAILED;
    for (unsigned i = 1; i < l->n && result == QN_OPENED; i++)
        result = open_follower(l, i, cfg, why);
    return result;
}

qn_opened qn__loops_open(qn_world **out, const qn_world_cfg *cfg, qn_why why)
{
    qn_loops *l = calloc(1, sizeof *l);
    qn_world_cfg mine;
    qn_htx_cfg htx;
    qn_opened result;

    if (l == NULL)
        return QN_OPEN_FAILED;
    l->n = cfg->loops;
    cfg->env->env.rng.fill(cfg->env->env.rng.ctx, &l->seed, sizeof l->seed);
    result = open_answered(l, cfg, why);
    share_out(l, cfg, &mine, &htx);
    if (result == QN_OPENED)
        result = open_all(l, &mine, why);
    explicit_bzero(&mine.node, sizeof mine.node);
    if (result == QN_OPENED)
        *out = l->v[0].world;
    else
        qn__loops_close(l);
    return result;
}

/* ---- running --------------------------------------------------------------------------------- */

static void *run(void *world)
{
    qn_world *w = world;

    qn__enter(w);
    qn__settle(w);
    (void)event_base_dispatch(w->base);
    return NULL;
}

/* Signals are the leader's. */
static bool start_thread(loop *one)
{
    sigset_t all, before;
    int error;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&one->thread, NULL, run, one->world);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

void qn__loops_start(qn_world *w)
{
    qn_loops *l = w->loops;
    char name[32];

    if (l == NULL)
        return;
    l->v[0].running = true;
    for (unsigned i = 1; i < l->n; i++) {
        l->v[i].running = start_thread(&l->v[i]);
        (void)snprintf(name, sizeof name, "qnet-loop-%u", i);
        if (l->v[i].running)
            (void)pthread_setname_np(l->v[i].thread, name);
        else
            qn_log_say(qn__log(w), QN_LOG_ERROR, "world",
                       "loop %u could not be started: its share of the work is the others'", i);
    }
}

void qn__loops_end(qn_world *w)
{
    qn_loops *l = w->loops;

    if (l == NULL)
        return;
    if (!w->stopped)
        qn__loops_post_all(w, QN_MAIL_HALT);
    for (unsigned i = 1; i < l->n; i++)
        if (l->v[i].running)
            (void)pthread_join(l->v[i].thread, NULL);
}

/* The leader last: it lends its network file and doors. */
void qn__loops_close(qn_loops *l)
{
    qn__whole_forget(l);
    for (unsigned i = l->n; i-- > 0;) {
        qn_mailbox_free(l->v[i].mail);
        if (l->v[i].world != NULL)
            qn__world_unmake(l->v[i].world);
        if (i > 0)
            qn_real_env_close(&l->v[i].env);
    }
    qn_answered_free(l->answered);
    free(l);
}

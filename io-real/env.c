#include "io-real/env.h"

#include <stdlib.h>
#include <time.h>

static void *heap_get(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void heap_put(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

bool qn_real_env_open(qn_real_env *e, qn_level log, uint64_t memory_max)
{
    qn_entropy_open(&e->entropy);
    e->log_rate = (qn_log_rate){0};
    e->env = (qn_env){
        .rng = {.fill = qn_entropy_fill, .ctx = &e->entropy},
        .mem = {.get = heap_get, .put = heap_put, .limit = memory_max},
        .log = {.line = qn_log_stderr, .ctx = &e->log_rate, .level = log},
        .engine = qn_engine_new(),
    };
    qn_real_env_stamp(e);
    return e->env.engine != NULL;
}

void qn_real_env_close(qn_real_env *e)
{
    if (e->env.engine != NULL)
        qn_engine_free(e->env.engine);
    e->env.engine = NULL;
    qn_entropy_close(&e->entropy);
}

void qn_real_env_stamp(qn_real_env *e)
{
    struct timespec mono, wall;

    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    e->env.now = (qn_time)mono.tv_sec * QN_SEC + (qn_time)mono.tv_nsec;
    e->env.wall = wall.tv_sec;
}

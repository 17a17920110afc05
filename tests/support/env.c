/* An env whose outside is the test: clocks stamped by hand, seeded bytes, memory that can fail. */
#include "support/qt.h"

#include "base/engine.h"

#include <stdio.h>
#include <stdlib.h>

/* The pool's functions have no context argument, so the counter is the process's, not an env's. */
static struct {
    uint64_t requests, fail_at;
} alloc;

void qt_alloc_fail_at(uint64_t n)
{
    alloc.requests = 0;
    alloc.fail_at = n;
}

uint64_t qt_alloc_requests(void)
{
    return alloc.requests;
}

static void *counted_malloc(size_t n)
{
    return ++alloc.requests == alloc.fail_at ? NULL : malloc(n);
}

static void *mem_get(void *ctx, size_t n)
{
    (void)ctx;
    return counted_malloc(n);
}

static void mem_put(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

static void log_line(void *ctx, qn_level level, const char *area, const char *text)
{
    qt_env *t = ctx;

    (void)level;
    t->log_lines++;
    (void)snprintf(t->log_last, sizeof t->log_last, "%s: %.200s", area, text);
}

void qt_env_open(qt_env *t, uint64_t seed)
{
    *t = (qt_env){.env = {.now = QN_SEC,
                          .wall = QT_EPOCH,
                          .rng = {.fill = qn_drbg_fill},
                          .mem = {.get = mem_get, .put = mem_put, .limit = UINT64_MAX},
                          .log = {.line = log_line, .level = QN_LOG_DEBUG}}};
    qn_drbg_init(&t->rng, "qt", seed, 0);
    t->env.rng.ctx = &t->rng;
    t->env.log.ctx = t;
    t->env.engine = qn_engine_new();
    if (t->env.engine == NULL)
        qt_die("no engine: out of memory, or a crypto library is broken");
    t->env.engine->pool.get = counted_malloc;
    t->env.engine->pool.keep = 0;
    qt_alloc_fail_at(0);
}

void qt_env_close(qt_env *t)
{
    uint64_t used = t->env.mem.used;

    qn_engine_free(t->env.engine);
    t->env.engine = NULL;
    ck_assert_msg(used == 0, "%llu bytes were not given back", (unsigned long long)used);
}

void qt_env_step(qt_env *t, qn_time by)
{
    t->env.wall += (int64_t)((t->env.now % QN_SEC + by) / QN_SEC);
    t->env.now += by;
}

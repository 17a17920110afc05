/* What machines use of the env: counted memory and formatted log lines. */
#ifndef QN_BASE_ENV_H
#define QN_BASE_ENV_H

#include "base/bytes.h"
#include "qnet/env.h"
#include "qnet/err.h"

/* Zeroed and counted; NULL at the cap or when the outside has none. */
void *qn_mem_get(qn_mem *mem, size_t n);
/* n as given to get. p may be NULL. Contents are not wiped: owners of secrets wipe first. */
void qn_mem_put(qn_mem *mem, void *p, size_t n);
/* Counts n bytes that live elsewhere (pooled blocks) against the cap. */
bool qn_mem_charge(qn_mem *mem, size_t n);
void qn_mem_release(qn_mem *mem, size_t n);

static inline void qn_rng_fill(qn_env *env, void *out, size_t n)
{
    env->rng.fill(env->rng.ctx, out, n);
}

uint32_t qn_rng_u32(qn_env *env);
/* Uniform in [0, n), n >= 1; rejection sampling, so no bias. */
uint32_t qn_rng_below(qn_env *env, uint32_t n);

/* One line per state change; never secrets, never payload. Cut at 240 bytes. */
void qn_log_line(qn_env *env, qn_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif

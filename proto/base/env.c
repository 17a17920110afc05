#include "base/env.h"

#include <stdarg.h>
#include <stdio.h>

bool qn_mem_charge(qn_mem *mem, size_t n)
{
    if (n > mem->limit || mem->used > mem->limit - n)
        return false;
    mem->used += n;
    if (mem->used > mem->peak)
        mem->peak = mem->used;
    return true;
}

void qn_mem_release(qn_mem *mem, size_t n)
{
    QN_ASSERT(mem->used >= n);
    mem->used -= n;
}

void *qn_mem_get(qn_mem *mem, size_t n)
{
    void *p;

    if (n == 0 || !qn_mem_charge(mem, n))
        return NULL;
    p = mem->get(mem->ctx, n);
    if (p == NULL) {
        qn_mem_release(mem, n);
        return NULL;
    }
    memset(p, 0, n);
    return p;
}

void qn_mem_put(qn_mem *mem, void *p, size_t n)
{
    if (p == NULL)
        return;
    qn_mem_release(mem, n);
    mem->put(mem->ctx, p, n);
}

uint32_t qn_rng_u32(qn_env *env)
{
    uint8_t b[4];

    qn_rng_fill(env, b, sizeof b);
    return qn_get32(b);
}

uint32_t qn_rng_below(qn_env *env, uint32_t n)
{
    uint32_t reject = (0u - n) % n; /* 2^32 mod n: the draws that would favour small results */
    uint32_t v;

    QN_ASSERT(n > 0);
    do
        v = qn_rng_u32(env);
    while (v < reject);
    return v % n;
}

/* What others said may be part of a line: it must not end the line, nor steer a terminal. */
static void make_plain(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void qn_log_line(qn_env *env, qn_level level, const char *area, const char *format, ...)
{
    char text[241];
    va_list args;

    if (level > env->log.level || env->log.line == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_plain(text);
    env->log.line(env->log.ctx, level, area, text);
}

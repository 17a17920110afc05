/* Big-endian reads and writes, bounded cursors, and the smallest helpers everybody needs. */
#ifndef QN_BASE_BYTES_H
#define QN_BASE_BYTES_H

#include "qnet/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Programmer errors only; stays on in release. Wire input never reaches an assert it can fail. */
#define QN_ASSERT(x)                                                                               \
    do {                                                                                           \
        if (!(x))                                                                                  \
            __builtin_trap();                                                                      \
    } while (0)

#define QN_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define QN_MIN(a, b) ((a) < (b) ? (a) : (b))
#define QN_MAX(a, b) ((a) > (b) ? (a) : (b))

static inline void qn_put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void qn_put24(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 16);
    p[1] = (uint8_t)(v >> 8);
    p[2] = (uint8_t)v;
}

static inline void qn_put32(uint8_t *p, uint32_t v)
{
    qn_put16(p, (uint16_t)(v >> 16));
    qn_put16(p + 2, (uint16_t)v);
}

static inline void qn_put64(uint8_t *p, uint64_t v)
{
    qn_put32(p, (uint32_t)(v >> 32));
    qn_put32(p + 4, (uint32_t)v);
}

static inline uint16_t qn_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t qn_get24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t qn_get32(const uint8_t *p)
{
    return (uint32_t)qn_get16(p) << 16 | qn_get16(p + 2);
}

static inline uint64_t qn_get64(const uint8_t *p)
{
    return (uint64_t)qn_get32(p) << 32 | qn_get32(p + 4);
}

static inline qn_slice qn_slice_of(const void *p, size_t n)
{
    return (qn_slice){.p = (const uint8_t *)p, .n = n};
}

#endif

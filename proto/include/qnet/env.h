/*
 * The outside of a node, as data. One env per node; it outlives every machine of that node.
 *
 * The world stamps `now` and `wall` on every entry; the core never asks a clock. Random bytes,
 * memory and log lines go through the three small tables below. Nothing else of the outside
 * can be reached from proto/ (tools/check-pure holds the core's undefined symbols to a list).
 */
#ifndef QNET_ENV_H
#define QNET_ENV_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t qn_time; /* ns since any fixed start; never goes back */
#define QN_NEVER UINT64_MAX
#define QN_US UINT64_C(1000)
#define QN_MS UINT64_C(1000000)
#define QN_SEC UINT64_C(1000000000)

/* A read-only run of bytes; owns nothing. */
typedef struct qn_slice {
    const uint8_t *p;
    size_t n;
} qn_slice;

/* A writable run of bytes; owns nothing. */
typedef struct qn_span {
    uint8_t *p;
    size_t n;
} qn_span;

typedef enum qn_level { QN_LOG_ERROR, QN_LOG_WARN, QN_LOG_INFO, QN_LOG_DEBUG } qn_level;

/* Memory of one node: every allocation is counted here, so the cap (promise P4) is a comparison. */
typedef struct qn_mem {
    void *(*get)(void *ctx, size_t n);         /* NULL when the outside has none */
    void (*put)(void *ctx, void *p, size_t n); /* n as in get */
    void *ctx;
    uint64_t used;  /* bytes charged now */
    uint64_t peak;  /* highest `used` so far */
    uint64_t limit; /* refuse beyond this */
} qn_mem;

typedef struct qn_rng {
    void (*fill)(void *ctx, void *out, size_t n);
    void *ctx;
} qn_rng;

typedef struct qn_log {
    void (*line)(void *ctx, qn_level level, const char *area, const char *text);
    void *ctx;
    qn_level level; /* lines above this level are not even formatted */
} qn_log;

struct qn_engine; /* per thread: AEAD contexts, scratch and the block pool; shared by its nodes */

typedef struct qn_env {
    qn_time now;  /* monotonic, for timers */
    int64_t wall; /* Unix seconds, for validity only */
    qn_rng rng;
    qn_mem mem;
    qn_log log;
    struct qn_engine *engine;
} qn_env;

/* One per thread, made by the world from plain malloc-like functions; NULL when out of memory. */
struct qn_engine *qn_engine_new(void);
void qn_engine_free(struct qn_engine *engine); /* every node on it must be gone */

/* A deterministic byte stream for worlds that want one: ChaCha20 under SHA-256(label, seed). */
typedef struct qn_drbg {
    uint8_t key[32];
    uint64_t block;
    uint8_t buf[64];
    uint32_t left;
} qn_drbg;
void qn_drbg_init(qn_drbg *d, const char *label, uint64_t seed, uint64_t index);
void qn_drbg_fill(void *d, void *out, size_t n); /* fits qn_rng.fill */

#ifdef __cplusplus
}
#endif
#endif

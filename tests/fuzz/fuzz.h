/*
 * What the fuzz targets share.
 *
 * A target is one file with two functions: LLVMFuzzerTestOneInput plays one input and checks what
 * must hold for every input, and fz_seeds makes a small corpus with the product's own encoders.
 * With the fuzz preset libFuzzer drives it; in every other build replay.c does: the corpus, then a
 * fixed number of seeded mutations of it (ctest -L fuzz). README.md says how to run and how to add
 * one.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/bytes.h"
#include "base/engine.h"
#include "base/env.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
/* Calls fz_seed for each file of the starting corpus. */
void fz_seeds(void);
extern const char *fz_seeds_dir; /* where fz_seed writes */
void fz_seed(const char *name, const void *p, size_t n);

/* A property of the target: stays on in every build. */
#define FZ_CHECK(x)                                                                                \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #x);           \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* ---- the input as a list of decisions ----------------------------------------------------------
 */

/* Reads from the front; behind the end everything is 0 and empty. */
typedef struct fz_in {
    const uint8_t *p;
    size_t n;
} fz_in;

uint8_t fz_u8(fz_in *in);
uint16_t fz_u16(fz_in *in);
uint32_t fz_u32(fz_in *in);
uint64_t fz_u64(fz_in *in);
uint32_t fz_below(fz_in *in, uint32_t n); /* one byte while n <= 256, else two */
/* At most n bytes. */
qn_slice fz_take(fz_in *in, size_t n);
/* A chunk as fz_out_chunk wrote it: u16 length, then as many bytes as there are. */
qn_slice fz_chunk(fz_in *in);
/* The same bytes on a heap block of exactly their length, so that a sanitizer sees one byte too
 * far. The next call frees it. */
qn_slice fz_exact(qn_slice s);

/* ---- and for writing seeds ------------------------------------------------------------------- */

typedef struct fz_out {
    uint8_t p[1 << 16];
    size_t n;
} fz_out;

/* An empty one; there is only one. */
fz_out *fz_out_new(void);
void fz_out_u8(fz_out *o, unsigned v);
void fz_out_u16(fz_out *o, unsigned v);
void fz_out_u32(fz_out *o, uint32_t v);
void fz_out_u64(fz_out *o, uint64_t v);
void fz_out_bytes(fz_out *o, const void *p, size_t n);
void fz_out_chunk(fz_out *o, const void *p, size_t n);
void fz_out_seed(const fz_out *o, const char *name);

/* ---- env ------------------------------------------------------------------------------------- */

#define FZ_EPOCH INT64_C(1700000000)

typedef struct fz_env {
    qn_env env; /* now = 1 s, wall = FZ_EPOCH */
    qn_drbg rng;
} fz_env;

/* Equal indices draw equal bytes. All envs share one engine, whose pool keeps nothing. */
void fz_env_open(fz_env *t, unsigned index);
/* Checks that all memory came back. */
void fz_env_close(fz_env *t);
void fz_env_step(fz_env *t, qn_time by);
/* The n-th allocation from now, in any env, fails, once; 0: none. fz_env_open says 0. */
void fz_fail_at(uint32_t n);

#endif

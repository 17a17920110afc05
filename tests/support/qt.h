/*
 * What every test stands on: the runner, an env without an outside, hex, and files of vectors.
 *
 * Uses base and crypto only, so the tests of any layer above may use all of it. Whatever these
 * functions return lives until the process ends; a test frees nothing of it. A missing file or a
 * malformed vector prints why and ends the process with a failure: nothing is ever skipped.
 */
#ifndef QT_H
#define QT_H

#include "base/bytes.h"
#include "qnet/env.h"

#include <check.h>

/* ---- runner ---------------------------------------------------------------------------------- */

/* main() for a suite function; no fork, so that sanitizers and debuggers see the test itself. */
#define QT_MAIN(suite_fn)                                                                          \
    int main(void)                                                                                 \
    {                                                                                              \
        return qt_run(suite_fn());                                                                 \
    }

/* Runs, prints Check's summary, frees. 0 when at least one check ran and all of them passed. */
int qt_run(Suite *suite);
/* Prints to stderr and ends the process with a failure. Works outside of a test too. */
void qt_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* ---- env ------------------------------------------------------------------------------------- */

#define QT_EPOCH INT64_C(1700000000) /* env.wall of a fresh qt_env */

typedef struct qt_env {
    qn_env env; /* now = 1 s, wall = QT_EPOCH, no memory limit, log level DEBUG */
    qn_drbg rng;
    uint64_t log_lines;
    char log_last[256]; /* "area: text" of the newest line */
} qt_env;

/* Equal seeds draw equal bytes. The engine is its own; its pool keeps no block warm, so that a
 * sanitizer sees a block used after its last reference went. */
void qt_env_open(qt_env *t, uint64_t seed);
/* Asserts env.mem.used == 0, frees the engine. */
void qt_env_close(qt_env *t);
/* Moves both clocks forward. */
void qt_env_step(qt_env *t, qn_time by);

/* Allocations of all envs, blocks included, are counted together. The n-th request from now
 * fails, once; 0: none does. Counting starts again at 0. qt_env_open calls it with 0. */
void qt_alloc_fail_at(uint64_t n);
/* Requests since then: the upper end of a sweep over every allocation. */
uint64_t qt_alloc_requests(void);

/* ---- bytes ----------------------------------------------------------------------------------- */

/* "00 ff" or "00ff"; white space is free, '#' starts a comment up to the line's end. */
qn_slice qt_hex(const char *text);
qn_slice qt_hex_n(const char *text, size_t n);
/* Exactly n bytes into out, or the test dies. */
void qt_hex_into(void *out, size_t n, const char *text);
/* Lowercase hex, NUL-terminated. */
const char *qt_unhex(const void *p, size_t n);
/* Bytes from a seeded stream, for payloads. */
qn_slice qt_noise(uint64_t seed, size_t n);

#define qt_assert_bytes(got, got_n, want)                                                          \
    do {                                                                                           \
        qn_slice qt_want_ = (want);                                                                \
        ck_assert_uint_eq((got_n), qt_want_.n);                                                    \
        if (qt_want_.n > 0)                                                                        \
            ck_assert_mem_eq((got), qt_want_.p, qt_want_.n);                                       \
    } while (0)

#define qt_assert_err(got, want)                                                                   \
    do {                                                                                           \
        qn_err qt_got_ = (got), qt_err_ = (want);                                                  \
        ck_assert_msg(qt_got_ == qt_err_, "%s is %s, not %s", #got, qn_err_name(qt_got_),          \
                      qn_err_name(qt_err_));                                                       \
    } while (0)

/* ---- files ----------------------------------------------------------------------------------- */

/* A file below tests/vectors ("noise/x.json"); NUL-terminated behind its n bytes. */
qn_slice qt_vector_file(const char *name);
/* The fenced block ```hex name=<id>``` of docs/wire/<file>, decoded. */
qn_slice qt_doc_hex(const char *file, const char *id);

/* NIST-like text: "KEY = value" or "KEY: value" lines in blocks. */
typedef struct qt_record {
    const struct qt_field *v;
    size_t n;
} qt_record;

typedef struct qt_records {
    const qt_record *v;
    size_t n;
} qt_records;

/* A record starts at each line whose key is `first`; lines before the first one, blank lines,
 * comments and [sections] are passed over. */
qt_records qt_vector_records(const char *name, const char *first);
/* The value as text; NULL when the record has no such key. */
const char *qt_field(const qt_record *r, const char *key);
/* The value as bytes; dies when there is none or it is not hex. Quotes around it are dropped. */
qn_slice qt_field_hex(const qt_record *r, const char *key);

#endif

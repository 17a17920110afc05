/*
 * Keeping an eye on our own origin: whether it answers, whether what was measured of it is still
 * true, and what to do about it.
 */
#ifndef QNET_ORIGIN_WATCH_H
#define QNET_ORIGIN_WATCH_H

#include "io-real/world.h"
#include "origin_file.h"

/* Connects once, for a second at most. false: why says who does not answer, and why. */
bool origin_answers(const origin_file *o, qn_why why);

/* Measurements younger than this are not questioned at the start. */
#define ORIGIN_FRESH_SECONDS 3600

#define ORIGIN_CHECK_WORDS 24
#define ORIGIN_AT_MAX (QN_ADDR_TEXT + ORIGIN_UNIX_MAX + 5)

/* The command that measures the origin again, quickly and without writing anything:
 * qnet-origin-check(1) beside this program. */
typedef struct origin_check {
    const char *argv[ORIGIN_CHECK_WORDS]; /* ends with NULL; [0] NULL: there is no such program */
    char program[QN_STORE_PATH_MAX], at[ORIGIN_AT_MAX];
} origin_check;

/* o and roots outlive it. roots "": the system's. */
void origin_check_make(origin_check *c, const origin_file *o, const char *roots);
/* What it printed, against what the file says: one sentence in advice, "" when all is well. */
void origin_check_read(const origin_file *o, int status, const char *json, size_t n, qn_why advice);
/* What the file's age alone says, in the same way. */
void origin_age_advice(const origin_file *o, int64_t wall, qn_why advice);
/* The same, of the file as it is now: o is what the node runs with. */
void origin_reread_advice(const char *path, const origin_file *o, int64_t wall, qn_why advice);

#endif

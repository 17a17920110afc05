/*
 * Which versions an operator has signed, kept on disk before anything is signed (promise P5).
 *
 * They are kept as spells, so that a clock that was once far ahead spends only the versions that
 * were signed by it, and not all until then: after a leap of more than QN_CLOCK_SKEW_S a new spell
 * begins, and what lies between two is free. Where there are too many, the two lowest become one:
 * what is forgotten is always that something was free.
 */
#ifndef QN_NODE_SIGNED_H
#define QN_NODE_SIGNED_H

#include "dir/equivocation.h"

enum { SIGNED_SPELLS = 4, SIGNED_FILE_MAX = 3 + 2 * 9 + 34 + SIGNED_SPELLS * 18 };

typedef struct spell {
    int64_t from, to; /* versions, both among them */
} spell;

typedef struct signed_versions {
    qn_statement last;      /* what we signed last: it may be signed again */
    spell v[SIGNED_SPELLS]; /* ascending; all below the first is spent, too */
    uint8_t n;
} signed_versions;

/* Whether signing this breaks no promise. */
bool signed_may(const signed_versions *s, const qn_statement *what);
/* The least version from this one on that is free. */
int64_t signed_free(const signed_versions *s, int64_t from);
/* It may be signed, and is about to be. */
void signed_add(signed_versions *s, const qn_statement *what);

/* As a file: [version, until, hash, [from, to, ...]] of the last statement and all spells; files
 * without the last part are of earlier versions of this program. */
size_t signed_write(const signed_versions *s, uint8_t out[SIGNED_FILE_MAX]);
QN_MUST_CHECK qn_err signed_read(signed_versions *s, qn_slice in);

#endif

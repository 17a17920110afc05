/*
 * Where addresses are, from MaxMind DB files (libmaxminddb): countries and, in tables that have
 * them, autonomous systems. Each file is mapped, not read into memory.
 */
#ifndef QN_REAL_ATLAS_H
#define QN_REAL_ATLAS_H

#include "io-real/why.h"
#include "qnet/atlas.h"

#include <maxminddb.h>
#include <stdbool.h>

#define QN_ATLAS_TABLES 4

typedef struct qn_atlas_files {
    qn_atlas atlas; /* for the node: answers come from the first table that knows */
    unsigned n;
    const char *path[QN_ATLAS_TABLES];
    MMDB_s table[QN_ATLAS_TABLES];
} qn_atlas_files;

/* Opens one more table; the struct was all zero at first and stays where it is, path outlives it.
 */
bool qn_atlas_add(qn_atlas_files *a, const char *path, qn_why why);
/* When the i-th table was made, Unix seconds. */
int64_t qn_atlas_made(const qn_atlas_files *a, unsigned i);
void qn_atlas_close(qn_atlas_files *a);

#endif

/* Whole files: read with checks, replaced atomically. */
#ifndef QN_REAL_FILE_H
#define QN_REAL_FILE_H

#include "io-real/store.h"

/* Where a file is: an open directory (or AT_FDCWD) and a name in it; folder is for messages. */
typedef struct qn_place {
    int dir;
    const char *folder, *name;
} qn_place;

qn_place qn_place_of(const char *path);
/* secret: refused unless it is a plain file of ours that nobody else may read. */
qn_found qn_file_load(qn_place at, bool secret, qn_span *bytes, qn_why why);
bool qn_file_replace(qn_place at, qn_slice bytes, unsigned mode, qn_why why);

#endif

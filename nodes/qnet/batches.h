/*
 * Whom an unlisted node invites: its batches, in the file "invitations" of its state directory, and
 * beside it "invitations.log", one line for each that was handed out or revoked.
 */
#ifndef QNET_BATCHES_H
#define QNET_BATCHES_H

#include "io-real/store.h"
#include "qnet/invitation.h"

enum { BATCH_NAME_MAX = 32, BATCH_MAX_DEFAULT = 10, BATCH_MAX_LIMIT = 10000 };

typedef struct batch {
    char name[BATCH_NAME_MAX + 1]; /* a-z, 0-9, - */
    int64_t made;                  /* Unix seconds */
    uint32_t given, max;           /* invitations handed out, and how many may be */
    qn_secret32 psk;
} batch;

typedef struct batches {
    unsigned n;
    batch v[QN_PSKS_MAX];
} batches;

bool batch_name_ok(const char *name);
batch *batches_find(batches *b, const char *name); /* NULL: there is none */

/* None when the node has never invited anybody. Returns an exit status. */
int batches_read(batches *b, const qn_store *s, qn_why why);
bool batches_write(const batches *b, const qn_store *s, qn_why why);
/* "2026-11-20T12:00:00Z spring gave 3 of 10". */
bool batches_note(const qn_store *s, int64_t wall, const batch *one, const char *deed, qn_why why);
/* The keys that the node lets in; returns how many. */
unsigned batches_keys(const batches *b, qn_secret32 psk[QN_PSKS_MAX]);

#endif

/*
 * The state directory: a node's keys and what it keeps across restarts.
 *
 *     DIR/            0700, ours
 *     DIR/lock        held for as long as the process lives: one process per directory
 *     DIR/NAME.key    0600, one secret each: "qnet-key-1 NAME <64 hex digits>\n"
 *     DIR/NAME        0600, everything else (network, snapshot)
 *
 * Files are replaced whole: written under another name, synced, renamed, directory synced; so a
 * crash or a full disk leaves the old content or the new, never a mixture. Every failure is one
 * sentence in `why` that names the file and the next step.
 */
#ifndef QN_REAL_STORE_H
#define QN_REAL_STORE_H

#include "io-real/why.h"
#include "qnet/env.h"
#include "qnet/network.h"

#include <stdbool.h>

#define QN_STORE_PATH_MAX 1024
#define QN_STORE_FILE_MAX (8u << 20) /* a full snapshot is 4 MiB */
#define QN_WHY_MAX 512

typedef struct qn_store {
    char path[QN_STORE_PATH_MAX];
    int dir;  /* descriptor of the directory */
    int lock; /* -1: opened for reading only */
} qn_store;

typedef enum qn_found { QN_FOUND, QN_ABSENT, QN_UNUSABLE } qn_found;

/* Makes the directory (not its parents) if it is not there, checks owner and mode, takes the lock.
 */
bool qn_store_open(qn_store *s, const char *path, qn_why why);
/* As open, but neither makes nor locks: for looking at the state of a node that may be running. */
bool qn_store_open_shared(qn_store *s, const char *path, qn_why why);
void qn_store_close(qn_store *s);

bool qn_store_write(const qn_store *s, const char *name, qn_slice bytes, qn_why why);
/* As write, and what the file held before is overwritten where it lay before it goes. A best
 * effort: journals, snapshots and flash translation may keep older copies that no program can
 * reach. */
bool qn_store_write_secret(const qn_store *s, const char *name, qn_slice bytes, qn_why why);
/* Behind what a file holds that qn_store_write made. The kernel has it when this returns, so it
 * survives the process, not the machine. If it cannot be, the file is removed, and nothing more is
 * appended until it is written again: who reads one with a gap would take it for whole. */
bool qn_store_append(const qn_store *s, const char *name, qn_slice bytes, qn_why why);
/* Allocates; the caller frees bytes->p with free(). */
qn_found qn_store_read(const qn_store *s, const char *name, qn_span *bytes, qn_why why);
void qn_store_remove(const qn_store *s, const char *name);

/* Refuses a key that others may read, that is not ours, or that is another kind of key. */
qn_found qn_store_read_key(const qn_store *s, const char *name, qn_secret32 *key, qn_why why);
bool qn_store_write_key(const qn_store *s, const char *name, const qn_secret32 *key, qn_why why);

/* identity, link and onion: all three, or QN_ABSENT when there is none of them. */
qn_found qn_store_read_keys(const qn_store *s, qn_keys *keys, qn_why why);
bool qn_store_write_keys(const qn_store *s, const qn_keys *keys, qn_why why);

/* One whole file anywhere, at most QN_STORE_FILE_MAX bytes; free() it. */
qn_found qn_file_read(const char *path, qn_span *bytes, qn_why why);
/* A key file anywhere, with the checks of qn_store_read_key. */
qn_found qn_file_read_key(const char *path, const char *name, qn_secret32 *key, qn_why why);
bool qn_file_write_key(const char *path, const char *name, const qn_secret32 *key, qn_why why);
/* Replaced whole, readable by everyone. */
bool qn_file_write(const char *path, qn_slice bytes, qn_why why);

#endif

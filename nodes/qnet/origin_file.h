/*
 * The origin file: what tools/origin-check measured at an origin, as JSON (qnet-origin-file(5)).
 *
 * Read strictly: a key too many, one too few, a value of another type or out of its range is an
 * error that names it, because a peer that knows its origin wrongly is worse than one that does
 * not start.
 */
#ifndef QNET_ORIGIN_FILE_H
#define QNET_ORIGIN_FILE_H

#include "io-real/why.h"
#include "qnet/addr.h"

#define ORIGIN_FILE_VERSION 1
#define ORIGIN_NAMES_MAX 4
#define ORIGIN_NAME_MAX 253
#define ORIGIN_PAGES_MAX 8
#define ORIGIN_PATH_MAX 255
#define ORIGIN_UNIX_MAX 107         /* sun_path */
#define ORIGIN_STALE_SECONDS 172800 /* measured daily; after two days somebody should know */

/* What an origin does after an alert: whether it says one too, and how it ends the connection. */
typedef struct origin_end {
    bool alert, rst;
} origin_end;

typedef struct origin_page {
    char path[ORIGIN_PATH_MAX + 1];
    uint32_t largest; /* bytes of the answer's body */
} origin_page;

typedef struct origin_pages {
    origin_page v[ORIGIN_PAGES_MAX];
    uint8_t n;
} origin_pages;

typedef struct origin_file {
    int64_t measured; /* Unix seconds */
    bool mirror;      /* somebody else's site; else the operator's own */
    char name[ORIGIN_NAMES_MAX][ORIGIN_NAME_MAX + 1];
    uint8_t names_n;
    qn_addr addr;                         /* family 0: unix_path instead */
    char unix_path[ORIGIN_UNIX_MAX + 1];  /* "" : addr */
    uint32_t flight_full, flight_resumed; /* record lengths added up */
    uint16_t alert, goaway;               /* record lengths */
    origin_end after_fatal, after_notify;
    uint16_t max_record;
    uint32_t requests, seconds, idle; /* limits of a connection; 0: none */
    origin_pages first, second;
    uint8_t certificate[32]; /* SHA-256 of the leaf */
} origin_file;

/* false: why names the file and what is wrong in it. */
bool origin_file_read(const char *path, origin_file *out, qn_why why);
/* The same, of text in memory; path is for messages. */
bool origin_file_parse(const char *path, const char *text, size_t n, origin_file *out, qn_why why);
/* Seconds since it was measured, when that is too long; else 0. */
int64_t origin_file_stale(const origin_file *o, int64_t wall);

#endif

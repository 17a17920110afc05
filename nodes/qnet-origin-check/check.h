/*
 * qnet-origin-check: whether a web site can be a peer's origin, and the numbers the peer needs of
 * it. docs/wire/htx.md, "What a peer knows of its origin"; docs/origin-check.md.
 */
#ifndef ORIGIN_CHECK_H
#define ORIGIN_CHECK_H

#include "io-real/why.h"
#include "nodes/qnet/origin_file.h"
#include "qnet/htx.h"
#include "visit.h"

#define BROWSERS_MAX 4
#define PATHS_MAX 16
#define FINDINGS_MAX 48
#define TEXT_MAX 400

typedef enum weight { UNFIT, WARNING, QUESTION } weight;

typedef struct finding {
    weight weight;
    const char *id; /* short and stable, for programs: "tls13" */
    char text[TEXT_MAX];
} finding;

typedef struct profile {
    char name[64];
    qn_span bytes;
    qn_tls_profile tls;
    qn_h2_profile h2;
} profile;

/* A page that may have two parts: asked for as a first page and, later on that connection, as a
 * second one. */
typedef struct candidate {
    const char *path;
    bool asked_for;     /* by --page; its absence is then worth a word */
    unsigned fit_first; /* profiles under which it would do */
    unsigned fit_second;
    uint64_t least, largest; /* bytes of its answers */
    char why[96];            /* why not the second page; empty: it is, or was never asked for */
} candidate;

/* What follows something the client did. */
typedef struct reaction {
    bool alert; /* a record as long as its alerts came */
    ending end; /* OPEN: it did nothing within its time; the file then says fin */
} reaction;

typedef struct limits {
    uint32_t requests, seconds, idle; /* 0: not known yet */
    bool assumed_requests, assumed_seconds, assumed_idle;
} limits;

typedef struct check {
    site site;
    /* given */
    char at[sizeof "unix:" + ORIGIN_UNIX_MAX];
    const char *name[QN_HTX_NAMES_MAX];
    unsigned name_n;
    bool mirror, quick, json;
    const char *ca, *profiles, *out;
    limits limits;
    candidate path[PATHS_MAX];
    unsigned path_n;
    profile profile[BROWSERS_MAX];
    unsigned profile_n;
    /* measured */
    bool reached, shaken; /* it answers; a handshake was good */
    bool certified;
    qn_hash certificate;
    size_t full, full_last, full_most, resumed, resumed_last; /* 0: none */
    size_t alert, goaway;
    reaction after_fatal, after_notify;
    bool dated;
    int64_t ahead;
    /* found */
    finding finding[FINDINGS_MAX];
    unsigned finding_n;
} check;

/* Prints "qnet-origin-check: ..." to stderr; returns status. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One line on stderr about what is going on, where somebody watches. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One sentence, with advice; the same id twice is one finding. */
void find(check *k, weight w, const char *id, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool fit(const check *k);

/* files.c. False: said why. */
bool profiles_load(check *k);
void profiles_free(check *k);
bool roots_load(check *k);

/* shake.c: handshakes of every profile and name, full and resumed. */
void check_handshakes(check *k);
/* A visit with the n-th profile and the first name that is up and speaks h2, or false. Close it in
 * any case. */
bool check_visit(check *k, visit *v, unsigned n, const qn_tls_ticket *ticket, bool damage);

/* pages.c */
void check_pages(check *k);
void check_private(check *k); /* what only some may see */

/* probe.c: what it does when things go wrong. */
void check_reactions(check *k);

/* rehearse.c: visits as a peer will see them, with what was measured: does its moment come? Second
 * pages on which it does not are given up. */
void check_moments(check *k);

/* limits.c: when it ends a connection. */
void check_limits(check *k);

/* report.c: as the file has them. */
size_t full_flight(const check *k);
size_t resumed_flight(const check *k);

/* judge.c: what follows from all the numbers together. */
void check_numbers(check *k);

/* report.c */
void report_table(const check *k);
void report_json(const check *k);
/* False: said why. */
bool report_file(const check *k);
#endif

/*
 * Somebody at a web site, for experiments: the browser that nodes play (its TLS, its HTTP/2, the
 * same profile) with nothing of QNet behind it. What a censor does to it is collateral damage.
 * Sans-I/O, like the core it is made of: push what the site says, send what peek shows.
 */
#ifndef LAB_BROWSER_H
#define LAB_BROWSER_H

#include <stdbool.h>

#include "qnet/env.h"
#include "qnet/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A profile and the certificates it trusts, read once for many visits. */
typedef struct lab_guise lab_guise;

/* Both are copied. NULL: one of them cannot be read, or there is no memory. */
lab_guise *lab_guise_new(qn_env *env, qn_slice profile, qn_slice roots);
void lab_guise_free(lab_guise *g); /* after its visits; NULL is fine */

typedef struct lab_browser lab_browser;

typedef struct lab_browser_state {
    unsigned answers; /* whole ones, with a status of success */
    uint64_t bytes;   /* of bodies */
    bool over;        /* nothing more comes: the site ended it, or something is wrong */
} lab_browser_state;

/* One connection to a site of this name, which asks for each path as soon as it may. The guise, env
 * and paths outlive it. NULL: no memory, or no such hello. */
lab_browser *lab_browser_new(const lab_guise *g, qn_env *env, const char *name,
                             const char *const *paths, unsigned paths_n);
void lab_browser_free(lab_browser *b); /* NULL is fine */
void lab_browser_push(lab_browser *b, qn_slice bytes);
void lab_browser_eof(lab_browser *b);
qn_slice lab_browser_peek(const lab_browser *b); /* empty: nothing to send */
void lab_browser_consume(lab_browser *b, size_t n);
lab_browser_state lab_browser_look(const lab_browser *b);

#ifdef __cplusplus
}
#endif

#endif

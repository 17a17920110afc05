/*
 * Who is listed, by country, as JSON: the answers of GET /api/relays/by-country.
 *
 * Everything is collected once in a second, when somebody asks, and each page is written once of
 * that; all who ask in that second are sent the same bytes, by reference. Those who read slowly
 * keep old pages alive: with QN_PAGES_MAX bytes of them no newer are made, and the last ones are
 * sent on. None of the texts in a page needs escaping.
 */
#ifndef QN_REAL_DIRECTORY_PAGES_H
#define QN_REAL_DIRECTORY_PAGES_H

#include "io-real/env.h"
#include "qnet/directory.h"

#include <event2/buffer.h>

#define QN_PAGES_MAX (16u << 20)
#define QN_PAGES_NOWHERE "ZZ" /* what CLDR calls a country that nobody knows */

typedef struct qn_pages qn_pages;

/* Node and env outlive it. NULL: out of memory. */
qn_pages *qn_pages_new(const qn_node *node, qn_real_env *env);
void qn_pages_free(qn_pages *p); /* pages that are being sent stay until they are */
/* Appends the page of this country (two capital letters), or of all (NULL). The env is stamped.
 * false: out of memory. */
bool qn_pages_put(qn_pages *p, const char *country, struct evbuffer *out);

#endif

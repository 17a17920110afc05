/* A list of candidates to choose from, built up by a test. */
#ifndef TEST_PATH_LIST_H
#define TEST_PATH_LIST_H

#include "support/qt.h"

#include "path/path.h"

enum { LIST_MAX = 12000 };

typedef struct list {
    qt_env t;
    qn_candidate v[LIST_MAX];
    size_t n;
    qn_path_wish wish;
    qn_path path;
    const char *lacks;
} list;

static inline void list_open(list *l, uint64_t seed)
{
    qt_env_open(&l->t, seed);
    l->n = 0;
    l->lacks = "";
    l->wish = (qn_path_wish){.hops = QN_HOPS_MAX, .apart = QN_APART_ALL};
    memset(l->wish.self.b, 0xff, sizeof l->wish.self.b);
}

/* The i-th candidate is in a /16 of its own and its identity is its number. */
static inline qn_candidate *list_add(list *l, uint8_t flags, uint16_t weight)
{
    qn_candidate *c = &l->v[l->n];

    ck_assert_uint_lt(l->n, LIST_MAX);
    *c = (qn_candidate){.flags = flags, .weight = weight, .addr = {.family = 4, .port = 443}};
    qn_put32(c->id.b, (uint32_t)l->n);
    qn_put32(c->addr.ip, (uint32_t)(l->n + 1) << 16);
    l->n++;
    return c;
}

static inline void list_add_many(list *l, unsigned relays, unsigned exits)
{
    for (unsigned i = 0; i < relays; i++)
        list_add(l, QN_CANDIDATE_RELAY, 10);
    for (unsigned i = 0; i < exits; i++)
        list_add(l, QN_CANDIDATE_RELAY | QN_CANDIDATE_EXIT, 10);
}

static inline qn_err list_choose(list *l)
{
    return qn_path_choose(&l->path, &l->t.env, l->v, l->n, &l->wish, &l->lacks);
}

#endif

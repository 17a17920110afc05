/*
 * What path choice knows of a node: plain data, made from a snapshot by whoever holds one, so that
 * the choice itself can be tested, explained and simulated (nodes/qnet-path-sim) without a network.
 */
#ifndef QN_PATH_CANDIDATE_H
#define QN_PATH_CANDIDATE_H

#include "base/env.h"
#include "qnet/addr.h"
#include "qnet/id.h"
#include "qnet/node.h"
#include "qnet/rule.h"

enum {
    QN_CANDIDATE_RELAY = 1,   /* may be any hop but the last */
    QN_CANDIDATE_EXIT = 2,    /* may be the last hop */
    QN_CANDIDATE_INVITED = 4, /* in no list: only its guests can find it, so only the first hop */
    QN_CANDIDATE_BEHIND = 8   /* reached through another node: never the first hop */
};

typedef struct qn_candidate {
    qn_peerid id;
    qn_addr addr;
    uint8_t flags;
    qn_time rest;    /* it failed us: until then only when there is nobody else; 0: never did */
    uint16_t weight; /* its measured capacity, in shares; 0: never */
    uint32_t used;   /* how often paths went through it; for turns */
    char country[3]; /* "" unknown, and then like nobody's */
    uint32_t as;     /* 0 unknown, likewise */
    uint64_t family; /* 0 none; equal: of one family */
    uint64_t via[2]; /* 0 none; the first bytes of PeerIDs through which it is reached */
    uint8_t ports_n; /* of an exit; 0: any port */
    uint8_t ranges_n;
    const uint16_t *ports;  /* they outlive the candidate */
    const qn_ports *ranges; /* beside those */
} qn_candidate;

/* Bits of QN_APART that a and b share. A node shares all of them with itself. */
unsigned qn_candidates_share(const qn_candidate *a, const qn_candidate *b);
/* An exit for this port; 0 stands for any. */
bool qn_candidate_exits_to(const qn_candidate *c, uint16_t port);

#endif

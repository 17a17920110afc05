/*
 * HTX's share of a node: visits, for whoever dials, and the site, for whoever is dialled.
 */
#ifndef QN_NODE_HTX_H
#define QN_NODE_HTX_H

#include "base/timer.h"
#include "htx/mirror.h"
#include "htx/site.h"
#include "htx/target.h"
#include "node/guise.h"
#include "qnet/node.h"

struct neighbour;

/* Whom a link is dialled to; nothing of it is kept. */
typedef struct whom {
    const qn_peerid *id;
    const qn_dh_public *key;
    const qn_addr *addr;
    qn_slice card;        /* HTX: docs/wire/directory.md, "Card" */
    const qn_key *psk;    /* NULL: it is listed */
    const qn_peerid *via; /* if via_n > 0: it is reached through one of these */
    uint8_t via_n;
    struct passage *passage; /* upon this; NULL: upon a conn of the world's */
} whom;

enum { VISIT_NAMES = 64, VISIT_CLOCKS = 32 }; /* the oldest give way: then it is asked again */

typedef struct visits {
    const guise *guise;
    qn_tls_tickets *tickets; /* of web sites, to come back to them as a browser does */
    qn_time idle;
    uint8_t name_key[16];
    struct visit_name { /* names that led to a peer */
        uint64_t name;
        qn_addr addr;
        qn_time until;
    } * known;           /* known_cap of them, VISIT_NAMES at most: a client meets few */
    struct visit_clock { /* what a peer's origin said of our clock */
        qn_peerid id;
        int64_t ahead;
    } * clock; /* VISIT_CLOCKS of them; NULL: none has found it wrong */
    uint32_t known_cap, known_next, clock_next;
    int64_t clock_ahead; /* the last one said */
    bool elsewhere;      /* the last name that was resolved did not lead to its peer */
} visits;

typedef struct site {
    qn_htx_site htx;
    qn_htx_mirror mirror;
    qn_htx_mirror_key tried[QN_HTX_TRIED_MAX];
    qn_vouch vouches[QN_HTX_TRIED_MAX]; /* for these */
    qn_htx_replay replay;
    qn_addr origin;
    qn_slice name[QN_HTX_NAMES_MAX];
    qn_key psk[QN_PSKS_MAX];          /* listed: one, which is zero */
    uint8_t card[2][QN_HTX_CARD_MAX]; /* ours: card[which] */
    uint16_t card_n;
    uint8_t which;
    bool store_mirror, store_replay;
    bool down;      /* the origin does not answer */
    qn_conn asking; /* whether it does; 0: not now */
    qn_timer turn_timer, ask_timer;
    size_t replay_written;                /* entries in the file */
    uint8_t file[QN_HTX_MIRROR_FILE_MAX]; /* what STORE names, until the next call */
    size_t file_n;                        /* of it, to be wiped then */
    uint8_t *lent;                        /* the same, when it is long */
    size_t lent_n;
} site;

/* visit.c */
QN_MUST_CHECK qn_err visits_start(qn_node *n, const qn_htx_cfg *cfg, char why[160]);
void visits_clear(qn_node *n);
bool visits_aged(const qn_node *n); /* our profile is past its date, and this is no lab */
/* Whether a node with this card can be dialled. In a list of now each has a key: it is described
 * anew with every epoch. */
bool visits_reach(const qn_node *n, qn_slice card);
/* The same of one whose keys may be over. */
bool visits_reach_now(const qn_node *n, const qn_peerid *id, qn_slice card);
/* *t points into *card, which points into to->card. */
QN_MUST_CHECK qn_err visits_target(qn_node *n, const whom *to, qn_htx_card *card, qn_htx_target *t);
/* Draws when another link is to take over, by what the card says of its origin's patience. */
void visits_renew(struct neighbour *nb, const qn_htx_card *card);
/* As many visits of this peer as a browser would leave idle are there already. */
bool visits_crowd(const qn_node *n, const qn_peerid *id);
bool visit_resolved_already(const struct neighbour *nb);
void visit_dest(const struct neighbour *nb, qn_dest *out);
void visit_resolved(struct neighbour *nb, const qn_addr *addr, unsigned count, qn_err why);
void visit_watch(struct neighbour *nb); /* looks what became of it; harmless for other links */
qn_time visit_due(const struct neighbour *nb);

/* site.c */
QN_MUST_CHECK qn_err site_start(qn_node *n, const qn_htx_cfg *cfg, char why[160]);
void site_clear(qn_node *n);
qn_slice site_card(const site *s); /* empty for NULL */
void site_turn(qn_node *n);
void site_greet(qn_node *n, qn_carrier_cfg *cfg); /* what a responder's carrier needs of it */
bool site_store(qn_node *n, qn_action *a);
/* If it is its: it could not be kept. */
void site_store_again(qn_node *n, const char *name);
bool site_door(qn_node *n, qn_action *a);
void site_ask(qn_node *n);
void site_down(qn_node *n); /* a visitor's dial of it failed */
void site_answered(qn_node *n, qn_err err);
void site_forget(qn_node *n);
void site_admit(qn_node *n); /* cfg.psk has changed */
/* These are our mirror keys, as STORE keeps them: the node we follow has made them. */
void site_told(qn_node *n, qn_slice mirror_keys);

#endif

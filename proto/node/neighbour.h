/*
 * Links and what is beneath them: neighbour.c, named.c, under.c and resume.c. Included by
 * node/internal.h, which says what a chore and a timer are.
 */
#ifndef QN_NODE_NEIGHBOUR_H
#define QN_NODE_NEIGHBOUR_H

#include "base/timer.h"
#include "dir/snapshot.h"
#include "link/link.h"
#include "link/resume.h"
#include "node/crowd.h"
#include "node/htx.h"
#include "qnet/node.h"

/* What is beneath a link now: a carrier and its legs. It changes hands when a link goes on upon
 * another carrier (resume.c). */
typedef struct under {
    qn_carrier *carrier;
    qn_conn leg[2];          /* 0: not open, or the world is done with it */
    qn_addr leg_addr[2];     /* dialled, or (leg 0, accepted) where it comes from */
    qn_hash hash;            /* with up: the handshake's */
    uint16_t max_record;     /* with up */
    qn_time heard_at;        /* when bytes last came on leg 0 */
    qn_time starved_since;   /* with starved */
    qn_time renew_at;        /* a visit's origin would soon end it: another is to take over ... */
    uint32_t renew_asked;    /* ... as it would after more requests than these */
    struct passage *passage; /* leg 0, while it lives, is no conn of the world's but this */
    crowd_prefix *prefix;    /* accepted: where from; NULL: of no prefix that is counted */
    bool inner;              /* its leg is, or was, a passage */
    bool up;                 /* was ESTABLISHED */
    bool raw;                /* the legs live on without the link, until the carrier says LOST */
    bool lost;               /* the carrier said LOST, or never lived */
    bool stranger;           /* accepted, and has proved nothing or gone raw: counted */
    bool resolving;          /* leg 0: whether the site's name leads there is being asked */
    bool late;               /* a visit's second answer is: streams went other ways */
    bool starved[2];         /* leg: space gave nothing, READ is owed */
} under;

/* What a RESUME frame is due to say on this carrier, before anything of the link's. */
typedef enum saying { SAY_NOTHING, SAY_CLAIM, SAY_UNKNOWN } saying;

typedef struct neighbour {
    struct neighbour *next, *prev;
    qn_node *n;
    under under;
    qn_link link;
    qn_peerid id;      /* valid when known */
    qn_peerid claimed; /* accepted, with `claims`: what a snapshot may confirm */
    qn_dh_public claimed_key;
    qn_rate births; /* circuits it began here */
    chore chore;
    qn_timer timer;
    qn_time since, idle_since;
    qn_time over_since; /* with over */
    qn_time gossip_tat; /* what it asked of us costs so far: gossip_paced */
    struct neighbour *more_recent, *less_recent; /* with unnamed */
    uint64_t serial; /* counts neighbours; an exit's entry, and source of one-hop streams */
    /* resume.c */
    qn_resume right; /* by which the link is claimed on its next carrier */
    qn_resume other; /* dialler: the right that the awaited answer brings; dialled: the former one,
                        until the dialler has shown that it has the new */
    struct neighbour *behalf;    /* dialled for the link of this one, to which its carrier goes */
    struct neighbour *successor; /* the other way round */
    qn_time orphan_until;        /* no carrier that works: how long it waits for one; QN_NEVER */
    qn_time redial_at;           /* dialler; with successor: when that one is given up */
    qn_time awaits_at;  /* a user has spoken and nobody has answered: when that is looked into */
    uint64_t passed;    /* units, both ways, when it last went on ... */
    qn_time resumed_at; /* ... and when that was */
    uint32_t resumes;
    uint8_t redials; /* in a row, or with nothing that passed between */
    uint8_t barren;  /* carriers in a row that were left for saying nothing and had not */
    uint8_t say;     /* saying */
    bool asking;     /* dialler: RESUME was said on this carrier, its answer is awaited */
    bool fresh;      /* dialled: nothing of a link was said on this carrier: RESUME may come */
    bool moving;     /* dialler: another carrier is wanted while this one works */
    bool looked;     /* with awaits_at over: a ping was sent for it */
    bool stalled;    /* the carrier before this one said nothing */
    bool left;       /* streams that were only opening went other ways */

    bool outbound, known, claims;
    bool unnamed;   /* accepted, up, and nobody knows whose: counted, see crowd.h */
    bool announced; /* LINK_UP was given */
    bool over;      /* the link is done with: only the legs' ends are awaited */
    bool dial_back; /* we look whether a node is where it says; nothing else */
    bool retired;   /* new streams go to another link, this one ends with its last */
} neighbour;

/* named.c */
/* nb->id is set: streams to that node find this link from now on, until unnamed. */
void neighbour_name(neighbour *nb);
void neighbour_unname(neighbour *nb);
neighbour *neighbour_named(const qn_node *n, const qn_peerid *id); /* NULL: none */

/* neighbour.c */
void neighbour_free(neighbour *nb); /* at once: for its own service, and for the end of the node */
neighbour *neighbour_get(qn_node *n, const qn_relay *r);
neighbour *neighbour_dial(qn_node *n, const whom *to);
/* Another one, if named for streams to that node, upon to->passage if there is one. */
neighbour *neighbour_dial_upon(qn_node *n, const whom *to, bool named);
neighbour *neighbour_accept_upon(qn_node *n, struct passage *p); /* NULL: not now */
/* A link of its own, only to see that the node answers: dialled_back(). NULL: not now. */
neighbour *neighbour_dial_back(qn_node *n, const qn_descriptor *d);
/* For the link of nb, whose node it is; NULL: not now. */
neighbour *neighbour_dial_again(neighbour *nb, const qn_descriptor *d, const qn_addr *addr);
qn_conn neighbour_accept(qn_node *n, const qn_addr *from, const qn_addr *local);
/* Another carrier is to take over: the link moves there if it is in use, and ends otherwise. */
void neighbour_retire(neighbour *nb);
void neighbour_touch(neighbour *nb); /* its link has something to do */
void neighbour_end(neighbour *nb, uint16_t code);
/* Whether we know who it is by now: a snapshot that lists it may be younger than the link. */
bool neighbour_known(neighbour *nb);
void neighbour_drain_link(neighbour *nb); /* what the link reports */
void neighbour_plan(neighbour *nb);       /* sets its timer */
void neighbour_tick(neighbour *nb);
void neighbour_service(neighbour *nb);

/* under.c */
QN_MUST_CHECK qn_err under_dialled(neighbour *nb, const whom *to); /* makes the carrier */
QN_MUST_CHECK qn_err under_accepted(neighbour *nb, const qn_addr *from, const qn_addr *local);
void under_abandon(neighbour *nb);     /* the legs are reset */
bool under_lives(const neighbour *nb); /* records may go both ways */
/* What the carrier reports is done; false: it had nothing. */
bool under_events(neighbour *nb);
void under_drain(neighbour *nb); /* the same, and the neighbour is looked at again */
qn_span neighbour_space(neighbour *nb, uint8_t leg);
unsigned neighbour_peek(neighbour *nb, uint8_t leg, qn_slice *v, unsigned max);
void neighbour_consumed(neighbour *nb, uint8_t leg, size_t bytes);
void neighbour_opened(neighbour *nb, uint8_t leg);
void neighbour_open_failed(neighbour *nb, uint8_t leg, qn_err why);
void neighbour_leg_ended(neighbour *nb, uint8_t leg, qn_ending how);
void neighbour_leg_gone(neighbour *nb, uint8_t leg);
void under_ask_legs(neighbour *nb);         /* the world is to look at them */
bool neighbour_stalls(const neighbour *nb); /* a stranger who holds all that one may */
void neighbour_give_up(neighbour *nb);      /* both legs are reset */

/* resume.c */
/* nb's carrier was ESTABLISHED with this secret, and its link begins. */
void resume_begin(neighbour *nb, const qn_key *secret);
/* A carrier that was dialled for another link was: that link takes it, and is returned. */
neighbour *resume_take(neighbour *nb, const qn_key *secret);
/* The carrier can carry nothing more. True: its link waits for another. */
bool resume_keeps(neighbour *nb);
/* The dialler wants another carrier; false: this link cannot have one. */
bool resume_move(neighbour *nb);
/* A record. True: it was RESUME's, and *nb is whose the carrier is now. */
bool resume_record(neighbour **nb, const qn_piece *piece);
/* The link has taken a record of so many bytes of frames. */
void resume_heard(neighbour *nb, uint32_t content);
/* A user's bytes passed, up or down; up also: more is to come. */
void resume_passed(neighbour *nb, bool up);
/* RESUME leaves. False: the link waits until it could. */
bool resume_fill(neighbour *nb);
void resume_over(neighbour *nb); /* the link is */
void resume_forget(neighbour *nb);
qn_time resume_due(const neighbour *nb);
void resume_tick(neighbour *nb);
neighbour *resume_oldest(const qn_node *n); /* orphan; NULL: there is none */

#endif

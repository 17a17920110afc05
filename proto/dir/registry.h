/*
 * What one operator knows: the descriptors registered with it and who of them is alive.
 *
 * A registration alone lists nobody; the first heartbeat does. So a replayed descriptor lists
 * nothing, because no fresh heartbeat comes with it. An entry is live for QN_LIVE_FOR after its
 * last heartbeat, measured on env->now; dead entries leave at the next prune, every
 * QN_PRUNE_EVERY. Of one prefix (/24, /48) at most QN_QUOTA_PREFIX are taken, by the first address,
 * unless that is not global, which only a lab allows. With must_reach those count that were
 * reached; as many more wait to be, and they give way to newcomers of their prefix, and to all when
 * the registry is full: whoever registers addresses that are not his keeps out nobody. Who is in
 * the newest list gives way to nobody. The wall clock judges signed validity only: setting it ages
 * nobody.
 *
 * Entries are kept sorted by PeerID, so lookups are binary searches and every listing has one
 * order. Bounded by QN_REGISTRY_MAX entries and by what fits a snapshot; the newest is refused.
 */
#ifndef QN_DIR_REGISTRY_H
#define QN_DIR_REGISTRY_H

#include "dir/descriptor.h"
#include "dir/heartbeat.h"

typedef struct qn_registration {
    struct qn_registration *older, *newer; /* in the order in which entries last changed */
    qn_descriptor d;
    int64_t beat;         /* time of the last heartbeat; 0: none yet */
    uint16_t load;        /* as that heartbeat said */
    uint16_t load_before; /* as the one before said */
    bool reached;         /* its address answered with its link key; see must_reach */
    bool direct;          /* the last change came from the node, not from another operator */
    uint8_t beat_n;
    uint8_t beat_bytes[QN_HEARTBEAT_MAX]; /* the last heartbeat, signed */
    uint64_t changed;                     /* serial of the last change ... */
    uint64_t described;                   /* ... and of the descriptor's */
    qn_time first_seen;                   /* env->now of the first registration */
    qn_time seen;     /* when the last heartbeat was sent, as far as that is known; while beat is 0,
                         of the first registration */
    qn_time since;    /* live without a break since then */
    qn_time replaced; /* when its descriptor last was; 0: never */
    qn_time dial_at;  /* the owner's: when to dial it back, while it was not reached ... */
    uint8_t dials;    /* ... and how often it has */
    /* capacity.h: what each operator measured, 0: nothing; what follows of that, until then, and
     * since when; the serial of our own */
    uint16_t told[QN_OPERATORS_MAX];
    uint16_t capacity, capacity_before;
    qn_time capacity_at;
    uint64_t measured;
    /* the owner's: when we last measured it and are to do it again (0: neither yet), what came of
     * it, and how often it has carried nothing since */
    qn_time measured_at, measure_at;
    uint16_t carried;
    uint8_t failures;
    qn_slice bytes; /* the signed descriptor; owned by the registry */
} qn_registration;

typedef struct qn_registry {
    qn_env *env;
    const qn_network *net;
    qn_registration **v; /* ascending by d.id */
    uint32_t n, cap;
    uint64_t bytes; /* sum of bytes.n */
    qn_time prune_at;
    const struct qn_snapshot *list; /* the newest, kept by the owner; NULL: none */
    bool must_reach;                /* only entries that were reached are live; the owner sets it */
    qn_time settle;     /* entries are listed when they have lived so long; the owner sets it */
    uint64_t serial;    /* of the last change */
    uint64_t described; /* of the last change of a descriptor */
    bool measures;      /* weights go by what operators measured; the owner sets it, and: */
    uint8_t me;         /* its place among the operators */
    uint64_t measured;  /* serial of what we measured */
    uint64_t news;      /* counts entries that came to life, and new descriptors of live ones */
    qn_registration *oldest, *newest;
} qn_registry;

/* env and net must outlive it. */
void qn_registry_init(qn_registry *r, qn_env *env, const qn_network *net);
void qn_registry_clear(qn_registry *r); /* may repeat */

/* Adds or replaces; the same bytes again are QN_OK and change nothing. *id (may be NULL) is set on
 * QN_OK. QN_STALE: a higher sequence is known; QN_REFUSED: this sequence with other content;
 * QN_BUSY: full; QN_QUOTA: too many of its prefix, or too soon after the last one; QN_EARLY,
 * QN_EXPIRED; else as qn_descriptor_open. A replacement by a higher sequence stays as live as the
 * entry was. */
QN_MUST_CHECK qn_err qn_registry_register(qn_registry *r, qn_slice descriptor, qn_peerid *id);
/* QN_UNKNOWN: register (this descriptor) first; QN_STALE: not newer than the last heartbeat, or
 * for an older descriptor; QN_EARLY, QN_EXPIRED: not fresh; else as qn_heartbeat_open. */
QN_MUST_CHECK qn_err qn_registry_heartbeat(qn_registry *r, qn_slice heartbeat);

/* The same of what another operator passed on: a descriptor (empty: none) and its node's heartbeat
 * (likewise). Where a quota is used up, those in the newest list stay, of the others those with the
 * lowest PeerIDs, so that all operators end with the same. Two descriptors of one sequence are the
 * node's fault; the bytewise lower one stays, for the same reason. QN_OK too when nothing of it was
 * new; QN_UNKNOWN: the heartbeat's descriptor was not among what was passed on before. */
QN_MUST_CHECK qn_err qn_registry_share(qn_registry *r, qn_slice descriptor, qn_slice heartbeat);

/* For an operator that starts: a node of the last list gets one more TTL to be heard of. */
QN_MUST_CHECK qn_err qn_registry_seed(qn_registry *r, qn_slice descriptor);

/* The first of the entries that changed after `serial`, oldest change first; the others follow at
 * ->newer. NULL: none. */
const qn_registration *qn_registry_changed(const qn_registry *r, uint64_t serial);

/* This node's address has answered with its link key. Where that makes one more than the quota,
 * it leaves itself, or, if another operator told of it, the one with the highest PeerID. */
void qn_registry_reached(qn_registry *r, const qn_peerid *id);

qn_time qn_registry_due(const qn_registry *r); /* the next prune; QN_NEVER when empty */
void qn_registry_tick(qn_registry *r);         /* prunes when due; cheap otherwise */
/* When an entry that is alive now dies, unless it is heard of: the one unheard of for longest. The
 * dead stay until the next prune, since other operators may have heard more. QN_NEVER: none. */
qn_time qn_registry_next_death(const qn_registry *r);
/* Removes every dead entry now; returns how many. */
uint32_t qn_registry_prune(qn_registry *r);

/* Whether it belongs into a list made now: live, settled, and its descriptor is valid. */
bool qn_registry_listed(const qn_registry *r, const qn_registration *e);
bool qn_registry_live(const qn_registry *r, const qn_registration *e);
const qn_registration *qn_registry_find(const qn_registry *r, const qn_peerid *id);
/* The same, for the owner's and capacity.h's fields. */
qn_registration *qn_registry_entry(qn_registry *r, const qn_peerid *id);
/* Live entries in PeerID order: *cursor starts at 0; NULL at the end. country NULL: all. The
 * registry must not change between calls. */
const qn_registration *qn_registry_next(const qn_registry *r, const char *country,
                                        uint32_t *cursor);

#endif

/*
 * What one operator knows: the descriptors registered with it and who of them is alive.
 *
 * A registration alone lists nobody; the first heartbeat does. So a replayed descriptor lists
 * nothing, because no fresh heartbeat comes with it. An entry is live for QN_LIVE_FOR after its
 * last heartbeat, measured on env->now; dead entries leave at the next prune, every
 * QN_PRUNE_EVERY. The wall clock judges signed validity only: setting it ages nobody.
 *
 * Entries are kept sorted by PeerID, so lookups are binary searches and every listing has one
 * order. Bounded by QN_REGISTRY_MAX entries and by what fits a snapshot; the newest is refused.
 */
#ifndef QN_DIR_REGISTRY_H
#define QN_DIR_REGISTRY_H

#include "dir/descriptor.h"

typedef struct qn_registration {
    qn_descriptor d;
    int64_t beat;       /* time of the last heartbeat; 0: none yet */
    uint16_t load;      /* as that heartbeat said */
    qn_time first_seen; /* env->now of the first registration */
    qn_time seen;       /* of the last heartbeat, or of the first registration while beat is 0 */
    qn_slice bytes;     /* the signed descriptor; owned by the registry */
} qn_registration;

typedef struct qn_registry {
    qn_env *env;
    const qn_network *net;
    qn_registration **v; /* ascending by d.id */
    uint32_t n, cap;
    uint64_t bytes; /* sum of bytes.n */
    qn_time prune_at;
} qn_registry;

/* env and net must outlive it. */
void qn_registry_init(qn_registry *r, qn_env *env, const qn_network *net);
void qn_registry_clear(qn_registry *r); /* may repeat */

/* Adds or replaces; the same bytes again are QN_OK and change nothing. *id (may be NULL) is set on
 * QN_OK. QN_STALE: a higher sequence is known; QN_REFUSED: this sequence with other content;
 * QN_BUSY: full; QN_EARLY, QN_EXPIRED; else as qn_descriptor_open. A replacement by a higher
 * sequence stays as live as the entry was. */
QN_MUST_CHECK qn_err qn_registry_register(qn_registry *r, qn_slice descriptor, qn_peerid *id);
/* QN_UNKNOWN: register (this descriptor) first; QN_STALE: not newer than the last heartbeat, or
 * for an older descriptor; QN_EARLY, QN_EXPIRED: not fresh; else as qn_heartbeat_open. */
QN_MUST_CHECK qn_err qn_registry_heartbeat(qn_registry *r, qn_slice heartbeat);

qn_time qn_registry_due(const qn_registry *r); /* the next prune; QN_NEVER when empty */
void qn_registry_tick(qn_registry *r);         /* prunes when due; cheap otherwise */
/* Removes every dead entry now; returns how many. */
uint32_t qn_registry_prune(qn_registry *r);

bool qn_registry_live(const qn_registry *r, const qn_registration *e);
const qn_registration *qn_registry_find(const qn_registry *r, const qn_peerid *id);
/* Live entries in PeerID order: *cursor starts at 0; NULL at the end. country NULL: all. The
 * registry must not change between calls. */
const qn_registration *qn_registry_next(const qn_registry *r, const char *country,
                                        uint32_t *cursor);

#endif

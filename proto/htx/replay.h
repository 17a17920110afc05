/*
 * Tags that were answered, so that none is answered twice: the set's insides. Its verbs are in
 * qnet/replay.h. docs/wire/htx.md, "Replay set".
 *
 * A tag is looked up and entered at the moment PROOF would go out and never earlier: so an entry
 * costs whoever wants to fill the set a TLS session and two requests, and nobody can use up
 * another's tag by showing a copy of it first.
 */
#ifndef QN_HTX_REPLAY_H
#define QN_HTX_REPLAY_H

#include "base/map.h"
#include "crypto/siphash.h"
#include "qnet/err.h"
#include "qnet/replay.h"

#define QN_HTX_TAG_SKEW_S 90     /* of C's clock against P's, either way */
#define QN_HTX_REPLAY_KEEP_S 180 /* after the tag's own time: twice the skew */

struct qn_htx_replay {
    qn_env *env;
    uint8_t key[16];
    qn_map known; /* name -> the set itself; the ring says which, in order */
    struct qn_htx_replay_entry {
        uint64_t name;
        int64_t until;
    } * ring;
    uint32_t cap, head, n;
    uint32_t news; /* the newest of n: not given to qn_htx_replay_news() yet */
    int64_t wall;  /* the latest clock seen */
    int64_t floor; /* tag times before it are not answered */
};

/* Draws its key. fresh: the mirror keys in use are younger than this start, so nobody can hold a
 * tag for them that was answered before. No memory is taken. */
void qn_htx_replay_init(qn_htx_replay *r, qn_env *env, bool fresh);
void qn_htx_replay_clear(qn_htx_replay *r);
/* Instead of what it is: what was written before a restart of the program, not of the machine. So
 * everything answered since then is known, and there is no floor. An entry cut short at the end is
 * passed over: its PROOF never went out. QN_PROTO, QN_NOMEM: the set is empty, its
 * floor as it was. */
QN_MUST_CHECK qn_err qn_htx_replay_load(qn_htx_replay *r, qn_slice bytes);

#endif

/* One world, and what is said about a client again and again. */
#ifndef HTX_SCENE_H
#define HTX_SCENE_H

#include "world.h"

static htx_world world, *const w = &world; /* too large for a stack */

enum { PROFILES = 2 };

static inline void open_world(unsigned profile)
{
    htx_world_open(w, profile);
}

static inline void setup(void)
{
    open_world(0);
}

static inline void teardown(void)
{
    htx_world_close(w);
}

static inline void dial(void)
{
    qt_assert_err(htx_world_dial(w), QN_OK);
    htx_world_run(w);
}

static inline qn_htx_phase phase(void)
{
    return qn_htx_client_look(w->c).phase;
}

static inline void must_carry(void)
{
    ck_assert_msg(w->established, "phase %d, watch %d, tagged %d, requests %u, lost %s", phase(),
                  w->peer.watch.state, w->peer.tagged, w->site.requests,
                  w->lost ? qn_err_name(w->err) : "not");
    ck_assert_int_eq(w->peer.mode, HTX_QNET);
    ck_assert_msg(phase() == QN_HTX_CARRYING, "lost: %s", qn_err_name(w->err));
}

static inline void must_visit(void)
{
    ck_assert(!w->established && !w->lost);
    ck_assert_int_eq(phase(), QN_HTX_VISITOR);
}

static const uint8_t ping[] = {0, 0, 8, 0x18, 0, 0, 0, 0, 0, 0, 0, 2};

static inline void echo(void)
{
    w->frames.n = w->peer.frames.n = 0;
    htx_world_say(w, qn_slice_of(ping, sizeof ping), QN_INNER_FRAMES);
    qt_assert_err(htx_world_seal(w, qn_slice_of(ping, sizeof ping)), QN_OK);
    htx_world_run(w);
    qt_assert_bytes(w->frames.p, w->frames.n, qn_slice_of(ping, sizeof ping));
    qt_assert_bytes(w->peer.frames.p, w->peer.frames.n, qn_slice_of(ping, sizeof ping));
}

#endif

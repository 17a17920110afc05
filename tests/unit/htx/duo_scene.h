/* One world with both genuine ends, and what is said about them again and again. */
#ifndef HTX_DUO_SCENE_H
#define HTX_DUO_SCENE_H

#include "duo.h"

static htx_world world;
static htx_duo duo, *const d = &duo; /* too large for a stack */
static htx_duo_end *const c = &duo.end[DUO_CLIENT], *const p = &duo.end[DUO_PEER];

static const uint8_t ping[] = {0, 0, 8, 0x18, 0, 0, 0, 0, 0, 0, 0, 2};
/* An h2 PING, which a browser answers, and an answer, which it does not. */
static const char *const h2_ping[] = {"000008 06 00 00000000 0102030405060708",
                                      "000008 06 01 00000000 0102030405060708"};

enum { PROFILES = 2 };

static inline void setup(void)
{
    htx_duo_open(d, &world, 0);
}

static inline void teardown(void)
{
    htx_duo_close(d);
}

static inline void dial(void)
{
    htx_duo_dial(d);
    htx_duo_run(d);
}

static inline const qn_htx_peer *peer(void)
{
    return (const qn_htx_peer *)p->c;
}

static inline void must_carry(void)
{
    ck_assert_msg(c->established && p->established, "client phase %d, peer state %d, watch %d",
                  (int)qn_htx_client_look(c->c).phase, (int)peer()->state,
                  peer()->visit.tied != NULL ? (int)peer()->visit.tied->watch.state : -1);
    ck_assert(!c->lost && !p->lost && !c->raw && !p->raw && qn_htx_peer_see(p->c).carrying);
}

static inline void must_visit(void)
{
    ck_assert(!c->established && !p->established && !c->lost && !p->lost);
    ck_assert_int_eq(qn_htx_client_look(c->c).phase, QN_HTX_VISITOR);
}

static inline void echo(void)
{
    c->frames.n = p->frames.n = 0;
    qt_assert_err(htx_duo_say(d, DUO_CLIENT, qn_slice_of(ping, sizeof ping)), QN_OK);
    qt_assert_err(htx_duo_say(d, DUO_PEER, qn_slice_of(ping, sizeof ping)), QN_OK);
    htx_duo_run(d);
    qt_assert_bytes(p->frames.p, p->frames.n, qn_slice_of(ping, sizeof ping));
    qt_assert_bytes(c->frames.p, c->frames.n, qn_slice_of(ping, sizeof ping));
}

/* As a link does that ends by itself: CLOSE, then the carrier's farewell. */
static inline void close_link(unsigned who, uint16_t code)
{
    uint8_t frame[QN_FRAME_CLOSE_SIZE];
    qn_carrier *of = d->end[who].c;
    qn_slice s = qn_slice_of(frame, qn_frame_put_close(frame, 0, code));

    (void)of->kind->own(of, frame + s.n, 0);
    qt_assert_err(of->kind->seal(of, s, (qn_slice){0}), QN_OK);
    of->kind->close(of, code);
}

static inline void must_tell(unsigned from, const char *story)
{
    const char *got = htx_duo_story(d, from);

    ck_assert_msg(strcmp(got, story) == 0, "%s instead of %s", got, story);
}

#endif

/*
 * The smallest world for carriers: poll(2), sockets on loopback, and in place of a link something
 * that answers PINGs. What the real world does with a leg's end, this one does too.
 */
#ifndef PROBE_ENDS_H
#define PROBE_ENDS_H

#include "carrier/carrier.h"

#define JOINTS_MAX 128

typedef struct joint {
    bool used, established, lost;
    qn_carrier *c;
    uint64_t token[8]; /* of PINGs to be answered */
    unsigned answers;
    unsigned ask, asked, pongs; /* PINGs to send now, sent, answered */
    struct joint_leg {
        int fd; /* -1: none */
        bool connecting, eof, mute;
        bool finish, close, reset; /* when all is written */
    } leg[2];
} joint;

typedef struct world {
    qn_env env;
    joint joint[JOINTS_MAX];
    unsigned joints, links; /* now; since the start */
    unsigned pings;         /* asked by the end that dials, before it closes */
    bool aloud;             /* a line for whatever happens */
    int listener;
    const qn_carrier_kind *kind;
} world;

void die(const char *what);
qn_addr loopback(uint16_t port);
qn_time world_now(void);
joint *joint_new(world *w, const qn_carrier_kind *kind, const qn_carrier_cfg *cfg);
void joint_connect(world *w, joint *j, uint8_t leg, uint16_t port);
void world_listen(world *w, const qn_carrier_kind *kind, const qn_carrier_cfg *cfg);
/* Waits for something and does it; with cfg it accepts. False: standard input has ended. */
bool world_turn(world *w, const qn_carrier_cfg *accept);
void world_clear(world *w);

#endif

/*
 * Both genuine ends of HTX and an origin, in memory: a client carrier, a peer carrier, OpenSSL's
 * server. Between the ends lies a wire on which somebody may lay hands, record by record.
 */
#ifndef HTX_DUO_H
#define HTX_DUO_H

#include "world.h"

#include "htx/peer.h"

enum { DUO_CLIENT, DUO_PEER }; /* who speaks */

typedef struct htx_duo_end {
    qn_carrier *c;
    qt_env *t;
    bool established, raw, lost;
    qn_err err;
    qn_established est;
    htx_buf frames; /* that reached the link, without the carrier's own */
    struct {
        bool open, finish, close, reset; /* what it did to its socket */
        bool eof, broken;                /* what its socket told it */
    } leg[2];
} htx_duo_end;

/* From one end to the other. */
typedef struct htx_duo_wire {
    htx_buf made; /* an incomplete record */
    htx_buf on;   /* records on their way */
    bool fin, rst;
} htx_duo_wire;

/* What somebody between the ends sees. */
typedef struct htx_duo_seen {
    uint8_t who; /* DUO_CLIENT or DUO_PEER */
    char what;   /* 'r'ecord, 'f'in, 'x' for reset */
    uint8_t type;
    uint16_t length;
} htx_duo_seen;

typedef struct htx_duo {
    htx_world *w; /* profile, origin, keys, clocks */
    htx_duo_end end[2];
    htx_duo_wire wire[2]; /* by who speaks */
    htx_buf of_origin;    /* what it said and the peer has not read */
    struct {
        htx_buf said[2], heard[2]; /* at the wire, all in all: by ends */
        htx_buf to_origin, of_origin;
    } log;
    bool o_fin, o_rst; /* the origin's end, to be told to the peer */
    bool o_silent;     /* what it says stays where it is */
    qn_htx_replay replay;
    qn_htx_site site;
    qn_key psk;
    qn_tally *peer_tally;
    size_t chunk;
    uint64_t fail_at, requests; /* the end's allocation that fails, of all it asked for; 0: none */
    unsigned fails;             /* whose */
    double (*clock)(void);      /* NULL, or seconds: */
    double spent[2], entered;   /* in each end's carrier */
    /* One record, header included, in the hands of somebody: it may change, grow or vanish. */
    void (*hands)(struct htx_duo *d, unsigned who, uint8_t *record, size_t *n);
    unsigned count[2]; /* records that passed the hands */
    htx_duo_seen seen[2048];
    unsigned seen_n;
    bool link_quiet; /* the links' owners say nothing of their own, not even what carriers want */
} htx_duo;

void htx_duo_open(htx_duo *d, htx_world *w, unsigned profile);
void htx_duo_close(htx_duo *d);
void htx_duo_dial(htx_duo *d); /* a fresh connection; the site stays */
bool htx_duo_step(htx_duo *d);
void htx_duo_run(htx_duo *d); /* until all is quiet */
void htx_duo_wait(htx_duo *d, qn_time by);
/* Bytes that the wire brings to the other end as if `who` had sent them. */
void htx_duo_inject(htx_duo *d, unsigned who, qn_slice bytes);
/* Frames of an end's link, in one record. */
qn_err htx_duo_say(htx_duo *d, unsigned who, qn_slice frames);
void htx_duo_origin_ends(htx_duo *d, bool reset);
/* What was seen from `from` on, as "P34 C19 Cf Px": who, and the length of a record, in order; then
 * who ended by FIN and who by RST. */
const char *htx_duo_story(const htx_duo *d, unsigned from);

#endif

/*
 * What an HTX client meets, in memory: an origin (OpenSSL's TLS server with just enough HTTP/2)
 * and, in front of it, a peer that splices, watches, proves, holds and switches as docs/wire/htx.md
 * says. The peer is written for tests: one connection, no bounds, and with levers to misbehave.
 */
#ifndef HTX_WORLD_H
#define HTX_WORLD_H

#include "../tls/server.h"

#include "htx/client.h"
#include "htx/tag.h"
#include "htx/target.h"
#include "htx/watch.h"

typedef struct htx_buf {
    uint8_t p[1 << 18];
    size_t n;
} htx_buf;

/* The origin. */
typedef struct htx_site {
    tls_server tls;
    htx_buf in;           /* plaintext of the client not yet understood */
    bool greeted;         /* preface read */
    unsigned requests;    /* answered */
    const char *status;   /* of the page, as an HPACK field in hex */
    size_t page, second;  /* bytes of the answers */
    const char *settings; /* a SETTINGS payload in hex */
    unsigned pings;       /* in one record in front of the second answer */
    bool closed;          /* client's close_notify, or a fatal alert, or an error */
} htx_site;

void htx_buf_cut(htx_buf *b, size_t n); /* drops the first n */
/* Reads what its TLS server has, and answers. */
void htx_site_run(htx_site *s);

typedef enum htx_mode { HTX_SPLICE, HTX_HOLD, HTX_QNET } htx_mode;

typedef struct htx_peer {
    qt_env t;
    htx_mode mode;
    bool tagged, hello_seen;
    qn_noise x;
    qn_htx_mirror_key key;
    qn_htx_watch watch;
    qn_htx_kem kem;
    qn_htx_lock proof, final;
    htx_buf c, o; /* not yet understood */
    qn_htx_transcript passed, heard;
    qn_record_keys tx, rx;
    qn_htx_carry carry;
    qn_key resume;
    qn_choice choice;
    qn_terms offer;
    /* levers */
    uint8_t spoil_proof; /* xor-ed into its middle */
    bool mute_proof;     /* R goes out instead: no peer at all */
    bool bad_hash;       /* PROOF is made over another transcript */
    /* seen */
    unsigned passed_small; /* C's records let through in the hold */
    htx_buf frames;        /* C's frames after the switch, without CARRIER */
    uint8_t alert[2];      /* C's */
    bool alerted;
} htx_peer;

typedef struct htx_world {
    qt_env t; /* the client's */
    unsigned profile;
    qn_tls_profile tls;
    qn_h2_profile h2;
    tls_identity ca, leaf;
    qn_roots *roots;
    qn_htx_page first[2], second[2];
    qn_htx_target target;
    qn_carrier_cfg cfg;
    qn_carrier *c;
    htx_site site;
    htx_peer peer;
    htx_buf to_c; /* on the wire */
    size_t chunk;
    /* what the client did */
    bool established, raw, lost, closed, reset;
    qn_established est;
    qn_err err;
    htx_buf frames; /* the peer's frames that reached the link */
    uint64_t fail_at,
        requests; /* the client's allocation that fails, of all it asked for; 0: none */
    uint64_t flip_at, to_c_total; /* one byte towards C is changed; 0: none */
    uint16_t length[512];         /* C's records */
    uint8_t type[512];
    unsigned records;
    htx_buf from_c; /* incomplete record */
} htx_world;

/* The client's browser reads its page, and only time makes it go on. */
static inline bool htx_reads(const qn_carrier *c)
{
    const qn_htx_client *client = (const qn_htx_client *)c;

    return c != NULL && client->phase == QN_HTX_LOADING && client->ask_at != 0;
}

void htx_world_open(htx_world *w, unsigned profile);
void htx_world_close(htx_world *w);
/* A fresh client, connection and peer; levers stay. create's error is returned. */
qn_err htx_world_dial(htx_world *w);
/* Moves bytes, at most chunk at a time, until all is quiet; the pause behind the page passes. */
void htx_world_run(htx_world *w);
bool htx_world_step(htx_world *w);
void htx_world_wait(htx_world *w, qn_time by); /* both clocks; ticks the client */
/* After the switch: the peer sends frames, or bytes of the origin. */
void htx_world_say(htx_world *w, qn_slice frames, qn_inner inner);
/* The client's link says frames. */
qn_err htx_world_seal(htx_world *w, qn_slice frames);
/* The origin writes these bytes as one TLS record. */
void htx_world_origin_writes(htx_world *w, qn_slice plain);
/* The peer has gone raw over a record of the client's that O can not open: O's alert reaches the
 * client as it is. */
void htx_world_origin_objects(htx_world *w);
void htx_world_drain(htx_world *w);
size_t htx_world_sealings(void); /* by either end since open, each under its own key and nonce */
void htx_nonces_forget(void);    /* a new world: keys may come again */

#endif

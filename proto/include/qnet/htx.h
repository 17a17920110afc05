/*
 * What a node must be told to speak HTX (docs/wire/htx.md): which browser it plays when it dials,
 * and, if it is dialled itself, which web site it stands in front of.
 */
#ifndef QNET_HTX_H
#define QNET_HTX_H

#include <stdbool.h>

#include "qnet/addr.h"
#include "qnet/env.h"
#include "qnet/err.h"
#include "qnet/id.h"
#include "qnet/replay.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QN_HTX_NAMES_MAX 4 /* server names of one origin */
#define QN_HTX_PAGES_MAX 8 /* of each kind in a card */
/* Mirror keys of one operator's contact, one a week: a year and a week (docs/decisions/0008). */
#define QN_HTX_EPOCHS_MAX 53
/* An encoded card with the keys of a descriptor; with those of a contact. */
#define QN_HTX_CARD_MAX 1600
#define QN_HTX_CONTACT_CARD_MAX (QN_HTX_CARD_MAX + (QN_HTX_EPOCHS_MAX - 2) * 40)
/* What is stored as "mirror-keys" is never longer. */
#define QN_HTX_MIRROR_FILE_MAX ((QN_HTX_EPOCHS_MAX + 3) * 40 + 8)

/* A page of the origin that a visit asks for. */
typedef struct qn_htx_page {
    qn_slice path;    /* "/...", 1 to 255 bytes, printable ASCII without spaces */
    uint32_t largest; /* bytes of the answer's body, at most */
} qn_htx_page;

/* How an origin ends a connection after an alert. */
typedef struct qn_htx_reaction {
    bool alert; /* it sends one of its own */
    bool reset; /* then RST; otherwise FIN */
} qn_htx_reaction;

/* The web site behind a peer, as origin-check measured it. Lengths of records are the length field
 * of the header. */
typedef struct qn_htx_origin {
    qn_slice name[QN_HTX_NAMES_MAX]; /* DNS names it has a certificate for, lower case */
    uint8_t names_n;                 /* 1 to 4 */
    bool mirror;                     /* somebody else's site; otherwise the operator's own, which is
                                        told who comes: PROXY protocol, version 2 */
    qn_addr addr; /* where it listens for TLS: what DIAL names. A world may mean a
                     Unix socket by an address of its choice */
    uint32_t flight, flight_resumed; /* shortest first flight: its application records' lengths */
    uint16_t alert;                  /* length of an encrypted alert */
    qn_htx_reaction on_fatal, on_close_notify;
    uint16_t goaway;         /* length of the record with its GOAWAY */
    uint16_t largest_record; /* content, in bulk answers: 512 to 16,384 */
    /* It ends a connection after so many requests, so many seconds, so many idle seconds; 0: never.
     */
    uint32_t requests, seconds, idle;
    qn_htx_page first[QN_HTX_PAGES_MAX];  /* answers with a record of 1,300 or more */
    qn_htx_page second[QN_HTX_PAGES_MAX]; /* answers with exactly one such record */
    uint8_t first_n, second_n;            /* 1 to 8 each */
} qn_htx_origin;

typedef struct qn_htx_cfg {
    /* Who dials. */
    qn_slice profile; /* a profile file; needed during new only */
    qn_slice roots;   /* PEM: whose certificates the browser trusts; needed during new only */
    qn_time idle;     /* this browser closes a connection it does not use after so long; 0: the
                       profile's figure, or 300 s where it leaves the end to the site */

    /* Who is dialled; needed during new only. */
    const qn_htx_origin *origin; /* NULL: this node listens for no links */
    uint16_t drain; /* seconds that streams get when the origin ends their connection; 0: 300 */
    qn_slice stored_mirror_keys; /* what STORE "mirror-keys" once kept; secret */
    /* What STORE "replay" once kept, all appends included. Only if the machine has not been
     * restarted since (its boot id is the same); empty otherwise. */
    qn_slice stored_replay;
    const qn_htx_answered *answered; /* the set of several nodes; NULL: the node has its own */
} qn_htx_cfg;

/*
 * A founding operator's mirror keys, one per epoch of node `id` from the one that holds env->wall
 * on
 * (`epochs` of them, 1 to QN_HTX_EPOCHS_MAX). `keys` is what its node is given as
 * stored_mirror_keys: secret, at most QN_HTX_MIRROR_FILE_MAX bytes. `card` is for everybody, see
 * qn_network_contact. QN_CONFIG: the origin's facts are out of range, or a buffer is too small.
 */
QN_MUST_CHECK qn_err qn_htx_found(qn_env *env, const qn_peerid *id, const qn_htx_origin *origin,
                                  unsigned epochs, qn_span keys, size_t *keys_n, qn_span card,
                                  size_t *card_n);

#ifdef __cplusplus
}
#endif
#endif

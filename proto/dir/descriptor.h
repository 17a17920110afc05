/*
 * A node's signed description of itself: where it is reached, what it does, under which keys.
 *
 * The identity key (Ed25519) signs and gives the PeerID; link and onion keys (X25519) are fields
 * of their own with their own validity, so one can never stand in for another. Whoever holds a
 * descriptor holds the signed bytes too: those are passed on, never a re-encoding.
 *
 * Where the operators vouch for it, in their list, the signature is left out (decision 25).
 *
 * Opening checks everything that does not change with time: signature, network, ranges, addresses.
 * Validity is asked separately, because nodes that share one opened object have their own clocks.
 */
#ifndef QN_DIR_DESCRIPTOR_H
#define QN_DIR_DESCRIPTOR_H

#include "base/limits.h"
#include "crypto/crypto.h"
#include "htx/card.h"
#include "qnet/addr.h"
#include "qnet/id.h"
#include "qnet/network.h"
#include "qnet/node.h"
#include "qnet/rule.h"

#define QN_DESCRIPTOR_ADDRS 4
#define QN_DESCRIPTOR_PORTS (2 + QN_EXIT_PORTS_MAX + QN_EXIT_ALLOW_MAX) /* exit/policy.h */
#define QN_DESCRIPTOR_RANGES 16
#define QN_DESCRIPTOR_CONTACT 128
#define QN_DESCRIPTOR_VIA 2
#define QN_ONION_ID 8

typedef enum qn_role {
    QN_ROLE_RELAY = 1,    /* joins circuits */
    QN_ROLE_EXIT = 2,     /* opens sockets for others; has ports and a contact */
    QN_ROLE_DIRECTORY = 4 /* answers directory streams */
} qn_role;

/* A public key with its window, Unix seconds, not_before < not_after <= not_before +
 * QN_KEY_LIFE_S. */
typedef struct qn_dated_key {
    qn_dh_public key;
    int64_t not_before, not_after;
} qn_dated_key;

typedef struct qn_descriptor {
    qn_sign_public identity;          /* set by open and by sign from the key used */
    qn_peerid id;                     /* likewise: derived from identity */
    uint64_t sequence;                /* grows with every change; never goes back (promise P5) */
    int64_t valid_after, valid_until; /* Unix seconds, at most QN_DESCRIPTOR_LIFE_S apart */
    uint8_t roles;                    /* of qn_role, at least one */
    uint8_t addrs_n;                  /* 1..4 */
    uint8_t onions_n;                 /* 1..2: current first, then the previous one */
    uint8_t ports_n;                  /* exits: 1 or more; others: 0 */
    uint8_t ranges_n;                 /* exits only */
    uint8_t via_n;                    /* 0: reached at its address */
    qn_addr addrs[QN_DESCRIPTOR_ADDRS];
    qn_dated_key link;
    qn_dated_key onion[2];
    uint8_t onion_id[2][QN_ONION_ID];      /* set by open and sign */
    uint16_t ports[QN_DESCRIPTOR_PORTS];   /* ascending, distinct, none 0 */
    qn_ports ranges[QN_DESCRIPTOR_RANGES]; /* of 2 ports or more; ascending, apart */
    qn_peerid via[QN_DESCRIPTOR_VIA];      /* else through one of these, never itself */
    char country[3];                       /* two capital letters, or "" unknown */
    char contact[QN_DESCRIPTOR_CONTACT];   /* printable ASCII; exits must have one */
    qn_slice card; /* how HTX reaches it, checked (htx/card.h); empty: not at all. As read it points
                      into what was opened */
} qn_descriptor;

/* First 8 bytes of SHA-256 of an onion public key: how CREATE and EXTEND name it. */
QN_MUST_CHECK qn_err qn_onion_id(qn_env *env, const qn_dh_public *key, uint8_t out[QN_ONION_ID]);

/* Fills identity, id and onion_id of d; signs; *n <= QN_DESCRIPTOR_MAX bytes. QN_CONFIG: a field
 * is out of range, or an address is not global and the network is not a lab. */
QN_MUST_CHECK qn_err qn_descriptor_sign(qn_descriptor *d, qn_env *env, const qn_network *net,
                                        const qn_secret32 *identity, uint8_t out[QN_DESCRIPTOR_MAX],
                                        size_t *n);
/* Everything but time. QN_LIMIT: over QN_DESCRIPTOR_MAX; QN_AUTH: forged, or of another network;
 * QN_CANON, QN_TRUNCATED, QN_PROTO, QN_VERSION: encoding; QN_POLICY: an address is not global and
 * the network is not a lab. *d is unchanged after any error, and in outlives it. */
QN_MUST_CHECK qn_err qn_descriptor_open(qn_descriptor *d, qn_env *env, const qn_network *net,
                                        qn_slice in);
/* The same of one whose signature is not at hand, because somebody else vouches for it: its body,
 * and the identity that signed it. */
QN_MUST_CHECK qn_err qn_descriptor_read(qn_descriptor *d, qn_env *env, const qn_network *net,
                                        qn_slice body, const qn_sign_public *identity);
/* QN_EARLY, QN_EXPIRED or QN_OK at `wall`, with QN_CLOCK_SKEW_S of grace at the start. */
QN_MUST_CHECK qn_err qn_descriptor_valid(const qn_descriptor *d, int64_t wall);
/* The same for one of its keys. */
QN_MUST_CHECK qn_err qn_dated_key_valid(const qn_dated_key *k, int64_t wall);
/* Whether who reached one has reached the other: first address, link key and the way there. */
bool qn_descriptor_same_place(const qn_descriptor *a, const qn_descriptor *b);
/* Whether an exit says it takes this port. */
bool qn_descriptor_exits_to(const qn_descriptor *d, uint16_t port);

#endif

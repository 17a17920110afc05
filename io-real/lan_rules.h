/*
 * What nodes in one local network announce of themselves, and how much of it is listened to.
 * Nothing here asks a library or the system: all of it reads what strangers wrote.
 *
 * A TXT record (RFC 6763 section 6) has the strings "v=1", "n=" with the first 8 bytes of the
 * network id in hexadecimal, and "a=", "b=" and so on with the signed descriptor in pieces of 253
 * bytes, of which the last one alone may be shorter. They come in any order: Avahi turns it round.
 */
#ifndef QN_REAL_LAN_RULES_H
#define QN_REAL_LAN_RULES_H

#include "qnet/addr.h"
#include "qnet/env.h"

#define QN_LAN_STRING 255 /* of a TXT record's: RFC 1035 section 3.3 */
/* Records over 1300 bytes are not recommended (RFC 6763 section 6.2), and Avahi sends none that
 * does not fit one packet; relays have 300 to 700 bytes. */
#define QN_LAN_DESCRIPTOR_MAX 1200
#define QN_LAN_STRINGS 7    /* for one of that length */
#define QN_LAN_TAG 16       /* characters that stand for the network */
#define QN_LAN_NAMES 64     /* nodes of one local network that are looked at */
#define QN_LAN_BURST 32     /* announcements at once, and then ... */
#define QN_LAN_EVERY QN_SEC /* ... one in so long: each costs a signature's check */

typedef struct qn_lan_string {
    uint8_t len;
    uint8_t b[QN_LAN_STRING];
} qn_lan_string;

/* An announcement as it is read, string by string; {0} to begin. */
typedef struct qn_lan_record {
    bool version, network;
    uint16_t pieces; /* bit i: that one has come */
    uint8_t shorts;  /* pieces that were not full */
    size_t n;        /* where the furthest ends */
    uint8_t bytes[QN_LAN_DESCRIPTOR_MAX];
} qn_lan_record;

typedef struct qn_lan_prefix { /* the addresses that are on the link; family 0: none */
    qn_addr of;
    uint8_t mask[16];
} qn_lan_prefix;

void qn_lan_tag(const uint8_t network_id[32], char out[QN_LAN_TAG + 1]);
/* How many strings were filled; 0: the descriptor is empty or too long. */
unsigned qn_lan_write(qn_slice descriptor, const char *tag, qn_lan_string out[QN_LAN_STRINGS]);
/* Takes the next string. Keys that are not known are passed over. false: this is no announcement of
 * that network's that we understand. */
bool qn_lan_read(qn_lan_record *r, const char *tag, const uint8_t *string, size_t n);
/* Whether all of it has come, and something did. */
bool qn_lan_whole(const qn_lan_record *r);
/* Whoever announces an address in his own network has us dial there; nobody has us dial beyond. */
bool qn_lan_near(const qn_lan_prefix *p, const qn_addr *a);
/* A bucket as the time at which what was taken will have been paid for; 0 to begin. */
bool qn_lan_may(qn_time *until, qn_time now);

#endif

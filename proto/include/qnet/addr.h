/* Socket addresses and destinations, as plain data without <sys/socket.h>. */
#ifndef QNET_ADDR_H
#define QNET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qnet/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One IP address and port. IPv4 is stored in the first four bytes. */
typedef struct qn_addr {
    uint8_t family; /* 4, 6, or 0 = none */
    uint8_t ip[16];
    uint16_t port;
} qn_addr;

/* What a user asked for: an address or a name, and a port. */
typedef struct qn_dest {
    uint8_t type; /* 1 IPv4, 3 name, 4 IPv6: RFC 1928's ATYP */
    uint8_t name_len;
    uint16_t port;
    uint8_t ip[16];
    char name[256]; /* NUL-terminated, lower case not enforced */
} qn_dest;

#define QN_ADDR_TEXT 56 /* "[v6]:port" and NUL */
#define QN_DEST_TEXT 264

/* "127.0.0.1:80", "[::1]:80". */
void qn_addr_text(const qn_addr *a, char out[QN_ADDR_TEXT]);
/* Strict dotted-quad, or bracketed RFC 4291 2.2 text of forms 1 and 2, and a port 1..65535.
 * QN_PROTO otherwise. */
QN_MUST_CHECK qn_err qn_addr_parse(qn_addr *a, const char *text);
bool qn_addr_equal(const qn_addr *a, const qn_addr *b); /* ip and port */
void qn_dest_text(const qn_dest *d, char out[QN_DEST_TEXT]);

#ifdef __cplusplus
}
#endif
#endif

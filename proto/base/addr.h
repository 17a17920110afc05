/*
 * Where something is: a socket address, or a destination as a user named it.
 *
 * The wire form of a destination is SOCKS5's (RFC 1928 section 5): type u8 (1 IPv4, 3 name, 4
 * IPv6), address (a name is preceded by its length u8), port u16. OPEN messages and SOCKS requests
 * share it.
 */
#ifndef QN_BASE_ADDR_H
#define QN_BASE_ADDR_H

#include "base/limits.h"
#include "qnet/addr.h"

#include "base/env.h"

/* Writes the wire form; cap of QN_DEST_WIRE_MAX always suffices. Returns the length. */
#define QN_DEST_WIRE_MAX (1 + 1 + QN_NAME_MAX + 2)
size_t qn_dest_put(const qn_dest *d, uint8_t *out);
/* QN_SHORT: more bytes are needed (a stream reader waits); QN_PROTO: unknown type, empty name, or
 * a name with a NUL, a space or a control byte. *used = bytes taken. */
QN_MUST_CHECK qn_err qn_dest_get(qn_dest *d, const uint8_t *p, size_t n, size_t *used);

#endif

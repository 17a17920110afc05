/* PROXY protocol, version 2 (HAProxy's proxy-protocol.txt, 2.2): who the origin is talking to. */
#ifndef QN_HTX_PROXY_H
#define QN_HTX_PROXY_H

#include "qnet/addr.h"

#define QN_HTX_PROXY_MAX (16 + 36)

/* A TCP connection from src to dst, both with an address. Returns the header's length. Families
 * that differ are both written as IPv6. */
size_t qn_htx_proxy_put(const qn_addr *src, const qn_addr *dst, uint8_t out[QN_HTX_PROXY_MAX]);

#endif

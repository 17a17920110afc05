/* HPACK's string coding (RFC 7541 5.2), for printable ASCII: 0x20 to 0x7e, nothing else. */
#ifndef QN_H2_HUFFMAN_H
#define QN_H2_HUFFMAN_H

#include "base/bytes.h"

size_t qn_h2_huffman_size(qn_slice s); /* bytes that put writes */
void qn_h2_huffman_put(qn_slice s, uint8_t *out);

#endif

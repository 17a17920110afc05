/*
 * Onion layers: one pair of keys per hop behind the entry, applied to prefixes of a cell in place.
 *
 *     bytes          client - entry - joint              joint - end
 *     [0, T)         text sealed k2, then k1             text sealed k2
 *     [T, T+16)      tag2, sealed k1                     tag2
 *     [T+16, N)      tag1                                filler
 *
 * Two hops have the right-hand column on both links. Filler is 16 fresh random bytes, ignored and
 * replaced by each hop. Nonces count cells, per layer and direction, from 0, and are not sent; so
 * only the next cell opens. After every 64 cells of a layer and direction its key takes the one-way
 * step REKEY (Noise 4.2), so a hop seized later yields at most 64 past cells of each.
 *
 * The first failure wipes both keys of the pair; a wiped pair answers QN_EXHAUSTED for ever, as
 * does a direction after 2^32 cells. There is no way back: the circuit closes. docs/wire/cell.md.
 */
#ifndef QN_CIRCUIT_ONION_H
#define QN_CIRCUIT_ONION_H

#include "circuit/cell.h"
#include "crypto/crypto.h"

typedef struct qn_layer {
    qn_key key;
    uint64_t n; /* cells so far: the next nonce */
} qn_layer;

typedef struct qn_onion {
    qn_layer forward, backward; /* client to hop, hop to client */
} qn_onion;

_Static_assert(sizeof(qn_onion) == 80, "a joint keeps one of these per circuit");

/* From a handshake's Split: first = forward. */
void qn_onion_init(qn_onion *o, const qn_key *first, const qn_key *second);
void qn_onion_wipe(qn_onion *o);
/* The end has become a joint (or, at the client, has said so): both directions REKEY. */
QN_MUST_CHECK qn_err qn_onion_extended(qn_onion *o, qn_env *env);

/*
 * The table of cell.md section 2, one function per place and direction. `cell` is a whole cell of
 * `size` bytes (a class). QN_AUTH: the tag does not verify. QN_EXHAUSTED: wiped or used up.
 * QN_INTERNAL: OpenSSL failed. After any error both keys are wiped and the cell is garbage.
 */
/* Forward, in: [0, T+16) opened with tag1 behind it, tag1 overwritten with filler. */
QN_MUST_CHECK qn_err qn_onion_joint_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
/* Backward, out: [0, T+16) sealed, tag1 over the filler. */
QN_MUST_CHECK qn_err qn_onion_joint_backward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
/* Forward, in: [0, T) opened: the text. */
QN_MUST_CHECK qn_err qn_onion_end_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
/* Backward, out: [0, T) sealed, tag2 and filler behind it. */
QN_MUST_CHECK qn_err qn_onion_end_backward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
/* Forward, out: n = 1 or 2 layers, nearest hop first: the last seals T, the first of two T+16. */
QN_MUST_CHECK qn_err qn_onion_client_forward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                             size_t size);
/* Backward, in: the inverse of what the hops did. */
QN_MUST_CHECK qn_err qn_onion_client_backward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                              size_t size);

#endif

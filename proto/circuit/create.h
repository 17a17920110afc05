/*
 * Hop handshakes: Noise NK from a client to a hop behind the entry, and the messages that carry it.
 *
 *     CREATE    type u8 | onion-key id 8 | message 1 (48)
 *     CREATED   type u8 | message 2 (48)
 *     EXTEND    PeerID 32 | as CREATE
 *     EXTENDED  as CREATED
 *
 * Type 1 is NK 25519/ChaChaPoly/SHA256 with prologue "qnet-hop-1" || network id || PeerID ||
 * onion-key id and empty payloads; other numbers leave room for ML-KEM. docs/wire/circuit.md.
 */
#ifndef QN_CIRCUIT_CREATE_H
#define QN_CIRCUIT_CREATE_H

#include "circuit/cell.h"
#include "circuit/onion.h"
#include "circuit/shared.h"
#include "noise/noise.h"

#define QN_CREATE_NK 1
#define QN_CREATE_MESSAGE 48 /* of NK, both ways: e and the tag of an empty payload */
#define QN_CREATE_SIZE (1 + QN_ONION_ID + QN_CREATE_MESSAGE)
#define QN_CREATED_SIZE (1 + QN_CREATE_MESSAGE)
#define QN_EXTEND_SIZE (32 + QN_CREATE_SIZE)

/* Whom a client builds to: what a descriptor says of a hop. */
typedef struct qn_hop_key {
    qn_peerid id;
    qn_dh_public onion; /* unused for the entry, whose layer is its link */
} qn_hop_key;

/* Client: begins a handshake with `hop` in *x (qn_noise_clear when done) and writes the data of a
 * CREATE. */
QN_MUST_CHECK qn_err qn_create_begin(qn_noise *x, qn_circuits *all, const qn_hop_key *hop,
                                     uint8_t out[QN_CREATE_SIZE]);
/* Client: the data of CREATED or EXTENDED. QN_OK: *o has the hop's keys. QN_VERSION: another type
 * than we sent; QN_AUTH: forged. */
QN_MUST_CHECK qn_err qn_create_finish(qn_noise *x, qn_circuits *all,
                                      const uint8_t data[QN_CREATED_SIZE], qn_onion *o);
/* Hop: answers the data of a CREATE under our own PeerID and onion keys. QN_VERSION: a type we do
 * not speak; QN_UNKNOWN: not an onion key of ours (both are refusals, not faults: the peer's
 * directory may be old or newer); QN_AUTH: forged. */
QN_MUST_CHECK qn_err qn_create_answer(qn_circuits *all, const uint8_t data[QN_CREATE_SIZE],
                                      uint8_t out[QN_CREATED_SIZE], qn_onion *o);

/* An unsealed S cell whose text is this one message, zeros behind it. */
QN_MUST_CHECK qn_err qn_create_cell(qn_env *env, uint8_t cmd, const uint8_t *data, uint16_t n,
                                    qn_piece *out);
/* The data of the one message of a text: QN_PROTO unless it is `cmd` and alone. */
QN_MUST_CHECK qn_err qn_create_only(const uint8_t *text, size_t n, uint8_t cmd, qn_slice *data);

#endif

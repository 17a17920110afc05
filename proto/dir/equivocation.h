/*
 * Equivocation: one operator's signatures under two different lists of one version. Whoever holds
 * both can prove it to everybody, because nothing but that operator's key makes such a pair.
 *
 *     [operator's snapshot key, version, [valid until, SHA-256(body), signature] twice, ascending]
 *
 * Proofs travel in every later snapshot, so who follows the lists learns of them; from then on that
 * operator's signature does not count. docs/wire/directory.md, "Equivocation".
 */
#ifndef QN_DIR_EQUIVOCATION_H
#define QN_DIR_EQUIVOCATION_H

#include "crypto/crypto.h"
#include "qnet/network.h"

/* array heads, key, time, and twice: head, time, hash, signature */
#define QN_EQUIVOCATION_MAX (2 + 34 + 9 + 2 * (1 + 9 + 34 + 66))
/* an array of one for each operator, as byte strings */
#define QN_EQUIVOCATIONS_MAX (1 + QN_OPERATORS_MAX * (3 + QN_EQUIVOCATION_MAX))

/* What an operator said of one version: a signature and all that it covers. */
typedef struct qn_statement {
    uint8_t operator_index; /* place in the network file's list */
    int64_t version, until; /* version: the list's valid-after */
    qn_hash hash;           /* of the body */
    qn_signature signature;
} qn_statement;

/* At most one proof for each operator. */
typedef struct qn_equivocations {
    uint16_t proven; /* bit i: operator i signed two lists of one version */
    uint16_t n[QN_OPERATORS_MAX];
    uint8_t proof[QN_OPERATORS_MAX][QN_EQUIVOCATION_MAX];
} qn_equivocations;

/* QN_AUTH: the signature is not this operator's. */
QN_MUST_CHECK qn_err qn_statement_verify(const qn_network *net, const qn_statement *s);
/* Whether a and b together prove anything; their signatures are not looked at. */
bool qn_statements_clash(const qn_statement *a, const qn_statement *b);
/* The proof that two clashing statements are; returns its length. */
size_t qn_equivocation_write(const qn_network *net, const qn_statement *a, const qn_statement *b,
                             uint8_t out[QN_EQUIVOCATION_MAX]);
/* Verifies; *who is the operator. QN_UNKNOWN: none of net's; QN_AUTH: a signature is not good;
 * QN_CANON, QN_TRUNCATED, QN_PROTO: not a proof. */
QN_MUST_CHECK qn_err qn_equivocation_open(uint8_t *who, const qn_network *net, qn_slice proof);

/* QN_STALE: one of this operator is there already; else as qn_equivocation_open. */
QN_MUST_CHECK qn_err qn_equivocations_add(qn_equivocations *v, const qn_network *net,
                                          qn_slice proof);
/* An array of all of them, ascending by operator; returns its length, 0 when there is none. */
size_t qn_equivocations_write(const qn_equivocations *v, uint8_t out[QN_EQUIVOCATIONS_MAX]);
/* Adds what an array holds. Proofs of operators that net has no more are passed over; any other
 * bad one is an error, and those before it stay. QN_LIMIT: more than a network has operators. */
QN_MUST_CHECK qn_err qn_equivocations_read(qn_equivocations *v, const qn_network *net, qn_slice in);

#endif

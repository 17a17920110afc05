/*
 * Messages on a directory stream: u32 length, then a CBOR array [type, ...]. The stream's kind
 * byte was consumed by the link. A client sends one request at a time; the directory answers each.
 *
 *     REGISTER  [1, descriptor]     -> OK | ERROR
 *     HEARTBEAT [2, heartbeat]      -> OK | ERROR
 *     LIST      [3, version held, root held, SHA-256 of the version's body]
 *                   -> SNAPSHOT | PACKED | DELTA | UNCHANGED | ROOTS | ERROR
 *     PROOF     [6, equivocation]   -> OK | ERROR
 *     DESCRIBE  [7]                 -> DESCRIPTOR | ERROR
 *     OK [16]   ERROR [17, code, text]   SNAPSHOT [18, bytes]   UNCHANGED [19]
 *     DESCRIPTOR [21, bytes]
 *     PACKED [30, a packed snapshot]
 *     DELTA [31, a packed delta]
 *     ROOTS [32, roots, one behind the other]
 *
 * Operators to each other, over links whose ends have proved who they are:
 *
 *     OFFER     [4, list]           -> OK | SIGNED | ERROR
 *     SHARE     [5, objects]        -> OK | ERROR
 *     SIGNED    [20, signature]
 *     MEASURED  [50, measures]      -> OK | ERROR
 *
 * Nodes to each other, beside the directory (docs/wire/discovery.md):
 *
 *     INTRODUCE [40, nonce, descriptor] -> OK | ERROR
 *     NEWS      [41, held]              -> HEARD | ERROR
 *     HEARD     [42, descriptors]
 *     PROVEN    [43, nonce]             -> OK | ERROR
 *     MOOR      [44, descriptor]        -> OK | ERROR
 *
 * Codes are those of HTTP, so the web surface of a directory says the same things with the same
 * numbers. docs/wire/directory.md.
 */
#ifndef QN_DIR_MESSAGE_H
#define QN_DIR_MESSAGE_H

#include "base/env.h"
#include "base/limits.h"

typedef enum qn_dir_type {
    QN_DIR_REGISTER = 1,
    QN_DIR_HEARTBEAT = 2,
    QN_DIR_LIST = 3,
    QN_DIR_OFFER = 4,
    QN_DIR_SHARE = 5,
    QN_DIR_PROOF = 6,
    QN_DIR_DESCRIBE = 7,
    QN_DIR_OK = 16,
    QN_DIR_ERROR = 17,
    QN_DIR_SNAPSHOT = 18,
    QN_DIR_UNCHANGED = 19,
    QN_DIR_SIGNED = 20,
    QN_DIR_DESCRIPTOR = 21,
    QN_DIR_PACKED = 30,
    QN_DIR_DELTA = 31,
    QN_DIR_ROOTS = 32,
    QN_DIR_INTRODUCE = 40,
    QN_DIR_NEWS = 41,
    QN_DIR_HEARD = 42,
    QN_DIR_PROVEN = 43,
    QN_DIR_MOOR = 44,
    QN_DIR_MEASURED = 50
} qn_dir_type;

#define QN_DIR_TEXT_MAX 120
#define QN_DIR_HEAD_MAX 24 /* LIST: length, array, type, version, root, byte string */

typedef struct qn_dir_message {
    qn_dir_type type;
    qn_slice bytes;   /* the object; LIST: the hash of the body held, or empty; ERROR: its text
                         (UTF-8, <= 120) */
    uint64_t version; /* LIST: of the snapshot held, 0 for none; INTRODUCE, PROVEN: the nonce */
    uint32_t root;    /* LIST: the newest root held, 1 or more */
    uint16_t code;    /* ERROR: 400..599 */
} qn_dir_message;

/* Writes all of the message that stands before m->bytes and returns its length; the sender then
 * sends m->bytes themselves, so a snapshot of 4 MiB is never copied to be framed. */
size_t qn_dir_message_head(const qn_dir_message *m, uint8_t out[QN_DIR_HEAD_MAX]);
/* One message without its length prefix; m->bytes points into the input. */
QN_MUST_CHECK qn_err qn_dir_message_decode(qn_dir_message *m, qn_slice in);

/* What a directory answers when a request failed, and what a client makes of it. */
uint16_t qn_dir_code_of(qn_err err);
qn_err qn_dir_err_of(uint16_t code);

/* Collects messages from a stream. Memory follows the bytes that arrived (at most twice as much),
 * never the length a stranger announced. */
typedef struct qn_dir_reader {
    uint32_t max; /* longest message accepted */
    uint8_t head[4];
    uint32_t got;  /* bytes of head and message so far */
    uint32_t need; /* of the message; known when got >= 4 */
    uint32_t cap;
    uint8_t *buf;
} qn_dir_reader;

/* max: QN_DIR_REQUEST_MAX for those who answer, QN_DIR_MESSAGE_MAX for those who ask. */
void qn_dir_reader_init(qn_dir_reader *r, uint32_t max);
/* Takes *used bytes of `in`. QN_OK: *m is a whole message, its slices live until the next call on
 * r; call again with the rest. QN_SHORT: all of `in` was taken and more is needed. QN_LIMIT: too
 * long a message; QN_NOMEM; else as decode. Errors end the stream. */
QN_MUST_CHECK qn_err qn_dir_reader_push(qn_dir_reader *r, qn_env *env, qn_slice in, size_t *used,
                                        qn_dir_message *m);
/* True between messages: an end of stream here is clean. */
bool qn_dir_reader_idle(const qn_dir_reader *r);
void qn_dir_reader_clear(qn_dir_reader *r, qn_env *env); /* may repeat */

#endif

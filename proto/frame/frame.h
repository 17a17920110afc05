/*
 * Frames: the typed units inside a record's content (docs/wire/frame.md).
 *
 *     Len u24 | Type u8 | payload       Len counts the payload only (RFC 9113's frame without the
 *                                       stream id, which lies inside the payload here)
 *
 * The type's low two bits are flags. A frame never spans records. Decoding is strict: a length
 * that does not fit the type, an unknown type or a flag on a type without flags is QN_PROTO.
 *
 * Retained frames (STREAM, CLOSE of a stream, WINDOW_UPDATE of a stream) are numbered in *units*,
 * see qn_frame_units and docs/decisions/0001-retained-units.md.
 */
#ifndef QN_FRAME_FRAME_H
#define QN_FRAME_FRAME_H

#include "base/env.h"
#include "base/limits.h"

typedef enum qn_frame_type {
    QN_FRAME_PAD = 0x00,          /* any bytes, ignored */
    QN_FRAME_STREAM = 0x10,       /* stream u32, data; flags FIN or MORE */
    QN_FRAME_WINDOW = 0x14,       /* stream u32, limit u64; stream 0: stream, received u64, limit */
    QN_FRAME_PING = 0x18,         /* token u64; its lowest bit is set in the reply */
    QN_FRAME_KEY_UPDATE = 0x1c,   /* empty; the last frame of its record */
    QN_FRAME_CLOSE = 0x20,        /* stream u32, code u16; stream 0 is the link */
    QN_FRAME_CARRIER = 0x24,      /* the carrier's own bytes */
    QN_FRAME_SHAPE = 0x28,        /* reserved; only a carrier may take it */
    QN_FRAME_PATH_CONTROL = 0x2c, /* reserved; nobody takes it yet */
    QN_FRAME_RESUME = 0x30 /* token u64, received u64, proof[16]: the link goes on here; empty: it
                              is not known (docs/wire/link.md) */
} qn_frame_type;

#define QN_FRAME_FIN 0x01 /* STREAM: this direction of the stream ends after the data */
#define QN_FRAME_MORE                                                                              \
    0x02 /* STREAM: the message goes on in the stream's next frame; not with FIN */
#define QN_FRAME_FLAGS 0x03

/* Whole lengths, header included. */
#define QN_FRAME_WINDOW_SIZE (QN_FRAME_HEADER + 12)
#define QN_FRAME_LINK_WINDOW_SIZE (QN_FRAME_HEADER + 20)
#define QN_FRAME_PING_SIZE (QN_FRAME_HEADER + 8)
#define QN_FRAME_CLOSE_SIZE (QN_FRAME_HEADER + 6)
#define QN_RESUME_PROOF 16
#define QN_FRAME_RESUME_SIZE (QN_FRAME_HEADER + 8 + 8 + QN_RESUME_PROOF)

/* What a stream is for: the first data byte of its first frame. */
typedef enum qn_stream_kind {
    QN_KIND_APP = 1,       /* a byte stream: one application stream of a one-hop circuit */
    QN_KIND_CIRCUIT = 2,   /* messages: one cell per frame, MORE where records are small */
    QN_KIND_DIRECTORY = 3, /* a byte stream: directory messages */
    QN_KIND_PASSAGE = 4    /* a byte stream: a link inside the link, through a rendezvous */
} qn_stream_kind;

/* Why a stream or a link ends. 0..10 are the seeds' codes, from 0x8000 on they are ours. */
typedef enum qn_close_code {
    QN_CLOSE_DONE = 0,
    QN_CLOSE_VERSION = 1,
    QN_CLOSE_AUTH = 2,
    QN_CLOSE_PATH = 3,
    QN_CLOSE_REPLAY = 4,
    QN_CLOSE_CREDIT = 5,
    QN_CLOSE_OLD_KEY = 6,
    QN_CLOSE_MALFORMED = 7,
    QN_CLOSE_INTERNAL = 8,
    QN_CLOSE_POLICY = 9,
    QN_CLOSE_UNSUPPORTED = 10,
    QN_CLOSE_REFUSED = 0x8000,
    QN_CLOSE_GONE = 0x8001,
    QN_CLOSE_LIMIT = 0x8002,
    QN_CLOSE_TIMEOUT = 0x8003,
    QN_CLOSE_MOVED = 0x8004 /* of a link: only this carrier ends */
} qn_close_code;

/* The code that tells a peer about err, and the error a received code stands for (never a
 * not-now one; QN_REFUSED for codes nobody knows). QN_CLOSE_DONE and QN_OK are each other's. */
uint16_t qn_close_of(qn_err err);
qn_err qn_close_err(uint16_t code);

typedef struct qn_frame {
    qn_frame_type type; /* without flags */
    bool fin, more;
    uint32_t stream;   /* STREAM (never 0), WINDOW, CLOSE */
    uint16_t code;     /* CLOSE */
    uint64_t received; /* WINDOW of stream 0, RESUME: retained units that arrived */
    uint64_t limit;    /* WINDOW */
    uint64_t token;    /* PING; RESUME: the link's name */
    qn_slice body;     /* STREAM: the data; CARRIER, SHAPE, PATH_CONTROL: the payload; RESUME: the
                          proof, or nothing */
} qn_frame;

/* The frame at the front of a record's content; *used = its whole length; body points into p.
 * QN_PROTO whatever is wrong with it: content is complete, so "short" is wrong too. A STREAM frame
 * without data must carry FIN. */
QN_MUST_CHECK qn_err qn_frame_get(qn_frame *f, const uint8_t *p, size_t n, size_t *used);

/* Writers of whole frames; they return the length. `flags` is 0, FIN or MORE. */
size_t qn_frame_put_header(uint8_t *out, uint8_t type_and_flags, size_t payload);
/* The QN_STREAM_HEADER bytes before n bytes of data. */
size_t qn_frame_put_stream(uint8_t *out, uint32_t stream, size_t n, uint8_t flags);
size_t qn_frame_put_window(uint8_t *out, uint32_t stream, uint64_t limit);
size_t qn_frame_put_link_window(uint8_t *out, uint64_t received, uint64_t limit);
size_t qn_frame_put_ping(uint8_t *out, uint64_t token);
size_t qn_frame_put_close(uint8_t *out, uint32_t stream, uint16_t code);
size_t qn_frame_put_resume(uint8_t *out, uint64_t token, uint64_t received,
                           const uint8_t proof[QN_RESUME_PROOF]);

/* Retained units of a frame: a STREAM frame costs its data bytes, and one more unless it carries
 * MORE; CLOSE and WINDOW of a stream cost one; all others are never sent again and cost nothing. */
uint64_t qn_frame_units(const qn_frame *f);

#endif

/*
 * Cells: the two fixed sizes that travel on a circuit, and the messages in their text.
 *
 * A cell is T bytes of text and 32 bytes of tags or filler (onion.h); its size is its class.
 * Text is messages back to back, big-endian `cmd u8 | flags u8 | len u16 | sid u32 | data`; cmd 0
 * ends them and the rest is zero. No message spans cells. docs/wire/cell.md.
 *
 * Cells are handled as pieces of blocks. A cell's bytes belong to whoever holds the piece, and so
 * do the QN_STREAM_HEADER bytes before it, which every cell here has in its block: whoever sends
 * it pushes a frame header there without copying. Cells of one received record share a block.
 *
 * Pieces given to a function or shown in an event are borrowed: valid until the next call on that
 * object; whoever keeps one takes a reference. Pieces written to an `out` argument carry one
 * reference that is the caller's.
 */
#ifndef QN_CIRCUIT_CELL_H
#define QN_CIRCUIT_CELL_H

#include "base/block.h"
#include "base/bytes.h"
#include "base/env.h"
#include "base/limits.h"

/* ---- layout ---------------------------------------------------------------------------------- */

#define QN_CELL_TAIL 32                           /* two tags, or tag and filler */
#define QN_CELL_TEXT_S (QN_CELL_S - QN_CELL_TAIL) /* T: multiples of 128, see cell.md */
#define QN_CELL_TEXT_L (QN_CELL_L - QN_CELL_TAIL)
#define QN_MSG_HEADER 8
#define QN_MSG_DATA_S (QN_CELL_TEXT_S - QN_MSG_HEADER) /* data of a message alone in its cell */
#define QN_MSG_DATA_L (QN_CELL_TEXT_L - QN_MSG_HEADER)
/* So many waiting bytes still go as small cells: eight of them cost the CPU of one large one and
 * half its bytes (cell.md). */
#define QN_CELL_SMALL_DATA (8 * QN_MSG_DATA_S)

_Static_assert(QN_CELL_TEXT_S % 128 == 0 && QN_CELL_TEXT_L % 128 == 0, "Poly1305's fast path");
_Static_assert(QN_STREAM_HEADER + QN_CELL_S <= QN_BLOCK_SMALL, "an S cell and its frame header");
_Static_assert(QN_STREAM_HEADER + QN_CELL_L <= QN_BLOCK_LARGE, "an L cell and its frame header");

/* Whether n bytes are a cell of some class. */
static inline bool qn_cell_sized(size_t n)
{
    return n == QN_CELL_S || n == QN_CELL_L;
}

/* T of a cell of n bytes. */
static inline size_t qn_cell_text(size_t n)
{
    return n - QN_CELL_TAIL;
}

/* A fresh cell of `size` (a class) behind QN_STREAM_HEADER bytes of headroom; contents undefined.
 * QN_NOMEM: *out unchanged. */
QN_MUST_CHECK qn_err qn_cell_get(qn_env *env, size_t size, qn_piece *out);

/* ---- messages -------------------------------------------------------------------------------- */

typedef enum qn_cmd {
    QN_CMD_NONE = 0,   /* no more messages in this cell */
    QN_CMD_EXTEND = 1, /* create.h; sid 0, alone in its cell, like the next three */
    QN_CMD_EXTENDED = 2,
    QN_CMD_CREATE = 3,
    QN_CMD_CREATED = 4,
    QN_CMD_OPEN = 5,   /* client: destination in SOCKS form (base/addr.h) */
    QN_CMD_OPENED = 6, /* exit: qn_app_code u8; not 0: the stream never was */
    QN_CMD_DATA = 7,   /* 1 or more bytes of the stream */
    QN_CMD_END = 8,    /* qn_app_code u8; 0: this direction ends cleanly; else both, in error */
    QN_CMD_CREDIT = 9, /* u64: absolute limit of the receiver's DATA bytes on this stream */
    QN_CMD_PING = 10,  /* sid 0; u64, which the other end sends back with QN_MSG_ANSWER */
    QN_CMD_DROP = 11,  /* sid 0; ignored */
    QN_CMD_PAD = 12    /* sid 0; u8 machine (pad.h): asks for it; with QN_MSG_ANSWER: 0 refuses */
} qn_cmd;

#define QN_MSG_ANSWER 1 /* flag of PING and PAD; no other message has flags */

typedef struct qn_msg {
    uint8_t cmd, flags;
    uint16_t len;
    uint32_t sid;
    const uint8_t *data; /* into the text */
} qn_msg;

/* Walks one text. err is QN_OK until a malformed message; QN_PROTO then, and for good. */
typedef struct qn_msgs {
    const uint8_t *p;
    size_t left;
    qn_err err;
} qn_msgs;

void qn_msgs_init(qn_msgs *it, const uint8_t *text, size_t n);
/* False: no more messages (it->err says whether the text was well formed: known commands, lengths
 * that fit the command, sid 0 exactly where it must be, known flags, zeros behind the last). */
bool qn_msgs_next(qn_msgs *it, qn_msg *m);
/* QN_OK or QN_PROTO for the whole text at once. */
QN_MUST_CHECK qn_err qn_msgs_check(const uint8_t *text, size_t n);

/* Writes the header only; data (m->len bytes) goes behind it. */
void qn_msg_head(uint8_t *p, uint8_t cmd, uint8_t flags, uint16_t len, uint32_t sid);

/* ---- cells that arrive in parts -------------------------------------------------------------- */

/* A link with small records delivers a cell as several pieces marked `more`; they are copied
 * together here. A cell in one piece passes through without a copy. One per circuit stream and
 * direction; 16 bytes while nothing is half arrived. */
typedef struct qn_cell_in {
    qn_block *block; /* NULL between cells */
    uint32_t have;
} qn_cell_in;

/*
 * One piece of the stream; `more` says that the same cell goes on in the next. QN_OK: *out is a
 * whole cell. QN_SHORT: not yet. QN_PROTO: what ends here is not a cell, or too long for one, or an
 * empty part. QN_NOMEM. After an error the stream is of no use; clear.
 */
QN_MUST_CHECK qn_err qn_cell_in_put(qn_cell_in *in, qn_env *env, qn_piece piece, bool more,
                                    qn_piece *out);
void qn_cell_in_clear(qn_cell_in *in);

#endif

/* The connection's struct, shared by h2.c (verbs), read.c (frames that come), answer.c (what they
 * say of requests) and write.c (what goes). */
#ifndef QN_H2_INTERNAL_H
#define QN_H2_INTERNAL_H

#include "base/block.h"
#include "h2/h2.h"
#include "h2/hpack.h"

#include <nghttp2/nghttp2.h>

#define QN_H2_FRAME_HEADER 9

typedef struct qn_h2_exchange {
    uint32_t id;
    uint32_t stream; /* 0: HEADERS are not in a write yet */
    qn_h2_kind kind;
    uint64_t largest, came, untold; /* bytes of body: allowed, so far, not yet reported */
    uint32_t owed;                  /* bytes of DATA not yet credited */
    uint16_t status;
    int64_t date;
    uint32_t age;  /* of it, at a cache */
    bool answered; /* the final answer's headers came */
    bool told;     /* and RESPONSE was given out */
    bool elsewhere;
    bool ended;  /* END_STREAM came */
    bool closed; /* DONE is due */
    qn_err err;
    uint8_t path_n;
    uint8_t path[];
} qn_h2_exchange;

/* What is read of a frame. Most payloads are read in units of a few bytes, others as they come. */
typedef struct qn_h2_reading {
    enum { QN_H2_HEAD, QN_H2_UNIT, QN_H2_BYTES, QN_H2_SKIP } state;
    uint8_t unit[QN_H2_FRAME_HEADER];
    uint8_t have, want; /* of the unit */
    uint8_t type, flags;
    uint8_t padding;
    uint32_t stream;
    uint32_t length, left; /* of the payload: all, not yet read */
} qn_h2_reading;

/* A header block, which may take several frames (RFC 9113 4.3). */
typedef struct qn_h2_block {
    bool open;    /* CONTINUATION must follow */
    bool last;    /* END_STREAM was with its HEADERS */
    bool regular; /* a field that is no pseudo-header was there */
    bool bad;     /* it is no answer RFC 9113 8 allows */
    bool elsewhere;
    uint16_t status; /* 0: none */
    int64_t date;
    uint32_t age;
    uint32_t bytes, fields; /* as they come; as RFC 9113 6.5.2 counts what they unfold to */
} qn_h2_block;

struct qn_h2 {
    qn_env *env;
    const qn_h2_profile *profile;
    nghttp2_mem mem;
    nghttp2_hd_inflater *inflater; /* NULL before the first answer */
    qn_h2_hpack hpack;
    qn_queue out; /* a piece is a write */
    qn_h2_exchange *exchange[QN_H2_REQUESTS_MAX];
    qn_h2_reading in;
    qn_h2_block block;
    uint32_t last_id;
    uint32_t next_stream;
    uint32_t streams_max; /* the server's MAX_CONCURRENT_STREAMS */
    uint32_t last_stream; /* the server's GOAWAY covers streams up to here */
    uint32_t credited; /* what the server let us send of DATA: we send none, but it has a bound */
    uint32_t owed;     /* of all streams, as an exchange's */
    bool settled;      /* the server's SETTINGS came */
    bool joining;      /* the next frame may go into the last write */
    bool held;         /* requests wait for the server's SETTINGS */
    bool going;        /* GOAWAY came */
    bool going_told;   /* and was given out */
    bool failed_told;
    qn_err err; /* why it failed */
    uint8_t authority_n;
    uint8_t referer[]; /* "https://" authority "/" */
};

/* An nghttp2 allocator that counts in env->mem: its HPACK reader is what we use of it. */
nghttp2_mem qn_h2_mem(qn_env *env);
/* Fails the connection; the first reason stays. */
void qn_h2_fail(qn_h2 *h, qn_err err);
/* Of an open exchange; NULL when there is none. */
qn_h2_exchange *qn_h2_of_stream(qn_h2 *h, uint32_t stream);
/* The server, or nobody any more, is at this exchange. */
void qn_h2_close(qn_h2_exchange *x, qn_err err);
/* The value of a setting of ours. */
uint32_t qn_h2_setting_of(const qn_h2_profile *p, uint16_t id, uint32_t otherwise);

/* read.c */
void qn_h2_read(qn_h2 *h, qn_slice in);

/* answer.c. A block's bytes as they come, and its end; x NULL: of a request that is over, read for
 * the table's sake. DATA's bytes, and its end with what they count in windows. */
void qn_h2_block_bytes(qn_h2 *h, qn_slice in, bool last);
void qn_h2_block_end(qn_h2 *h, qn_h2_exchange *x);
void qn_h2_body_bytes(qn_h2 *h, qn_h2_exchange *x, size_t n);
void qn_h2_body_end(qn_h2 *h, qn_h2_exchange *x, uint32_t n, bool last);
bool qn_h2_body_fits(const qn_h2 *h, const qn_h2_exchange *x, uint32_t n);

/* write.c. A burst is what is ready at one time: what the profile joins, shares a write. */
void qn_h2_burst(qn_h2 *h);
void qn_h2_say_first(qn_h2 *h); /* preface, SETTINGS, WINDOW_UPDATE */
void qn_h2_say(qn_h2 *h, nghttp2_frame_type type, uint8_t flags, uint32_t stream,
               const uint8_t *payload, size_t n);
void qn_h2_say_u32(qn_h2 *h, nghttp2_frame_type type, uint32_t stream, uint32_t v);
void qn_h2_say_goaway(qn_h2 *h, nghttp2_error_code code);
void qn_h2_reset(qn_h2 *h, qn_h2_exchange *x, nghttp2_error_code code); /* and closes it */
void qn_h2_ask(qn_h2 *h); /* every request that may go now, oldest first */

#endif

/* The connection's struct, shared by h2.c (verbs), read.c (what comes) and write.c (what goes). */
#ifndef QN_H2_INTERNAL_H
#define QN_H2_INTERNAL_H

#include "base/block.h"
#include "h2/h2.h"
#include "h2/hpack.h"

typedef struct qn_h2_exchange {
    uint32_t id;    /* 0: a free place */
    int32_t stream; /* 0: not yet given to nghttp2 */
    qn_h2_kind kind;
    uint64_t largest, came, untold; /* bytes of body: allowed, so far, not yet reported */
    uint32_t owed; /* bytes of DATA not yet credited, when the profile counts them */
    uint16_t status;
    int64_t date;
    uint32_t age;  /* of it, at a cache */
    bool sent;     /* HEADERS are in a write */
    bool answered; /* the final answer's headers came */
    bool told;     /* and RESPONSE was given out */
    bool elsewhere;
    bool ended;  /* END_STREAM came */
    bool closed; /* DONE is due */
    qn_err err;
    uint8_t path_n;
    uint8_t path[QN_H2_PATH_MAX];
} qn_h2_exchange;

struct qn_h2 {
    qn_env *env;
    const qn_h2_profile *profile;
    nghttp2_mem mem;
    nghttp2_session *session;
    qn_h2_hpack hpack;
    qn_queue out; /* a piece is a write */
    qn_h2_exchange exchange[QN_H2_REQUESTS_MAX];
    uint32_t last_id;
    uint32_t owed;   /* of all streams, as an exchange's */
    bool begun;      /* the first write is made */
    bool held;       /* requests wait for the server's SETTINGS */
    bool going;      /* GOAWAY came */
    bool going_told; /* and was given out */
    bool failed_told;
    qn_err err; /* why it failed */
    uint8_t authority_n;
    uint8_t referer[QN_H2_NAME_MAX + 9]; /* "https://" authority "/" */
};

/* An nghttp2 allocator that counts in env->mem. */
nghttp2_mem qn_h2_mem(qn_env *env);
/* Fails the connection; the first reason stays. */
void qn_h2_fail(qn_h2 *h, qn_err err);
qn_err qn_h2_err_of(int nghttp2_error);
/* NULL when there is none. */
qn_h2_exchange *qn_h2_of_stream(qn_h2 *h, int32_t stream);

/* read.c */
QN_MUST_CHECK qn_err qn_h2_session_open(qn_h2 *h);
/* write.c */
void qn_h2_flush(qn_h2 *h); /* moves everything nghttp2 has ready into writes */

#endif

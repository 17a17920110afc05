/* A link's stream, and its egress queue of whole STREAM frames. Internal to the layer. */
#ifndef QN_LINK_STREAM_H
#define QN_LINK_STREAM_H

#include "link/link.h"

#define QN_NOTE_ROOM 1
#define QN_NOTE_DONE 2

typedef struct qn_stream {
    qn_flow flow; /* first: the scheduler hands out flows */
    uint32_t id;
    uint16_t close_code;
    uint8_t kind;
    uint8_t lists;   /* bit per qn_stream_list */
    uint8_t notes;   /* events owed */
    bool introduced; /* the peer knows it: its or our first frame was numbered */
    bool fin_queued, fin_logged, fin_got;
    bool starved;   /* a send left too little room: ROOM is owed once there is enough */
    bool close_due; /* ended here: stays only until its CLOSE is numbered */
    bool window_due;
    void *user;
    qn_queue q; /* whole frames, one per piece */
    qn_credit_rx rx;
    qn_credit_tx tx;
    struct {
        struct qn_stream *next, *prev;
    } on[QN_STREAM_LISTS];
} qn_stream;

void qn_stream_list_add(qn_link *l, qn_stream_list which, qn_stream *s);
void qn_stream_list_remove(qn_link *l, qn_stream_list which, qn_stream *s);

qn_stream *qn_stream_get(const qn_link *l, uint32_t id);
/* Enters the table. NULL: no memory. */
qn_stream *qn_stream_new(qn_link *l, uint32_t id, uint8_t kind);
/* Leaves the table, the lists and the scheduler; queue and credit are given back. */
void qn_stream_retire(qn_link *l, qn_stream *s);
/* retire, and free. */
void qn_stream_free(qn_link *l, qn_stream *s);
/* An event is owed. */
void qn_stream_note(qn_link *l, qn_stream *s, uint8_t note);
/* ROOM or the end may be due: call after credit came, a frame left the queue or FIN came. */
void qn_stream_check(qn_link *l, qn_stream *s);

size_t qn_stream_writable(const qn_stream *s);
/* Queue n data bytes as one frame (or as more of the last one). QN_NOMEM: nothing happened. */
QN_MUST_CHECK qn_err qn_stream_queue(qn_link *l, qn_stream *s, qn_piece piece, bool fin);
QN_MUST_CHECK qn_err qn_stream_queue_bytes(qn_link *l, qn_stream *s, const uint8_t *p, size_t n,
                                           bool fin);

#endif

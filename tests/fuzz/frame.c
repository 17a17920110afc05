/* A record's content as frames: what decodes is written again and must be the same bytes; and as
 * what a carrier begins with, which proves a right to nobody's link. */
#include "fuzz.h"

#include "link/resume.h"

/* The frame at `at` was read as f; the writers must make the same bytes of it. */
static void write_again(const qn_frame *f, const uint8_t *at, size_t used)
{
    uint8_t head[QN_FRAME_RESUME_SIZE];
    unsigned flags = (f->fin ? QN_FRAME_FIN : 0u) | (f->more ? QN_FRAME_MORE : 0u);
    size_t n;

    switch (f->type) {
    case QN_FRAME_STREAM:
        n = qn_frame_put_stream(head, f->stream, f->body.n, (uint8_t)flags);
        FZ_CHECK(f->stream != 0 && !(f->fin && f->more));
        FZ_CHECK(f->body.p == at + QN_STREAM_HEADER && n + f->body.n == used);
        break;
    case QN_FRAME_WINDOW:
        n = f->stream != 0 ? qn_frame_put_window(head, f->stream, f->limit)
                           : qn_frame_put_link_window(head, f->received, f->limit);
        FZ_CHECK(n == used);
        break;
    case QN_FRAME_PING:
        n = qn_frame_put_ping(head, f->token);
        FZ_CHECK(n == used);
        break;
    case QN_FRAME_CLOSE:
        n = qn_frame_put_close(head, f->stream, f->code);
        FZ_CHECK(n == used);
        break;
    case QN_FRAME_RESUME:
        n = f->body.n == 0 ? qn_frame_put_header(head, QN_FRAME_RESUME, 0)
                           : qn_frame_put_resume(head, f->token, f->received, f->body.p);
        FZ_CHECK(n == used);
        break;
    default:
        n = qn_frame_put_header(head, (uint8_t)f->type, used - QN_FRAME_HEADER);
        break;
    }
    FZ_CHECK(memcmp(head, at, n) == 0);
    FZ_CHECK(f->type == QN_FRAME_STREAM || flags == 0);
}

static void check_units(const qn_frame *f)
{
    uint64_t want = 0;

    if (f->type == QN_FRAME_STREAM)
        want = f->body.n + (f->more ? 0 : 1);
    else if ((f->type == QN_FRAME_CLOSE || f->type == QN_FRAME_WINDOW) && f->stream != 0)
        want = 1;
    FZ_CHECK(qn_frame_units(f) == want);
}

/* The first word of a carrier. A right with the very token that was said still wants its proof. */
static void claim(const uint8_t *p, size_t n)
{
    static const qn_hash carrier = {.b = {1}};
    static const qn_key secret = {.b = {2}};
    qn_resume right;
    fz_env t;
    qn_frame f;

    if (qn_resume_find(qn_slice_of(p, n), &f) != QN_OK)
        return;
    FZ_CHECK(f.type == QN_FRAME_RESUME && f.body.n <= QN_RESUME_PROOF);
    fz_env_open(&t, 0);
    FZ_CHECK(qn_resume_init(&right, &t.env, &secret) == QN_OK);
    right.token = f.token;
    FZ_CHECK(qn_resume_check(&right, &t.env, QN_RESUME_DIALLER, &carrier, &f) ==
             (f.body.n > 0 ? QN_AUTH : QN_UNKNOWN));
    fz_env_close(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    size_t at = 0;

    claim(p, n);
    while (at < n) {
        qn_frame f, untouched;
        size_t used = 0;
        qn_err err;

        memset(&f, 0xa5, sizeof f);
        untouched = f;
        err = qn_frame_get(&f, p + at, n - at, &used);
        if (err != QN_OK) {
            FZ_CHECK(err == QN_PROTO && used == 0);
            FZ_CHECK(memcmp(&f, &untouched, sizeof f) == 0);
            break;
        }
        FZ_CHECK(used >= QN_FRAME_HEADER && used <= n - at);
        write_again(&f, p + at, used);
        check_units(&f);
        at += used;
    }
    return 0;
}

void fz_seeds(void)
{
    fz_out *o = fz_out_new();
    uint8_t b[64];

    fz_out_bytes(o, b, qn_frame_put_stream(b, 1, 5, 0));
    fz_out_bytes(o, "\x01hell", 5);
    fz_out_bytes(o, b, qn_frame_put_stream(b, 1, 3, QN_FRAME_MORE));
    fz_out_bytes(o, "o w", 3);
    fz_out_bytes(o, b, qn_frame_put_stream(b, 1, 0, QN_FRAME_FIN));
    fz_out_seed(o, "stream");
    o->n = 0;
    fz_out_bytes(o, b, qn_frame_put_window(b, 7, UINT64_C(1) << 33));
    fz_out_bytes(o, b, qn_frame_put_link_window(b, 99, 1 << 20));
    fz_out_bytes(o, b, qn_frame_put_ping(b, UINT64_C(0x1234567890abcdee)));
    fz_out_bytes(o, b, qn_frame_put_close(b, 4, QN_CLOSE_REFUSED));
    fz_out_bytes(o, b, qn_frame_put_close(b, 0, QN_CLOSE_DONE));
    fz_out_seed(o, "control");
    o->n = 0;
    fz_out_bytes(o, b, qn_frame_put_header(b, QN_FRAME_PAD, 9));
    fz_out_bytes(o, "000000000", 9);
    fz_out_bytes(o, b, qn_frame_put_header(b, QN_FRAME_CARRIER, 2));
    fz_out_bytes(o, "xy", 2);
    fz_out_bytes(o, b, qn_frame_put_header(b, QN_FRAME_SHAPE, 0));
    fz_out_bytes(o, b, qn_frame_put_header(b, QN_FRAME_PATH_CONTROL, 0));
    fz_out_bytes(o, b, qn_frame_put_header(b, QN_FRAME_KEY_UPDATE, 0));
    fz_out_seed(o, "others");
    o->n = 0;
    fz_out_bytes(o, b, qn_frame_put_header(b, QN_FRAME_PAD, 0));
    fz_out_bytes(o, b, qn_frame_put_resume(b, 77, 4660, (const uint8_t *)"sixteen bytes of"));
    fz_out_seed(o, "resume");
    o->n = 0;
    fz_out_bytes(o, b, qn_frame_put_header(b, QN_FRAME_RESUME, 0));
    fz_out_seed(o, "unknown");
}

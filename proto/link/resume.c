#include "link/resume.h"

static const char label_token[] = "qnet link v1 token";
static const char label_proof[] = "qnet link v1 resume";

qn_err qn_resume_init(qn_resume *r, qn_env *env, const qn_key *secret)
{
    qn_slice label = qn_slice_of(label_token, sizeof label_token - 1);
    qn_hash h;
    qn_err err = qn_hmac(env, qn_slice_of(secret->b, sizeof secret->b), &label, 1, &h);

    *r = (qn_resume){0};
    if (err != QN_OK)
        return err;
    r->secret = *secret;
    r->token = qn_get64(h.b);
    return QN_OK;
}

void qn_resume_wipe(qn_resume *r)
{
    qn_wipe(r, sizeof *r);
}

static qn_err prove(const qn_resume *r, qn_env *env, qn_resume_side side, const qn_hash *carrier,
                    uint64_t received, qn_hash *out)
{
    uint8_t says[1 + 8] = {(uint8_t)side};
    const qn_slice part[] = {qn_slice_of(label_proof, sizeof label_proof - 1),
                             qn_slice_of(carrier->b, sizeof carrier->b),
                             qn_slice_of(says, sizeof says)};

    qn_put64(says + 1, received);
    return qn_hmac(env, qn_slice_of(r->secret.b, sizeof r->secret.b), part, QN_LEN(part), out);
}

qn_err qn_resume_put(const qn_resume *r, qn_env *env, qn_resume_side side, const qn_hash *carrier,
                     uint64_t received, uint8_t out[QN_FRAME_RESUME_SIZE])
{
    qn_hash proof;
    qn_err err = prove(r, env, side, carrier, received, &proof);

    if (err == QN_OK)
        (void)qn_frame_put_resume(out, r->token, received, proof.b);
    return err;
}

qn_err qn_resume_check(const qn_resume *r, qn_env *env, qn_resume_side side, const qn_hash *carrier,
                       const qn_frame *f)
{
    qn_hash proof;
    qn_err err;

    if (f->body.n == 0)
        return QN_UNKNOWN;
    err = prove(r, env, side, carrier, f->received, &proof);
    if (err != QN_OK)
        return err;
    return r->token != 0 && f->token == r->token && qn_equal(proof.b, f->body.p, QN_RESUME_PROOF)
               ? QN_OK
               : QN_AUTH;
}

bool qn_resume_is_links(qn_frame_type type)
{
    switch (type) {
    case QN_FRAME_STREAM:
    case QN_FRAME_WINDOW:
    case QN_FRAME_PING:
    case QN_FRAME_CLOSE:
    case QN_FRAME_RESUME:
        return true;
    default:
        return false;
    }
}

qn_err qn_resume_find(qn_slice content, qn_frame *f)
{
    size_t used;
    qn_err err;

    for (; content.n > 0; content.p += used, content.n -= used) {
        err = qn_frame_get(f, content.p, content.n, &used);
        if (err != QN_OK)
            return err;
        if (qn_resume_is_links(f->type))
            return f->type == QN_FRAME_RESUME ? QN_OK : QN_STATE;
    }
    return QN_SHORT;
}

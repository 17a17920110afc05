#include "htx/transcript.h"

#include "tls/numbers.h"

qn_err qn_htx_transcript_init(qn_htx_transcript *t, qn_env *env)
{
    t->at = (qn_htx_boundary){0};
    return qn_running_init(&t->sum, env, QN_SHA256);
}

void qn_htx_transcript_clear(qn_htx_transcript *t)
{
    qn_running_clear(&t->sum);
}

static qn_err add_part(qn_htx_transcript *t, const qn_htx_part *part)
{
    if (part->head && qn_htx_boundary_size(&t->at) == 0)
        return QN_PROTO;
    if (qn_htx_boundary_type(&t->at) != QN_TLS_DATA)
        return QN_OK;
    if (part->head)
        return qn_running_add(&t->sum, qn_slice_of(t->at.head, sizeof t->at.head));
    return part->body.n > 0 ? qn_running_add(&t->sum, part->body) : QN_OK;
}

qn_err qn_htx_transcript_add(qn_htx_transcript *t, qn_slice bytes)
{
    qn_err err = QN_OK;

    for (size_t at = 0; at < bytes.n && err == QN_OK;) {
        qn_htx_part part;

        at += qn_htx_boundary_step(&t->at, bytes.p + at, bytes.n - at, &part);
        err = add_part(t, &part);
    }
    return err;
}

qn_err qn_htx_transcript_hash(const qn_htx_transcript *t, qn_env *env, qn_hash *out)
{
    return qn_running_peek(&t->sum, env, qn_slice_of(NULL, 0), out->b);
}

#include "base/inbox.h"

#include "base/engine.h"

qn_span qn_inbox_space(const qn_inbox *in, qn_env *env)
{
    struct qn_engine *e = env->engine;

    return (qn_span){.p = e->scratch + in->left.len, .n = sizeof e->scratch - in->left.len};
}

void qn_inbox_commit(qn_inbox *in, qn_env *env, size_t n)
{
    uint8_t *scratch = env->engine->scratch;

    QN_ASSERT(in->p == NULL);
    if (in->left.len > 0)
        memcpy(scratch, qn_piece_data(&in->left), in->left.len);
    in->p = scratch;
    in->n = in->left.len + n;
    qn_block_drop(in->left.block);
    in->left = (qn_piece){0};
}

qn_err qn_inbox_stow(qn_inbox *in, qn_env *env)
{
    if (in->n > 0) {
        qn_block *b = qn_block_get(env, in->n);

        if (b == NULL)
            return QN_NOMEM;
        memcpy(b->data, in->p, in->n);
        in->left = (qn_piece){.block = b, .len = (uint32_t)in->n};
    }
    in->p = NULL;
    in->n = 0;
    return QN_OK;
}

void qn_inbox_drop(qn_inbox *in)
{
    qn_block_drop(in->left.block);
    *in = (qn_inbox){0};
}

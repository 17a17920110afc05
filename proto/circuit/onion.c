#include "circuit/onion.h"

void qn_onion_init(qn_onion *o, const qn_key *first, const qn_key *second)
{
    *o = (qn_onion){.forward = {.key = *first}, .backward = {.key = *second}};
}

void qn_onion_wipe(qn_onion *o)
{
    qn_wipe(o, sizeof *o);
    o->forward.n = o->backward.n = QN_LAYER_CELLS_MAX;
}

static qn_err failed(qn_onion *o, qn_err err)
{
    if (err != QN_OK)
        qn_onion_wipe(o);
    return err;
}

qn_err qn_onion_extended(qn_onion *o, qn_env *env)
{
    qn_err err;

    if (o->forward.n >= QN_LAYER_CELLS_MAX || o->backward.n >= QN_LAYER_CELLS_MAX)
        return failed(o, QN_EXHAUSTED);
    err = qn_aead_rekey(env, &o->forward.key);
    if (err == QN_OK)
        err = qn_aead_rekey(env, &o->backward.key);
    return failed(o, err);
}

/* One cell more: every 64th is followed by the ratchet's step. */
static qn_err advance(qn_layer *l, qn_env *env)
{
    l->n++;
    return l->n % QN_LAYER_RATCHET == 0 ? qn_aead_rekey(env, &l->key) : QN_OK;
}

/* Seals [0, n) with its tag behind it. */
static qn_err seal(qn_layer *l, qn_env *env, uint8_t *cell, size_t n)
{
    qn_slice none = qn_slice_of(NULL, 0);
    qn_err err;

    if (l->n >= QN_LAYER_CELLS_MAX)
        return QN_EXHAUSTED;
    err = qn_aead_seal(env, &l->key, qn_nonce_le(l->n), none, qn_slice_of(cell, n), none, cell,
                       cell + n);
    return err == QN_OK ? advance(l, env) : err;
}

/* Opens [0, n), whose tag lies behind it. */
static qn_err open(qn_layer *l, qn_env *env, uint8_t *cell, size_t n)
{
    qn_err err;

    if (l->n >= QN_LAYER_CELLS_MAX)
        return QN_EXHAUSTED;
    err = qn_aead_open(env, &l->key, qn_nonce_le(l->n), qn_slice_of(NULL, 0), cell, n, cell + n,
                       cell);
    return err == QN_OK ? advance(l, env) : err;
}

static void fill(qn_env *env, uint8_t *cell, size_t size)
{
    qn_rng_fill(env, cell + size - QN_TAG, QN_TAG);
}

qn_err qn_onion_joint_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size)
{
    qn_err err = open(&o->forward, env, cell, qn_cell_text(size) + QN_TAG);

    if (err == QN_OK)
        fill(env, cell, size);
    return failed(o, err);
}

qn_err qn_onion_joint_backward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size)
{
    return failed(o, seal(&o->backward, env, cell, qn_cell_text(size) + QN_TAG));
}

qn_err qn_onion_end_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size)
{
    return failed(o, open(&o->forward, env, cell, qn_cell_text(size)));
}

qn_err qn_onion_end_backward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size)
{
    qn_err err = seal(&o->backward, env, cell, qn_cell_text(size));

    if (err == QN_OK)
        fill(env, cell, size);
    return failed(o, err);
}

static qn_err all_failed(qn_onion *o, unsigned n, qn_err err)
{
    for (unsigned i = 0; err != QN_OK && i < n; i++)
        qn_onion_wipe(&o[i]);
    return err;
}

qn_err qn_onion_client_forward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell, size_t size)
{
    qn_err err = seal(&o[n - 1].forward, env, cell, qn_cell_text(size));

    QN_ASSERT(n == 1 || n == 2);
    if (err == QN_OK && n == 2)
        err = seal(&o[0].forward, env, cell, qn_cell_text(size) + QN_TAG);
    if (err == QN_OK && n == 1)
        fill(env, cell, size);
    return all_failed(o, n, err);
}

qn_err qn_onion_client_backward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell, size_t size)
{
    qn_err err = QN_OK;

    QN_ASSERT(n == 1 || n == 2);
    if (n == 2)
        err = open(&o[0].backward, env, cell, qn_cell_text(size) + QN_TAG);
    if (err == QN_OK)
        err = open(&o[n - 1].backward, env, cell, qn_cell_text(size));
    return all_failed(o, n, err);
}

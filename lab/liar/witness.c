/* Witnesses: the texts of clients and ends, paired by their keys, and who failed to open a cell. */
#include "liar/internal.h"

#include <stdlib.h>

_Thread_local liars *liars_now;

/* ---- texts ----------------------------------------------------------------------------------- */

/* FNV-1a: nobody here chooses texts to collide. */
static uint64_t hash_of(const uint8_t *p, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037) ^ n;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(1099511628211);
    return h;
}

static void record_push(text_record *r, uint64_t hash)
{
    if (r->n == r->cap) {
        uint32_t cap = r->cap ? 2 * r->cap : 16;
        uint64_t *v = must_get(cap * sizeof *v);

        for (uint32_t i = 0; i < r->n; i++)
            v[i] = r->v[(r->first + i) % r->cap];
        free(r->v);
        r->v = v;
        r->cap = cap;
        r->first = 0;
    }
    r->v[(r->first + r->n++) % r->cap] = hash;
}

/* Whether the end opened what the client said next. */
static bool record_pop(text_record *r, uint64_t hash)
{
    uint64_t said;

    if (r->n == 0)
        return false;
    said = r->v[r->first];
    r->first = (r->first + 1) % r->cap;
    r->n--;
    return said == hash;
}

/* ---- handshakes ------------------------------------------------------------------------------ */

qn_err __real_qn_create_finish(qn_noise *x, qn_circuits *all, const uint8_t *data, qn_onion *o);
qn_err __wrap_qn_create_finish(qn_noise *x, qn_circuits *all, const uint8_t *data, qn_onion *o);
qn_err __real_qn_create_answer(qn_circuits *all, const uint8_t *data, uint8_t *out, qn_onion *o);
qn_err __wrap_qn_create_answer(qn_circuits *all, const uint8_t *data, uint8_t *out, qn_onion *o);

qn_err __wrap_qn_create_answer(qn_circuits *all, const uint8_t *data, uint8_t *out, qn_onion *o)
{
    qn_err err = __real_qn_create_answer(all, data, out, o);
    liars *l = liars_now;

    if (err == QN_OK && l != NULL) {
        text_record *r = must_get(sizeof *r);

        r->key = o->forward.key;
        r->next = l->records;
        l->records = r;
        table_set(&l->ends, o, r);
    }
    return err;
}

qn_err __wrap_qn_create_finish(qn_noise *x, qn_circuits *all, const uint8_t *data, qn_onion *o)
{
    qn_err err = __real_qn_create_finish(x, all, data, o);

    if (err == QN_OK && liars_now != NULL) {
        text_record *r = liars_now->records; /* the newest first: made a round trip ago */

        while (r != NULL && memcmp(&r->key, &o->forward.key, sizeof r->key) != 0)
            r = r->next;
        table_set(&liars_now->clients, o, r);
    }
    return err;
}

/* ---- cells ----------------------------------------------------------------------------------- */

qn_err __real_qn_onion_joint_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
qn_err __wrap_qn_onion_joint_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
qn_err __real_qn_onion_end_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
qn_err __wrap_qn_onion_end_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size);
qn_err __real_qn_onion_client_forward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                      size_t size);
qn_err __wrap_qn_onion_client_forward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                      size_t size);
qn_err __real_qn_onion_client_backward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                       size_t size);
qn_err __wrap_qn_onion_client_backward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                       size_t size);

static void caught(uint64_t *open)
{
    if (*open > 0) {
        --*open;
        liars_now->counts.caught++;
    } else {
        liars_now->counts.elsewhere++;
    }
}

/* A cell on its way from a client would not open at this node. */
static qn_err forward(const qn_env *env, qn_err err)
{
    static uint64_t nobody;
    place *p = liars_now != NULL ? table_get(&liars_now->places, env) : NULL;

    if (err != QN_OK && liars_now != NULL)
        caught(p != NULL ? &p->open : &nobody);
    return err;
}

qn_err __wrap_qn_onion_joint_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size)
{
    return forward(env, __real_qn_onion_joint_forward(o, env, cell, size));
}

qn_err __wrap_qn_onion_end_forward(qn_onion *o, qn_env *env, uint8_t *cell, size_t size)
{
    qn_err err = forward(env, __real_qn_onion_end_forward(o, env, cell, size));
    text_record *r = liars_now != NULL ? table_get(&liars_now->ends, o) : NULL;

    if (err == QN_OK && r != NULL) {
        liars_now->counts.texts++;
        liars_now->counts.marked += !record_pop(r, hash_of(cell, qn_cell_text(size)));
    }
    return err;
}

/* The text is for the last of the hops so far. */
qn_err __wrap_qn_onion_client_forward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                      size_t size)
{
    text_record *r = liars_now != NULL ? table_get(&liars_now->clients, &o[n - 1]) : NULL;

    if (r != NULL)
        record_push(r, hash_of(cell, qn_cell_text(size)));
    return __real_qn_onion_client_forward(o, n, env, cell, size);
}

qn_err __wrap_qn_onion_client_backward(qn_onion *o, unsigned n, qn_env *env, uint8_t *cell,
                                       size_t size)
{
    qn_err err = __real_qn_onion_client_backward(o, n, env, cell, size);

    if (err != QN_OK && liars_now != NULL)
        caught(&liars_now->open_back);
    return err;
}

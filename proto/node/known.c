#include "node/known.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/siphash.h"

enum { FIRST_CAP = 8 };

static uint64_t name_of(const knowns *k, const uint8_t isolation[16], const qn_dest *d)
{
    uint8_t text[16 + QN_DEST_WIRE_MAX];

    memcpy(text, isolation, 16);
    return qn_siphash(k->key, qn_slice_of(text, 16 + qn_dest_put(d, text + 16)));
}

static known_dest *find(const knowns *k, uint64_t name)
{
    for (uint32_t i = 0; i < k->n; i++)
        if (k->v[i].name == name)
            return &k->v[i];
    return NULL;
}

static known_dest *oldest(const knowns *k)
{
    known_dest *found = NULL;

    for (uint32_t i = 0; i < k->n; i++)
        if (found == NULL || k->v[i].at < found->at)
            found = &k->v[i];
    return found;
}

static bool is_old(const known_dest *e, const qn_env *env)
{
    return env->now - e->at >= QN_KNOWN_LIFE;
}

static bool grow(knowns *k, qn_mem *mem)
{
    uint32_t cap = k->cap > 0 ? k->cap * 2 : FIRST_CAP;
    known_dest *v = cap <= QN_KNOWN_MAX ? qn_mem_get(mem, cap * sizeof *v) : NULL;

    if (v == NULL)
        return false;
    if (k->n > 0)
        memcpy(v, k->v, k->n * sizeof *v);
    qn_mem_put(mem, k->v, k->cap * sizeof *v);
    k->v = v;
    k->cap = cap;
    return true;
}

/* A place for one more: a free one, or the oldest's. NULL: no memory. */
static known_dest *place(knowns *k, qn_env *env)
{
    if (k->n == k->cap) {
        known_dest *old = oldest(k);

        if (old != NULL && is_old(old, env))
            return old;
        if (!grow(k, &env->mem))
            return old;
    }
    return &k->v[k->n++];
}

void knowns_add(knowns *k, qn_env *env, const uint8_t isolation[16], const qn_dest *d)
{
    uint64_t name;
    known_dest *e;

    if (k->cap == 0)
        qn_rng_fill(env, k->key, sizeof k->key);
    name = name_of(k, isolation, d);
    e = find(k, name);
    if (e == NULL)
        e = place(k, env);
    if (e != NULL)
        *e = (known_dest){.name = name, .at = env->now};
}

bool knowns_have(const knowns *k, const qn_env *env, const uint8_t isolation[16], const qn_dest *d)
{
    const known_dest *e = k->n > 0 ? find(k, name_of(k, isolation, d)) : NULL;

    return e != NULL && !is_old(e, env);
}

void knowns_forget(knowns *k, const uint8_t isolation[16], const qn_dest *d)
{
    known_dest *e = k->n > 0 ? find(k, name_of(k, isolation, d)) : NULL;

    if (e != NULL)
        *e = k->v[--k->n];
}

void knowns_clear(knowns *k, qn_mem *mem)
{
    if (k->cap > 0)
        qn_wipe(k->v, k->cap * sizeof *k->v);
    qn_mem_put(mem, k->v, k->cap * sizeof *k->v);
    qn_wipe(k, sizeof *k);
}

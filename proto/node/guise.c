#include "node/internal.h"

static qn_err read_profile(guise *g, qn_env *env, size_t n)
{
    qn_err err = qn_tls_profile_read(&g->tls, env, qn_slice_of(g->profile, n));

    if (err == QN_OK)
        err = qn_h2_profile_read(&g->h2, g->tls.http2);
    return err == QN_OK ? qn_shape_profile_read(&g->shape, g->tls.shaping) : err;
}

static void discard(guise *g)
{
    qn_roots_free(g->roots);
    qn_mem_put(g->mem, g, g->size);
}

static qn_err make(guise **out, qn_env *env, qn_mem *mem, const qn_htx_cfg *cfg, char why[160])
{
    size_t size = sizeof(guise) + cfg->profile.n;
    guise *g = qn_mem_get(mem, size);
    qn_err err = QN_OK;

    if (g == NULL)
        return QN_NOMEM;
    g->mem = mem;
    g->size = size;
    if (cfg->profile.n > 0)
        memcpy(g->profile, cfg->profile.p, cfg->profile.n);
    if (read_profile(g, env, cfg->profile.n) != QN_OK)
        err = node_wrong(why, "the browser profile is damaged, or of another version");
    else if (qn_roots_new(&g->roots, cfg->roots) != QN_OK)
        err = node_wrong(why, "the trusted certificates cannot be read: a PEM bundle is expected");
    if (err != QN_OK)
        discard(g);
    else
        *out = g;
    return err;
}

qn_err guise_open(const guise **out, qn_env *env, struct qn_intern *intern, const qn_htx_cfg *cfg,
                  char why[160])
{
    uint8_t size[8];
    qn_slice parts[] = {qn_slice_of(size, sizeof size), cfg->profile, cfg->roots};
    qn_shared *known;
    guise *g;
    qn_hash key;
    qn_err err;

    qn_put64(size, cfg->profile.n); /* so that no two pairs have one text */
    err = qn_sha256(env, parts, QN_LEN(parts), &key);
    if (err != QN_OK)
        return err;
    known = qn_shared_find(intern, &key);
    if (known != NULL) {
        *out = (const guise *)(const void *)known;
        return QN_OK;
    }
    err = make(&g, env, intern != NULL ? qn_intern_mem(intern) : &env->mem, cfg, why);
    if (err != QN_OK)
        return err;
    g->shared.key = key;
    qn_shared_add(intern, &g->shared);
    *out = g;
    return QN_OK;
}

void guise_close(const guise *held)
{
    guise *g = (guise *)(uintptr_t)held;

    if (g != NULL && qn_shared_drop(&g->shared))
        discard(g);
}

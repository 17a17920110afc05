#include "fuzz.h"

/* ---- reading decisions ----------------------------------------------------------------------- */

qn_slice fz_take(fz_in *in, size_t n)
{
    qn_slice s = {.p = in->p, .n = QN_MIN(n, in->n)};

    if (s.n > 0)
        in->p += s.n;
    in->n -= s.n;
    return s;
}

uint64_t fz_u64(fz_in *in)
{
    uint64_t hi = fz_u32(in);

    return hi << 32 | fz_u32(in);
}

uint32_t fz_u32(fz_in *in)
{
    uint32_t hi = fz_u16(in);

    return hi << 16 | fz_u16(in);
}

uint16_t fz_u16(fz_in *in)
{
    unsigned hi = fz_u8(in);

    return (uint16_t)(hi << 8 | fz_u8(in));
}

uint8_t fz_u8(fz_in *in)
{
    qn_slice s = fz_take(in, 1);

    return s.n > 0 ? s.p[0] : 0;
}

uint32_t fz_below(fz_in *in, uint32_t n)
{
    return (n <= 256 ? fz_u8(in) : fz_u16(in)) % n;
}

qn_slice fz_chunk(fz_in *in)
{
    size_t n = fz_u16(in);

    return fz_take(in, n);
}

qn_slice fz_exact(qn_slice s)
{
    static uint8_t *kept;

    free(kept);
    kept = malloc(s.n > 0 ? s.n : 1);
    FZ_CHECK(kept != NULL);
    if (s.n > 0)
        memcpy(kept, s.p, s.n);
    return qn_slice_of(kept, s.n);
}

/* ---- writing seeds --------------------------------------------------------------------------- */

const char *fz_seeds_dir = ".";

void fz_seed(const char *name, const void *p, size_t n)
{
    char path[1024];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", fz_seeds_dir, name);
    f = fopen(path, "wb");
    FZ_CHECK(f != NULL && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

fz_out *fz_out_new(void)
{
    static fz_out out;

    out.n = 0;
    return &out;
}

void fz_out_bytes(fz_out *o, const void *p, size_t n)
{
    FZ_CHECK(n <= sizeof o->p - o->n);
    if (n > 0)
        memcpy(o->p + o->n, p, n);
    o->n += n;
}

void fz_out_u8(fz_out *o, unsigned v)
{
    uint8_t b = (uint8_t)v;

    fz_out_bytes(o, &b, 1);
}

void fz_out_u16(fz_out *o, unsigned v)
{
    uint8_t b[2];

    qn_put16(b, (uint16_t)v);
    fz_out_bytes(o, b, sizeof b);
}

void fz_out_u32(fz_out *o, uint32_t v)
{
    uint8_t b[4];

    qn_put32(b, v);
    fz_out_bytes(o, b, sizeof b);
}

void fz_out_u64(fz_out *o, uint64_t v)
{
    uint8_t b[8];

    qn_put64(b, v);
    fz_out_bytes(o, b, sizeof b);
}

void fz_out_chunk(fz_out *o, const void *p, size_t n)
{
    fz_out_u16(o, (unsigned)n);
    fz_out_bytes(o, p, n);
}

void fz_out_seed(const fz_out *o, const char *name)
{
    fz_seed(name, o->p, o->n);
}

/* ---- env ------------------------------------------------------------------------------------- */

static uint32_t fail_at;

static void *get(size_t n)
{
    return fail_at > 0 && --fail_at == 0 ? NULL : malloc(n);
}

static void *mem_get(void *ctx, size_t n)
{
    (void)ctx;
    return get(n);
}

static void mem_put(void *ctx, void *p, size_t n)
{
    (void)ctx;
    (void)n;
    free(p);
}

void fz_fail_at(uint32_t n)
{
    fail_at = n;
}

void fz_env_open(fz_env *t, unsigned index)
{
    static struct qn_engine *engine; /* reachable until the end, so no leak to a sanitizer */

    if (engine == NULL) {
        engine = qn_engine_new();
        FZ_CHECK(engine != NULL);
        engine->pool.get = get;
        engine->pool.keep = 0;
    }
    *t = (fz_env){.env = {.now = QN_SEC,
                          .wall = FZ_EPOCH,
                          .rng = {.fill = qn_drbg_fill},
                          .mem = {.get = mem_get, .put = mem_put, .limit = UINT64_MAX},
                          .engine = engine}};
    qn_drbg_init(&t->rng, "fuzz", 1, index);
    t->env.rng.ctx = &t->rng;
    fz_fail_at(0);
}

void fz_env_close(fz_env *t)
{
    FZ_CHECK(t->env.mem.used == 0);
}

void fz_env_step(fz_env *t, qn_time by)
{
    t->env.wall += (int64_t)((t->env.now % QN_SEC + by) / QN_SEC);
    t->env.now += by;
}

#include "dir/delta.h"

#include "base/limits.h"
#include "dir/internal.h"

/* ---- outlines -------------------------------------------------------------------------------- */

static size_t size_of(uint32_t n)
{
    return sizeof(qn_outline) + n * sizeof(qn_outline_entry);
}

size_t qn_outline_size(const qn_outline *o)
{
    return size_of(o->n);
}

/* How many bytes a number's head, or a short string's, takes in canonical CBOR. */
static size_t head_of(uint64_t v)
{
    return v < 24 ? 1 : v < 256 ? 2 : v < 65536 ? 3 : 5;
}

/* The snapshot was opened, so its entries are canonical and lie one behind the other. */
static qn_err outline_entry(qn_outline_entry *e, qn_env *env, const qn_snapshot *s,
                            const qn_relay *r)
{
    size_t before = 1 + 2 + sizeof r->d.identity.b + head_of(r->body.n);
    const uint8_t *end = r->body.p + r->body.n;
    qn_hash h;
    qn_err err = qn_sha256(env, &r->body, 1, &h);

    if (err != QN_OK)
        return err;
    memcpy(e->id, r->d.id.b, sizeof e->id);
    memcpy(e->digest, h.b, sizeof e->digest);
    e->at = (uint32_t)((size_t)(r->body.p - s->body.p) - before);
    e->descriptor = (uint16_t)(before + r->body.n);
    e->rest_n = (uint8_t)head_of(r->weight);
    memcpy(e->rest, end, e->rest_n);
    return QN_OK;
}

qn_outline *qn_snapshot_outline(qn_snapshot *s, qn_env *env)
{
    qn_outline *o = s->outline;

    if (o == NULL) {
        o = qn_mem_get(s->mem, size_of(s->relays_n));
        if (o == NULL)
            return NULL;
        o->mem = s->mem;
        o->n = s->relays_n;
        o->refs = 1; /* the snapshot's */
        o->body = s->body_hash;
        for (uint32_t i = 0; i < o->n; i++)
            if (outline_entry(&o->v[i], env, s, &s->relays[i]) != QN_OK) {
                qn_outline_drop(o);
                return NULL;
            }
        s->outline = o;
    }
    o->refs++;
    return o;
}

void qn_outline_drop(qn_outline *o)
{
    if (o == NULL)
        return;
    QN_ASSERT(o->refs > 0);
    if (--o->refs == 0)
        qn_mem_put(o->mem, o, qn_outline_size(o));
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct op {
    size_t skip, copy;
    qn_slice literal;
} op;

typedef struct script {
    op *v;
    uint32_t n;
    size_t at;          /* of the held body: all before is passed or taken */
    const uint8_t *out; /* of the new list: all before is said */
} script;

/* What is new up to `upto` belongs to the last op; then n bytes from `from` of what is held. */
static void take(script *s, size_t from, size_t n, const uint8_t *upto)
{
    op *last = &s->v[s->n - 1];

    last->literal = qn_slice_of(s->out, (size_t)(upto - s->out));
    if (last->literal.n == 0 && from == s->at)
        last->copy += n;
    else
        s->v[s->n++] = (op){.skip = from - s->at, .copy = n};
    s->at = from + n;
    s->out = upto + n;
}

static void compare(script *s, const qn_outline *base, const qn_snapshot *to,
                    const qn_outline *target)
{
    uint32_t j = 0;

    for (uint32_t i = 0; i < target->n; i++) {
        const qn_outline_entry *b = &target->v[i], *a;
        bool whole;

        while (j < base->n && memcmp(base->v[j].id, b->id, sizeof b->id) < 0)
            j++;
        if (j == base->n)
            break;
        a = &base->v[j];
        if (memcmp(a->id, b->id, sizeof a->id) != 0 ||
            memcmp(a->digest, b->digest, sizeof a->digest) != 0)
            continue;
        whole = a->rest_n == b->rest_n && memcmp(a->rest, b->rest, a->rest_n) == 0;
        take(s, a->at, a->descriptor + (whole ? a->rest_n : 0u), to->body.p + b->at);
        j++;
    }
    s->v[s->n - 1].literal = qn_slice_of(s->out, (size_t)(to->bytes.p + to->bytes.n - s->out));
}

static qn_err write_ops(qn_blob *out, qn_env *env, const qn_hash *base, const script *s)
{
    enum { HEAD = 3 + 2 + 32, EACH = 5 + 5 + 5 };
    size_t cap = HEAD;
    qn_cbor_w w;
    qn_err err;

    for (uint32_t i = 0; i < s->n; i++)
        cap += EACH + s->v[i].literal.n;
    err = qn_blob_new(out, &env->mem, cap);
    if (err != QN_OK)
        return err;
    qn_cbor_w_init(&w, out->p, out->cap);
    qn_cbor_array(&w, 1 + 3 * (uint64_t)s->n);
    qn_cbor_bytes(&w, base->b, sizeof base->b);
    for (uint32_t i = 0; i < s->n; i++) {
        qn_cbor_uint(&w, s->v[i].skip);
        qn_cbor_uint(&w, s->v[i].copy);
        qn_cbor_bytes(&w, s->v[i].literal.p, s->v[i].literal.n);
    }
    QN_ASSERT(w.err == QN_OK);
    out->n = w.n;
    return QN_OK;
}

qn_err qn_delta_write(qn_blob *out, qn_env *env, const qn_outline *base, const qn_snapshot *s,
                      const qn_outline *target)
{
    size_t size = (target->n + 1) * sizeof(op);
    script made = {.v = qn_mem_get(&env->mem, size), .n = 1, .out = s->bytes.p};
    qn_err err;

    if (made.v == NULL)
        return QN_NOMEM;
    compare(&made, base, s, target);
    err = write_ops(out, env, &base->body, &made);
    qn_mem_put(&env->mem, made.v, size);
    return err;
}

/* ---- applying -------------------------------------------------------------------------------- */

static qn_err get_op(qn_cbor_r *r, op *o)
{
    o->skip = (size_t)qn_cbor_get_uint(r);
    o->copy = (size_t)qn_cbor_get_uint(r);
    o->literal = qn_cbor_get_bytes(r);
    return r->err;
}

/* Walks the ops; writes when there is somewhere to. *n: bytes of the result. */
static qn_err play(qn_cbor_r r, uint64_t ops, qn_slice held, uint8_t *out, size_t *n)
{
    size_t at = 0;
    qn_err err;

    *n = 0;
    for (uint64_t i = 0; i < ops; i++) {
        op o;

        err = get_op(&r, &o);
        if (err != QN_OK)
            return err;
        if (o.skip > held.n - at || o.copy > held.n - at - o.skip)
            return QN_PROTO;
        at += o.skip;
        if (o.copy > QN_SNAPSHOT_MAX - *n || o.literal.n > QN_SNAPSHOT_MAX - *n - o.copy)
            return QN_LIMIT;
        if (out != NULL) {
            memcpy(out + *n, held.p + at, o.copy);
            if (o.literal.n > 0)
                memcpy(out + *n + o.copy, o.literal.p, o.literal.n);
        }
        at += o.copy;
        *n += o.copy + o.literal.n;
    }
    return qn_cbor_end(&r);
}

qn_err qn_delta_apply(qn_blob *out, qn_env *env, const qn_snapshot *held, qn_slice delta)
{
    qn_hash base = {0};
    uint64_t items;
    qn_blob got;
    qn_cbor_r r;
    size_t n;
    qn_err err;

    qn_cbor_r_init(&r, delta.p, delta.n);
    items = qn_cbor_get_array(&r);
    qn_cbor_get_fixed(&r, base.b, sizeof base.b);
    if (r.err != QN_OK)
        return r.err;
    if (items % 3 != 1)
        return QN_PROTO;
    if (memcmp(base.b, held->body_hash.b, sizeof base.b) != 0)
        return QN_STALE;
    err = play(r, items / 3, held->body, NULL, &n);
    if (err == QN_OK)
        err = n > 0 ? qn_blob_new(&got, &env->mem, n) : QN_PROTO;
    if (err != QN_OK)
        return err;
    err = play(r, items / 3, held->body, got.p, &got.n);
    QN_ASSERT(err == QN_OK && got.n == n);
    *out = got;
    return QN_OK;
}

#include "node/signed.h"

#include "base/limits.h"
#include "dir/body.h"

static bool same(const qn_statement *a, const qn_statement *b)
{
    return a->version == b->version && a->until == b->until &&
           memcmp(a->hash.b, b->hash.b, sizeof a->hash.b) == 0;
}

int64_t signed_free(const signed_versions *s, int64_t from)
{
    for (unsigned i = 0; i < s->n; i++)
        if (from <= s->v[i].to && (i == 0 || from >= s->v[i].from))
            from = s->v[i].to + 1;
    return from;
}

bool signed_may(const signed_versions *s, const qn_statement *what)
{
    return signed_free(s, what->version) == what->version || (s->n > 0 && same(&s->last, what));
}

/* ---- spells ---------------------------------------------------------------------------------- */

static void remove_at(signed_versions *s, unsigned at)
{
    memmove(&s->v[at], &s->v[at + 1], (s->n - at - 1u) * sizeof s->v[0]);
    s->n--;
}

static void insert_at(signed_versions *s, unsigned at, int64_t version)
{
    memmove(&s->v[at + 1], &s->v[at], (s->n - at) * sizeof s->v[0]);
    s->v[at] = (spell){version, version};
    s->n++;
}

void signed_add(signed_versions *s, const qn_statement *what)
{
    int64_t version = what->version;
    unsigned below = 0; /* spells */

    if (signed_free(s, version) == version) {
        while (below < s->n && s->v[below].to < version)
            below++;
        if (below > 0 && (version - s->v[below - 1].to <= QN_CLOCK_SKEW_S ||
                          (below == 1 && s->n == SIGNED_SPELLS))) {
            s->v[below - 1].to = version;
        } else {
            if (s->n == SIGNED_SPELLS) {
                s->v[1].from = s->v[0].from;
                remove_at(s, 0);
                below--;
            }
            insert_at(s, below, version);
        }
    }
    s->last = *what;
}

/* ---- as a file ------------------------------------------------------------------------------- */

size_t signed_write(const signed_versions *s, uint8_t out[SIGNED_FILE_MAX])
{
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, SIGNED_FILE_MAX);
    qn_cbor_array(&w, 4);
    qn_cbor_uint(&w, (uint64_t)s->last.version);
    qn_cbor_uint(&w, (uint64_t)s->last.until);
    qn_cbor_bytes(&w, s->last.hash.b, sizeof s->last.hash.b);
    qn_cbor_array(&w, 2u * s->n);
    for (unsigned i = 0; i < s->n; i++) {
        qn_cbor_uint(&w, (uint64_t)s->v[i].from);
        qn_cbor_uint(&w, (uint64_t)s->v[i].to);
    }
    QN_ASSERT(w.err == QN_OK);
    return w.n;
}

static void get_spells(qn_cbor_r *r, signed_versions *s)
{
    uint64_t items = qn_cbor_get_array(r);

    if (r->err == QN_OK && (items == 0 || items % 2 != 0 || items / 2 > SIGNED_SPELLS))
        r->err = QN_PROTO;
    for (uint64_t i = 0; i < items / 2 && r->err == QN_OK; i++) {
        spell *p = &s->v[s->n++];

        p->from = (int64_t)qn_body_get_below(r, QN_BODY_TIME_MAX);
        p->to = (int64_t)qn_body_get_below(r, QN_BODY_TIME_MAX);
        if (r->err == QN_OK && (p->from > p->to || (i > 0 && p->from <= p[-1].to)))
            r->err = QN_CANON;
    }
}

qn_err signed_read(signed_versions *s, qn_slice in)
{
    signed_versions got = {0};
    uint64_t items;
    qn_cbor_r r;
    qn_err err;

    qn_cbor_r_init(&r, in.p, in.n);
    items = qn_cbor_get_array(&r);
    if ((items < 3 || items > 4) && r.err == QN_OK)
        return QN_PROTO;
    got.last.version = (int64_t)qn_body_get_below(&r, QN_BODY_TIME_MAX);
    got.last.until = (int64_t)qn_body_get_below(&r, QN_BODY_TIME_MAX);
    qn_cbor_get_fixed(&r, got.last.hash.b, sizeof got.last.hash.b);
    if (items == 4)
        get_spells(&r, &got);
    else
        got.v[got.n++] = (spell){got.last.version, got.last.version};
    err = qn_cbor_end(&r);
    if (err == QN_OK && signed_free(&got, got.last.version) == got.last.version)
        err = QN_PROTO;
    if (err == QN_OK)
        *s = got;
    return err;
}

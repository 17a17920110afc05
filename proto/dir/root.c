/*
 * Roots: who the operators are, after the founding. The network file's own part is root 1; each
 * later root is [body, [[key, signature], ...]] with the body's map
 *
 *     1 version of the format (1)  2 root's number  3 made  4 threshold
 *     5 operators: [[PeerID, snapshot key, link key, address], ...]
 *
 * signed by the thresholds of both the root before it and itself. docs/wire/network.md.
 */
#include "dir/root.h"

#include "base/ipjudge.h"
#include "base/limits.h"
#include "dir/body.h"
#include "dir/envelope.h"
#include "dir/internal.h"

enum { KEY_VERSION = 1, NUMBER, MADE, THRESHOLD, OPERATORS, KEYS = OPERATORS };

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct root {
    qn_slice body;
    qn_network next; /* number, threshold and operators */
    uint8_t n;
    qn_root_signature v[QN_ROOT_SIGNATURES_MAX];
} root;

static void get_field(qn_cbor_r *r, uint64_t key, qn_network *next)
{
    switch (key) {
    case KEY_VERSION:
        qn_body_get_version(r);
        break;
    case NUMBER:
        next->root = (uint32_t)qn_body_get_below(r, UINT32_MAX);
        break;
    case MADE:
        next->created = qn_body_get_time(r);
        break;
    case THRESHOLD:
        next->threshold = (uint8_t)qn_body_get_below(r, QN_OPERATORS_MAX + 1);
        break;
    case OPERATORS:
        qn_operators_get(r, next);
        break;
    default:
        qn_body_unknown_key(r, key);
    }
}

static qn_err read_body(qn_slice in, qn_network *next)
{
    qn_body b;
    uint64_t key;

    qn_body_open(&b, in);
    while (qn_body_next(&b, &key))
        get_field(&b.r, key, next);
    return qn_body_end(&b, QN_BODY_KEYS(KEYS));
}

/* The first of several; *in moves behind it. */
static qn_err take_root(root *out, qn_slice *in)
{
    uint64_t n;
    qn_cbor_r r;

    *out = (root){0};
    qn_cbor_r_init(&r, in->p, in->n);
    if (qn_cbor_get_array(&r) != 2 && r.err == QN_OK)
        return QN_PROTO;
    out->body = qn_cbor_get_bytes(&r);
    n = qn_cbor_get_array(&r);
    if (r.err == QN_OK && n > QN_ROOT_SIGNATURES_MAX)
        return QN_LIMIT;
    for (uint64_t i = 0; i < n && r.err == QN_OK; i++) {
        qn_root_signature *s = &out->v[out->n++];

        if (qn_cbor_get_array(&r) != 2 && r.err == QN_OK)
            return QN_PROTO;
        qn_cbor_get_fixed(&r, s->key.b, sizeof s->key.b);
        qn_cbor_get_fixed(&r, s->signature.b, sizeof s->signature.b);
        if (r.err == QN_OK && i > 0 && memcmp(s[-1].key.b, s->key.b, sizeof s->key.b) >= 0)
            return QN_CANON;
    }
    if (r.err != QN_OK)
        return r.err;
    *in = qn_slice_of(r.p, in->n - (size_t)(r.p - in->p));
    return read_body(out->body, &out->next);
}

/* ---- judging --------------------------------------------------------------------------------- */

static bool is_one_of(const qn_network *net, const qn_sign_public *key)
{
    uint8_t place;

    return qn_operator_find(net, key, &place);
}

/* Every signature is good and is one side's; there are enough of both. */
static qn_err check_signatures(const root *r, const qn_network *net)
{
    unsigned before = 0, after = 0;

    for (unsigned i = 0; i < r->n; i++) {
        const qn_root_signature *s = &r->v[i];
        bool old = is_one_of(net, &s->key), fresh = is_one_of(&r->next, &s->key);

        if ((!old && !fresh) ||
            qn_signed_verify(QN_TAG_ROOT, net->id, r->body, &s->key, &s->signature) != QN_OK)
            return QN_AUTH;
        before += old;
        after += fresh;
    }
    return before >= net->threshold && after >= r->next.threshold ? QN_OK : QN_AUTH;
}

/* Who is known to have lied stays known, wherever he stands now; and cards are of keys. */
static void carry_over(qn_network *next, const qn_network *net)
{
    for (unsigned i = 0; i < next->operators_n; i++)
        for (unsigned j = 0; j < net->operators_n; j++)
            if (memcmp(next->operators[i].sign_key, net->operators[j].sign_key, 32) == 0) {
                next->operators[i].card = net->operators[j].card;
                next->distrusted |= (uint16_t)((net->distrusted >> j & 1) << i);
            }
}

static void put_in_place(qn_network *net, const root *r)
{
    qn_network next = *net;

    next.root = r->next.root;
    next.threshold = r->next.threshold;
    next.operators_n = r->next.operators_n;
    memcpy(next.operators, r->next.operators, sizeof next.operators);
    next.distrusted = 0;
    carry_over(&next, net);
    *net = next;
}

static qn_err follow(qn_network *net, root *r)
{
    qn_err err;

    if (r->next.root > net->root + 1)
        return QN_UNKNOWN;
    if (r->next.root <= net->root)
        return QN_OK;
    r->next.lab = net->lab;
    memcpy(r->next.name, net->name, sizeof r->next.name);
    if (qn_network_fault(&r->next) != NULL)
        return QN_PROTO;
    err = check_signatures(r, net);
    if (err == QN_OK)
        put_in_place(net, r);
    return err;
}

qn_err qn_root_apply(qn_network *net, qn_slice *chain)
{
    qn_slice rest = *chain;
    root r;
    qn_err err = take_root(&r, &rest);

    if (err == QN_OK)
        err = follow(net, &r);
    if (err == QN_OK)
        *chain = rest;
    return err;
}

/* Only the next root is looked at by its signatures, so others between would be kept unseen. */
qn_err qn_roots_apply(qn_network *net, qn_slice chain)
{
    uint32_t before = 0;
    qn_err err = QN_OK;
    root r;

    while (chain.n > 0 && err == QN_OK) {
        err = take_root(&r, &chain);
        if (err == QN_OK && before != 0 && r.next.root != before + 1)
            err = QN_PROTO;
        before = r.next.root;
        if (err == QN_OK)
            err = follow(net, &r);
    }
    return err;
}

uint32_t qn_roots_last(qn_slice chain)
{
    uint32_t last = 1;
    root r;

    while (chain.n > 0 && take_root(&r, &chain) == QN_OK)
        last = r.next.root;
    return last;
}

qn_err qn_roots_after(qn_slice chain, uint32_t number, qn_slice *out)
{
    root r;

    while (chain.n > 0) {
        qn_slice rest = chain;
        qn_err err = take_root(&r, &rest);

        if (err != QN_OK)
            return err;
        if (r.next.root > number)
            break;
        chain = rest;
    }
    *out = chain;
    return QN_OK;
}

/* ---- making ---------------------------------------------------------------------------------- */

qn_err qn_root_draft(const qn_network *next, int64_t made, uint8_t *out, size_t cap, size_t *n)
{
    uint8_t body[QN_SIGNED_MAX];
    qn_cbor_w b, w;

    if (qn_network_fault(next) != NULL || made < 0 || made > QN_BODY_TIME_MAX)
        return QN_CONFIG;
    qn_cbor_w_init(&b, body, sizeof body);
    qn_cbor_map(&b, KEYS);
    qn_cbor_uint(&b, KEY_VERSION);
    qn_cbor_uint(&b, QN_BODY_VERSION);
    qn_cbor_uint(&b, NUMBER);
    qn_cbor_uint(&b, next->root);
    qn_cbor_uint(&b, MADE);
    qn_cbor_uint(&b, (uint64_t)made);
    qn_cbor_uint(&b, THRESHOLD);
    qn_cbor_uint(&b, next->threshold);
    qn_cbor_uint(&b, OPERATORS);
    qn_cbor_array(&b, next->operators_n);
    for (unsigned i = 0; i < next->operators_n; i++)
        qn_operator_put(&b, &next->operators[i]);
    qn_cbor_w_init(&w, out, cap);
    qn_cbor_array(&w, 2);
    qn_cbor_bytes(&w, body, b.n);
    qn_cbor_array(&w, 0);
    if (b.err != QN_OK || w.err != QN_OK)
        return QN_CONFIG;
    *n = w.n;
    return QN_OK;
}

static qn_err write_root(const root *r, uint8_t *out, size_t cap, size_t *n)
{
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, cap);
    qn_cbor_array(&w, 2);
    qn_cbor_bytes(&w, r->body.p, r->body.n);
    qn_cbor_array(&w, r->n);
    for (unsigned i = 0; i < r->n; i++) {
        qn_cbor_array(&w, 2);
        qn_cbor_bytes(&w, r->v[i].key.b, sizeof r->v[i].key.b);
        qn_cbor_bytes(&w, r->v[i].signature.b, sizeof r->v[i].signature.b);
    }
    if (w.err != QN_OK)
        return QN_CONFIG;
    *n = w.n;
    return QN_OK;
}

/* In the order of keys, each once. */
static qn_err add(root *r, const qn_root_signature *s)
{
    unsigned at = 0;

    while (at < r->n && memcmp(r->v[at].key.b, s->key.b, sizeof s->key.b) < 0)
        at++;
    if (at < r->n && memcmp(r->v[at].key.b, s->key.b, sizeof s->key.b) == 0)
        return QN_OK;
    if (r->n == QN_ROOT_SIGNATURES_MAX)
        return QN_LIMIT;
    memmove(&r->v[at + 1], &r->v[at], (r->n - at) * sizeof r->v[0]);
    r->v[at] = *s;
    r->n++;
    return QN_OK;
}

qn_err qn_root_read(qn_network *next, qn_slice in)
{
    root r;
    qn_err err = take_root(&r, &in);

    if (err == QN_OK && in.n > 0)
        err = QN_PROTO;
    if (err == QN_OK)
        *next = r.next;
    return err;
}

qn_err qn_root_sign(const qn_network *net, qn_slice in, const qn_secret32 *operator_seed,
                    uint8_t *out, size_t cap, size_t *n)
{
    qn_sign_secret secret;
    qn_root_signature s;
    uint8_t place;
    root r;
    qn_err err = take_root(&r, &in);

    if (err != QN_OK)
        return err;
    if (r.next.root != net->root + 1 || in.n > 0)
        return QN_STALE;
    memcpy(secret.seed, operator_seed->b, sizeof secret.seed);
    qn_sign_derive(&secret, &s.key);
    err = QN_CONFIG;
    if (qn_operator_find(net, &s.key, &place) || qn_operator_find(&r.next, &s.key, &place))
        err = qn_signed_sign(QN_TAG_ROOT, net->id, r.body, &secret, &s.signature);
    qn_wipe(&secret, sizeof secret);
    if (err == QN_OK)
        err = add(&r, &s);
    return err == QN_OK ? write_root(&r, out, cap, n) : err;
}

qn_err qn_root_join(qn_slice a, qn_slice b, uint8_t *out, size_t cap, size_t *n)
{
    root x, y;
    qn_err err = take_root(&x, &a);

    if (err == QN_OK)
        err = take_root(&y, &b);
    if (err == QN_OK &&
        (a.n > 0 || b.n > 0 || x.body.n != y.body.n || memcmp(x.body.p, y.body.p, x.body.n) != 0))
        err = QN_CONFIG;
    for (unsigned i = 0; err == QN_OK && i < y.n; i++)
        err = add(&x, &y.v[i]);
    return err == QN_OK ? write_root(&x, out, cap, n) : err;
}

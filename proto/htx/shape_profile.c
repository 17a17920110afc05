#include "htx/shape_profile.h"

#include "base/cbor.h"

enum { /* keys of the map */
       KEY_PAGES,
       KEY_REQUESTS,
       KEY_POSTS,
       KEY_BURSTS,
       KEY_CREDIT,
       KEYS
};

#define SEAL (1 + QN_TAG) /* what a record's length counts beside its content */
#define LENGTH_MIN (SEAL + 1)
#define LENGTH_MAX (SEAL + QN_RECORD_CONTENT_MAX)
#define FIRST_MIN (SEAL + QN_SHAPE_ROOM_MIN)
#define BURST_MAX (1u << 20)            /* of pages; more is a download */
#define CREDIT_MAX (QN_LINK_WINDOW_MAX) /* a link never credits more */
#define AFTER_MS_MAX 60000

static void fail(qn_cbor_r *r, qn_err err)
{
    if (r->err == QN_OK)
        r->err = err;
}

static uint32_t get_within(qn_cbor_r *r, uint32_t min, uint32_t max)
{
    uint64_t v = qn_cbor_get_uint(r);

    if (r->err == QN_OK && v >= min && v <= max)
        return (uint32_t)v;
    fail(r, QN_PROTO);
    return 0;
}

/* A list of 1 to max entries: how many. */
static uint8_t get_count(qn_cbor_r *r, uint8_t max)
{
    uint64_t n = qn_cbor_get_array(r);

    if (n > max)
        fail(r, QN_LIMIT);
    else if (n == 0)
        fail(r, QN_PROTO);
    return r->err == QN_OK ? (uint8_t)n : 0;
}

static uint8_t get_lengths(qn_cbor_r *r, uint16_t *v, uint8_t max)
{
    uint8_t n = get_count(r, max);

    for (unsigned i = 0; i < n && r->err == QN_OK; i++)
        v[i] = (uint16_t)get_within(r, i > 0 ? v[i - 1] : LENGTH_MIN, LENGTH_MAX);
    return n;
}

static void get_first(qn_cbor_r *r, uint16_t v[QN_SHAPE_FIRST])
{
    if (qn_cbor_get_array(r) != QN_SHAPE_FIRST)
        fail(r, QN_PROTO);
    for (unsigned i = 0; i < QN_SHAPE_FIRST && r->err == QN_OK; i++)
        v[i] = (uint16_t)get_within(r, FIRST_MIN, LENGTH_MAX);
}

static void get_pages(qn_cbor_r *r, qn_shape_profile *p)
{
    p->page_n = get_count(r, QN_SHAPE_PAGES_MAX);
    for (unsigned i = 0; i < p->page_n && r->err == QN_OK; i++) {
        if (qn_cbor_get_array(r) != 2)
            fail(r, QN_PROTO);
        get_first(r, p->page[i].up);
        get_first(r, p->page[i].down);
    }
}

static void get_bursts(qn_cbor_r *r, qn_shape_profile *p)
{
    p->burst_n = get_count(r, QN_SHAPE_BURSTS_MAX);
    for (unsigned i = 0; i < p->burst_n && r->err == QN_OK; i++)
        p->burst[i] = get_within(r, i > 0 ? p->burst[i - 1] + 1 : LENGTH_MIN, BURST_MAX);
}

static void get_value(qn_cbor_r *r, uint64_t key, qn_shape_profile *p)
{
    switch (key) {
    case KEY_PAGES:
        get_pages(r, p);
        return;
    case KEY_REQUESTS:
        p->request_n = get_lengths(r, p->request, QN_SHAPE_REQUESTS_MAX);
        return;
    case KEY_POSTS:
        p->post_n = get_lengths(r, p->post, QN_SHAPE_POSTS_MAX);
        return;
    case KEY_BURSTS:
        get_bursts(r, p);
        return;
    default:
        if (qn_cbor_get_array(r) != 2)
            fail(r, QN_PROTO);
        p->credit_bytes = get_within(r, 1, CREDIT_MAX);
        p->credit_after = get_within(r, 1, AFTER_MS_MAX) * QN_MS;
    }
}

/* The longest request must carry something, and an upload's records are not shorter than it. */
static bool sound(const qn_shape_profile *p)
{
    uint16_t longest = p->request[p->request_n - 1];

    return longest >= FIRST_MIN && p->post[p->post_n - 1] >= longest;
}

qn_err qn_shape_profile_read(qn_shape_profile *out, qn_slice item)
{
    qn_shape_profile p = {0};
    int64_t last = -1;
    qn_cbor_r r;
    qn_err err;

    qn_cbor_r_init(&r, item.p, item.n);
    if (qn_cbor_get_map(&r) != KEYS)
        fail(&r, QN_PROTO);
    for (uint64_t i = 0; i < KEYS && r.err == QN_OK; i++) {
        if (qn_cbor_key(&r, &last) != i)
            fail(&r, QN_PROTO);
        else
            get_value(&r, i, &p);
    }
    err = qn_cbor_end(&r);
    if (err == QN_OK && !sound(&p))
        err = QN_PROTO;
    if (err == QN_OK)
        *out = p;
    return err;
}

#include "h2/hpack.h"

#include "h2/huffman.h"

#define STATIC_ENTRIES 61 /* RFC 7541 appendix A */
#define TABLE_FIRST 4096  /* the size before SETTINGS (RFC 9113 6.5.2) */
#define ENTRY_COST 32

/* First byte and prefix length of each representation (RFC 7541 6). */
enum { INDEXED = 0x80, LITERAL_INDEXED = 0x40, LITERAL = 0x00, RESIZE = 0x20 };

typedef struct block {
    uint8_t *p;
    size_t cap, n;
    bool full;
} block;

static bool same(qn_slice a, qn_slice b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static void put_byte(block *b, uint8_t v)
{
    if (b->n == b->cap)
        b->full = true;
    else
        b->p[b->n++] = v;
}

/* RFC 7541 5.1 */
static void put_int(block *b, uint8_t first, unsigned prefix, uint32_t v)
{
    uint32_t max = (1u << prefix) - 1;

    if (v < max) {
        put_byte(b, (uint8_t)(first | v));
        return;
    }
    put_byte(b, (uint8_t)(first | max));
    for (v -= max; v >= 0x80; v >>= 7)
        put_byte(b, (uint8_t)(0x80 | (v & 0x7f)));
    put_byte(b, (uint8_t)v);
}

static void put_string(block *b, qn_slice s)
{
    size_t n = qn_h2_huffman_size(s);

    put_int(b, 0x80, 7, (uint32_t)n);
    if (n > b->cap - b->n) {
        b->full = true;
        return;
    }
    qn_h2_huffman_put(s, b->p + b->n);
    b->n += n;
}

/* The field's index, or 0; *name: the last entry of that name, or 0. */
static uint32_t find(const qn_h2_hpack *h, const qn_h2_field *f, uint32_t *name)
{
    *name = 0;
    for (uint32_t i = 1; i <= STATIC_ENTRIES + h->entries; i++) {
        qn_h2_field e;

        if (i <= STATIC_ENTRIES) {
            const nghttp2_nv *nv = nghttp2_hd_deflate_get_table_entry(h->deflater, i);

            e = (qn_h2_field){{nv->name, nv->namelen}, {nv->value, nv->valuelen}};
        } else {
            e = h->entry[h->entries - (i - STATIC_ENTRIES)];
        }
        if (!same(e.name, f->name))
            continue;
        *name = i;
        if (same(e.value, f->value))
            return i;
    }
    return 0;
}

static uint32_t cost(const qn_h2_field *f)
{
    return (uint32_t)(f->name.n + f->value.n) + ENTRY_COST;
}

static void make_room(qn_h2_hpack *h, uint32_t need)
{
    uint32_t drop = 0;

    while (drop < h->entries && h->used + need > h->size)
        h->used -= cost(&h->entry[drop++]);
    h->entries -= drop;
    memmove(h->entry, h->entry + drop, h->entries * sizeof h->entry[0]);
}

static void put_plain(qn_h2_hpack *h, block *b, const qn_h2_field *f)
{
    bool path = same(f->name, qn_slice_of(":path", 5));
    uint32_t name, at = find(h, f, &name), need = cost(f);

    if (at != 0 && !path) {
        put_int(b, INDEXED, 7, at);
        return;
    }
    if (path || need > h->size / 2 || h->size < 128) {
        put_int(b, LITERAL, 4, name);
    } else {
        make_room(h, need);
        put_int(b, LITERAL_INDEXED, 6, name);
        QN_ASSERT(h->entries < QN_LEN(h->entry));
        h->entry[h->entries++] = *f;
        h->used += need;
    }
    if (name == 0)
        put_string(b, f->name);
    put_string(b, f->value);
}

static qn_err block_plain(qn_h2_hpack *h, const qn_h2_field *v, unsigned n, block *b)
{
    if (h->resized) {
        if (h->lowest < h->size)
            put_int(b, RESIZE, 5, h->lowest);
        put_int(b, RESIZE, 5, h->size);
        h->resized = false;
    }
    for (unsigned i = 0; i < n; i++)
        put_plain(h, b, &v[i]);
    return b->full ? QN_LIMIT : QN_OK;
}

static qn_err block_nghttp2(qn_h2_hpack *h, const qn_h2_field *v, unsigned n, block *b)
{
    nghttp2_nv nv[QN_H2_FIELDS_MAX];
    ssize_t wrote;

    for (unsigned i = 0; i < n; i++) /* nghttp2 reads them only, whatever the type says */
        nv[i] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)v[i].name.p,
                             .namelen = v[i].name.n,
                             .value = (uint8_t *)(uintptr_t)v[i].value.p,
                             .valuelen = v[i].value.n};
    wrote = nghttp2_hd_deflate_hd(h->deflater, b->p, b->cap, nv, n);
    if (wrote < 0) /* a table without memory is HEADER_COMP */
        return wrote == NGHTTP2_ERR_INSUFF_BUFSIZE ? QN_LIMIT : QN_NOMEM;
    b->n = (size_t)wrote;
    return QN_OK;
}

qn_err qn_h2_hpack_block(qn_h2_hpack *h, const qn_h2_field *v, unsigned n, uint8_t *out, size_t cap,
                         size_t *out_n)
{
    block b = {.p = out, .cap = cap};
    qn_err err = h->plain ? block_plain(h, v, n, &b) : block_nghttp2(h, v, n, &b);

    *out_n = b.n;
    return err;
}

qn_err qn_h2_hpack_resize(qn_h2_hpack *h, uint32_t size)
{
    if (!h->plain) { /* Chromium says nothing about a size that stays */
        if (size != h->size && nghttp2_hd_deflate_change_table_size(h->deflater, size) != 0)
            return QN_NOMEM;
        h->size = size;
        return QN_OK;
    }
    h->size = size;
    make_room(h, 0);
    h->lowest = h->resized ? QN_MIN(h->lowest, size) : size;
    h->resized = true;
    return QN_OK;
}

qn_err qn_h2_hpack_init(qn_h2_hpack *h, bool plain, nghttp2_mem *mem)
{
    *h = (qn_h2_hpack){.plain = plain, .size = TABLE_FIRST};
    /* The bound is the number of different fields, not the peer's number. */
    return nghttp2_hd_deflate_new2(&h->deflater, UINT32_MAX, mem) == 0 ? QN_OK : QN_NOMEM;
}

void qn_h2_hpack_clear(qn_h2_hpack *h)
{
    if (h->deflater != NULL)
        nghttp2_hd_deflate_del(h->deflater);
    h->deflater = NULL;
}

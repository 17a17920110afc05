#include "h2/hpack.h"

#include "h2/huffman.h"

#define ENTRY_COST 32
#define ROOM_FIRST 24 /* a browser's first request makes 15 to 20 entries */

/* RFC 7541 appendix A */
static const struct {
    const char *name, *value;
} known[] = {
    {":authority", ""},
    {":method", "GET"},
    {":method", "POST"},
    {":path", "/"},
    {":path", "/index.html"},
    {":scheme", "http"},
    {":scheme", "https"},
    {":status", "200"},
    {":status", "204"},
    {":status", "206"},
    {":status", "304"},
    {":status", "400"},
    {":status", "404"},
    {":status", "500"},
    {"accept-charset", ""},
    {"accept-encoding", "gzip, deflate"},
    {"accept-language", ""},
    {"accept-ranges", ""},
    {"accept", ""},
    {"access-control-allow-origin", ""},
    {"age", ""},
    {"allow", ""},
    {"authorization", ""},
    {"cache-control", ""},
    {"content-disposition", ""},
    {"content-encoding", ""},
    {"content-language", ""},
    {"content-length", ""},
    {"content-location", ""},
    {"content-range", ""},
    {"content-type", ""},
    {"cookie", ""},
    {"date", ""},
    {"etag", ""},
    {"expect", ""},
    {"expires", ""},
    {"from", ""},
    {"host", ""},
    {"if-match", ""},
    {"if-modified-since", ""},
    {"if-none-match", ""},
    {"if-range", ""},
    {"if-unmodified-since", ""},
    {"last-modified", ""},
    {"link", ""},
    {"location", ""},
    {"max-forwards", ""},
    {"proxy-authenticate", ""},
    {"proxy-authorization", ""},
    {"range", ""},
    {"referer", ""},
    {"refresh", ""},
    {"retry-after", ""},
    {"server", ""},
    {"set-cookie", ""},
    {"strict-transport-security", ""},
    {"transfer-encoding", ""},
    {"user-agent", ""},
    {"vary", ""},
    {"via", ""},
    {"www-authenticate", ""},
};

/* First byte and prefix length of each representation (RFC 7541 6). */
enum { INDEXED = 0x80, LITERAL_INDEXED = 0x40, LITERAL = 0x00, RESIZE = 0x20 };

typedef struct block {
    uint8_t *p;
    size_t cap, n;
    qn_err err;
} block;

static bool same(qn_slice a, qn_slice b)
{
    return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static void put_byte(block *b, uint8_t v)
{
    if (b->n == b->cap)
        b->err = QN_LIMIT;
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

static void put_string(block *b, qn_slice s, bool plain)
{
    size_t coded = qn_h2_huffman_size(s);
    bool shorter = plain || coded < s.n;
    size_t n = shorter ? coded : s.n;

    put_int(b, shorter ? 0x80 : 0, 7, (uint32_t)n);
    if (n > b->cap - b->n) {
        b->err = QN_LIMIT;
        return;
    }
    if (shorter)
        qn_h2_huffman_put(s, b->p + b->n);
    else
        memcpy(b->p + b->n, s.p, n);
    b->n += n;
}

static qn_slice text(const char *s)
{
    return qn_slice_of(s, strlen(s));
}

/* Where a field and its name are; 0: nowhere. */
typedef struct place {
    uint32_t field, name;
} place;

static place find_static(const qn_h2_field *f, bool last)
{
    place at = {0};

    for (uint32_t i = 0; i < QN_LEN(known) && at.field == 0; i++) {
        if (!same(text(known[i].name), f->name))
            continue;
        if (last || at.name == 0)
            at.name = i + 1;
        if (same(text(known[i].value), f->value))
            at.field = i + 1;
    }
    return at;
}

/* Newest first. */
static place find_entry(const qn_h2_hpack *h, const qn_h2_field *f, bool last)
{
    place at = {0};

    for (uint32_t i = 0; i < h->entries && at.field == 0; i++) {
        const qn_h2_field *e = &h->entry[h->entries - 1 - i];
        uint32_t index = (uint32_t)QN_LEN(known) + 1 + i;

        if (!same(e->name, f->name))
            continue;
        if (last || at.name == 0)
            at.name = index;
        if (same(e->value, f->value))
            at.field = index;
    }
    return at;
}

static place find(const qn_h2_hpack *h, const qn_h2_field *f)
{
    place first = find_static(f, h->plain), then = find_entry(h, f, h->plain), at = first;

    if (at.field == 0)
        at.field = then.field;
    if (at.name == 0 || (h->plain && then.name != 0))
        at.name = then.name;
    return at;
}

/* What neither table will know another time, by name: nghttp2's list, of those a request has. */
static bool passing(const qn_h2_hpack *h, qn_slice name)
{
    static const char *const names[] = {":path", "if-modified-since", "if-none-match"};

    for (unsigned i = 0; i < (h->plain ? 1 : QN_LEN(names)); i++)
        if (same(name, text(names[i])))
            return true;
    return false;
}

static bool indexes(const qn_h2_hpack *h, const qn_h2_field *f, uint32_t need)
{
    if (passing(h, f->name))
        return false;
    return h->plain ? need <= h->size / 2 && h->size >= 128 : need <= (uint64_t)h->size * 3 / 4;
}

static uint32_t cost(const qn_h2_field *f)
{
    return (uint32_t)(f->name.n + f->value.n) + ENTRY_COST;
}

static void make_room(qn_h2_hpack *h, uint32_t need)
{
    uint16_t drop = 0;

    while (drop < h->entries && h->used + need > h->size)
        h->used -= cost(&h->entry[drop++]);
    h->entries = (uint16_t)(h->entries - drop);
    if (drop > 0)
        memmove(h->entry, h->entry + drop, h->entries * sizeof h->entry[0]);
}

static qn_err grow(qn_h2_hpack *h)
{
    uint16_t room = (uint16_t)(h->room == 0 ? ROOM_FIRST : QN_MIN(2 * h->room, QN_H2_ENTRIES_MAX));
    qn_h2_field *entry;

    QN_ASSERT(h->entries < QN_H2_ENTRIES_MAX);
    entry = qn_mem_get(h->mem, room * sizeof *entry);
    if (entry == NULL)
        return QN_NOMEM;
    if (h->entries > 0)
        memcpy(entry, h->entry, h->entries * sizeof *entry);
    qn_mem_put(h->mem, h->entry, h->room * sizeof *entry);
    h->entry = entry;
    h->room = room;
    return QN_OK;
}

static qn_err enter(qn_h2_hpack *h, const qn_h2_field *f, uint32_t need)
{
    qn_err err = QN_OK;

    make_room(h, need);
    if (h->entries == h->room)
        err = grow(h);
    if (err != QN_OK)
        return err;
    h->entry[h->entries++] = *f;
    h->used += need;
    return QN_OK;
}

static void put_field(qn_h2_hpack *h, block *b, const qn_h2_field *f)
{
    place at = find(h, f);
    uint32_t need = cost(f);

    if (at.field != 0 && !(h->plain && passing(h, f->name))) {
        put_int(b, INDEXED, 7, at.field);
        return;
    }
    if (indexes(h, f, need)) {
        qn_err err = enter(h, f, need);

        if (err != QN_OK)
            b->err = err;
        put_int(b, LITERAL_INDEXED, 6, at.name);
    } else {
        put_int(b, LITERAL, 4, at.name);
    }
    if (at.name == 0)
        put_string(b, f->name, h->plain);
    put_string(b, f->value, h->plain);
}

qn_err qn_h2_hpack_block(qn_h2_hpack *h, const qn_h2_field *v, unsigned n, uint8_t *out, size_t cap,
                         size_t *out_n)
{
    block b = {.p = out, .cap = cap};

    if (h->resized) {
        if (h->lowest < h->size)
            put_int(&b, RESIZE, 5, h->lowest);
        put_int(&b, RESIZE, 5, h->size);
        h->resized = false;
    }
    for (unsigned i = 0; i < n && b.err == QN_OK; i++)
        put_field(h, &b, &v[i]);
    *out_n = b.n;
    return b.err;
}

void qn_h2_hpack_resize(qn_h2_hpack *h, uint32_t size)
{
    if (!h->plain && size == h->size) /* Chromium says nothing about a size that stays */
        return;
    h->size = size;
    make_room(h, 0);
    h->lowest = h->resized ? QN_MIN(h->lowest, size) : size;
    h->resized = true;
}

void qn_h2_hpack_init(qn_h2_hpack *h, bool plain, qn_mem *mem)
{
    *h = (qn_h2_hpack){.mem = mem, .plain = plain, .size = QN_H2_TABLE_FIRST};
}

void qn_h2_hpack_clear(qn_h2_hpack *h)
{
    qn_mem_put(h->mem, h->entry, h->room * sizeof *h->entry);
    h->entry = NULL;
    h->entries = h->room = 0;
}

/* What a server says of requests: header blocks, judged as RFC 9113 8 says, and bodies, which are
 * counted, credited and thrown away. */
#include "h2/internal.h"

#include "h2/date.h"

#define FIELD_COST 32 /* RFC 9113 6.5.2 */
#define NAME_READ 64  /* bytes: a table's entry of 64 KiB is said again by a byte, in any block */

/* As RFC 9111 1.2.2 has seconds; 0 for what is no number, and for more than anybody keeps. */
static uint32_t number(qn_slice s)
{
    uint32_t v = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || i == 9)
            return 0;
        v = 10 * v + (uint32_t)(s.p[i] - '0');
    }
    return v;
}

static bool is(qn_slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* ---- header blocks ------------------------------------------------------------------------------
 */

/* The only pseudo-header of an answer, once and in front; trailers have none (RFC 9113 8.1, 8.3).
 */
static void take_pseudo(qn_h2_block *b, qn_slice name, qn_slice v)
{
    uint32_t status = v.n == 3 ? number(v) : 0; /* three digits, or 0 */

    if (!is(name, ":status") || b->status != 0 || b->regular || status < 100)
        b->bad = true;
    else
        b->status = (uint16_t)status;
}

static void take_field(qn_h2_block *b, qn_slice name, qn_slice v)
{
    b->fields += (uint32_t)(name.n + v.n) + FIELD_COST;
    if (b->fields > QN_H2_BLOCK_MAX)
        return;
    if (name.n > 0 && name.p[0] == ':') {
        take_pseudo(b, name, v);
        return;
    }
    b->regular = true;
    for (size_t i = 0; i < QN_MIN(name.n, (size_t)NAME_READ); i++) /* RFC 9113 8.2 */
        b->bad = b->bad || (name.p[i] >= 'A' && name.p[i] <= 'Z');
    if (is(name, "date"))
        b->date = qn_h2_date(v);
    else if (is(name, "age"))
        b->age = number(v);
    else if (is(name, "alt-svc"))
        b->elsewhere = !is(v, "clear");
}

/* A server may use the table we offered once it has read our SETTINGS, which stand in front of
 * everything else we say. */
static qn_err need_inflater(qn_h2 *h)
{
    uint32_t size =
        qn_h2_setting_of(h->profile, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, QN_H2_TABLE_FIRST);

    if (h->inflater != NULL)
        return QN_OK;
    if (nghttp2_hd_inflate_new2(&h->inflater, &h->mem) != 0 ||
        nghttp2_hd_inflate_change_table_size(h->inflater, size) != 0)
        return QN_NOMEM;
    return QN_OK;
}

static void broken_block(qn_h2 *h, ssize_t nghttp2_error)
{
    if (nghttp2_error != NGHTTP2_ERR_NOMEM)
        qn_h2_say_goaway(h, NGHTTP2_COMPRESSION_ERROR);
    qn_h2_fail(h, nghttp2_error == NGHTTP2_ERR_NOMEM ? QN_NOMEM : QN_PROTO);
}

void qn_h2_block_bytes(qn_h2 *h, qn_slice in, bool last)
{
    qn_err err = need_inflater(h);
    int flags = 0;

    h->block.bytes += (uint32_t)in.n;
    if (err == QN_OK && h->block.bytes > QN_H2_BLOCK_MAX)
        err = QN_LIMIT;
    if (err != QN_OK) {
        qn_h2_fail(h, err);
        return;
    }
    do { /* a byte may unfold to a whole table's entry, again and again */
        nghttp2_nv nv;
        ssize_t n = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags, in.p, in.n, last);

        if (n < 0) {
            broken_block(h, n);
            return;
        }
        in = qn_slice_of(in.p + n, in.n - (size_t)n);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            take_field(&h->block, qn_slice_of(nv.name, nv.namelen),
                       qn_slice_of(nv.value, nv.valuelen));
        if (h->block.fields > QN_H2_BLOCK_MAX) {
            qn_h2_fail(h, QN_LIMIT);
            return;
        }
    } while (in.n > 0 || (flags & NGHTTP2_HD_INFLATE_EMIT) != 0);
}

/* An answer, or what comes in front of it; false: neither. */
static bool take_answer(const qn_h2_block *b, qn_h2_exchange *x)
{
    if (b->status < 200)
        return b->status != 0 && b->status != 101 && !b->last;
    x->answered = true;
    x->status = b->status;
    x->date = b->date;
    x->age = b->age;
    return true;
}

void qn_h2_block_end(qn_h2 *h, qn_h2_exchange *x)
{
    qn_h2_block b = h->block;

    h->block = (qn_h2_block){0};
    (void)nghttp2_hd_inflate_end_headers(h->inflater);
    if (x == NULL)
        return;
    x->elsewhere = x->elsewhere || b.elsewhere;
    if (b.bad || (x->answered ? b.status != 0 || !b.last : !take_answer(&b, x))) {
        qn_h2_reset(h, x, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    x->ended = b.last;
    if (x->ended)
        qn_h2_close(x, QN_OK);
}

/* ---- bodies -------------------------------------------------------------------------------------
 */

static uint32_t stream_window(const qn_h2_profile *p)
{
    return qn_h2_setting_of(p, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, NGHTTP2_INITIAL_WINDOW_SIZE) +
           p->stream_window;
}

static uint32_t link_window(const qn_h2_profile *p)
{
    return NGHTTP2_INITIAL_WINDOW_SIZE + p->window;
}

bool qn_h2_body_fits(const qn_h2 *h, const qn_h2_exchange *x, uint32_t n)
{
    return n <= link_window(h->profile) - h->owed &&
           (x == NULL || n <= stream_window(h->profile) - x->owed);
}

void qn_h2_body_bytes(qn_h2 *h, qn_h2_exchange *x, size_t n)
{
    if (x == NULL)
        return;
    if (!x->answered) {
        qn_h2_reset(h, x, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    x->came += n;
    x->untold += n;
    if (x->came > x->largest)
        qn_h2_fail(h, QN_LIMIT);
}

/* Credits what came since the last time, once that is the profile's step. */
static void credit(qn_h2 *h, uint32_t stream, uint32_t *owed, uint32_t n, uint32_t window)
{
    uint32_t step = h->profile->credit != 0 ? h->profile->credit : window / 2;

    *owed += n;
    if (*owed == 0 || *owed < step)
        return;
    qn_h2_say_u32(h, NGHTTP2_WINDOW_UPDATE, stream, *owed);
    *owed = 0;
}

/* Padding counts too (RFC 9113 6.9.1); a stream that has ended needs no more. */
void qn_h2_body_end(qn_h2 *h, qn_h2_exchange *x, uint32_t n, bool last)
{
    credit(h, 0, &h->owed, n, link_window(h->profile));
    if (x == NULL)
        return;
    if (last && !x->answered) {
        qn_h2_reset(h, x, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    x->ended = last;
    if (last)
        qn_h2_close(x, QN_OK);
    else
        credit(h, x->stream, &x->owed, n, stream_window(h->profile));
}

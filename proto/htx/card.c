#include "htx/card.h"

#include "base/limits.h"

enum { KEYS = 1, NAMES, MODE, FIRST, SECOND, RECORD, LIMITS, REQUIRED = LIMITS };

/* ---- what both directions demand ------------------------------------------------------------- */

/* As it stands in a hello and in a certificate: labels of letters, digits and hyphens. */
static bool name_ok(qn_slice s)
{
    if (s.n < 1 || s.n > 253)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        bool edge = i == 0 || i + 1 == s.n || s.p[i - 1] == '.' || s.p[i + 1] == '.';

        if (!word && (edge || (c != '-' && c != '.')))
            return false;
    }
    return true;
}

static bool names_ok(const qn_htx_card *c)
{
    if (c->names_n < 1 || c->names_n > QN_HTX_NAMES_MAX)
        return false;
    for (unsigned i = 0; i < c->names_n; i++) {
        if (!name_ok(c->name[i]))
            return false;
        for (unsigned j = 0; j < i; j++)
            if (c->name[j].n == c->name[i].n &&
                memcmp(c->name[j].p, c->name[i].p, c->name[i].n) == 0)
                return false;
    }
    return true;
}

/* What a request line can hold as it is. */
static bool page_ok(const qn_htx_page *page)
{
    if (page->path.n < 1 || page->path.n > QN_H2_PATH_MAX || page->path.p[0] != '/' ||
        page->largest == 0)
        return false;
    for (size_t i = 0; i < page->path.n; i++)
        if (page->path.p[i] <= ' ' || page->path.p[i] > '~')
            return false;
    return true;
}

static bool pages_ok(const qn_htx_page *v, unsigned n)
{
    if (n < 1 || n > QN_HTX_PAGES_MAX)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!page_ok(&v[i]))
            return false;
    return true;
}

static bool facts_ok(const qn_htx_card *c)
{
    return names_ok(c) && pages_ok(c->first, c->first_n) && pages_ok(c->second, c->second_n) &&
           c->largest_record >= QN_RECORD_CONTENT_MIN && c->largest_record <= QN_RECORD_CONTENT_MAX;
}

static bool keys_ok(const qn_htx_card *c, unsigned max)
{
    if (c->keys_n < 1 || c->keys_n > max)
        return false;
    for (unsigned i = 1; i < c->keys_n; i++)
        if (c->key[i].epoch <= c->key[i - 1].epoch)
            return false;
    return true;
}

qn_err qn_htx_card_of(qn_htx_card *card, const qn_htx_origin *o)
{
    qn_htx_card got = {.names_n = o->names_n,
                       .first_n = o->first_n,
                       .second_n = o->second_n,
                       .mirror = o->mirror,
                       .largest_record = o->largest_record,
                       .requests = o->requests,
                       .seconds = o->seconds,
                       .idle = o->idle};

    memcpy(got.name, o->name, sizeof got.name);
    memcpy(got.first, o->first, sizeof got.first);
    memcpy(got.second, o->second, sizeof got.second);
    if (!facts_ok(&got))
        return QN_CONFIG;
    *card = got;
    return QN_OK;
}

/* ---- epochs ---------------------------------------------------------------------------------- */

/* By how much its epochs begin before those of the calendar. */
static uint32_t shift_of(const qn_peerid *id)
{
    return qn_get32(id->b) % QN_HTX_EPOCH_S;
}

uint32_t qn_htx_epoch(const qn_peerid *id, int64_t wall)
{
    int64_t at = (wall < 0 ? 0 : wall) / QN_HTX_EPOCH_S;

    if (at >= UINT32_MAX / 2) /* no clock; and neighbours of an epoch are epochs */
        return UINT32_MAX / 2;
    return (uint32_t)(((wall < 0 ? 0 : wall) + shift_of(id)) / QN_HTX_EPOCH_S);
}

int64_t qn_htx_epoch_start(const qn_peerid *id, uint32_t epoch)
{
    return (int64_t)epoch * QN_HTX_EPOCH_S - shift_of(id);
}

const qn_dh_public *qn_htx_card_at(const qn_htx_card *card, const qn_peerid *id, int64_t wall)
{
    uint32_t now = qn_htx_epoch(id, wall);

    for (unsigned i = card->keys_n; i-- > 0 && wall >= 0;)
        if (card->key[i].epoch <= now)
            return now - card->key[i].epoch <= QN_HTX_EPOCH_KEPT ? &card->key[i].key : NULL;
    return NULL;
}

int64_t qn_htx_card_until(const qn_htx_card *card, const qn_peerid *id)
{
    return qn_htx_epoch_start(id, card->key[card->keys_n - 1].epoch) +
           (1 + QN_HTX_EPOCH_KEPT) * QN_HTX_EPOCH_S;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put_keys(qn_cbor_w *w, const qn_htx_card *c)
{
    qn_cbor_uint(w, KEYS);
    qn_cbor_array(w, c->keys_n);
    for (unsigned i = 0; i < c->keys_n; i++) {
        qn_cbor_array(w, 2);
        qn_cbor_bytes(w, c->key[i].key.b, sizeof c->key[i].key.b);
        qn_cbor_uint(w, c->key[i].epoch);
    }
}

static void put_text(qn_cbor_w *w, qn_slice s)
{
    qn_cbor_text(w, (const char *)s.p, s.n);
}

static void put_pages(qn_cbor_w *w, unsigned key, const qn_htx_page *v, unsigned n)
{
    qn_cbor_uint(w, key);
    qn_cbor_array(w, n);
    for (unsigned i = 0; i < n; i++) {
        qn_cbor_array(w, 2);
        put_text(w, v[i].path);
        qn_cbor_uint(w, v[i].largest);
    }
}

void qn_htx_card_put(qn_cbor_w *w, const qn_htx_card *c)
{
    if (w->err == QN_OK && (!facts_ok(c) || !keys_ok(c, QN_HTX_EPOCHS_MAX)))
        w->err = QN_CONFIG;
    if (w->err != QN_OK)
        return;
    qn_cbor_map(w, REQUIRED);
    put_keys(w, c);
    qn_cbor_uint(w, NAMES);
    qn_cbor_array(w, c->names_n);
    for (unsigned i = 0; i < c->names_n; i++)
        put_text(w, c->name[i]);
    qn_cbor_uint(w, MODE);
    qn_cbor_uint(w, c->mirror);
    put_pages(w, FIRST, c->first, c->first_n);
    put_pages(w, SECOND, c->second, c->second_n);
    qn_cbor_uint(w, RECORD);
    qn_cbor_uint(w, c->largest_record);
    qn_cbor_uint(w, LIMITS);
    qn_cbor_array(w, 3);
    qn_cbor_uint(w, c->requests);
    qn_cbor_uint(w, c->seconds);
    qn_cbor_uint(w, c->idle);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void refuse(qn_cbor_r *r)
{
    if (r->err == QN_OK)
        r->err = QN_PROTO;
}

static uint64_t get_most(qn_cbor_r *r, uint64_t most)
{
    uint64_t v = qn_cbor_get_uint(r);

    if (v > most)
        refuse(r);
    return r->err == QN_OK ? v : 0;
}

static uint8_t get_count(qn_cbor_r *r, unsigned most)
{
    uint64_t n = qn_cbor_get_array(r);

    if (n > most)
        refuse(r);
    return r->err == QN_OK ? (uint8_t)n : 0;
}

static void get_array(qn_cbor_r *r, uint64_t n)
{
    if (qn_cbor_get_array(r) != n)
        refuse(r);
}

static void get_key(qn_cbor_r *r, qn_htx_card_key *k)
{
    get_array(r, 2);
    qn_cbor_get_fixed(r, k->key.b, sizeof k->key.b);
    k->epoch = (uint32_t)get_most(r, UINT32_MAX);
}

static uint8_t get_pages(qn_cbor_r *r, qn_htx_page *v)
{
    uint8_t n = get_count(r, QN_HTX_PAGES_MAX);

    for (unsigned i = 0; i < n && r->err == QN_OK; i++) {
        get_array(r, 2);
        v[i].path = qn_cbor_get_text(r);
        v[i].largest = (uint32_t)get_most(r, UINT32_MAX);
    }
    return n;
}

static void get_lists(qn_cbor_r *r, uint64_t key, qn_htx_card *c, unsigned max_keys)
{
    if (key == KEYS) {
        c->keys_n = get_count(r, max_keys);
        for (unsigned i = 0; i < c->keys_n && r->err == QN_OK; i++)
            get_key(r, &c->key[i]);
    } else {
        c->names_n = get_count(r, QN_HTX_NAMES_MAX);
        for (unsigned i = 0; i < c->names_n; i++)
            c->name[i] = qn_cbor_get_text(r);
    }
}

static void get_field(qn_cbor_r *r, uint64_t key, qn_htx_card *c, unsigned max_keys)
{
    switch (key) {
    case KEYS:
    case NAMES:
        get_lists(r, key, c, max_keys);
        break;
    case MODE:
        c->mirror = get_most(r, 1) != 0;
        break;
    case FIRST:
        c->first_n = get_pages(r, c->first);
        break;
    case SECOND:
        c->second_n = get_pages(r, c->second);
        break;
    case RECORD:
        c->largest_record = (uint16_t)get_most(r, QN_RECORD_CONTENT_MAX);
        break;
    case LIMITS:
        get_array(r, 3);
        c->requests = (uint32_t)get_most(r, UINT32_MAX);
        c->seconds = (uint32_t)get_most(r, UINT32_MAX);
        c->idle = (uint32_t)get_most(r, UINT32_MAX);
        break;
    default:
        if (key >= 128)
            qn_cbor_skip(r);
        else if (r->err == QN_OK)
            r->err = QN_VERSION;
    }
}

qn_err qn_htx_card_read(qn_htx_card *card, qn_slice item, unsigned max_keys)
{
    qn_htx_card got = {0};
    uint64_t pairs, required = 0;
    int64_t last = -1;
    qn_cbor_r r;

    qn_cbor_r_init(&r, item.p, item.n);
    pairs = qn_cbor_get_map(&r);
    for (; pairs > 0 && r.err == QN_OK; pairs--) {
        uint64_t key = qn_cbor_key(&r, &last);

        required += key >= KEYS && key <= REQUIRED;
        if (r.err == QN_OK)
            get_field(&r, key, &got, max_keys);
    }
    if (required != REQUIRED || !facts_ok(&got) || !keys_ok(&got, max_keys))
        refuse(&r);
    if (qn_cbor_end(&r) != QN_OK)
        return qn_cbor_end(&r);
    *card = got;
    return QN_OK;
}

#include "h2/profile.h"

#include "base/cbor.h"

enum { /* keys of the map */
       KEY_SETTINGS,
       KEY_WINDOW,
       KEY_STREAM_WINDOW,
       KEY_FIRST_STREAM,
       KEY_EXCLUSIVE,
       KEY_JOINED,
       KEY_WAITS,
       KEY_PLAIN_HPACK,
       KEY_KINDS,
       KEY_CREDIT,
       KEYS
};

#define WINDOW_MAX 0x7fffffffu /* RFC 9113 6.9 */
#define FRAME_MAX 16384

static void fail(qn_cbor_r *r, qn_err err)
{
    if (r->err == QN_OK)
        r->err = err;
}

static uint32_t get_up_to(qn_cbor_r *r, uint32_t max)
{
    uint64_t v = qn_cbor_get_uint(r);

    if (v > max) {
        fail(r, QN_PROTO);
        return 0;
    }
    return (uint32_t)v;
}

static void get_pair(qn_cbor_r *r)
{
    if (qn_cbor_get_array(r) != 2)
        fail(r, QN_PROTO);
}

/* The number of items that follow; 0 for more than max. */
static uint8_t get_count(qn_cbor_r *r, uint8_t max)
{
    uint64_t n = qn_cbor_get_array(r);

    if (n > max) {
        fail(r, QN_LIMIT);
        return 0;
    }
    return (uint8_t)n;
}

static void get_settings(qn_cbor_r *r, qn_h2_profile *p)
{
    p->setting_n = get_count(r, QN_H2_SETTINGS_MAX);
    for (unsigned i = 0; i < p->setting_n; i++) {
        get_pair(r);
        p->setting[i].id = (uint16_t)get_up_to(r, UINT16_MAX);
        p->setting[i].value = get_up_to(r, UINT32_MAX);
    }
}

static void get_kind(qn_cbor_r *r, qn_h2_template *t)
{
    get_pair(r);
    t->weight = (uint16_t)get_up_to(r, 256);
    t->n = get_count(r, QN_H2_FIELDS_MAX);
    for (unsigned i = 0; i < t->n; i++) {
        get_pair(r);
        t->field[i].name = qn_cbor_get_text(r);
        t->field[i].value = qn_cbor_get_text(r);
    }
}

static void get_value(qn_cbor_r *r, uint64_t key, qn_h2_profile *p)
{
    switch (key) {
    case KEY_SETTINGS:
        get_settings(r, p);
        return;
    case KEY_WINDOW:
        p->window = get_up_to(r, WINDOW_MAX - 65535);
        return;
    case KEY_STREAM_WINDOW:
        p->stream_window = get_up_to(r, WINDOW_MAX);
        return;
    case KEY_FIRST_STREAM:
        p->first_stream = (int32_t)get_up_to(r, 255);
        return;
    case KEY_EXCLUSIVE:
        p->exclusive = qn_cbor_get_bool(r);
        return;
    case KEY_JOINED:
        p->joined = qn_cbor_get_bool(r);
        return;
    case KEY_WAITS:
        p->waits = qn_cbor_get_bool(r);
        return;
    case KEY_PLAIN_HPACK:
        p->plain_hpack = qn_cbor_get_bool(r);
        return;
    case KEY_CREDIT:
        p->credit = get_up_to(r, WINDOW_MAX);
        return;
    default:
        if (get_count(r, QN_H2_KINDS) != QN_H2_KINDS)
            fail(r, QN_PROTO);
        for (unsigned i = 0; i < QN_H2_KINDS && r->err == QN_OK; i++)
            get_kind(r, &p->kind[i]);
    }
}

/* ---- judging ------------------------------------------------------------------------------------
 */

static bool is(qn_slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* Names are lower case (RFC 9113 8.2); what the Huffman table of h2/hpack.c has. */
static bool printable(qn_slice s, bool name)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] > 0x7e || (name && s.p[i] >= 'A' && s.p[i] <= 'Z'))
            return false;
    return true;
}

static bool template_sound(const qn_h2_template *t)
{
    unsigned pseudo = 0;
    size_t text = 0;

    for (unsigned i = 0; i < t->n; i++) {
        qn_slice name = t->field[i].name, value = t->field[i].value;
        bool filled = is(name, ":authority") || is(name, ":path") || is(name, "referer");

        if (name.n == 0 || !printable(name, true) || !printable(value, false))
            return false;
        if (filled != (value.n == 0) || (name.p[0] == ':') != (i < 4))
            return false;
        for (unsigned j = 0; j < i; j++)
            if (name.n == t->field[j].name.n && memcmp(name.p, t->field[j].name.p, name.n) == 0)
                return false;
        pseudo += (is(name, ":method") && is(value, "GET")) ||
                  (is(name, ":scheme") && is(value, "https")) || (filled && i < 4);
        text += name.n + value.n;
    }
    return t->n >= 4 && pseudo == 4 && t->weight > 0 && text <= QN_H2_TEXT_MAX;
}

/* Within RFC 9113 6.5.2 and RFC 8441; the table is what we have memory for, and the largest frame
 * is never raised: records of more would not fit what reads them. */
static bool setting_sound(const qn_h2_setting *s)
{
    switch (s->id) {
    case 1:
        return s->value <= QN_H2_TABLE_MAX;
    case 4:
        return s->value <= WINDOW_MAX;
    case 5:
        return s->value == FRAME_MAX;
    case 2:
    case 8:
    case 9:
        return s->value <= 1;
    default:
        return true;
    }
}

/* Nobody may push to us (2 is there, and 0), and windows do not run over. */
static bool settings_sound(const qn_h2_profile *p)
{
    uint32_t window = 65535;
    bool no_push = false;

    for (unsigned i = 0; i < p->setting_n; i++) {
        if (!setting_sound(&p->setting[i]))
            return false;
        for (unsigned j = 0; j < i; j++)
            if (p->setting[j].id == p->setting[i].id)
                return false;
        no_push = no_push || (p->setting[i].id == 2 && p->setting[i].value == 0);
        window = p->setting[i].id == 4 ? p->setting[i].value : window;
    }
    return no_push && p->stream_window <= WINDOW_MAX - window &&
           p->credit <= QN_MIN(p->window, window + p->stream_window);
}

qn_h2_kind qn_h2_kind_of(qn_slice path)
{
    static const struct {
        const char *end;
        qn_h2_kind kind;
    } known[] = {{"/favicon.ico", QN_H2_ICON}, {".css", QN_H2_STYLE},  {".js", QN_H2_SCRIPT},
                 {".png", QN_H2_IMAGE},        {".jpg", QN_H2_IMAGE},  {".jpeg", QN_H2_IMAGE},
                 {".webp", QN_H2_IMAGE},       {".avif", QN_H2_IMAGE}, {".gif", QN_H2_IMAGE},
                 {".svg", QN_H2_IMAGE},        {".ico", QN_H2_IMAGE}};

    for (size_t i = 0; i < QN_LEN(known); i++) {
        size_t n = strlen(known[i].end);

        if (path.n >= n && memcmp(path.p + path.n - n, known[i].end, n) == 0)
            return known[i].kind;
    }
    return QN_H2_FETCH;
}

qn_err qn_h2_profile_read(qn_h2_profile *out, qn_slice item)
{
    qn_h2_profile p = {0};
    int64_t last = -1;
    qn_cbor_r r;
    qn_err err;

    qn_cbor_r_init(&r, item.p, item.n);
    if (qn_cbor_get_map(&r) != KEYS)
        fail(&r, QN_PROTO);
    for (uint64_t key = 0; key < KEYS && r.err == QN_OK; key++) {
        if (qn_cbor_key(&r, &last) != key)
            fail(&r, QN_PROTO);
        get_value(&r, key, &p);
    }
    err = qn_cbor_end(&r);
    if (err != QN_OK)
        return err;
    if (!settings_sound(&p) || p.window == 0 || p.first_stream % 2 == 0)
        return QN_PROTO;
    for (unsigned i = 0; i < QN_H2_KINDS; i++)
        if (!template_sound(&p.kind[i]))
            return QN_PROTO;
    *out = p;
    return QN_OK;
}

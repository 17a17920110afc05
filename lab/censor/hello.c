#include "censor/internal.h"

typedef struct reader {
    qn_slice rest;
    bool bad;
} reader;

static qn_slice take(reader *r, size_t n)
{
    qn_slice s = {0};

    if (r->bad || n > r->rest.n) {
        r->bad = true;
        return s;
    }
    s = qn_slice_of(r->rest.p, n);
    r->rest = qn_slice_of(r->rest.p + n, r->rest.n - n);
    return s;
}

/* A number of `width` bytes, at most three; 0 once bad. */
static size_t number(reader *r, size_t width)
{
    qn_slice s = take(r, width);
    size_t v = 0;

    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

/* What a length of `width` bytes stands before. */
static qn_slice vector(reader *r, size_t width)
{
    return take(r, number(r, width));
}

static qn_slice inner(qn_slice body, size_t width)
{
    reader r = {.rest = body};

    return vector(&r, width);
}

static qn_slice first_name(qn_slice body)
{
    reader r = {.rest = inner(body, 2)};

    return number(&r, 1) == 0 ? vector(&r, 2) : (qn_slice){0}; /* host_name */
}

static void note(censor_hello *h, size_t type, qn_slice body)
{
    switch (type) {
    case 0: /* server_name */
        h->name = first_name(body);
        break;
    case 13: /* signature_algorithms */
        h->signatures = inner(body, 2);
        break;
    case 16: /* application_layer_protocol_negotiation */
        h->alpn = inner(inner(body, 2), 1);
        break;
    case 43: /* supported_versions */
        h->versions = inner(body, 1);
        break;
    default:
        break;
    }
}

static bool read_body(censor_hello *h, qn_slice body)
{
    reader r = {.rest = body}, each;

    *h = (censor_hello){.version = (uint16_t)number(&r, 2)};
    (void)take(&r, 32);  /* random */
    (void)vector(&r, 1); /* session id */
    h->ciphers = vector(&r, 2);
    (void)vector(&r, 1); /* compression */
    h->extensions = r.rest.n > 0 ? vector(&r, 2) : (qn_slice){0};
    each.rest = h->extensions;
    each.bad = r.bad;
    while (!each.bad && each.rest.n > 0) {
        size_t type = number(&each, 2);
        qn_slice extension = vector(&each, 2);

        if (!each.bad)
            note(h, type, extension);
    }
    return !each.bad;
}

censor_read censor_hello_read(censor_hello *out, qn_slice bytes)
{
    /* record: 0x16, 3, minor; handshake: client_hello */
    static const uint8_t start[] = {0x16, 0x03};
    reader r = {.rest = bytes};
    size_t record, n;

    if (memcmp(bytes.p, start, QN_MIN(bytes.n, sizeof start)) != 0)
        return CENSOR_NONE;
    if (bytes.n < 9)
        return CENSOR_MORE;
    (void)take(&r, 3);
    record = number(&r, 2);
    if (number(&r, 1) != 1)
        return CENSOR_NONE;
    n = number(&r, 3);
    if (n + 4 > record || n + 9 > CENSOR_FIRST_MAX)
        return CENSOR_NONE;
    if (n > r.rest.n)
        return CENSOR_MORE;
    return read_body(out, qn_slice_of(r.rest.p, n)) ? CENSOR_HELLO : CENSOR_NONE;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool ends_with(qn_slice name, const char *listed)
{
    size_t n = strlen(listed);

    if (name.n < n || (name.n > n && name.p[name.n - n - 1] != '.'))
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower((char)name.p[name.n - n + i]) != lower(listed[i]))
            return false;
    return true;
}

bool censor_names(const censor_cfg *cfg, qn_slice name)
{
    for (size_t i = 0; i < cfg->names_n; i++)
        if (ends_with(name, cfg->names[i]))
            return true;
    return false;
}

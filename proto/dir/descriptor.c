#include "dir/descriptor.h"

#include "base/ipjudge.h"
#include "dir/body.h"
#include "dir/envelope.h"

enum {
    KEY_VERSION = 1,
    SEQUENCE,
    VALID_AFTER,
    VALID_FOR,
    ROLES,
    ADDRS,
    LINK,
    ONIONS,
    REQUIRED = ONIONS,
    PORTS,      /* exits only */
    COUNTRY,    /* absent: unknown */
    CONTACT,    /* absent: none */
    CARD = 128, /* absent: not reached over HTX; nodes without HTX pass over it */
    RANGES,     /* absent: single ports only; who passes over it finds fewer open */
    VIA         /* absent: at its address, where whoever passes over this finds nobody */
};

enum { ROLES_ALL = QN_ROLE_RELAY | QN_ROLE_EXIT | QN_ROLE_DIRECTORY };

/* ---- what both directions demand ------------------------------------------------------------- */

static bool window_ok(int64_t from, int64_t until, int64_t life)
{
    return from >= 0 && until <= QN_BODY_TIME_MAX && from < until && until - from <= life;
}

static bool dated_ok(const qn_dated_key *k)
{
    return window_ok(k->not_before, k->not_after, QN_KEY_LIFE_S);
}

static bool keys_ok(const qn_descriptor *d)
{
    if (d->onions_n < 1 || d->onions_n > QN_LEN(d->onion) || !dated_ok(&d->link))
        return false;
    for (unsigned i = 0; i < d->onions_n; i++)
        if (!dated_ok(&d->onion[i]))
            return false;
    return true;
}

static bool ports_ok(const qn_descriptor *d)
{
    bool is_exit = (d->roles & QN_ROLE_EXIT) != 0;

    if (d->ports_n > QN_DESCRIPTOR_PORTS || is_exit != (d->ports_n > 0))
        return false;
    for (unsigned i = 0; i < d->ports_n; i++)
        if (d->ports[i] <= (i > 0 ? d->ports[i - 1] : 0))
            return false;
    return true;
}

static bool ranges_ok(const qn_descriptor *d)
{
    if (d->ranges_n > QN_DESCRIPTOR_RANGES || (d->ranges_n > 0 && d->ports_n == 0))
        return false;
    for (unsigned i = 0; i < d->ranges_n; i++)
        if (d->ranges[i].first >= d->ranges[i].last ||
            d->ranges[i].first <= (i > 0 ? d->ranges[i - 1].last : 0))
            return false;
    return true;
}

static bool via_ok(const qn_descriptor *d)
{
    return d->via_n <= QN_DESCRIPTOR_VIA &&
           (d->via_n < 2 || !qn_peerid_equal(&d->via[0], &d->via[1]));
}

static bool country_ok(const char *c)
{
    return c[0] == '\0' ||
           (c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z' && c[2] == '\0');
}

static bool contact_ok(const qn_descriptor *d)
{
    if (d->contact[0] == '\0')
        return (d->roles & QN_ROLE_EXIT) == 0;
    return qn_body_text(d->contact, sizeof d->contact) > 0;
}

static qn_err check_addrs(const qn_descriptor *d, bool lab)
{
    if (d->addrs_n < 1 || d->addrs_n > QN_DESCRIPTOR_ADDRS)
        return QN_PROTO;
    for (unsigned i = 0; i < d->addrs_n; i++) {
        const qn_addr *a = &d->addrs[i];

        if ((a->family != 4 && a->family != 6) || a->port == 0)
            return QN_PROTO;
        /* Quotas count prefixes: 6to4 would make a /48 of every IPv4 address. */
        if (!lab && (!qn_ip_global(a) || qn_ip_carries_v4(a)))
            return QN_POLICY;
    }
    return QN_OK;
}

static qn_err check_card(qn_slice card)
{
    qn_htx_card read;

    if (card.n == 0)
        return QN_OK;
    if (card.n > QN_HTX_CARD_MAX)
        return QN_LIMIT;
    return qn_htx_card_read(&read, card, QN_HTX_DESCRIPTOR_KEYS);
}

static qn_err check(const qn_descriptor *d, bool lab)
{
    qn_err err;

    if (!window_ok(d->valid_after, d->valid_until, QN_DESCRIPTOR_LIFE_S) || d->roles == 0 ||
        (d->roles & ~ROLES_ALL) != 0 || !keys_ok(d) || !ports_ok(d) || !ranges_ok(d) ||
        !via_ok(d) || !country_ok(d->country) || !contact_ok(d))
        return QN_PROTO;
    err = check_card(d->card);
    return err == QN_OK ? check_addrs(d, lab) : err;
}

qn_err qn_onion_id(qn_env *env, const qn_dh_public *key, uint8_t out[QN_ONION_ID])
{
    qn_slice part = qn_slice_of(key->b, sizeof key->b);
    qn_hash h;
    qn_err err = qn_sha256(env, &part, 1, &h);

    if (err == QN_OK)
        memcpy(out, h.b, QN_ONION_ID);
    return err;
}

/* The fields that follow from others. */
static qn_err derive(qn_descriptor *d, qn_env *env)
{
    qn_err err = qn_peerid_of(env, d->identity.b, &d->id);

    for (unsigned i = 0; i < d->via_n && err == QN_OK; i++)
        err = qn_peerid_equal(&d->via[i], &d->id) ? QN_PROTO : QN_OK;
    for (unsigned i = 0; i < d->onions_n && err == QN_OK; i++)
        err = qn_onion_id(env, &d->onion[i].key, d->onion_id[i]);
    return err;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Nearly all keys are made for as long as the descriptor is, and then say nothing of it: dates
 * cost a list of a thousand nodes 12 KiB. */
static bool as_long(const qn_dated_key *k, const qn_descriptor *d)
{
    return k->not_before == d->valid_after && k->not_after == d->valid_until;
}

static void put_dated(qn_cbor_w *w, const qn_dated_key *k, const qn_descriptor *d)
{
    if (as_long(k, d)) {
        qn_cbor_bytes(w, k->key.b, sizeof k->key.b);
        return;
    }
    qn_cbor_array(w, 3);
    qn_cbor_bytes(w, k->key.b, sizeof k->key.b);
    qn_cbor_uint(w, (uint64_t)k->not_before);
    qn_cbor_uint(w, (uint64_t)k->not_after);
}

static void put_lists(qn_cbor_w *w, const qn_descriptor *d)
{
    qn_cbor_uint(w, ADDRS);
    qn_cbor_array(w, d->addrs_n);
    for (unsigned i = 0; i < d->addrs_n; i++)
        qn_body_put_addr(w, &d->addrs[i]);
    qn_cbor_uint(w, LINK);
    put_dated(w, &d->link, d);
    qn_cbor_uint(w, ONIONS);
    qn_cbor_array(w, d->onions_n);
    for (unsigned i = 0; i < d->onions_n; i++)
        put_dated(w, &d->onion[i], d);
}

static void put_ranges(qn_cbor_w *w, const qn_descriptor *d)
{
    qn_cbor_uint(w, RANGES);
    qn_cbor_array(w, 2u * d->ranges_n);
    for (unsigned i = 0; i < d->ranges_n; i++) {
        qn_cbor_uint(w, d->ranges[i].first);
        qn_cbor_uint(w, d->ranges[i].last);
    }
}

static void put_optional(qn_cbor_w *w, const qn_descriptor *d)
{
    if (d->ports_n > 0) {
        qn_cbor_uint(w, PORTS);
        qn_cbor_array(w, d->ports_n);
        for (unsigned i = 0; i < d->ports_n; i++)
            qn_cbor_uint(w, d->ports[i]);
    }
    if (d->country[0] != '\0') {
        qn_cbor_uint(w, COUNTRY);
        qn_cbor_text(w, d->country, 2);
    }
    if (d->contact[0] != '\0') {
        qn_cbor_uint(w, CONTACT);
        qn_cbor_text(w, d->contact, strlen(d->contact));
    }
    if (d->card.n > 0) {
        qn_cbor_uint(w, CARD);
        qn_cbor_item(w, d->card);
    }
    if (d->ranges_n > 0)
        put_ranges(w, d);
    if (d->via_n > 0) {
        qn_cbor_uint(w, VIA);
        qn_cbor_array(w, d->via_n);
        for (unsigned i = 0; i < d->via_n; i++)
            qn_cbor_bytes(w, d->via[i].b, sizeof d->via[i].b);
    }
}

static void put_body(qn_cbor_w *w, const qn_descriptor *d)
{
    unsigned optional = 0;

    optional += d->ports_n > 0;
    optional += d->country[0] != '\0';
    optional += d->contact[0] != '\0';
    optional += d->card.n > 0;
    optional += d->ranges_n > 0;
    optional += d->via_n > 0;
    qn_cbor_map(w, REQUIRED + optional);
    qn_cbor_uint(w, KEY_VERSION);
    qn_cbor_uint(w, QN_BODY_VERSION);
    qn_cbor_uint(w, SEQUENCE);
    qn_cbor_uint(w, d->sequence);
    qn_cbor_uint(w, VALID_AFTER);
    qn_cbor_uint(w, (uint64_t)d->valid_after);
    qn_cbor_uint(w, VALID_FOR);
    qn_cbor_uint(w, (uint64_t)(d->valid_until - d->valid_after));
    qn_cbor_uint(w, ROLES);
    qn_cbor_uint(w, d->roles);
    put_lists(w, d);
    put_optional(w, d);
}

qn_err qn_descriptor_sign(qn_descriptor *d, qn_env *env, const qn_network *net,
                          const qn_secret32 *identity, uint8_t out[QN_DESCRIPTOR_MAX], size_t *n)
{
    uint8_t body[QN_DESCRIPTOR_MAX];
    qn_sign_secret secret;
    qn_cbor_w w;
    qn_err err;

    if (check(d, net->lab) != QN_OK)
        return QN_CONFIG;
    memcpy(secret.seed, identity->b, sizeof secret.seed);
    qn_sign_derive(&secret, &d->identity);
    err = derive(d, env);
    if (err == QN_PROTO)
        err = QN_CONFIG;
    qn_cbor_w_init(&w, body, sizeof body);
    put_body(&w, d);
    if (err == QN_OK && w.err != QN_OK)
        err = QN_CONFIG;
    if (err == QN_OK)
        err = qn_envelope_seal(QN_TAG_DESCRIPTOR, net->id, qn_slice_of(body, w.n), &secret, out,
                               QN_DESCRIPTOR_MAX, n);
    qn_wipe(&secret, sizeof secret);
    return err;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* An array's length, at most max. */
static uint8_t get_count(qn_cbor_r *r, uint8_t max)
{
    uint64_t n = qn_cbor_get_array(r);

    if (n > max && r->err == QN_OK)
        r->err = QN_PROTO;
    return r->err == QN_OK ? (uint8_t)n : 0;
}

enum { DATES_OF_THE_DESCRIPTOR = -1 }; /* until those are known: take_dates */

static void get_dated(qn_cbor_r *r, qn_dated_key *k)
{
    if (r->err == QN_OK && r->p < r->end && *r->p >> 5 == 2) { /* a byte string */
        qn_cbor_get_fixed(r, k->key.b, sizeof k->key.b);
        k->not_before = k->not_after = DATES_OF_THE_DESCRIPTOR;
        return;
    }
    if (qn_cbor_get_array(r) != 3 && r->err == QN_OK)
        r->err = QN_PROTO;
    qn_cbor_get_fixed(r, k->key.b, sizeof k->key.b);
    k->not_before = qn_body_get_time(r);
    k->not_after = qn_body_get_time(r);
}

static qn_err take_dates(qn_dated_key *k, const qn_descriptor *d)
{
    if (as_long(k, d)) /* leaving them out is the one way to say so */
        return QN_CANON;
    if (k->not_after == DATES_OF_THE_DESCRIPTOR) {
        k->not_before = d->valid_after;
        k->not_after = d->valid_until;
    }
    return QN_OK;
}

static qn_err take_all_dates(qn_descriptor *d)
{
    qn_err err;

    d->valid_until += d->valid_after;
    err = take_dates(&d->link, d);
    for (unsigned i = 0; i < d->onions_n && err == QN_OK; i++)
        err = take_dates(&d->onion[i], d);
    return err;
}

static uint16_t get_port(qn_cbor_r *r)
{
    return (uint16_t)qn_body_get_below(r, UINT16_MAX + 1);
}

/* First and last in turns. */
static void get_ranges(qn_cbor_r *r, qn_descriptor *d)
{
    uint8_t ends = get_count(r, 2 * QN_DESCRIPTOR_RANGES);

    if (r->err == QN_OK && ends == 0) /* absent is the one way to say none */
        r->err = QN_CANON;
    if (ends % 2 != 0)
        r->err = QN_PROTO;
    d->ranges_n = ends / 2;
    for (unsigned i = 0; i < d->ranges_n; i++) {
        d->ranges[i].first = get_port(r);
        d->ranges[i].last = get_port(r);
    }
}

static void get_via(qn_cbor_r *r, qn_descriptor *d)
{
    d->via_n = get_count(r, QN_DESCRIPTOR_VIA);
    if (r->err == QN_OK && d->via_n == 0) /* absent is the one way to say none */
        r->err = QN_CANON;
    for (unsigned i = 0; i < d->via_n; i++)
        qn_cbor_get_fixed(r, d->via[i].b, sizeof d->via[i].b);
}

static void get_list(qn_cbor_r *r, uint64_t key, qn_descriptor *d)
{
    switch (key) {
    case ADDRS:
        d->addrs_n = get_count(r, QN_DESCRIPTOR_ADDRS);
        for (unsigned i = 0; i < d->addrs_n; i++)
            qn_body_get_addr(r, &d->addrs[i]);
        break;
    case ONIONS:
        d->onions_n = get_count(r, QN_LEN(d->onion));
        for (unsigned i = 0; i < d->onions_n; i++)
            get_dated(r, &d->onion[i]);
        break;
    default:
        d->ports_n = get_count(r, QN_DESCRIPTOR_PORTS);
        for (unsigned i = 0; i < d->ports_n; i++)
            d->ports[i] = get_port(r);
        if (r->err == QN_OK && d->ports_n == 0) /* absent is the one way to say none */
            r->err = QN_CANON;
    }
}

static void get_field(qn_cbor_r *r, uint64_t key, qn_descriptor *d)
{
    switch (key) {
    case CARD:
        d->card = qn_cbor_get_item(r);
        break;
    case RANGES:
        get_ranges(r, d);
        break;
    case VIA:
        get_via(r, d);
        break;
    case KEY_VERSION:
        qn_body_get_version(r);
        break;
    case SEQUENCE:
        d->sequence = qn_cbor_get_uint(r);
        break;
    case VALID_AFTER:
        d->valid_after = qn_body_get_time(r);
        break;
    case VALID_FOR:
        d->valid_until = qn_body_get_time(r); /* from valid after on: take_all_dates */
        break;
    case ROLES:
        d->roles = (uint8_t)qn_body_get_below(r, ROLES_ALL + 1);
        break;
    case LINK:
        get_dated(r, &d->link);
        break;
    case COUNTRY:
        qn_body_get_text(r, d->country, sizeof d->country);
        break;
    case CONTACT:
        qn_body_get_text(r, d->contact, sizeof d->contact);
        break;
    case ADDRS:
    case ONIONS:
    case PORTS:
        get_list(r, key, d);
        break;
    default:
        qn_body_unknown_key(r, key);
    }
}

qn_err qn_descriptor_read(qn_descriptor *d, qn_env *env, const qn_network *net, qn_slice body,
                          const qn_sign_public *identity)
{
    qn_descriptor got = {.identity = *identity};
    qn_body b;
    uint64_t key;
    qn_err err;

    if (body.n > QN_DESCRIPTOR_MAX - QN_ENVELOPE_OVERHEAD)
        return QN_LIMIT;
    qn_body_open(&b, body);
    while (qn_body_next(&b, &key))
        get_field(&b.r, key, &got);
    err = qn_body_end(&b, QN_BODY_KEYS(REQUIRED));
    if (err == QN_OK)
        err = take_all_dates(&got);
    if (err == QN_OK)
        err = check(&got, net->lab);
    if (err == QN_OK)
        err = derive(&got, env);
    if (err == QN_OK)
        *d = got;
    return err;
}

qn_err qn_descriptor_open(qn_descriptor *d, qn_env *env, const qn_network *net, qn_slice in)
{
    qn_envelope e;
    qn_err err;

    if (in.n > QN_DESCRIPTOR_MAX)
        return QN_LIMIT;
    err = qn_envelope_open(&e, QN_TAG_DESCRIPTOR, net->id, in);
    return err == QN_OK ? qn_descriptor_read(d, env, net, e.body, &e.key) : err;
}

/* ---- asking ---------------------------------------------------------------------------------- */

qn_err qn_descriptor_valid(const qn_descriptor *d, int64_t wall)
{
    return qn_body_valid(d->valid_after, d->valid_until, wall);
}

qn_err qn_dated_key_valid(const qn_dated_key *k, int64_t wall)
{
    return qn_body_valid(k->not_before, k->not_after, wall);
}

bool qn_descriptor_same_place(const qn_descriptor *a, const qn_descriptor *b)
{
    if (a->via_n != b->via_n || !qn_addr_equal(&a->addrs[0], &b->addrs[0]) ||
        memcmp(a->link.key.b, b->link.key.b, sizeof a->link.key.b) != 0)
        return false;
    for (unsigned i = 0; i < a->via_n; i++)
        if (!qn_peerid_equal(&a->via[i], &b->via[i]))
            return false;
    return true;
}

bool qn_descriptor_exits_to(const qn_descriptor *d, uint16_t port)
{
    for (unsigned i = 0; i < d->ports_n; i++)
        if (d->ports[i] == port)
            return true;
    for (unsigned i = 0; i < d->ranges_n; i++)
        if (port >= d->ranges[i].first && port <= d->ranges[i].last)
            return true;
    return false;
}

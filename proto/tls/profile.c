#include "tls/profile.h"

#include "base/cbor.h"
#include "tls/numbers.h"
#include "tls/share.h"
#include "tls/wire.h"

enum { /* keys of the map */
       KEY_VERSION,
       KEY_NAME,
       KEY_CAPTURED,
       KEY_EXPIRES,
       KEY_CIPHERS,
       KEY_EXTENSIONS,
       KEY_PERMUTED,
       KEY_SHARES,
       KEY_ONE_X25519,
       KEY_ECH,
       KEY_RESUMED,
       KEY_HTTP2,
       KEY_HABITS,
       KEY_SHAPING,
       KEYS
};

/* ---- reading ------------------------------------------------------------------------------- */

static uint16_t get_u16(qn_cbor_r *r)
{
    uint64_t v = qn_cbor_get_uint(r);

    if (v > UINT16_MAX && r->err == QN_OK)
        r->err = QN_PROTO;
    return (uint16_t)v;
}

static void get_list(qn_cbor_r *r, uint16_t *v, uint8_t *n, size_t max)
{
    uint64_t count = qn_cbor_get_array(r);

    if (count > max) {
        r->err = r->err == QN_OK ? QN_LIMIT : r->err;
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        v[i] = get_u16(r);
    *n = (uint8_t)count;
}

static void get_array(qn_cbor_r *r, uint64_t n)
{
    if (qn_cbor_get_array(r) != n && r->err == QN_OK)
        r->err = QN_PROTO;
}

static void get_extensions(qn_cbor_r *r, qn_tls_profile *p)
{
    uint64_t n = qn_cbor_get_array(r);

    if (n > QN_LEN(p->ext)) {
        r->err = r->err == QN_OK ? QN_LIMIT : r->err;
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        get_array(r, 2);
        p->ext[i].type = get_u16(r);
        p->ext[i].body = qn_cbor_get_bytes(r);
    }
    p->ext_n = (uint8_t)n;
}

static void get_habits(qn_cbor_r *r, qn_tls_profile *p)
{
    get_array(r, 4);
    p->idle = get_u16(r);
    p->farewell = qn_cbor_get_bool(r);
    p->ccs_first = qn_cbor_get_bool(r);
    get_array(r, 2);
    p->pause[0] = get_u16(r);
    p->pause[1] = get_u16(r);
}

/* One whole item, for another layer to read. */
static qn_slice get_item(qn_cbor_r *r)
{
    const uint8_t *p = r->p;

    qn_cbor_skip(r);
    return qn_slice_of(p, (size_t)(r->p - p));
}

static void get_value(qn_cbor_r *r, uint64_t key, qn_tls_profile *p)
{
    switch (key) {
    case KEY_VERSION:
        if (qn_cbor_get_uint(r) != QN_TLS_PROFILE_VERSION && r->err == QN_OK)
            r->err = QN_VERSION;
        return;
    case KEY_NAME:
        p->name = qn_cbor_get_text(r);
        return;
    case KEY_CAPTURED:
        p->captured = qn_cbor_get_int(r);
        return;
    case KEY_EXPIRES:
        p->expires = qn_cbor_get_int(r);
        return;
    case KEY_CIPHERS:
        p->ciphers = qn_cbor_get_bytes(r);
        return;
    case KEY_EXTENSIONS:
        get_extensions(r, p);
        return;
    case KEY_PERMUTED:
        p->permuted = qn_cbor_get_bool(r);
        return;
    case KEY_SHARES:
        get_list(r, p->share, &p->share_n, QN_LEN(p->share));
        return;
    case KEY_ONE_X25519:
        p->one_x25519 = qn_cbor_get_bool(r);
        return;
    case KEY_ECH:
        get_array(r, 3);
        get_list(r, p->ech_aead, &p->ech_aead_n, QN_LEN(p->ech_aead));
        get_list(r, p->ech_size[0], &p->ech_size_n[0], QN_LEN(p->ech_size[0]));
        get_list(r, p->ech_size[1], &p->ech_size_n[1], QN_LEN(p->ech_size[1]));
        return;
    case KEY_RESUMED:
        get_array(r, 4);
        get_list(r, p->resumed_drops, &p->resumed_drops_n, QN_LEN(p->resumed_drops));
        p->ech_step = get_u16(r);
        p->ech_rest[0] = get_u16(r);
        p->ech_rest[1] = get_u16(r);
        return;
    case KEY_HTTP2:
        p->http2 = get_item(r);
        return;
    case KEY_HABITS:
        get_habits(r, p);
        return;
    default:
        p->shaping = get_item(r);
    }
}

/* ---- judging ------------------------------------------------------------------------------- */

qn_slice qn_tls_profile_ext(const qn_tls_profile *profile, uint16_t type, bool *have)
{
    for (unsigned i = 0; i < profile->ext_n; i++)
        if (profile->ext[i].type == type) {
            if (have != NULL)
                *have = true;
            return profile->ext[i].body;
        }
    if (have != NULL)
        *have = false;
    return (qn_slice){0};
}

/* The list inside an extension that is nothing but one vector of u16; empty when it is malformed.
 */
static qn_slice list_in(const qn_tls_profile *p, uint16_t type, unsigned length_bytes)
{
    qn_tls_r r = qn_tls_reader(qn_tls_profile_ext(p, type, NULL));
    qn_slice list = qn_tls_vec(&r, length_bytes);

    return qn_tls_done(&r) && list.n % 2 == 0 ? list : (qn_slice){0};
}

static bool extensions_sound(const qn_tls_profile *p)
{
    unsigned grease = 0;

    for (unsigned i = 0; i < p->ext_n; i++) {
        uint16_t type = p->ext[i].type;
        bool built = type == QN_TLS_X_NAME || type == QN_TLS_X_SHARES || type == QN_TLS_X_ECH;

        if (built && p->ext[i].body.n > 0)
            return false;
        /* These belong to one hello, never to a template. */
        if (type == QN_TLS_X_PSK || type == QN_TLS_X_COOKIE || type == QN_TLS_X_EARLY_DATA)
            return false;
        grease += type == QN_TLS_GREASE;
        for (unsigned j = 0; j < i && type != QN_TLS_GREASE; j++)
            if (p->ext[j].type == type)
                return false;
    }
    return grease <= 2; /* BoringSSL draws two, and keeps them apart */
}

static bool shares_sound(const qn_tls_profile *p)
{
    qn_slice groups = list_in(p, QN_TLS_X_GROUPS, 2);
    bool x25519 = false, hybrid = false;
    unsigned curves = 0;

    for (unsigned i = 0; i < p->share_n; i++) {
        uint16_t group = p->share[i];

        if ((group != QN_TLS_GREASE && !qn_tls_group_known(group)) || !qn_tls_lists(groups, group))
            return false;
        for (unsigned j = 0; j < i; j++)
            if (p->share[j] == group)
                return false;
        x25519 = x25519 || group == QN_TLS_X25519;
        hybrid = hybrid || group == QN_TLS_HYBRID;
        curves += group >= QN_TLS_P256 && group <= QN_TLS_P521;
    }
    return p->share_n > 0 && curves <= 1 && (!p->one_x25519 || (x25519 && hybrid));
}

static bool ech_sound(const qn_tls_profile *p)
{
    bool have;

    (void)qn_tls_profile_ext(p, QN_TLS_X_ECH, &have);
    for (unsigned i = 0; i < 2; i++) {
        if (have != (p->ech_size_n[i] > 0))
            return false;
        for (unsigned j = 0; j < p->ech_size_n[i]; j++)
            if (p->ech_size[i][j] > QN_TLS_ECH_PAYLOAD_MAX)
                return false;
    }
    if (have != (p->ech_aead_n > 0) || (p->ech_step > 0 && !have))
        return false;
    return p->ech_step == 0 ? p->ech_rest[0] == 0 && p->ech_rest[1] == 0
                            : p->ech_rest[0] <= p->ech_rest[1] && p->ech_rest[1] < p->ech_step &&
                                  p->ech_step <= QN_TLS_ECH_PAYLOAD_MAX;
}

/* A second or request later than this would be no browser's at work. */
static bool habits_sound(const qn_tls_profile *p)
{
    return p->pause[0] <= p->pause[1] && p->pause[1] <= QN_TLS_PAUSE_MAX;
}

static bool sound(const qn_tls_profile *p)
{
    bool suites = qn_tls_lists(p->ciphers, 0x1301) || qn_tls_lists(p->ciphers, 0x1302) ||
                  qn_tls_lists(p->ciphers, 0x1303);
    bool name, shares;

    (void)qn_tls_profile_ext(p, QN_TLS_X_NAME, &name);
    (void)qn_tls_profile_ext(p, QN_TLS_X_SHARES, &shares);
    return p->ciphers.n % 2 == 0 && p->ciphers.n <= 2 * QN_TLS_CIPHERS_MAX && suites && name &&
           shares && p->captured < p->expires && list_in(p, QN_TLS_X_SIGALGS, 2).n > 0 &&
           qn_tls_lists(list_in(p, QN_TLS_X_VERSIONS, 1), 0x0304) && extensions_sound(p) &&
           shares_sound(p) && ech_sound(p) && habits_sound(p);
}

qn_err qn_tls_profile_read(qn_tls_profile *out, qn_env *env, qn_slice bytes)
{
    qn_tls_profile p = {0};
    int64_t last = -1;
    qn_cbor_r r;
    qn_err err;

    qn_cbor_r_init(&r, bytes.p, bytes.n);
    if (qn_cbor_get_map(&r) != KEYS && r.err == QN_OK)
        return QN_PROTO;
    for (uint64_t key = 0; key < KEYS && r.err == QN_OK; key++) {
        if (qn_cbor_key(&r, &last) != key && r.err == QN_OK)
            return QN_PROTO;
        get_value(&r, key, &p);
    }
    err = qn_cbor_end(&r);
    if (err == QN_OK && !sound(&p))
        err = QN_PROTO;
    if (err == QN_OK)
        err = qn_sha256(env, &bytes, 1, &p.id);
    if (err == QN_OK)
        *out = p;
    return err;
}

qn_err qn_tls_profile_fresh(const qn_tls_profile *profile, int64_t wall)
{
    return wall < profile->expires ? QN_OK : QN_EXPIRED;
}

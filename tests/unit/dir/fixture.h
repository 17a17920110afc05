/* A small network with its operators and relays, for the tests of the directory layer. */
#ifndef QT_DIR_FIXTURE_H
#define QT_DIR_FIXTURE_H

#include "support/qt.h"

#include "base/limits.h"
#include "dir/body.h"
#include "dir/envelope.h"
#include "dir/heartbeat.h"
#include "dir/message.h"
#include "dir/registry.h"
#include "dir/snapshot.h"

static qt_env t;
static qn_network net;
static qn_secret32 op_seed[QN_OPERATORS_MAX]; /* sign snapshots */

static inline qn_secret32 fx_secret(uint8_t kind, uint16_t i)
{
    qn_secret32 s = {{kind}};

    qn_put16(s.b + 1, i);
    return s;
}

static inline qn_sign_public fx_sign_public(const qn_secret32 *seed)
{
    qn_sign_secret secret;
    qn_sign_public pub;

    memcpy(secret.seed, seed->b, sizeof secret.seed);
    qn_sign_derive(&secret, &pub);
    return pub;
}

static inline qn_addr fx_addr(const char *text)
{
    qn_addr a;

    qt_assert_err(qn_addr_parse(&a, text), QN_OK);
    return a;
}

/* A network as its founder writes it down; the id is not set. */
static inline qn_network fx_draft(uint8_t operators, uint8_t threshold, bool lab)
{
    qn_network n = {.name = "test network", .lab = lab, .created = QT_EPOCH - 1000};

    n.threshold = threshold;
    n.operators_n = operators;
    for (uint8_t i = 0; i < operators; i++) {
        qn_operator *o = &n.operators[i];
        qn_sign_public key;

        op_seed[i] = fx_secret('o', i);
        key = fx_sign_public(&op_seed[i]);
        memcpy(o->sign_key, key.b, sizeof key.b);
        memset(o->id.b, 0x10 + i, sizeof o->id.b);
        memset(o->link_key, 0x40 + i, sizeof o->link_key);
        o->addr = fx_addr("9.9.9.9:443");
        o->addr.ip[3] = (uint8_t)(1 + i);
    }
    return n;
}

static inline void fx_open(uint8_t operators, uint8_t threshold, bool lab)
{
    qn_secret32 founder = fx_secret('f', 0);
    uint8_t file[QN_SIGNED_MAX];
    size_t n;

    qt_env_open(&t, 1);
    net = fx_draft(operators, threshold, lab);
    qt_assert_err(qn_network_encode(&net, &t.env, &founder, file, sizeof file, &n), QN_OK);
}

static inline void fx_close(void)
{
    qt_env_close(&t);
}

static inline qn_dated_key fx_dated(uint8_t kind, uint16_t i)
{
    qn_secret32 s = fx_secret(kind, i);
    qn_dh_secret secret;
    qn_dated_key k = {.not_before = QT_EPOCH - 86400, .not_after = QT_EPOCH + 6 * 86400};

    memcpy(secret.b, s.b, sizeof secret.b);
    qn_dh_derive(&secret, &k.key);
    return k;
}

/* A card with so many keys of the epochs from now on; kept until exit. */
static inline qn_slice fx_card(unsigned keys)
{
    qn_htx_card c = {.names_n = 1,
                     .first_n = 1,
                     .second_n = 1,
                     .name = {qn_slice_of("site.example", 12)},
                     .first = {{qn_slice_of("/", 1), 40000}},
                     .second = {{qn_slice_of("/news.json", 10), 9000}},
                     .largest_record = 16384,
                     .requests = 1000,
                     .idle = 75};
    uint8_t out[QN_HTX_CONTACT_CARD_MAX];
    qn_cbor_w w;

    c.keys_n = (uint8_t)keys;
    for (unsigned i = 0; i < keys; i++) {
        c.key[i].key = fx_dated('m', (uint16_t)i).key;
        c.key[i].epoch =
            (uint32_t)(QT_EPOCH / QN_HTX_EPOCH_S) + i; /* of a node that has no shift */
    }
    qn_cbor_w_init(&w, out, sizeof out);
    qn_htx_card_put(&w, &c);
    qt_assert_err(w.err, QN_OK);
    return qt_hex(qt_unhex(out, w.n));
}

/* The i-th relay's plain description, one of each field. */
static inline qn_descriptor fx_relay(uint16_t i)
{
    qn_descriptor d = {.sequence = 7, .roles = QN_ROLE_RELAY, .addrs_n = 2, .onions_n = 2};

    d.valid_after = QT_EPOCH - 3600;
    d.valid_until = QT_EPOCH + 86400;
    d.addrs[0] = fx_addr("8.0.0.8:443"); /* each in a /24 of its own */
    qn_put16(d.addrs[0].ip + 1, i);
    d.addrs[1] = fx_addr("[2606:4700::1]:443");
    d.link = fx_dated('l', i);
    d.onion[0] = fx_dated('n', i);
    d.onion[1] = fx_dated('p', i);
    memcpy(d.country, i % 2 ? "IS" : "CH", 3);
    return d;
}

static inline qn_descriptor fx_exit(uint16_t i)
{
    qn_descriptor d = fx_relay(i);

    d.roles |= QN_ROLE_EXIT;
    d.ports_n = 2;
    d.ports[0] = 80;
    d.ports[1] = 443;
    memcpy(d.contact, "abuse@example.org", 18);
    return d;
}

/* Signed as relay i; kept until exit, like all of qt.h's bytes. */
static inline qn_slice fx_signed(qn_descriptor *d, uint16_t i)
{
    qn_secret32 identity = fx_secret('i', i);
    uint8_t out[QN_DESCRIPTOR_MAX];
    size_t n;

    qt_assert_err(qn_descriptor_sign(d, &t.env, &net, &identity, out, &n), QN_OK);
    return qt_hex(qt_unhex(out, n));
}

static inline qn_slice fx_descriptor(uint16_t i)
{
    qn_descriptor d = fx_exit(i);

    return fx_signed(&d, i);
}

static inline qn_slice fx_beat(uint16_t i, uint64_t descriptor, int64_t time, uint16_t load)
{
    qn_heartbeat h = {.descriptor = descriptor, .time = time, .load = load};
    qn_secret32 identity = fx_secret('i', i);
    uint8_t out[QN_HEARTBEAT_MAX];
    size_t n;

    qt_assert_err(qn_heartbeat_sign(&h, &t.env, &net, &identity, out, &n), QN_OK);
    return qt_hex(qt_unhex(out, n));
}

/* `body` put under relay i's key, whatever it says. */
static inline qn_slice fx_seal(const char *tag, const uint8_t network[32], qn_slice body,
                               uint16_t i)
{
    qn_secret32 identity = fx_secret('i', i);
    qn_sign_secret secret;
    uint8_t out[QN_SIGNED_MAX + QN_ENVELOPE_OVERHEAD];
    size_t n;

    memcpy(secret.seed, identity.b, sizeof secret.seed);
    qt_assert_err(qn_envelope_seal(tag, network, body, &secret, out, sizeof out, &n), QN_OK);
    return qt_hex(qt_unhex(out, n));
}

/* A copy that a test may change. */
static inline uint8_t *fx_copy(qn_slice s)
{
    return (uint8_t *)(uintptr_t)qt_hex(qt_unhex(s.p, s.n)).p;
}

/* in[0..at) put[0..put_n) in[at + cut..) */
static inline qn_slice fx_splice(qn_slice in, size_t at, size_t cut, const void *put, size_t put_n)
{
    static uint8_t out[1 << 16];

    ck_assert_uint_le(in.n - cut + put_n, sizeof out);
    memcpy(out, in.p, at);
    memcpy(out + at, put, put_n);
    memcpy(out + at + put_n, in.p + at + cut, in.n - at - cut);
    return qn_slice_of(out, in.n - cut + put_n);
}

static inline qn_slice fx_body(qn_slice envelope)
{
    qn_envelope e;

    qt_assert_err(qn_envelope_read(&e, envelope), QN_OK);
    return e.body;
}

/* The n-th pair of a body: where its key starts, where its value starts, where it ends. */
typedef struct fx_pair {
    size_t key, value, end;
} fx_pair;

static inline unsigned fx_pairs(qn_slice body, fx_pair *v, unsigned max)
{
    qn_cbor_r r;
    unsigned n;

    qn_cbor_r_init(&r, body.p, body.n);
    n = (unsigned)qn_cbor_get_map(&r);
    ck_assert_uint_le(n, max);
    for (unsigned i = 0; i < n; i++) {
        v[i].key = (size_t)(r.p - body.p);
        qn_cbor_skip(&r);
        v[i].value = (size_t)(r.p - body.p);
        qn_cbor_skip(&r);
        v[i].end = (size_t)(r.p - body.p);
    }
    qt_assert_err(qn_cbor_end(&r), QN_OK);
    return n;
}

/* Snapshot of r's live entries, signed by the operators of the bit set `who`; out belongs to t. */
static inline qn_blob fx_snapshot(const qn_registry *r, int64_t after, int64_t until, unsigned who)
{
    qn_snapshot_signature v[QN_OPERATORS_MAX];
    qn_blob body, out;
    unsigned n = 0;

    qt_assert_err(qn_snapshot_build(&body, r, after, until, (qn_slice){0}), QN_OK);
    for (unsigned i = 0; i < net.operators_n; i++)
        if (who >> i & 1)
            qt_assert_err(
                qn_snapshot_sign(&v[n++], &t.env, &net, qn_slice_of(body.p, body.n), &op_seed[i]),
                QN_OK);
    qt_assert_err(qn_snapshot_join(&out, &t.env, qn_slice_of(body.p, body.n), v, n), QN_OK);
    qn_blob_clear(&body, &t.env.mem);
    return out;
}

/* A registry with n live exits. */
static inline void fx_registry(qn_registry *r, uint16_t n)
{
    qn_registry_init(r, &t.env, &net);
    for (uint16_t i = 0; i < n; i++) {
        qt_assert_err(qn_registry_register(r, fx_descriptor(i), NULL), QN_OK);
        qt_assert_err(qn_registry_heartbeat(r, fx_beat(i, 7, t.env.wall, i % 1000)), QN_OK);
    }
}

#endif

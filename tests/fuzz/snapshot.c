/*
 * Snapshots. Byte 0 chooses: 0 a list made entry by entry from descriptors, which the operator then
 * signs; 1 any body, signed when it can be; 2 raw bytes, as an offer too.
 *
 * What was accepted is newer than what was held, valid now and strictly ordered, finds each of its
 * relays, and is the same object when the intern table is asked again. All memory comes back.
 */
#include "dirnet.h"

#include "dir/envelope.h"
#include "dir/internal.h"
#include "dir/offer.h"
#include "dir/snapshot.h"

enum { RELAYS = 6 };

typedef struct world {
    fz_env t;
    qn_network net;
    struct qn_intern *intern;
} world;

static uint8_t relay[RELAYS][QN_DESCRIPTOR_MAX];
static size_t relay_n[RELAYS];
static qn_network network;

/* Signing is slow, so the fixed things are made once. */
static void make_fixed(qn_env *env)
{
    static uint8_t file[QN_NETWORK_FILE_MAX];
    qn_secret32 founder = fz_secret('f', 0);
    size_t n;

    if (relay_n[0] > 0)
        return;
    fz_draft_network(&network, false);
    FZ_CHECK(qn_network_encode(&network, env, &founder, file, sizeof file, &n) == QN_OK);
    for (uint8_t i = 0; i < RELAYS; i++) {
        qn_secret32 identity = fz_secret('i', i);
        qn_descriptor d = fz_relay(i);

        FZ_CHECK(qn_descriptor_sign(&d, env, &network, &identity, relay[i], &relay_n[i]) == QN_OK);
    }
}

static void put_entry(qn_cbor_w *w, fz_in *in)
{
    unsigned which = fz_below(in, RELAYS), what = fz_u8(in);
    qn_envelope e;

    FZ_CHECK(qn_envelope_read(&e, qn_slice_of(relay[which], relay_n[which])) == QN_OK);
    qn_cbor_array(w, what < 250 ? 3 : 2);
    qn_cbor_bytes(w, e.key.b, sizeof e.key.b - (what == 248));
    qn_cbor_bytes(w, e.body.p, e.body.n - (what == 249));
    if (what < 250)
        qn_cbor_uint(w, fz_u16(in) % (QN_WEIGHT_MAX + 3));
}

/* A body as qn_snapshot_build writes it, around whatever entries the input names. */
static size_t make_body(fz_in *in, uint8_t *out, size_t cap)
{
    int64_t after = FZ_EPOCH + (int64_t)fz_u16(in) * 8 - 100000;
    int64_t until = after + (int64_t)fz_u16(in) * 4;
    unsigned entries = fz_below(in, 9), announced = entries + (fz_u8(in) == 0xff);
    qn_cbor_w w;

    qn_cbor_w_init(&w, out, cap);
    qn_cbor_map(&w, SNAP_KEYS);
    qn_cbor_uint(&w, SNAP_VERSION);
    qn_cbor_uint(&w, 1);
    qn_cbor_uint(&w, SNAP_AFTER);
    qn_cbor_int(&w, after);
    qn_cbor_uint(&w, SNAP_UNTIL);
    qn_cbor_int(&w, until);
    qn_cbor_uint(&w, SNAP_NETWORK);
    qn_cbor_bytes(&w, network.id, sizeof network.id);
    qn_cbor_uint(&w, SNAP_ENTRIES);
    qn_cbor_array(&w, announced);
    for (unsigned i = 0; i < entries; i++)
        put_entry(&w, in);
    return w.err == QN_OK ? w.n : 0;
}

static void check_accepted(const world *w, const qn_snapshot *s, uint64_t known)
{
    qn_snapshot *again = NULL;
    qn_env *env = (qn_env *)&w->t.env;

    FZ_CHECK(s->version > known && s->version == (uint64_t)s->valid_after);
    FZ_CHECK(qn_snapshot_valid(s, env->wall) == QN_OK);
    for (uint32_t i = 0; i < s->relays_n; i++) {
        const qn_relay *r = &s->relays[i];

        FZ_CHECK(qn_snapshot_find(s, &r->d.id) == r);
        FZ_CHECK(i == 0 || memcmp(s->relays[i - 1].d.id.b, r->d.id.b, 32) < 0);
        FZ_CHECK(r->weight >= 1 && r->weight <= QN_WEIGHT_MAX);
        (void)qn_relay_usable(r, env->wall);
    }
    FZ_CHECK(qn_snapshot_open(&again, env, &w->net, w->intern, s->bytes, known) == QN_OK);
    FZ_CHECK((again == s) == (w->intern != NULL));
    FZ_CHECK(qn_snapshot_open(&again, env, &w->net, w->intern, s->bytes, s->version) == QN_STALE);
    qn_snapshot_drop(again);
}

static void open_bytes(world *w, qn_slice bytes, uint64_t known)
{
    qn_snapshot *s = NULL;
    qn_err err = qn_snapshot_open(&s, &w->t.env, &w->net, w->intern, fz_exact(bytes), known);

    if (err != QN_OK) {
        FZ_CHECK(s == NULL && qn_err_band(err) == QN_BAND_PEER);
        return;
    }
    check_accepted(w, s, known);
    qn_snapshot_drop(s);
}

/* What operators hand to each other: its parts lie in it, and are what is written of them. */
static void open_offer(world *w, qn_slice bytes)
{
    qn_slice list, signatures;
    qn_blob again;

    if (qn_offer_read(bytes, &list, &signatures) != QN_OK)
        return;
    FZ_CHECK(signatures.n % sizeof(qn_signature) == 0 && list.n + signatures.n < bytes.n);
    FZ_CHECK(qn_offer_write(&again, &w->t.env, list, signatures) == QN_OK);
    FZ_CHECK(again.n == bytes.n && memcmp(again.p, bytes.p, bytes.n) == 0);
    qn_blob_clear(&again, &w->t.env.mem);
    open_bytes(w, list, 0);
}

static void open_signed(world *w, qn_slice body, uint64_t known)
{
    qn_secret32 operators = fz_secret('o', 0);
    qn_snapshot_signature sig;
    qn_blob whole;

    if (qn_snapshot_sign(&sig, &w->t.env, &w->net, body, &operators) != QN_OK ||
        qn_snapshot_join(&whole, &w->t.env, body, &sig, 1) != QN_OK)
        return;
    open_bytes(w, qn_slice_of(whole.p, whole.n), known);
    qn_blob_clear(&whole, &w->t.env.mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t body[1 << 14];
    fz_in in = {p, n};
    unsigned way = fz_below(&in, 3);
    uint8_t what = fz_u8(&in);
    uint64_t known = (what & 2) ? (uint64_t)FZ_EPOCH - 1000 : 0;
    world w = {0};
    fz_env table;

    fz_env_open(&table, 1);
    fz_env_open(&w.t, 0);
    make_fixed(&w.t.env);
    w.net = network;
    if (what & 1)
        w.intern = qn_intern_new(&table.env.mem);
    if (way == 0)
        open_signed(&w, qn_slice_of(body, make_body(&in, body, sizeof body)), known);
    else if (way == 1)
        open_signed(&w, qn_slice_of(in.p, in.n), known);
    else {
        open_bytes(&w, qn_slice_of(in.p, in.n), known);
        open_offer(&w, qn_slice_of(in.p, in.n));
    }
    qn_intern_free(w.intern);
    fz_env_close(&w.t);
    fz_env_close(&table);
    return 0;
}

void fz_seeds(void)
{
    /* after - FZ_EPOCH + 100000 in units of 8 s, life in units of 4 s, entries, no lie */
    static const uint8_t list[] = {0, 1, 0x30, 0xd4, 0x03, 0x84, 6, 0,    0, 1, 0, 100, 1, 2, 0, 5,
                                   2, 0, 0,    1,    3,    1,    3, 0xe8, 4, 1, 0, 9,   5, 2, 0, 9};
    static uint8_t body[1 << 14];
    fz_out *o = fz_out_new();
    fz_in in = {list + 2, sizeof list - 2};
    fz_env t;
    size_t n;

    fz_env_open(&t, 0);
    make_fixed(&t.env);
    fz_seed("list", list, sizeof list);
    fz_seed("offer",
            "\2\0\x82\x44list\x58\x40"
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            74);
    n = make_body(&in, body, sizeof body);
    fz_out_bytes(o, "\1\0", 2);
    fz_out_bytes(o, body, n);
    fz_out_seed(o, "body");
    fz_seed("empty", "\0\1\x30\xd4\x03\x84\0\0", 8);
    for (unsigned i = 0; i < RELAYS; i++) { /* lists of one, whatever the order of all */
        uint8_t one[] = {0, (uint8_t)(i % 4), 0x30, 0xd4, 0x03, 0x84, 1, 0, (uint8_t)i, 1, 0, 100};
        char name[16];

        (void)snprintf(name, sizeof name, "relay-%u", i);
        fz_seed(name, one, sizeof one);
    }
    fz_env_close(&t);
}

/*
 * Objects one key signs: envelopes, descriptors, heartbeats, network files. The first byte says
 * which, whether the network is a lab, and whether the rest is the object itself or a body that the
 * harness signs, so that readers are reached behind the signature.
 *
 * A refusal changes nothing; what was accepted can be signed again, and is then read the same.
 */
#include "dirnet.h"

#include "dir/body.h"
#include "dir/envelope.h"
#include "dir/heartbeat.h"

enum { DESCRIPTOR, HEARTBEAT, NETWORK, ENVELOPE, KINDS, LAB = 4, SIGNED = 8 };

static const char *const tags[KINDS] = {QN_TAG_DESCRIPTOR, QN_TAG_HEARTBEAT, QN_TAG_NETWORK,
                                        QN_TAG_DESCRIPTOR};

typedef struct world {
    fz_env t;
    qn_network net; /* its id is all zero: the one network files are signed for */
    qn_secret32 identity;
} world;

/* Relay 1's envelope around a body; empty when the body is too long for one. */
static qn_slice seal(const world *w, unsigned kind, qn_slice body)
{
    static uint8_t out[QN_SIGNED_MAX + QN_ENVELOPE_OVERHEAD];
    qn_sign_secret secret;
    size_t n;

    memcpy(secret.seed, w->identity.b, sizeof secret.seed);
    if (qn_envelope_seal(tags[kind], w->net.id, body, &secret, out, sizeof out, &n) != QN_OK)
        return (qn_slice){0};
    return fz_exact(qn_slice_of(out, n));
}

/* The same length means that nothing was left out, so it is the same bytes. */
static void compare(qn_slice in, const uint8_t *again, size_t n, bool ours)
{
    FZ_CHECK(n <= in.n || !ours);
    FZ_CHECK(!ours || n != in.n || memcmp(in.p, again, n) == 0);
}

static void descriptor(world *w, qn_slice in, bool ours)
{
    uint8_t a[QN_DESCRIPTOR_MAX], b[QN_DESCRIPTOR_MAX];
    qn_descriptor d, untouched, again;
    size_t n, m;
    qn_err err;

    memset(&d, 0xa5, sizeof d);
    untouched = d;
    err = qn_descriptor_open(&d, &w->t.env, &w->net, in);
    if (err != QN_OK) {
        FZ_CHECK(qn_err_band(err) == QN_BAND_PEER && memcmp(&d, &untouched, sizeof d) == 0);
        return;
    }
    FZ_CHECK(d.roles != 0 && d.addrs_n >= 1 && d.addrs_n <= QN_DESCRIPTOR_ADDRS);
    FZ_CHECK(d.onions_n >= 1 && d.onions_n <= 2 && d.ports_n <= QN_DESCRIPTOR_PORTS);
    FZ_CHECK(d.valid_after < d.valid_until && d.country[2] == '\0');
    FZ_CHECK(memchr(d.contact, 0, sizeof d.contact) != NULL);
    (void)qn_descriptor_exits_to(&d, 80);
    FZ_CHECK(qn_descriptor_sign(&d, &w->t.env, &w->net, &w->identity, a, &n) == QN_OK);
    FZ_CHECK(qn_descriptor_open(&again, &w->t.env, &w->net, qn_slice_of(a, n)) == QN_OK);
    FZ_CHECK(qn_descriptor_sign(&again, &w->t.env, &w->net, &w->identity, b, &m) == QN_OK);
    FZ_CHECK(n == m && memcmp(a, b, n) == 0);
    compare(in, a, n, ours);
}

static void heartbeat(world *w, qn_slice in, bool ours)
{
    uint8_t a[QN_HEARTBEAT_MAX];
    qn_heartbeat h, untouched;
    size_t n;
    qn_err err;

    memset(&h, 0xa5, sizeof h);
    untouched = h;
    err = qn_heartbeat_open(&h, &w->t.env, &w->net, in);
    if (err != QN_OK) {
        FZ_CHECK(qn_err_band(err) == QN_BAND_PEER && memcmp(&h, &untouched, sizeof h) == 0);
        return;
    }
    FZ_CHECK(h.load <= QN_LOAD_MAX && h.time >= 0);
    err = qn_heartbeat_fresh(&h, w->t.env.wall);
    FZ_CHECK(err == QN_OK || err == QN_EARLY || err == QN_EXPIRED);
    FZ_CHECK(qn_heartbeat_sign(&h, &w->t.env, &w->net, &w->identity, a, &n) == QN_OK);
    compare(in, a, n, ours);
}

static void network(world *w, qn_slice in, bool ours)
{
    static uint8_t a[QN_NETWORK_FILE_MAX];
    static qn_network net, untouched;
    char why[160] = "";
    uint8_t id[32];
    size_t n;
    qn_err err;

    memset(&net, 0xa5, sizeof net);
    untouched = net;
    err = qn_network_decode(&net, &w->t.env, in.p, in.n, why);
    if (err != QN_OK) {
        FZ_CHECK(why[0] != '\0' && memcmp(&net, &untouched, sizeof net) == 0);
        return;
    }
    FZ_CHECK(net.operators_n >= 1 && net.operators_n <= QN_OPERATORS_MAX);
    FZ_CHECK(net.threshold > net.operators_n / 2 && net.threshold <= net.operators_n);
    FZ_CHECK(memchr(net.name, 0, sizeof net.name) != NULL);
    memcpy(id, net.id, sizeof id);
    FZ_CHECK(qn_network_encode(&net, &w->t.env, &w->identity, a, sizeof a, &n) == QN_OK);
    FZ_CHECK(!ours || n != in.n || memcmp(id, net.id, sizeof id) == 0);
    compare(in, a, n, ours);
}

static void envelope(world *w, qn_slice in, bool ours)
{
    qn_envelope e, opened;
    qn_err read = qn_envelope_read(&e, in);
    qn_err open = qn_envelope_open(&opened, tags[ENVELOPE], w->net.id, in);

    FZ_CHECK(read == QN_OK || open == read);
    FZ_CHECK(read != QN_OK || open == QN_OK || open == QN_AUTH || open == QN_LIMIT);
    FZ_CHECK(!ours || open == QN_OK);
    if (read == QN_OK)
        FZ_CHECK(e.body.p >= in.p && e.body.p + e.body.n <= in.p + in.n);
}

static void open_world(world *w, bool lab)
{
    fz_env_open(&w->t, 0);
    fz_draft_network(&w->net, lab);
    w->identity = fz_secret('i', 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static void (*const kinds[KINDS])(world * w, qn_slice in,
                                      bool ours) = {[DESCRIPTOR] = descriptor,
                                                    [HEARTBEAT] = heartbeat,
                                                    [NETWORK] = network,
                                                    [ENVELOPE] = envelope};
    fz_in in = {p, n};
    uint8_t what = fz_u8(&in);
    unsigned kind = what % KINDS;
    qn_slice object = qn_slice_of(in.p, in.n);
    world w;

    open_world(&w, (what & LAB) != 0);
    if ((what & SIGNED) != 0)
        object = seal(&w, kind, object);
    if (object.n > 0)
        kinds[kind](&w, object, (what & SIGNED) != 0);
    fz_env_close(&w.t);
    return 0;
}

/* ---- seeds: each object whole, and its body to be signed ------------------------------------- */

static void seed(const char *name, unsigned what, const uint8_t *p, size_t n)
{
    fz_out *o = fz_out_new();
    char body[64];
    qn_envelope e;

    fz_out_u8(o, what);
    fz_out_bytes(o, p, n);
    fz_out_seed(o, name);
    FZ_CHECK(qn_envelope_read(&e, qn_slice_of(p, n)) == QN_OK);
    o->n = 0;
    fz_out_u8(o, what | SIGNED);
    fz_out_bytes(o, e.body.p, e.body.n);
    (void)snprintf(body, sizeof body, "%s-body", name);
    fz_out_seed(o, body);
}

static void seed_full_descriptor(world *w)
{
    uint8_t out[QN_DESCRIPTOR_MAX];
    qn_descriptor d = fz_relay(1);
    size_t n;

    d.addrs_n = 2;
    d.addrs[1] = (qn_addr){.family = 6, .ip = {0x26, 6, 0x47}, .port = 443};
    d.onions_n = 2;
    d.onion[1] = fz_dated('p', 1);
    d.roles |= QN_ROLE_DIRECTORY;
    FZ_CHECK(qn_descriptor_sign(&d, &w->t.env, &w->net, &w->identity, out, &n) == QN_OK);
    seed("descriptor-full", DESCRIPTOR, out, n);
}

void fz_seeds(void)
{
    static uint8_t file[QN_NETWORK_FILE_MAX];
    uint8_t out[QN_DESCRIPTOR_MAX];
    qn_heartbeat h = {.descriptor = 7, .time = FZ_EPOCH, .load = 300};
    qn_descriptor d = fz_relay(0);
    qn_network net;
    world w;
    size_t n;

    open_world(&w, false);
    FZ_CHECK(qn_descriptor_sign(&d, &w.t.env, &w.net, &w.identity, out, &n) == QN_OK);
    seed("descriptor", DESCRIPTOR, out, n);
    seed("envelope", ENVELOPE, out, n);
    seed_full_descriptor(&w);
    FZ_CHECK(qn_heartbeat_sign(&h, &w.t.env, &w.net, &w.identity, out, &n) == QN_OK);
    seed("heartbeat", HEARTBEAT, out, n);
    net = w.net;
    FZ_CHECK(qn_network_encode(&net, &w.t.env, &w.identity, file, sizeof file, &n) == QN_OK);
    seed("network", NETWORK, file, n);
    fz_env_close(&w.t);
}

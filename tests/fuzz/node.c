/*
 * One node of any mode (byte 0) and a world that tells it anything in any order, stale names
 * included, as long as it keeps qnet/node.h: it commits what space lent, consumes what peek
 * offered.
 *
 * Actions name conns that live; a conn that was reset is never named again; an exit dials global or
 * listed addresses only (promise P6); after a tick due lies in the future; STOPPED comes once and
 * only when asked for; every byte of memory comes back.
 */
#include "dirnet.h"

#include "base/ipjudge.h"
#include "dir/heartbeat.h"
#include "dir/snapshot.h"
#include "qnet/node.h"

enum { CONNS = 64, VERBS = 16 };

enum { LIVE = 1, DIALING, CLOSING, GONE }; /* what became of a conn */

typedef struct world {
    fz_env t;
    qn_network net;
    qn_node *n;
    qn_conn conn[CONNS];
    uint8_t place[CONNS];
    unsigned conns_n;
    uint32_t query; /* the last one asked */
    bool stopping, stopped;
} world;

/* ---- a node ---------------------------------------------------------------------------------- */

static const qn_addr here = {.family = 4, .ip = {198, 18, 0, 1}, .port = 4433};

static void make_network(world *w)
{
    static qn_network net;
    static uint8_t file[QN_NETWORK_FILE_MAX];
    qn_secret32 founder = fz_secret('f', 0), link = fz_secret('l', 9);
    qn_dh_secret secret;
    qn_dh_public pub;
    size_t n;

    if (net.operators_n == 0) {
        fz_draft_network(&net, true);
        memcpy(secret.b, link.b, sizeof secret.b);
        qn_dh_derive(&secret, &pub);
        memcpy(net.operators[0].link_key, pub.b, sizeof pub.b);
        FZ_CHECK(qn_network_encode(&net, &w->t.env, &founder, file, sizeof file, &n) == QN_OK);
    }
    w->net = net;
}

/* A list of four relays, two of them exits, as a node might have stored it. */
static qn_slice stored_snapshot(world *w)
{
    static uint8_t whole[8192];
    static size_t whole_n;
    qn_secret32 operators = fz_secret('o', 0);
    qn_registry r;
    qn_snapshot_signature sig;
    qn_blob body, all;

    if (whole_n > 0)
        return qn_slice_of(whole, whole_n);
    qn_registry_init(&r, &w->t.env, &w->net);
    for (uint8_t i = 0; i < 4; i++) {
        qn_secret32 identity = fz_secret('i', i);
        qn_descriptor d = fz_relay(i);
        qn_heartbeat h = {.descriptor = d.sequence, .time = FZ_EPOCH};
        uint8_t out[QN_DESCRIPTOR_MAX], beat[QN_HEARTBEAT_MAX];
        size_t n;

        FZ_CHECK(qn_descriptor_sign(&d, &w->t.env, &w->net, &identity, out, &n) == QN_OK);
        FZ_CHECK(qn_registry_register(&r, qn_slice_of(out, n), NULL) == QN_OK);
        FZ_CHECK(qn_heartbeat_sign(&h, &w->t.env, &w->net, &identity, beat, &n) == QN_OK);
        FZ_CHECK(qn_registry_heartbeat(&r, qn_slice_of(beat, n)) == QN_OK);
    }
    FZ_CHECK(qn_snapshot_build(&body, &r, FZ_EPOCH, FZ_EPOCH + 3600, (qn_slice){0}) == QN_OK);
    FZ_CHECK(qn_snapshot_sign(&sig, &w->t.env, &w->net, qn_slice_of(body.p, body.n), &operators) ==
             QN_OK);
    FZ_CHECK(qn_snapshot_join(&all, &w->t.env, qn_slice_of(body.p, body.n), &sig, 1) == QN_OK);
    FZ_CHECK(all.n <= sizeof whole);
    memcpy(whole, all.p, all.n);
    whole_n = all.n;
    qn_blob_clear(&body, &w->t.env.mem);
    qn_blob_clear(&all, &w->t.env.mem);
    qn_registry_clear(&r);
    return qn_slice_of(whole, whole_n);
}

static bool open_node(world *w, uint8_t what, uint8_t fail)
{
    qn_node_cfg cfg = {
        .mode = (qn_mode)(what % 5),
        .route = (what & 0x80) ? QN_ROUTE_PRIVACY : QN_ROUTE_FAST,
        .lab = true,
        .socks = what % 5 == QN_CLIENT,
        .carrier = &qn_carrier_bare,
        .network = &w->net,
        .keys = {fz_secret('i', 9), fz_secret('l', 9), fz_secret('n', 9)},
        .contact = "abuse@example.org",
        .exit_allow_n = 1,
        .exit_allow = {{.prefix = {.family = 4, .ip = {10, 1, 0, 0}, .port = 8000}, .bits = 16}}};
    char why[160] = "";
    qn_err err;

    if (cfg.mode != QN_CLIENT)
        cfg.listen = here;
    if (cfg.mode == QN_BOOTSTRAP || cfg.mode == QN_SUPER) {
        cfg.has_operator = true;
        cfg.operator_seed = fz_secret('o', 0);
    }
    if (what & 0x40)
        cfg.stored_snapshot = stored_snapshot(w);
    fz_fail_at(fail);
    err = qn_node_new(&w->n, &cfg, &w->t.env, why);
    FZ_CHECK(err == QN_OK || (fail > 0 && err == QN_NOMEM && why[0] != '\0'));
    return err == QN_OK;
}

/* ---- actions --------------------------------------------------------------------------------- */

static uint8_t *find(world *w, qn_conn c)
{
    for (unsigned i = 0; i < w->conns_n; i++)
        if (w->conn[i] == c && w->place[i] != GONE)
            return &w->place[i];
    return NULL;
}

static void add(world *w, qn_conn c, uint8_t p)
{
    unsigned i = 0;

    FZ_CHECK(c != 0 && find(w, c) == NULL);
    while (i < w->conns_n && w->place[i] != GONE)
        i++;
    if (i == CONNS) { /* as a world without sockets left */
        qn_node_ended(w->n, c, QN_END_RESET);
        return;
    }
    w->conn[i] = c;
    w->place[i] = p;
    w->conns_n = QN_MAX(w->conns_n, i + 1);
}

static void check_dialled(const qn_addr *a)
{
    static const uint8_t listed[2] = {10, 1};
    bool ours = a->family == 4 && memcmp(a->ip, listed, sizeof listed) == 0 && a->port == 8000;

    FZ_CHECK(a->port != 0 && (ours || qn_ip_global(a)));
}

static void on_action(world *w, const qn_action *a)
{
    uint8_t *place = find(w, a->conn);

    switch (a->type) {
    case QN_ACT_DIAL:
        check_dialled(&a->addr);
        FZ_CHECK(place == NULL);
        add(w, a->conn, DIALING);
        break;
    case QN_ACT_RESOLVE:
        w->query = a->query;
        FZ_CHECK(a->dest.type == 3);
        break;
    case QN_ACT_CLOSE:
        FZ_CHECK(place != NULL && *place != CLOSING);
        *place = CLOSING;
        break;
    case QN_ACT_RESET:
        if (place == NULL) /* a conn that only waits for its name to be resolved */
            FZ_CHECK(a->conn != 0);
        else
            *place = a->drain ? CLOSING : GONE;
        break;
    case QN_ACT_SEND:
    case QN_ACT_READ:
    case QN_ACT_FINISH:
    case QN_ACT_LINGER_RESET:
        FZ_CHECK(place != NULL);
        break;
    case QN_ACT_STOPPED:
        FZ_CHECK(w->stopping && !w->stopped);
        w->stopped = true;
        break;
    case QN_ACT_STORE:
        FZ_CHECK(a->name != NULL && a->bytes.n > 0);
        break;
    case QN_ACT_EVENT:
    case QN_ACT_PAUSE_ACCEPT:
        break;
    }
}

static void drain(world *w)
{
    qn_action a;

    while (qn_node_next(w->n, &a))
        on_action(w, &a);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

/* Mostly one that lives; sometimes any number. */
static qn_conn some_conn(world *w, fz_in *in)
{
    uint8_t what = fz_u8(in);

    return what < 0xf0 && w->conns_n > 0 ? w->conn[what % w->conns_n] : what * 0x100001u;
}

static void read_in(world *w, qn_conn c, qn_slice bytes)
{
    uint8_t *place = find(w, c);
    qn_span v[8];
    unsigned k = qn_node_space(w->n, c, v, QN_LEN(v));
    size_t n = 0;

    FZ_CHECK(k == 0 || place != NULL);
    for (unsigned i = 0; i < k && n < bytes.n; i++) {
        size_t part = QN_MIN(v[i].n, bytes.n - n);

        memcpy(v[i].p, bytes.p + n, part);
        n += part;
    }
    if (k > 0 && *place == LIVE)
        qn_node_commit(w->n, c, n);
    else if (k > 0)
        qn_node_commit(w->n, c, 0);
}

static void write_out(world *w, qn_conn c, size_t max)
{
    qn_slice v[8];
    unsigned k = qn_node_peek(w->n, c, v, QN_LEN(v));
    size_t n = 0;

    for (unsigned i = 0; i < k; i++)
        n += v[i].n;
    if (n > 0)
        qn_node_consume(w->n, c, QN_MIN(n, max));
}

static void accept(world *w, qn_listener purpose)
{
    static const qn_addr from = {.family = 4, .ip = {192, 0, 2, 1}, .port = 5};
    qn_conn c = qn_node_accepted(w->n, purpose, &from, &from);

    if (c != 0)
        add(w, c, LIVE);
}

static void opened(world *w, qn_conn c, bool yes)
{
    uint8_t *place = find(w, c);

    if (place != NULL && *place == DIALING)
        *place = yes ? LIVE : GONE;
    else if (place != NULL)
        return; /* a world says it once */
    if (yes)
        qn_node_opened(w->n, c);
    else
        qn_node_open_failed(w->n, c, QN_REFUSED);
}

static void ended(world *w, qn_conn c, uint8_t how)
{
    uint8_t *place = find(w, c);

    if (place != NULL && *place == DIALING)
        return;
    qn_node_ended(w->n, c, (qn_ending)(how % 3));
    if (place != NULL && how % 3 == QN_END_RESET)
        *place = GONE;
}

static void resolved(world *w, fz_in *in)
{
    qn_addr v[4] = {{0}};
    unsigned n = fz_below(in, QN_LEN(v) + 1);

    for (unsigned i = 0; i < n; i++) {
        qn_slice ip = fz_take(in, 4);

        v[i] = (qn_addr){.family = 4, .port = 80};
        if (ip.n > 0)
            memcpy(v[i].ip, ip.p, ip.n);
    }
    qn_node_resolved(w->n, fz_u8(in) < 200 ? w->query : fz_u8(in), v, n,
                     n > 0 ? QN_OK : QN_RESOLVE);
}

static void look_in(const world *w)
{
    qn_circuit_info c;
    qn_peer_info p;
    qn_status s;
    uint32_t i;

    qn_node_status(w->n, &s);
    FZ_CHECK(s.phase != NULL && s.advice != NULL);
    FZ_CHECK((s.state == QN_CONNECTED) == (s.advice[0] == '\0'));
    for (i = 0; qn_node_circuit(w->n, i, &c); i++)
        FZ_CHECK(c.hops_len >= 1 && c.hops_len <= 3);
    FZ_CHECK(i >= s.circuits);
    for (i = 0; qn_node_peer(w->n, i, &p); i++)
        FZ_CHECK(!p.up || p.age <= w->t.env.now);
    FZ_CHECK(i >= s.links);
}

static void act(world *w, fz_in *in)
{
    uint8_t what = fz_u8(in);
    qn_conn c;
    uint8_t *place;

    switch (what % VERBS) {
    case 0:
        accept(w, QN_LISTEN_LINK);
        break;
    case 1:
        accept(w, QN_LISTEN_SOCKS);
        break;
    case 2:
    case 3:
        c = some_conn(w, in);
        opened(w, c, what % VERBS == 2);
        break;
    case 4:
    case 5:
    case 6:
        c = some_conn(w, in);
        read_in(w, c, fz_chunk(in));
        break;
    case 7:
    case 8:
        c = some_conn(w, in);
        write_out(w, c, fz_u16(in));
        break;
    case 9:
        c = some_conn(w, in);
        ended(w, c, what >> 4);
        break;
    case 10:
        resolved(w, in);
        break;
    case 11:
    case 12:
        fz_env_step(&w->t, (qn_time)fz_u16(in) * (what % VERBS == 11 ? QN_MS : 10 * QN_MS));
        break;
    case 13:
        c = some_conn(w, in);
        place = find(w, c);
        if (place == NULL || *place == CLOSING) {
            qn_node_released(w->n, c);
            if (place != NULL)
                *place = GONE;
        }
        break;
    case 14:
        fz_fail_at(1u + (what >> 4) * 2u);
        break;
    default:
        look_in(w);
        if (what == 0xff) {
            qn_node_stop(w->n);
            w->stopping = true;
        }
        break;
    }
}

/* The law of qnet/node.h. */
static void settle(world *w)
{
    drain(w);
    if (qn_node_due(w->n) <= w->t.env.now)
        qn_node_tick(w->n);
    drain(w);
    FZ_CHECK(qn_node_due(w->n) > w->t.env.now);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static world w;
    fz_in in = {p, n};
    uint8_t what = fz_u8(&in), fail = fz_u8(&in);

    memset(&w, 0, sizeof w);
    fz_env_open(&w.t, 0);
    make_network(&w);
    if (open_node(&w, what, fail)) {
        settle(&w);
        while (in.n > 0) {
            act(&w, &in);
            settle(&w);
        }
        fz_fail_at(0);
        qn_node_free(w.n);
    }
    fz_env_close(&w.t);
    return 0;
}

/* ---- seeds ----------------------------------------------------------------------------------- */

static void put_read(fz_out *o, unsigned conn, const void *p, size_t n)
{
    fz_out_u8(o, 4);
    fz_out_u8(o, conn);
    fz_out_chunk(o, p, n);
}

/* A SOCKS request, in cuts, to a client with and without a list; then its relays do not answer. */
static void seed_client(const char *name, unsigned what)
{
    fz_out *o = fz_out_new();

    fz_out_u8(o, what);
    fz_out_u8(o, 0);
    fz_out_u8(o, 1);
    put_read(o, 0, "\5\1\0", 3);
    fz_out_bytes(o, "\x07\0\xff\xff", 4);
    put_read(o, 0,
             "\5\1\0\3\x0b"
             "example.com\0\x50",
             18);
    put_read(o, 1, "\5\1\0\1\1\2\3\4\0\x50", 10);
    fz_out_bytes(o, "\2\1\2\2\x07\1\xff\xff\x0f\x0c\x03\xe8", 12); /* opened, written, time */
    fz_out_bytes(o, "\3\1\3\2\x09\0\x0c\x0b\xb8\x0f", 10);
    fz_out_bytes(o, "\xff\x0c\x01\0\x0c\x01\0", 7); /* stop */
    fz_out_seed(o, name);
}

static void seed_server(const char *name, unsigned mode)
{
    static const uint8_t junk[64] = {0x17, 3, 3, 0, 48};
    fz_out *o = fz_out_new();

    fz_out_u8(o, mode);
    fz_out_u8(o, 0);
    fz_out_bytes(o, "\0\0\0", 3);
    put_read(o, 0, junk, 53);
    put_read(o, 1, "GET", 3);
    fz_out_bytes(o, "\x0c\x00\x64\x09\2\x19\2\x0c\x04\xb0\x0f", 11);
    fz_out_bytes(o, "\x0e\0\x2e\0\xff\x0c\x01\0", 8);
    fz_out_seed(o, name);
}

void fz_seeds(void)
{
    seed_client("client", QN_CLIENT + 5 * 9);
    seed_client("client-list", 0x40 + 1);           /* 65 % 5 = 0: client */
    seed_client("client-privacy", 0x80 + 0x40 + 3); /* 195 % 5 = 0 */
    seed_server("relay", QN_RELAY);
    seed_server("bootstrap", QN_BOOTSTRAP);
    seed_server("exit", QN_EXIT);
    seed_server("super", QN_SUPER);
}

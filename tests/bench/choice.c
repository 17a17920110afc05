/*
 * A whole node's path choice among ten thousand listed relays, with an atlas that is as slow as
 * ours: what a circuit costs its client before the first byte.
 */
#include "bench/stages.h"

#include "node/internal.h"

enum { RELAYS = 10000, STEPS = 400 };

static qt_env t;
static qn_network net;
static qn_node *node;

static void must(qn_err err)
{
    if (err != QN_OK)
        qt_die("%s", qn_err_name(err));
}

/* As long as a search of real tables takes, 0.6 us: so many steps, each upon the one before. */
static void find(void *ctx, const qn_addr *a, qn_spot *out)
{
    uint64_t x = qn_get32(a->ip);

    (void)ctx;
    for (unsigned i = 0; i < STEPS; i++)
        x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    out->country[0] = (char)('A' + x % 26);
    out->country[1] = (char)('A' + x / 26 % 26);
    out->as = 1 + (uint32_t)(x / 1000 % 700);
}

static void relay_make(qn_relay *r, uint32_t i)
{
    const int64_t from = t.env.wall - 3600, until = t.env.wall + 86400;

    qn_put32(r->d.id.b, i + 1);
    r->weight = (uint16_t)(1 + i * 7919 % 1000);
    r->d.valid_after = r->d.link.not_before = r->d.onion[0].not_before = from;
    r->d.valid_until = r->d.link.not_after = r->d.onion[0].not_after = until;
    r->d.roles = i % 10 == 0 ? QN_ROLE_RELAY | QN_ROLE_EXIT : QN_ROLE_RELAY;
    r->d.addrs_n = 1;
    r->d.addrs[0].family = 4;
    r->d.addrs[0].port = 443;
    qn_put32(r->d.addrs[0].ip, 0x0b000000u + (i << 12));
    if (i % 10 == 0) {
        r->d.ports_n = 2;
        r->d.ports[0] = 80;
        r->d.ports[1] = 443;
    }
}

static qn_snapshot *list_make(void)
{
    const size_t size = sizeof(qn_snapshot) + RELAYS * sizeof(qn_relay);
    qn_snapshot *s = qn_mem_get(&t.env.mem, size);
    qn_relay *v;

    if (s == NULL)
        qt_die("no memory");
    v = (qn_relay *)(s + 1);
    for (uint32_t i = 0; i < RELAYS; i++)
        relay_make(&v[i], i);
    *s = (qn_snapshot){.refs = 1,
                       .version = (uint64_t)t.env.wall,
                       .valid_after = t.env.wall,
                       .valid_until = t.env.wall + 3600,
                       .relays_n = RELAYS,
                       .relays = v,
                       .mem = &t.env.mem,
                       .size = size};
    return s;
}

void bench_choice_open(void)
{
    static const qn_atlas atlas = {.find = find};
    const qn_secret32 founder = {{'f'}}, signer = {{'o'}};
    qn_keys keys = {.identity = {{'I'}}, .link = {{'L'}}, .onion = {{'N'}}};
    qn_addr addr = {.family = 4, .ip = {8, 8, 8, 8}, .port = 443};
    qn_node_cfg cfg = {.mode = QN_CLIENT, .lab = true, .carrier = &qn_carrier_bare, .keys = keys};
    qn_snapshot *list;
    uint8_t file[4096];
    char why[160];
    size_t n;

    qt_env_open(&t, 1);
    net = (qn_network){
        .name = "bench", .lab = true, .created = QT_EPOCH, .threshold = 1, .operators_n = 1};
    must(qn_operator_of(&t.env, &keys, &signer, &addr, &net.operators[0]));
    must(qn_network_encode(&net, &t.env, &founder, file, sizeof file, &n));
    cfg.network = &net;
    cfg.atlas = &atlas;
    must(qn_node_new(&node, &cfg, &t.env, why));
    node->net.lab = false; /* there choices are made by guards, places and weights */
    list = list_make();
    must(paths_listed(node, list));
    node->snapshot = list;
}

void bench_choice(void)
{
    static const qn_dest web = {.type = 1, .port = 443, .ip = {1, 1, 1, 1}};
    const qn_relay *hop[QN_HOPS_MAX];
    qn_path path;

    must(paths_choose(node, &web, &path, hop));
}

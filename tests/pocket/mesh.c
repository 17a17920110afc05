#include "pocket/mesh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static const qn_addr origin_addr = {.family = 4, .ip = {203, 0, 113, 7}, .port = 443};

static qn_addr host(mesh *m, uint16_t port)
{
    return (qn_addr){.family = 4, .ip = {198, 18, 0, ++m->hosts}, .port = port};
}

static qn_node_cfg base_cfg(mesh *m, qn_mode mode)
{
    qn_node_cfg cfg = {.mode = mode,
                       .lab = true,
                       .carrier = m->carrier,
                       .network = &m->net,
                       .origin = origin_addr};

    if (mode != QN_CLIENT)
        cfg.listen = host(m, 4433);
    if (mode == QN_EXIT || mode == QN_SUPER)
        memcpy(cfg.contact, "abuse@lab.example", sizeof "abuse@lab.example");
    qn_keys_generate(pw_env(m->w), &cfg.keys);
    return cfg;
}

static void found(mesh *m, const qn_node_cfg *super)
{
    qn_env *env = pw_env(m->w);
    qn_operator *o = &m->net.operators[0];
    qn_sign_secret sign;
    qn_sign_public sign_pub;
    qn_dh_secret link;
    qn_dh_public link_pub;
    uint8_t file[QN_NETWORK_FILE_MAX];
    size_t n;

    qn_rng_fill(env, m->founder.b, sizeof m->founder.b);
    qn_rng_fill(env, m->operator_seed.b, sizeof m->operator_seed.b);
    memcpy(sign.seed, m->operator_seed.b, sizeof sign.seed);
    qn_sign_derive(&sign, &sign_pub);
    memcpy(link.b, super->keys.link.b, sizeof link.b);
    qn_dh_derive(&link, &link_pub);
    m->net = (qn_network){
        .name = "pocket", .lab = true, .created = env->wall, .threshold = 1, .operators_n = 1};
    QN_ASSERT(qn_keys_peerid(env, &super->keys, &o->id) == QN_OK);
    memcpy(o->sign_key, sign_pub.b, sizeof o->sign_key);
    memcpy(o->link_key, link_pub.b, sizeof o->link_key);
    o->addr = super->listen;
    QN_ASSERT(qn_network_encode(&m->net, env, &m->founder, file, sizeof file, &n) == QN_OK);
}

pw_node *mesh_add_client(mesh *m, const char *name, qn_route route)
{
    qn_node_cfg cfg = base_cfg(m, QN_CLIENT);

    cfg.socks = true;
    cfg.route = route;
    return pw_add(m->w, name, &cfg);
}

void mesh_new(mesh *m, const mesh_cfg *cfg)
{
    static const qn_addr web = {.family = 4, .ip = {93, 184, 216, 34}, .port = 80};
    qn_node_cfg super;
    char name[16];

    *m = (mesh){.w = pw_new(&cfg->world),
                .carrier = cfg->carrier != NULL ? cfg->carrier : &qn_carrier_bare};
    (void)pw_serve(m->w, MESH_WEB, &web, PW_SERVE);
    m->origin = pw_serve(m->w, "origin.example", &origin_addr, PW_ORIGIN);
    super = base_cfg(m, QN_SUPER);
    found(m, &super);
    super.has_operator = true;
    super.operator_seed = m->operator_seed;
    m->super = pw_add(m->w, "super1", &super);
    for (uint32_t i = 0; i < cfg->relays; i++) {
        qn_node_cfg c = base_cfg(m, QN_RELAY);

        (void)snprintf(name, sizeof name, "relay%u", i + 1);
        m->relay[i] = pw_add(m->w, name, &c);
    }
    for (uint32_t i = 0; i < cfg->exits; i++) {
        qn_node_cfg c = base_cfg(m, QN_EXIT);

        (void)snprintf(name, sizeof name, "exit%u", i + 1);
        m->exit[i] = pw_add(m->w, name, &c);
    }
    m->client = mesh_add_client(m, "client1", cfg->route);
}

qn_status mesh_status(pw_node *n)
{
    qn_status s;

    qn_node_status(pw_core(n), &s);
    return s;
}

static bool client_connected(void *ctx)
{
    mesh *m = ctx;

    return mesh_status(m->client).state == QN_CONNECTED;
}

bool mesh_ready(mesh *m, qn_time within)
{
    return pw_run(m->w, pw_now(m->w) + within, client_connected, m);
}

static bool fetch_over(void *ctx)
{
    return pw_outcome(ctx) != PW_RUNNING;
}

pw_result mesh_await(mesh *m, pw_fetch *f, qn_time within)
{
    (void)pw_run(m->w, pw_now(m->w) + within, fetch_over, f);
    if (pw_outcome(f) != PW_DONE && getenv("POCKET_LOG") != NULL)
        fprintf(stderr, "pocket: fetch: SOCKS reply %d, %llu bytes, %s end%s\n", pw_socks_reply(f),
                (unsigned long long)pw_received(f), pw_clean_end(f) ? "clean" : "no clean",
                pw_corrupt(f) ? ", corrupt" : "");
    return pw_outcome(f);
}

void mesh_free(mesh *m)
{
    pw_free(m->w);
}

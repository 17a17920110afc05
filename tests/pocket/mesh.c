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

qn_node_cfg mesh_cfg_for(mesh *m, qn_mode mode)
{
    qn_node_cfg cfg = {.mode = mode,
                       .lab = true,
                       .carrier = m->carrier,
                       .network = &m->net,
                       .origin = origin_addr};

    if (m->carrier == &qn_carrier_htx)
        cfg.htx = &m->htx;
    if (mode != QN_CLIENT)
        cfg.listen = host(m, 4433);
    if (mode != QN_CLIENT && cfg.htx != NULL && !m->nameless)
        for (unsigned i = 0; i < m->site.names_n; i++)
            pw_name(m->w, (const char *)m->site.name[i].p, &cfg.listen);
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
    uint8_t card[QN_HTX_CONTACT_CARD_MAX];
    size_t n, part, card_n;
    char why[160];

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
    QN_ASSERT(qn_network_encode(&m->net, env, &m->founder, m->file, sizeof m->file, &n) == QN_OK);
    if (super->htx == NULL)
        return;
    QN_ASSERT(qn_htx_found(env, &m->site, QN_HTX_EPOCHS_MAX,
                           (qn_span){m->super_keys, sizeof m->super_keys}, &m->super_keys_n,
                           (qn_span){card, sizeof card}, &card_n) == QN_OK);
    QN_ASSERT(qn_network_contact(&m->net, &m->operator_seed, qn_slice_of(card, card_n), m->file + n,
                                 sizeof m->file - n, &part) == QN_OK);
    QN_ASSERT(qn_network_decode(&m->net, env, m->file, n + part, why) == QN_OK);
}

static void use_htx(mesh *m, const mesh_htx *htx)
{
    m->carrier = &qn_carrier_htx;
    m->site = htx->origin;
    m->site.addr = origin_addr;
    m->htx = (qn_htx_cfg){.profile = htx->profile, .roots = htx->roots, .origin = &m->site};
    m->origin = pw_serve_site(m->w, &origin_addr, &htx->site);
}

pw_node *mesh_add_client(mesh *m, const char *name, qn_route route)
{
    qn_node_cfg cfg = mesh_cfg_for(m, QN_CLIENT);

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
                .nameless = cfg->nameless,
                .carrier = cfg->carrier != NULL ? cfg->carrier : &qn_carrier_bare};
    (void)pw_serve(m->w, MESH_WEB, &web, PW_SERVE);
    if (cfg->htx != NULL)
        use_htx(m, cfg->htx);
    else
        m->origin = pw_serve(m->w, "origin.example", &origin_addr, PW_ORIGIN);
    super = mesh_cfg_for(m, QN_SUPER);
    found(m, &super);
    super.has_operator = true;
    super.operator_seed = m->operator_seed;
    m->htx.stored_mirror_keys = qn_slice_of(m->super_keys, m->super_keys_n);
    m->super_cfg = super;
    m->super = pw_add(m->w, "super1", &super);
    m->htx.stored_mirror_keys = (qn_slice){0};
    for (uint32_t i = 0; i < cfg->relays; i++) {
        qn_node_cfg c = mesh_cfg_for(m, QN_RELAY);

        (void)snprintf(name, sizeof name, "relay%u", i + 1);
        m->relay[i] = pw_add(m->w, name, &c);
    }
    for (uint32_t i = 0; i < cfg->exits; i++) {
        qn_node_cfg c = mesh_cfg_for(m, QN_EXIT);

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

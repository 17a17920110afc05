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

static void list_operator(mesh *m, uint32_t i)
{
    qn_env *env = pw_env(m->w);

    qn_rng_fill(env, m->operator_seed[i].b, sizeof m->operator_seed[i].b);
    m->operator_cfg[i] = mesh_cfg_for(m, QN_SUPER);
    m->operator_cfg[i].has_operator = true;
    m->operator_cfg[i].operator_seed = m->operator_seed[i];
    QN_ASSERT(qn_operator_of(env, &m->operator_cfg[i].keys, &m->operator_seed[i],
                             &m->operator_cfg[i].listen, &m->net.operators[i]) == QN_OK);
}

/* How HTX reaches an operator, behind the n bytes of the file; returns its new length. */
static size_t add_contact(mesh *m, uint32_t i, size_t n)
{
    qn_env *env = pw_env(m->w);
    uint8_t card[QN_HTX_CONTACT_CARD_MAX];
    size_t part, card_n;

    QN_ASSERT(qn_htx_found(env, &m->net.operators[i].id, &m->site, QN_HTX_EPOCHS_MAX,
                           (qn_span){m->operator_keys[i], sizeof m->operator_keys[i]},
                           &m->operator_keys_n[i], (qn_span){card, sizeof card}, &card_n) == QN_OK);
    QN_ASSERT(qn_network_contact(&m->net, &m->operator_seed[i], qn_slice_of(card, card_n),
                                 m->file + n, sizeof m->file - n, &part) == QN_OK);
    return n + part;
}

static void found(mesh *m, uint32_t operators)
{
    qn_env *env = pw_env(m->w);
    size_t n;
    char why[160];

    qn_rng_fill(env, m->founder.b, sizeof m->founder.b);
    m->net = (qn_network){.name = "pocket",
                          .lab = true,
                          .created = env->wall,
                          .threshold = (uint8_t)(operators / 2 + 1),
                          .operators_n = (uint8_t)operators};
    for (uint32_t i = 0; i < operators; i++)
        list_operator(m, i);
    QN_ASSERT(qn_network_encode(&m->net, env, &m->founder, m->file, sizeof m->file, &n) == QN_OK);
    for (uint32_t i = 0; i < operators && m->carrier == &qn_carrier_htx; i++)
        n = add_contact(m, i, n);
    QN_ASSERT(qn_network_decode(&m->net, env, m->file, n, why) == QN_OK);
}

static void start_operator(mesh *m, uint32_t i)
{
    char name[16];

    (void)snprintf(name, sizeof name, "super%u", i + 1);
    m->htx.stored_mirror_keys = qn_slice_of(m->operator_keys[i], m->operator_keys_n[i]);
    m->operator[i] = pw_add(m->w, name, &m->operator_cfg[i]);
    m->htx.stored_mirror_keys = (qn_slice){0};
}

void mesh_restart_operator(mesh *m, uint32_t i)
{
    qn_node_cfg *cfg = &m->operator_cfg[i];
    const pw_node *old = m->operator[i];

    cfg->stored_snapshot = pw_stored(old, "snapshot");
    cfg->stored_signed = pw_stored(old, "signed");
    cfg->stored_equivocations = pw_stored(old, "equivocations");
    cfg->stored_roots = pw_stored(old, "roots");
    start_operator(m, i);
}

/* Where the mesh keeps this node, and how it was started; NULL: it is none of these. */
static pw_node **place_of(mesh *m, const pw_node *n, qn_node_cfg **cfg)
{
    for (uint32_t i = 0; i < MESH_OPERATORS_MAX; i++)
        if (m->operator[i] == n) {
            *cfg = &m->operator_cfg[i];
            return &m->operator[i];
        }
    for (uint32_t i = 0; i < MESH_RELAYS_MAX; i++)
        if (m->relay[i] == n || m->exit[i] == n) {
            *cfg = m->relay[i] == n ? &m->relay_cfg[i] : &m->exit_cfg[i];
            return m->relay[i] == n ? &m->relay[i] : &m->exit[i];
        }
    return NULL;
}

void mesh_restart(mesh *m, const pw_node *gone, bool disk)
{
    qn_node_cfg *cfg;
    pw_node **place = place_of(m, gone, &cfg);

    QN_ASSERT(place != NULL);
    cfg->stored_snapshot = disk ? pw_stored(gone, "snapshot") : (qn_slice){0};
    cfg->stored_signed = disk ? pw_stored(gone, "signed") : (qn_slice){0};
    cfg->stored_equivocations = disk ? pw_stored(gone, "equivocations") : (qn_slice){0};
    cfg->stored_roots = disk ? pw_stored(gone, "roots") : (qn_slice){0};
    *place = pw_add(m->w, pw_name_of(gone), cfg);
    m->super = m->operator[0];
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
    char name[16];

    *m = (mesh){.w = pw_new(&cfg->world),
                .nameless = cfg->nameless,
                .carrier = cfg->carrier != NULL ? cfg->carrier : &qn_carrier_bare};
    (void)pw_serve(m->w, MESH_WEB, &web, PW_SERVE);
    if (cfg->htx != NULL)
        use_htx(m, cfg->htx);
    else
        m->origin = pw_serve(m->w, "origin.example", &origin_addr, PW_ORIGIN);
    found(m, QN_MAX(cfg->operators, 1u));
    for (uint32_t i = 0; i < m->net.operators_n; i++)
        start_operator(m, i);
    m->super = m->operator[0];
    for (uint32_t i = 0; i < cfg->relays; i++) {
        m->relay_cfg[i] = mesh_cfg_for(m, QN_RELAY);
        (void)snprintf(name, sizeof name, "relay%u", i + 1);
        m->relay[i] = pw_add(m->w, name, &m->relay_cfg[i]);
    }
    for (uint32_t i = 0; i < cfg->exits; i++) {
        m->exit_cfg[i] = mesh_cfg_for(m, QN_EXIT);
        (void)snprintf(name, sizeof name, "exit%u", i + 1);
        m->exit[i] = pw_add(m->w, name, &m->exit_cfg[i]);
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

int mesh_seeds(int usual)
{
    const char *many = getenv("POCKET_SEEDS");

    if (getenv("POCKET_SEED") != NULL)
        return 1;
    return many != NULL ? atoi(many) : usual;
}

uint64_t mesh_seed(int i)
{
    const char *only = getenv("POCKET_SEED");

    return only != NULL ? strtoull(only, NULL, 10) : (uint64_t)i + 1;
}

/*
 * What a node that has proved who it is may say to others beside the directory: NEWS, HEARD,
 * INTRODUCE, PROVEN and MOOR with descriptors of its own, of others, made up and harmed; passages
 * to anybody, and whatever bytes in them; and announcements in the local network. It says them in
 * the pocket world, over real links, while a user fetches. The first byte chooses the world's seed.
 *
 * Tables stay within their bounds, a client keeps nothing that the list does not name, no fetch
 * gets a wrong byte, and every node gives all its memory back (pw_free asserts it). Each run builds
 * a mesh, so this target is slow.
 */
#include "fuzz.h"

#include "node/internal.h"
#include "pocket/internal.h"
#include "pocket/mesh.h"

enum { VERBS = 8, FORGED = 4 };

typedef struct forged { /* a signed descriptor of a node that does not exist */
    uint8_t bytes[QN_DESCRIPTOR_MAX];
    size_t n;
    qn_addr at;
} forged;

static struct {
    mesh m;
    pw_fetch *fetch;
    forged made[FORGED];
    bool lies; /* every HEARD says this: */
    uint8_t told[QN_GOSSIP_SAMPLE][QN_DESCRIPTOR_MAX];
    qn_slice says[QN_GOSSIP_SAMPLE];
} play;

/* ---- nodes and descriptors ------------------------------------------------------------------- */

static pw_node *some_node(fz_in *in)
{
    pw_node *const v[] = {play.m.relay[0], play.m.relay[1], play.m.exit[0], play.m.super,
                          play.m.client};

    return v[fz_below(in, QN_LEN(v))];
}

static void forge(uint8_t i)
{
    qn_node *like = pw_core(play.m.relay[0]);
    qn_secret32 identity = {{0x77, i}};
    qn_descriptor d = like->asker.self;
    forged *f = &play.made[i];

    d.addrs[0].ip[3] = (uint8_t)(200 + i);
    d.via_n = i % 2;
    d.via[0] = pw_core(play.m.super)->id;
    f->at = d.addrs[0];
    FZ_CHECK(qn_descriptor_sign(&d, pw_env(play.m.w), &like->net, &identity, f->bytes, &f->n) ==
             QN_OK);
}

/* Whole, or with a byte changed, or cut short; or any bytes. */
static qn_slice some_descriptor(fz_in *in, uint8_t out[QN_DESCRIPTOR_MAX])
{
    uint8_t kind = fz_u8(in), harm = fz_u8(in);
    qn_slice d = fz_take(in, kind % 3 == 2 ? 64 : 0);
    const forged *f = &play.made[kind / 3 % FORGED];

    if (kind % 3 == 0)
        d = qn_node_descriptor(pw_core(some_node(in)));
    else if (kind % 3 == 1)
        d = qn_slice_of(f->bytes, f->n);
    if (d.n == 0)
        return qn_slice_of(out, 0);
    memcpy(out, d.p, d.n);
    if (harm >= 0xc0)
        out[fz_u16(in) % d.n] ^= harm;
    else if (harm >= 0x80)
        d.n -= fz_u8(in) % d.n;
    return qn_slice_of(out, d.n);
}

/* In place of heard_news: what the node that is asked tells. */
unsigned __real_heard_news(const qn_node *n, qn_slice held, qn_slice *out, unsigned max);
unsigned __wrap_heard_news(const qn_node *n, qn_slice held, qn_slice *out, unsigned max);

unsigned __wrap_heard_news(const qn_node *n, qn_slice held, qn_slice *out, unsigned max)
{
    if (!play.lies)
        return __real_heard_news(n, held, out, max);
    for (unsigned i = 0; i < max; i++)
        out[i] = play.says[i];
    return max;
}

/* ---- saying it ------------------------------------------------------------------------------- */

static neighbour *some_link(qn_node *n, fz_in *in)
{
    unsigned skip = fz_below(in, 4);
    neighbour *found = NULL;

    for (neighbour *nb = n->neighbours; nb != NULL; nb = nb->next)
        if (nb->under.up && !nb->over && !nb->retired && (found == NULL || skip-- > 0))
            found = nb;
    return found;
}

/* A stream of that kind, which ends as a question does. */
static gossip_ask *open_stream(qn_node *n, fz_in *in, uint8_t kind)
{
    neighbour *nb = some_link(n, in);
    gossip_ask *g = NULL;

    for (unsigned i = 0; i < QN_GOSSIP_FANOUT; i++)
        if (n->discovery.ask[i].tie.nb == NULL)
            g = &n->discovery.ask[i];
    if (nb == NULL || g == NULL || n->stopping)
        return NULL;
    qn_dir_reader_clear(&g->reader, n->env);
    g->asking = ASK_NEWS;
    if (!node_timer(n, &g->timer, TIMER_GOSSIP_ASK, n->env->now + 30 * QN_SEC) ||
        tie_open(&g->tie, TIE_GOSSIP, g, nb, kind) != QN_OK)
        return NULL;
    neighbour_touch(nb);
    return g;
}

static void send(gossip_ask *g, const void *p, size_t n)
{
    if (g->tie.nb == NULL || n == 0 ||
        qn_link_send_bytes(&g->tie.nb->link, g->tie.stream, p, n, false) != QN_OK)
        return;
    neighbour_touch(g->tie.nb);
}

static void say_message(qn_node *n, fz_in *in)
{
    static const qn_dir_type types[] = {QN_DIR_NEWS, QN_DIR_INTRODUCE, QN_DIR_PROVEN, QN_DIR_MOOR,
                                        QN_DIR_HEARD};
    gossip_ask *g = open_stream(n, in, QN_KIND_DIRECTORY);
    uint8_t head[QN_DIR_HEAD_MAX], bytes[QN_DESCRIPTOR_MAX];
    qn_dir_message m = {.type = types[fz_below(in, QN_LEN(types))], .version = fz_u8(in)};

    if (m.type == QN_DIR_NEWS)
        m.bytes = fz_chunk(in);
    else if (m.type != QN_DIR_PROVEN)
        m.bytes = some_descriptor(in, bytes);
    m.bytes.n = QN_MIN(m.bytes.n, sizeof bytes);
    if (g == NULL)
        return;
    send(g, head, qn_dir_message_head(&m, head));
    send(g, m.bytes.p, m.bytes.n);
}

static void say_passage(qn_node *n, fz_in *in)
{
    gossip_ask *g = open_stream(n, in, QN_KIND_PASSAGE);
    const qn_peerid *to = &pw_core(some_node(in))->id;
    qn_slice bytes = fz_chunk(in);
    size_t of_id = fz_u8(in) < 0xe0 ? sizeof to->b : fz_below(in, 32);

    if (g == NULL)
        return;
    send(g, to->b, of_id);
    send(g, bytes.p, bytes.n);
}

static void learn_lies(fz_in *in)
{
    for (unsigned i = 0; i < QN_GOSSIP_SAMPLE; i++)
        play.says[i] = some_descriptor(in, play.told[i]);
    play.lies = true;
}

static void hint(qn_node *n, fz_in *in)
{
    uint8_t bytes[QN_DESCRIPTOR_MAX];
    qn_slice d = some_descriptor(in, bytes);
    const qn_addr *at = &play.made[fz_below(in, FORGED)].at;
    qn_slice exact = fz_exact(d);

    FZ_CHECK(qn_node_hint(n, exact, at) != QN_NOMEM);
}

static void act(fz_in *in)
{
    uint32_t verb = fz_below(in, VERBS);
    pw_node *of = some_node(in);
    qn_node *n = pw_core(of);
    neighbour *nb;

    pw__stamp(of);
    switch (verb) {
    case 0:
    case 1:
        say_message(n, in);
        break;
    case 2:
        say_passage(n, in);
        break;
    case 3:
        learn_lies(in);
        break;
    case 4:
        nb = some_link(n, in);
        if (nb != NULL)
            gossip_ask_one(n, nb, ASK_NEWS);
        break;
    case 5:
        hint(n, in);
        break;
    case 6:
        if (n->cfg.mode != QN_CLIENT && n->op == NULL)
            berths_seek(n);
        break;
    default:
        break;
    }
    pw__drain(of);
    if (verb == 7)
        (void)pw_run(play.m.w, pw_now(play.m.w) + fz_u8(in) * 200 * QN_MS, NULL, NULL);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void check_heard(const qn_node *n)
{
    const qn_heard *h = &n->discovery.heard;

    FZ_CHECK(h->n <= QN_HEARD_MAX);
    for (uint32_t i = 0; i < h->n; i++) {
        unsigned told = 0;

        FZ_CHECK(n->cfg.mode != QN_CLIENT || h->v[i]->listed);
        for (uint32_t k = 0; k < h->n; k++)
            told += !h->v[k]->listed && h->v[k]->reached == 0 &&
                    qn_peerid_equal(&h->v[k]->from, &h->v[i]->from);
        FZ_CHECK(told <= QN_HEARD_PER_TELLER + 1);
    }
}

static void check(void)
{
    pw_node *const v[] = {play.m.relay[0], play.m.relay[1], play.m.exit[0], play.m.super,
                          play.m.client};

    for (unsigned i = 0; i < QN_LEN(v); i++) {
        const discovery *x = &pw_core(v[i])->discovery;

        check_heard(pw_core(v[i]));
        FZ_CHECK(x->moorings_n <= QN_MOORED_MAX && x->passages_n <= QN_PASSAGES_MAX);
    }
    FZ_CHECK(!pw_corrupt(play.fetch));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};
    mesh_cfg cfg = {.world = {.seed = fz_u8(&in), .delay_min = QN_MS, .delay_max = 20 * QN_MS},
                    .relays = 2,
                    .exits = 1,
                    .route = QN_ROUTE_PRIVACY};
    unsigned verbs = 0;

    memset(&play, 0, sizeof play);
    mesh_new(&play.m, &cfg);
    FZ_CHECK(mesh_ready(&play.m, 60 * QN_SEC));
    for (uint8_t i = 0; i < FORGED; i++)
        forge(i);
    play.fetch = pw_get(play.m.w, play.m.client, MESH_WEB, 80, 100, 100000, NULL);
    while (in.n > 0 && verbs++ < 64) {
        act(&in);
        check();
    }
    (void)pw_run(play.m.w, pw_now(play.m.w) + 60 * QN_SEC, NULL, NULL);
    check();
    mesh_free(&play.m);
    return 0;
}

void fz_seeds(void)
{
    fz_seed("news",
            "\1\0\0\0\0\0\0\x10"
            "abcdefgh\0\0\0\0\0\0\0\1\7\0\x0a\4\1\0\7\0\x0a",
            29);
    fz_seed("introduce-moor", "\2\0\0\0\1\5\0\0\0\7\0\x0a\1\1\0\3\5\0\0\1\7\1\x0a\0\2\1\3\5\1\x40",
            29);
    fz_seed("lies", "\3\3\0\1\0\4\0\7\0\x0a\0\0\0\1\1\1\xc1\3\0\2\0xyz\4\1\0\7\0\x20\4\0\1\7\0\x20",
            33);
    fz_seed("passages",
            "\4\2\0\0\1\0\5hello\0\7\0\x05\6\0\2\1\0\0\0\0\0\7\0\x30\2\1\1\0\0\1x\xff\5", 33);
    fz_seed("hints", "\5\5\0\1\0\0\5\1\4\0\1\5\2\0\0\0\0\7\0\x20\5\0\1\xc1\0\7\1\7\0\x40", 29);
}

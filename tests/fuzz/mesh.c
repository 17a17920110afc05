/*
 * A small mesh in the pocket world (two relays, two exits, one client) while things happen:
 * fetches, harmed, lost and repeated bytes between nodes, garbage from strangers, cuts, deaths,
 * stalls, failing allocations, stops. The first bytes choose the seed of the world and the cuts.
 *
 * No fetch gets a wrong byte, none that was cut ends clean (promise P1), and every node gives all
 * its memory back (pw_free asserts it). Each run builds a mesh, so this target is slow.
 */
#include "fuzz.h"

#include "pocket/internal.h"
#include "pocket/mesh.h"

enum { FETCHES = 8, VERBS = 12 };

typedef struct play {
    mesh m;
    pw_fetch *fetch[FETCHES];
    unsigned fetches;
} play;

static void pass(play *p, qn_time by)
{
    (void)pw_run(p->m.w, pw_now(p->m.w) + by, NULL, NULL);
}

static pw_node *some_node(const play *p, fz_in *in)
{
    uint32_t i = fz_below(in, 6);

    return i < 2 ? p->m.relay[i] : i < 4 ? p->m.exit[i - 2] : i == 4 ? p->m.super : p->m.client;
}

/* One between two nodes; NULL: none. */
static pw_pipe *some_pipe(const play *p, fz_in *in)
{
    unsigned n = 0, pick = fz_u8(in);
    pw_pipe *found = NULL;

    for (unsigned round = 0; round < 2 && found == NULL; round++) {
        for (pw_pipe *i = p->m.w->pipes; i != NULL; i = i->next) {
            if (i->dead || !i->open || i->end[0].kind != HOLD_NODE || i->end[1].kind != HOLD_NODE)
                continue;
            if (round == 1 && pick-- == 0)
                found = i;
            n += round == 0;
        }
        if (n == 0)
            return NULL;
        pick %= n;
    }
    return found;
}

static void fetch(play *p, fz_in *in)
{
    static const char *const users[] = {"fast", "privacy", "privacy+x", NULL};
    uint64_t up = fz_u16(in), down = 1 + fz_u16(in) * UINT64_C(4);

    if (p->fetches < FETCHES)
        p->fetch[p->fetches++] =
            pw_get(p->m.w, p->m.client, MESH_WEB, 80, up, down, users[fz_below(in, 4)]);
}

/* A bit of what is on its way is flipped. */
static void harm(play *p, fz_in *in)
{
    pw_pipe *pipe = some_pipe(p, in);
    uint8_t bits = fz_u8(in);
    chunk *c = pipe != NULL ? pipe->lane[bits & 1].first : NULL;

    if (c != NULL && c->len > c->off)
        c->data[c->off + fz_u16(in) % (c->len - c->off)] ^= (uint8_t)(1u << (bits >> 1 & 7));
}

/* Bytes nobody sent. */
static void inject(play *p, fz_in *in)
{
    pw_pipe *pipe = some_pipe(p, in);
    int from = fz_u8(in) & 1;
    qn_slice bytes = fz_chunk(in);

    if (pipe != NULL && bytes.n > 0)
        pw__write(p->m.w, pipe, from, bytes.p, bytes.n, false);
}

/* A stranger connects to a node, says something and goes. */
static void stranger(play *p, fz_in *in)
{
    static const qn_addr from = {.family = 4, .ip = {192, 0, 2, 7}, .port = 7};
    pw_node *n = some_node(p, in);
    qn_slice bytes = fz_chunk(in);
    qn_conn c;
    qn_span v[2];

    if (n->dead)
        return;
    pw__stamp(n);
    c = qn_node_accepted(n->core, n == p->m.client ? QN_LISTEN_SOCKS : QN_LISTEN_LINK, &from,
                         &from);
    if (c != 0 && qn_node_space(n->core, c, v, 2) > 0) {
        size_t part = QN_MIN(v[0].n, bytes.n);

        if (part > 0)
            memcpy(v[0].p, bytes.p, part);
        qn_node_commit(n->core, c, part);
    }
    pw__drain(n);
    pw__stamp(n);
    qn_node_ended(n->core, c, QN_END_RESET);
    pw__drain(n);
}

/* A name resolves to something it should not. */
static void lie(play *p, fz_in *in)
{
    pw_node *n = some_node(p, in);
    qn_addr a = {.family = 4, .ip = {127, 0, 0, 1}, .port = 80};
    uint32_t query = fz_u8(in) | (uint32_t)fz_u8(in) << 20;

    if (n->dead)
        return;
    pw__stamp(n);
    qn_node_resolved(n->core, query, &a, 1, QN_OK);
    pw__drain(n);
}

static void act(play *p, fz_in *in)
{
    pw_node *n;

    switch (fz_below(in, VERBS)) {
    case 0:
    case 1:
        fetch(p, in);
        break;
    case 2:
        pass(p, fz_u8(in) * 2 * QN_MS);
        break;
    case 3:
        pass(p, fz_u8(in) * 100 * QN_MS);
        break;
    case 4:
        harm(p, in);
        break;
    case 5:
        inject(p, in);
        break;
    case 6:
        stranger(p, in);
        break;
    case 7:
        lie(p, in);
        break;
    case 8:
        (void)pw_cut(p->m.w, NULL, NULL);
        break;
    case 9:
        n = some_node(p, in);
        if (!n->dead)
            pw_fail_alloc(n, fz_u8(in));
        break;
    case 10:
        n = some_node(p, in);
        if (!n->dead && n != p->m.client)
            (fz_u8(in) & 1 ? pw_kill : pw_stop)(p->m.w, n);
        break;
    default:
        if (p->fetches > 0)
            pw_pause_reading(p->m.w, p->fetch[fz_below(in, p->fetches)], fz_u8(in) & 1);
        break;
    }
}

static void check(const play *p)
{
    for (unsigned i = 0; i < p->fetches; i++) {
        const pw_fetch *f = p->fetch[i];

        FZ_CHECK(!pw_corrupt(f));
        FZ_CHECK(pw_outcome(f) != PW_FAILED || pw_socks_reply(f) != 0 || !pw_clean_end(f));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};
    play x = {0};
    mesh_cfg cfg = {.world = {.seed = fz_u8(&in),
                              .delay_min = QN_MS,
                              .delay_max = 20 * QN_MS,
                              .cut_max = fz_u8(&in) * 64u},
                    .relays = 2,
                    .exits = 2,
                    .route = QN_ROUTE_FAST};
    unsigned verbs = 0;

    mesh_new(&x.m, &cfg);
    FZ_CHECK(mesh_ready(&x.m, 60 * QN_SEC));
    while (in.n > 0 && verbs++ < 64) {
        act(&x, &in);
        check(&x);
    }
    pass(&x, 60 * QN_SEC);
    check(&x);
    mesh_free(&x.m);
    return 0;
}

void fz_seeds(void)
{
    fz_seed("two-fetches", "\1\0\0\1\0\x10\0\0\0\0\x20\x40\0\1\3\x40", 16);
    fz_seed("cuts", "\2\x20\0\1\0\x40\0\3\2\x30\x08\2\x30\x08\3\x10", 16);
    fz_seed("harm", "\3\0\0\1\0\x40\0\1\2\x28\4\0\1\0\7\4\1\0\0\x40\3\x10", 22);
    fz_seed("inject", "\4\xff\0\1\0\x10\0\0\2\x20\5\0\1\0\5abcde\3\x10", 22);
    fz_seed("strangers", "\5\0\6\4\0\3GET\6\5\0\4\5\1\0\5\6\2\0\5\x17\3\3\0\x30\7\2\1\0\3\5", 29);
    fz_seed("deaths", "\6\0\0\1\0\x40\0\1\2\x20\x0a\2\1\3\5\x0a\0\0\3\x20", 19);
    fz_seed("no-memory", "\7\0\0\1\0\x10\0\1\x09\2\x05\x09\5\x09\2\x40\x09\0\2\3\x20", 20);
    fz_seed("stalls", "\x08\0\0\1\0\xff\xff\0\2\x60\x0b\0\1\3\x30\x0b\0\0\3\x30", 20);
}

/*
 * Roots: chains of them, applied to a network of one operator. Byte 0 chooses: 0 raw bytes; 1 a
 * body that the harness signs with as many of its four operator keys as the input says.
 *
 * What is refused changes nothing; what is accepted is the next number, and is passed over when it
 * comes again.
 */
#include "dirnet.h"

#include "dir/body.h"
#include "dir/root.h"

enum { KEYS = 4 };

static qn_network network;

static void make_fixed(qn_env *env)
{
    static uint8_t file[QN_NETWORK_FILE_MAX];
    qn_secret32 founder = fz_secret('f', 0);
    size_t n;

    if (network.root > 0)
        return;
    fz_draft_network(&network, false);
    FZ_CHECK(qn_network_encode(&network, env, &founder, file, sizeof file, &n) == QN_OK);
}

static void name_operator(qn_network *net, unsigned at, uint8_t who)
{
    qn_secret32 seed = fz_secret('o', who);
    qn_operator *o = &net->operators[at];
    qn_sign_secret secret;
    qn_sign_public pub;

    memcpy(secret.seed, seed.b, sizeof secret.seed);
    qn_sign_derive(&secret, &pub);
    memcpy(o->sign_key, pub.b, sizeof o->sign_key);
    memset(o->id.b, 0x10 + who, sizeof o->id.b);
    memset(o->link_key, 0x40 + who, sizeof o->link_key);
    o->addr = (qn_addr){.family = 4, .ip = {9, 9, 9, (uint8_t)(9 + who)}, .port = 443};
}

static void apply(qn_slice chain)
{
    qn_network net = network, before;

    for (unsigned i = 0; i < 8 && chain.n > 0; i++) {
        qn_slice whole = chain, again;
        qn_err err;

        before = net;
        err = qn_root_apply(&net, &chain);
        if (err != QN_OK) {
            FZ_CHECK(qn_err_band(err) == QN_BAND_PEER);
            FZ_CHECK(memcmp(&net, &before, sizeof net) == 0);
            return;
        }
        FZ_CHECK(chain.n < whole.n && net.root <= before.root + 1 && net.root >= before.root);
        FZ_CHECK(net.threshold > net.operators_n / 2 && net.threshold <= net.operators_n);
        before = net;
        again = qn_slice_of(whole.p, whole.n - chain.n);
        FZ_CHECK(qn_root_apply(&net, &again) == QN_OK && net.root == before.root);
        FZ_CHECK(qn_roots_last(whole) >= 1);
    }
}

/* Operators, threshold and who signs, as the input says. */
static qn_slice make(fz_in *in, uint8_t *out, size_t cap)
{
    static uint8_t one[QN_ROOT_MAX];
    qn_network next = network;
    uint8_t named = fz_u8(in), signers = fz_u8(in);
    size_t n;

    next.root = 1 + fz_below(in, 4);
    next.threshold = (uint8_t)fz_below(in, KEYS + 1);
    next.operators_n = 0;
    for (uint8_t i = 0; i < KEYS; i++)
        if (named >> i & 1)
            name_operator(&next, next.operators_n++, i);
    if (qn_root_draft(&next, FZ_EPOCH, out, cap, &n) != QN_OK)
        return (qn_slice){0};
    for (uint8_t i = 0; i < KEYS; i++) {
        qn_secret32 seed = fz_secret('o', i);
        size_t one_n;

        if ((signers >> i & 1) != 0 &&
            qn_root_sign(&network, qn_slice_of(out, n), &seed, one, sizeof one, &one_n) == QN_OK)
            memcpy(out, one, n = one_n);
    }
    if (fz_u8(in) == 1 && n > 0) /* one byte is another */
        out[fz_u16(in) % n] ^= fz_u8(in);
    return qn_slice_of(out, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static uint8_t out[QN_ROOT_MAX];
    fz_in in = {p, n};
    unsigned way = fz_below(&in, 2);
    fz_env t;

    fz_env_open(&t, 0);
    make_fixed(&t.env);
    apply(fz_exact(way == 0 ? qn_slice_of(in.p, in.n) : make(&in, out, sizeof out)));
    fz_env_close(&t);
    return 0;
}

void fz_seeds(void)
{
    static const uint8_t two[] = {1, 3, 3, 1, 2, 0}, lone[] = {1, 2, 1, 1, 1, 0};
    static uint8_t out[QN_ROOT_MAX];
    fz_out *o = fz_out_new();
    fz_in in = {two + 1, sizeof two - 1};
    fz_env t;
    qn_slice root;

    fz_env_open(&t, 0);
    make_fixed(&t.env);
    fz_seed("two", two, sizeof two);
    fz_seed("lone", lone, sizeof lone);
    root = make(&in, out, sizeof out);
    fz_out_bytes(o, "\0", 1);
    fz_out_bytes(o, root.p, root.n);
    fz_out_seed(o, "root");
    fz_env_close(&t);
}

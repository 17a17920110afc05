/*
 * What comes packed, and deltas. Byte 0 chooses: 0 a frame to unpack, 1 a delta to apply to a small
 * list, 2 such a delta packed, as it comes over a link.
 *
 * What is unpacked is as long as was allowed at most, and so is what a delta gives; all memory
 * comes back.
 */
#include "dirnet.h"

#include "dir/delta.h"

enum { RELAYS = 3, UNPACK_MAX = 1 << 16 };

static qn_network network;
static uint8_t whole[4096];
static size_t whole_n;

static void make_fixed(qn_env *env)
{
    static uint8_t file[QN_NETWORK_FILE_MAX];
    qn_secret32 founder = fz_secret('f', 0), operators = fz_secret('o', 0);
    qn_snapshot_signature sig;
    qn_registry r;
    qn_blob body, all;
    size_t n;

    if (whole_n > 0)
        return;
    fz_draft_network(&network, false);
    FZ_CHECK(qn_network_encode(&network, env, &founder, file, sizeof file, &n) == QN_OK);
    qn_registry_init(&r, env, &network);
    for (uint8_t i = 0; i < RELAYS; i++) {
        qn_secret32 identity = fz_secret('i', i);
        qn_descriptor d = fz_relay(i);
        uint8_t bytes[QN_DESCRIPTOR_MAX];

        FZ_CHECK(qn_descriptor_sign(&d, env, &network, &identity, bytes, &n) == QN_OK);
        FZ_CHECK(qn_registry_seed(&r, qn_slice_of(bytes, n)) == QN_OK);
    }
    FZ_CHECK(qn_snapshot_build(&body, &r, FZ_EPOCH, FZ_EPOCH + 3600, (qn_slice){0}) == QN_OK);
    FZ_CHECK(qn_snapshot_sign(&sig, env, &network, qn_slice_of(body.p, body.n), &operators) ==
             QN_OK);
    FZ_CHECK(qn_snapshot_join(&all, env, qn_slice_of(body.p, body.n), &sig, 1) == QN_OK);
    FZ_CHECK(all.n <= sizeof whole);
    memcpy(whole, all.p, all.n);
    whole_n = all.n;
    qn_blob_clear(&all, &env->mem);
    qn_blob_clear(&body, &env->mem);
    qn_registry_clear(&r);
}

static void apply(fz_env *t, qn_slice delta)
{
    qn_snapshot *held, *s;
    qn_blob made = {0};
    qn_err err;

    FZ_CHECK(qn_snapshot_open(&held, &t->env, &network, NULL, qn_slice_of(whole, whole_n), 0) ==
             QN_OK);
    err = qn_delta_apply(&made, &t->env, held, fz_exact(delta));
    FZ_CHECK(err == QN_OK ? made.n > 0 && made.n <= QN_SNAPSHOT_MAX : made.p == NULL);
    if (err == QN_OK && qn_snapshot_open(&s, &t->env, &network, NULL, qn_slice_of(made.p, made.n),
                                         held->version - 1) == QN_OK) {
        FZ_CHECK(memcmp(s->body_hash.b, held->body_hash.b, sizeof held->body_hash.b) == 0);
        qn_snapshot_drop(s); /* nobody signed another list */
    }
    qn_blob_clear(&made, &t->env.mem);
    qn_snapshot_drop(held);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};
    unsigned way = fz_below(&in, 3);
    qn_blob plain = {0};
    fz_env t;

    fz_env_open(&t, 0);
    make_fixed(&t.env);
    if (way == 1) {
        apply(&t, qn_slice_of(in.p, in.n));
    } else if (qn_unpack(&plain, &t.env.mem, fz_exact(qn_slice_of(in.p, in.n)), UNPACK_MAX) ==
               QN_OK) {
        FZ_CHECK(plain.n > 0 && plain.n <= UNPACK_MAX);
        if (way == 2)
            apply(&t, qn_slice_of(plain.p, plain.n));
    } else {
        FZ_CHECK(plain.p == NULL);
    }
    qn_blob_clear(&plain, &t.env.mem);
    fz_env_close(&t);
    return 0;
}

static void seed(uint8_t way, qn_slice what, const char *name)
{
    fz_out *o = fz_out_new();

    fz_out_bytes(o, &way, 1);
    fz_out_bytes(o, what.p, what.n);
    fz_out_seed(o, name);
}

void fz_seeds(void)
{
    qn_blob delta, packed;
    qn_outline *outline;
    qn_snapshot *s;
    fz_env t;

    fz_env_open(&t, 0);
    make_fixed(&t.env);
    FZ_CHECK(qn_snapshot_open(&s, &t.env, &network, NULL, qn_slice_of(whole, whole_n), 0) == QN_OK);
    outline = qn_snapshot_outline(s, &t.env);
    FZ_CHECK(qn_delta_write(&delta, &t.env, outline, s, outline) == QN_OK);
    FZ_CHECK(qn_pack(&packed, &t.env.mem, qn_slice_of(delta.p, delta.n)) == QN_OK);
    seed(1, qn_slice_of(delta.p, delta.n), "same");
    seed(2, qn_slice_of(packed.p, packed.n), "packed");
    qn_blob_clear(&packed, &t.env.mem);
    FZ_CHECK(qn_pack(&packed, &t.env.mem, s->bytes) == QN_OK);
    seed(0, qn_slice_of(packed.p, packed.n), "list");
    qn_blob_clear(&packed, &t.env.mem);
    qn_blob_clear(&delta, &t.env.mem);
    qn_outline_drop(outline);
    qn_snapshot_drop(s);
    fz_env_close(&t);
}

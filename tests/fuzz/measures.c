/*
 * What another operator says that relays carry: bytes from it, for a registry of some relays.
 *
 * What was refused changed nothing; what was taken is within the scale, in nobody else's name, and
 * what we say ourselves is taken back the same. All memory comes back.
 */
#include "dirnet.h"

#include "dir/capacity.h"

enum { RELAYS = 4, WE = 0, OTHER = 1 };

static qn_network network;
static uint8_t relay[RELAYS][QN_DESCRIPTOR_MAX];
static size_t relay_n[RELAYS];

/* Signing is slow, so the fixed things are made once. */
static void make_fixed(qn_env *env)
{
    static uint8_t file[QN_NETWORK_FILE_MAX];
    qn_secret32 founder = fz_secret('f', 0);
    size_t n;

    if (relay_n[0] > 0)
        return;
    fz_draft_network(&network, false);
    FZ_CHECK(qn_network_encode(&network, env, &founder, file, sizeof file, &n) == QN_OK);
    for (uint8_t i = 0; i < RELAYS; i++) {
        qn_secret32 identity = fz_secret('i', i);
        qn_descriptor d = fz_relay(i);

        FZ_CHECK(qn_descriptor_sign(&d, env, &network, &identity, relay[i], &relay_n[i]) == QN_OK);
    }
}

static void registry_open(qn_registry *r, qn_env *env, uint8_t me)
{
    qn_registry_init(r, env, &network);
    r->measures = true;
    r->me = me;
    for (unsigned i = 0; i < RELAYS; i++)
        FZ_CHECK(qn_registry_seed(r, qn_slice_of(relay[i], relay_n[i])) == QN_OK);
}

static void check(const qn_registry *r, bool taken)
{
    for (uint32_t i = 0; i < r->n; i++) {
        const qn_registration *e = r->v[i];

        FZ_CHECK(e->told[OTHER] <= QN_WEIGHT_MAX && (taken || e->told[OTHER] == 0));
        for (unsigned k = 0; k < QN_OPERATORS_MAX; k++)
            FZ_CHECK(k == OTHER || e->told[k] == 0);
        FZ_CHECK(qn_registry_weight(r, e) >= 1 && qn_registry_weight(r, e) <= QN_WEIGHT_MAX);
        FZ_CHECK(qn_registry_weight_fair(r, e, qn_registry_weight(r, e)));
    }
}

/* The other one's own registry says the same in its own words. */
static void say_again(const qn_registry *r, qn_env *env)
{
    qn_registry theirs, third;
    qn_blob said = {0};

    registry_open(&theirs, env, OTHER);
    registry_open(&third, env, WE);
    for (uint32_t i = 0; i < r->n; i++)
        if (r->v[i]->told[OTHER] != 0)
            qn_registry_measured(&theirs, &r->v[i]->d.id, OTHER, r->v[i]->told[OTHER]);
    FZ_CHECK(qn_measures_write(&said, &theirs, 0) == QN_OK);
    if (said.n > 0)
        FZ_CHECK(qn_measures_take(&third, OTHER, qn_slice_of(said.p, said.n)) == QN_OK);
    for (uint32_t i = 0; i < r->n; i++)
        FZ_CHECK(third.v[i]->told[OTHER] == r->v[i]->told[OTHER]);
    qn_blob_clear(&said, &env->mem);
    qn_registry_clear(&third);
    qn_registry_clear(&theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    qn_registry r;
    qn_err err;
    fz_env t;

    fz_env_open(&t, 0);
    make_fixed(&t.env);
    registry_open(&r, &t.env, WE);
    err = qn_measures_take(&r, OTHER, fz_exact(qn_slice_of(p, n)));
    FZ_CHECK(err == QN_OK || qn_err_band(err) == QN_BAND_PEER || err == QN_LIMIT);
    check(&r, err == QN_OK);
    if (err == QN_OK)
        say_again(&r, &t.env);
    qn_registry_clear(&r);
    fz_env_close(&t);
    return 0;
}

static void seed(const qn_registry *r, uint64_t since, const char *name)
{
    fz_out *o = fz_out_new();
    qn_blob said = {0};

    FZ_CHECK(qn_measures_write(&said, r, since) == QN_OK);
    fz_out_bytes(o, said.p, said.n);
    fz_out_seed(o, name);
    qn_blob_clear(&said, &r->env->mem);
}

void fz_seeds(void)
{
    static const uint16_t capacity[RELAYS] = {1, 23, 255, QN_WEIGHT_MAX};
    qn_registry r;
    fz_env t;

    fz_env_open(&t, 0);
    make_fixed(&t.env);
    registry_open(&r, &t.env, WE);
    for (uint32_t i = 0; i < r.n; i++)
        qn_registry_measured(&r, &r.v[i]->d.id, WE, capacity[i]);
    seed(&r, 0, "all");
    seed(&r, r.measured - 1, "one");
    fz_seed("none", "\x80", 1);
    qn_registry_clear(&r);
    fz_env_close(&t);
}

/* Cards, and mirror keys as they are stored: what is accepted is written again to the same bytes.
 */
#include "fuzz.h"

#include "htx/mirror.h"

/* Unknown keys from 128 on are passed over, and so not written again. */
static void card(qn_slice in)
{
    uint8_t out[1 << 16];
    qn_htx_card c, again;
    qn_cbor_w w;

    if (qn_htx_card_read(&c, in, QN_HTX_EPOCHS_MAX) != QN_OK)
        return;
    FZ_CHECK(qn_cbor_check(in.p, in.n) == QN_OK);
    qn_cbor_w_init(&w, out, sizeof out);
    qn_htx_card_put(&w, &c);
    FZ_CHECK(w.err == QN_OK && w.n <= in.n);
    FZ_CHECK(w.n < in.n || memcmp(out, in.p, w.n) == 0);
    FZ_CHECK(qn_htx_card_read(&again, qn_slice_of(out, w.n), QN_HTX_EPOCHS_MAX) == QN_OK);
    FZ_CHECK(again.keys_n == c.keys_n && memcmp(again.key, c.key, sizeof c.key) == 0);
}

static void stored(qn_env *env, qn_slice in)
{
    uint8_t out[QN_HTX_MIRROR_FILE_MAX];
    qn_htx_mirror m;
    size_t n;

    if (qn_htx_mirror_init(&m, in) == QN_OK && in.n > 0) {
        FZ_CHECK(qn_htx_mirror_save(&m, (qn_span){out, sizeof out}, &n) == QN_OK);
        FZ_CHECK(n == in.n && memcmp(out, in.p, n) == 0);
    }
    (void)qn_htx_mirror_turn(&m, env); /* whatever was in it, there is a key for now */
    FZ_CHECK(m.n >= QN_HTX_LISTED_KEYS && m.n <= QN_HTX_MIRROR_KEYS);
    qn_htx_mirror_wipe(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_env t;

    fz_env_open(&t, 1);
    card(qn_slice_of(p, n));
    stored(&t.env, qn_slice_of(p, n));
    fz_env_close(&t);
    return 0;
}

void fz_seeds(void)
{
    qn_htx_origin o = {.name = {qn_slice_of("a.example", 9), qn_slice_of("b-c.example", 11)},
                       .names_n = 2,
                       .largest_record = 16384,
                       .first = {{qn_slice_of("/", 1), 70000}},
                       .second = {{qn_slice_of("/a%20b?c", 8), 9000}, {qn_slice_of("/d", 2), 1}},
                       .first_n = 1,
                       .second_n = 2,
                       .idle = 75};
    static uint8_t keys[QN_HTX_MIRROR_FILE_MAX], out[QN_HTX_CONTACT_CARD_MAX];
    size_t keys_n, out_n;
    qn_peerid id = {{1, 2, 3, 4}};
    fz_env t;

    fz_env_open(&t, 1);
    FZ_CHECK(qn_htx_found(&t.env, &id, &o, 3, (qn_span){keys, sizeof keys}, &keys_n,
                          (qn_span){out, sizeof out}, &out_n) == QN_OK);
    fz_seed("card", out, out_n);
    fz_seed("keys", keys, keys_n);
    FZ_CHECK(qn_htx_found(&t.env, &id, &o, QN_HTX_EPOCHS_MAX, (qn_span){keys, sizeof keys}, &keys_n,
                          (qn_span){out, sizeof out}, &out_n) == QN_OK);
    fz_seed("card-year", out, out_n);
    fz_env_close(&t);
}

/*
 * Handshakes with a peer that says anything. Bytes 0 and 1 choose pattern and role; then chunks: an
 * empty one lets the honest peer go on, any other is read as a message first. A refused message
 * must leave no trace, so the honest conversation always ends with equal keys.
 */
#include "fuzz.h"

#include "noise/noise.h"

static const qn_noise_pattern *const patterns[] = {&qn_noise_xk, &qn_noise_xkpsk0, &qn_noise_nk};

static void open_sides(fz_env *t, qn_noise side[2], const qn_noise_pattern *pattern,
                       const char *prologue)
{
    qn_dh_secret s[2] = {{.b = {1, 2, 3}}, {.b = {4, 5, 6}}};
    qn_dh_public responder;

    qn_dh_derive(&s[1], &responder);
    for (unsigned i = 0; i < 2; i++) {
        bool initiator = i == 0;
        qn_noise_cfg cfg = {.pattern = pattern,
                            .initiator = initiator,
                            .prologue = qn_slice_of(prologue, 4),
                            .rs = initiator ? &responder : NULL,
                            .s = initiator && pattern == &qn_noise_nk ? NULL : &s[i]};

        FZ_CHECK(qn_noise_init(&side[i], &t->env, &cfg) == QN_OK);
    }
}

static void read_garbage(fz_env *t, qn_noise *x, qn_slice msg)
{
    static uint8_t payload[QN_NOISE_MESSAGE_MAX];
    qn_noise before = *x;
    size_t n = 12345, least = qn_noise_done(x) ? 0 : qn_noise_size(x, 0);
    qn_err err = qn_noise_read(x, &t->env, fz_exact(msg), payload, &n);

    FZ_CHECK(err != QN_OK && n == 12345);
    FZ_CHECK(memcmp(&before, x, sizeof before) == 0);
    FZ_CHECK(qn_noise_done(x) || qn_noise_my_turn(x) ? err == QN_STATE
             : msg.n < least                         ? err == QN_TRUNCATED
                                                     : err == QN_AUTH);
}

/* A genuine message with one bit harmed never passes, except where Noise binds nothing yet: the
 * unauthenticated first bytes always feed the tag at the end of the message. */
static void honest_step(fz_env *t, qn_noise *from, qn_noise *to, uint16_t harm)
{
    static uint8_t got[64];
    uint8_t msg[256];
    size_t n = qn_noise_size(from, 5), got_n;

    FZ_CHECK(n <= sizeof msg);
    FZ_CHECK(qn_noise_write(from, &t->env, qn_slice_of("hello", 5), msg) == QN_OK);
    msg[harm % n] ^= (uint8_t)(1u << harm % 7); /* bit 7 of a key's last byte means nothing */
    read_garbage(t, to, qn_slice_of(msg, n));
    msg[harm % n] ^= (uint8_t)(1u << harm % 7);
    FZ_CHECK(qn_noise_read(to, &t->env, qn_slice_of(msg, n), got, &got_n) == QN_OK);
    FZ_CHECK(got_n == 5 && memcmp(got, "hello", 5) == 0);
}

static void finish(fz_env *t, qn_noise side[2])
{
    qn_key a, b, c, d;

    FZ_CHECK(qn_noise_done(&side[0]) && qn_noise_done(&side[1]));
    FZ_CHECK(memcmp(qn_noise_hash(&side[0]), qn_noise_hash(&side[1]), sizeof(qn_hash)) == 0);
    FZ_CHECK(qn_noise_split(&side[0], &t->env, &a, &b) == QN_OK);
    FZ_CHECK(qn_noise_split(&side[1], &t->env, &c, &d) == QN_OK);
    FZ_CHECK(memcmp(&a, &c, sizeof a) == 0 && memcmp(&b, &d, sizeof b) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fz_in in = {p, n};
    qn_noise side[2];
    unsigned steps = 0, victim;
    fz_env t;

    fz_env_open(&t, 0);
    open_sides(&t, side, patterns[fz_below(&in, QN_LEN(patterns))], "fuzz");
    victim = fz_below(&in, 2);
    while (in.n > 0 && steps++ < 20) {
        qn_slice msg = fz_chunk(&in);
        unsigned writer = qn_noise_my_turn(&side[0]) ? 0 : 1;

        if (msg.n > 0)
            read_garbage(&t, &side[victim], msg);
        else if (!qn_noise_done(&side[0]))
            honest_step(&t, &side[writer], &side[1 - writer], (uint16_t)(n * 31 + steps));
    }
    while (!qn_noise_done(&side[0])) {
        unsigned writer = qn_noise_my_turn(&side[0]) ? 0 : 1;

        honest_step(&t, &side[writer], &side[1 - writer], (uint16_t)n);
    }
    finish(&t, side);
    for (unsigned i = 0; i < 2; i++)
        qn_noise_clear(&side[i]);
    fz_env_close(&t);
    return 0;
}

/* Each pattern and role, meeting the genuine first message of another handshake at each step. */
void fz_seeds(void)
{
    static const char *const names[] = {"xk", "xkpsk0", "nk"};

    for (unsigned i = 0; i < QN_LEN(patterns); i++)
        for (unsigned role = 0; role < 2; role++) {
            fz_out *o = fz_out_new();
            uint8_t msg[128] = {0};
            char name[32];
            qn_noise side[2];
            fz_env t;

            fz_env_open(&t, 9);
            open_sides(&t, side, patterns[i], "seed");
            FZ_CHECK(qn_noise_write(&side[0], &t.env, qn_slice_of("other", 5), msg) == QN_OK);
            fz_out_u8(o, i);
            fz_out_u8(o, role);
            for (unsigned k = 0; k < 3; k++) {
                fz_out_chunk(o, msg, qn_noise_size(&side[1], 5) + k);
                fz_out_chunk(o, NULL, 0);
            }
            (void)snprintf(name, sizeof name, "%s-%u", names[i], role);
            fz_out_seed(o, name);
        }
}

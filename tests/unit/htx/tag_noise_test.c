/*
 * Tags against random bytes: what a censor has of them is 32 bytes of a session id. Two tests that
 * know what to look for, and a distinguisher that learns; each must catch a bias planted for it.
 * The seeds are fixed, so that a verdict is one for ever.
 */
#include "../tls/fixture.h"

#include "htx/tag.h"

#include <math.h>
#include <stdlib.h>

enum { TAG = 32, BITS = 8 * TAG, TAGS = 8000, FEATURES = 2 * BITS, ROUNDS = 2 };

static qt_env t;
static uint8_t (*tags)[TAG], (*plain)[TAG];

/* Real hellos, each with its own random, its own e and its own nonce; all of one second, to one
 * peer, as a censor would like them best. */
static void make_tags(const char *profile)
{
    qn_tls_profile p = tls_profile(&t, profile);
    qn_htx_tag_cfg cfg = {.place.peer.b = {2}};
    qn_htx_tag said = {.requests = 3, .second = 364, .time = 1795000000};
    qn_dh_secret mirror;
    tls_made m;

    tls_make(&m, &t, &p, NULL);
    qn_dh_generate(&t.env, &mirror, &cfg.mirror);
    for (unsigned i = 0; i < TAGS; i++) {
        qn_dh_public e;
        qn_noise x;

        qn_dh_generate(&t.env, &cfg.e, &e);
        qn_rng_fill(&t.env, m.p + QN_TLS_HELLO_RANDOM, 32);
        qn_rng_fill(&t.env, said.nonce, sizeof said.nonce);
        memset(m.p + QN_TLS_HELLO_SESSION_ID, 0, TAG);
        qt_assert_err(qn_htx_tag_seal(&x, &t.env, &cfg, &said, m.p, m.cut), QN_OK);
        memcpy(tags[i], m.p + QN_TLS_HELLO_SESSION_ID, TAG);
        qn_noise_clear(&x);
    }
}

static void setup(void)
{
    qt_env_open(&t, 20);
    tags = calloc(TAGS, sizeof tags[0]);
    plain = calloc(TAGS, sizeof plain[0]);
    ck_assert(tags != NULL && plain != NULL);
    qn_rng_fill(&t.env, plain, TAGS * sizeof plain[0]);
}

static void teardown(void)
{
    free(tags);
    free(plain);
    qt_env_close(&t);
}

static int bit(const uint8_t *tag, unsigned i)
{
    return tag[i / 8] >> (7 - i % 8) & 1;
}

/* Sets one bit with a probability that is too high by `percent`. */
static void plant(unsigned at, unsigned percent)
{
    for (unsigned i = 0; i < TAGS; i++)
        if (qn_rng_below(&t.env, 100) < 2 * percent)
            tags[i][at / 8] |= (uint8_t)(0x80 >> at % 8);
}

/* ---- tests that know what to look for ------------------------------------------------------- */

/* NIST SP 800-22 2.1: how far the ones are from half of all, in standard deviations. */
static double monobit(const uint8_t (*v)[TAG])
{
    double sum = 0;

    for (unsigned i = 0; i < TAGS; i++)
        for (unsigned j = 0; j < BITS; j++)
            sum += 2 * bit(v[i], j) - 1;
    return fabs(sum) / sqrt((double)TAGS * BITS);
}

/* 2.3: changes between neighbours within a tag, which are half of all places. */
static double runs(const uint8_t (*v)[TAG])
{
    double changes = 0, places = (double)TAGS * (BITS - 1);

    for (unsigned i = 0; i < TAGS; i++)
        for (unsigned j = 1; j < BITS; j++)
            changes += bit(v[i], j) != bit(v[i], j - 1);
    return fabs(changes - places / 2) / sqrt(places / 4);
}

/* Every place for itself: the largest deviation of 256, in standard deviations. */
static double worst_place(const uint8_t (*v)[TAG])
{
    double worst = 0;

    for (unsigned j = 0; j < BITS; j++) {
        double sum = 0;

        for (unsigned i = 0; i < TAGS; i++)
            sum += 2 * bit(v[i], j) - 1;
        worst = fmax(worst, fabs(sum) / sqrt(TAGS));
    }
    return worst;
}

/* Two-sided p = 0.01: 2.576; of the worst of 256, 4.1 (Bonferroni). */
static bool looks_random(const uint8_t (*v)[TAG])
{
    return monobit(v) < 2.576 && runs(v) < 2.576 && worst_place(v) < 4.1;
}

/* ---- one that learns ------------------------------------------------------------------------ */

static void features(const uint8_t *tag, double *x)
{
    for (unsigned j = 0; j < BITS; j++) {
        x[j] = bit(tag, j) - 0.5;
        x[BITS + j] = (bit(tag, j) ^ bit(tag, (j + 1) % BITS)) - 0.5;
    }
}

static double score(const double *w, const double *x)
{
    double sum = 0;

    for (unsigned j = 0; j < FEATURES; j++)
        sum += w[j] * x[j];
    return sum;
}

/* Logistic regression by stochastic gradient, on the first half of both sets. */
static void learn(double *w)
{
    double x[FEATURES];

    memset(w, 0, FEATURES * sizeof w[0]);
    for (unsigned i = 0; i < ROUNDS * TAGS; i++) {
        unsigned label = i % 2, which = i / 2 % (TAGS / 2);
        double step;

        features(label == 1 ? tags[which] : plain[which], x);
        step = 0.002 * (label - 1 / (1 + exp(-score(w, x))));
        for (unsigned j = 0; j < FEATURES; j++)
            w[j] += step * x[j];
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* How often a tag of the second half scores above a random one of it: Mann and Whitney's count. */
static double auc(void)
{
    static double a[TAGS / 2], b[TAGS / 2], w[FEATURES];
    double x[FEATURES], won = 0;

    learn(w);
    for (unsigned i = 0; i < TAGS / 2; i++) {
        features(tags[TAGS / 2 + i], x);
        a[i] = score(w, x);
        features(plain[TAGS / 2 + i], x);
        b[i] = score(w, x);
    }
    qsort(a, QN_LEN(a), sizeof a[0], by_value);
    qsort(b, QN_LEN(b), sizeof b[0], by_value);
    for (unsigned i = 0, below = 0; i < QN_LEN(a); i++) {
        while (below < QN_LEN(b) && b[below] < a[i])
            below++;
        won += below;
    }
    return won / ((double)QN_LEN(a) * QN_LEN(b));
}

/* ---- verdicts ------------------------------------------------------------------------------- */

START_TEST(tags_look_like_random_bytes)
{
    double area;

    make_tags(tls_profiles[_i]);
    ck_assert(looks_random((const uint8_t(*)[TAG])plain));
    ck_assert(looks_random((const uint8_t(*)[TAG])tags));
    area = auc();
    ck_assert_msg(area > 0.48 && area < 0.52, "AUC %f", area);
}
END_TEST

/* As if a bit of the payload were not sealed: one place is set seven times in ten. */
START_TEST(a_biased_bit_would_be_noticed)
{
    double area;

    memcpy(tags, plain, TAGS * sizeof tags[0]);
    qn_rng_fill(&t.env, plain, TAGS * sizeof plain[0]);
    plant(77, 20);
    ck_assert_double_gt(worst_place((const uint8_t(*)[TAG])tags), 4.1);
    area = auc();
    ck_assert_msg(area > 0.52, "AUC %f", area);
}
END_TEST

/* A bit cleared in each tag, now here, now there, shows in the number of ones. */
START_TEST(a_lack_of_ones_would_be_noticed)
{
    for (unsigned i = 0; i < TAGS; i++)
        plain[i][i % TAG] &= (uint8_t) ~(1u << i / TAG % 8);
    ck_assert_double_gt(monobit((const uint8_t(*)[TAG])plain), 2.576);
    ck_assert_double_lt(worst_place((const uint8_t(*)[TAG])plain), 4.1);
}
END_TEST

/* Neighbours that repeat each other: as many ones as ever, in fewer runs. */
START_TEST(bits_that_follow_each_other_would_be_noticed)
{
    for (unsigned i = 0; i < TAGS; i++)
        plain[i][i % TAG] = (uint8_t)(plain[i][i % TAG] & 0xfe) | (plain[i][i % TAG] >> 1 & 1);
    ck_assert_double_lt(monobit((const uint8_t(*)[TAG])plain), 2.576);
    ck_assert_double_gt(runs((const uint8_t(*)[TAG])plain), 2.576);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("htx/tag noise");
    TCase *tc = tcase_create("noise");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, tags_look_like_random_bytes, 0, 2);
    tcase_add_test(tc, a_biased_bit_would_be_noticed);
    tcase_add_test(tc, a_lack_of_ones_would_be_noticed);
    tcase_add_test(tc, bits_that_follow_each_other_would_be_noticed);
    suite_add_tcase(s, tc);
    return s;
}

QT_MAIN(suite)

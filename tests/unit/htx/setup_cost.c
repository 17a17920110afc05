/*
 * htx_setup_cost - what making a link over HTX costs client and peer together, beside what one full
 * TLS 1.3 handshake of OpenSSL costs both of its sides.
 *
 * usage: htx_setup_cost [ROUNDS]     200 unless said
 *
 * In memory: no sockets, and the origin's own work is not counted. Everything else is: the hello,
 * the page, both requests, PROOF, message 3, the first record each way. The client checks the
 * origin's certificate against a root, as OpenSSL's client does here. One "name value unit" per
 * line; medians.
 */
#include "duo.h"

#include <stdlib.h>
#include <time.h>

enum { ROUNDS_MAX = 10000, HANDSHAKE, CLIENT, PEER, PQ, BOTH, RATIO, COLUMNS };

static htx_world world;
static htx_duo duo;
static double column[COLUMNS][ROUNDS_MAX];
static double pq;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void htx_nonces_forget(void) /* nobody counts them here: it would take time */
{
}

/* ---- ML-KEM's part: the linker sends its three operations by here -------------------------------
 */

qn_err __real_qn_mlkem_keygen(qn_env *env, const qn_mlkem_secret *secret, qn_mlkem_ek *ek,
                              qn_mlkem_dk *dk);
qn_err __wrap_qn_mlkem_keygen(qn_env *env, const qn_mlkem_secret *secret, qn_mlkem_ek *ek,
                              qn_mlkem_dk *dk);
qn_err __real_qn_mlkem_encaps(qn_env *env, const qn_mlkem_ek *ek, const uint8_t m[32],
                              uint8_t ct[QN_MLKEM_CT], qn_key *shared);
qn_err __wrap_qn_mlkem_encaps(qn_env *env, const qn_mlkem_ek *ek, const uint8_t m[32],
                              uint8_t ct[QN_MLKEM_CT], qn_key *shared);
qn_err __real_qn_mlkem_decaps(qn_env *env, const qn_mlkem_dk *dk, const uint8_t ct[QN_MLKEM_CT],
                              qn_key *shared);
qn_err __wrap_qn_mlkem_decaps(qn_env *env, const qn_mlkem_dk *dk, const uint8_t ct[QN_MLKEM_CT],
                              qn_key *shared);

qn_err __wrap_qn_mlkem_keygen(qn_env *env, const qn_mlkem_secret *secret, qn_mlkem_ek *ek,
                              qn_mlkem_dk *dk)
{
    double begun = now();
    qn_err err = __real_qn_mlkem_keygen(env, secret, ek, dk);

    pq += now() - begun;
    return err;
}

qn_err __wrap_qn_mlkem_encaps(qn_env *env, const qn_mlkem_ek *ek, const uint8_t m[32],
                              uint8_t ct[QN_MLKEM_CT], qn_key *shared)
{
    double begun = now();
    qn_err err = __real_qn_mlkem_encaps(env, ek, m, ct, shared);

    pq += now() - begun;
    return err;
}

qn_err __wrap_qn_mlkem_decaps(qn_env *env, const qn_mlkem_dk *dk, const uint8_t ct[QN_MLKEM_CT],
                              qn_key *shared)
{
    double begun = now();
    qn_err err = __real_qn_mlkem_decaps(env, dk, ct, shared);

    pq += now() - begun;
    return err;
}

/* ---- one link -----------------------------------------------------------------------------------
 */

static void link_once(unsigned round)
{
    static const uint8_t ping[] = {0, 0, 8, 0x18, 0, 0, 0, 0, 0, 0, 0, 2};

    duo.spent[0] = duo.spent[1] = pq = 0;
    htx_duo_dial(&duo);
    htx_duo_run(&duo);
    if (!duo.end[0].established || !duo.end[1].established)
        qt_die("no link came up");
    for (unsigned who = 0; who < 2; who++)
        if (htx_duo_say(&duo, who, qn_slice_of(ping, sizeof ping)) != QN_OK)
            qt_die("a link does not speak");
    htx_duo_run(&duo);
    column[PQ][round] = pq;
    column[CLIENT][round] = duo.spent[DUO_CLIENT];
    column[PEER][round] = duo.spent[DUO_PEER];
    column[BOTH][round] = duo.spent[DUO_CLIENT] + duo.spent[DUO_PEER] - pq;
}

/* ---- one handshake of OpenSSL's
 * ------------------------------------------------------------------ */

static SSL_CTX *make_client(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    (void)SSL_CTX_set1_groups_list(ctx, "X25519");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), world.ca.cert);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), (time_t)QT_EPOCH);
    return ctx;
}

static void handshake_once(SSL_CTX *client_ctx, unsigned round)
{
    double begun = now();
    SSL *server = SSL_new(world.site.tls.ctx), *client = SSL_new(client_ctx);
    BIO *a, *b;
    bool up[2] = {false, false};
    char byte;

    BIO_new_bio_pair(&a, 65536, &b, 65536);
    SSL_set_bio(server, a, a);
    SSL_set_bio(client, b, b);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    SSL_set1_host(client, DECOY);
    for (unsigned i = 0; i < 10 && !(up[0] && up[1]); i++) {
        up[0] = SSL_do_handshake(client) == 1;
        up[1] = SSL_do_handshake(server) == 1;
    }
    if (!up[0] || !up[1])
        qt_die("no handshake");
    (void)SSL_read(client, &byte, 1); /* takes the tickets */
    SSL_free(client);
    SSL_free(server);
    column[HANDSHAKE][round] = now() - begun;
}

/* ---- the report ---------------------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(unsigned which, unsigned rounds)
{
    qsort(column[which], rounds, sizeof column[which][0], by_value);
    return column[which][rounds / 2];
}

static unsigned rounds = 200;

static void report(void)
{
    printf("openssl_handshake_both %.0f us\n", median(HANDSHAKE, rounds) * 1e6);
    printf("htx_link_client %.0f us\n", median(CLIENT, rounds) * 1e6);
    printf("htx_link_peer %.0f us\n", median(PEER, rounds) * 1e6);
    printf("htx_link_of_it_post_quantum %.0f us\n", median(PQ, rounds) * 1e6);
    printf("htx_link_without_post_quantum %.0f us\n", median(BOTH, rounds) * 1e6);
    printf("htx_link_ratio %.2f of a handshake, post-quantum part aside\n", median(RATIO, rounds));
}

/* The harness checks as tests check, so this is one, to Check. */
START_TEST(measure)
{
    SSL_CTX *client;

    htx_duo_open(&duo, &world, 0);
    duo.clock = now;
    client = make_client();
    for (unsigned i = 0; i < rounds; i++) {
        link_once(i);
        handshake_once(client, i);
        column[RATIO][i] = column[BOTH][i] / column[HANDSHAKE][i];
    }
    report();
    SSL_CTX_free(client);
    htx_duo_close(&duo);
}
END_TEST

int main(int argc, char **argv)
{
    long wanted = argc > 1 ? strtol(argv[1], NULL, 10) : 200;
    Suite *s = suite_create("htx setup cost");
    TCase *tc = tcase_create("cost");
    SRunner *r = srunner_create(s);
    int failed;

    if (argc > 2 || wanted < 1 || wanted > ROUNDS_MAX) {
        (void)fprintf(stderr, "usage: htx_setup_cost [ROUNDS]\n");
        return 2;
    }
    rounds = (unsigned)wanted;
    tcase_set_timeout(tc, 0);
    tcase_add_test(tc, measure);
    suite_add_tcase(s, tc);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_MINIMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? 0 : 1;
}

/*
 * Key steps in use: after a step the old key is nowhere, in our memory or in OpenSSL's; who seizes
 * a hop opens nothing from before its last step; and circuits work across thousands of steps.
 */
#include "support/qt.h"

#include "base/engine.h"
#include "chain.h"

#include <openssl/crypto.h>
#include <stdlib.h>

/* ---- OpenSSL's memory, block by block -------------------------------------------------------- */

enum { BLOCKS_MAX = 65536 };

static struct {
    void *p;
    size_t n;
} blocks[BLOCKS_MAX];
static unsigned blocks_n;

static void *hooked_malloc(size_t n, const char *file, int line)
{
    void *p = malloc(n);

    (void)file;
    (void)line;
    if (p != NULL && blocks_n < BLOCKS_MAX) {
        blocks[blocks_n].p = p;
        blocks[blocks_n++].n = n;
    }
    return p;
}

static void hooked_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    for (unsigned i = blocks_n; p != NULL && i-- > 0;)
        if (blocks[i].p == p) {
            blocks[i] = blocks[--blocks_n];
            break;
        }
    free(p);
}

static void *hooked_realloc(void *old, size_t n, const char *file, int line)
{
    void *p = hooked_malloc(n, file, line);

    for (unsigned i = 0; old != NULL && p != NULL && i < blocks_n; i++)
        if (blocks[i].p == old)
            memcpy(p, old, QN_MIN(n, blocks[i].n));
    hooked_free(old, file, line);
    return p;
}

/* ---- looking for a key ----------------------------------------------------------------------- */

static bool holds(const void *where, size_t n, const qn_key *key)
{
    const uint8_t *p = where;

    for (size_t i = 0; i + sizeof key->b <= n; i++)
        if (memcmp(p + i, key->b, sizeof key->b) == 0)
            return true;
    return false;
}

static bool openssl_holds(const qn_key *key)
{
    for (unsigned i = 0; i < blocks_n; i++)
        if (holds(blocks[i].p, blocks[i].n, key))
            return true;
    return false;
}

static chain x;

static bool anybody_holds(const qn_key *key)
{
    return holds(x.hop, sizeof x.hop, key) || holds(&x.circuit, sizeof x.circuit, key) ||
           holds(x.t.env.engine, sizeof *x.t.env.engine, key) || openssl_holds(key);
}

static uint32_t open_chain(unsigned hops)
{
    uint32_t sid;

    chain_open(&x, hops);
    chain_run(&x);
    ck_assert(x.built);
    sid = chain_stream(&x);
    chain_run(&x);
    return sid;
}

/* One S cell this way, all the way. */
static void one_cell(side *from, uint32_t sid)
{
    ck_assert_uint_eq(side_send(from, sid, 10), 10);
    chain_run(&x);
}

static qn_layer *joint_layer(bool forward)
{
    return forward ? &x.hop[1].onion.forward : &x.hop[1].onion.backward;
}

START_TEST(an_old_key_is_nowhere_after_its_step)
{
    bool forward = _i == 0;
    uint32_t sid = open_chain(3);
    qn_layer *end = forward ? &x.hop[2].onion.forward : &x.hop[2].onion.backward;
    qn_key joint_key = joint_layer(forward)->key, end_key = end->key;

    while (joint_layer(forward)->n % QN_LAYER_RATCHET != QN_LAYER_RATCHET - 1)
        one_cell(forward ? &x.client : &x.exit, sid);
    ck_assert(anybody_holds(&joint_key)); /* the search finds what there is */
    while (joint_layer(forward)->n % QN_LAYER_RATCHET != 2)
        one_cell(forward ? &x.client : &x.exit, sid);
    ck_assert_uint_ge(end->n, QN_LAYER_RATCHET);
    ck_assert(!anybody_holds(&joint_key));
    ck_assert(!anybody_holds(&end_key));
    chain_close(&x);
}
END_TEST

/* Nothing passes after the step, so nothing overwrites what the step itself used. */
START_TEST(an_old_key_is_nowhere_at_an_idle_hop)
{
    qt_env t;
    qn_onion o;
    qn_key before;
    uint8_t cell[QN_CELL_S] = {0};

    qt_env_open(&t, 3);
    memset(&before, 0x5a, sizeof before);
    before.b[7] = 1;
    qn_onion_init(&o, &before, &before);
    for (unsigned i = 0; i < QN_LAYER_RATCHET; i++)
        qt_assert_err(qn_onion_end_backward(&o, &t.env, cell, sizeof cell), QN_OK);
    ck_assert_mem_ne(o.backward.key.b, before.b, sizeof before.b);
    ck_assert(!openssl_holds(&before));
    ck_assert(!holds(t.env.engine, sizeof *t.env.engine, &before));
    qt_env_close(&t);
}
END_TEST

START_TEST(no_key_outlives_its_circuit)
{
    uint32_t sid = open_chain(3);
    qn_key keys[6];

    one_cell(&x.client, sid);
    for (unsigned i = 0; i < 2; i++) {
        keys[2 * i] = x.hop[1 + i].onion.forward.key;
        keys[2 * i + 1] = x.hop[1 + i].onion.backward.key;
    }
    keys[4] = x.circuit.layer[0].forward.key;
    keys[5] = x.circuit.layer[1].backward.key;
    qn_circuit_end(&x.circuit);
    chain_run(&x);
    for (unsigned i = 0; i < QN_LEN(keys); i++)
        ck_assert(!anybody_holds(&keys[i]));
    chain_close(&x);
}
END_TEST

/* ---- a hop that is seized -------------------------------------------------------------------- */

enum { KEPT = 200 };

static struct {
    uint8_t cell[KEPT][QN_CELL_S];
    uint64_t n[KEPT]; /* the joint's count before each */
    unsigned count;
} tape; /* what somebody recorded in front of the joint */

static verdict record(chain *c, unsigned at, bool forward, uint8_t *cell, size_t n)
{
    if (at == 1 && forward && n == QN_CELL_S && tape.count < KEPT &&
        c->hop[1].state == QN_HOP_JOINT) {
        memcpy(tape.cell[tape.count], cell, n);
        tape.n[tape.count++] = c->hop[1].onion.forward.n;
    }
    return PASS;
}

START_TEST(a_seized_joint_opens_nothing_from_before_its_last_step)
{
    uint32_t sid = open_chain(3);
    uint64_t last;

    tape.count = 0;
    x.tap = record;
    for (unsigned i = 0; i < 150; i++)
        one_cell(&x.client, sid);
    last = joint_layer(true)->n / QN_LAYER_RATCHET * QN_LAYER_RATCHET;
    ck_assert_uint_ge(last, 2 * QN_LAYER_RATCHET);
    for (unsigned i = 0; i < tape.count; i++) {
        qn_onion seized = x.hop[1].onion;
        qn_err err;

        seized.forward.n = tape.n[i];
        err = qn_onion_joint_forward(&seized, &x.t.env, tape.cell[i], QN_CELL_S);
        qt_assert_err(err, tape.n[i] < last ? QN_AUTH : QN_OK);
    }
    chain_close(&x);
}
END_TEST

/* The last cell of a key comes again as the first of the next one. */
START_TEST(a_replay_across_a_step_ends_the_circuit)
{
    uint32_t sid = open_chain(3);

    tape.count = 0;
    x.tap = record;
    while (joint_layer(true)->n % QN_LAYER_RATCHET != 0)
        one_cell(&x.client, sid);
    put_copy(&x, &x.forward[1], tape.cell[tape.count - 1], QN_CELL_S);
    chain_run(&x);
    ck_assert(x.hop_dead[1] && x.ended);
    qt_assert_err(x.hop_why[1], QN_AUTH);
    chain_close(&x);
}
END_TEST

/* ---- long circuits --------------------------------------------------------------------------- */

START_TEST(a_long_transfer_crosses_many_steps_both_ways)
{
    uint32_t sid = open_chain((unsigned)_i);
    const qn_onion *end = &x.hop[_i - 1].onion, *ours = &x.circuit.layer[_i - 2];

    for (unsigned i = 0; i < 700; i++) {
        size_t n = i % 7 == 0 ? 40000 : 900;

        (void)side_send(&x.client, sid, n);
        (void)side_send(&x.exit, sid, n);
        chain_run(&x);
    }
    ck_assert(!x.ended);
    ck_assert_uint_eq(x.exit.s[sid].got, x.client.s[sid].sent);
    ck_assert_uint_eq(x.client.s[sid].got, x.exit.s[sid].sent);
    ck_assert_uint_ge(end->forward.n, 10 * QN_LAYER_RATCHET);
    ck_assert_uint_ge(end->backward.n, 10 * QN_LAYER_RATCHET);
    ck_assert_mem_eq(end->forward.key.b, ours->forward.key.b, sizeof(qn_key));
    ck_assert_mem_eq(end->backward.key.b, ours->backward.key.b, sizeof(qn_key));
    chain_close(&x);
}
END_TEST

static Suite *ratchet_suite(void)
{
    Suite *s = suite_create("circuit/ratchet");
    TCase *tc = tcase_create("ratchet");

    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, an_old_key_is_nowhere_after_its_step, 0, 2);
    tcase_add_test(tc, an_old_key_is_nowhere_at_an_idle_hop);
    tcase_add_test(tc, no_key_outlives_its_circuit);
    tcase_add_test(tc, a_seized_joint_opens_nothing_from_before_its_last_step);
    tcase_add_test(tc, a_replay_across_a_step_ends_the_circuit);
    tcase_add_loop_test(tc, a_long_transfer_crosses_many_steps_both_ways, 2, 4);
    suite_add_tcase(s, tc);
    return s;
}

/* The hooks count only from before OpenSSL's first allocation. */
int main(void)
{
    if (CRYPTO_set_mem_functions(hooked_malloc, hooked_realloc, hooked_free) != 1)
        qt_die("OpenSSL has allocated already");
    return qt_run(ratchet_suite());
}
